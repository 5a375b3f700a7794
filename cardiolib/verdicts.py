"""Verdicts on segmented scans, as the quality gate gives them and later notebooks carry them on.

The gate itself is `cardiolib.segmentation.quality_gate`. What only passes its verdicts on does not need the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from cardiolib.files import read_table_by_id

OK, LOOK, DO_NOT_USE = "ok", "look at it", "do not use"
VERDICTS = (OK, LOOK, DO_NOT_USE)
"""From best to worst."""

NOT_JUDGED = "not judged"
"""Stands for the verdict where label maps came without one."""

SCORES_FILE = "quality.csv"
"""Of notebook 01: verdicts, scores and reasons."""

VERDICTS_FILE = "segmentation_verdicts.csv"
"""Of notebook 02: verdicts and reasons of those whose motion is in the matrix."""


def verdicts_of(path: Path, ids: Iterable[str]) -> pd.DataFrame:
    """Verdict and reasons (columns of these names) of scans, by ID, from a table that holds them.

    Scans of which the table says nothing are `NOT_JUDGED`, and all of them where there is no such table.
    """
    columns = ["verdict", "reasons"]
    known = read_table_by_id(path) if path.is_file() else pd.DataFrame(columns=columns)
    found = known.reindex(pd.Index(list(ids), name="ID"))[columns]
    return found.assign(verdict=found["verdict"].fillna(NOT_JUDGED), reasons=found["reasons"].fillna("")).astype(str)


def verdict_sentence(verdicts: pd.Series, *, of: str) -> str:
    """How many are doubtful, in one sentence.

    Parameters
    ----------
    verdicts : Series
        Of each scan, by ID.
    of : str
        What is counted ("patients").

    Examples
    --------
    >>> verdict_sentence(pd.Series(["ok", "do not use"], index=["a", "b"]), of="patients")
    'By the quality gate the segmentations of 1 of 2 patients should not be used (b), and 0 should be looked at.'
    """
    bad, look = (verdicts.index[verdicts == verdict] for verdict in (DO_NOT_USE, LOOK))
    unknown = int((verdicts == NOT_JUDGED).sum())
    if unknown == len(verdicts):
        return f"The segmentations of these {len(verdicts)} {of} were not judged by the quality gate."
    named = f" ({', '.join(map(str, bad[:10]))}{', ...' if len(bad) > 10 else ''})" if len(bad) else ""
    return (
        f"By the quality gate the segmentations of {len(bad)} of {len(verdicts)} {of} should not be used{named}, and "
        f"{len(look)} should be looked at" + (f"; {unknown} were not judged." if unknown else ".")
    )
