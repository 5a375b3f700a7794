"""A process that executes hand-ins, each in a confined child of its own, and judges the answers outside of it.

``python -m cardiolib.exercises.sandbox`` reads a job a line from its input and writes an answer a line, both JSON. It
has imported all that exercises use, so that a hand-in costs a fork and not the imports. The child that executes a
hand-in sends answers as plain data through a pipe. Another child, in which no code of a student has run, judges them.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from cardiolib.exercises import confined
from cardiolib.exercises.answers import Plain, plain
from cardiolib.exercises.opened import hand_over
from cardiolib.exercises.student_cohort import StudentCohort

MOST_SENT = 2**20
MOST_ERRORS, ERROR_LENGTH = 20, 200
HIDDEN_MODULES = ("cardiolib.exercises.lessons",)
_OUT = 3


def main() -> int:
    """Answer jobs until the input ends."""
    _warm_up()
    reply = sys.stdout
    for line in sys.stdin:
        reply.write(json.dumps(grade_one(json.loads(line))) + "\n")
        reply.flush()
    return 0


def grade_one(job: dict[str, Any]) -> dict[str, Any]:
    """Execute one hand-in and judge its answers.

    Parameters
    ----------
    job : dict
        ``student``, ``lesson``, ``cells`` (list of code), ``seconds``, ``memory_mib``, ``hidden`` (list of folders).

    Returns
    -------
    dict
        ``states`` (exercise -> state), ``errors`` (list of [cell, text]), ``ended`` ("finished", or why not),
        ``seconds``, ``shut_off`` (list of words).
    """
    cohort = StudentCohort(job["student"])
    _ = cohort.scan if job["lesson"] in ("00", "01") else cohort.motion
    started = time.monotonic()
    scratch = Path(tempfile.mkdtemp(prefix="cardiolib-hand-in-"))
    try:
        sent, ended = _run_child(lambda: _execute(job, cohort, scratch), seconds=job["seconds"])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    found = _sorted(sent)
    seconds = time.monotonic() - started
    # the judge's own code: it has more time than any truth needs
    judged, judge_ended = _run_child(lambda: _judge(job["lesson"], cohort, found["answers"]), seconds=120)
    states = next((one["states"] for one in judged if "states" in one), None)
    if states is None:
        raise RuntimeError(f"the judge of {job['student']!r}, lesson {job['lesson']}, did not finish: {judge_ended}")
    if ended == "finished" and not found["done"]:
        ended = "the notebook ended its own process"
    return {
        "states": states,
        "errors": found["errors"],
        "ended": ended,
        "seconds": round(seconds, 2),
        "shut_off": found["shut_off"],
    }


def _execute(job: dict[str, Any], cohort: StudentCohort, scratch: Path) -> None:
    """In the child: lock the doors, then run the cells of the hand-in one after the other."""
    hidden = [*(Path(one) for one in job["hidden"]), Path(__file__).with_name("lessons")]
    shut_off = confined.isolate(scratch, hidden)
    if shut_off:
        _become_first_process()
    confined.limit(memory_mib=job["memory_mib"], seconds=int(job["seconds"]) + 5)
    _own_environment(scratch)
    send = _sender()
    send({"shut_off": shut_off})
    hand_over(cohort, lambda exercise, answer: send({"answer": [exercise, answer]}))
    shell = _shell()
    confined.guard(scratch, hidden, HIDDEN_MODULES)
    errors = 0
    for number, source in enumerate(job["cells"]):
        error = _error_of(shell, source)
        if error and errors < MOST_ERRORS:
            errors += 1
            send({"error": [number, error[:ERROR_LENGTH]]})
    send({"done": True})


def _judge(lesson: str, cohort: StudentCohort, answers: dict[str, Plain]) -> None:
    """In another child: the state of every exercise of the lesson."""
    from cardiolib.exercises.lessons import LESSONS

    states = {one.id: one.judge(cohort, answers.get(one.id)).state for one in LESSONS[lesson].exercises}
    _sender()({"states": states})


def _run_child(work: Callable[[], None], *, seconds: float) -> tuple[list[dict[str, Any]], str]:
    """Fork, run `work` there, and read what it sends until it ends or its time is up."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 70
        try:
            _only_this_pipe(writer)
            work()
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    try:
        data, why = _read(reader, time.monotonic() + seconds)
        if not why:
            _let_end(child)
    finally:
        os.close(reader)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    return _lines(data), why or _end_in_words(status)


def _read(pipe: int, deadline: float) -> tuple[bytes, str]:
    """All that comes before the end, and why reading stopped before it, if it did."""
    parts: list[bytes] = []
    size = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return b"".join(parts), "stopped at the time limit"
        if not select.select([pipe], [], [], left)[0]:
            continue
        part = os.read(pipe, 65536)
        if not part:
            return b"".join(parts), ""
        parts.append(part)
        size += len(part)
        if size > MOST_SENT:
            return b"".join(parts), "stopped: it sent too much"


