"""Writing files so that a reader never meets half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success it becomes `path`, on failure it is removed.

    Parameters
    ----------
    path : path-like
        The file to be written. Its folder is created when absent.

    Yields
    ------
    Path
        A name in the same folder with the same suffixes (writers such as nibabel choose the
        format by suffix), to be written by the caller.

    Notes
    -----
    A rename within one folder is atomic on POSIX systems, so a stage that is killed leaves either
    the old file or the new one.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=".writing-", dir=target.parent)
    temporary = Path(folder) / target.name
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
        os.rmdir(folder)


def write_table(table: pd.DataFrame, path: str | os.PathLike[str], *, index: bool = True) -> None:
    """Write a table as CSV with six significant digits, whole or not at all."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=index, float_format="%.6g")
