"""What a notebook opens in its first step and closes in its last: inputs, seed, workers, figures, metrics."""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cardiolib.imaging.files import atomic_path
from cardiolib.workflow.compute import SCHEDULER, Compute
from cardiolib.workflow.stages import REPOSITORY, STAGES, Stage

COHORT_FILE = "opened_cohort.json"
"""In the cohort stage's folder: which cohort this run is about."""


def begin(stage: str, *, run_folder: str, output_folder: str = "", seed: int, workers: int = 1) -> Session:
    """Open a stage for a notebook.

    Parameters
    ----------
    stage : str
        Name in the stage table.
    run_folder : str
        Where the stages of one run meet.
    output_folder : str
        Where this stage writes; empty (a reader working in JupyterLab) for a folder beside the
        pipeline's own outputs, which are left alone.
    seed : int
        The run's seed; the stage's own seed is derived from it and the stage's name.
    workers : int
        Processes for work that splits by subject or replicate; 0 for one per core.

    Returns
    -------
    Session

    Notes
    -----
    Stages that this one reads and that are absent or stale are run first when the notebook is opened
    by hand; under ``make reproduce`` the runner has done so already.
    """
    run = Path(run_folder).resolve()
    if not output_folder:
        _run_missing_inputs(stage, run, seed)
    folder = Path(output_folder).resolve() if output_folder else run / f"{stage}.lab"
    return Session(STAGES[stage], run, folder, seed=seed, workers=workers, in_pipeline=bool(output_folder))


class Session:
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

    def __init__(
        self, stage: Stage, run: Path, folder: Path, *, seed: int, workers: int, in_pipeline: bool
    ) -> None:
        self.stage = stage
        self.run = run
        self.folder = folder
        self.run_seed = seed
        self.seed = stage_seed(seed, stage.name)
        self.map_units = Compute(workers, os.environ.get(SCHEDULER, ""))
        self._in_pipeline = in_pipeline
        self._metrics: dict[str, Any] = {}
        self._started = time.monotonic()
        self._cohort: Any = None
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        _one_thread()

    @property
    def cohort(self) -> Any:
        """The cohort of this run (`cardiolib.cohorts.Cohort`)."""
        if self._cohort is None:
            self._cohort = open_run_cohort(self.run)
        return self._cohort

    @property
    def simulated(self) -> bool:
        """Whether every number and figure of this run must be marked as simulated."""
        return self.cohort.simulated

    def input(self, stage: str) -> Path:
        """Folder of an upstream stage's results.

        Raises
        ------
        ValueError
            If the stage table does not list `stage` as an input of this one.
        FileNotFoundError
            If that stage has not run (it may have nothing to do for this cohort).
        """
        if stage not in self.stage.after:
            raise ValueError(f"stage {self.stage.name!r} reads {self.stage.after}, not {stage!r}")
        folder = self.run / stage
        if not folder.is_dir():
            raise FileNotFoundError(f"stage {stage!r} has no outputs in {self.run}: run `make reproduce` first")
        return folder

    def has_input(self, stage: str) -> bool:
        """Whether an upstream stage has outputs in this run."""
        return stage in self.stage.after and (self.run / stage / "stage.json").is_file()

    def generator(self, *name: int | str) -> np.random.Generator:
        """A random generator for a named purpose within this stage."""
        words = [zlib.crc32(str(part).encode()) for part in name]
        return np.random.default_rng([self.seed, *words])

    def show(self, name: str, figure: Any, table: Any = None) -> Any:
        """Save a static figure (PNG, SVG, CSV of its numbers) and return it for display.

        A figure of None stands for one that this cohort does not allow; `table` then says why, and is shown.
        """
        from IPython.display import Image, Markdown

        from cardiolib.figures.style import save_figure

        if figure is None:
            return Markdown(f"*{table}*")
        save_figure(figure, self.folder / "figures", name, table, simulated=self.simulated)
        # all figures to one scale: a two-column figure (183 mm) fills the page
        return Image(str(self.folder / "figures" / f"{name}.png"), width=round(105 * figure.get_size_inches()[0]))

    def show_interactive(self, name: str, figure: Any, *, height: int = 560) -> Any:
        """Save a plotly figure as HTML that works offline and return a frame showing it."""
        from IPython.display import IFrame

        from cardiolib.figures.interactive import save_interactive

        folder = self.folder / "figures"
        save_interactive(figure, folder, name, simulated=self.simulated)
        # reports/ and notebooks/ both lie beside the published figures/; by hand, point at the stage's own folder
        beside = "../figures" if self._in_pipeline else os.path.relpath(folder, REPOSITORY / "notebooks")
        return IFrame(f"{beside}/{name}.html", width="100%", height=height)

    def tell(self, *sentences: str) -> Any:
        """Show sentences as text: one as a paragraph, several as a list."""
        from IPython.display import Markdown

        return Markdown(sentences[0] if len(sentences) == 1 else "\n".join(f"- {text}" for text in sentences))

    def record(self, **metrics: Any) -> None:
        """Add headline numbers of this stage to ``metrics.json`` (units stand in the names)."""
        for name, value in metrics.items():
            self._metrics[name] = _plain(value)

    def finish(self) -> Any:
        """Write the stage's metrics and run record; stop the workers; return a provenance table.

        Raises
        ------
        RuntimeError
            If a figure that the stage table declares was not drawn.
        """
        import pandas as pd
        import torch

        peak_memory_gib = self.map_units.peak_memory_gib()
        self.map_units.close()
        missing = [name for name in self._declared() if not (self.folder / "figures" / name).is_file()]
        if missing:
            raise RuntimeError(f"stage {self.stage.name!r} declares figures it did not draw: {', '.join(missing)}")
        record = {
            "seconds": round(time.monotonic() - self._started, 2),
            "peak_memory_gib": round(peak_memory_gib, 3),
            "threads": torch.get_num_threads(),
            "workers": self.map_units.workers,
            "device": "cuda" if torch.cuda.is_available() else "cpu",
        }
        write_json(self.folder / "metrics.json", self._metrics)
        write_json(self.folder / "record.json", record)
        rows = {"stage": self.stage.title, "cohort": self.cohort.name, "simulated": self.simulated,
                "run seed": self.run_seed, "stage seed": self.seed, **record}
        return pd.DataFrame({"value": {key: str(value) for key, value in rows.items()}})

    def _declared(self) -> Iterator[str]:
        if "truth" in self.cohort.provides:
            yield from self.stage.declared_files()


def stage_seed(seed: int, stage: str) -> int:
    """Seed of one stage: the run's seed mixed with the stage's name."""
    return int(np.random.SeedSequence([seed, zlib.crc32(stage.encode())]).generate_state(1, np.uint32)[0])


def open_run_cohort(run: Path) -> Any:
    """Open the cohort that the run's first stage has prepared or checked."""
    from cardiolib.cohorts import open_cohort

    folder = run / "cohort"
    if not (folder / COHORT_FILE).is_file():
        raise FileNotFoundError(f"no cohort has been prepared in {run}: run `make reproduce` first")
    source = json.loads((folder / COHORT_FILE).read_text(encoding="utf-8"))["source"]
    return open_cohort(folder if source is None else Path(source))


def write_json(path: Path, content: Any) -> None:
    """Write JSON with sorted keys, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _run_missing_inputs(stage: str, run: Path, seed: int) -> None:
    from cardiolib.workflow.runner import run_inputs_of

    run_inputs_of(stage, run_folder=run, seed=seed)


def _one_thread() -> None:
    """One thread in this process, as in every worker: two were no faster here, and the result must not depend on it."""
    import torch

    torch.set_num_threads(1)


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


