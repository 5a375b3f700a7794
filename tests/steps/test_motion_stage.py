from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import SimulatedCohortSettings, build_simulated_cohort, open_cohort
from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.imaging import Cine, write_label_map
from cardiolib.meshes import MATCHED_VERTICES, write_motion_folder
from cardiolib.motion import Quality, TrackedCohort, TrackedSubject, write_surfaces
from cardiolib.motion.tracked import IMAGES_ALONE, TRACKING
from cardiolib.steps import motion as stage
from cardiolib.work import Work


@pytest.mark.parametrize("change", [{"motion_source": "guess"}, {"effort": "some"}, {"max_scans": -1}])
def test_settings_name_the_wrong_field(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        stage.MotionStageSettings(**change)


def test_nothing_is_compared_where_the_population_is_not_used(tmp_path):
    class Real:
        provides = frozenset({"images"})

    for cohort, prior in ((Real(), "population"), (object(), "none")):
        settings = stage.MotionStageSettings(prior=prior)
        if prior == "none":
            cohort = type("Simulated", (), {"provides": frozenset({"truth"})})()
        assert (
            stage.track_images_alone(
                cohort, settings, Work(seed=0, folder=tmp_path, inputs={"segmentation": tmp_path})
            ).subjects
            == []
        )


def test_tracked_subjects_open_as_a_4dsegment_folder(tmp_path, monkeypatch):
    """What `track_cohort` leaves behind; tracking itself is replaced by hearts that are known."""
    truth = DigitalHeart(mean_parameters("ph")).surface_sequence(PHASES)

    def found(unit):
        points = truth if unit.subject_id != "lost" else np.full_like(truth, np.nan)
        one = TrackedSubject(
            unit.subject_id,
            points[:, MATCHED_VERTICES],
            points.astype(np.float32),
            Quality(True, (), (), {}),
            points[:, :0],
        )
        if unit.subject_id != "lost":
            folder = Path(unit.layout_folder) / unit.subject_id / "motion"
            write_motion_folder(one.positions, folder, simulated=one.simulated)
            write_surfaces(points, folder, meshes=unit.meshes, simulated=one.simulated)
        return one

    monkeypatch.setattr("cardiolib.motion.subjects.track_subject", found)
    monkeypatch.setattr("cardiolib.steps.motion.N_WHOLE", 1)
    segmented = tmp_path / "segmentation"
    segmented.mkdir()
    pd.DataFrame({"ID": ["p1", "lost", "p2"]}).to_csv(segmented / "measures.csv", index=False)

    class Patients:
        provides = frozenset({"images"})
        simulated = True

        def image(self, subject_id):
            return Cine(np.zeros((4, 4, 4, 2)), np.eye(4))

    stage.track_cohort(
        Patients(),
        stage.MotionStageSettings(),
        Work(seed=0, folder=tmp_path / "out", inputs={"segmentation": segmented}),
    )
    with np.load(tmp_path / "out" / "tracked_positions.npz") as stored:
        assert stored["simulated"] and {"positions/p1", "positions/p2"} < set(stored.files)
    layout = tmp_path / "out" / "4Dsegment"
    cohort = open_cohort(layout)
    assert cohort.simulated
    assert cohort.ids == ("p1", "p2") and cohort.provides == {"motion"}
    assert np.allclose(cohort.positions("p2"), truth[:, MATCHED_VERTICES], atol=1e-5)
    assert cohort.motion_matrix()[1].shape == (2, 11514)
    assert (layout / "p1" / "motion" / "LV_endo_fr19.vtk").is_file()
    assert {path.suffix for path in (layout / "p2" / "motion").iterdir()} == {".txt", ".vtk"}
    assert not (layout / "p2" / "motion" / "LV_endo_fr19.vtk").exists() and not (layout / "lost").exists()
    assert len(pd.read_csv(tmp_path / "out" / "curves.csv")) == 40


def test_errors_are_not_known_for_real_hearts_and_nobody_flagged_is_said():
    real = type("Real", (), {"provides": frozenset({"images"})})()
    quality = pd.DataFrame({"ok": [True, True], "reasons": ["", ""]}, index=["a", "b"])
    tracked = TrackedCohort([], quality)
    errors = stage.cohort_errors(real, tracked)
    assert errors.lacks.startswith("Real hearts") and errors.summary.empty and errors.tracking_alone.empty
    assert tracked.remarks == ["No subject was flagged."]
    flagged = TrackedCohort([], quality.assign(ok=[True, False], reasons=["", "folded"]))
    assert flagged.remarks == ["b: folded"]
    judged = TrackedCohort([], quality.assign(segmentation=["ok", "do not use"]))
    assert (
        judged.remarks[0] == "No subject was flagged." and "1 of 2 subjects should not be used (b)" in judged.remarks[1]
    )


def test_doubtful_segmentations_are_left_out_only_when_asked_and_then_named(tmp_path):
    still = np.zeros((20, len(MATCHED_VERTICES), 3)) + np.random.default_rng(0).normal(size=(len(MATCHED_VERTICES), 3))
    subjects = [
        TrackedSubject(name, still, still.astype(np.float32), Quality(True, (), (), {}), still[:, :0]) for name in "abc"
    ]
    quality = pd.DataFrame(
        {"segmentation": ["ok", "do not use", "look at it"], "segmentation_reasons": ["", "torn", "thin"]},
        index=pd.Index(list("abc"), name="ID"),
    )
    names = ["rv_edv_ml", "rv_esv_ml", "rvef_percent", "lv_edv_ml", "lv_esv_ml", "lvef_percent"]
    segmented = tmp_path / "segmentation"
    segmented.mkdir()
    pd.DataFrame(1.0, index=quality.index, columns=names).to_csv(segmented / "measures.csv")
    real = type("Real", (), {"provides": frozenset({"images"}), "simulated": False, "name": "real"})()
    work = Work(seed=0, folder=tmp_path, inputs={"segmentation": segmented})
    tracked = TrackedCohort(subjects, quality)
    everyone = stage.assemble_motion(real, tracked, stage.MotionStageSettings(), work)
    verdicts = pd.read_csv(tmp_path / "segmentation_verdicts.csv", index_col="ID")
    assert everyone.ids == ("a", "b", "c") and "left out" not in everyone.source
    assert verdicts["verdict"].tolist() == ["ok", "do not use", "look at it"] and verdicts.loc["b", "reasons"] == "torn"
    strict = stage.MotionStageSettings(leave_out_doubtful=True)
    believed = stage.assemble_motion(real, tracked, strict, work)
    assert believed.ids == ("a", "c") and believed.source.endswith("left out: b")
    assert pd.read_csv(tmp_path / "segmentation_verdicts.csv")["ID"].tolist() == ["a", "c"]
    with pytest.raises(ValueError, match="leaves nobody"):
        stage.assemble_motion(real, TrackedCohort(subjects, quality.assign(segmentation="do not use")), strict, work)


@pytest.mark.slow
def test_notebook_02_from_images_to_matrix(tmp_path):
    """Under true labels: tracking beats zero motion, and the matrix opens as a cohort."""
    cohort = build_simulated_cohort(
        tmp_path / "cohort",
        settings=SimulatedCohortSettings(n_subjects=3, n_imaged=1, randomise_acquisition=False),
        seed=1,
    )
    (name,), segmented, out = cohort.ids_with("images"), tmp_path / "segmentation", tmp_path / "motion"
    write_label_map(cohort.labels(name)[0], segmented / name / "label_sa.nii.gz")
    pd.DataFrame({"ID": [name]}).to_csv(segmented / "measures.csv", index=False)
    settings = stage.MotionStageSettings(motion_source="tracked", effort="fast")
    tracked = stage.track_cohort(cohort, settings, Work(seed=1, folder=out, inputs={"segmentation": segmented}))
    motion = stage.assemble_motion(
        cohort, tracked, settings, Work(seed=0, folder=out, inputs={"segmentation": segmented})
    )
    ids, X = open_cohort(out / "motion.npz").motion_matrix()
    assert tuple(ids) == (name,) == motion.ids and np.array_equal(X, motion.X) and X.shape == (1, 11514)
    alone = stage.track_images_alone(cohort, settings, Work(seed=1, folder=out, inputs={"segmentation": segmented}))
    errors = stage.cohort_errors(cohort, tracked, alone)
    table = errors.summary
    assert table["error_mm"].mean() < 0.5 * table["zero_motion_mm"].mean(), table.to_string()
    assert table.loc[TRACKING, "error_mm"].mean() < table.loc[IMAGES_ALONE, "error_mm"].mean()
    metrics = stage.motion_metrics(cohort, tracked, motion, errors)
    assert metrics["tracking_lv_es_mm"] < metrics["images_alone_lv_es_mm"]
    truth = stage.assemble_motion(
        cohort,
        tracked,
        stage.MotionStageSettings(motion_source="truth"),
        Work(seed=0, folder=out, inputs={"segmentation": segmented}),
    )
    assert truth.X.shape == (3, 11514) and truth.source.startswith("material truth")
