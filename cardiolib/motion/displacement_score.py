"""A tracker against a measured displacement field: how far off its points are, and its strain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from cardiolib.imaging import DisplacementField
from cardiolib.meshes import template_mesh
from cardiolib.motion.followed import follow_field
from cardiolib.motion.heart_frame import resample_phases
from cardiolib.motion.heart_motion import HeartMotion
from cardiolib.motion.strain import SEGMENTS, aha_segments, wall_lengths, walls_of
from cardiolib.motion.tracking.field import MotionField
from cardiolib.printed import as_html

STRAINS = ("circumferential", "radial")
WHOLE, ALL = "whole wall", "all points"
_NEIGHBOURS = 40
_LEAST_SPREAD_MM = 1.0
"""Points that lie closer together than this along a direction do not tell the strain along it."""


@dataclass(frozen=True, eq=False, repr=False)
class DisplacementScore:
    """How a tracker compares with a displacement field.

    Attributes
    ----------
    errors : DataFrame
        One row a region and phase: region, phase (whole numbers from end-diastole), n (points that the field knows),
        mean_mm, median_mm and p95_mm of the end-point error, in_plane_mm and through_plane_mm (means of its parts in
        the slices' plane and along their normal), zero_motion_mm (the mean error of assuming no motion).
    strain : DataFrame
        One row a region of wall, kind and phase: region, kind, phase, field_percent, tracked_percent. Engineering
        strain from end-diastole, of the same points.
    covered : float
        Share of the points that the field knows in all phases.
    simulated : bool
    lacks : str
        Why there is no score; empty where there is one.
    """

    errors: pd.DataFrame
    strain: pd.DataFrame
    covered: float
    simulated: bool = False
    lacks: str = ""

    @classmethod
    def none(cls, reason: str) -> DisplacementScore:
        """No score, for this reason."""
        return cls(pd.DataFrame(), pd.DataFrame(), 0.0, lacks=reason)

    @property
    def es_phase(self) -> int:
        """The phase in which the field's points are farthest from end-diastole."""
        whole = self.errors[self.errors["region"] == ALL]
        return int(whole.loc[whole["zero_motion_mm"].idxmax(), "phase"])

    @property
    def summary(self) -> pd.DataFrame:
        """Errors at end-systole in mm, by region."""
        if self.lacks:
            return self.errors
        return self.errors[self.errors["phase"] == self.es_phase].set_index("region").drop(columns="phase")

    @property
    def peaks(self) -> pd.DataFrame:
        """Peak strains by region: circumferential_field_percent, ..._tracked_percent, ..._bias_percent (tracked less
        field), and the same of radial strain."""
        if self.strain.empty:
            return pd.DataFrame()
        columns = {}
        for kind, of_kind in self.strain.groupby("kind", sort=False):
            curves = of_kind.groupby("region", sort=False)[["field_percent", "tracked_percent"]]
            found = curves.agg(lambda curve: curve.iloc[int(curve.abs().to_numpy().argmax())])
            for name in found:
                columns[f"{kind}_{name}"] = found[name]
            columns[f"{kind}_bias_percent"] = found["tracked_percent"] - found["field_percent"]
        return pd.DataFrame(columns).reindex(self.strain["region"].unique()).rename_axis("region")

    def __repr__(self) -> str:
        if self.lacks:
            return f"DisplacementScore: none. {self.lacks}"
        at_es, kind = self.summary.loc[ALL], "SIMULATED heart, " if self.simulated else ""
        lines = [
            f"DisplacementScore: {kind}{self.covered:.0%} of the points known in all phases",
            f"end-point error at end-systole: mean {at_es['mean_mm']:.2f} mm, median {at_es['median_mm']:.2f} mm, "
            f"95 % below {at_es['p95_mm']:.2f} mm (no motion: {at_es['zero_motion_mm']:.2f} mm)",
        ]
        for kind in self.strain["kind"].unique():
            tracked, measured = (self.peaks.loc[WHOLE, f"{kind}_{of}_percent"] for of in ("tracked", "field"))
            lines.append(f"peak {kind} strain: {tracked:.1f} % tracked, {measured:.1f} % measured")
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.summary, decimals=2)


