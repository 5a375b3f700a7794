"""A notebook opened by a person: what it finds of the stages before it, and where it writes. Nothing is run unasked."""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cardiolib.files import read_json, write_json
from cardiolib.workflow import provenance
from cardiolib.workflow.display import minutes
from cardiolib.workflow.errors import StageError
from cardiolib.workflow.folders import RUN_FILE, located_cohort, relative
from cardiolib.workflow.own_process import run_in_own_process
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import REPOSITORY, STAGES, Stage, with_inputs

WHOLE_RUN = {
    "smoke": "two to six minutes",
    "lecture": "three to eight minutes",
    "default": "half an hour to an hour",
    "paper": "hours to days",
}
"""How long a whole run takes on two cores, where no earlier run of this machine tells."""


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a notebook finds of the stages before it.

    Attributes
    ----------
    run : Run
    stage : Stage
        The one that reads.
    stale : dict of str to list of str
        Stage before it to the reasons why it has to run (again).
    seconds : float or None
        What that took the last time; None where one of these has never run.
    """

    run: Run
    stage: Stage
    stale: dict[str, list[str]]
    seconds: float | None

    @property
    def missing(self) -> list[str]:
        """Stages without any outputs."""
        return [name for name in self.stale if self.run.finished(name) is None]

    def sentence(self) -> str:
        """What is missing or stale, what it would cost, and how to run it; empty where all is there and fits."""
        if not self.stale:
            return ""
        why = "; ".join(f"{STAGES[name].title}: {reasons[0]}" for name, reasons in self.stale.items())
        cost = (
            f"about {minutes(self.seconds)} by the last run's times"
            if self.seconds is not None
            else f"a whole run takes {WHOLE_RUN[self.run.profile]} on two cores"
        )
        use = "" if self.missing else " To go on with what is there, run `session.use_as_is()`."
        return (
            f"Run '{self.run.folder.name}' does not have what this notebook reads ({why}). Nothing has been run. To "
            f"run it ({cost}), put `session.prepare()` into a cell, or call `{make_command(self.run)}` in a "
            f"terminal.{use}"
        )


def inputs_of(stage: Stage, run: Run) -> Inputs:
    """Look at everything that a stage reads, directly or through others, without running or reading much."""
    stale: dict[str, list[str]] = {}
    for before in with_inputs(stage.name)[:-1]:
        if before.name != "cohort" and "cohort" in stale and run.finished("cohort") is None:
            stale[before.name] = ["it has never run"]
        elif run.nothing_to_do(before) is None:
            reasons = run.stale(before, files=False)
            if reasons:
                stale[before.name] = reasons
    records = [run.finished(name) for name in stale]
    known = all(record is not None for record in records)
    return Inputs(run, stage, stale, sum(record["seconds"] for record in records if record) if known else None)


def make_command(run: Run) -> str:
    """The make line that brings a run up to date."""
    parts = ["make smoke" if run.profile == "smoke" else "make reproduce"]
    if run.profile not in ("smoke", "default"):
        parts.append(f"PROFILE={run.profile}")
    if run.cohort != "simulated":
        parts.append(f"COHORT={shlex.quote(run.cohort)}")
    default = next(field.default for field in dataclasses.fields(Run) if field.name == "seed")
    if run.seed != default:
        parts.append(f"SEED={run.seed}")
    if run.overrides:
        parts.append(f"PARAMS='{' '.join(run.overrides)}'")
    return " ".join(parts)


def open_own_folder(stage: Stage, run: Run, folder: Path, *, settings: Any, seed: int) -> str:
    """Make the folder of a notebook run by hand ready: what belongs to another key is removed.

    Returns
    -------
    str
        What was kept and what was removed, in one sentence; empty where nothing had to be said.
    """
    key = provenance.stage_key(stage, settings=settings, seed=seed, inputs=run.input_hashes(stage), by_hand=True)
    kept = folder / "key.json"
    if folder.is_dir() and not kept.is_file():
        shutil.rmtree(folder)
    if not folder.is_dir():
        folder.mkdir(parents=True)
        write_json(kept, key)
        return ""
    before = read_json(kept)
    reasons = provenance.differences(before, json.loads(json.dumps(key)))
    if not reasons:
        return ""
    # parameters alone do not spoil finished units: each is keyed by what it was computed from
    units_fit = {**before, "parameters": None} == {**json.loads(json.dumps(key)), "parameters": None}
    for path in folder.iterdir():
        if path.name == "units" and units_fit:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_json(kept, key)
    rest = "; finished units that still fit are used again" if units_fit else ""
    return f"Since this notebook was last run, {'; '.join(reasons[:3])}: its earlier results were removed{rest}."


def prepare(inputs: Inputs, *, show: Callable[[str], None]) -> None:
    """Run the stages that a notebook reads and that are missing or stale, in a process of their own.

    Parameters
    ----------
    inputs : Inputs
    show : callable
        Receives the last lines of what the run says, again and again.

    Raises
    ------
    StageError
        With the end of what it said, when the run fails; KeyboardInterrupt stops it, finished work is kept.
    """
    end = run_in_own_process(["prepare", *run_arguments(inputs.run), "--before", inputs.stage.name], show=show)
    if end.status:
        raise StageError("the stages before this notebook could not be run:\n" + end.last)


def run_arguments(run: Run) -> Sequence[str]:
    """A run as the command line has it."""
    parts = [
        "--profile",
        run.profile,
        "--cohort",
        str(run.cohort),
        "--seed",
        str(run.seed),
        "--run-folder",
        str(run.folder),
    ]
    return [*parts, *(text for override in run.overrides for text in ("--set", override))]


def load_run(folder: Path, *, seed: int) -> Run:
    """The run whose results lie in a folder; a new one of the profile in the folder's name when it is empty."""
    from cardiolib.cohorts.simulated.settings import SIMULATED_NAMES

    path = folder / RUN_FILE
    if not path.is_file():
        profile = folder.name.partition("-")[0]
        return Run(profile=profile if profile in WHOLE_RUN else "default", seed=seed, folder=folder)
    saved = read_json(path)
    # earlier versions kept a path as it was given to make, in the repository
    if saved["cohort"] not in SIMULATED_NAMES:
        saved["cohort"] = located_cohort(saved["cohort"], base=REPOSITORY)
    return Run(**{**saved, "overrides": tuple(saved["overrides"])}, folder=folder)


def greeting(inputs: Inputs, *, settings: Any, seed: int, own: Path, removed: str) -> list[str]:
    """What a person is told when a notebook is opened."""
    run, lines = inputs.run, []
    record = run.folder / RUN_FILE
    if record.is_file():
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.stat().st_mtime))
        lines.append(f"Run '{run.folder.name}' of {made}; what you compute here goes to `{relative(own)}`.")
        lines += _other_values(inputs, settings, seed)
    return [*lines, *filter(None, [removed, inputs.sentence()])]


def _other_values(inputs: Inputs, settings: Any, seed: int) -> list[str]:
    """Parameters that are not the run's, in one sentence."""
    ours, theirs = dataclasses.asdict(settings), dataclasses.asdict(inputs.run.settings_of(inputs.stage.name))
    other = [f"{name} = {value!r} (the run: {theirs[name]!r})" for name, value in ours.items() if value != theirs[name]]
    if seed != inputs.run.seed:
        other.append(f"seed = {seed} (the run: {inputs.run.seed})")
    if not other:
        return []
    record = inputs.run.finished(inputs.stage.name)
    took = f" With its own the run took {minutes(record['seconds'])} for this notebook." if record else ""
    return [f"Other parameters here than in the run: {', '.join(other)}.{took}"]
