"""Tracking subject by subject: one picklable unit of work each, stored when finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cardiolib.cohorts.motion_matrix import to_matrix
from cardiolib.files import atomic_path, read_arrays
from cardiolib.imaging import Cine, LabelMap, read_cine, read_label_map
from cardiolib.meshes import MATCHED_VERTICES, frame_name, template_mesh, write_motion_folder
from cardiolib.motion.correspondence import fit_template
from cardiolib.motion.curvature import CAVITIES, imaged_volumes_ml
from cardiolib.motion.heart_frame import to_heart_frame
from cardiolib.motion.indices import volume_table
from cardiolib.motion.quality import Quality, assess_quality
from cardiolib.motion.surface_files import MESHES, surfaces_written, write_surfaces
from cardiolib.motion.tracking.groupwise import track
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.shape import ShapeFitSettings

VERSION = 6
"""Counted up when the same inputs would give other results, so that stored subjects are tracked again."""


@dataclass(frozen=True, eq=False)
class TrackingUnit:
    """All that one subject's tracking needs.

    Parameters
    ----------
    subject_id : str
    cine : Cine, path, or function
        A function without arguments that reads it: a cohort's images are then never in memory together.
    labels : LabelMap or path
    scheme : str
        Label scheme, where `labels` is a path.
    settings : TrackingSettings
    fit : ShapeFitSettings
    seed : int
        Of the run; every subject derives its own from it.
    folder : Path, optional
        Where finished subjects are stored; nothing is stored by default.
    known_points_mm : (P, 3) array, optional
        More points (world mm at end-diastole) to carry along, for example true ones.
    layout_folder : Path, optional
        Where text files and VTK surfaces go in 4Dsegment's layout (``<ID>/motion``); `folder` by default.
    meshes : {"rv", "all", "none"}
        Which surfaces are written as VTK, see `write_surfaces`; the result does not depend on it.
    """

    subject_id: str
    cine: Cine | Path | str | Callable[[], Cine]
    labels: LabelMap | Path | str
    scheme: str = "ours"
    settings: TrackingSettings = field(default_factory=TrackingSettings)
    fit: ShapeFitSettings = field(default_factory=ShapeFitSettings)
    seed: int = 0
    folder: Path | None = None
    known_points_mm: np.ndarray | None = None
    layout_folder: Path | None = None
    meshes: str = "rv"

    def __post_init__(self) -> None:
        if self.meshes not in MESHES:
            raise ValueError(f"meshes must be one of {', '.join(MESHES)}; given {self.meshes!r}")


@dataclass(frozen=True, eq=False)
class TrackedSubject:
    """What was found.

    Parameters
    ----------
    subject_id : str
    positions : (T, 202, 3) array
        World mm at T phases from end-diastole; NaN when tracking failed.
    template_positions : (T, V, 3) float32 array
        The whole template (3,683 vertices of both ventricles), world mm.
    quality : Quality
    known_positions : (T, P, 3) array
        The unit's further points; P may be 0.
    simulated : bool
        The image or its labels say that no patient is behind them; every file of the subject says so too.
    """

    subject_id: str
    positions: np.ndarray
    template_positions: np.ndarray
    quality: Quality
    known_positions: np.ndarray
    simulated: bool = False

    @property
    def is_tracked(self) -> bool:
        """Whether tracking came to an end: every position is a number."""
        return bool(np.isfinite(self.positions).all())

    def in_heart_frame(self, template: np.ndarray) -> np.ndarray:
        """Positions (T, 202, 3) turned so that those at end-diastole lie on a template's (202, 3)."""
        return to_heart_frame(self.positions, template, mirrored=bool(self.quality.measures.get("mirrored", 0.0)))


