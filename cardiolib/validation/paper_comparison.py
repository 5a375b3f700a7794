"""The paper's statistics beside the right ones, for the data at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.survival.folds import FEWEST_FOLDS, inner_folds
from cardiolib.validation.estimators import Validation, out_of_bag_risk, validate
from cardiolib.validation.model_comparison import compare_models
from cardiolib.validation.paper import (
    paper_folds,
    paper_median_split,
    paper_out_of_bag_risk,
    paper_percentile_interval,
    paper_wilcoxon,
    share_with_twin,
)
from cardiolib.validation.store import BootstrapStore
from cardiolib.validation.survival_curves import hazard_ratio_per_sd, kaplan_meier_groups


def paper_beside_right(
    network: BootstrapStore,
    other: BootstrapStore | None = None,
    *,
    apparent_c: tuple[float, float] | None = None,
    allow_different_bags: bool = False,
) -> pd.DataFrame:
    """Each statistic as the paper made it, what replaces it, and one sentence on the difference.

    Parameters
    ----------
    network : BootstrapStore
    other : BootstrapStore, optional
        The conventional model, for the comparison.
    apparent_c : (float, float), optional
        C_app of the two, for stores without apparent predictions (the authors' released files).
    allow_different_bags : bool
        For the released files, whose two runs did not share bags.

    Returns
    -------
    DataFrame
        statistic, paper, right, because.
    """
    apparent = apparent_c or (None, None)
    found = validate(network, apparent_c=apparent[0])
    corrected, low, high = paper_percentile_interval(found.apparent, found.replicates["optimism"].dropna())
    rows = [
        (
            "C-index of the network",
            f"{corrected:.3f}",
            f"{found.c632plus:.3f}",
            "Harrell's optimism judges each model on all patients, 63 % of whom it was trained on: an over-fitted "
            f"network keeps part of its optimism (here {corrected - found.c632plus:+.3f}).",
        ),
        (
            "95 % interval",
            _interval(low, high),
            _interval(*found.c632plus_interval),
            "The percentiles are the spread of the optimism; the interval of .632+ is that of the C-index over "
            "patients, training included.",
        ),
    ]
    if other is not None:
        rows.append(_comparison(network, other, found, apparent[1], allow_different_bags))
    raw, centred = paper_out_of_bag_risk(network), out_of_bag_risk(network)
    known = np.isfinite(centred)
    event, time = network.event[known], network.time[known]
    split, right = paper_median_split(raw[known], event, time), kaplan_meier_groups(centred[known], event, time)
    moved = int((split.group != right.group).sum())
    rows.append(
        (
            "log-rank of the halves",
            _chi2(split.logrank_chi2, split.logrank_p),
            _chi2(right.logrank_chi2, right.logrank_p),
            "A Cox score has no origin: each model's risks are centred before they are averaged "
            f"({moved} patients change halves).",
        )
    )
    whole = hazard_ratio_per_sd(centred[known], event, time)
    rows.append(
        (
            "does risk predict death",
            f"{_chi2(split.logrank_chi2, split.logrank_p)} (halves)",
            f"{_chi2(whole['chi2'], whole['p'])}, HR {whole['hazard ratio']:.2f} per SD",
            "The cut at the median throws away how far apart patients are.",
        )
    )
    rows.append(_folds(network))
    return pd.DataFrame(rows, columns=["statistic", "paper", "right", "because"])


def _comparison(
    network: BootstrapStore,
    other: BootstrapStore,
    found: Validation,
    apparent_c: float | None,
    allow_different_bags: bool,
) -> tuple[str, str, str, str]:
    second = validate(other, apparent_c=apparent_c)
    lists = [one.apparent - one.replicates["optimism"] for one in (found, second)]
    usable = lists[0].notna() & lists[1].notna()
    test = paper_wilcoxon(lists[0][usable], lists[1][usable])
    pair = compare_models(network, other, allow_different_bags=allow_different_bags)
    low, high = pair.interval()
    return (
        "network against the other model",
        f"P = {test.p_value:.1e}",
        f"{pair.difference:+.3f} ({low:+.3f} to {high:+.3f}), P = {pair.p_value:.1e}",
        f"The Wilcoxon test counts {test.n_replicates} replicates, which the analyst chooses; the paired test "
        f"counts {network.n_patients} patients.",
    )


def _folds(store: BootstrapStore) -> tuple[str, str, str, str]:
    shares: dict[str, list[float]] = {"plain": [], "grouped": []}
    for b, bag in enumerate(store.in_bag):
        if np.unique(bag[store.event[bag]]).size < FEWEST_FOLDS:
            continue  # nothing can be tuned in this bag, on whatever folds
        rng = np.random.default_rng(b)
        shares["plain"].append(share_with_twin(bag, paper_folds(bag.size, rng=rng)))
        grouped = inner_folds(store.event[bag], n_folds=6, groups=bag, rng=rng)
        shares["grouped"].append(share_with_twin(bag, grouped))
    in_plain, in_grouped = (100 * float(np.mean(shares[name])) for name in ("plain", "grouped"))
    return (
        "test rows whose copy is in training, tuning in a bag",
        f"{in_plain:.0f} %",
        f"{in_grouped:.0f} %",
        "A bag repeats patients; folds that split the copies reward memorising.",
    )


def _interval(low: float, high: float) -> str:
    return f"{low:.3f} to {high:.3f}"


def _chi2(chi2: float, p: float) -> str:
    return f"chi2 {chi2:.1f}, P = {p:.1e}"
