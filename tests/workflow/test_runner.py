"""Running, skipping with reasons, failing without harm, and going on, on a two-stage table of tiny notebooks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from cardiolib.progress import BARS
from cardiolib.workflow import runner
from cardiolib.workflow.display import StageDisplay
from cardiolib.workflow.errors import ParameterError, StageError
from cardiolib.workflow.lock import run_lock
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES, Stage

PARAMETERS = 'run_folder: str = ""\noutput_folder: str = ""\nseed: int = 0\nworkers: int = 1\nnumber: int = 1\n'
WRITE_SQUARE = "from pathlib import Path\nPath(output_folder, 'square.txt').write_text(str(number ** 2))"
READ_SQUARE = (
    "from pathlib import Path\nvalue = int(Path(run_folder, 'first', 'square.txt').read_text())\n"
    "Path(output_folder, 'half.txt').write_text(str(value // 2))"
)


@dataclass(frozen=True)
class FakeSettings:
    number: int = 1


def write_notebook(path: Path, *cells: str) -> Path:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    first = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    notebook.cells = [first, *(nbformat.v4.new_code_cell(cell) for cell in cells)]
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Path]]:
    """Two stages, `first` and `second`, in place of the real table."""
    paths = {
        "first": write_notebook(tmp_path / "first.ipynb", WRITE_SQUARE),
        "second": write_notebook(tmp_path / "second.ipynb", READ_SQUARE),
    }
    kept = dict(STAGES)
    STAGES.clear()
    for name, after in (("first", ()), ("second", ("first",))):
        STAGES[name] = Stage(
            name=name,
            title=name,
            notebook=str(paths[name]),
            settings=f"{__name__}:FakeSettings",
            after=after,
        )
    monkeypatch.setattr("cardiolib.workflow.run_plan.load_profile", lambda name: {})
    monkeypatch.setattr(Run, "nothing_to_do", lambda self, stage: None)
    yield paths
    STAGES.clear()
    STAGES.update(kept)


def a_run(tmp_path: Path, *overrides: str) -> Run:
    return Run(folder=tmp_path / "run", overrides=overrides, workers=1)


def test_stages_run_once_and_then_not_again(table: dict[str, Path], tmp_path: Path) -> None:
    lines: list[str] = []
    assert runner.run_stages(a_run(tmp_path), say=lines.append) == ["first", "second"]
    assert (tmp_path / "run" / "second" / "half.txt").read_text() == "0"
    assert any("first: running, because it has never run" in line for line in lines)
    assert runner.run_stages(a_run(tmp_path)) == []


def test_a_changed_parameter_is_a_reason_and_unchanged_output_stops_the_cascade(
    table: dict[str, Path], tmp_path: Path
) -> None:
    runner.run_stages(a_run(tmp_path))
    changed = a_run(tmp_path, "first.number=-1")
    assert changed.stale(STAGES["first"]) == ["parameter number changed: 1 -> -1"]
    assert runner.run_stages(changed) == ["first"]  # (-1)^2 = 1^2: the second stage reads the same bytes
    assert runner.run_stages(a_run(tmp_path, "first.number=4")) == ["first", "second"]
    assert (tmp_path / "run" / "second" / "half.txt").read_text() == "8"


def test_a_touched_file_is_no_reason_but_a_changed_cell_is(table: dict[str, Path], tmp_path: Path) -> None:
    runner.run_stages(a_run(tmp_path))
    table["second"].touch()
    assert a_run(tmp_path).stale(STAGES["second"]) == []
    write_notebook(table["second"], READ_SQUARE + "\nprint(value)")
    assert a_run(tmp_path).stale(STAGES["second"]) == ["the notebook changed"]


def test_damaged_outputs_are_a_reason(table: dict[str, Path], tmp_path: Path) -> None:
    runner.run_stages(a_run(tmp_path))
    (tmp_path / "run" / "first" / "square.txt").write_text("7")
    assert a_run(tmp_path).stale(STAGES["first"]) == ["its outputs were changed or removed: square.txt"]


def test_a_failing_stage_names_cell_and_error_and_leaves_earlier_outputs(
    table: dict[str, Path], tmp_path: Path
) -> None:
    runner.run_stages(a_run(tmp_path))
    before = (tmp_path / "run" / "second" / "half.txt").read_text()
    changed = READ_SQUARE.replace("value // 2", "value // 2 + 5")
    write_notebook(table["second"], changed, "left, right = 1, 0\nleft / right")
    with pytest.raises(StageError, match=r"second.*code cell 4 \(cell 4.*left / right") as failure:
        runner.run_stages(a_run(tmp_path))
    assert "ZeroDivisionError: division by zero" in str(failure.value)
    assert (tmp_path / "run" / "second" / "half.txt").read_text() == before
    write_notebook(table["second"], changed)
    assert runner.run_stages(a_run(tmp_path)) == ["second"]
    assert (tmp_path / "run" / "second" / "half.txt").read_text() == "5"


def test_finished_units_survive_a_failure_and_are_dropped_when_the_key_changes(
    table: dict[str, Path], tmp_path: Path
) -> None:
    unit = (
        "from pathlib import Path\nunits = Path(output_folder, 'units')\nseen = units.exists()\n"
        "units.mkdir(exist_ok=True)\nPath(output_folder, 'seen.txt').write_text(str(seen))"
    )
    fail_once = (
        f"from pathlib import Path\nflag = Path({str(tmp_path / 'flag')!r})\n"
        "if not flag.exists():\n    flag.touch()\n    raise OSError('killed')"
    )
    write_notebook(table["first"], unit, fail_once)
    with pytest.raises(StageError, match="killed"):
        runner.run_stages(a_run(tmp_path), until="first")
    runner.run_stages(a_run(tmp_path), until="first")
    assert (tmp_path / "run" / "first" / "seen.txt").read_text() == "True"
    assert not (tmp_path / "run" / "first" / "units").exists()
    (tmp_path / "flag").unlink()
    with pytest.raises(StageError, match="killed"):
        runner.run_stages(a_run(tmp_path, "first.number=2"), until="first")
    runner.run_stages(a_run(tmp_path, "first.number=3"), until="first")
    assert (tmp_path / "run" / "first" / "seen.txt").read_text() == "False"


def test_a_promotion_killed_between_its_renames_is_undone(table: dict[str, Path], tmp_path: Path) -> None:
    runner.run_stages(a_run(tmp_path))
    folder = tmp_path / "run" / "first"
    folder.rename(folder.with_name("first.old"))
    assert runner.run_stages(a_run(tmp_path)) == []
    assert (folder / "square.txt").read_text() == "1"


def test_a_parameter_the_notebook_does_not_know_is_refused(
    table: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "parameters", lambda self, stage, output: {"numbr": 1})
    with pytest.raises(ParameterError, match="no parameter named numbr"):
        runner.run_stages(a_run(tmp_path))


def test_the_record_holds_versions_hashes_and_time(table: dict[str, Path], tmp_path: Path) -> None:
    runner.run_stages(a_run(tmp_path), until="first")
    record = json.loads((tmp_path / "run" / "first" / "stage.json").read_text())
    assert record["versions"]["torch"].startswith("2.13.0")
    assert list(record["outputs"]) == ["square.txt"] and record["seconds"] > 0
    assert record["started"] <= record["ended"] and record["started"].endswith("+00:00")
    assert record["machine"]["cores_count"] >= 1 and record["machine"]["processor"]


def test_a_parameters_cell_holds_assignments_only(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("a = 1\nprint(a)", metadata={"tags": ["parameters"]})]
    nbformat.write(notebook, tmp_path / "x.ipynb")
    with pytest.raises(ParameterError, match="name: type = value"):
        notebook_parameters(tmp_path / "x.ipynb")


def test_what_another_run_has_made_is_taken_over(table: dict[str, Path], tmp_path: Path) -> None:
    runner.run_stages(a_run(tmp_path))
    lines: list[str] = []
    other = Run(folder=tmp_path / "other", overrides=("second.number=5",), workers=1)
    assert runner.run_stages(other, say=lines.append) == ["second"]
    assert "  first: taken over from run run, which has made the same" in lines
    assert (tmp_path / "other" / "first" / "square.txt").read_text() == "1"
    (tmp_path / "run" / "first" / "square.txt").write_text("7")  # a damaged twin is none
    third = Run(folder=tmp_path / "third", workers=1)
    (tmp_path / "other" / "first" / "square.txt").write_text("7")
    assert runner.run_stages(third) == ["first"]  # the twin of the second stage is whole


def test_a_neighbour_that_is_no_run_has_no_twins(table: dict[str, Path], tmp_path: Path) -> None:
    runner.run_stages(a_run(tmp_path))
    (tmp_path / "run" / "run.json").unlink()
    assert runner.run_stages(Run(folder=tmp_path / "other", workers=1)) == ["first", "second"]


def test_two_runs_in_one_folder_are_kept_apart(table: dict[str, Path], tmp_path: Path) -> None:
    run = a_run(tmp_path)
    told = rf"another run is at work in run: process {os.getpid()}"
    with run_lock(run.folder), pytest.raises(StageError, match=told):
        runner.run_stages(run)
    assert runner.run_stages(run) == ["first", "second"]


def test_a_stage_shows_its_cells_and_its_bars(table: dict[str, Path], tmp_path: Path) -> None:
    bar = "from cardiolib.progress import progress\nfor _ in progress(range(3), label='units'):\n    pass"
    write_notebook(table["first"], WRITE_SQUARE, bar)
    display = StageDisplay("first")
    seen: list[str] = []
    display.cell = lambda number, total: seen.append(f"{number}/{total}")  # type: ignore[method-assign]
    run = a_run(tmp_path)
    run.stage_folder("first").parent.mkdir(parents=True, exist_ok=True)
    os.environ[BARS] = "text"
    try:
        runner.run_one(run, STAGES["first"], runner.Compute(1), display)
    finally:
        del os.environ[BARS]
    assert seen == ["1/4", "2/4", "3/4", "4/4"]  # papermill puts its own cell behind the parameters
    assert "units: 100%" in display.line() and "3/3" in display.line()


def test_what_a_stage_reads_is_run_without_the_stage_itself(table: dict[str, Path], tmp_path: Path) -> None:
    assert runner.run_stages(a_run(tmp_path), before="second") == ["first"]
    assert runner.run_stages(a_run(tmp_path), before="first") == []
