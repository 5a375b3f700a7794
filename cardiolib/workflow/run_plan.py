"""One run: its folder, its settings, what each stage has to do for this cohort, and whether it is stale."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cardiolib.files import read_json
from cardiolib.work import DEFAULT_SEED
from cardiolib.workflow import provenance
from cardiolib.workflow.cohort_stage import open_run_cohort
from cardiolib.workflow.folders import DERIVED, cohort_slug, located_cohort, relative, run_name
from cardiolib.workflow.parameters import (
    as_parameters,
    load_profile,
    one_stage_settings,
    stage_settings,
    stage_values,
)
from cardiolib.workflow.sources import source_hash, source_state
from cardiolib.workflow.stages import STAGES, Stage

NOT_OUTPUTS = (
    "figures",
    "units",
    "notebook.ipynb",
    "notebook.html",
    "messages.json",
    "record.json",
    "stage.json",
    "key.json",
)
"""What lies in a stage's folder and is not read by later stages."""


@dataclass
class Run:
    """A profile, a cohort and a seed, and where their results lie.

    Parameters
    ----------
    profile : str
        ``smoke``, ``lecture``, ``default`` or ``paper``.
    cohort : str
        Name of a simulated cohort, or a folder or file of somebody's data; kept as an absolute path, so that a
        notebook, which runs in another folder, reads the same.
    seed : int
    overrides : tuple of str
        ``stage.parameter=value``.
    workers : int
        Processes; 0 for one per core.
    folder : Path, optional
        Where the results lie; by default below ``data/derived``, named after profile, cohort, seed and overrides.
    """

    profile: str = "default"
    cohort: str = "simulated"
    seed: int = DEFAULT_SEED
    overrides: tuple[str, ...] = ()
    workers: int = 0
    folder: Path | None = None
    _values: dict[str, dict[str, Any]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        profile = load_profile(self.profile)
        if self.named_simulation and self.cohort != "simulated":
            profile.setdefault("cohort", {})["kind"] = self.cohort
        if not self.named_simulation:
            self.cohort = located_cohort(self.cohort)
        self._values = stage_values(profile, self.overrides)
        usual = DERIVED / run_name(self.profile, self.cohort, self.seed, self.overrides)
        self.folder = Path(self.folder or usual).resolve()

    @property
    def name(self) -> str:
        """Name of the run, its folder's: under it the run is published."""
        return self.folder.name

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Checked settings of every stage, by name."""
        return stage_settings(self._values)

    def settings_of(self, stage: str) -> Any:
        """Checked settings of one stage; the packages of the others need not be loaded for them."""
        return one_stage_settings(stage, self._values)

    @cached_property
    def named_simulation(self) -> bool:
        """Whether the cohort is one of the digital heart's named cohorts and not somebody's data."""
        from cardiolib.cohorts.simulated.settings import SIMULATED_NAMES

        return self.cohort in SIMULATED_NAMES

    def stage_folder(self, stage: str) -> Path:
        """Where a stage's finished outputs lie."""
        assert self.folder is not None
        return self.folder / stage

    def finished(self, stage: str) -> dict[str, Any] | None:
        """The record of a stage's last successful run, None when there is none or its files are damaged."""
        path = self.stage_folder(stage) / "stage.json"
        return read_json(path) if path.is_file() else None

    def key(self, stage: Stage, *, source: str | None = None) -> dict[str, Any]:
        """The stage's key as things stand now; `source` is the hash of the cohort's data, where it is known."""
        inputs = self.input_hashes(stage)
        if stage.name == "cohort" and not self.named_simulation:
            inputs = {"source": source or self._source_hash()}
        return provenance.stage_key(stage, settings=self.settings_of(stage.name), seed=self.seed, inputs=inputs)

    def stale(self, stage: Stage, *, files: bool = True) -> list[str]:
        """Reasons, in words, why a stage has to run again; empty when it is up to date.

        Parameters
        ----------
        stage : Stage
        files : bool
            Compare the stored files with their recorded hashes too, and read the cohort's source again. Without it
            the source is read only where sizes or dates of its files are others than they were.
        """
        record = self.finished(stage.name)
        if record is None:
            return ["it has never run"]
        key = self.key(stage) if files else self.key(stage, source=self._source_as_recorded(stage, record))
        reasons = provenance.differences(record["key"], key)
        if not files:
            return reasons
        present = provenance.tree_hashes(self.stage_folder(stage.name), skip=("units", "stage.json"))
        damaged = [name for name, digest in record["files"].items() if present.get(name) != digest]
        if damaged:
            reasons.append(f"its outputs were changed or removed: {', '.join(damaged[:3])}")
        return reasons

    def last_seconds(self, stage: Stage) -> float | None:
        """How long the stage took the last time: in this run, else in one of the same profile and cohort."""
        beginning = f"{self.profile}-{cohort_slug(self.cohort)}-"
        others = (path for path in self.folder.parent.glob(f"{beginning}*/{stage.name}/stage.json"))
        own = self.stage_folder(stage.name) / "stage.json"
        found = [own] if own.is_file() else sorted(others, key=lambda path: path.stat().st_mtime)
        return read_json(found[-1])["seconds"] if found else None

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
            **as_parameters(self.settings_of(stage.name)),
            "run_folder": _printable(self.folder),
            "output_folder": _printable(output),
            "seed": self.seed,
            "workers": self.workers,
        }

    def input_hashes(self, stage: Stage) -> dict[str, str]:
        """Hash of the outputs of every stage that this one reads and that has something to do."""
        return {name: self._output_hash(name) for name in stage.after if self.nothing_to_do(STAGES[name]) is None}

    def _output_hash(self, stage: str) -> str:
        record = self.finished(stage)
        return record["output_hash"] if record else "absent"

    def source_state(self) -> str | None:
        """Names, sizes and dates of the cohort's data as one hash; None for a simulated cohort."""
        return None if self.named_simulation else source_state(Path(self.cohort))

    def _source_hash(self) -> str:
        return source_hash(Path(self.cohort))

    def _source_as_recorded(self, stage: Stage, record: dict[str, Any]) -> str | None:
        """The source's hash of the last run where nobody has touched the data since; None to have it read."""
        if stage.name != "cohort" or record.get("source_state") != self.source_state():
            return None
        return record["key"]["inputs"].get("source")


