"""Folders in which all runs write a few small files, one after the other: the list of runs, and which is the newest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cardiolib.files import write_json
from cardiolib.last_run import DERIVED, NEWEST_FILE
from cardiolib.workflow.lock import run_lock
from cardiolib.workflow.work_folder import remove_unfinished

PATIENCE_S = 60.0
"""Others are there for a second or so."""


@contextmanager
def shared_folder(folder: Path) -> Iterator[None]:
    """Write in a folder of all runs when no other run does; what a killed one was writing is taken away."""
    with run_lock(folder, patience_s=PATIENCE_S):
        remove_unfinished(folder)
        yield


def note_newest(run_folder: Path) -> None:
    """Remember a run below ``data/derived`` as the newest."""
    if run_folder.parent == DERIVED:
        with shared_folder(DERIVED):
            write_json(DERIVED / NEWEST_FILE, {"run": run_folder.name})
