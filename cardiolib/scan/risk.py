"""The log risk that a survival model gives one heart, with where the model comes from and whether it may be used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cardiolib.cohorts.motion_matrix import to_matrix
from cardiolib.digital_heart import DigitalHeart, simulate_population
from cardiolib.digital_heart.population import parameters_from_row
from cardiolib.files import file_hash
from cardiolib.meshes import MATCHED_VERTICES, template_mesh
from cardiolib.motion.heart_frame import to_heart_frame
from cardiolib.scan.result import MOTION, ScanResult
from cardiolib.survival.network.fitted import FittedNetwork, load_network
from cardiolib.verdicts import DO_NOT_USE

N_COMPARED = 60
"""Simulated controls whose log risk is computed beside that of the scan: its zero has no meaning."""

_SEED = 20190211


@dataclass(frozen=True, eq=False)
class RiskModel:
    """A survival model of motion, read from a file.

    Attributes
    ----------
    network : FittedNetwork
    name : str
        Of the file, without its folder.
    fingerprint : str
        First 16 digits of the SHA-256 of the file.
    """

    network: FittedNetwork
    name: str
    fingerprint: str

    @property
    def origin(self) -> str:
        """What it was trained on, in a sentence."""
        kind = "simulated patients" if self.network.simulated else "patients"
        said = [f"{name}: {value}" for name, value in sorted(self.network.provenance.items()) if name != "simulated"]
        return (
            f"{self.name} ({self.fingerprint}) was trained on {self.network.n_patients} {kind} with "
            f"{self.network.n_events} deaths" + (f" ({'; '.join(said)})." if said else ".")
        )


@dataclass(frozen=True)
class Risk:
    """The log risk of one heart.

    Attributes
    ----------
    log_risk : float
        Higher is worse; its zero has no meaning.
    percentile_simulated_controls : float
        Share of `N_COMPARED` simulated controls with a lower one, in percent.
    origin : str
        Where the model comes from.
    warnings : tuple of str
        What stands against the number, a sentence each.
    usable : bool
        False where the number should not be used: the motion's verdict is "do not use", or a model of simulated
        patients meets a real one.
    """

    log_risk: float
    percentile_simulated_controls: float
    origin: str
    warnings: tuple[str, ...]
    usable: bool

    def as_record(self) -> dict[str, Any]:
        """Plain values for a file: a number that should not be used does not stand under ``log_risk``."""
        number = "log_risk" if self.usable else "log_risk_not_to_be_used"
        record: dict[str, Any] = {"log_risk": None, "usable": self.usable, "model": self.origin}
        record |= {number: self.log_risk, "percentile_simulated_controls": self.percentile_simulated_controls}
        return record | {"warnings": list(self.warnings)}


def read_risk_model(path: str | os.PathLike[str]) -> RiskModel:
    """Read a model that `FittedNetwork.save` wrote, and see that it takes motion.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is no such model, or the model expects other numbers than the motion of a heart.
    """
    path, expected = Path(path), 19 * len(MATCHED_VERTICES) * 3
    if not path.is_file():
        raise FileNotFoundError(f"there is no risk model {path}")
    network = load_network(path)
    if network.n_features != expected:
        raise ValueError(
            f"{path}: this model takes {network.n_features} numbers, and the motion of a heart has {expected}; give a "
            "model that was trained on motion"
        )
    return RiskModel(network, path.name, file_hash(path)[:16])


def risk_of(result: ScanResult, model: RiskModel) -> Risk | None:
    """The log risk of a scan; None where it has no motion of 20 phases.

    Parameters
    ----------
    result : ScanResult
    model : RiskModel
    """
    if result.motion is None or result.motion.motion.size != model.network.n_features:
        return None
    log_risk = float(model.network.predict_log_risk(result.motion.motion[None])[0])
    others = model.network.predict_log_risk(_control_motion())
    verdict: Mapping[str, str] = result.verdicts.loc[MOTION].to_dict()
    warnings, usable = [], True
    if verdict["verdict"] == DO_NOT_USE:
        warnings.append(f"The motion should not be used: {verdict['reason']}.")
        usable = False
    if model.network.simulated and not result.simulated:
        warnings.append("The model was trained on simulated patients. It says nothing about a real patient.")
        usable = False
    if not model.network.simulated and result.simulated:
        warnings.append("The heart is simulated: no patient has this risk.")
    if not model.network.simulated:
        warnings.append("Whether the model holds for patients of another hospital or scanner is not known.")
    return Risk(log_risk, float(100 * (others < log_risk).mean()), model.origin, tuple(warnings), usable)


@lru_cache(maxsize=1)
def _control_motion() -> np.ndarray:
    """(N, 11514) true motion of simulated controls in the heart's own frame."""
    population = simulate_population(N_COMPARED, kind="control", rng=np.random.default_rng(_SEED))
    template = template_mesh().points[MATCHED_VERTICES]
    hearts = (DigitalHeart(parameters_from_row(row)).points202() for _, row in population.iterrows())
    return to_matrix(np.stack([to_heart_frame(points, template) for points in hearts]))
