"""Files that parameters of a notebook name: where they lie, and networks among them."""

from __future__ import annotations

import os
from pathlib import Path

from cardiolib.last_run import DERIVED
from cardiolib.segmentation.checkpoint import TrainedNetwork

REPOSITORY = DERIVED.parents[1]


def kept_relative(text: str) -> str:
    """An absolute path as one relative to the repository; any other text as it is.

    Reports hold the parameters, and a reader of them has no use for the folders of this machine.
    """
    path = Path(text).expanduser()
    return os.path.relpath(path, REPOSITORY) if path.is_absolute() else text


def located(text: str) -> Path:
    """Where a named file lies; relative paths are those of the repository."""
    return (REPOSITORY / text).resolve()


def load_named_network(path: Path, *, parameter: str, given: str, instead: str) -> TrainedNetwork:
    """The network of the file that a parameter names.

    Parameters
    ----------
    path : Path
    parameter, given : str
        Name and value of the parameter, for the message.
    instead : str
        What may be given instead of a file.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such file, or it is no network; the parameter and the file are named.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{parameter} = {given!r}: there is no such file (relative paths are those of the "
            f"repository). Give a file that TrainedNetwork.save wrote, {instead}."
        )
    try:
        return TrainedNetwork.load(path)
    except Exception as error:  # whatever torch makes of a file that is none of its own
        raise ValueError(
            f"{parameter} = {given!r} cannot be read as a network ({type(error).__name__}: {error})"
        ) from error