def _nothing_to_do(stage: str, cohort: Any) -> str | None:
    provides = cohort.provides
    has_images = bool(provides & {"images", "labels"})
    brings_motion = "motion" in provides
    if stage == "scan":
        return (
            None
            if "images" in provides
            else f"this cohort ({cohort.layout}) has no images: there is no scan to look at"
        )
    if stage in ("segmentation", "motion"):
        if brings_motion:
            return f"this cohort ({cohort.layout}) brings its own motion: it enters at notebook 03"
        return None if has_images else f"this cohort ({cohort.layout}) has no images"
    if "outcomes" not in provides:
        return (
            f"this cohort ({cohort.layout}) has images but no follow-up (no survival time, no event): "
            "a survival model can be neither trained nor validated on it, and there is nothing to explain"
        )
    if not (brings_motion or has_images):
        return f"this cohort ({cohort.layout}) has neither motion nor images"
    from cardiolib.survival.folds import FEWEST_DEATHS  # here: with its package come seconds of imports

    deaths = int(cohort.table["event"].sum())
    if deaths < FEWEST_DEATHS:
        return (
            f"{deaths} of the {len(cohort.table)} patients of this cohort died: a survival model can be trained and "
            f"validated from {FEWEST_DEATHS} deaths on"
        )
    return None


def _printable(folder: Path) -> str:
    """Relative to the repository where it lies below: notebooks print their parameters."""
    return relative(folder) if (DERIVED in folder.parents) else str(folder)
