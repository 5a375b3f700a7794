"""Two models compared on the same patients and the same bags, from their stored bootstraps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from cardiolib.printed import as_html
from cardiolib.validation.bootstrapped import Bootstrap
from cardiolib.validation.concordance import ConcordanceComparison, compare_concordance
from cardiolib.validation.estimators import out_of_bag_risk, spread_over
from cardiolib.validation.store import BootstrapStore
from cardiolib.validation.training_variance import pair_out_of_bag, variance_of_difference


@dataclass(frozen=True)
class ModelComparison:
    """Difference of the out-of-bag concordances of two trained models, A minus B.

    Attributes
    ----------
    difference, se, z, p_value : float
        The standard error includes the variance of training.
    fixed : ConcordanceComparison
        The same difference with the predictions taken as given: the right test for two models that were trained on
        other patients, too optimistic for models trained on these.
    """

    difference: float
    se: float
    z: float
    p_value: float
    fixed: ConcordanceComparison

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval of the difference."""
        return self._with_training().interval(level)

    def table(self) -> pd.DataFrame:
        """One row; the column of the p value says that it is approximate."""
        return self._with_training().table()

    def __repr__(self) -> str:
        return f"{self._with_training()!r}, variance of training included"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table())

    def _with_training(self) -> ConcordanceComparison:
        return replace(self.fixed, difference=self.difference, se=self.se, z=self.z, p_value=self.p_value)


def compare_models(
    store_a: BootstrapStore | Bootstrap,
    store_b: BootstrapStore | Bootstrap,
    *,
    combine: str = "centred",
    allow_different_bags: bool = False,
) -> ModelComparison:
    """Difference of the out-of-bag concordances of two models, A minus B, over the patients.

    Parameters
    ----------
    store_a, store_b : BootstrapStore or Bootstrap
        Same patients in the same order, same outcomes and the same bags (run both with one seed).
    combine : str
        See :func:`cardiolib.validation.out_of_bag_risk`.
    allow_different_bags : bool
        Only for results of others, such as the released files of the paper, whose runs did not share bags.

    Raises
    ------
    ValueError
        If patients, outcomes or bags differ.

    Notes
    -----
    Patients are the unit, so the p value does not depend on how many replicates were made. In simulations of equally
    good ridge Cox models it rejected 3 to 4 % at a nominal 5 %: on the safe side, at some cost of power
    (benchmarks/validation_coverage.py). Not for nested models.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(60, 2))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> event, time = time < 2, time.clip(max=2)
    >>> told, noise = (cl.bootstrap(cl.CoxRecipe(), X[:, [i]], event, time, n=10) for i in (0, 1))
    >>> found = cl.compare_models(told, noise)
    >>> found.difference > 0.1, found.p_value < 0.05
    (True, True)
    """
    store_a, store_b = (one.store if isinstance(one, Bootstrap) else one for one in (store_a, store_b))
    if not np.array_equal(store_a.patient_id, store_b.patient_id):
        raise ValueError("the two stores do not hold the same patients in the same order")
    if not (np.array_equal(store_a.event, store_b.event) and np.array_equal(store_a.time, store_b.time)):
        raise ValueError("the two stores hold different outcomes for the same patients")
    same_bags = np.array_equal(store_a.in_bag, store_b.in_bag)
    if not same_bags and not allow_different_bags:
        raise ValueError(
            "the two models were trained on different bags; run both with the same seed and number of "
            "replicates, or pass allow_different_bags=True for results that cannot be rerun"
        )
    risk_a, risk_b = out_of_bag_risk(store_a, combine=combine), out_of_bag_risk(store_b, combine=combine)
    known = np.isfinite(risk_a) & np.isfinite(risk_b)
    fixed = compare_concordance(risk_a[known], risk_b[known], store_a.event[known], store_a.time[known])
    influence = spread_over(known, fixed.a.influence - fixed.b.influence)
    variance = variance_of_difference(
        influence,
        pair_out_of_bag(store_a),
        pair_out_of_bag(store_b),
        same_bags=same_bags and np.array_equal(store_a.succeeded, store_b.succeeded),
    )
    se = float(np.sqrt(variance))
    if se < 1e-12:  # the two rankings are the same one
        return ModelComparison(fixed.difference, 0.0, 0.0, 1.0, fixed)
    z = fixed.difference / se
    return ModelComparison(fixed.difference, se, z, float(2 * norm.sf(abs(z))), fixed)
