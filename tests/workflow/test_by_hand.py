"""A notebook opened by a person: what it is told, what is kept, what is refused, and that nothing is run unasked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardiolib.files import write_json
from cardiolib.steps.survival import SurvivalStageSettings
from cardiolib.workflow import by_hand, folders, papermill_call, provenance
from cardiolib.workflow.errors import ParameterError, StageError
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.session import PIPELINE, begin
from cardiolib.workflow.stages import STAGES

SETTINGS = SurvivalStageSettings(epochs=3)


def finish(run: Run, *stages: str) -> None:
    """Records of finished stages, as far as keys go; no outputs."""
    for name in stages:
        key = run.key(STAGES[name])
        write_json(
            run.stage_folder(name) / "stage.json",
            {"key": key, "seconds": 60.0, "output_hash": f"hash of {name}", "outputs": {}, "files": {}},
        )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of the smoke profile whose stages before notebook 03 are finished."""
    run = Run(profile="smoke", folder=tmp_path / "smoke")
    write_json(
        run.folder / "run.json",
        {"profile": "smoke", "cohort": "simulated", "seed": run.seed, "overrides": [], "workers": 0},
    )
    finish(run, "cohort", "segmentation", "motion")
    return run


def test_finished_inputs_need_no_word(run: Run) -> None:
    inputs = by_hand.inputs_of(STAGES["survival"], run)
    assert inputs.stale == {} and inputs.sentence() == ""


def test_a_missing_stage_is_named_with_what_it_costs_and_how_to_get_it(run: Run) -> None:
    (run.stage_folder("motion") / "stage.json").unlink()
    sentence = by_hand.inputs_of(STAGES["survival"], run).sentence()
    for part in (
        "2 Motion: it has never run",
        "two to six minutes",
        "session.prepare()",
        "`make smoke`",
        "Nothing has been run",
    ):
        assert part in sentence
    assert "use_as_is" not in sentence


def test_a_stale_stage_costs_what_it_took_the_last_time(run: Run) -> None:
    record = json.loads((run.stage_folder("motion") / "stage.json").read_text())
    record["key"]["layers"]["motion"] = "another"
    write_json(run.stage_folder("motion") / "stage.json", record)
    sentence = by_hand.inputs_of(STAGES["survival"], run).sentence()
    assert "2 Motion: layer motion changed" in sentence and "about 1:00" in sentence and "use_as_is" in sentence


def test_what_a_stage_reads_through_another_is_looked_at_too(run: Run) -> None:
    record = json.loads((run.stage_folder("segmentation") / "stage.json").read_text())
    write_json(run.stage_folder("segmentation") / "stage.json", {**record, "key": {**record["key"], "seed": 5}})
    assert list(by_hand.inputs_of(STAGES["survival"], run).stale) == ["segmentation"]


def test_the_make_line_carries_the_runs_own_values() -> None:
    run = Run(profile="paper", cohort="simulated-null-hazard", seed=4, overrides=("survival.latent=8",))
    assert by_hand.make_command(run) == (
        "make reproduce PROFILE=paper COHORT=simulated-null-hazard SEED=4 PARAMS='survival.latent=8'"
    )
    assert by_hand.make_command(Run(profile="smoke")) == "make smoke"


def test_begin_runs_nothing_and_reading_what_is_missing_says_why(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PIPELINE, raising=False)
    (run.stage_folder("motion") / "stage.json").unlink()
    session = begin("survival", SETTINGS, run_folder=str(run.folder), seed=run.seed)
    with pytest.raises(StageError, match="2 Motion: it has never run"):
        session.work.input("motion")
    with pytest.raises(StageError, match="Nothing has been run"):
        session.cohort  # noqa: B018
    with pytest.raises(StageError, match="Nothing has been run"):
        session.use_as_is()
    finish(run, "motion")
    session = begin("survival", SETTINGS, run_folder=str(run.folder), seed=run.seed)
    assert session.work.input("motion") == run.folder / "motion"


