"""Where the last finished run lies, for whoever wants to use what it made."""

from __future__ import annotations

from pathlib import Path

from cardiolib.files import read_json

DERIVED = Path(__file__).resolve().parents[1] / "data" / "derived"
"""Below the repository that holds this package."""

RUN_FILE = "run.json"
NEWEST_FILE = "newest.json"


def newest_run(derived: Path | None = None) -> Path | None:
    """The run that was last brought to its end, if its folder is still there.

    Parameters
    ----------
    derived : Path, optional
        Where runs lie, by default ``data/derived`` of the repository.
    """
    derived = derived or DERIVED
    path = derived / NEWEST_FILE
    if not path.is_file():
        return None
    folder = derived / read_json(path)["run"]
    return folder if (folder / RUN_FILE).is_file() else None
