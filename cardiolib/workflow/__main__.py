"""The command line behind the Makefile: ``python -m cardiolib.workflow run|prepare|status|verify|...``."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cardiolib.workflow.compute import ENVIRONMENT

BUDGET_SECONDS = {"smoke": 180, "lecture": 420, "default": 1800, "paper": None}
"""Seconds a whole run may take on two cores, after installation."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when all is well."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return run_command(command_parser().parse_args(arguments))


def run_command(options: argparse.Namespace) -> int:
    """Do what was asked for; an error that a person can mend becomes a sentence and the status 1.

    What a batch system or a closed terminal sends (SIGTERM, SIGHUP) stops it as Ctrl-C does: workers and kernels end.
    """
    try:
        with _ended_like_ctrl_c():
            return options.command(options)
    except KeyboardInterrupt:
        _say("stopped. Nothing is half-written; the same command goes on from here.")
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        _say(f"error: {error}{_advice(error)}")
        return 1


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    def stop(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, stop) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _advice(error: Exception) -> str:
    """What to do about a full disk, which the system reports in words of its own."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or os.strerror(errno.ENOSPC) in str(error):
        return (
            "\nThe disk is full, or your share of it. Free some space and give the same command again: what is "
            "finished is kept, and nothing is half-written."
        )
    return ""


def _run(options: argparse.Namespace) -> int:
    from cardiolib.workflow.certificate.issuing import withdraw
    from cardiolib.workflow.folders import relative
    from cardiolib.workflow.report.publish import publish, published_page
    from cardiolib.workflow.runner import run_stages

    started = time.time()
    run = planned_run(options)
    _say(f"profile {run.profile}, cohort {run.cohort}, seed {run.seed}")
    if options.expect_fresh:
        stale = _stale(run)
        if stale:
            _say("these stages are not up to date: " + "; ".join(f"{name} ({why[0]})" for name, why in stale.items()))
            return 1
    executed = run_stages(run, say=_say, at_end=publish)
    index = published_page(run)
    if withdraw(index.parent):
        _say(
            "the certificate of this run was about other results and has been removed: make certificate writes one anew"
        )
    seconds, budget = time.time() - started, BUDGET_SECONDS[run.profile]
    limit = f" (budget on 2 cores: {budget} s)" if budget and executed else ""
    _say(f"{len(executed)} stages run, {seconds:.0f} s{limit}")
    _say(f"report of this run: {relative(index)}; all runs: reports/index.html")
    return 0


def _status(options: argparse.Namespace) -> int:
    from cardiolib.workflow.standing import status_of

    for stage in status_of(planned_run(options), files=True).stages:
        _say(f"  {stage.title}: {stage.state}")
    return 0


def _prepare(options: argparse.Namespace) -> int:
    from cardiolib.workflow.runner import run_stages

    run_stages(planned_run(options), before=options.before, say=_say)
    return 0


def _verify(options: argparse.Namespace) -> int:
    from cardiolib.workflow.report.runs_page import published_run
    from cardiolib.workflow.report.verify import verify

    problems, remarks = verify(published_run(options.run))
    for line in [*remarks, *(f"PROBLEM {problem}" for problem in problems)]:
        _say(line)
    _say("not verified" if problems else "verified")
    return 1 if problems else 0


def _certificate(options: argparse.Namespace) -> int:
    from cardiolib.workflow.certificate.issuing import certify
    from cardiolib.workflow.folders import relative
    from cardiolib.workflow.report.runs_page import published_run

    certificate = certify(published_run(options.run))
    _say(certificate.findings.verdict())
    for problem in certificate.problems:
        _say(f"PROBLEM {problem}")
    for path in (certificate.page, certificate.crate, certificate.codecheck):
        _say(f"wrote {relative(path)}")
    return 1 if certificate.problems else 0


def _compare(options: argparse.Namespace) -> int:
    from cardiolib.workflow.report.compare import comparison
    from cardiolib.workflow.report.runs_page import published_run

    for line in comparison(published_run(options.a), published_run(options.b)):
        _say(line)
    return 0


def _expect(options: argparse.Namespace) -> int:
    from cardiolib.workflow.report.expectation import write_expectation
    from cardiolib.workflow.report.runs_page import published_run

    others = [published_run(name) for name in options.others]
    _say(f"wrote {write_expectation(published_run(options.run), others)}")
    return 0


def planned_run(options: argparse.Namespace) -> object:
    """The run that was asked for, every parameter checked; nothing is run."""
    from pathlib import Path

    from cardiolib.workflow.run_plan import Run

    run = Run(
        profile=options.profile,
        cohort=options.cohort,
        seed=options.seed,
        overrides=tuple(options.set),
        workers=options.workers,
        folder=Path(options.run_folder) if options.run_folder else None,
    )
    assert run.settings  # checks them
    return run


def _stale(run: object) -> dict[str, list[str]]:
    from cardiolib.workflow.stages import STAGES

    stale = {}
    for name, stage in STAGES.items():
        if name == "cohort" and run.finished(name) is None:
            return {name: ["it has never run"]}
        why = run.stale(stage) if run.nothing_to_do(stage) is None else []
        if why:
            stale[name] = why
    return stale


def command_parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(prog="python -m cardiolib.workflow", description=__doc__)
    add_commands(parser.add_subparsers(required=True, metavar="run|prepare|status|verify|certificate|compare|expect"))
    return parser


def add_commands(commands: Any) -> None:
    """Add the commands to a parser's subparsers; ``python -m cardiolib`` has them beside others."""
    from cardiolib.work import DEFAULT_SEED
    from cardiolib.workflow.parameters import PROFILES
    from cardiolib.workflow.stages import STAGES

    for name, command, text in (
        ("run", _run, "run what is stale and publish the report"),
        ("prepare", _prepare, "run what one notebook reads, without publishing"),
        ("status", _status, "say of each stage whether it is up to date, and why not"),
    ):
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(command=command)
        sub.add_argument("--profile", default="default", help=f"one of {', '.join(PROFILES)}")
        sub.add_argument("--cohort", default="simulated", help="named simulated cohort, or a folder or file of data")
        sub.add_argument("--seed", type=int, default=DEFAULT_SEED)
        sub.add_argument("--set", action="append", default=[], metavar="stage.parameter=value")
        sub.add_argument("--workers", type=int, default=0, help="processes; 0 for one per core")
        sub.add_argument("--run-folder", default="", help="where the results lie; below data/derived by default")
        sub.add_argument("--expect-fresh", action="store_true", help="fail instead of running a stale stage")
        if name == "prepare":
            sub.add_argument("--before", required=True, choices=list(STAGES), help="the stage whose inputs are wanted")
    for name, command, text in (
        ("verify", _verify, "check a published run against hashes and expected metrics"),
        ("certificate", _certificate, "write codecheck.yml, RO-Crate and certificate of a published run"),
        ("expect", _expect, "make a published run's metrics the committed expectation of its profile"),
    ):
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(command=command)
        sub.add_argument("--run", default="", help="name of a run in reports/; the newest by default")
        if name == "expect":
            sub.add_argument("--others", nargs="*", default=[], help="the same run on other kernels (what may differ)")
    sub = commands.add_parser("compare", help="the numbers of two published runs side by side")
    sub.set_defaults(command=_compare)
    sub.add_argument("a", help="name of a run in reports/")
    sub.add_argument("b")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
