"""The workflow's command in a process of its own, started from a notebook, with what it says shown as it goes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SHOWN_LINES = 8


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    status : int
        0 when all is well.
    last : str
        The last lines of what it said.
    """

    status: int
    last: str


def run_in_own_process(arguments: Sequence[str], *, show: Callable[[str], None]) -> Ended:
    """Run ``python -m cardiolib.workflow`` with these arguments.

    Parameters
    ----------
    arguments : sequence of str
    show : callable
        Receives the last lines of what it says, again and again.

    Raises
    ------
    KeyboardInterrupt
        When it was stopped; finished work is kept.
    """
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", "cardiolib.workflow", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "CARDIOLIB_BARS": "text"},
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line.rstrip())
                show("\n".join(lines[-SHOWN_LINES:]))
        except KeyboardInterrupt:
            process.terminate()
            raise
    return Ended(process.returncode, "\n".join(lines[-SHOWN_LINES:]))
