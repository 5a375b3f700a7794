"""What a notebook opens in its first step and closes in its last: inputs, seed, workers, figures, metrics."""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cardiolib.files import write_json
from cardiolib.work import DEFAULT_SEED, Work
from cardiolib.workflow.cohort_stage import open_run_cohort
from cardiolib.workflow.compute import SCHEDULER, Compute
from cardiolib.workflow.errors import StageError
from cardiolib.workflow.folders import located
from cardiolib.workflow.notebook_output import log_to_notebook, replaced_text
from cardiolib.workflow.papermill_call import by_papermill, refuse_unknown_names
from cardiolib.workflow.parameters import check_settings
from cardiolib.workflow.shown import Shown
from cardiolib.workflow.stages import REPOSITORY, STAGES, Stage, stage_seed

PIPELINE = "CARDIOLIB_STAGE"
"""Environment variable: the stage whose notebook the runner is executing."""


def begin(
    stage: str,
    settings: Any = None,
    run_folder: str = "",
    output_folder: str = "",
    seed: int = DEFAULT_SEED,
    workers: int = 0,
) -> Session:
    """Open a stage for a notebook.

    Parameters
    ----------
    stage : str
        Name in the stage table.
    settings : dataclass instance, optional
        The stage's parameters, checked here once more; their defaults when left out.
    run_folder : str
        The run whose results are read: a folder, the name of a run below ``data/derived``, or nothing for the newest
        run. A relative folder is one of the repository, wherever the notebook runs.
    output_folder : str
        Where this stage writes; nothing for a folder of its own beside the run's outputs, which are left alone.
    seed : int
        The run's seed; the stage's own seed is derived from it and the stage's name.
    workers : int
        Processes for work that splits by subject or replicate; 0 for one per core.

    Returns
    -------
    Session

    Raises
    ------
    ParameterError
        When papermill was given a name that the notebook does not know, or a value is of the wrong type.

    Notes
    -----
    Opened by a person, nothing is run: where the stages before this one are missing or stale, `begin` says so, what
    running them would cost, and how (`Session.prepare`). ``papermill notebooks/...`` has nobody to ask: they are run.
    """
    table = STAGES[stage]
    settings = table.settings_class()() if settings is None else settings
    refuse_unknown_names(table)
    check_settings(settings, where=stage)
    run = located(run_folder)
    in_pipeline = os.environ.get(PIPELINE) == stage
    folder = (REPOSITORY / output_folder).resolve() if output_folder else run / f"{stage}.lab"
    session = Session(table, run, folder, seed=seed, workers=workers, in_pipeline=in_pipeline)
    if not in_pipeline:
        session._open_by_hand(settings, own_folder=not output_folder)
    return session


