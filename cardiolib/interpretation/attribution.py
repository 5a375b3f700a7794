"""What does the network use? Integrated gradients of its log risk, by vertex and phase.

IG_d(x) = (x_d - b_d) * integral over a from 0 to 1 of d log risk / d x_d at b + a (x - b)

The attributions of one patient add up to log risk(x) - log risk(b) ("completeness"), which is checked. Neighbouring
vertices move together, so the network may lean on either: read maps averaged over several networks, and regions
rather than vertices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from cardiolib.interpretation.motion_magnitude import as_displacements
from cardiolib.survival.network.autoencoder import SupervisedAutoencoder
from cardiolib.survival.network.fitted import FittedNetwork

_ROWS_AT_A_TIME = 64
LogRisk = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Attribution:
    """Share of each feature in each patient's log risk, relative to a baseline heart.

    Attributes
    ----------
    values : (N, D) array
        In units of log risk; rows add up to `log_risk - baseline_log_risk`.
    baseline : (D,) array
        mm; by default the mean motion of the patients.
    log_risk : (N,) array
    baseline_log_risk : float
    completeness_error : float
        Largest |sum of a row - (log_risk - baseline_log_risk)| over the patients.
    n_steps : int
        Steps, or pieces, of the path that were needed.
    """

    values: np.ndarray = field(repr=False)
    baseline: np.ndarray = field(repr=False)
    log_risk: np.ndarray = field(repr=False)
    baseline_log_risk: float
    completeness_error: float
    n_steps: int

    @property
    def relative_completeness_error(self) -> float:
        """`completeness_error` as a share of the range of the log risks."""
        return self.completeness_error / max(float(np.ptp(np.append(self.log_risk, self.baseline_log_risk))), 1e-12)

    def by_phase_and_vertex(self, *, n_vertices: int) -> np.ndarray:
        """Signed shares (N, T - 1, V): the three coordinates of each vertex added up."""
        return as_displacements(self.values, n_vertices=n_vertices).sum(axis=3)

    def vertex_importance(self, *, n_vertices: int) -> np.ndarray:
        """(V,) mean over patients of |share of the vertex over the whole cycle|.

        Examples
        --------
        >>> linear = integrated_gradients(lambda x: x @ torch.ones(6).double(), np.eye(6), baseline=np.zeros(6))
        >>> linear.vertex_importance(n_vertices=2).round(3).tolist()
        [0.5, 0.5]
        """
        return np.abs(self.by_phase_and_vertex(n_vertices=n_vertices).sum(axis=1)).mean(axis=0)

    def phase_importance(self, *, n_vertices: int) -> np.ndarray:
        """(T - 1, V) mean over patients of |share of the vertex in the phase|."""
        return np.abs(self.by_phase_and_vertex(n_vertices=n_vertices)).mean(axis=0)


def log_risk_function(model: FittedNetwork) -> LogRisk:
    """The log risk of a fitted network as a differentiable function of features (N, D) in mm, in float64.

    Equal to `model.predict_log_risk` but for its rounding.

    Examples
    --------
    >>> import cardiolib as cl
    >>> X = np.random.default_rng(1).normal(size=(40, 6))
    >>> model = cl.fit_network(X, np.ones(40), np.arange(40.0), cl.NetworkSettings(hidden=8, latent=2, epochs=5))
    >>> log_risk_function(model)(torch.as_tensor(X)).shape
    torch.Size([40])
    """
    chosen = model.settings
    network = SupervisedAutoencoder(model.n_features, chosen.hidden, chosen.latent, chosen.activation).double()
    network.load_state_dict({name: torch.as_tensor(value).double() for name, value in model.weights.items()})
    network.requires_grad_(False).eval()
    mean, scale = torch.as_tensor(model.standardiser.mean), torch.as_tensor(model.standardiser.scale)

    def log_risk(x: torch.Tensor) -> torch.Tensor:
        _, code = network.encode((x - mean) / scale)
        return network.risk(code).squeeze(1)

    return log_risk


def integrated_gradients(
    log_risk: LogRisk,
    X: np.ndarray,
    *,
    baseline: Any = None,
    n_steps: int = 64,
    tolerance: float = 0.01,
    max_steps: int = 1024,
) -> Attribution:
    """Attribute each patient's log risk to the features.

    Parameters
    ----------
    log_risk : callable
        Differentiable, (N, D) float64 tensor to (N,) tensor; :func:`log_risk_function` makes one.
    X : (N, D) array
        mm.
    baseline : (D,) array, optional
        The heart that risk is counted from; by default the mean of `X`.
    n_steps : int
        Steps of the midpoint rule; doubled until completeness holds.
    tolerance : float
        Completeness error allowed, as a share of the range of the log risks.
    max_steps : int

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite, or completeness is not reached within `max_steps` (the log risk
        is then not a function that gradients describe).

    References
    ----------
    .. [1] Sundararajan, Taly and Yan, ICML 2017.

    Examples
    --------
    >>> product = integrated_gradients(lambda x: x[:, 0] * x[:, 1], [[2.0, 3.0, 9.0]], baseline=np.zeros(3))
    >>> product.values.round(6).tolist()
    [[3.0, 3.0, 0.0]]
    """
    X, baseline = _checked(X, baseline)
    if not 1 <= n_steps <= max_steps:
        raise ValueError(f"n_steps must lie between 1 and max_steps = {max_steps}, got {n_steps}")
    with torch.no_grad():
        risks = log_risk(torch.as_tensor(np.vstack([X, baseline]))).double().numpy()
    gain, allowed = risks[:-1] - risks[-1], tolerance * max(np.ptp(risks), 1e-12)
    while True:
        values = (X - baseline) * _mean_gradient(log_risk, X, baseline, n_steps)
        error = float(np.abs(values.sum(axis=1) - gain).max())
        if error <= allowed:
            return Attribution(values, baseline, risks[:-1], float(risks[-1]), error, n_steps)
        if 2 * n_steps > max_steps:
            raise ValueError(
                f"attributions miss the log risk by {error:.3g} with {n_steps} steps (allowed: "
                f"{allowed:.3g}); raise max_steps or the tolerance"
            )
        n_steps *= 2


def attribute_network(model: FittedNetwork, X: np.ndarray, *, baseline: Any = None) -> Attribution:
    """:func:`integrated_gradients` of a network's log risk, in closed form: no steps, no tolerance.

    The network is made of affine layers and ReLUs, so along the straight way from the baseline to a patient its
    gradient is constant between the places where a unit of the hidden layer or of the code switches on or off. Those
    places are known in closed form, piece by piece; the integral is a sum over the pieces.

    Parameters
    ----------
    model : FittedNetwork
    X : (N, D) array
        mm.
    baseline : (D,) array, optional
        The heart that risk is counted from; by default the mean of `X`.

    Returns
    -------
    Attribution
        `completeness_error` is rounding; `n_steps` the largest number of pieces of a patient's way.

    Raises
    ------
    ValueError
        For a network without ReLUs, or for features that do not fit.
    """
    if model.settings.activation != "relu":
        raise ValueError(
            f"the closed form is that of a network of ReLUs, not {model.settings.activation!r}; use "
            "integrated_gradients(log_risk_function(model), X)"
        )
    X, baseline = _checked(X, baseline)
    mean, scale = model.standardiser.mean, model.standardiser.scale
    weights = {name: np.asarray(value, dtype=float) for name, value in model.weights.items()}
    to_hidden = weights["encoder_hidden.weight"] / scale

    def hidden_sums(x: np.ndarray) -> np.ndarray:
        return (x - mean) @ to_hidden.T + weights["encoder_hidden.bias"]

    def log_risk(u: np.ndarray) -> np.ndarray:
        code = np.maximum(u, 0) @ weights["encoder_code.weight"].T + weights["encoder_code.bias"]
        return np.maximum(code, 0) @ weights["risk.weight"][0]

    start, ends = hidden_sums(baseline[None])[0], hidden_sums(X)
    pieces = [_exact_mean_gradient(start, end, weights) for end in ends]
    values = (X - baseline) * (np.stack([gradient for gradient, _ in pieces]) @ to_hidden)
    risks, zero = log_risk(ends), float(log_risk(start[None])[0])
    error = float(np.abs(values.sum(axis=1) - (risks - zero)).max())
    return Attribution(values, baseline, risks, zero, error, max(count for _, count in pieces))


def _exact_mean_gradient(start: np.ndarray, end: np.ndarray, weights: dict[str, np.ndarray]) -> tuple[np.ndarray, int]:
    """Gradient (H,) of the log risk in the hidden sums u, averaged over the way, and the number of pieces."""
    way, to_code = end - start, weights["encoder_code.weight"]
    knots = _with_crossings(np.array([0.0, 1.0]), np.stack([start, end]))
    # between these knots the hidden layer is affine, and so is the code before its ReLU
    sums = np.maximum(start + knots[:, None] * way, 0) @ to_code.T + weights["encoder_code.bias"]
    knots = _with_crossings(knots, sums)
    u = start + ((knots[1:] + knots[:-1]) / 2)[:, None] * way
    code = np.maximum(u, 0) @ to_code.T + weights["encoder_code.bias"]
    gradient = (((code > 0) * weights["risk.weight"][0]) @ to_code) * (u > 0)
    return np.diff(knots) @ gradient, len(u)


def _with_crossings(knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Knots (K,), and the places between them where a column of values (K, M), linear between knots, changes sign."""
    before, after = values[:-1], values[1:]
    piece, column = np.nonzero(before * after < 0)
    share = before[piece, column] / (before[piece, column] - after[piece, column])
    return np.unique(np.append(knots, knots[piece] + share * np.diff(knots)[piece]))