def score_displacement(
    tracked: HeartMotion | MotionField | ArrayLike,
    field: DisplacementField,
    *,
    region: Sequence[str] | None = None,
    slice_shift_mm: np.ndarray | None = None,
) -> DisplacementScore:
    """Score any tracker's result against a displacement field of the same heart.

    Parameters
    ----------
    tracked : HeartMotion, MotionField or (T, V, 3) array
        Positions in world mm of the same V points at T phases, the first end-diastole, evenly over the cycle. A motion
        field is asked for the paths of the displacement field's own voxels.
    field : DisplacementField
        Measured (displacement-encoded images) or true. With another number of frames than T the tracked positions are
        read between their phases.
    region : (V,) sequence of str, optional
        Name of each point's region; those of the template are known.
    slice_shift_mm : (K, 2) or (K, 3) array, optional
        Breath-hold displacement of the heart in each slice, see `follow_field`; a motion field brings its own.

    Returns
    -------
    DisplacementScore
        The end-point error of a point is its distance from where the field says that the same point of end-diastole
        went. Strain is of the left ventricle for the template's vertices (by AHA segment, from the wall's lattice),
        else of all points together, around and across the LV's axis through their middle along the slices' normal.

    Raises
    ------
    ValueError
        For arrays that are not of this kind, or where the field knows none of the points.

    Examples
    --------
    Truth against itself, as a displacement field of the voxels measures it:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.digital_heart import true_displacement
    >>> heart = cl.DigitalHeart()
    >>> scan = cl.acquire(heart, phases=np.arange(5) / 5)
    >>> truth = scan.world_from_heart(heart.surface_sequence(scan.phases))
    >>> score = score_displacement(truth, true_displacement(heart, scan), slice_shift_mm=scan.slice_shift_mm)
    >>> bool(score.summary.loc["all points", "mean_mm"] < 0.7)
    True
    """
    if isinstance(tracked, MotionField):
        shift = tracked.slice_shift_mm if slice_shift_mm is None else slice_shift_mm
        positions = tracked.displace(_unshifted(field, shift))
        slice_shift_mm = shift
    else:
        positions = np.asarray(tracked, float)
    if positions.ndim != 3 or positions.shape[2] != 3 or not np.isfinite(positions).all():
        raise ValueError(f"tracked positions are a finite (T, V, 3) array in world mm; given shape {positions.shape}")
    if region is not None and len(region) != positions.shape[1]:
        raise ValueError(f"region names each of {positions.shape[1]} points; given {len(region)} names")
    if len(positions) != field.n_frames:
        positions = resample_phases(positions, field.n_frames)
    measured = follow_field(positions[0], field, slice_shift_mm=slice_shift_mm)
    known = np.isfinite(measured).all(axis=(0, 2))
    if not np.isfinite(measured[1:]).any():
        raise ValueError(
            "the displacement field knows none of the tracked points. Are both in world mm (RAS+) of the same scan, "
            "and does the tracked motion begin at end-diastole?"
        )
    names = _regions(positions.shape[1]) if region is None else np.asarray(region)
    return DisplacementScore(
        _errors(positions, measured, names, field.normal),
        _strain(positions, measured, field.normal),
        float(known.mean()),
        field.simulated,
    )


def _unshifted(field: DisplacementField, shift_mm: np.ndarray | None) -> np.ndarray:
    """(n, 3) world mm of the field's voxels at end-diastole, as they lie without the slices' shifts."""
    places, k = field.places_mm(field.ed_frame), np.argwhere(field.mask[..., field.ed_frame])[:, 2]
    if shift_mm is None:
        return places
    shift = np.asarray(shift_mm, float)
    return places - shift[k] @ (field.affine[:3, : shift.shape[1]] / field.spacing_mm[: shift.shape[1]]).T


def _regions(n_points: int) -> np.ndarray | None:
    mesh = template_mesh()
    return np.asarray(mesh.region_names)[mesh.region] if n_points == mesh.n_points else None


