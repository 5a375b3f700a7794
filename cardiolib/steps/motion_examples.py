"""Hearts of the cohort to look at: one, two that differ, one in its own images, one whose motion was measured."""

from __future__ import annotations

from cardiolib.cohorts import Cohort, SimulatedCohort
from cardiolib.files import read_table_by_id
from cardiolib.imaging import displacement_from_dense
from cardiolib.meshes import MATCHED_VERTICES, decimated_mesh, template_mesh
from cardiolib.motion.displacement_score import score_displacement
from cardiolib.motion.examples import EncodedHeart, HeartInImages, MovingHeart, TwoHearts
from cardiolib.motion.heart_in_cine import heart_in_cine
from cardiolib.motion.tracked import CohortMotion, TrackedCohort
from cardiolib.steps.motion_settings import MotionStageSettings, uses_truth
from cardiolib.work import Work

TRACKED = "tracked in the images"
NO_FIELD = "No tracked subject of this cohort has a displacement field beside its cine (displacement_sa.nii.gz)."


def example_motion(cohort: Cohort, tracked: TrackedCohort, settings: MotionStageSettings) -> MovingHeart:
    """A heart to look at, the first that was tracked: true or tracked motion as in the matrix, the other beside it."""
    template, usable = template_mesh().points[MATCHED_VERTICES], tracked.usable
    mesh, true = decimated_mesh(template), uses_truth(cohort, settings)
    if not usable and not true:
        raise ValueError("no subject was tracked: see the quality table for the reasons")
    if "truth" in cohort.provides:
        subject_id = usable[0].subject_id if usable else cohort.ids[0]
        truth = cohort.true_positions(subject_id)
        found = {TRACKED: usable[0].in_heart_frame(truth[0])} if usable else {}
        if true:
            return MovingHeart(subject_id, mesh, truth, "truth", found)
        return MovingHeart(subject_id, mesh, found[TRACKED], TRACKED, {"truth": truth})
    source = TRACKED if cohort.simulated else f"real patient, {TRACKED}"
    return MovingHeart(usable[0].subject_id, mesh, usable[0].in_heart_frame(template), source)


def two_hearts(
    cohort: Cohort, tracked: TrackedCohort, motion: CohortMotion, settings: MotionStageSettings, work: Work
) -> TwoHearts:
    """Two hearts from the two ends of the cohort.

    Where the truth is known: the lowest and the highest true log hazard, moving as in the matrix (or in truth, where
    fewer than two were tracked). Of patients no risk is known yet: the highest and the lowest RV ejection fraction,
    from ``<folder>/volumes.csv`` as `assemble_motion` wrote it.
    """
    template = template_mesh().points[MATCHED_VERTICES]
    if "truth" in cohort.provides:
        true = uses_truth(cohort, settings) or len(motion.ids) < 2
        value, text, names = cohort.log_hazard(), "true log hazard {:+.1f}", ("low risk", "high risk")
        title = f"Lowest and highest true hazard of the cohort ({'true' if true else 'tracked'} motion)"
    else:
        true, names = False, ("lowest RVEF", "highest RVEF")
        value = read_table_by_id(work.folder / "volumes.csv")["RVEF"]
        who = "Simulated hearts" if cohort.simulated else "Real patients"
        text, title = "{:.0f} %", f"{who} with the lowest and the highest RV ejection fraction, as tracked"
    value = value.reindex(cohort.ids if true else motion.ids).dropna()
    if len(value) < 2:
        lacks = f"There are not two hearts to compare, but {len(value)}."
        return TwoHearts(decimated_mesh(template), {}, lacks=lacks)
    found = {one.subject_id: one for one in tracked.usable}
    hearts = {}
    for name, one in zip(names, (value.idxmin(), value.idxmax()), strict=True):
        positions = cohort.true_positions(one) if true else found[one].in_heart_frame(template)
        hearts[f"{name}: {one}, {text.format(value[one])}"] = positions
    return TwoHearts(decimated_mesh(template), hearts, title)


def heart_in_images(cohort: Cohort, tracked: TrackedCohort) -> HeartInImages:
    """A real patient's tracked heart in the patient's own cine, where the cohort has real patients.

    Of the tracked patients the first whose images show the whole cycle (or the first of all).
    """
    usable = [] if cohort.simulated else tracked.usable
    if not usable:
        return HeartInImages.none("No real scans in this cohort.")
    one = max(usable, key=lambda subject: cohort.image(subject.subject_id).n_frames > 2)
    return heart_in_cine(one, cohort.image(one.subject_id))


def encoded_heart(cohort: Cohort, tracked: TrackedCohort) -> EncodedHeart:
    """The first tracked heart that has a displacement field beside its cine, with the tracker's score against it.

    A simulated cohort makes its tagged and displacement-encoded images when they are asked for. How far breath holds
    displaced each slice is known of simulated hearts, and undone; of patients it is part of the error.
    """
    measured = [one for one in tracked.usable if one.subject_id in cohort.ids_with("displacement")]
    if not measured:
        return EncodedHeart.none(NO_FIELD)
    one = measured[0]
    if not isinstance(cohort, SimulatedCohort):
        field = cohort.displacement(one.subject_id)
        score = score_displacement(one.template_positions, field)
        return EncodedHeart(one.subject_id, cohort.image(one.subject_id), field, score)
    dense = cohort.dense(one.subject_id)  # once: cohort.displacement would make it again
    field = displacement_from_dense(dense, cohort.labels(one.subject_id)[0])
    shift = cohort.scan_truth(one.subject_id)["slice_shift_mm"]
    score = score_displacement(one.template_positions, field, slice_shift_mm=shift)
    tagged = cohort.tagged(one.subject_id)
    return EncodedHeart(one.subject_id, cohort.image(one.subject_id), field, score, tagged, dense)