@pytest.mark.parametrize("asked_by", ["a person", "papermill"])
def test_what_is_prepared_opens_the_notebooks_folder_for_the_new_inputs(
    run: Run, monkeypatch: pytest.MonkeyPatch, asked_by: str
) -> None:
    """After the inputs have been run, and once for that: results that still fit stay."""
    monkeypatch.delenv(PIPELINE, raising=False)
    monkeypatch.setattr("cardiolib.workflow.session.by_papermill", lambda: asked_by == "papermill")
    monkeypatch.setattr(by_hand, "prepare", lambda inputs, show: finish(run, *inputs.stale))
    opened = []
    really = by_hand.open_own_folder
    monkeypatch.setattr(by_hand, "open_own_folder", lambda *a, **k: opened.append(1) or really(*a, **k))
    begin("survival", SETTINGS, run_folder=str(run.folder), seed=run.seed)
    earlier = run.folder / "survival.lab" / "metrics.json"
    write_json(earlier, {})
    record = json.loads((run.stage_folder("motion") / "stage.json").read_text())
    write_json(run.stage_folder("motion") / "stage.json", {**record, "key": {**record["key"], "environment": "old"}})
    opened.clear()
    session = begin("survival", SETTINGS, run_folder=str(run.folder), seed=run.seed)
    if asked_by == "a person":
        session.prepare()
    session.prepare()  # nothing is left to do
    assert len(opened) == (2 if asked_by == "a person" else 1)  # a person's notebook was open before
    assert earlier.is_file() and (session.folder / "figures").is_dir()
    assert session.work.input("motion") == run.folder / "motion"


def test_stale_results_are_read_only_when_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PIPELINE, raising=False)
    record = json.loads((run.stage_folder("motion") / "stage.json").read_text())
    write_json(run.stage_folder("motion") / "stage.json", {**record, "key": {**record["key"], "environment": "old"}})
    session = begin("survival", SETTINGS, run_folder=str(run.folder), seed=run.seed)
    with pytest.raises(StageError, match="the environment changed"):
        session.work.input("motion")
    session.use_as_is()
    assert session.work.input("motion") == run.folder / "motion"


def open_folder(run: Run, settings: SurvivalStageSettings, seed: int = 1) -> str:
    return by_hand.open_own_folder(STAGES["survival"], run, run.folder / "survival.lab", settings=settings, seed=seed)


def test_the_same_notebook_again_keeps_everything(run: Run) -> None:
    assert open_folder(run, SETTINGS) == ""
    kept = run.folder / "survival.lab" / "units" / "one.json"
    write_json(kept, {})
    assert open_folder(run, SETTINGS) == "" and kept.is_file()


def test_a_changed_parameter_removes_results_and_keeps_units_that_are_keyed_themselves(run: Run) -> None:
    open_folder(run, SETTINGS)
    folder = run.folder / "survival.lab"
    write_json(folder / "units" / "one.json", {})
    write_json(folder / "metrics.json", {})
    said = open_folder(run, replace(SETTINGS, epochs=4))
    assert "parameter epochs changed: 3 -> 4" in said and "units" in said
    assert (folder / "units" / "one.json").is_file() and not (folder / "metrics.json").exists()


def test_other_inputs_remove_units_too(run: Run) -> None:
    open_folder(run, SETTINGS)
    folder = run.folder / "survival.lab"
    write_json(folder / "units" / "one.json", {})
    assert "seed changed" in open_folder(run, SETTINGS, seed=2)
    assert not (folder / "units").exists()


def test_the_notebooks_file_is_no_part_of_the_key_by_hand(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    open_folder(run, SETTINGS)
    monkeypatch.setattr(provenance, "notebook_hash", lambda path: "saved by the editor")
    assert open_folder(run, SETTINGS) == ""


def test_wrong_types_are_refused_by_begin(run: Run) -> None:
    wrong = object.__new__(SurvivalStageSettings)
    wrong.__dict__.update({**SETTINGS.__dict__, "epochs": "many"})
    with pytest.raises(ParameterError, match="survival.epochs must be int"):
        begin("survival", wrong, run_folder=str(run.folder), seed=1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("epoch", "no parameter 'epoch'.*did you mean 'epochs'"),
        ("latent", r"part of fixed; give -y 'fixed: \{latent"),
    ],
)
def test_names_that_papermill_injects_and_nobody_knows_are_refused(
    name: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = ["", "import x", "# Parameters\nepochs = 2\n", f"# Parameters\n{name} = 20\n"]
    shell = SimpleNamespace(user_ns={"In": cells})
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    with pytest.raises(ParameterError, match=message):
        papermill_call.refuse_unknown_names(STAGES["survival"])
    cells.append("# Parameters\nepochs = 20\n")
    papermill_call.refuse_unknown_names(STAGES["survival"])


def test_folders_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert folders.located("data/derived/x") == folders.DERIVED / "x" == folders.located("x")
    assert folders.located(str(tmp_path / "x")) == tmp_path / "x"
    write_json(tmp_path / "a" / "run.json", {})
    assert folders.located("", derived=tmp_path).name.startswith("default-simulated-")
    write_json(tmp_path / "newest.json", {"run": "a"})
    assert folders.located("", derived=tmp_path) == tmp_path / "a"
