"""Which hearts notebook 02 shows: two ends of a cohort, and a real patient in the patient's own images."""

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import SimulatedCohortSettings, build_simulated_cohort
from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters, true_displacement
from cardiolib.digital_heart.acquisition import AcquisitionSettings, acquire
from cardiolib.imaging import Cine
from cardiolib.meshes import MATCHED_VERTICES
from cardiolib.motion import CohortMotion, Quality, TrackedCohort, TrackedSubject
from cardiolib.motion.tracked import true_surface
from cardiolib.steps import motion as stage
from cardiolib.steps.motion_settings import uses_truth
from cardiolib.work import Work

STILL = AcquisitionSettings(in_plane_shift_mm=0.0, through_plane_shift_mm=0.0, noise_sd=0.01)


@pytest.fixture(scope="module")
def scan():
    return acquire(DigitalHeart(mean_parameters("ph")), STILL, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def truth(scan):
    return np.array(
        [scan.world_from_heart(points) for points in DigitalHeart(mean_parameters("ph")).surface_sequence(PHASES)]
    )


def subject(name, positions, **measures):
    return TrackedSubject(
        name,
        positions[:, MATCHED_VERTICES],
        positions.astype(np.float32),
        Quality(True, (), (), measures),
        positions[:, :0],
    )


def tracked_cohort(*subjects):
    return TrackedCohort(list(subjects), pd.DataFrame())


class Patients:
    """As much of a cohort of real scans as is asked for."""

    simulated, provides = False, frozenset({"images"})

    def __init__(self, **cines):
        self.cines, self.ids = cines, tuple(cines)

    def image(self, subject_id):
        return self.cines[subject_id]


def matrix(*ids):
    return CohortMotion(ids, np.zeros((len(ids), 11514)), 20, "tracked in the images")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    return build_simulated_cohort(
        tmp_path_factory.mktemp("cohort"), seed=3, settings=SimulatedCohortSettings(n_subjects=6, n_imaged=0)
    )


def test_simulated_hearts_are_the_ends_of_the_true_hazard(simulated, tmp_path, truth):
    settings = stage.MotionStageSettings(motion_source="truth")
    pair = stage.two_hearts(
        simulated, tracked_cohort(), matrix(*simulated.ids), settings, Work(seed=0, folder=tmp_path)
    )
    hazard = simulated.log_hazard()
    for (name, positions), one in zip(pair.hearts.items(), (hazard.idxmin(), hazard.idxmax()), strict=True):
        assert f": {one}, true log hazard {hazard[one]:+.1f}" in name
        assert np.array_equal(positions, simulated.true_positions(one))
    assert [name.split(":")[0] for name in pair.hearts] == ["low risk", "high risk"]
    assert "true motion" in pair.title


def test_tracked_motion_is_shown_where_the_matrix_holds_it(simulated, tmp_path, truth):
    settings = stage.MotionStageSettings(motion_source="tracked")
    some = simulated.ids[1:4]
    found = tracked_cohort(*(subject(name, truth) for name in some))
    pair = stage.two_hearts(simulated, found, matrix(*some), settings, Work(seed=0, folder=tmp_path))
    hazard = simulated.log_hazard()[list(some)]
    assert [name.split(": ")[1].split(",")[0] for name in pair.hearts] == [hazard.idxmin(), hazard.idxmax()]
    assert "tracked motion" in pair.title
    lonely = stage.two_hearts(
        simulated, tracked_cohort(found.subjects[0]), matrix(some[0]), settings, Work(seed=0, folder=tmp_path)
    )
    assert "true motion" in lonely.title and len(lonely.hearts) == 2


def test_the_other_motion_moves_beside_the_one_in_the_matrix(simulated, truth):
    one = simulated.ids[0]
    found = tracked_cohort(subject(one, truth))
    known = simulated.true_positions(one)
    for source, shown, other in (
        ("tracked", "tracked in the images", "truth"),
        ("truth", "truth", "tracked in the images"),
    ):
        heart = stage.example_motion(simulated, found, stage.MotionStageSettings(motion_source=source))
        both = {heart.source: heart.positions, **heart.others}
        assert (heart.subject_id, heart.source, list(heart.others)) == (one, shown, [other])
        assert np.array_equal(both["truth"], known)
        apart = np.linalg.norm(both["tracked in the images"][0] - known[0], axis=1)
        assert 0 < apart.mean() < 15  # another heart, placed where this one is


def test_simulated_images_without_their_truth_are_not_called_real(tmp_path, truth):
    class Images(Patients):
        simulated = True

    pd.DataFrame({"RVEF": [55.0, 21.0]}, index=pd.Index(["a", "b"], name="ID")).to_csv(tmp_path / "volumes.csv")
    found = tracked_cohort(*(subject(name, truth) for name in ("a", "b")))
    for source in ("truth", "tracked"):
        settings = stage.MotionStageSettings(motion_source=source)
        heart = stage.example_motion(Images(), found, settings)
        assert heart.source == "tracked in the images" and not heart.others
        pair = stage.two_hearts(Images(), found, matrix("a", "b"), settings, Work(seed=0, folder=tmp_path))
        assert pair.title.startswith("Simulated hearts") and len(pair.hearts) == 2
        assert not uses_truth(Images(), settings)


def test_of_patients_the_ejection_fraction_is_known_and_no_risk(tmp_path, truth):
    table = pd.DataFrame({"RVEF": [55.2, 21.4, np.nan, 12.0]}, index=pd.Index(["007", "a", "b", "lost"], name="ID"))
    table.to_csv(tmp_path / "volumes.csv")
    found = tracked_cohort(*(subject(name, truth) for name in ("007", "a", "b")))
    pair = stage.two_hearts(
        Patients(), found, matrix("007", "a", "b"), stage.MotionStageSettings(), Work(seed=0, folder=tmp_path)
    )
    assert list(pair.hearts) == ["lowest RVEF: a, 21 %", "highest RVEF: 007, 55 %"]
    assert "risk" not in pair.title and "Real patients" in pair.title
    alone = stage.two_hearts(
        Patients(), found, matrix("a", "b"), stage.MotionStageSettings(), Work(seed=0, folder=tmp_path)
    )
    assert not alone.hearts and "1" in alone.lacks


def test_a_patient_in_the_images(scan, truth):
    """Half of the cine's frames, ED in frame 3, an ED/ES pair before it: blood is bright inside, and walls are not."""
    voxels = np.roll(scan.cine.voxels[..., ::2], 3, axis=3)
    cohort = Patients(pair=Cine(scan.cine.voxels[..., [0, 8]], scan.cine.affine), cine=Cine(voxels, scan.cine.affine))
    found = tracked_cohort(subject("pair", truth[[0, 8]]), subject("cine", truth, ed_frame=3.0))
    shown = stage.heart_in_images(cohort, found)
    assert shown.subject_id == "cine" and shown.images.shape == (20, *shown.grid.shape[:2])
    assert shown.frames[[0, 2, 18]].tolist() == [3, 4, 2]
    assert np.ptp(shown.grid[..., 2]) < 1e-6 and abs(shown.grid[0, 0, 2]) <= 5 + 1e-6
    left, right = shown.positions["lv_endo"], shown.positions["rv_endo"]
    assert left[0, -48:, 2].mean() > 20 > -20 > left[0, 0, 2]  # the base is up
    assert left[0, :, 0].mean() > right[0, :, 0].mean() + 15
    level = shown.grid[0, 0, 2]
    for t in (0, 8):
        ring = left[t, np.abs(left[t, :, 2] - level) < 4][:, :2]
        apart = np.linalg.norm(shown.grid[..., :2] - ring.mean(axis=0), axis=-1)
        radius = np.linalg.norm(ring - ring.mean(axis=0), axis=1).mean()
        blood, wall = (
            shown.images[t][apart < 0.6 * radius].mean(),
            shown.images[t][(apart > radius + 2) & (apart < radius + 5)].mean(),
        )
        assert blood > 1.5 * wall


def test_the_frame_of_a_patient_is_right_handed_and_mirrors_are_undone(scan, truth):
    cohort = Patients(one=scan.cine)
    plain = stage.heart_in_images(cohort, tracked_cohort(subject("one", truth)))
    mirror = np.diag([1.0, 1, -1, 1])
    other = Patients(one=Cine(scan.cine.voxels, mirror @ scan.cine.affine))
    seen = stage.heart_in_images(other, tracked_cohort(subject("one", truth * [1, 1, -1], mirrored=1.0)))
    for name in plain.positions:
        assert np.allclose(seen.positions[name], plain.positions[name], atol=1e-3)
    assert np.allclose(seen.grid, plain.grid, atol=1e-3)


def test_no_patient_is_shown_where_there_is_none(simulated, scan, truth):
    nobody = stage.heart_in_images(simulated, tracked_cohort(subject("a", truth)))
    assert nobody.lacks == "No real scans in this cohort." and not nobody.surfaces
    failed = subject("a", np.full_like(truth, np.nan))
    assert stage.heart_in_images(Patients(a=scan.cine), tracked_cohort(failed)).lacks
    real = stage.example_motion(Patients(a=scan.cine), tracked_cohort(subject("a", truth)), stage.MotionStageSettings())
    assert real.source.startswith("real patient")


def test_a_heart_with_a_displacement_field_is_scored_and_others_say_what_they_lack(scan, truth):
    field = true_displacement(DigitalHeart(mean_parameters("ph")), scan)
    patients = Patients(one=scan.cine, two=scan.cine)
    patients.ids_with = lambda what: ("two",) if what == "displacement" else patients.ids
    patients.displacement = lambda subject_id: field
    encoded = stage.encoded_heart(patients, tracked_cohort(subject("one", truth + 9), subject("two", truth)))
    assert encoded.subject_id == "two" and not encoded.lacks and encoded.tagged is None and encoded.dense is None
    assert encoded.cine is scan.cine and encoded.score.summary.loc["all points", "mean_mm"] < 0.7
    patients.ids_with = lambda what: ()
    nothing = stage.encoded_heart(patients, tracked_cohort(subject("two", truth)))
    assert "displacement_sa.nii.gz" in nothing.lacks and nothing.lacks in repr(nothing)
    assert nothing.score.summary.empty and nothing.score.lacks == nothing.lacks


def test_of_a_simulated_heart_all_images_are_made(tmp_path):
    settings = SimulatedCohortSettings(n_subjects=2, n_imaged=1, n_phases=10)
    cohort = build_simulated_cohort(tmp_path / "c", settings=settings, seed=5)
    positions = true_surface(cohort, "PH001")[0]
    encoded = stage.encoded_heart(cohort, tracked_cohort(subject("PH001", positions)))
    assert encoded.tagged.simulated and encoded.dense.simulated and encoded.field.simulated and encoded.score.simulated
    table = encoded.score.summary
    assert table.loc["all points", "mean_mm"] < 0.8 and table.loc["all points", "zero_motion_mm"] > 4
