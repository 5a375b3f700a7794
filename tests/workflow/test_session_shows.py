"""What a notebook shows: figures, tables, or the sentence in which a result says what it lacks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import plotly.graph_objects as go
import pytest

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import new_figure
from cardiolib.workflow.session import Session
from cardiolib.workflow.stages import STAGES

LACKS = "This cohort has no reference labels."


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A stage that is open in a pipeline, on a cohort of which nothing is known but that it is simulated."""
    made = SimpleNamespace(simulated=True, provides=frozenset({"truth"}), name="made")
    monkeypatch.setattr("cardiolib.workflow.session.open_run_cohort", lambda run: made)
    return Session(STAGES["segmentation"], tmp_path, tmp_path / "out", seed=1, workers=1, in_pipeline=True)


def test_a_figure_is_stored_with_its_numbers(session: Session) -> None:
    figure, axes = new_figure(40, 30)
    axes[0, 0].plot([1, 2])
    session.show("01_training", Drawing(figure, pd.DataFrame({"y": [1, 2]})))
    turned = session.show_interactive("01_shape_model", Drawing(go.Figure(go.Scatter(x=[1], y=[2]))))
    assert "01_shape_model.html" in turned._repr_html_()
    names = {path.name for path in (session.folder / "figures").iterdir()}
    assert {"01_training.png", "01_training.svg", "01_training.csv", "01_shape_model.html"} <= names


def drawn(value: float = 1.0) -> Drawing:
    figure, axes = new_figure(40, 30)
    axes[0, 0].plot([1, value])
    return Drawing(figure, pd.DataFrame({"y": [value]}))


def test_a_reading_is_made_of_the_numbers_that_are_drawn(session: Session) -> None:
    told = session.show("01_training", drawn(2.0), lambda table: f"It is {table['y'].iloc[0]:.1f}.", "So there.")
    assert told.data == "It is 2.0. So there."


def test_what_is_not_drawn_has_no_reading(session: Session) -> None:
    assert session.show("01_training", Drawing.lacking(LACKS), lambda table: f"{len(table)}").data == f"*{LACKS}*"


def test_a_slider_leaves_a_still_figure_for_pages_without_a_kernel(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[object] = []
    monkeypatch.setattr("IPython.display.display", lambda *things: shown.extend(things))
    given = {"start": 3, "reading": lambda table: f"It is {table['y'].iloc[0]:.0f}.", "level": range(5)}
    assert session.slide("01_training", drawn, **given).data == "It is 3."
    assert (session.folder / "figures" / "01_training.png").is_file()
    assert [type(one).__name__ for one in shown] == ["Image"]  # in a pipeline nobody can move a slider
    session._in_pipeline = False
    session.slide("01_training", drawn, **given)
    [slider, _] = shown[1].children
    assert slider.options == (0, 1, 2, 3, 4) and slider.value == 3 and slider.description == "level"


def test_what_cannot_be_drawn_is_said_and_does_not_count_as_forgotten(session: Session) -> None:
    names = {Path(name).stem for name in session.stage.declared_files()}
    for name in names:
        assert session.show(name, Drawing.lacking(LACKS)).data == f"*{LACKS}*"
    assert session.show_interactive("01_shape_model", Drawing.lacking(LACKS)).data == f"*{LACKS}*"
    session.finish()
    assert (session.folder / "record.json").read_text(encoding="utf-8").count(LACKS) == len(names)


def test_a_figure_that_was_forgotten_is_an_error(session: Session) -> None:
    with pytest.raises(RuntimeError, match="01_training"):
        session.finish()


def test_a_table_without_rows_is_the_sentence_of_its_result(session: Session) -> None:
    assert session.table(pd.DataFrame(), digits=2, lacks=LACKS).data == f"*{LACKS}*"
    shown = session.table(pd.DataFrame({"a": [1.234, None]}), digits=2, absent="not known", lacks="").data
    assert "1.23" in shown and "not known" in shown


def test_what_a_notebook_is_about_decides_the_mark(session: Session) -> None:
    assert session.simulated  # as the cohort
    scan = session.about(SimpleNamespace(simulated=False))
    assert not scan.simulated and not session.simulated
    session.about(SimpleNamespace(simulated=True))
    assert session.simulated


def test_a_page_is_kept_and_shown_in_a_frame_or_by_its_place(session: Session, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>heart</p>")
    frame = session.show_page("00_page", tmp_path / "page.html")._repr_html_()
    assert "figures/00_page.html" in frame and "title=" in frame
    assert (session.folder / "figures" / "00_page.html").read_text() == "<p>heart</p>"
    session._in_pipeline = False
    assert "00_page.html`. Open it in a browser" in session.show_page("00_page", tmp_path / "page.html").data
