"""What stands on top of every page of a run: whose data these are, and what the run's numbers are worth."""

from __future__ import annotations

from typing import Any

from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES

SIZES: dict[tuple[str, str], str] = {
    ("cohort", "n_subjects"): "{} patients",
    ("segmentation", "n_training"): "a segmentation network trained on {} hearts",
    ("segmentation", "epochs"): "{} passes over them",
    ("survival", "epochs"): "a survival network trained for {} epochs",
    ("validation", "n_replicates"): "{} bootstrap bags",
}
"""Parameters that decide what a run's numbers are worth, and how they are told."""
HALF = 0.5
"""A tracker whose error is more than this share of the motion itself has learnt little."""


def banners(run: Run, metrics: dict[str, Any]) -> list[str]:
    """Sentences for the top of every page of a run; the second only where its numbers are worth little.

    Parameters
    ----------
    run : Run
    metrics : dict
        As ``metrics.json`` holds them.
    """
    return [text for text in (cohort_banner(run), small_banner(run, metrics)) if text]


def cohort_banner(run: Run) -> str:
    """Whose data these are."""
    cohort = run.opened
    if cohort.simulated:
        return (
            f"Simulated cohort '{cohort.name}' from the digital heart ({len(cohort.table)} subjects). No patient data "
            "were used. How strongly motion predicts survival was built in. These numbers therefore test the method "
            "and say nothing about patients."
        )
    return f"Real data: cohort '{cohort.name}' ({cohort.layout} layout, {len(cohort.table)} subjects)."


def small_banner(run: Run, metrics: dict[str, Any]) -> str:
    """What the numbers of a run that is smaller than the default are worth; empty for a run of full size."""
    reduced = []
    for (stage, parameter), text in SIZES.items():
        if run.nothing_to_do(STAGES[stage]) is not None or (stage == "cohort" and not run.named_simulation):
            continue
        if stage == "segmentation" and not _trained_here(run):
            continue
        used = getattr(run.settings_of(stage), parameter)
        if used < getattr(STAGES[stage].settings_class()(), parameter):
            reduced.append(text.format(used))
    if not reduced:
        return ""
    worth = (
        "It is made for teaching: its pictures show what a whole run shows, with wider intervals. Its numbers are not "
        "those of the default run, and none should be compared with the paper's."
        if run.profile == "lecture"
        else "It shows that everything runs. Its numbers mean little and must not be compared with the paper's."
    )
    sentences = [f"This is a small run ({', '.join(reduced)}). {worth}"]
    motion = metrics.get("motion") or {}
    error, still = motion.get("endpoint_es_mm"), motion.get("zero_motion_es_mm")
    if error is not None and still and error > HALF * still and _trained_here(run):
        sentences.append(
            f"The tracked points are {error:.1f} mm off. Assuming no motion at all would be {still:.1f} mm off. "
            "A network that was trained so briefly gives the tracker little to follow."
        )
    return " ".join(sentences)


def _trained_here(run: Run) -> bool:
    """Whether the segmentation network was trained in this run."""
    from cardiolib.steps.segmentation_settings import TRAINED, SegmentationStageSettings  # here: it loads torch

    settings = run.settings_of("segmentation")
    assert isinstance(settings, SegmentationStageSettings)
    return settings.network_source(simulated=run.opened.simulated) == TRAINED
