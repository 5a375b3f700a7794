"""Which plane of a study is the short axis: the largest stack of cines, and geometry where that does not decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cardiolib.imaging.dicom.planes import (
    APEX_TO_BASE,
    angle_degrees,
    body_plane,
    crossing_planes,
    same_grid,
    same_plane,
)
from cardiolib.imaging.dicom.series_rows import SeriesRow, listed_rows
from cardiolib.imaging.dicom.slice_cines import SliceCine
from cardiolib.imaging.dicom.tags import DicomError

FEWEST_SLICES = 3
SURELY_A_STACK = 4
"""Long-axis views have one to three parallel slices; more of them are a stack."""

USUAL_DEGREES = 40.0
_CLEARLY = 1.5


@dataclass(frozen=True, eq=False)
class Plane:
    """Cines of one direction and grid, from any number of series."""

    rows: tuple[SeriesRow, ...]
    cines: tuple[SliceCine, ...]

    @property
    def slices(self) -> int:
        """Places along the normal."""
        normal = self.cines[0].first.normal
        return len({round(float(one.position @ normal)) for one in self.cines})

    @property
    def from_usual(self) -> float:
        """Degrees between the normal and the usual long axis of the heart."""
        return angle_degrees(self.cines[0].first.normal, APEX_TO_BASE)


def planes_of(rows: Sequence[SeriesRow]) -> list[Plane]:
    """Rows that hold cines, by plane."""
    groups: list[list[SeriesRow]] = []
    for row in rows:
        if row.reason or not row.good:
            continue
        home = next((group for group in groups if same_plane(group[0].frames[0], row.frames[0])), None)
        if home is None:
            groups.append([row])
        else:
            home.append(row)
    return [Plane(tuple(group), tuple(one for row in group for one in row.good)) for group in groups]


def choose_short_axis(rows: Sequence[SeriesRow], *, only: Sequence[int] = ()) -> tuple[Plane, str]:
    """The plane that is the short axis, and why.

    Parameters
    ----------
    rows : sequence of SeriesRow
        Of one study. Rows of other planes get their reason here.
    only : sequence of int
        Numbers of rows, from 1, that are the stack whatever the geometry says.

    Raises
    ------
    DicomError
        Nothing in the study is a short-axis stack, or two planes could be.
    """
    if only:
        return _asked_for(rows, only)
    planes = planes_of(rows)
    if not planes:
        raise DicomError(f"there is no cine in it. Found instead:{listed_rows(rows)}")
    stacks = []
    for plane in planes:
        why_not = _why_not(plane, planes)
        if why_not is None:
            stacks.append(plane)
        for row in plane.rows if why_not else ():
            row.reason = why_not or ""
    if not stacks:
        raise DicomError(
            f"there is no short-axis cine in it. If one of these is the short axis, name its rows: only=(1, 2). "
            f"Found instead:{listed_rows(rows)}"
        )
    chosen, why = _best(stacks)
    _refuse_two_grids(chosen, planes)
    for plane in stacks:
        if plane is not chosen:
            for row in plane.rows:
                row.reason = f"another plane: {_from(plane, chosen)}"
    return chosen, why


def _why_not(plane: Plane, planes: Sequence[Plane]) -> str | None:
    """Why a plane is no short-axis stack; None where it can be one."""
    n, normal = plane.slices, plane.cines[0].first.normal
    named = body_plane(normal)
    if named is not None:
        return f"{named} cine of {n} slice(s), not short axis"
    upright = crossing_planes(normal, [other.cines[0].first.normal for other in planes if other is not plane])
    if n >= SURELY_A_STACK or (n == FEWEST_SLICES and (plane.from_usual <= USUAL_DEGREES or upright >= 2)):
        return None
    if plane.from_usual <= USUAL_DEGREES:
        return f"{n} slice(s) near the short axis: a stack has {FEWEST_SLICES} or more"
    return f"long-axis or other view: {n} slice(s), {plane.from_usual:.0f} deg from the usual short axis"


def _best(stacks: Sequence[Plane]) -> tuple[Plane, str]:
    """The plane with clearly the most slices, else the one nearer to the usual short axis."""
    by_size = sorted(stacks, key=lambda plane: plane.slices, reverse=True)
    first = by_size[0]
    if len(by_size) == 1:
        why = f"the only stack of parallel cines: {first.slices} slices"
    elif first.slices >= _CLEARLY * by_size[1].slices:
        why = f"the largest stack of parallel cines: {first.slices} slices, the next has {by_size[1].slices}"
    else:
        rivals = [plane for plane in by_size if first.slices < _CLEARLY * plane.slices]
        first = min(rivals, key=lambda plane: (plane.from_usual, -plane.slices))
        why = (
            f"of {len(rivals)} stacks of similar size the nearest to the usual short axis: {first.slices} slices, "
            f"{first.from_usual:.0f} deg"
        )
    return first, f"short axis: {why}; its normal is {first.from_usual:.0f} deg from the usual long axis of the heart"


def _refuse_two_grids(chosen: Plane, planes: Sequence[Plane]) -> None:
    """Slices of the same direction on another grid, at places that the stack lacks, belong to it and cannot be read."""
    first = chosen.cines[0].first
    have = np.array([float(one.position @ first.normal) for one in chosen.cines])
    for plane in planes:
        other = plane.cines[0].first
        if plane is chosen or angle_degrees(other.normal, first.normal) > 1.0:
            continue
        places = np.array([float(one.position @ first.normal) for one in plane.cines])
        elsewhere = np.abs(places[:, None] - have).min(axis=1) > 2.0
        if elsewhere.any():
            what = "turned in their plane" if same_grid(first, other) else "on another grid"
            raise DicomError(
                f"its short-axis slices are on two grids: {chosen.slices} of {first.rows} x {first.columns} pixels of "
                f"{first.spacing_mm[0]:.4g} mm and {int(elsewhere.sum())} more {what}, {other.rows} x {other.columns} "  # type: ignore[index]
                f"pixels of {other.spacing_mm[0]:.4g} mm, where the first have none. Export them alike, or read one "  # type: ignore[index]
                "of the two by its rows of the table: only=(1, 2)"
            )
        for row in plane.rows:
            row.reason = "short-axis slices again, on another grid"


def _from(plane: Plane, chosen: Plane) -> str:
    angle = angle_degrees(plane.cines[0].first.normal, chosen.cines[0].first.normal)
    return f"{plane.slices} slices, {angle:.0f} deg from the short-axis stack"


def _asked_for(rows: Sequence[SeriesRow], only: Sequence[int]) -> tuple[Plane, str]:
    unknown = [number for number in only if not 1 <= number <= len(rows)]
    if unknown:
        raise DicomError(f"only={tuple(only)} names rows of the table, 1 to {len(rows)}; there is no {unknown[0]}")
    wanted = [rows[number - 1] for number in only]
    useless = [number for number, row in zip(only, wanted, strict=True) if not row.good]
    if useless:
        raise DicomError(f"row {useless[0]} of the table is no cine: {rows[useless[0] - 1].reason}")
    if not all(same_plane(wanted[0].frames[0], row.frames[0]) for row in wanted):
        raise DicomError(f"the rows only={tuple(only)} do not lie in one plane on one grid: they are no stack")
    for row in rows:
        row.reason = row.reason or "not among the rows asked for"
    for row in wanted:
        row.reason = ""
    return Plane(tuple(wanted), tuple(one for row in wanted for one in row.good)), "short axis: the rows asked for"
