"""What pages embed: pictures by their files, programs in files, tables in boxes."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from pathlib import Path

from PIL import Image

from cardiolib.figures import interactive
from cardiolib.workflow.report.embedded import (
    PLOTLY_FILE,
    figure_files,
    figures_by_file,
    in_scroll_boxes,
    programs_by_file,
)


def a_png(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (40, 20), colour).save(buffer, "png")
    return buffer.getvalue()


def test_a_picture_that_has_a_file_is_linked_and_keeps_its_text_and_shape(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(a_png("red"))
    (tmp_path / "a.png").write_bytes(a_png("red"))
    inside = '<img alt="words" src="data:image/png;base64,{}" width="400"/>'
    body = inside.format(b64encode(a_png("red")).decode()) + inside.format(b64encode(a_png("blue")).decode())
    linked, kept = figures_by_file(body, figure_files(tmp_path)).split("<img")[1:]
    assert 'src="figures/a.png"' in linked and "base64" in kept
    for one in (linked, kept):
        assert 'alt="words"' in one and 'width="400" height="200"' in one


def test_long_programs_of_a_page_are_kept_beside_it(tmp_path: Path) -> None:
    plotly, long, short = f"/**\n* plotly.js v9\n{'x' * 300_000}*/", "y" * 300_000, "z()"
    data = f"<script type='application/json' data-role='data'>{'1' * 300_000}</script>"
    page = f"{data}<script>{plotly}</script><script>{long}</script><script>{short}</script>"
    made = programs_by_file(page, tmp_path, "p")
    assert made == f"{data}<script src='{PLOTLY_FILE}'></script><script src='p.1.js'></script><script>{short}</script>"
    assert (tmp_path / "p.1.js").read_text(encoding="utf-8") == long
    assert (tmp_path / PLOTLY_FILE).read_text(encoding="utf-8") == plotly
    (tmp_path / PLOTLY_FILE).write_text("as it was", encoding="utf-8")
    programs_by_file(page, tmp_path, "p")
    assert (tmp_path / PLOTLY_FILE).read_text(encoding="utf-8") == "as it was"  # other pages read it
    assert PLOTLY_FILE == interactive.PLOTLY_FILE


def test_every_table_has_a_box() -> None:
    assert in_scroll_boxes("<table a>1</table><p><table>2</table>").count("<div class='scroll'><table") == 2
