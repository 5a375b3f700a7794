"""What a piece of work needs besides its data, and its finished units on disk: kept for the same key, else replaced."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cardiolib.files import read_json, write_json

DEFAULT_SEED = 20190211
"""Day on which the paper appeared."""
KEY_FILE = "key.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What a piece of work needs besides its data.

    Parameters
    ----------
    seed : int
        Of everything random in it.
    folder : Path
        Where results go. Finished units lie in ``<folder>/units`` and are used again after an interruption.
    map_units : callable
        ``map_units(function, items)``: results in order; `map`, or one that shares the items among workers.
    inputs : mapping of str to Path
        Earlier work, by name, and the folders of its results.

    Examples
    --------
    >>> work = Work(seed=1, folder=Path("results"))
    >>> list(work.map_units(abs, [-1, 2]))
    [1, 2]
    """

    seed: int
    folder: Path
    map_units: Callable = map
    inputs: Mapping[str, Path] = field(default_factory=dict)

    def input(self, name: str) -> Path:
        """Folder with the results of earlier work."""
        if name not in self.inputs:
            known = ", ".join(self.inputs) or "none"
            raise ValueError(f"the results of {name!r} are needed; this work was given: {known} (Work(inputs=...))")
        return self.inputs[name]

    def units(self, name: str, key: Mapping[str, Any], *, what: str) -> Path:
        """Folder of finished units of one key (`keyed_folder`); `what` names the work to a reader."""
        return keyed_folder(self.folder / "units" / name, key, what=what)


def keyed_folder(folder: Path, key: Mapping[str, Any], *, what: str) -> Path:
    """A folder for finished units that belong to one key.

    Parameters
    ----------
    folder : Path
        Created when absent. What another key has left in it is removed.
    key : mapping
        Everything that decides the units' content, as plain values; compared as JSON.
    what : str
        The work in words; when something is removed, a line about it goes to the log ``cardiolib.work``.

    Returns
    -------
    Path
        `folder`.

    Examples
    --------
    >>> import tempfile
    >>> folder = keyed_folder(Path(tempfile.mkdtemp()) / "fits", {"epochs": 3}, what="fits")
    >>> _ = (folder / "one.txt").write_text("finished")
    >>> (keyed_folder(folder, {"epochs": 3}, what="fits") / "one.txt").exists()
    True
    >>> (keyed_folder(folder, {"epochs": 4}, what="fits") / "one.txt").exists()
    False
    """
    wanted = json.loads(json.dumps(key))
    kept = folder / KEY_FILE
    if folder.is_dir():
        found = read_json(kept) if kept.is_file() else None
        if found == wanted:
            return folder
        changed = sorted(name for name in {*wanted, *(found or {})} if (found or {}).get(name) != wanted.get(name))
        _log.info("%s: what was stored belonged to another %s and was replaced.", what, ", ".join(changed))
        kept.unlink(missing_ok=True)  # first: a folder that is half removed belongs to no key
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    write_json(kept, wanted)
    return folder
