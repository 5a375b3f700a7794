"""Running the stages that are stale, in order, each into a folder of its own that replaces the old one at the end."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from doit.cmd_base import TaskLoader2
from doit.doit_cmd import DoitMain
from doit.exceptions import TaskFailed
from doit.reporter import ZeroReporter
from doit.task import dict_to_task

from cardiolib.workflow import notebooks, provenance
from cardiolib.workflow.cohort_stage import prepare_cohort
from cardiolib.workflow.compute import SCHEDULER, Compute
from cardiolib.workflow.errors import ParameterError, StageError
from cardiolib.workflow.run_plan import NOT_OUTPUTS, Run
from cardiolib.workflow.session import write_json
from cardiolib.workflow.stages import STAGES, Stage

RUN_FILE = "run.json"


def run_stages(run: Run, *, until: str | None = None, say: Any = None) -> list[str]:
    """Run what is stale, up to and including the stage `until`.

    Parameters
    ----------
    run : Run
    until : str, optional
        Last stage wanted; all by default.
    say : callable, optional
        Receives one line of text for each event worth telling.

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
    run.folder.mkdir(parents=True, exist_ok=True)
    write_json(run.folder / RUN_FILE, {
        "profile": run.profile, "cohort": str(run.cohort), "seed": run.seed, "overrides": list(run.overrides),
        "workers": run.workers,
    })
    wanted = _wanted(until)
    executed: list[str] = []
    errors: list[Exception] = []
    with _shared_workers(run) as compute:
        tasks = [_task(run, stage, compute, executed, errors, say) for stage in wanted]
        DoitMain(_StageLoader(tasks, run.folder / ".doit.json")).run(["run"])
    if errors:
        raise errors[0]
    return executed


def run_inputs_of(stage: str, *, run_folder: Path, seed: int) -> None:
    """Bring the inputs of one stage up to date, for a notebook opened by hand."""
    run = load_run(run_folder, seed=seed)
    for name in STAGES[stage].after:
        run_stages(run, until=name)


def load_run(folder: Path, *, seed: int) -> Run:
    """The run whose results lie in a folder; a new default-profile run when the folder is empty."""
    path = folder / RUN_FILE
    if not path.is_file():
        profile = folder.name.partition("-")[0]
        return Run(profile=profile if profile in ("smoke", "paper") else "default", seed=seed, folder=folder)
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved["overrides"] = tuple(saved["overrides"])
    return Run(**{**saved, "seed": seed}, folder=folder)


def run_one(run: Run, stage: Stage, compute: Compute) -> None:
    """Run one stage into a working folder and put it in the place of the old outputs when it has succeeded."""
    final = run.stage_folder(stage.name)
    work = final.with_name(f"{stage.name}.work")
    key = run.key(stage)
    _open_work_folder(work, key)
    started = time.time()
    parameters = run.parameters(stage, work)
    if stage.notebook is None:
        prepare_cohort(run, work, map_units=compute)
    else:
        executed = notebooks.execute(stage, parameters, work)
        banner = cohort_banner(run)
        (work / "notebook.html").write_text(notebooks.render(executed, stage.title, banner=banner), encoding="utf-8")
    outputs = provenance.tree_hashes(work, skip=NOT_OUTPUTS)
    write_json(work / "stage.json", {
        "key": key,
        "seconds": round(time.time() - started, 2),
        "output_hash": provenance.combined_hash(outputs),
        "outputs": outputs,
        "files": provenance.tree_hashes(work, skip=("units", "stage.json", "key.json")),
        "versions": provenance.versions(),
        "git": provenance.git_state(),
    })
    shutil.rmtree(work / "units", ignore_errors=True)
    (work / "key.json").unlink()
    _promote(work, final)


def cohort_banner(run: Run) -> str:
    """The sentence that stands on top of every page of the report."""
    cohort = run.opened
    if cohort.simulated:
        return (
            f"Simulated cohort '{cohort.name}' from the digital heart ({len(cohort.table)} subjects). No patient data: "
            "how strongly motion predicts survival here was built in, so these numbers test the method, not medicine."
        )
    return f"Real data: cohort '{cohort.name}' ({cohort.layout} layout, {len(cohort.table)} subjects)."


def _wanted(until: str | None) -> list[Stage]:
    if until is None:
        return list(STAGES.values())
    names: list[str] = []

    def add(name: str) -> None:
        for before in STAGES[name].after:
            add(before)
        if name not in names:
            names.append(name)

    add(until)
    return [STAGES[name] for name in names]


@contextmanager
def _shared_workers(run: Run) -> Iterator[Compute]:
    """Workers for all stages of one run; they start with the first stage that runs, and stop at the end."""
    compute = Compute(run.workers, os.environ.get(SCHEDULER, ""))
    before = os.environ.get(SCHEDULER)
    try:
        yield compute
    finally:
        compute.close()
        os.environ.pop(SCHEDULER, None)
        if before is not None:
            os.environ[SCHEDULER] = before


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
        _recover(run.stage_folder(stage.name))
        reason = run.nothing_to_do(stage)
        if reason:
            say(f"  {stage.title}: nothing to do. {reason[0].upper()}{reason[1:]}.")
            return True
        reasons = run.stale(stage)
        say(f"  {stage.title}: {'up to date' if not reasons else 'running, because ' + '; '.join(reasons[:4])}")
        return not reasons

    def act() -> TaskFailed | None:
        started = time.time()
        try:
            _offer_workers(compute, stage)
            run_one(run, stage, compute)
        except (StageError, ParameterError, ValueError, OSError) as error:
            errors.append(error)
            return TaskFailed(str(error))
        except Exception as error:  # doit would keep it to itself: a worker that died, say
            errors.append(StageError(f"stage {stage.title!r} failed: {type(error).__name__}: {error}"))
            return TaskFailed(str(error))
        executed.append(stage.name)
        say(f"  {stage.title}: done in {time.time() - started:.0f} s")
        return None

    return {"name": stage.name, "actions": [act], "uptodate": [is_fresh],
            "task_dep": [name for name in stage.after], "verbosity": 2}


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


def _open_work_folder(work: Path, key: dict[str, Any]) -> None:
    """Keep finished units of an interrupted run of the same key; otherwise start from nothing."""
    kept = work / "key.json"
    if kept.is_file() and json.loads(kept.read_text(encoding="utf-8")) == json.loads(json.dumps(key)):
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    write_json(kept, key)


def _promote(work: Path, final: Path) -> None:
    old = final.with_name(f"{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        os.rename(final, old)
    os.rename(work, final)
    shutil.rmtree(old, ignore_errors=True)


def _recover(final: Path) -> None:
    """Undo a promotion that was killed between its two renames."""
    old = final.with_name(f"{final.name}.old")
    if old.exists() and not final.exists():
        os.rename(old, final)