def track_subject(unit: TrackingUnit) -> TrackedSubject:
    """Fit the template, track, and judge one subject; stores the result and reuses one stored for the same inputs.

    A subject that cannot be tracked (an empty segmentation, say) comes back with NaN positions and the flag
    "failed": one bad scan does not end a cohort's run.
    """
    cine = unit.cine() if callable(unit.cine) else unit.cine
    cine = cine if isinstance(cine, Cine) else read_cine(cine)
    labels = unit.labels if isinstance(unit.labels, LabelMap) else read_label_map(unit.labels, unit.scheme)
    digest, simulated = _digest(unit, cine, labels), cine.simulated or labels.simulated
    stored = _stored(unit, digest)
    if stored is not None:
        stored = replace(stored, simulated=simulated)
        _write_layout(stored, unit)  # where an earlier run wrote none, or fewer
        return stored
    try:
        result = _track(unit, cine, labels)
    except ValueError as error:
        result = _failed(unit, str(error))
    if result.simulated != simulated:
        result = replace(result, simulated=simulated)
    if unit.folder is not None:
        _write_layout(result, unit, again=True)
        _store(result, Path(unit.folder), digest)
    return result


def track_units(
    units: Sequence[TrackingUnit], *, map_units: Callable[[Callable, Iterable], Iterable] = map
) -> list[TrackedSubject]:
    """Track many subjects; with `folder` set in the units an interrupted run goes on where it stopped."""
    names = [unit.subject_id for unit in units]
    if len(set(names)) != len(names):
        raise ValueError("two units have the same subject ID; results would overwrite each other")
    return list(map_units(track_subject, units))


def quality_table(tracked: Sequence[TrackedSubject]) -> pd.DataFrame:
    """One row a subject (index ID): ok, flags, reasons (joined by "; ") and every measure."""
    rows = [
        {
            "ID": one.subject_id,
            "ok": one.quality.ok,
            "flags": "; ".join(one.quality.flags),
            "reasons": "; ".join(one.quality.reasons),
            **one.quality.measures,
        }
        for one in tracked
    ]
    return pd.DataFrame(rows, columns=None if rows else ["ID", "ok", "flags", "reasons"]).set_index("ID")


def cohort_matrix(tracked: Sequence[TrackedSubject], *, heart_frame: bool = True) -> tuple[tuple[str, ...], np.ndarray]:
    """IDs and descriptors (N, 11514) in mm of the subjects that were tracked; failed ones are left out.

    Parameters
    ----------
    heart_frame : bool
        Turn every subject so that its points at end-diastole lie on the template's (one rotation for all phases):
        how the patient lay in the scanner is then no feature. False keeps scanner axes, as the released code does.
    """
    usable = [one for one in tracked if one.is_tracked]
    if not usable:
        raise ValueError("no subject was tracked: there is no motion to describe (see quality_table for the reasons)")
    template = template_mesh().points[MATCHED_VERTICES]
    positions = [one.in_heart_frame(template) if heart_frame else one.positions for one in usable]
    return tuple(one.subject_id for one in usable), to_matrix(np.stack(positions))