def _let_end(child: int) -> None:
    """Give a child that has closed its pipe a moment to end by itself, so that its status tells how it ended."""
    if hasattr(os, "pidfd_open"):
        ending = os.pidfd_open(child)
        select.select([ending], [], [], 2.0)
        os.close(ending)


def _lines(data: bytes) -> list[dict[str, Any]]:
    """The JSON objects among the lines; what is no such line was written by somebody else and is dropped."""
    found = []
    for line in data.split(b"\n"):
        with suppress(ValueError, RecursionError):
            content = json.loads(line.decode("utf-8"))
            if isinstance(content, dict):
                found.append(content)
    return found


def _sorted(sent: list[dict[str, Any]]) -> dict[str, Any]:
    """Answers (the last of each exercise), errors and the rest, every value checked: a student may have sent it."""
    answers: dict[str, Plain] = {}
    errors: list[list[Any]] = []
    for one in sent:
        answer, error = one.get("answer"), one.get("error")
        if isinstance(answer, list) and len(answer) == 2 and isinstance(answer[0], str):
            answers[answer[0][:16]] = plain(answer[1])
        if isinstance(error, list) and len(error) == 2 and type(error[0]) is int and len(errors) < MOST_ERRORS:
            errors.append([error[0], str(error[1])[:ERROR_LENGTH]])
    first = sent[0].get("shut_off") if sent else None  # sent before any code of a student ran
    shut_off = [str(word)[:60] for word in first] if isinstance(first, list) else []
    return {"answers": answers, "errors": errors, "shut_off": shut_off, "done": any("done" in one for one in sent)}


def _end_in_words(status: int) -> str:
    """How a child ended. Who has closed the pipe and goes on is killed; whether all was done then is told by "done"."""
    code = os.waitstatus_to_exitcode(status)
    if code in (0, -signal.SIGKILL):
        return "finished"
    number = -code if code < 0 else code - 128
    with suppress(ValueError):
        return f"ended by {signal.Signals(number).name}"
    return f"ended with status {code}"


def _only_this_pipe(writer: int) -> None:
    """A session of its own, and no open file of the grader's but the pipe."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(writer, 250)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.dup2(250, _OUT)
    os.closerange(_OUT + 1, 4096)
    sys.stdin = open(os.devnull, encoding="utf-8")
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _become_first_process() -> None:
    """Fork into the new namespace of processes; whoever is left only waits."""
    child = os.fork()
    if child:
        os.close(_OUT)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
    confined.give_up_privileges()


def _own_environment(scratch: Path) -> None:
    """Nothing of the teacher's environment, none of the modules that hold truths, and a home that vanishes."""
    keep = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    home = str(scratch)
    os.environ.clear()
    os.environ.update({**keep, **threads, "HOME": home, "TMPDIR": home, "IPYTHONDIR": home, "MPLCONFIGDIR": home})
    os.environ.update({"MPLBACKEND": "agg", "NUMBA_CACHE_DIR": home, "PYTHONDONTWRITEBYTECODE": "1"})
    sys.dont_write_bytecode = True
    tempfile.tempdir = None
    warnings.resetwarnings()
    for name in sorted((one for one in sys.modules if one.startswith(HIDDEN_MODULES)), reverse=True):
        vars(sys.modules[name.rpartition(".")[0]]).pop(name.rpartition(".")[2], None)
        del sys.modules[name]
    os.chdir(home)


def _sender() -> Callable[[dict[str, Any]], None]:
    """Writes a line of JSON to the pipe, with functions of its own: patched modules do not reach it."""
    dumps, write = json.JSONEncoder().encode, os.write

    def send(content: dict[str, Any]) -> None:
        data = dumps(content).encode() + b"\n"
        while data:
            data = data[write(_OUT, data) :]

    return send


def _shell() -> Any:
    """IPython without history: cells run as in a notebook, magics and `await` included."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    return InteractiveShell.instance(config=config)


def _error_of(shell: Any, source: str) -> str:
    """Run a cell; its error in words, or nothing."""
    try:
        result = shell.run_cell(source, silent=True)
    except BaseException as error:  # SystemExit, KeyboardInterrupt, and what a patched shell raises
        return f"{type(error).__name__}: {error}"
    found = result.error_before_exec or result.error_in_exec
    return f"{type(found).__name__}: {found}" if found is not None else ""


def _warm_up() -> None:
    """Import what exercises use and compile what is compiled, once for all hand-ins."""
    import IPython.core.interactiveshell
    import matplotlib
    import pandas
    import scipy.spatial
    import scipy.stats

    import cardiolib
    from cardiolib.validation import concordance

    assert all((IPython, matplotlib, pandas, scipy.spatial, scipy.stats, cardiolib.exercises))
    concordance(np.array([2.0, 1.0, 0.0]), event=np.array([1, 1, 0]), time=np.array([1.0, 2.0, 3.0]))


if __name__ == "__main__":
    sys.exit(main())
