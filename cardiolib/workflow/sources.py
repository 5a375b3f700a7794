"""Is what a run reads from outside the same? Data that a cohort or a parameter names, with all that goes with it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cardiolib.file_tree import FilesBelow, files_below
from cardiolib.files import file_hash, text_hash

ABSENT = "absent"


def source_hash(path: Path) -> str:
    """Hash of the content of a folder or a file, linked folders entered, side files included; "absent" without one."""
    from cardiolib.cohorts.beside import files_beside

    beside = {_name(file, path): file_hash(file) for file in files_beside(path)} if path.exists() else {}
    if path.is_dir():
        return combined_hash({**folder_hashes(path), **beside})
    if not path.is_file():
        return ABSENT
    return combined_hash({"": file_hash(path), **beside}) if beside else file_hash(path)


def source_state(path: Path) -> str:
    """Hash of names, sizes and dates of the same files: cheap to see whether anybody has touched them."""
    from cardiolib.cohorts.beside import files_beside

    if not path.exists():
        return ABSENT
    found = files_below(path) if path.is_dir() else FilesBelow((path,))
    states = {}
    for file in (*found.files, *files_beside(path)):
        seen = file.stat()
        states[_name(file, path)] = f"{seen.st_size} {seen.st_mtime_ns} {seen.st_ino}"
    return combined_hash({**states, **_marks(found, path)})


def folder_hashes(folder: Path) -> dict[str, str]:
    """Relative path to SHA-256 of every file below a folder; a folder that is linked once more has one line."""
    found = files_below(folder)
    return {**{_name(file, folder): file_hash(file) for file in found.files}, **_marks(found, folder)}


def combined_hash(hashes: dict[str, str]) -> str:
    """One hash of a mapping of names to hashes."""
    return text_hash(json.dumps(hashes, sort_keys=True))


def _marks(found: FilesBelow, folder: Path) -> dict[str, str]:
    """Links to folders that were entered under another name, and folders that may not be listed."""
    again = {f"{_name(link, folder)}/": f"as {_name(met, folder)}" for link, met in found.again.items()}
    return {**again, **{f"{_name(one, folder)}/": "closed" for one in found.closed}}


def _name(file: Path, folder: Path) -> str:
    return os.path.relpath(file, folder)
