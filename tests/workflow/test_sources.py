"""Data that changed are seen, however a cohort is laid out: linked folders, side files, tables above."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort, open_cohort, write_motion_file
from cardiolib.file_tree import files_below
from cardiolib.workflow.by_hand import load_run
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.sources import folder_hashes, source_hash, source_state

pytestmark = pytest.mark.field_fault("K4")


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A cohort whose subjects are links into a store."""
    study = tmp_path / "study"
    study.mkdir()
    for name in ("A1", "B2"):
        store = tmp_path / "store" / f"visit-{name}"
        store.mkdir(parents=True)
        (store / "label_sa.nii.gz").write_text(f"labels of {name}")
        (study / name).symlink_to(store)
    return study


CHANGES: dict[str, Callable[[Path], None]] = {
    "a label of a linked subject": lambda study: _write(study / "A1" / "label_sa.nii.gz", "others"),
    "a file added to a linked subject": lambda study: _write(study / "B2" / "seg.nii.gz", "new"),
    "a file taken from a linked subject": lambda study: (study / "B2" / "label_sa.nii.gz").unlink(),
    "a linked subject added": lambda study: (study / "C3").symlink_to(study.parent / "store" / "visit-A1"),
    "a link that leads elsewhere": lambda study: _relink(study / "A1", study.parent / "store" / "visit-B2"),
    "a subject taken away": lambda study: (study / "B2").unlink(),
    "a linked file": lambda study: _linked_file(study, "changed"),
    "a folder two links deep": lambda study: _two_deep(study),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_lies_behind_links_counts(linked: Path, change: Callable[[Path], None]) -> None:
    _linked_file(linked, "first")
    before, state = source_hash(linked), source_state(linked)
    assert source_hash(linked) == before and source_state(linked) == state
    change(linked)
    assert source_hash(linked) != before and source_state(linked) != state


def test_a_date_alone_changes_nothing_but_is_looked_at(linked: Path) -> None:
    before, state = source_hash(linked), source_state(linked)
    os.utime(linked / "A1" / "label_sa.nii.gz", (1, 1))
    assert source_hash(linked) == before and source_state(linked) != state


def test_links_in_circles_come_to_an_end(linked: Path) -> None:
    for name, target in (("self", "self"), ("up", "."), ("A1/study", linked), ("x", "y"), ("y", "x"), ("gone", "no")):
        (linked / name).symlink_to(target)
    for i in range(30):  # each leads to all others: their number of paths is beyond counting
        folder = linked / f"related{i}"
        folder.mkdir()
        for j in range(30):
            (folder / f"see{j}").symlink_to(linked / f"related{j}")
    hashes = folder_hashes(linked)
    assert hashes["up/"] == "as ." and hashes["A1/study/"] == "as ."
    assert sum(not name.endswith("/") for name in hashes) == 2
    _write(linked / "related7" / "note.txt", "new")
    assert folder_hashes(linked) != hashes


def test_pipes_are_not_waited_for(linked: Path) -> None:
    os.mkfifo(linked / "pipe")
    assert "pipe" not in folder_hashes(linked)


def test_a_folder_that_is_linked_twice_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    _write(tmp_path / "real" / "image", "voxels")
    (tmp_path / "a-link").symlink_to("real")
    found = files_below(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.files] == ["real/image"]
    assert found.again == {tmp_path / "a-link": tmp_path / "real"}


SIDE_FILES = ("motion.json", "motion.npz.json", "simulated.json")


@pytest.mark.parametrize("name", SIDE_FILES)
def test_side_files_of_a_cohort_file_count(tmp_path: Path, name: str) -> None:
    write_motion_file(_two(), tmp_path / "motion.npz")
    before = source_hash(tmp_path / "motion.npz")
    _write(tmp_path / "unrelated.json", "{}")
    assert source_hash(tmp_path / "motion.npz") == before
    side = tmp_path / name
    content = json.loads(side.read_text()) if side.is_file() else {}
    side.write_text(json.dumps({**content, "simulated": True}))
    assert source_hash(tmp_path / "motion.npz") != before


def test_side_files_count_beside_a_link_and_beside_what_it_leads_to(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    write_motion_file(_two(), store / "v3.npz")
    link = tmp_path / "motion.npz"
    link.symlink_to(store / "v3.npz")
    seen = {source_hash(link)}
    for side in (link.with_suffix(".json"), store / "v3.json"):
        _write(side, '{"time_unit": "years"}')
        seen.add(source_hash(link))
    assert len(seen) == 3


def test_the_label_maps_of_one_image_and_the_table_above_a_patient_count(tmp_path: Path) -> None:
    image, patient = tmp_path / "heart.nii.gz", tmp_path / "Training" / "A0"
    patient.mkdir(parents=True)
    _write(image, "image")
    before = source_hash(image), source_hash(patient)
    _write(tmp_path / "heart_gt.nii.gz", "labels")
    _write(tmp_path / "codes.csv", "External code,ED,ES\nA0,0,9\n")
    _write(tmp_path / "unrelated.csv", "a,b\n1,2\n")
    after = source_hash(image), source_hash(patient)
    assert before[0] != after[0] and before[1] != after[1]


def test_a_changed_image_makes_the_stages_that_read_it_stale(linked: Path, tmp_path: Path) -> None:
    """Also where the cohort's table and numbers, which the first stage writes, stay the same."""
    from cardiolib.workflow.cohort_stage import COHORT_FILE

    cohort_file = write_motion_file(_two(), tmp_path / "motion.npz")
    outputs = []
    for note in ("first", "second"):
        side = json.loads(cohort_file.with_suffix(".json").read_text())
        cohort_file.with_suffix(".json").write_text(json.dumps({**side, "notes": [note]}))
        run = Run(cohort=str(cohort_file), folder=tmp_path / "run")
        folder = tmp_path / note
        folder.mkdir()
        _prepare(run, folder)
        outputs.append((folder / COHORT_FILE).read_text())
    assert outputs[0] != outputs[1]


@pytest.mark.field_fault("K13")
def test_a_relative_cohort_is_the_same_for_runner_and_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_motion_file(_two(), tmp_path / "motion.npz")
    monkeypatch.chdir(tmp_path)
    by_path = [Run(cohort=text) for text in ("motion.npz", "./motion.npz", str(tmp_path / "motion.npz"))]
    assert len({run.cohort for run in by_path}) == 1 and len({run.folder for run in by_path}) == 1
    run = Run(cohort="motion.npz", folder=tmp_path / "run")
    _prepare(run, run.stage_folder("cohort"))
    (tmp_path / "run" / "run.json").write_text(
        json.dumps({"profile": run.profile, "cohort": run.cohort, "seed": 1, "overrides": [], "workers": 1})
    )
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    again = load_run(tmp_path / "run", seed=1)
    assert again.cohort == str(tmp_path / "motion.npz") and again.opened.ids == ("a", "b")


@pytest.mark.field_fault("K13")
def test_a_bare_name_and_the_users_home_are_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert Run(cohort="mydata").cohort == Run(cohort="~/mydata").cohort == str(tmp_path / "mydata")
    assert Run(cohort="mydata").name == Run(cohort="~/mydata").name
    assert Run(cohort="simulated-null-hazard").cohort == "simulated-null-hazard"


def test_the_source_is_read_again_only_where_it_was_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cardiolib.files import write_json
    from cardiolib.workflow import run_plan
    from cardiolib.workflow.stages import STAGES

    path = write_motion_file(_two(), tmp_path / "motion.npz")
    run, stage = Run(cohort=str(path), folder=tmp_path / "run"), STAGES["cohort"]
    write_json(
        run.stage_folder("cohort") / "stage.json",
        {"key": run.key(stage), "source_state": run.source_state(), "files": {}},
    )
    kept = run_plan.source_hash
    monkeypatch.setattr(run_plan, "source_hash", lambda path: pytest.fail("read, though nobody touched it"))
    assert run.stale(stage, files=False) == []
    monkeypatch.setattr(run_plan, "source_hash", kept)
    side = path.with_suffix(".json")
    side.write_text(side.read_text().replace("two", "TWO"))
    assert run.stale(stage, files=False) == ["input source changed"]


def test_linked_patients_of_a_dicom_folder_are_read(tmp_path: Path) -> None:
    from cardiolib.digital_heart import DigitalHeart, acquire
    from cardiolib.imaging.dicom import write_simulated_study

    cine = acquire(DigitalHeart(), phases=[t / 12 for t in range(12)]).cine
    write_simulated_study(cine, tmp_path / "store")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "one").symlink_to(tmp_path / "store")
    assert len(open_cohort(tmp_path / "study", salt="a secret")) == 1


def _prepare(run: Run, folder: Path) -> None:
    from cardiolib.workflow.cohort_stage import prepare_cohort
    from cardiolib.workflow.stages import STAGES

    folder.mkdir(parents=True, exist_ok=True)
    prepare_cohort(run, folder, map_units=map, source_hash=run.key(STAGES["cohort"])["inputs"]["source"])


def _two() -> Cohort:
    return Cohort("two", pd.DataFrame(index=["a", "b"]), motion=np.zeros((2, 11514)))


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _relink(link: Path, target: Path) -> None:
    link.unlink()
    link.symlink_to(target)


def _linked_file(study: Path, text: str) -> None:
    target = study.parent / "table.csv"
    target.write_text(text)
    if not (study / "outcomes.csv").is_symlink():
        (study / "outcomes.csv").symlink_to(target)


def _two_deep(study: Path) -> None:
    deep = study.parent / "deep"
    deep.mkdir()
    (deep / "scan.nii.gz").write_text("deep")
    (study.parent / "store" / "visit-A1" / "later").symlink_to(deep)
