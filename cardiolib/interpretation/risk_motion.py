"""How motion changes with risk, as a field of displacements, by four methods and in truth.

A network's risk head w is a filter: it says how to read risk off a code, and weighs units so that what they share with
one another cancels. A step along w therefore leads away from the cloud of patients. How codes change with risk among
patients is the pattern A = Cov(z) w / (w' Cov(z) w) [1]_. With a decoder fitted by least squares, D = Cov(x, z)
Cov(z)^-1, a step along the pattern decodes to D A = Cov(x, w'z) / Var(w'z): the regression of motion on risk. So
decoding and regression meet where both are right, and a poorly trained decoder can be told from a poor code.

References
----------
.. [1] Haufe et al., NeuroImage 2014;87:96.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.cohorts import Cohort
from cardiolib.cohorts.simulated.settings import SimulatedCohortSettings
from cardiolib.cohorts.simulated.simulated_cohort import declaration
from cardiolib.digital_heart import DigitalHeart, parameters_from_row, simulate_population
from cardiolib.digital_heart.outcomes import log_hazard
from cardiolib.interpretation.decode import decode_risk_direction
from cardiolib.interpretation.motion_magnitude import as_displacements
from cardiolib.survival.alignment import plain_rows
from cardiolib.survival.cox_regression import constant_columns
from cardiolib.survival.network.fitted import FittedNetwork

NETWORK_DECODER = "network's decoder along the risk head"
LEAST_SQUARES_HEAD = "least-squares decoder along the risk head"
LEAST_SQUARES_PATTERN = "least-squares decoder along the patients"
REGRESSION = "regression of motion on risk"
TRUTH = "true hazard"


@dataclass(frozen=True, eq=False)
class RiskMotion:
    """Mean motion, and how it changes with one SD of the log risk.

    Attributes
    ----------
    method : str
    mean_mm, field_mm : (T - 1, V, 3) arrays
        Displacement from end-diastole at the mean risk, and its change per SD of the patients' log risk.
    explained : float
        Share of the variance of the patients' motion that the decoder gives back from their codes; NaN where
        nothing is decoded.
    distance : float
        Mahalanobis distance, among the patients' codes, of the step that raises the log risk by one SD: 1 along the
        pattern, which is the least there can be; NaN where nothing is decoded.
    """

    method: str
    mean_mm: np.ndarray = field(repr=False)
    field_mm: np.ndarray = field(repr=False)
    explained: float = np.nan
    distance: float = np.nan

    def displacement_mm(self, amount: float) -> np.ndarray:
        """Motion (T - 1, V, 3) at `amount` SDs of the log risk above the mean."""
        return self.mean_mm + amount * self.field_mm

    def positions_mm(self, reference: ArrayLike, amount: float) -> np.ndarray:
        """Positions (T, V, 3) of a heart that begins at `reference` (V, 3) and moves like `displacement_mm`."""
        reference = np.asarray(reference, dtype=float)
        if reference.shape != self.mean_mm.shape[1:]:
            raise ValueError(
                f"reference must be the {self.mean_mm.shape[1]} points at end-diastole, got {reference.shape}"
            )
        return np.concatenate([reference[None], reference + self.displacement_mm(amount)])

    def size_mm(self) -> float:
        """Root mean square over phases and points of the change per SD."""
        return float(np.sqrt((self.field_mm**2).sum(axis=2).mean()))

    def vertex_size_mm(self) -> np.ndarray:
        """(V,) the same for each point."""
        return np.sqrt((self.field_mm**2).sum(axis=2).mean(axis=0))

    def cosine(self, other: RiskMotion) -> float:
        """Cosine between two fields over all phases, points and coordinates: 1 same direction, 0 unrelated."""
        if self.field_mm.shape != other.field_mm.shape:
            raise ValueError(f"fields differ in shape: {self.field_mm.shape} and {other.field_mm.shape}")
        size = np.linalg.norm(self.field_mm) * np.linalg.norm(other.field_mm)
        return float((self.field_mm * other.field_mm).sum() / size) if size > 0 else np.nan


def regression_motion(log_risk: np.ndarray, X: np.ndarray, *, n_vertices: int) -> RiskMotion:
    """Regression of every coordinate of the motion on the log risk.

    Parameters
    ----------
    log_risk : (N,) array
        NaN leaves a patient out.
    X : (N, D) array
        mm.
    n_vertices : int

    Raises
    ------
    ValueError
        If lengths differ or the log risk is constant.
    """
    log_risk, X = (np.asarray(values, dtype=float) for values in plain_rows(log_risk=log_risk, X=X))
    if X.ndim != 2 or log_risk.shape != (len(X),):
        raise ValueError(f"log_risk must be (N,) and X (N, D), got shapes {log_risk.shape} and {X.shape}")
    if np.isinf(log_risk).any():
        raise ValueError(f"log_risk is infinite in rows {np.flatnonzero(np.isinf(log_risk))[:10].tolist()}")
    known = np.isfinite(log_risk)
    risk, X = log_risk[known], X[known]
    if risk.size < 3 or constant_columns(risk[:, None])[0]:
        raise ValueError(f"the log risk of {risk.size} patients is constant: no motion goes with it")
    mean = X.mean(axis=0)
    standard = (risk - risk.mean()) / risk.std(ddof=1)
    slope = standard @ (X - mean) / (risk.size - 1)
    return RiskMotion(REGRESSION, *as_displacements(np.stack([mean, slope]), n_vertices=n_vertices))


def decoded_motions(model: FittedNetwork, X: ArrayLike, *, n_vertices: int) -> list[RiskMotion]:
    """Motion decoded from the code along the network's risk, in three ways.

    Parameters
    ----------
    model : FittedNetwork
    X : (N, D) array
        mm.
    n_vertices : int

    Returns
    -------
    list of RiskMotion
        The network's own decoder along its risk head, as :func:`decode_risk_direction` moves (half the difference
        between one SD above and below); a decoder fitted to these codes by least squares, along the head; the same
        along the pattern in which the patients' codes go with risk.
    """
    X = np.asarray(X, dtype=float)
    code, mean = model.code(X), X.mean(axis=0)
    decoded = decode_risk_direction(model, code, amounts=(-1.0, 0.0, 1.0), n_vertices=n_vertices)
    total = ((X - mean) ** 2).sum()
    centred = code - code.mean(axis=0)
    head = np.asarray(model.weights["risk.weight"], dtype=float).reshape(-1)
    spread = np.cov(centred.T).reshape(len(head), -1)
    sd = np.sqrt(head @ spread @ head)
    precision = np.linalg.pinv(spread, hermitian=True)
    steps = {LEAST_SQUARES_HEAD: sd / (head @ head) * head, LEAST_SQUARES_PATTERN: spread @ head / sd}
    distance = {name: float(np.sqrt(step @ precision @ step)) for name, step in steps.items()}
    network = RiskMotion(
        NETWORK_DECODER,
        decoded.displacement_mm[1],
        (decoded.displacement_mm[2] - decoded.displacement_mm[0]) / 2,
        1 - ((X - model.reconstruct(X)) ** 2).sum() / total,
        distance[LEAST_SQUARES_HEAD],
    )
    decoder = np.linalg.lstsq(centred, X - mean, rcond=None)[0]  # (L, D)
    explained = 1 - ((X - mean - centred @ decoder) ** 2).sum() / total
    fields = [as_displacements(np.stack([mean, step @ decoder]), n_vertices=n_vertices) for step in steps.values()]
    return [
        network,
        *(
            RiskMotion(name, mean, step, explained, distance[name])
            for name, (mean, step) in zip(steps, fields, strict=True)
        ),
    ]


def true_risk_motion(cohort: Cohort, *, n_frames: int, n_hearts: int = 400, seed: int) -> RiskMotion | None:
    """How motion goes with the TRUE log hazard among digital hearts like those of a simulated cohort.

    The regression of motion on log hazard over hearts that are simulated for this purpose: none of them is in the
    cohort, so what patients happen to share by chance is in the estimates and not in the truth.

    Parameters
    ----------
    cohort : Cohort
    n_frames : int
        Phases of the cycle, end-diastole included.
    n_hearts : int
    seed : int

    Returns
    -------
    RiskMotion or None
        None for a cohort without known truth or whose hazard is the same for all.
    """
    if "truth" not in cohort.provides:
        return None
    declared = declaration(cohort.folder) if cohort.folder is not None else None
    if declared is None:
        raise ValueError(f"cohort {cohort.name!r} has no declaration (cohort.json) of how it was simulated")
    settings = SimulatedCohortSettings(**declared["request"]["settings"])
    population = simulate_population(
        n_hearts,
        kind=settings.population,
        rng=np.random.default_rng(seed),
        separate_shape=settings.separate_shape,
        case_mix=None if settings.centre is None else settings.centre.case_mix,
    )
    hazard = log_hazard(population, hazard=settings.hazard, b=settings.hazard_strength)
    if np.ptp(hazard) == 0:
        return None
    phases = np.arange(n_frames) / n_frames
    positions = np.stack([DigitalHeart(parameters_from_row(row)).points202(phases) for _, row in population.iterrows()])
    X = (positions[:, 1:] - positions[:, :1]).reshape(n_hearts, -1)
    found = regression_motion(hazard, X, n_vertices=positions.shape[2])
    return RiskMotion(TRUTH, found.mean_mm, found.field_mm)


def compare_risk_motions(found: list[RiskMotion], truth: RiskMotion | None) -> pd.DataFrame:
    """One row a method: what its decoder gives back, the size of the change and, where known, the agreement.

    Returns
    -------
    DataFrame
        Index method; ``variance decoded`` (share), ``distance per SD`` (see `RiskMotion`), ``change per SD (mm)`` (root
        mean square over phases and points), and with a truth ``cosine with truth`` and ``size / true size``.
    """
    rows = []
    for one in found:
        row = {
            "method": one.method,
            "variance decoded": one.explained,
            "distance per SD": one.distance,
            "change per SD (mm)": one.size_mm(),
        }
        if truth is not None:
            row |= {"cosine with truth": one.cosine(truth), "size / true size": one.size_mm() / truth.size_mm()}
        rows.append(row)
    return pd.DataFrame(rows).set_index("method")
