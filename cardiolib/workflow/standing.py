"""How a run stands: what has run, what is stale and why, how long it took; and a run that a notebook starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cardiolib.printed import as_html
from cardiolib.work import DEFAULT_SEED
from cardiolib.workflow import by_hand
from cardiolib.workflow.display import minutes
from cardiolib.workflow.errors import StageError
from cardiolib.workflow.folders import located, newest_run
from cardiolib.workflow.notebook_output import replaced_text
from cardiolib.workflow.own_process import run_in_own_process
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES

if TYPE_CHECKING:
    import pandas as pd

UP_TO_DATE = "up to date"
LECTURE_WORKERS = 2
"""The time and the memory of a run in a class are measured with so many processes."""


@dataclass(frozen=True)
class StageStatus:
    """How one stage stands.

    Attributes
    ----------
    title : str
    notebook : str
        Empty for the cohort.
    reasons : tuple of str
        Why it has to run (again); empty where it is up to date or has nothing to do.
    nothing_to_do : str
        Why it has nothing to do for this cohort.
    has_run : bool
        Whether there are results to look at, stale or not.
    seconds : float or None
        How long it took the last time.
    """

    title: str
    notebook: str
    reasons: tuple[str, ...] = ()
    nothing_to_do: str = ""
    has_run: bool = False
    seconds: float | None = None

    @property
    def state(self) -> str:
        """In words, with all reasons."""
        nothing = f"nothing to do: {self.nothing_to_do}" if self.nothing_to_do else ""
        return nothing or "; ".join(self.reasons) or UP_TO_DATE

    @property
    def short(self) -> str:
        """In words, with the first reason."""
        more = f" (and {len(self.reasons) - 1} more reasons)" if len(self.reasons) > 1 else ""
        return f"stale: {self.reasons[0]}{more}" if self.has_run and self.reasons else self.state


@dataclass(frozen=True)
class RunStatus:
    """How all stages of one run stand.

    Attributes
    ----------
    name : str
        The run's, or empty where no run has been made.
    stages : tuple of StageStatus
    """

    name: str
    stages: tuple[StageStatus, ...] = ()

    @property
    def up_to_date(self) -> bool:
        """Whether nothing has to run."""
        return bool(self.stages) and not any(stage.reasons for stage in self.stages)

    @property
    def table(self) -> pd.DataFrame:
        """Stage, state, and time of the last run."""
        import pandas as pd

        took = [minutes(stage.seconds) if stage.seconds is not None else "" for stage in self.stages]
        states = [stage.short for stage in self.stages]
        return pd.DataFrame({"state": states, "took": took}, index=[stage.title for stage in self.stages])

    def __repr__(self) -> str:
        if not self.stages:
            return self._headline()
        lines = [f"  {stage.title}: {stage.short}" for stage in self.stages]
        return "\n".join([self._headline(), *lines])

    def _repr_html_(self) -> str:
        return as_html(self._headline(), self.table if self.stages else None)

    def _headline(self) -> str:
        if not self.stages:
            return "No run has been made yet."
        ready = sum(stage.has_run for stage in self.stages)
        whole = f"{ready} of {len(self.stages)} stages have results"
        return f"Run {self.name}: {'all up to date' if self.up_to_date else whole}"


def run_status(profile: str = "", *, cohort: str = "simulated", seed: int = DEFAULT_SEED) -> RunStatus:
    """Look at a run without running anything.

    Parameters
    ----------
    profile : str
        For example ``"lecture"``; nothing for the run that was last brought to its end.
    cohort : str
        Name of a simulated cohort, or a folder or file of data.
    seed : int

    Returns
    -------
    RunStatus
        It prints itself as a table.

    Raises
    ------
    ParameterError
        There is no such profile.

    Examples
    --------
    >>> from cardiolib.workflow import run_status
    >>> print(run_status("smoke", seed=1))  # doctest: +ELLIPSIS
    Run smoke-simulated-1: 0 of 7 stages have results
      Cohort: it has never run
      ...
    """
    if not profile and newest_run() is None:
        return RunStatus("")
    run = by_hand.load_run(located(""), seed=seed) if not profile else Run(profile=profile, cohort=cohort, seed=seed)
    return status_of(run)


def status_of(run: Run, *, files: bool = False) -> RunStatus:
    """How the stages of a run stand; `files`: compare the stored files with their recorded hashes too."""
    return RunStatus(run.name, tuple(_stage_status(run, name, files) for name in STAGES))


def start_run(profile: str = "lecture", *, start: bool = False, workers: int = LECTURE_WORKERS) -> Any:
    """Run all notebooks of a profile on the simulated cohort, from a cell; nothing unless `start` is true.

    Parameters
    ----------
    profile : str
    start : bool
        The reader's switch.
    workers : int
        Processes; 0 for one per core.

    Returns
    -------
    RunStatus or Markdown
        How the run stands then, or the sentence that says what a start would do.

    Raises
    ------
    StageError
        With the end of what it said, when the run fails. It goes on from there when it is started again.
    """
    from IPython.display import Markdown

    run = Run(profile=profile)
    if not start:
        return Markdown(
            f"Nothing has been started. With `START = True` this cell makes the run `{run.name}`, which takes "
            f"{by_hand.WHOLE_RUN[profile]} on two cores. It can be stopped, and it goes on from there when it is "
            "started again. Stages that are up to date do not run again."
        )
    arguments = ["run", *by_hand.run_arguments(run), "--workers", str(workers)]
    end = run_in_own_process(arguments, show=replaced_text())
    if end.status:
        raise StageError(f"the run {run.name} has not come to its end:\n{end.last}")
    return status_of(run)


def _stage_status(run: Run, name: str, files: bool) -> StageStatus:
    stage, record = STAGES[name], run.finished(name)
    title, notebook = stage.title, stage.notebook or ""
    if record is None and (name == "cohort" or run.named_simulation):
        return StageStatus(title, notebook, ("it has never run",))
    if run.finished("cohort") is None:
        return StageStatus(title, notebook, ("not known before the cohort has been opened",))
    nothing = run.nothing_to_do(stage)
    if nothing:
        return StageStatus(title, notebook, nothing_to_do=nothing)
    reasons, seconds = tuple(run.stale(stage, files=files)), record["seconds"] if record else None
    return StageStatus(title, notebook, reasons, has_run=record is not None, seconds=seconds)
