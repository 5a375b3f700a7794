"""Running the stages that are stale, in order, each into a folder of its own that replaces the old one at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from doit.cmd_base import TaskLoader2
from doit.doit_cmd import DoitMain
from doit.exceptions import TaskFailed
from doit.reporter import ZeroReporter
from doit.task import dict_to_task

from cardiolib.files import write_json
from cardiolib.progress import BARS, bars_to
from cardiolib.workflow import notebooks, provenance
from cardiolib.workflow.cohort_stage import prepare_cohort
from cardiolib.workflow.compute import SCHEDULER, Compute
from cardiolib.workflow.display import StageDisplay
from cardiolib.workflow.errors import ParameterError, StageError
from cardiolib.workflow.folders import RUN_FILE
from cardiolib.workflow.lock import run_lock
from cardiolib.workflow.machine import machine
from cardiolib.workflow.report.messages import MESSAGES_FILE
from cardiolib.workflow.run_plan import NOT_OUTPUTS, Run
from cardiolib.workflow.session import PIPELINE
from cardiolib.workflow.shared import note_newest
from cardiolib.workflow.stages import STAGES, Stage, with_inputs
from cardiolib.workflow.twins import adopt, twin_of
from cardiolib.workflow.work_folder import open_work_folder, promote, recover, remove_unfinished


def run_stages(
    run: Run,
    *,
    until: str | None = None,
    before: str | None = None,
    say: Any = None,
    at_end: Callable[[Run], Any] | None = None,
) -> list[str]:
    """Run what is stale, up to and including the stage `until`.

    Parameters
    ----------
    run : Run
    until : str, optional
        Last stage wanted; all by default.
    before : str, optional
        Instead: all that this stage reads, directly or through others, and not the stage itself.
    say : callable, optional
        Receives one line of text for each event worth telling.
    at_end : callable, optional
        Called with the run when all its stages are up to date, while nobody else may change them.

    Returns
    -------
    list of str
        Names of the stages that were executed.

    Raises
    ------
    StageError
        When a stage fails; its earlier outputs and those of all other stages are untouched, and
        units of work that it had finished are kept for the next attempt.
    """
    say = say or (lambda line: None)
    assert run.folder is not None
    last = until or before
    wanted = list(STAGES.values()) if last is None else with_inputs(last)[: -1 if before else None]
    executed: list[str] = []
    errors: list[Exception] = []
    with run_lock(run.folder) as ended:
        if ended:
            say(f"  {ended}")
        remove_unfinished(run.folder)
        write_json(
            run.folder / RUN_FILE,
            {
                "profile": run.profile,
                "cohort": str(run.cohort),
                "seed": run.seed,
                "overrides": list(run.overrides),
                "workers": run.workers,
            },
        )
        with _shared_workers(run) as compute:
            tasks = [_task(run, stage, compute, executed, errors, say) for stage in wanted]
            database = run.folder / ".doit.json"
            database.unlink(missing_ok=True)  # what is stale is told by content; a killed run leaves it damaged
            status = DoitMain(_StageLoader(tasks, database)).run(["run"])
        if errors:
            raise errors[0]
        if status:
            raise StageError("the stages could not be run (doit); what is finished is kept, see the lines above")
        if last is None:
            note_newest(run.folder)
        if at_end is not None:
            at_end(run)
    return executed


def run_one(run: Run, stage: Stage, compute: Compute, display: StageDisplay) -> None:
    """Run one stage into a working folder and put it in the place of the old outputs when it has succeeded."""
    final = run.stage_folder(stage.name)
    work = final.with_name(f"{stage.name}.work")
    state = run.source_state() if stage.name == "cohort" else None  # before the files are read
    key = run.key(stage)
    open_work_folder(work, key)
    started = time.time()
    parameters = run.parameters(stage, work)
    if stage.notebook is None:
        with bars_to(display):
            prepare_cohort(run, work, map_units=compute, source_hash=key["inputs"].get("source"))
    else:
        os.environ[PIPELINE] = stage.name
        try:
            executed = notebooks.execute(stage, parameters, work, display=display)
        finally:
            del os.environ[PIPELINE]
        (work / "notebook.html").write_text(notebooks.render(executed), encoding="utf-8")
        write_json(work / MESSAGES_FILE, notebooks.messages(executed))
    outputs = provenance.tree_hashes(work, skip=NOT_OUTPUTS)
    write_json(
        work / "stage.json",
        {
            "key": key,
            "source_state": state,
            "started": _moment(started),
            "ended": _moment(time.time()),
            "seconds": round(time.time() - started, 2),
            "machine": machine(),
            "output_hash": provenance.combined_hash(outputs),
            "outputs": outputs,
            "files": provenance.tree_hashes(work, skip=("units", "stage.json", "key.json")),
            "versions": provenance.versions(),
            "git": provenance.git_state(),
        },
    )
    promote(work, final)


def _moment(seconds: float) -> str:
    """Seconds since 1970 as date and time of UTC (ISO 8601)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


