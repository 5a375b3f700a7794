"""The Cox partial likelihood, with Efron's or Breslow's ties and safe at any risk, and the Breslow baseline hazard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from cardiolib.survival.alignment import codes_of
from cardiolib.survival.outcomes import check_log_risk, check_outcomes

TIES = ("efron", "breslow")
Outcome = torch.Tensor | np.ndarray


def cox_nll(
    log_risk: torch.Tensor,
    event: np.ndarray,
    time: np.ndarray,
    *,
    ties: str = "efron",
    strata: np.ndarray | None = None,
) -> tuple[torch.Tensor, int]:
    r"""Negative log partial likelihood, summed over deaths, and the number of deaths.

    Parameters
    ----------
    log_risk : (N,) or (N, 1) floating tensor
        Log relative hazard of each patient; higher is worse. Its dtype and device are kept.
    event : (N,) tensor or array of bool or 0/1
        True where death was observed.
    time : (N,) tensor or array
        Time to death or to the end of observation; only the order and the ties matter.
    ties : {"efron", "breslow"}
        How deaths at one time share their risk set. Without ties the two are equal.
    strata : (N,) tensor or array, optional
        Patients are compared within their stratum only.

    Returns
    -------
    nll : scalar tensor
        Sum over deaths, differentiable. Divide by `n_events` for a loss that does not grow with N.
    n_events : int
        0 is allowed (a mini-batch may hold no death): `nll` is then 0 with a zero gradient.

    Raises
    ------
    ValueError
        If `log_risk` is no floating-point tensor, lengths differ, or event, time or strata are malformed
        (:func:`cardiolib.survival.outcomes.check_outcomes`).

    Notes
    -----
    With :math:`\eta` = `log_risk`, :math:`D_g` the d patients who died at the distinct time g and
    :math:`R_g` those observed until g or later (a patient censored at g is at risk), Efron's form is

    .. math:: -\sum_g \Big[\sum_{i \in D_g} \eta_i - \sum_{k=0}^{d-1} \log\Big(\sum_{j \in R_g} e^{\eta_j}
              - \frac{k}{d} \sum_{i \in D_g} e^{\eta_i}\Big)\Big],

    and Breslow's has k = 0 throughout [1]_. Both sums are kept as logarithms A and B, and the bracket is
    :math:`A + \log(1 - (k/d) e^{B - A})`, so nothing overflows; the largest risk is subtracted first, since
    only differences matter. Rows with one time are one block: the result does not depend on row order.

    References
    ----------
    .. [1] Therneau and Grambsch, Modeling Survival Data: Extending the Cox Model, Springer (2000), ch. 3.
    """
    eta, died, when = _checked(log_risk, event, time, ties)
    if strata is None:
        return _one_stratum(eta, died, when, ties), int(died.sum())
    stratum_of = torch.as_tensor(codes_of("strata", _on_cpu(strata), eta.numel()), device=eta.device)
    parts = [
        _one_stratum(eta[rows], died[rows], when[rows], ties)
        for rows in (stratum_of == stratum for stratum in torch.unique(stratum_of))
    ]
    return torch.stack(parts).sum(), int(died.sum())


@dataclass(frozen=True)
class BaselineHazard:
    """Cumulative baseline hazard H0(t): a right-continuous step function, 0 before the first death.

    Attributes
    ----------
    times : (G,) array
        Distinct times of death, ascending, in the unit of the data.
    log_cumulative : (G,) array
        Logarithm of H0 at and after each of `times`. Kept as a logarithm because the zero of a log
        risk is arbitrary: H0 alone may underflow where H0 times exp(log risk) does not.
    """

    times: np.ndarray
    log_cumulative: np.ndarray

    def __call__(self, t: np.ndarray) -> np.ndarray:
        """H0 at the times `t`, same shape."""
        return np.exp(self._log_at(t))

    def survival(self, log_risk: ArrayLike, times: ArrayLike) -> np.ndarray:
        """Probability of surviving beyond each time: (N, T) from (N,) log risks and (T,) times."""
        log_risk = np.asarray(log_risk, dtype=float)
        if log_risk.ndim != 1:
            raise ValueError(f"log_risk must have one number a patient, got shape {log_risk.shape}")
        exponent = self._log_at(np.atleast_1d(times))[None, :] + log_risk[:, None]
        return np.exp(-np.exp(np.minimum(exponent, 700.0)))

    def _log_at(self, t: np.ndarray) -> np.ndarray:
        t = np.asarray(t, dtype=float)
        if np.isnan(t).any():
            raise ValueError(f"a time at which survival is wanted is not a number: {t.reshape(-1)[:10].tolist()}")
        steps = np.searchsorted(self.times, t, side="right")
        return np.concatenate([[-np.inf], self.log_cumulative])[steps]


def breslow_baseline(log_risk: ArrayLike, event: ArrayLike, time: ArrayLike) -> BaselineHazard:
    """Breslow's cumulative baseline hazard for given log risks.

    Parameters
    ----------
    log_risk, event, time : (N,) arrays
        Log risks as fitted (higher is worse), True where death was observed, time of death or censoring.

    Returns
    -------
    BaselineHazard
        H0(t) = sum over death times g <= t of d_g / sum of exp(log_risk) over those observed until g or
        later. A survivor function is exp(-H0(t) exp(log_risk)).

    Raises
    ------
    ValueError
        If nobody died, or a log risk is not finite.

    Notes
    -----
    A step function on purpose: linear interpolation between deaths, as in some libraries, gives a
    different absolute risk at a time nobody died. Source: Breslow, Biometrics 30:89 (1974).
    """
    event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
    eta = check_log_risk(log_risk, time.size)
    if not event.any():
        raise ValueError("a baseline hazard needs at least one death; every patient is censored")
    deaths_at, n_deaths = np.unique(time[event], return_counts=True)
    order = np.argsort(-time, kind="stable")
    log_at_risk = np.logaddexp.accumulate(eta[order])
    last_at_risk = np.searchsorted(-time[order], -deaths_at, side="right") - 1
    log_steps = np.log(n_deaths) - log_at_risk[last_at_risk]
    return BaselineHazard(deaths_at, np.logaddexp.accumulate(log_steps))


def _checked(
    log_risk: torch.Tensor, event: Outcome, time: Outcome, ties: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    if ties not in TIES:
        raise ValueError(f"ties must be one of {TIES}, got {ties!r}")
    if not isinstance(log_risk, torch.Tensor) or not log_risk.is_floating_point():
        raise ValueError("log_risk must be a floating-point torch tensor")
    eta = log_risk.reshape(-1)
    died, when = (_column(_on_cpu(values)) for values in (event, time))
    if not (eta.numel() == np.size(died) == np.size(when)):
        raise ValueError(
            f"log_risk, event and time must have one length, got {eta.numel()}, {np.size(died)} and {np.size(when)}"
        )
    died, when = check_outcomes(died, when)
    return eta, torch.as_tensor(died, device=eta.device), torch.as_tensor(when, device=eta.device)


def _on_cpu(values: Any) -> Any:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values


def _column(values: Any) -> Any:
    """(N, 1) arrays, as networks give them, as (N,)."""
    return values.reshape(-1) if isinstance(values, np.ndarray) and values.ndim == 2 else values


def _one_stratum(eta: torch.Tensor, event: torch.Tensor, time: torch.Tensor, ties: str) -> torch.Tensor:
    if not event.any():
        return (eta * 0.0).sum()
    order = torch.argsort(time, descending=True, stable=True)
    eta, event, time = eta[order], event[order], time[order]
    eta = eta - eta.max().detach()
    block = torch.zeros_like(time, dtype=torch.long)  # (N,) number of the row's time, latest first
    block[1:] = torch.cumsum(time[1:] != time[:-1], dim=0)
    last_row = torch.cumsum(torch.bincount(block), dim=0) - 1
    log_at_risk = torch.logcumsumexp(eta, dim=0)[last_row][block[event]]  # (E,) one per death
    if ties == "breslow":
        return (log_at_risk - eta[event]).sum()
    log_deaths, fraction = _tied_deaths(eta[event], block[event], last_row.numel())
    log_deaths = torch.minimum(log_deaths, log_at_risk)  # equal but for rounding when only deaths are at risk
    return (log_at_risk + torch.log1p(-fraction * torch.exp(log_deaths - log_at_risk)) - eta[event]).sum()


def _tied_deaths(eta: torch.Tensor, block: torch.Tensor, n_blocks: int) -> tuple[torch.Tensor, torch.Tensor]:
    """For each death: log of the summed hazards of the deaths at its time, and its k/d."""
    largest = torch.full((n_blocks,), -torch.inf, dtype=eta.dtype, device=eta.device)
    largest = largest.scatter_reduce(0, block, eta.detach(), reduce="amax")
    relative = torch.zeros(n_blocks, dtype=eta.dtype, device=eta.device)
    relative = relative.scatter_add(0, block, torch.exp(eta - largest[block]))
    n_deaths = torch.bincount(block, minlength=n_blocks)
    first = torch.cumsum(n_deaths, dim=0) - n_deaths  # deaths are in block order: k counts from the first
    k = torch.arange(block.numel(), device=eta.device) - first[block]
    fraction = k.to(eta.dtype) / n_deaths[block].to(eta.dtype)  # cast first: integer division gives float32
    return torch.log(relative[block]) + largest[block], fraction
