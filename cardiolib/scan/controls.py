"""Indices of simulated healthy hearts, to say where a number lies among them; shipped as a table.

They are true values of digital hearts, neither imaged nor tracked. They are no reference range of people: age, sex and
body size play no part, and the hearts are as alike as the simulator makes them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.files import read_table_by_id

CONTROLS_FILE = Path(__file__).with_name("simulated_controls.csv")
"""Made by `cardiolib.scan.control_hearts`."""


@cache
def simulated_controls() -> pd.DataFrame:
    """The shipped table: one row a simulated control, columns as in `cardiolib.scan.INDICES`.

    Examples
    --------
    >>> table = simulated_controls()
    >>> len(table), bool(table["lv_ef_labels_percent"].between(40, 80).all())
    (500, True)
    """
    return read_table_by_id(CONTROLS_FILE)


def percentile(name: str, value: float) -> float:
    """Share of the simulated controls below a value, in percent; of equal ones half count.

    NaN where the value is not known or the controls have no such index.

    Examples
    --------
    >>> percentile("lv_ef_labels_percent", 20.0), percentile("no such index", 1.0)
    (0.0, nan)
    """
    table = simulated_controls()
    if name not in table or not np.isfinite(value):
        return float("nan")
    others = table[name].to_numpy(float)
    return float(100 * ((others < value).mean() + 0.5 * (others == value).mean()))
