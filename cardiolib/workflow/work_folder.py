"""The folder in which a stage works, and how it takes the place of the old outputs, whenever a run is killed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from cardiolib.files import UNFINISHED, read_json, write_json
from cardiolib.workflow.provenance import tree_hashes

RECORD = "stage.json"
"""Of a finished stage: what it was made from, and the hashes of its files. Nothing is written after it."""
KEY = "key.json"
"""Of a working folder: to which inputs, parameters and code its finished units belong."""


def open_work_folder(work: Path, key: dict[str, Any]) -> None:
    """Keep finished units of an interrupted run of the same key; otherwise start from nothing."""
    if _read_key(work) == json.loads(json.dumps(key)):
        remove_unfinished(work, below=True)
        return
    (work / KEY).unlink(missing_ok=True)  # first: a folder that is half removed belongs to no key
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    write_json(work / KEY, key)


def promote(work: Path, final: Path) -> None:
    """Put a finished working folder in the place of the old outputs; its record, ``stage.json``, was written last."""
    (work / KEY).unlink(missing_ok=True)
    shutil.rmtree(work / "units", ignore_errors=True)
    old = final.with_name(f"{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        os.rename(final, old)
    os.rename(work, final)
    shutil.rmtree(old, ignore_errors=True)


def recover(final: Path) -> None:
    """Bring a promotion to its end that was killed, or undo it, and take away what else a killed run left."""
    work, old = (final.with_name(f"{final.name}.{ending}") for ending in ("work", "old"))
    if old.exists() and not final.exists():
        os.rename(old, final)
    if (work / RECORD).is_file() and is_whole(work, read_json(work / RECORD)):
        promote(work, final)
    for left in (old, final.with_name(f"{final.name}.arriving")):
        shutil.rmtree(left, ignore_errors=True)


def is_whole(folder: Path, record: dict[str, Any]) -> bool:
    """Whether the files that a stage's record names are all there and unchanged."""
    present = tree_hashes(folder, skip=("units", RECORD, KEY))
    return all(present.get(name) == digest for name, digest in record["files"].items())


def remove_unfinished(folder: Path, *, below: bool = False) -> None:
    """Take away what a killed process was writing in a folder (or anywhere below it).

    For whoever holds the folder's lock: nobody else is writing there.
    """
    for left in folder.glob(f"**/{UNFINISHED}*" if below else f"{UNFINISHED}*"):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)


def _read_key(work: Path) -> Any:
    try:
        return read_json(work / KEY)
    except (FileNotFoundError, ValueError):
        return None
