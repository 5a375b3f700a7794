"""``cardiolib``, or ``python -m cardiolib``: reproduce the paper, or look at your own scans."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import cardiolib

ABOUT = "Look at your own heart scans, or reproduce Bello et al. 2019. Research software, not for clinical use."
SHELLS = ("bash", "zsh", "tcsh")
_COMPLETED = {"SCAN": "FILE", "FILE": "FILE", "DIR": "DIRECTORY"}
"""What stands for an argument in the help -> what shtab completes it by."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when all is well."""
    from cardiolib.workflow.__main__ import run_command
    from cardiolib.workflow.compute import ENVIRONMENT

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return run_command(command_parser().parse_args(arguments))


def command_parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    from cardiolib.workflow.__main__ import add_commands
    from cardiolib.workflow.exercise_commands import add_exercise_commands
    from cardiolib.workflow.scan_command import add_scan

    parser = argparse.ArgumentParser(prog="cardiolib", description=ABOUT)
    parser.add_argument("--version", action="version", version=f"cardiolib {cardiolib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    add_scan(commands)
    add_commands(commands)
    add_exercise_commands(commands)
    _add_completion(commands)
    return parser


def _add_completion(commands: Any) -> None:
    sub = commands.add_parser("completion", help="print a script that completes commands in your shell")
    sub.set_defaults(command=_completion)
    sub.add_argument("shell", choices=SHELLS)


def _completion(options: argparse.Namespace) -> int:
    import shtab

    parser = command_parser()
    for commands in (action for action in parser._actions if isinstance(action, argparse._SubParsersAction)):
        for command in commands.choices.values():
            for action in command._actions:
                if action.metavar in _COMPLETED:
                    action.complete = getattr(shtab, _COMPLETED[str(action.metavar)])
    sys.stdout.write(shtab.complete(parser, shell=options.shell) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
