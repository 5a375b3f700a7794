"""The state of a search on disk, so that a stopped search goes on where it was."""

from __future__ import annotations

import json
import os

from cardiolib.files import atomic_path, read_json_object


def write_state(path: str | os.PathLike[str], key: str, rows: list[dict], swarm: dict) -> None:
    """Write history rows and the swarm's state to one JSON file, atomically."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        json.dump({"fingerprint": key, "history": rows, "swarm": swarm}, file)


def read_state(path: str | os.PathLike[str], key: str) -> tuple[list[dict], dict]:
    """Read what :func:`write_state` wrote.

    Raises
    ------
    ValueError
        If the file belongs to a search of other data, settings or seed.
    """
    try:
        state = read_json_object(path, what="state of a search")
    except ValueError as error:
        raise ValueError(f"{error} Or delete the file to start the search anew.") from error
    if state.get("fingerprint") != key:
        raise ValueError(
            f"{path} holds the state of another search (other data, settings or seed); "
            "give another state_path, or delete the file to start anew"
        )
    return state["history"], state["swarm"]
