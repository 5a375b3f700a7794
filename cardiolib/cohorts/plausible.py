"""What labels and volumes of a subject can be: one door for the readers of every layout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from cardiolib.cohorts.measurements import ejection_fraction_percent
from cardiolib.cohorts.table import CohortError
from cardiolib.imaging import LabelMap

LARGEST_ML = 1500.0
"""No ventricle holds more."""

_SHOWN = 8


def check_phases(labels: LabelMap, *, ed: int, es: int, stated_by: str) -> None:
    """Check that the left ventricle is not larger at end-systole than at end-diastole.

    Parameters
    ----------
    labels : LabelMap
    ed, es : int
        Frames of `labels`.
    stated_by : str
        File that says which they are.

    Raises
    ------
    CohortError

    Examples
    --------
    >>> from cardiolib.imaging import OURS
    >>> codes = np.zeros((9, 9, 3, 2), np.uint8)
    >>> codes[4, 4, :, 0] = codes[3:6, 3:6, :, 1] = OURS.code("lv_cavity")
    >>> check_phases(LabelMap(codes, np.diag([1.5, 1.5, 10, 1]), OURS), ed=0, es=1, stated_by="Info.cfg")
    Traceback (most recent call last):
    cardiolib.cohorts.table.CohortError: Info.cfg: the LV cavity has 0.0675 mL at ED and 0.608 mL at ES, and no heart \
is larger at end-systole: ED and ES seem to be exchanged. Correct which frame is which.
    """
    if "lv_cavity" not in labels.scheme.codes:
        return
    code, voxel_ml = labels.scheme.code("lv_cavity"), abs(np.linalg.det(labels.affine[:3, :3])) / 1000.0
    at_ed, at_es = (np.count_nonzero(labels.frame(t) == code) * voxel_ml for t in (ed, es))
    if at_es > at_ed > 0:
        raise CohortError(
            f"{stated_by}: the LV cavity has {at_ed:.3g} mL at ED and {at_es:.3g} mL at ES, and no heart is "
            "larger at end-systole: ED and ES seem to be exchanged. Correct which frame is which."
        )


def check_volumes(volumes: pd.DataFrame, *, cohort: str, source_of: Callable[[str], str]) -> None:
    """Check that a heart can have the volumes of each row.

    Parameters
    ----------
    volumes : DataFrame indexed by ID
        Any of RVEDV, RVESV, LVEDV, LVESV (mL), RVEF, LVEF (percent); a missing number is NaN.
    cohort : str
    source_of : callable
        ID -> where its numbers come from.

    Raises
    ------
    CohortError
        Naming subjects, numbers and sources.

    Examples
    --------
    >>> row = pd.DataFrame({"LVEDV": [80.0], "LVESV": [120.0]}, index=["p1"])
    >>> check_volumes(row, cohort="x", source_of=lambda subject_id: "volumes.csv")
    Traceback (most recent call last):
    cardiolib.cohorts.table.CohortError: cohort 'x': 1 subject(s) have volumes that no heart has. Correct the files:
      'p1': LVESV 120 mL is larger than LVEDV 80 mL: an ejection fraction of -50 %; ED and ES exchanged? (volumes.csv)
    """
    found = [f"{str(i)!r}: {why} ({source_of(str(i))})" for i, row in volumes.iterrows() for why in _wrong(row)]
    if found:
        count = len({one.partition(":")[0] for one in found})
        raise CohortError(
            f"cohort {cohort!r}: {count} subject(s) have volumes that no heart has. Correct the files:\n  "
            + "\n  ".join(found[:_SHOWN])
        )


def _wrong(row: pd.Series) -> list[str]:
    """What is impossible in the numbers of one subject."""
    found = []
    for side in ("LV", "RV"):
        edv, esv, ef = (float(row.get(f"{side}{name}", np.nan)) for name in ("EDV", "ESV", "EF"))
        for name, value in (("EDV", edv), ("ESV", esv)):
            if value < 0 or value > LARGEST_ML or np.isinf(value):
                found.append(f"{side}{name} is {value:.6g} mL (0 to {LARGEST_ML:g} are possible)")
        if found:
            continue
        if esv > edv:
            found.append(
                f"{side}ESV {esv:.4g} mL is larger than {side}EDV {edv:.4g} mL: an ejection fraction of "
                f"{ejection_fraction_percent(edv, esv):.3g} %; ED and ES exchanged?"
            )
        elif edv > 0 and esv == 0:
            found.append(f"{side}EDV is {edv:.4g} mL and {side}ESV 0: nothing is labelled at ES?")
        elif ef < 0 or ef > 100:
            found.append(f"{side}EF is {ef:.4g} %")
        elif 0 < ef <= 1 and not abs(ef - ejection_fraction_percent(edv, esv)) < 1:
            found.append(f"{side}EF is {ef:.4g} %: a fraction where percent are needed?")
    return found
