"""One run: its folder, its settings, what each stage has to do for this cohort, and whether it is stale."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cardiolib.workflow import provenance
from cardiolib.workflow.parameters import DEFAULT_SEED, as_parameters, load_profile, stage_settings
from cardiolib.workflow.session import open_run_cohort
from cardiolib.workflow.stages import REPOSITORY, STAGES, Stage

NOT_OUTPUTS = ("figures", "units", "notebook.ipynb", "notebook.html", "record.json", "stage.json", "key.json")
"""What lies in a stage's folder and is not read by later stages."""


@dataclass
class Run:
    """A profile, a cohort and a seed, and where their results lie.

    Parameters
    ----------
    profile : str
        ``smoke``, ``default`` or ``paper``.
    cohort : str
        Name of a simulated cohort, or a folder or file of somebody's data.
    seed : int
    overrides : tuple of str
        ``stage.parameter=value``.
    workers : int
        Processes; 0 for one per core.
    folder : Path, optional
        Where the results lie; by default below ``data/derived``.
    """

    profile: str = "default"
    cohort: str = "simulated"
    seed: int = DEFAULT_SEED
    overrides: tuple[str, ...] = ()
    workers: int = 0
    folder: Path | None = None
    settings: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        profile = load_profile(self.profile)
        if self.named_simulation and self.cohort != "simulated":
            profile.setdefault("cohort", {})["kind"] = self.cohort
        self.settings = stage_settings(profile, self.overrides)
        if self.folder is None:
            self.folder = REPOSITORY / "data" / "derived" / f"{self.profile}-{_slug(self.cohort)}"
        self.folder = Path(self.folder).resolve()

    @cached_property
    def named_simulation(self) -> bool:
        """Whether the cohort is one of the digital heart's named cohorts and not somebody's data."""
        from cardiolib.digital_heart.outcomes import COHORT_KINDS

        return self.cohort in COHORT_KINDS

    def stage_folder(self, stage: str) -> Path:
        """Where a stage's finished outputs lie."""
        assert self.folder is not None
        return self.folder / stage

    def finished(self, stage: str) -> dict[str, Any] | None:
        """The record of a stage's last successful run, None when there is none or its files are damaged."""
        path = self.stage_folder(stage) / "stage.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def key(self, stage: Stage) -> dict[str, Any]:
        """The stage's key as things stand now."""
        inputs = {name: self._output_hash(name) for name in stage.after if self.nothing_to_do(STAGES[name]) is None}
        if stage.name == "cohort":
            inputs = {} if self.named_simulation else {"source": self._source_hash()}
        return provenance.stage_key(stage, settings=self.settings[stage.name], seed=self.seed, inputs=inputs)

    def stale(self, stage: Stage) -> list[str]:
        """Reasons, in words, why a stage has to run again; empty when it is up to date."""
        record = self.finished(stage.name)
        if record is None:
            return ["it has never run"]
        reasons = provenance.differences(record["key"], self.key(stage))
        present = provenance.tree_hashes(self.stage_folder(stage.name), skip=("units", "stage.json"))
        damaged = [name for name, digest in record["files"].items() if present.get(name) != digest]
        if damaged:
            reasons.append(f"its outputs were changed or removed: {', '.join(damaged[:3])}")
        return reasons

    def nothing_to_do(self, stage: Stage) -> str | None:
        """Why this stage has nothing to do for this cohort, or None when it has."""
        if stage.name == "cohort" or self.named_simulation:
            return None
        return _nothing_to_do(stage.name, self.opened)

    @cached_property
    def opened(self) -> Any:
        """The run's cohort, once its first stage has prepared or checked it."""
        return open_run_cohort(self.folder)

    def parameters(self, stage: Stage, output: Path) -> dict[str, Any]:
        """What papermill passes to the stage's notebook."""
        return {
            **as_parameters(self.settings[stage.name]),
            "run_folder": str(self.folder), "output_folder": str(output), "seed": self.seed, "workers": self.workers,
        }

    def _output_hash(self, stage: str) -> str:
        record = self.finished(stage)
        return record["output_hash"] if record else "absent"

    def _source_hash(self) -> str:
        source = Path(self.cohort)
        if source.is_file():
            return provenance.file_hash(source)
        return provenance.combined_hash(provenance.tree_hashes(source)) if source.is_dir() else "absent"


def _nothing_to_do(stage: str, cohort: Any) -> str | None:
    provides = cohort.provides
    has_images = bool(provides & {"images", "labels"})
    brings_motion = "motion" in provides
    if stage in ("segmentation", "motion"):
        if brings_motion:
            return f"this cohort ({cohort.layout}) brings its own motion: it enters at notebook 03"
        return None if has_images else f"this cohort ({cohort.layout}) has no images"
    if "outcomes" not in provides:
        return (
            f"this cohort ({cohort.layout}) has images but no follow-up (no survival time, no event): "
            "a survival model can be neither trained nor validated on it, and there is nothing to explain"
        )
    return None if brings_motion or has_images else f"this cohort ({cohort.layout}) has neither motion nor images"


def _slug(cohort: str) -> str:
    if re.fullmatch(r"[\w-]+", cohort):
        return cohort
    path = Path(cohort).resolve()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', path.name).strip('-')}-{provenance.text_hash(str(path))[:6]}"