class Session(Shown):
    """One open stage.

    Attributes
    ----------
    folder : Path
        Where the stage writes its results.
    cohort : Cohort
        The cohort of this run.
    seed : int
        Seed of this stage: the run's seed mixed with the stage's name.
    map_units : Compute
        ``map_units(function, items)``: results in order, over the session's workers.
    """

    def __init__(self, stage: Stage, run: Path, folder: Path, *, seed: int, workers: int, in_pipeline: bool) -> None:
        self.stage = stage
        self.run = run
        self.folder = folder
        self.run_seed = seed
        self.seed = stage_seed(seed, stage.name)
        self.map_units = Compute(workers, os.environ.get(SCHEDULER, ""))
        self._in_pipeline = in_pipeline
        self._inputs: Any = None
        self._metrics: dict[str, Any] = {}
        self._recorded_in: dict[str, int | None] = {}
        self._not_drawn: dict[str, str] = {}
        self._started = time.monotonic()
        self._cohort: Any = None
        self._own_settings: Any = None
        self._simulated: bool | None = None
        _one_thread()
        if in_pipeline:
            self._open_folder()

    def _open_by_hand(self, settings: Any, *, own_folder: bool) -> None:
        """Look at the run, tell what is there, and make this notebook's own folder ready."""
        from IPython.display import display

        from cardiolib.workflow import by_hand

        self._own_settings = settings if own_folder else None
        self._look_at_inputs()
        if self._inputs.stale and by_papermill():
            self._run_inputs()
        removed = self._open_folder()
        log_to_notebook()
        lines = by_hand.greeting(self._inputs, settings=settings, seed=self.run_seed, own=self.folder, removed=removed)
        if lines:
            display(self.tell(*lines))

    def _look_at_inputs(self) -> None:
        """See what there is of the stages before this one, and forget the cohort that was read."""
        from cardiolib.workflow import by_hand

        run = by_hand.load_run(self.run, seed=self.run_seed)
        self._inputs, self._cohort = by_hand.inputs_of(self.stage, run), None

    def _run_inputs(self) -> None:
        from cardiolib.workflow import by_hand

        by_hand.prepare(self._inputs, show=replaced_text())
        self._look_at_inputs()

    def _open_folder(self) -> str:
        """Make the folder ready; a notebook's own loses what no longer fits, and that is said in a sentence."""
        removed, own, inputs = "", self._own_settings, self._inputs
        if own is not None and not inputs.missing:
            from cardiolib.workflow import by_hand

            removed = by_hand.open_own_folder(self.stage, inputs.run, self.folder, settings=own, seed=self.run_seed)
        (self.folder / "figures").mkdir(parents=True, exist_ok=True)
        return removed

    def prepare(self) -> None:
        """Run the stages before this notebook that are missing or stale; a notebook opened by a person asks for it.

        It can be stopped (the stop button, Ctrl-C) and goes on from there when called again.
        """
        if self._inputs is not None and self._inputs.stale:
            self._run_inputs()
            self._open_folder()

    def use_as_is(self) -> None:
        """Read the outputs of the stages before this notebook although something has changed since they were made.

        Raises
        ------
        StageError
            When there are none.
        """
        if self._inputs is not None and self._inputs.missing:
            raise StageError(self._inputs.sentence())
        self._inputs = None

    @property
    def cohort(self) -> Any:
        """The cohort of this run (`cardiolib.cohorts.Cohort`)."""
        if self._cohort is None:
            self._check_inputs()
            self._cohort = open_run_cohort(self.run)
        return self._cohort

    @property
    def work(self) -> Work:
        """Seed, folder and workers of this stage, and the results of the stages before it."""
        self._check_inputs()
        return Work(self.seed, self.folder, self.map_units, {name: self.run / name for name in self.stage.after})

    @property
    def simulated(self) -> bool:
        """Whether every number and figure must be marked as simulated: as the cohort is, or what `about` was given."""
        return self.cohort.simulated if self._simulated is None else self._simulated

    def about(self, thing: Any) -> Any:
        """From here on every figure carries the mark of this cine (or label map), and not the cohort's; returns it."""
        self._simulated = bool(thing.simulated)
        return thing

    def _check_inputs(self) -> None:
        if self._inputs is not None and self._inputs.stale:
            raise StageError(self._inputs.sentence())

    def generator(self, *name: int | str) -> np.random.Generator:
        """A random generator for a named purpose within this stage."""
        words = [zlib.crc32(str(part).encode()) for part in name]
        return np.random.default_rng([self.seed, *words])

    def record(self, **metrics: Any) -> None:
        """Add headline numbers of this stage to ``metrics.json`` (units stand in the names).

        Beside them, ``record.json`` keeps the number of the executing cell, to which pages lead from a number.
        """
        cell = _executing_cell()
        for name, value in metrics.items():
            self._metrics[name] = _plain(value)
            self._recorded_in[name] = cell

    def finish(self) -> Any:
        """Write the stage's metrics and run record; stop the workers; return a provenance table.

        Raises
        ------
        RuntimeError
            If a figure that the stage table declares was not drawn.
        """
        import pandas as pd
        import torch

        from cardiolib.workflow.kernels import kernels

        peak_memory_gib = self.map_units.peak_memory_gib()
        self.map_units.close()
        missing = [
            name
            for name in self._declared()
            if not (self.folder / "figures" / name).is_file() and Path(name).stem not in self._not_drawn
        ]
        if missing:
            raise RuntimeError(f"stage {self.stage.name!r} declares figures it did not draw: {', '.join(missing)}")
        record = {
            "seconds": round(time.monotonic() - self._started, 2),
            "peak_memory_gib": round(peak_memory_gib, 3),
            "threads": torch.get_num_threads(),
            "workers": self.map_units.workers,
            "device": "cuda" if torch.cuda.is_available() else "cpu",
            "kernels": kernels(),
            "not_drawn": self._not_drawn,
            "recorded_in": self._recorded_in,
        }
        write_json(self.folder / "metrics.json", self._metrics)
        write_json(self.folder / "record.json", record)
        shown = {name: value for name, value in record.items() if name not in ("not_drawn", "recorded_in")}
        rows = {
            "stage": self.stage.title,
            "cohort": self.cohort.name,
            "simulated": self.simulated,
            "run seed": self.run_seed,
            "stage seed": self.seed,
            **shown,
        }
        return pd.DataFrame({"value": {key: str(value) for key, value in rows.items()}})

    def _declared(self) -> Iterator[str]:
        if "truth" in self.cohort.provides:
            yield from self.stage.declared_files()


def _one_thread() -> None:
    """One thread in this process, as in every worker: two were no faster here, and the result must not depend on it."""
    import torch

    torch.set_num_threads(1)


def _executing_cell() -> int | None:
    """The count that stands beside the cell that is running; None where no notebook runs."""
    from IPython import get_ipython

    shell = get_ipython()
    # its own counter is raised before or after a cell, as the version of IPython has it; the list of inputs tells
    return None if shell is None else len(shell.history_manager.input_hist_parsed) - 1


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        # six significant digits: what a reader can use, and stable against the last bit
        return float(f"{float(value):.6g}") if np.isfinite(value) else None
    return value
