"""All files below a folder, linked folders entered: what is read and what is hashed are found by the same walk."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FilesBelow:
    """What lies below a folder.

    Attributes
    ----------
    files : tuple of Path
        Regular files, sorted by their parts; links to files among them. Pipes and devices, which would be waited for
        without end, and links that lead nowhere are not.
    again : dict of Path to Path
        A linked folder that leads to one met already -> where that was met. Its files are not listed twice, so that
        links that lead in a circle come to an end.
    closed : tuple of Path
        Folders that may not be listed.
    """

    files: tuple[Path, ...]
    again: dict[Path, Path] = field(default_factory=dict)
    closed: tuple[Path, ...] = ()


def files_below(folder: str | os.PathLike[str]) -> FilesBelow:
    """Every file below a folder, those in linked folders included, each real folder entered once.

    Parameters
    ----------
    folder : path-like

    Notes
    -----
    Folders that lie here come before folders that are linked here, and links come in the order of their depth and name.
    What is found, and under which name, therefore depends on the files alone.

    Examples
    --------
    >>> import tempfile
    >>> store, study = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    >>> _ = (store / "image.nii").write_text("voxels")
    >>> (study / "patient1").symlink_to(store)
    >>> [path.relative_to(study).as_posix() for path in files_below(study).files]
    ['patient1/image.nii']
    """
    files: list[Path] = []
    closed: list[Path] = []
    again: dict[Path, Path] = {}
    met: dict[tuple[int, int], Path] = {}
    waiting = [Path(folder)]  # the folder itself, then links, as they are met
    while waiting:
        start = waiting.pop(0)
        own = [start]
        while own:
            here = own.pop(0)
            try:
                identity = _identity(here)
                if identity in met:
                    again[here] = met[identity]
                    continue
                met[identity] = here
                with os.scandir(here) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError:
                closed.append(here)
                continue
            for entry in entries:
                path = here / entry.name
                if entry.is_symlink() and _is_folder(path):
                    waiting.append(path)
                elif not entry.is_symlink() and entry.is_dir():
                    own.append(path)
                elif is_regular_file(path):
                    files.append(path)
    return FilesBelow(tuple(sorted(files)), again, tuple(closed))


def is_regular_file(path: Path) -> bool:
    """A regular file, or a link to one: pipes and devices would wait for ever."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:  # it leads nowhere, or to itself
        return False


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