def _errors(positions: np.ndarray, measured: np.ndarray, names: np.ndarray | None, normal: np.ndarray) -> pd.DataFrame:
    apart = positions - measured
    size, moved = np.linalg.norm(apart, axis=-1), np.linalg.norm(measured - measured[:1], axis=-1)
    through = apart @ normal
    within = np.linalg.norm(apart - through[..., None] * normal, axis=-1)
    parts = {ALL: np.ones(size.shape[1], bool)}
    parts |= {} if names is None else {str(name): names == name for name in dict.fromkeys(names.tolist())}
    rows = []
    for name, mine in parts.items():
        for t in range(len(size)):
            known = mine & np.isfinite(size[t])
            error = size[t, known]
            median, high = np.percentile(error, (50, 95)) if len(error) else (np.nan, np.nan)
            mean = {
                "mean_mm": error,
                "in_plane_mm": within[t, known],
                "through_plane_mm": np.abs(through[t, known]),
                "zero_motion_mm": moved[t, known],
            }
            means = {key: float(values.mean()) if len(values) else np.nan for key, values in mean.items()}
            rows.append({"region": name, "phase": t, "n": len(error), "median_mm": median, "p95_mm": high} | means)
    columns = ["region", "phase", "n", "mean_mm", "median_mm", "p95_mm", "in_plane_mm", "through_plane_mm"]
    return pd.DataFrame(rows)[[*columns, "zero_motion_mm"]]


def _strain(positions: np.ndarray, measured: np.ndarray, normal: np.ndarray) -> pd.DataFrame:
    both = {"field_percent": measured, "tracked_percent": positions}
    if positions.shape[1] == template_mesh().n_points:
        curves = _lattice_strain(both)
    else:
        curves = _cloud_strain(both, normal)
    rows = [
        {"region": region, "kind": kind, "phase": t} | {name: 100 * curve[t] for name, curve in found.items()}
        for (region, kind), found in curves.items()
        for t in range(len(positions))
    ]
    return pd.DataFrame(rows, columns=["region", "kind", "phase", *both])


def _lattice_strain(both: dict[str, np.ndarray]) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """(region, kind) -> curves (T,), from the template's lattice, over the cells that are known in both."""
    lengths = {name: wall_lengths(*walls_of(points))[::2] for name, points in both.items()}
    segments, curves = aha_segments(), {}
    for number, kind in enumerate(STRAINS):
        known = np.logical_and.reduce([np.isfinite(of[number]).all(axis=0) for of in lengths.values()])
        for region, mine in {WHOLE: segments > 0, **{SEGMENTS[one]: segments == one for one in SEGMENTS}}.items():
            if (mine & known).any():
                totals = {name: of[number][:, mine & known].sum(axis=1) for name, of in lengths.items()}
                curves[region, kind] = {name: total / total[0] - 1 for name, total in totals.items()}
    return curves


def _cloud_strain(both: dict[str, np.ndarray], normal: np.ndarray) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """The same of any points: mean over them of the stretch along each direction, from their neighbours' motion."""
    known = np.logical_and.reduce([np.isfinite(points).all(axis=(0, 2)) for points in both.values()])
    if known.sum() < 8:
        return {}
    paths = {name: points[:, known] for name, points in both.items()}
    start = next(iter(paths.values()))[0]
    _, index = cKDTree(start).query(start, k=min(_NEIGHBOURS, len(start)))
    around = start[index] - start[index].mean(axis=1, keepdims=True)
    spread = around.transpose(0, 2, 1) @ around
    curves = {}
    for kind, direction in zip(STRAINS, _directions(start, normal), strict=True):
        # the direction's weights on the neighbours: their motion's slope along it, by least squares
        sure = np.linalg.eigvalsh(spread)[:, 0] / index.shape[1] > _LEAST_SPREAD_MM**2
        if not sure.any():
            continue
        weights = np.einsum("vna,vab,vb->vn", around[sure], np.linalg.inv(spread[sure]), direction[sure])
        stretch = {
            name: np.linalg.norm(np.einsum("vn,tvna->tva", weights, path[:, index[sure]]), axis=-1).mean(axis=1)
            for name, path in paths.items()
        }
        curves[WHOLE, kind] = {name: curve / curve[0] - 1 for name, curve in stretch.items()}
    return curves


def _directions(points: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(V, 3) unit vectors around and away from the axis through the points' middle along `normal`."""
    out = points - points.mean(axis=0)
    out = out - (out @ normal)[:, None] * normal
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return np.cross(normal, out), out