def subject_seed(seed: int, subject_id: str) -> int:
    """A seed of 63 bits that depends on the run's seed and the ID alone, not on who else is tracked."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{subject_id}".encode()).digest()[:8], "big") >> 1


def _track(unit: TrackingUnit, cine: Cine, labels: LabelMap) -> TrackedSubject:
    generator = torch.Generator().manual_seed(subject_seed(unit.seed, unit.subject_id))
    moving = track(cine, labels, unit.settings, generator=generator)
    fitted = fit_template(labels, frame=moving.ed_frame, slice_shift_mm=moving.slice_shift_mm, settings=unit.fit)
    template = moving.displace(fitted.mesh.points)
    known = np.zeros((len(moving.phases), 0, 3))
    if unit.known_points_mm is not None and len(unit.known_points_mm):
        known = moving.displace(unit.known_points_mm)
    measures = moving.measures | {
        "fit_mm": fitted.mean_distance_mm,
        "fit_flipped": fitted.flipped,
        "ed_frame": float(moving.ed_frame),
        "mirrored": float(fitted.mirrored),
        "edge_ratio_p01": fitted.edge_ratio[0],
        "edge_ratio_p99": fitted.edge_ratio[1],
    }
    curves = volume_table(labels, ed_frame=moving.ed_frame)
    quality = assess_quality(
        measures,
        volumes_ml={f"{name}_cavity": curves[f"{name}_cavity_ml"].to_numpy() for name in CAVITIES},
        mesh_volumes_ml={
            f"{name}_cavity": imaged_volumes_ml(template, labels.affine, labels.shape[2], *parts)
            for name, parts in CAVITIES.items()
        },
    )
    return TrackedSubject(unit.subject_id, template[:, MATCHED_VERTICES], template.astype(np.float32), quality, known)


def _failed(unit: TrackingUnit, reason: str) -> TrackedSubject:
    nowhere = np.full((unit.settings.phases, len(MATCHED_VERTICES), 3), np.nan)
    n_known = 0 if unit.known_points_mm is None else len(unit.known_points_mm)
    return TrackedSubject(
        unit.subject_id,
        nowhere,
        np.full((unit.settings.phases, template_mesh().n_points, 3), np.nan, np.float32),
        Quality(False, ("failed",), (reason,), {}),
        np.full((unit.settings.phases, n_known, 3), np.nan),
    )


def _digest(unit: TrackingUnit, cine: Cine, labels: LabelMap) -> str:
    """Hash of everything the result depends on."""
    described = {
        "version": VERSION,
        "settings": asdict(unit.settings),
        "fit": asdict(unit.fit),
        "seed": unit.seed,
        "id": unit.subject_id,
        "scheme": dict(labels.scheme.codes),
        "shape": cine.voxels.shape,
    }
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for array in (cine.voxels, cine.affine, labels.labels, template_mesh().points, unit.known_points_mm):
        digest.update(b"-" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _store(result: TrackedSubject, folder: Path, digest: str) -> None:
    """The array file, whose presence says that all is there."""
    quality = {
        "ok": result.quality.ok,
        "flags": result.quality.flags,
        "reasons": result.quality.reasons,
        "measures": result.quality.measures,
    }
    with atomic_path(folder / result.subject_id / "tracked.npz") as temporary:
        np.savez(
            temporary,
            positions=result.positions,
            template_positions=result.template_positions,
            known_positions=result.known_positions,
            units=np.array("mm"),
            simulated=np.array(result.simulated),
            inputs_sha256=np.array(digest),
            quality=np.array(json.dumps(quality)),
        )


def _write_layout(result: TrackedSubject, unit: TrackingUnit, *, again: bool = False) -> None:
    """Text files and VTK surfaces as 4Dsegment writes them, unless they are there already."""
    points, folder = result.template_positions, Path(unit.layout_folder or unit.folder) / unit.subject_id / "motion"
    if not np.isfinite(points).all():
        return
    if again or not (folder / frame_name("RV", len(points) - 1, "txt")).is_file():
        write_motion_folder(result.positions, folder, simulated=result.simulated)
    if again or not surfaces_written(folder, len(points), meshes=unit.meshes):
        write_surfaces(points, folder, meshes=unit.meshes, simulated=result.simulated)


def _stored(unit: TrackingUnit, digest: str) -> TrackedSubject | None:
    if unit.folder is None:
        return None
    path = Path(unit.folder) / unit.subject_id / "tracked.npz"
    try:
        stored = read_arrays(path, what="tracked heart")
        if str(stored["inputs_sha256"]) != digest:
            return None
        quality = json.loads(str(stored["quality"]))
        return TrackedSubject(
            unit.subject_id,
            stored["positions"],
            stored["template_positions"],
            Quality(quality["ok"], tuple(quality["flags"]), tuple(quality["reasons"]), quality["measures"]),
            stored["known_positions"],
        )
    except (OSError, KeyError, TypeError, ValueError):
        return None  # absent or damaged: track again
