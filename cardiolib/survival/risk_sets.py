"""The Cox likelihood for one fixed set of outcomes, prepared once: value, gradient and curvature in numpy.

Same mathematics as :func:`cardiolib.survival.cox.cox_nll` (a test holds the two equal). Training calls it
thousands of times on the same patients, so everything that depends on event and time alone is done once.
"""

from __future__ import annotations

import numpy as np

from cardiolib.survival.outcomes import check_outcomes


class RiskSets:
    """Who died and who was at risk, in descending time.

    Parameters
    ----------
    event, time : (N,) arrays
        Checked by :func:`cardiolib.survival.outcomes.check_outcomes`.
    ties : {"efron", "breslow"}

    Attributes
    ----------
    n_events : int
        0 is allowed; value and gradient are then zero.
    """

    def __init__(self, event: np.ndarray, time: np.ndarray, *, ties: str = "efron") -> None:
        event, time = check_outcomes(event, time)
        if ties not in ("efron", "breslow"):
            raise ValueError(f"ties must be 'efron' or 'breslow', got {ties!r}")
        self._order = np.argsort(-time, kind="stable")
        self._event = event[self._order]
        descending = time[self._order]
        self._block = np.concatenate([[0], np.cumsum(descending[1:] != descending[:-1])])  # latest time = 0
        self._last_row = np.searchsorted(self._block, np.arange(self._block[-1] + 1), side="right") - 1
        self._death_block = self._block[self._event]  # (E,), ascending
        n_deaths = np.bincount(self._death_block, minlength=self._last_row.size)
        first = np.cumsum(n_deaths) - n_deaths
        k = np.arange(self._death_block.size) - first[self._death_block]
        self._fraction = k / n_deaths[self._death_block] if ties == "efron" else np.zeros(k.size)
        self._tied = bool((self._fraction > 0).any())
        self.n_events = int(event.sum())

    def nll_and_gradient(self, log_risk: np.ndarray) -> tuple[float, np.ndarray]:
        """Negative log partial likelihood (sum over deaths) and its gradient, both in float64.

        Parameters
        ----------
        log_risk : (N,) array, in the row order of `event` and `time`.

        Notes
        -----
        The gradient is minus the martingale residual: what the model expected of the patient, less
        whether the patient died. The inner sum over earlier deaths is a log-sum-exp run from the earliest
        death forwards, so it is finite at any risk.
        """
        gradient = np.zeros(self._order.size)
        if self.n_events == 0:
            return 0.0, gradient
        eta = np.asarray(log_risk, dtype=float).reshape(-1)[self._order]
        eta = eta - eta.max()
        log_denominator = self._log_denominators(eta)  # (E,)
        earlier = np.full(self._last_row.size, -np.inf)  # per block: log sum of 1/denominator of its deaths
        np.logaddexp.at(earlier, self._death_block, -log_denominator)
        earlier = np.logaddexp.accumulate(earlier[::-1])[::-1]
        expected = np.exp(eta + earlier[self._block])
        if self._tied:  # Efron: a tied death counts only partly as at risk among its own ties
            part = self._fraction > 0
            among_ties = np.full(self._last_row.size, -np.inf)
            np.logaddexp.at(among_ties, self._death_block[part], np.log(self._fraction[part]) - log_denominator[part])
            expected[self._event] -= np.exp(eta[self._event] + among_ties[self._death_block])
        gradient[self._order] = expected - self._event
        return float(np.sum(log_denominator - eta[self._event])), gradient

    def _log_denominators(self, eta: np.ndarray) -> np.ndarray:
        log_at_risk = np.logaddexp.accumulate(eta)[self._last_row][self._death_block]
        if not self._tied:
            return log_at_risk
        log_deaths = np.full(self._last_row.size, -np.inf)
        np.logaddexp.at(log_deaths, self._death_block, eta[self._event])
        ratio = np.exp(np.minimum(log_deaths[self._death_block] - log_at_risk, 0.0))
        return log_at_risk + np.log1p(-self._fraction * ratio)
