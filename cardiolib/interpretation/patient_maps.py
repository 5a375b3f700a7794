"""Maps of the patients by their latent code, with all that says how far they can be believed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cardiolib.interpretation.latent import LatentMap
from cardiolib.interpretation.refits import NullNetwork

TITLES = {"laplacian eigenmaps": "Laplacian eigenmaps", "umap": "UMAP", "pca": "principal components"}


@dataclass(frozen=True, eq=False)
class PatientMaps:
    """Two-dimensional maps of the patients.

    Attributes
    ----------
    maps : list of LatentMap
        Eigenmaps (the paper's), UMAP, principal components.
    patients : DataFrame
        Index ID: time, event, log_risk, and the coordinates ``<method>_1``, ``<method>_2``.
    quality : DataFrame
        Trustworthiness and continuity of each map; how it compares with the maps of refitted networks.
    aligned : dict of str to (1 + B, N, 2) array
        Each map and those of the refits, laid on top of it.
    c_index : float
        Apparent, of the network: for the patients it was trained on.
    null : NullNetwork
        Trained on shuffled outcomes.
    null_map : LatentMap
        Eigenmaps of its code.
    time_unit : str
    """

    maps: list[LatentMap]
    patients: pd.DataFrame
    quality: pd.DataFrame
    aligned: dict[str, np.ndarray] = field(repr=False)
    c_index: float
    null: NullNetwork
    null_map: LatentMap
    time_unit: str = "years"

    @property
    def coordinates(self) -> dict[str, np.ndarray]:
        """Title of each map -> (N, 2)."""
        return {TITLES[one.method]: one.coordinates for one in self.maps}

    @property
    def kept_neighbours(self) -> dict[str, tuple[float, float]]:
        """Title of each map -> share of a patient's neighbours that a refitted network keeps, and that by chance."""
        rows = self.quality.iterrows()
        return {TITLES[str(name)]: (row["neighbours kept"], row["by chance"]) for name, row in rows}
