"""Pools of simulated patients for `benchmarks.centres`, and numbers that are kept as they are finished.

Everything starts at the true motion: cohorts of images are too slow to be repeated. What a scanner does to the motion
is for notebooks, not for these rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.simulated.centres import CENTRES
from cardiolib.digital_heart import (
    PHASES,
    CaseMix,
    DigitalHeart,
    parameters_from_row,
    simulate_centre_outcomes,
    simulate_population,
)
from cardiolib.digital_heart.population import TRAIT_CORRELATION, TRAIT_NAMES
from cardiolib.digital_heart.wall_motion import standardised_wall_motion, wall_motion_mm
from cardiolib.files import data_folder, write_json
from cardiolib.work import keyed_folder

N_MOTION = 19 * 202 * 3


@dataclass(frozen=True, eq=False)
class Pool:
    """Patients without outcomes: motion (N, 11514) in mm, and their population table with the motion of the walls."""

    motion: np.ndarray
    population: pd.DataFrame

    def part(self, rows: slice | np.ndarray) -> Pool:
        """Some of them."""
        return Pool(self.motion[rows], self.population.iloc[rows].reset_index(drop=True))

    def outcomes(self, centre: str, rng: np.random.Generator) -> pd.DataFrame:
        """Outcomes at a centre; see `cardiolib.digital_heart.simulate_centre_outcomes`."""
        return centre_outcomes(self.population, centre, rng)


def centre_outcomes(population: pd.DataFrame, centre: str, rng: np.random.Generator) -> pd.DataFrame:
    """Outcomes at a named centre."""
    own = CENTRES[centre]
    return simulate_centre_outcomes(
        population,
        hazard=own.hazard,
        hazard_ratio=own.hazard_ratio,
        follow_up=own.follow_up,
        treated_share=own.treated_share,
        treatment_log_hazard=own.treatment_log_hazard,
        rng=rng,
    )


@cache
def pool(name: str, n: int) -> Pool:
    """`n` hearts, "home" or "milder"; simulated once and kept."""
    folder = kept("pools")
    file, table = folder / f"{name}-{n}.npy", folder / f"{name}-{n}.pkl"
    if not table.is_file():
        case_mix = CENTRES["simulated-milder-patients"].case_mix if name == "milder" else CaseMix()
        seed = {"home": 501, "milder": 502}[name]
        population = simulate_population(n, rng=np.random.default_rng([seed, n]), case_mix=case_mix)
        motion, walls = np.empty((n, N_MOTION), np.float32), np.empty((n, 2))
        for i, row in enumerate(population.to_dict("records")):
            points = DigitalHeart(parameters_from_row(row)).points202(PHASES)
            motion[i], walls[i] = (points[1:] - points[0]).ravel(), wall_motion_mm(points)
        np.save(file, motion)
        population.join(standardised_wall_motion(walls)).to_pickle(table)
    return Pool(np.load(file), pd.read_pickle(table))


def traits(n: int, rng: np.random.Generator, case_mix: CaseMix | None = None) -> pd.DataFrame:
    """The traits alone, for what needs no hearts."""
    drawn = rng.standard_normal((n, 4)) @ np.linalg.cholesky(TRAIT_CORRELATION).T
    return pd.DataFrame((case_mix or CaseMix()).of(drawn), columns=list(TRAIT_NAMES))


def repeated(name: str, n: int, unit: Callable[[int], dict[str, Any]]) -> pd.DataFrame:
    """`unit(0)` to `unit(n - 1)`, a row each; those that are kept are not computed again."""
    rows = []
    for k in range(n):
        file = kept("units") / f"{name}-{k}.json"
        if not file.is_file():
            write_json(file, unit(k))
        rows.append(json.loads(file.read_text(encoding="utf-8")))
    return pd.DataFrame(rows)


def row(
    name: str, found: tuple[float | None, str], unit: str, reach: float, aim: float, better: str, more: str = ""
) -> dict[str, Any]:
    """One row of the results; `found` is the value and how it was measured."""
    value, how = found
    rounded = None if value is None else round(value, 4)
    return {"id": name, "value": rounded, "unit": unit, "reach": reach, "aim": aim, "better": better, "how": how + more}


def mean_of(values: pd.Series | np.ndarray, what: str, *, scale: float = 1.0) -> tuple[float, str]:
    """Mean over repetitions, and its Monte Carlo error in the text."""
    values = scale * np.asarray(values, float)
    error = values.std(ddof=1) / np.sqrt(values.size)
    return float(values.mean()), f"{what}; mean of {values.size} repetitions, Monte Carlo error {error:.3g}"


@cache
def kept(what: str) -> Path:
    """Folder of what is kept, emptied when the code that decides it has changed."""
    layers = ("digital_heart",) if what == "pools" else ("digital_heart", "survival", "validation", "cohorts")
    return keyed_folder(data_folder() / "bench-centres" / what, {"code": _digest(layers)}, what=f"bench {what}")


def _digest(layers: tuple[str, ...]) -> str:
    package = Path(__file__).resolve().parents[1]
    files = [file for layer in layers for file in sorted((package / "cardiolib" / layer).rglob("*.py"))]
    digest = sha256()
    for file in [*files, *sorted(Path(__file__).parent.glob("centres*.py"))]:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
