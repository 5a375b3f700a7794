"""Internal validation in one call: bootstrap a recipe, read every estimate off the result."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.printed import as_html
from cardiolib.survival.data import SurvivalData
from cardiolib.validation.estimators import Validation, out_of_bag_risk, validate
from cardiolib.validation.pipelines import Recipe
from cardiolib.validation.resampling import BootstrapSettings, run_bootstrap
from cardiolib.validation.store import BootstrapStore
from cardiolib.validation.survival_curves import GroupedSurvival, kaplan_meier_groups
from cardiolib.validation.units import FitPredict


@dataclass(frozen=True, eq=False, repr=False)
class Bootstrap:
    """A bootstrapped model: its predictions, and what follows from them.

    Attributes
    ----------
    store : BootstrapStore
        Bags and predictions of every replicate.
    name : str
        Of the model, for tables and titles.
    time_unit : str
        Empty where it is not known.
    """

    store: BootstrapStore
    name: str
    time_unit: str = ""

    @cached_property
    def validation(self) -> Validation:
        """The concordance five ways, with intervals."""
        return validate(self.store)

    @property
    def risk(self) -> np.ndarray:
        """(N,) out-of-bag log risk of each patient; NaN for one who was in every bag."""
        return out_of_bag_risk(self.store)

    def table(self) -> pd.DataFrame:
        """One row an estimator: value, interval and how the interval was made."""
        return self.validation.table()

    def risk_groups(self, n_groups: int = 2) -> dict[str, GroupedSurvival]:
        """Kaplan-Meier of equal parts of the patients by out-of-bag risk, by the model's name.

        This is what ``figures.kaplan_meier`` draws.
        """
        risk, store = self.risk, self.store
        known = np.isfinite(risk)
        return {self.name: kaplan_meier_groups(risk[known], store.event[known], store.time[known], n_groups=n_groups)}

    def __repr__(self) -> str:
        store = self.store
        lines = [
            f"Bootstrap of {self.name}: {store.n_replicates} bags of {store.n_patients} "
            f"{'SIMULATED ' if store.simulated else ''}patients, {int(store.event.sum())} deaths"
        ]
        try:
            found = self.validation
        except ValueError as reason:  # nothing can be judged, which is what a reader has to see
            lines.append(str(reason))
        else:
            low, high = found.out_of_bag_interval
            lines.append(
                f"out-of-bag C-index {found.out_of_bag.c:.3f} ({100 * found.level:g} % interval {low:.3f} to "
                f"{high:.3f}, variance of training included)"
            )
            failed = [f"{found.n_failed} replicates failed, see store.failures()"] if found.n_failed else []
            lines += [f"note: {note}" for note in dict.fromkeys([*failed, *found.notes])]
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table())


def bootstrap(
    recipe: Recipe | FitPredict,
    X: SurvivalData | pd.DataFrame | np.ndarray,
    event: Any = None,
    time: Any = None,
    *,
    n: int = 100,
    seed: int = 0,
    ids: Any = None,
    folder: str | os.PathLike[str] | None = None,
    map_units: Callable = map,
    progress: bool = False,
) -> Bootstrap:
    """Validate a model on the patients that it was made from: tuning and fitting anew in every bag.

    Parameters
    ----------
    recipe : Recipe or FitPredict
        For example ``NetworkRecipe()``, ``CoxRecipe()``, or any object with ``fit(X, event, time, *, groups, seed)``
        whose result has ``predict_log_risk(X)``.
    X : SurvivalData, or (N, D) array or DataFrame
        With SurvivalData `event` and `time` are left out; ``CoxRecipe`` then reads the volumes, the others the motion.
    event, time : (N,) arrays
        True where death was observed; any one time unit.
    n : int
        Bags. The variance of training is in the intervals from 50 bags on.
    seed : int
        Two models with one seed share their bags and can be compared (`cardiolib.compare_models`).
    ids : (N,) sequence, optional
        By default those of the data, the DataFrame's index, or "1" to "N".
    folder : path-like, optional
        Replicates are kept there as they are finished, and an interrupted run goes on. By default nothing is kept.
    map_units : callable
        ``map_units(function, items)``; workers of other processes see `folder` or this machine's temporary one.
    progress : bool
        Show a bar.

    Returns
    -------
    Bootstrap
        Prints the C-index with its interval; in a notebook, all five estimators.

    Raises
    ------
    ValueError
        For invalid outcomes, repeated IDs, or a folder that belongs to another run.

    Examples
    --------
    Two measurements, of which the first tells who dies early:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(60, 2))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> boot = cl.bootstrap(cl.CoxRecipe(), X, event=time < 2, time=time.clip(max=2), n=10)
    >>> print(repr(boot).splitlines()[0])
    Bootstrap of CoxRecipe: 10 bags of 60 patients, 49 deaths
    >>> boot.table()["estimator"].tolist()
    ['apparent', 'Harrell optimism-corrected', 'replicate out-of-bag', 'out-of-bag aggregate', '.632+']
    >>> list(boot.risk_groups())
    ['CoxRecipe']
    """
    store = run_bootstrap(
        recipe,
        X,
        event,
        time,
        ids=ids,
        settings=BootstrapSettings(n_replicates=n),
        seed=seed,
        folder=folder,
        map_units=map_units,
        progress=progress,
    )
    if getattr(X, "simulated", False):
        store = replace(store, meta={**store.meta, "simulated": "yes"})
    named = getattr(recipe, "recipe", recipe)
    name = getattr(named, "__name__", type(named).__name__)
    return Bootstrap(store, name, getattr(X, "time_unit", ""))
