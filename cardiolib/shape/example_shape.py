"""The shape of one scan to look at, and how far fitted surfaces are from true ones."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cardiolib.meshes import SurfaceMesh


@dataclass(frozen=True)
class ExampleShape:
    """A scan to look at and its shape at ED, or why there is no shape to draw.

    Attributes
    ----------
    subject_id : str
        The first scan in which all structures were found; the first scan where there is none.
    surfaces : dict of str to SurfaceMesh
        By the names of `cardiolib.shape.refine.SURFACES`; empty where no shape could be modelled.
    lacks : str
        Why there is none, and what to change; empty where there is one.
    """

    subject_id: str
    surfaces: dict[str, SurfaceMesh] = field(repr=False)
    lacks: str = ""


@dataclass(frozen=True, eq=False)
class SurfaceErrors:
    """Distances between refined surfaces and true ones.

    Attributes
    ----------
    table : DataFrame
        ID, method (of the shape step), surface, assd_mm, hd95_mm. No rows where `lacks` says why.
    lacks : str
    """

    table: pd.DataFrame
    lacks: str = ""

    @property
    def means(self) -> pd.DataFrame:
        """Mean distances by method and surface."""
        return self.table.groupby(["method", "surface"]).mean(numeric_only=True)
