"""Choosing the network's settings: a particle swarm over cross-validated concordance."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.progress import progress as progress_bar
from cardiolib.settings import Settings
from cardiolib.survival.cross_validation import FoldData, fold_seed, prepare_folds, score_fold
from cardiolib.survival.fingerprint import fingerprint
from cardiolib.survival.folds import inner_folds, patient_folds
from cardiolib.survival.network.search_state import read_state, write_state
from cardiolib.survival.network.settings import (
    EXACT_RANGES,
    INPUT_RANGES,
    PUBLISHED_RANGES,
    NetworkSettings,
)
from cardiolib.survival.network.swarm import ParticleSwarm
from cardiolib.survival.network.training import check_training_data

SEARCHED = tuple(PUBLISHED_RANGES)  # dropout, hidden, latent, alpha, log10_learning_rate, log10_l1
_WHOLE = ("hidden", "latent")


@dataclass(frozen=True)
class SearchSettings(Settings):
    """Settings of the search.

    Attributes
    ----------
    n_particles, n_generations : int
        Settings tried: their product. The paper's search tried 10 x 5.
    n_folds : int
        Of the cross-validation that scores each of them.
    screening : bool
        Score fits on the inputs with the stand-in of `~cardiolib.survival.network.accelerated.screening`, more than
        ten times faster than full fits of the same initial weights. Fits in principal coordinates are never
        screened: they take a fraction
        of a second. The final model is fitted in full in either case.
    n_confirm : int
        After screening: how many of the best settings to score again with full fits. 0 keeps the screened winner
        and its screened score.
    margin_se : float
        What is found replaces `base` only if its score in full fits, on the same folds, is higher by more than so
        many standard errors of the difference over folds. The best of fifty noisy scores is optimistic: with 85 deaths
        the swarm's winner, taken as it is, did a little worse on new patients than the defaults. 0 takes the higher.
    inertia, cognitive, social, velocity_clamp : float
        See `ParticleSwarm`.
    dropout, hidden, latent, alpha, log10_learning_rate, log10_l1 : (low, high)
        Ranges searched; equal ends hold a setting fixed. The defaults are those of the exact protocol in
        principal coordinates; `SearchSettings.published()` has the published ones, `SearchSettings.on_inputs()`
        those of the exact protocol on the inputs.
    """

    n_particles: int = 10
    n_generations: int = 5
    n_folds: int = 6
    screening: bool = True
    n_confirm: int = 1
    margin_se: float = 1.0
    inertia: float = 0.4
    cognitive: float = 1.5
    social: float = 2.0
    velocity_clamp: float = 0.2
    dropout: tuple[float, float] = EXACT_RANGES["dropout"]
    hidden: tuple[float, float] = EXACT_RANGES["hidden"]
    latent: tuple[float, float] = EXACT_RANGES["latent"]
    alpha: tuple[float, float] = EXACT_RANGES["alpha"]
    log10_learning_rate: tuple[float, float] = EXACT_RANGES["log10_learning_rate"]
    log10_l1: tuple[float, float] = EXACT_RANGES["log10_l1"]

    RANGES = {
        **dict.fromkeys(("n_particles", "n_generations"), (1, np.inf)),
        "n_folds": (2, np.inf),
        "n_confirm": (0, np.inf),
        **dict.fromkeys(("margin_se", "inertia", "cognitive", "social", "velocity_clamp"), (0.0, 10.0)),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in SEARCHED:
            ends = tuple(getattr(self, name))  # papermill carries tuples as lists
            if len(ends) != 2 or not ends[0] <= ends[1]:
                raise ValueError(f"SearchSettings.{name} must be (low, high) with low <= high, got {ends!r}")
            object.__setattr__(self, name, ends)

    @classmethod
    def published(cls, **changes: Any) -> SearchSettings:
        """Ranges for the ``published`` protocol; nothing is screened.

        Its short trainings end with dead code units for some settings, the stand-in's for others: of eight settings
        the one that the stand-in ranked first was .06 below the best in full fits.
        """
        return cls(**{**PUBLISHED_RANGES, "screening": False, **changes})

    @classmethod
    def on_inputs(cls, **changes: Any) -> SearchSettings:
        """Ranges for the ``exact`` protocol on the inputs."""
        return cls(**{**INPUT_RANGES, **changes})

    @classmethod
    def matching(cls, base: NetworkSettings, **changes: Any) -> SearchSettings:
        """Ranges that suit the protocol and the coordinates of `base`."""
        if base.protocol == "published":
            return cls.published(**changes)
        return cls.on_inputs(**changes) if base.coordinates == "inputs" else cls(**changes)

    def settings_at(self, position: np.ndarray, base: NetworkSettings) -> NetworkSettings:
        """Network settings at a point of the unit cube; whole numbers are rounded, the rest comes from `base`."""
        values: dict[str, Any] = {}
        for name, u in zip(SEARCHED, position, strict=True):
            low, high = getattr(self, name)
            value = float(low + u * (high - low))
            values[name] = int(round(value)) if name in _WHOLE else value
        return replace(base, **values)


def held_ranges(fixed: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Ranges with equal ends for the searched settings among `fixed`: the swarm leaves these alone."""
    return {name: (value, value) for name, value in fixed.items() if name in SEARCHED}


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    best_settings : NetworkSettings
    best_score : float
        Its mean concordance over folds. Optimistic: it is the best of many.
    best_is_screened : bool
        Whether `best_score` comes from the stand-in and not from full fits.
    history : DataFrame
        One row per settings scored: generation, particle, the six settings, score, one column a fold,
        ``screened``, ``message`` of a failed fit, seconds. Confirmations, and `base` as the last row, have particle
        and generation -1.
    complete : bool
        False when stopped after `stop_after` generations.
    """

    best_settings: NetworkSettings
    best_score: float
    best_is_screened: bool
    history: pd.DataFrame
    complete: bool

    def __repr__(self) -> str:
        kind = "screened" if self.best_is_screened else "full fits"
        return f"<SearchResult: C {self.best_score:.3f} ({kind}) of {len(self.history)} scored, {self.best_settings}>"


def search(
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    settings: SearchSettings,
    *,
    base: NetworkSettings,
    seed: int,
    groups: np.ndarray | None = None,
    state_path: str | os.PathLike[str] | None = None,
    stop_after: int | None = None,
    map_units: Callable = map,
    progress: bool = False,
) -> SearchResult:
    """Search network settings by particle swarm, scored by cross-validated Harrell concordance.

    Parameters
    ----------
    X, event, time
        As for `fit_network`.
    settings : SearchSettings
    base : NetworkSettings
        Supplies what is not searched: protocol, epochs, batches, standardisation.
    seed : int
        Of folds, swarm and fits. Every setting meets the same folds, initial weights and noise streams, so
        that scores differ by the settings.
    groups : (N,) sequence, optional
        Original patient of each row; needed in a bootstrap bag, see `patient_folds`.
    state_path : path, optional
        Where to keep the state after each generation. If the file exists the search goes on from there, and
        ends as an uninterrupted one does.
    stop_after : int, optional
        Return after so many generations in this call.
    map_units : callable
        ``map_units(function, items)``; one item is one fit of one setting on one fold.
    progress : bool

    Returns
    -------
    SearchResult

    Raises
    ------
    ValueError
        As `fit_network`; also if every fit failed, or the state file belongs to another search.
    """
    X, event, time = check_training_data(X, event, time)
    # in a bag fewer patients may have died than there are folds, and nobody can set them anew there
    deal = patient_folds if groups is None else inner_folds
    fold = deal(
        event, n_folds=settings.n_folds, groups=groups, rng=np.random.default_rng(np.random.SeedSequence([seed, 1]))
    )
    swarm = _new_swarm(settings, seed)
    key = fingerprint(X, event, time, fold, settings, base, seed) if state_path else ""
    rows, swarm_state = read_state(state_path, key) if state_path and Path(state_path).exists() else ([], None)
    if swarm_state is not None:
        swarm.restore(swarm_state)
    done = len(rows) // settings.n_particles
    end = settings.n_generations if stop_after is None else min(settings.n_generations, done + stop_after)
    if done < end:
        data = prepare_folds(X, event, time, fold, base, screening=settings.screening)
    for generation in progress_bar(range(done, end), label="generations", shown=progress):
        candidates = [settings.settings_at(position, base) for position in swarm.position]
        scored = _score(candidates, data, seed, map_units)
        rows += [{"generation": generation, "particle": i, **row} for i, row in enumerate(scored)]
        swarm.tell(np.array([-row["score"] for row in scored]))  # NaN, a failed fit, counts as infinite cost
        if state_path:
            write_state(state_path, key, rows, swarm.state())
    complete = end == settings.n_generations
    if complete and not (settings.n_confirm == 0 and rows[-1]["screened"]):
        best = _distinct_best(pd.DataFrame(rows), settings.n_confirm) if rows[-1]["screened"] else []
        candidates = [replace(base, **{name: row[name] for name in SEARCHED}) for row in best]
        # what a search proposes must beat the settings one would have used without it
        candidates.append(base)
        data = prepare_folds(X, event, time, fold, base, screening=False)
        scored = _score(candidates, data, seed, map_units)
        rows = rows + [{"generation": -1, "particle": -1, **row} for row in scored]
    return _result(pd.DataFrame(rows), base, complete, settings.margin_se)


def cross_validate(
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    candidates: list[NetworkSettings],
    *,
    n_folds: int,
    seed: int,
    groups: np.ndarray | None = None,
    screening: bool = False,
    map_units: Callable = map,
) -> pd.DataFrame:
    """Score given settings by cross-validation, all on the same folds; rows as in `SearchResult.history`."""
    X, event, time = check_training_data(X, event, time)
    fold = patient_folds(
        event, n_folds=n_folds, groups=groups, rng=np.random.default_rng(np.random.SeedSequence([seed, 1]))
    )
    scored = [
        _score([one], prepare_folds(X, event, time, fold, one, screening=screening), seed, map_units)[0]
        for one in candidates
    ]
    return pd.DataFrame(scored)


def _new_swarm(settings: SearchSettings, seed: int) -> ParticleSwarm:
    return ParticleSwarm(
        settings.n_particles,
        len(SEARCHED),
        seed=fold_seed(seed, -1),
        inertia=settings.inertia,
        cognitive=settings.cognitive,
        social=settings.social,
        velocity_clamp=settings.velocity_clamp,
    )


def _score(candidates: list[NetworkSettings], data: FoldData, seed: int, map_units: Callable) -> list[dict]:
    started = perf_counter()
    units = [(candidate, fold) for candidate in candidates for fold in data.judged]
    results = iter(list(map_units(partial(score_fold, data=data, seed=seed), units)))
    seconds = (perf_counter() - started) / len(candidates)
    rows = []
    for candidate in candidates:
        scores, messages = zip(*(next(results) for _ in data.judged), strict=True)
        row = {name: getattr(candidate, name) for name in SEARCHED}
        by_fold = dict(zip(data.judged, scores, strict=True))
        folds = {f"fold_{k}": by_fold.get(k, float("nan")) for k in range(data.n_folds)}
        row |= {"score": float(np.mean(scores)), **folds}
        rows.append({**row, "screened": data.screened, "message": next(filter(None, messages), ""), "seconds": seconds})
    return rows


def _distinct_best(history: pd.DataFrame, n: int) -> list[dict]:
    ranked = history.dropna(subset=["score"]).sort_values("score", ascending=False, kind="stable")
    return ranked.drop_duplicates(list(SEARCHED)).head(n).to_dict("records")


def _result(history: pd.DataFrame, base: NetworkSettings, complete: bool, margin_se: float) -> SearchResult:
    full = history[~history["screened"].astype(bool)]
    pool = (full if full["score"].notna().any() else history).dropna(subset=["score"])
    if pool.empty:
        raise ValueError(f"every fit of the search failed; the first message: {history['message'].iloc[0]!r}")
    best, last = pool.sort_values("score", ascending=False, kind="stable").iloc[0], pool.iloc[-1]
    if last["generation"] == -1 and all(last[name] == getattr(base, name) for name in SEARCHED):
        folds = [name for name in history if name.startswith("fold_")]
        gain = best[folds].to_numpy(float) - last[folds].to_numpy(float)
        gain = gain[np.isfinite(gain)]  # a fold in which nothing can be judged has no score
        if gain.size < 2 or gain.mean() <= margin_se * gain.std(ddof=1) / np.sqrt(gain.size):
            best = last
    values: dict[str, Any] = {name: int(best[name]) if name in _WHOLE else float(best[name]) for name in SEARCHED}
    return SearchResult(replace(base, **values), float(best["score"]), bool(best["screened"]), history, complete)