def _checked(X: np.ndarray, baseline: Any) -> tuple[np.ndarray, np.ndarray]:
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or not len(X) or not np.isfinite(X).all():
        raise ValueError(f"X must be an (N, D) array of finite numbers, got shape {X.shape}")
    baseline = X.mean(axis=0) if baseline is None else np.asarray(baseline, dtype=float)
    if baseline.shape != (X.shape[1],) or not np.isfinite(baseline).all():
        raise ValueError(f"baseline must be {X.shape[1]} finite numbers, got shape {baseline.shape}")
    return X, baseline


def _mean_gradient(log_risk: LogRisk, X: np.ndarray, baseline: np.ndarray, n_steps: int) -> np.ndarray:
    """Gradient (N, D) averaged over the midpoints of `n_steps` equal parts of the way from baseline to X."""
    start, total = torch.as_tensor(baseline), np.zeros_like(X)
    for first in range(0, len(X), _ROWS_AT_A_TIME):
        rows = slice(first, first + _ROWS_AT_A_TIME)
        way = torch.as_tensor(X[rows]) - start
        gradient = torch.zeros_like(way)
        for step in range(n_steps):
            point = (start + (step + 0.5) / n_steps * way).requires_grad_(True)
            gradient += torch.autograd.grad(log_risk(point).sum(), point)[0]
        total[rows] = (gradient / n_steps).numpy()
    return total
