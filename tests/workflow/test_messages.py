"""What libraries warn of reaches the reader of a report; what comes from files is shown there, never executed."""

from __future__ import annotations

import warnings
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cardiolib.workflow.compute import Compute
from cardiolib.workflow.notebook_output import without_markup
from cardiolib.workflow.notebooks import name_cells, page, render
from cardiolib.workflow.report.messages import messages_html, messages_of
from cardiolib.workflow.report.runs_page import latest_page
from cardiolib.workflow.shown import Shown

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;"""
LIFELINES = (
    "/opt/env/lib/python3.11/site-packages/lifelines/utils/__init__.py:1178: ConvergenceWarning: Newton-Raphson "
    "failed to converge\n  warnings.warn(text)\n"
)


def cell(*said: str, id: str = "a") -> dict:
    outputs = [{"output_type": "stream", "name": "stderr", "text": text} for text in said]
    return {"cell_type": "code", "source": "1", "outputs": outputs, "id": id, "execution_count": 1, "metadata": {}}


@pytest.mark.field_fault("K7")
def test_a_warning_is_told_once_with_its_cells_and_without_folders_of_the_machine() -> None:
    prose = {"cell_type": "markdown", "source": "x"}
    [found] = messages_of([prose, cell(LIFELINES, LIFELINES, id="one"), cell(), cell(LIFELINES, id="three")])
    assert found["kind"] == "ConvergenceWarning" and found["text"] == "Newton-Raphson failed to converge"
    assert found["source"] == "lifelines/utils/__init__.py" and found["count"] == 3
    assert found["cells"] == [{"number": 1, "id": "one"}, {"number": 3, "id": "three"}]
    text = messages_html([found], page="03.html")
    assert "<details" in text and "03.html#cell-id=three" in text and "/opt" not in text


@pytest.mark.field_fault("K7")
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("fits:  40%|####      | 4/10 [00:01<00:02, 3.1it/s]\r", []),
        ("fits: 3it [00:01, 2.5it/s]\n\n", []),
        ("\r\x1b[31mERROR\x1b[0m: In vtkReader.cxx, line 7\n", ["ERROR: In vtkReader.cxx, line 7"]),
        ("fits: 100%|##| 2/2\rreading /mnt/me/data/a.vtk failed\n", ["reading a.vtk failed"]),
        ("/x/a.py:3: UserWarning: one\ntwo\n  code()\nafter\n", ["one\ntwo", "after"]),
        ("<string>:1: RuntimeWarning: divide by zero\n", ["divide by zero"]),
        ("C:/Users/me/a.py:3: FutureWarning: soon\n  x\n", ["soon"]),
    ],
)
def test_bars_are_left_out_and_everything_else_is_kept(said: str, told: list[str]) -> None:
    assert [one["text"] for one in messages_of([cell(said)])] == told


@pytest.mark.field_fault("K7")
def test_the_page_of_a_notebook_folds_them_at_its_end(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    hostile = nbformat.v4.new_output("stream", name="stderr", text=f"/x/y.py:1: UserWarning: {HOSTILE}\n  warn()\n")
    notebook.cells = [nbformat.v4.new_code_cell("f()", outputs=[hostile], id="here")]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    text = render(tmp_path / "a.ipynb")
    assert "<details class='messages'>" in text and "#cell-id=here" in text and 'id="cell-id=here"' in text
    assert "UserWarning" in text and "<script>alert" not in text and "<img" not in text
    assert messages_html([]) == ""


def test_a_cell_whose_name_was_drawn_by_chance_is_named_again(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("a = 1", metadata={"tags": ["injected-parameters"]}, id="fe12ab90")]
    nbformat.write(notebook, tmp_path / "a.ipynb")
    name_cells(tmp_path / "a.ipynb")
    assert nbformat.read(tmp_path / "a.ipynb", 4).cells[0]["id"] == "injected-parameters"


def warns(item: int) -> int:
    warnings.warn(f"unit {item} did not converge", RuntimeWarning, stacklevel=1)
    return item


@pytest.mark.field_fault("K7")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning", "always::RuntimeWarning")
def test_what_a_worker_warns_of_is_warned_of_here() -> None:
    compute = Compute(2)
    try:
        with pytest.warns(RuntimeWarning) as caught:
            assert list(compute(warns, range(3))) == [0, 1, 2]
    finally:
        compute.close()
    told = [str(one.message) for one in caught if one.category is RuntimeWarning]
    assert told == [f"unit {i} did not converge" for i in range(3)]
    assert all(one.filename == __file__ for one in caught if one.category is RuntimeWarning)


class Board(Shown):
    simulated = False


def rendered(thing: object, tmp_path: Path) -> str:
    """What is displayed as it stands in a report."""
    from IPython.core.formatters import format_display_data

    data, metadata = format_display_data(thing)
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("show", outputs=[output])])
    nbformat.write(notebook, tmp_path / "shown.ipynb")
    return render(tmp_path / "shown.ipynb")


@pytest.mark.parametrize(
    "shown",
    [
        lambda board: board.tell(f"1 scan is doubtful: {HOSTILE}"),
        lambda board: board.tell(f"*{HOSTILE}*", f"**two** `{HOSTILE}`"),
        lambda board: board.tell(f"![x](http://example.org/{HOSTILE})"),
        lambda board: board.table(pd.DataFrame({HOSTILE: [HOSTILE]}, index=[HOSTILE]), digits=2),
        lambda board: board.table(pd.DataFrame(), digits=2, lacks=HOSTILE),
    ],
)
def test_nothing_that_came_from_a_file_is_executed_in_a_report(shown, tmp_path: Path) -> None:
    board = Board.__new__(Board)
    text = rendered(shown(board), tmp_path)
    assert "<script>alert" not in text and "<img" not in text
    assert "alert(1)" in text  # it is shown


def test_our_own_emphasis_and_numbers_stay(tmp_path: Path) -> None:
    board = Board.__new__(Board)
    text = rendered(board.tell("**Warning.** P < 0.001, `make smoke`, a & b"), tmp_path)
    assert "<strong>Warning.</strong>" in text and "P &lt; 0.001" in text and "<code>make smoke</code>" in text
    assert without_markup("a & b") == "a & b"


def test_names_of_runs_and_titles_are_text() -> None:
    for text in (latest_page(HOSTILE), page(HOSTILE, "", banner=[HOSTILE])):
        assert "<script>alert" not in text and "<img" not in text


def test_a_figure_to_turn_holds_text_of_files_as_text(tmp_path: Path) -> None:
    import plotly.graph_objects as go

    from cardiolib.figures.interactive import save_interactive

    figure = go.Figure(go.Scatter(x=[0], y=[1], text=[HOSTILE], name=HOSTILE), layout={"title": {"text": HOSTILE}})
    text = save_interactive(figure, tmp_path, "ids", simulated=False).read_text(encoding="utf-8")
    assert "<script>alert" not in text and "<img" not in text
