"""How different two centres' patients are: can a model tell where a patient comes from?"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from cardiolib.printed import as_html
from cardiolib.survival.outcomes import check_features
from cardiolib.validation.concordance import Concordance, concordance

N_FOLDS = 10


@dataclass(frozen=True, eq=False, repr=False)
class Membership:
    """How well patients of two centres can be told apart.

    Attributes
    ----------
    concordance : Concordance
        Of the out-of-fold log odds of being from the other centre: .5 where the patients are alike, 1 where none of
        them could come from the other centre. Values above .7 or so say that a validation tests transport, not
        reproducibility [1]_.
    difference : DataFrame
        One row a column: mean and SD at home, mean and SD elsewhere.
    """

    concordance: Concordance
    difference: pd.DataFrame = field(repr=False)

    @property
    def c(self) -> float:
        """The concordance, or area under the ROC curve."""
        return self.concordance.c

    def __repr__(self) -> str:
        low, high = self.concordance.interval()
        return (
            f"Membership C {self.c:.3f} (95 % interval {low:.3f} to {high:.3f}; .5: the patients are alike), from "
            f"{', '.join(self.difference.index)}"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.difference)


def membership_model(home: ArrayLike, other: ArrayLike, *, seed: int = 0) -> Membership:
    """Tell patients of another centre from those at home by logistic regression, judged out of fold.

    Parameters
    ----------
    home, other : (N, p), (M, p) arrays or DataFrames
        The same few columns of both: predictors or the log risk, and where wanted the outcome (event, time) [1]_.
    seed : int
        Of the ten folds.

    Raises
    ------
    ValueError
        Columns that differ, values that are not finite, or fewer than ten patients at a centre.

    Notes
    -----
    Patients are compared within their fold only, since each fold has a model of its own. In [1]_ the model is judged on
    the patients that it was fitted on, which favours difference.

    References
    ----------
    .. [1] Debray et al., J Clin Epidemiol 2015;68:279.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> found = membership_model(rng.normal(size=(200, 2)), rng.normal(size=(150, 2)) + [1.0, 0.0])
    >>> 0.7 < found.c < 0.85
    True
    """
    names = [str(name) for name in home.columns] if isinstance(home, pd.DataFrame) else None
    if names is not None and isinstance(other, pd.DataFrame) and names != [str(name) for name in other.columns]:
        raise ValueError(f"both centres need the same columns, got {names} and {list(other.columns)}")
    first = check_features(home, dtype=np.float64)
    second = check_features(other, first.shape[1], dtype=np.float64)
    if min(len(first), len(second)) < N_FOLDS:
        raise ValueError(f"each centre needs at least {N_FOLDS} patients, got {len(first)} and {len(second)}")
    names = names or [f"x{i}" for i in range(first.shape[1])]
    X, elsewhere = np.vstack([first, second]), np.repeat([False, True], [len(first), len(second)])
    log_odds, fold = np.empty(len(X)), np.empty(len(X), int)
    for k, (train, test) in enumerate(StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed).split(X, elsewhere)):
        scaler = StandardScaler().fit(X[train])
        model = LogisticRegression(C=1e4, max_iter=2000).fit(scaler.transform(X[train]), elsewhere[train])
        log_odds[test], fold[test] = model.decision_function(scaler.transform(X[test])), k
    # who is elsewhere "dies" at 1, who is at home is seen beyond: C is then the area under the ROC curve
    found = concordance(log_odds, elsewhere, np.where(elsewhere, 1.0, 2.0), strata=fold)
    columns = {
        "home mean": first.mean(axis=0),
        "home SD": first.std(axis=0, ddof=1),
        "other mean": second.mean(axis=0),
        "other SD": second.std(axis=0, ddof=1),
    }
    return Membership(found, pd.DataFrame(columns, index=pd.Index(names, name="column")))
