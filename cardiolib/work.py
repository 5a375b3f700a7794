"""Finished units of work on disk: kept for the same key, replaced for another."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cardiolib.files import atomic_path

KEY_FILE = "key.json"
_log = logging.getLogger(__name__)


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
        found = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else None
        if found == wanted:
            return folder
        changed = sorted(name for name in {*wanted, *(found or {})} if (found or {}).get(name) != wanted.get(name))
        _log.info("%s: what was stored belonged to another %s and was replaced.", what, ", ".join(changed))
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    with atomic_path(kept) as temporary:
        temporary.write_text(json.dumps(wanted, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return folder