@contextmanager
def _shared_workers(run: Run) -> Iterator[Compute]:
    """Workers for all stages of one run; they start with the first stage that runs, and stop at the end."""
    compute = Compute(run.workers, os.environ.get(SCHEDULER, ""))
    before = {name: os.environ.get(name) for name in (SCHEDULER, BARS)}
    os.environ[BARS] = "text"
    try:
        yield compute
    finally:
        compute.close()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _offer_workers(compute: Compute, stage: Stage) -> None:
    """Make the run's workers known to the stage's notebook."""
    if compute.workers == 1 and not compute.address:
        return
    os.environ[SCHEDULER] = compute.connect().scheduler.address
    if stage.name == "segmentation" and not compute.address:
        from cardiolib.interpretation.latent import compile_umap

        # while the network trains on one core, the others get ready for what comes after it
        modules = sorted({other.settings.partition(":")[0] for other in STAGES.values()})
        compute.prepare(modules, first=compile_umap)


def _task(
    run: Run, stage: Stage, compute: Compute, executed: list[str], errors: list[Exception], say: Any
) -> dict[str, Any]:
    def is_fresh() -> bool:
        recover(run.stage_folder(stage.name))
        reason = run.nothing_to_do(stage)
        if reason:
            say(f"  {stage.title}: nothing to do. {reason[0].upper()}{reason[1:]}.")
            return True
        reasons = run.stale(stage)
        twin = twin_of(run, stage) if reasons else None
        if twin is not None and adopt(twin, run.stage_folder(stage.name)):
            say(f"  {stage.title}: taken over from run {twin.parent.name}, which has made the same")
            return True
        say(f"  {stage.title}: {'up to date' if not reasons else 'running, because ' + '; '.join(reasons[:4])}")
        return not reasons

    def act() -> TaskFailed | None:
        started = time.time()
        try:
            with StageDisplay(stage.title, expected_seconds=run.last_seconds(stage)) as display:
                _offer_workers(compute, stage)
                run_one(run, stage, compute, display)
        except (StageError, ParameterError, ValueError, OSError) as error:
            errors.append(error)
            return TaskFailed(str(error))
        except Exception as error:  # doit would keep it to itself: a worker that died, say
            errors.append(StageError(f"stage {stage.title!r} failed: {type(error).__name__}: {error}"))
            return TaskFailed(str(error))
        executed.append(stage.name)
        say(f"  {stage.title}: done in {time.time() - started:.0f} s")
        return None

    return {
        "name": stage.name,
        "actions": [act],
        "uptodate": [is_fresh],
        "task_dep": [name for name in stage.after],
        "verbosity": 2,
    }


class _StageLoader(TaskLoader2):
    """Hands doit the tasks of one run; no dodo file."""

    def __init__(self, tasks: list[dict[str, Any]], database: Path) -> None:
        super().__init__()
        self._tasks = tasks
        self._database = database

    def setup(self, opt_values: Any) -> None:
        """Nothing to set up."""

    def load_doit_config(self) -> dict[str, Any]:
        """Where doit keeps its own records, and a reporter that leaves talking to us."""
        return {"dep_file": str(self._database), "backend": "json", "reporter": ZeroReporter, "verbosity": 2}

    def load_tasks(self, cmd: Any, pos_args: Any) -> list[Any]:
        """The tasks, one a stage."""
        return [dict_to_task(dict(task)) for task in self._tasks]
