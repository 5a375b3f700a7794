"""The stage table: what runs, in which order, from which notebook, and what it needs and makes."""

from __future__ import annotations

import importlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LAYERS = (
    "imaging",
    "meshes",
    "digital_heart",
    "cohorts",
    "shape",
    "segmentation",
    "motion",
    "survival",
    "validation",
    "effects",
    "interpretation",
    "figures",
    "scan",
    "steps",
    "exercises",
    "workflow",
)
"""Packages of cardiolib in order: each may import only from those before it (held by a test)."""

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Stage:
    """One row of the stage table.

    Attributes
    ----------
    name : str
        Also the key of the stage in ``metrics.json`` and the folder of its outputs.
    title : str
        What a reader of the report sees.
    notebook : str or None
        File in ``notebooks/``; None for the cohort, which needs no notebook.
    settings : str
        ``package.module:Class`` of the frozen dataclass that holds the stage's parameters.
    after : tuple of str
        Stages whose outputs are read.
    figures : tuple of str
        Figures that a run on a simulated cohort with its truth must make (``name.png``, ``.svg``, ``.csv``).
    interactive : tuple of str
        Figures to turn and hover (``name.html``).
    pages : tuple of str
        Whole pages (``name.html``).
    """

    name: str
    title: str
    notebook: str | None
    settings: str
    after: tuple[str, ...]
    figures: tuple[str, ...] = ()
    interactive: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()

    @property
    def notebook_path(self) -> Path:
        """Where the notebook lies."""
        return REPOSITORY / "notebooks" / str(self.notebook)

    def declared_files(self) -> list[str]:
        """Files below ``figures/`` that a run on a simulated cohort with its truth must make."""
        static = [f"{name}.{suffix}" for name in self.figures for suffix in ("png", "svg")]
        return static + [f"{name}.html" for name in (*self.interactive, *self.pages)]

    def settings_class(self) -> type:
        """The dataclass that `settings` names."""
        module, name = self.settings.split(":")
        return getattr(importlib.import_module(module), name)


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(
            name="cohort",
            title="Cohort",
            notebook=None,
            settings="cardiolib.cohorts:SimulatedCohortSettings",
            after=(),
        ),
        Stage(
            name="scan",
            title="0 Your own scan",
            notebook="00_your_own_scan.ipynb",
            settings="cardiolib.steps.scan:ScanStageSettings",
            after=("cohort",),
            figures=("00_volume_by_slices", "00_contours", "00_volumes", "00_strain"),
            interactive=("00_beating_heart",),
            pages=("00_page",),
        ),
        Stage(
            name="segmentation",
            title="1 Segmentation",
            notebook="01_segmentation.ipynb",
            settings="cardiolib.steps.segmentation:SegmentationStageSettings",
            after=("cohort",),
            figures=(
                "01_network_input",
                "01_network_output",
                "01_training",
                "01_segmentations",
                "01_best_case",
                "01_worst_case",
                "01_agreement",
                "01_quality",
                "01_shape_model",
            ),
            interactive=("01_shape_model",),
        ),
        Stage(
            name="motion",
            title="2 Motion",
            notebook="02_motion.ipynb",
            settings="cardiolib.steps.motion:MotionStageSettings",
            after=("cohort", "segmentation"),
            figures=(
                "02_tracker_at_work",
                "02_endpoint_error",
                "02_motion_of_the_heart",
                "02_displacement_curves",
                "02_function",
                "02_displacement_encoded",
            ),
            interactive=("02_beating_heart", "02_two_hearts"),
        ),
        Stage(
            name="survival",
            title="3 Survival network",
            notebook="03_dae_survival.ipynb",
            settings="cardiolib.steps.survival:SurvivalStageSettings",
            after=("cohort", "motion"),
            figures=(
                "03_four_patients",
                "03_alpha",
                "03_architecture",
                "03_search",
                "03_searched_settings",
                "03_training",
                "03_latent_code",
                "03_reconstruction",
                "03_predicted_survival",
                "03_hazard",
            ),
        ),
        Stage(
            name="validation",
            title="4 Validation",
            notebook="04_validation.ipynb",
            settings="cardiolib.steps.validation:ValidationStageSettings",
            after=("cohort", "motion", "survival"),
            figures=(
                "04_one_bag",
                "04_concordance",
                "04_kaplan_meier",
                "04_kaplan_meier_thirds",
                "04_risk_over_time",
                "04_calibration",
            ),
            interactive=("04_kaplan_meier",),
        ),
        Stage(
            name="interpretation",
            title="5 Interpretation",
            notebook="05_interpretability.ipynb",
            settings="cardiolib.steps.interpretation:InterpretationStageSettings",
            after=("cohort", "motion", "survival", "validation"),
            figures=(
                "05_few_patients",
                "05_one_vertex",
                "05_latent_map",
                "05_latent_stability",
                "05_saliency",
                "05_region_phase",
                "05_saliency_regions",
                "05_planted",
                "05_risk_hearts",
                "05_risk_curves",
                "05_risk_motion",
            ),
            interactive=("05_latent_map", "05_saliency", "05_risk_hearts"),
        ),
    )
}


def stage_seed(seed: int, stage: str) -> int:
    """Seed of one stage: the run's seed mixed with the stage's name."""
    return int(np.random.SeedSequence([seed, zlib.crc32(stage.encode())]).generate_state(1, np.uint32)[0])


def with_inputs(name: str) -> list[Stage]:
    """A stage and all that it reads, directly or through others, in the order in which they run."""
    found: list[Stage] = []

    def add(stage: Stage) -> None:
        for before in stage.after:
            add(STAGES[before])
        if stage not in found:
            found.append(stage)

    add(STAGES[name])
    return found
