"""Storing figures: same bytes, numbers beside them, the simulated mark never over data."""

import hashlib
import subprocess
import sys
from unittest import mock

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from cardiolib.figures.style import SIMULATED_TEXT, new_figure, panel_letters, round_limits, save_figure, styled

PROGRAM = """
import sys
import numpy as np, pandas as pd
from cardiolib.figures.style import new_figure, save_figure
figure, axes = new_figure(89, 60, ncols=2)
axes[0, 0].plot(np.arange(5), label="a"); axes[0, 1].imshow(np.eye(4)); figure.legend(loc="outside upper left")
save_figure(figure, sys.argv[1], "f", pd.DataFrame({"y": np.arange(5)}), simulated=True)
"""


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_bytes_are_the_same_from_process_to_process(tmp_path):
    subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "one")], check=True)
    with mock.patch.object(sys, "argv", ["", str(tmp_path / "two")]):
        exec(PROGRAM, {})
    first = digests(tmp_path / "one")
    assert set(first) == {"f.png", "f.svg", "f.csv"} and first == digests(tmp_path / "two")
    assert "<dc:date>" not in (tmp_path / "one" / "f.svg").read_text()


def test_readers_settings_change_nothing(tmp_path):
    @styled
    def draw():
        figure, axes = new_figure(60, 40)
        axes[0, 0].plot([1, 2])
        return figure

    save_figure(draw(), tmp_path / "a", "f", simulated=False)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "savefig.bbox": "tight", "lines.linewidth": 9}):
        save_figure(draw(), tmp_path / "b", "f", simulated=False)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def test_png_has_the_size_asked_for_and_grows_by_the_strip(tmp_path):
    for simulated in (False, True):
        figure, axes = new_figure(127, 50.8)
        axes[0, 0].plot([0, 1], [0, 1], color="#ff0000")
        save_figure(figure, tmp_path, f"f{simulated}", simulated=simulated)
    plain, marked = imread(tmp_path / "fFalse.png"), imread(tmp_path / "fTrue.png")
    assert plain.shape[:2] == (400, 1000)
    assert marked.shape[1] == 1000 and marked.shape[0] == pytest.approx(439, abs=1)

    def red(image):
        rows, columns = np.nonzero((image[..., 0] > 0.9) & (image[..., 1] < 0.3))
        return np.array([rows.min(), rows.max(), columns.min(), columns.max()])

    assert np.abs(red(plain) - red(marked)).max() <= 1  # the picture itself is unchanged above the strip
    assert (plain[-1] == 1).all()


def test_mark_is_drawn_once_and_below_everything(tmp_path):
    figure, axes = new_figure(89, 50, ncols=2)
    axes[0, 0].set_xlabel("long label below")
    axes[0, 0].plot([1], label="x")
    figure.legend(loc="outside lower left")
    for _ in range(2):
        save_figure(figure, tmp_path, "f", simulated=True)
    marks = [text for text in figure.texts if text.get_text() == SIMULATED_TEXT]
    assert len(marks) == 1
    figure.draw_without_rendering()
    top = marks[0].get_window_extent().y1
    assert top < min(ax.get_tightbbox().y0 for ax in figure.axes)
    assert top < figure.legends[0].get_window_extent().y0


def test_tables_are_stored_as_drawn(tmp_path):
    figure, _ = new_figure()
    table = pd.DataFrame({"x": [1.5, np.nan], "name": ["a", "b"]})
    paths = save_figure(figure, tmp_path, "f", {"": table, "more": table.set_index("name")}, simulated=False)
    assert [path.name for path in paths] == ["f.png", "f.svg", "f.csv", "f_more.csv"]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "f.csv"), table)
    assert list(pd.read_csv(tmp_path / "f_more.csv").columns) == ["name", "x"]
    with pytest.raises(ValueError, match="name"):
        save_figure(figure, tmp_path, "../f", simulated=False)


def test_letters_and_limits():
    _, axes = new_figure(ncols=2)
    axes[0, 0].set_title("first", loc="left")
    panel_letters(axes)
    assert axes[0, 0].get_title(loc="left") == "a   first" and axes[0, 1].get_title(loc="left") == "b"
    assert round_limits([1, 3, np.nan]) == (0.9, 3.1)
    assert round_limits([2, 2])[0] < 2 < round_limits([2, 2])[1] and round_limits([]) == (0, 1)
