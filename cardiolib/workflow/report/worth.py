"""What stands on top of every page of a run: whose data these are, and what the run's numbers are worth."""

from __future__ import annotations

from typing import Any

from cardiolib.workflow.report.values import Values
from cardiolib.workflow.report.verify import flatten
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
TEACHING = "lecture"
"""The profile whose runs are small and whose pictures still show what a whole run shows."""
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
    values = Values(_facts(run, metrics))
    return [values.fill(template) or "" for template in banner_templates(run, metrics)]


def banner_templates(run: Run, metrics: dict[str, Any]) -> list[str]:
    """The same sentences with a field in braces in the place of every number and of every word of the cohort's own."""
    return [text for text in (_cohort_template(run), _small_template(run, metrics)) if text]


def small_banner(run: Run, metrics: dict[str, Any]) -> str:
    """What the numbers of a run that is smaller than the default are worth; empty for a run of full size."""
    return Values(_facts(run, metrics)).fill(_small_template(run, metrics)) or ""


def says_nothing(run: Run) -> bool:
    """Whether a run is too small for its numbers to mean anything; one for a lecture is small and means something."""
    return bool(_reduced(run)) and run.profile != TEACHING


def _facts(run: Run, metrics: dict[str, Any]) -> dict[str, Any]:
    cohort = run.opened
    asked = {_parameter(*key): getattr(run.settings_of(key[0]), key[1]) for key in SIZES}
    own = {"cohort.subjects_count": len(cohort.table), "words.cohort": cohort.name, "words.layout": cohort.layout}
    return flatten(metrics) | asked | own


def _cohort_template(run: Run) -> str:
    """Whose data these are."""
    if run.opened.simulated:
        return (
            "Simulated cohort '{words.cohort}' from the digital heart ({cohort.subjects_count} subjects). No patient "
            "data were used. How strongly motion predicts survival was built in. These numbers therefore test the "
            "method and say nothing about patients."
        )
    return "Real data: cohort '{words.cohort}' ({words.layout} layout, {cohort.subjects_count} subjects)."


def _small_template(run: Run, metrics: dict[str, Any]) -> str:
    reduced = [SIZES[key].format(f"{{{_parameter(*key)}}}") for key in _reduced(run)]
    if not reduced:
        return ""
    worth = (
        "It is made for teaching: its pictures show what a whole run shows, with wider intervals. Its numbers are not "
        "those of the default run, and none should be compared with the paper's."
        if run.profile == TEACHING
        else "It shows that everything runs. Its numbers mean little and must not be compared with the paper's."
    )
    sentences = [f"This is a small run ({', '.join(reduced)}). {worth}"]
    motion = metrics.get("motion") or {}
    error, still = motion.get("endpoint_es_mm"), motion.get("zero_motion_es_mm")
    if error is not None and still and error > HALF * still and _trained_here(run):
        sentences.append(
            "The tracked points are {motion.endpoint_es_mm:.1f} mm off. Assuming no motion at all would be "
            "{motion.zero_motion_es_mm:.1f} mm off. A network that was trained so briefly gives the tracker little to "
            "follow."
        )
    return " ".join(sentences)


def _reduced(run: Run) -> list[tuple[str, str]]:
    """Stage and name of the parameters that are smaller than those of a default run."""
    found = []
    for stage, parameter in SIZES:
        if run.nothing_to_do(STAGES[stage]) is not None or (stage == "cohort" and not run.named_simulation):
            continue
        if stage == "segmentation" and not _trained_here(run):
            continue
        if getattr(run.settings_of(stage), parameter) < getattr(STAGES[stage].settings_class()(), parameter):
            found.append((stage, parameter))
    return found


def _parameter(stage: str, name: str) -> str:
    """Where the manifest has a parameter."""
    return f"manifest.stages.{stage}.parameters.{name}"


def _trained_here(run: Run) -> bool:
    """Whether the segmentation network was trained in this run."""
    from cardiolib.steps.segmentation_settings import TRAINED, SegmentationStageSettings  # here: it loads torch

    settings = run.settings_of("segmentation")
    assert isinstance(settings, SegmentationStageSettings)
    return settings.network_source(simulated=run.opened.simulated) == TRAINED
