"""``<ID>_ED.txt`` and ``<ID>_ES.txt``: four volumes and masses of one phase, as the tool writes them at every run."""

from __future__ import annotations

import math
import re
from pathlib import Path

from cardiolib.cohorts.table import CohortError
from cardiolib.plain_text import read_plain_text

Volumes = tuple[float, float, float, float]
"""LV cavity (mL), LV mass (g), RV cavity (mL), RV mass (g)."""

N_NUMBERS = 4


def read_volume_file(path: Path) -> tuple[Volumes, bool]:
    """Volumes and masses of one phase, and whether the file writes decimals with a comma.

    The tool appends at every run: the last four numbers are taken. A comma between numbers separates them; four words a
    line, of which each has a comma inside, are four numbers with decimal commas.

    Raises
    ------
    CohortError
        Something else than numbers (nan: not measured), four for each run; or commas that may be both.
    """
    try:
        text = read_plain_text(path)
    except ValueError as error:
        raise CohortError(str(error)) from error
    lines = [re.sub(r"[,;](?=\s|$)|;", " ", line).split() for line in text.splitlines()]
    words = [word for line in lines for word in line]
    inside = any("," in word for word in words)
    apart = _numbers([part for word in words for part in word.split(",")])
    if not inside:
        return _last_run(apart, words, path), False
    decimal = _numbers([word.replace(",", ".") for word in words])
    by_four = all(len(line) in (0, N_NUMBERS) for line in lines)
    if by_four and _whole_runs(decimal):
        return _last_run(decimal, words, path), True
    if by_four or (_whole_runs(decimal) and _whole_runs(apart)):
        raise CohortError(
            f"{path}: holds {' '.join(words[:8])}, in which the commas may separate numbers, thousands or decimals. "
            "Write decimals with a point, thousands without a mark, and spaces between the numbers."
        )
    return _last_run(decimal if _whole_runs(decimal) else apart, words, path), _whole_runs(decimal)


def _numbers(words: list[str]) -> list[float] | None:
    try:
        return [float(word) for word in words if word]
    except ValueError:
        return None


def _whole_runs(values: list[float] | None) -> bool:
    return values is not None and len(values) > 0 and len(values) % N_NUMBERS == 0


def _last_run(values: list[float] | None, words: list[str], path: Path) -> Volumes:
    if values is None:
        raise CohortError(
            f"{path}: expected numbers only; found {' '.join(words[:8])!r}. Take everything but the numbers out."
        )
    if not _whole_runs(values):
        raise CohortError(
            f"{path}: holds {len(values)} numbers; expected four (LV cavity, LV mass, RV cavity, RV mass), or four "
            "for each run of the tool. Run the tool again for this subject."
        )
    lv, lv_mass, rv, rv_mass = values[-N_NUMBERS:]
    if any(math.isinf(value) for value in values[-N_NUMBERS:]):
        raise CohortError(f"{path}: a volume is infinite. Run the tool again for this subject.")
    return lv, lv_mass, rv, rv_mass
