"""From the headers of one study to the slices of its short-axis cine; no pixel is read yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cardiolib.imaging.dicom.cardiac_cycle import CommonCycle, common_cycle
from cardiolib.imaging.dicom.pixels import refuse_compressed
from cardiolib.imaging.dicom.planes import angle_degrees, same_plane
from cardiolib.imaging.dicom.series_rows import READ, SeriesRow, series_rows, table_of
from cardiolib.imaging.dicom.short_axis import Plane, choose_short_axis
from cardiolib.imaging.dicom.slice_cines import PHASES, SAME_SLICE_MM
from cardiolib.imaging.dicom.stacks import SliceStack, stack_slices
from cardiolib.imaging.dicom.study import StudyFiles, choose_study, numbered
from cardiolib.imaging.dicom.tags import DicomError

_WIDE = 1.5
_WIDE_MM = 12.0
_TURNED_DEGREES = 0.2


@dataclass(frozen=True)
class DicomChoices:
    """What of a study to read, where the reader is not to choose itself.

    Parameters
    ----------
    study : "newest" or int
        Which study of a patient, counted from 1, the oldest.
    only : tuple of int
        Rows of the table of series that are the short-axis stack, whatever their tags and geometry say.
    largest_part : bool
        Where slices are not equally far apart, read the longest part in which they are.
    phases : (fewest, most)
        How many frames a cine's slice has.

    Raises
    ------
    ValueError
    """

    study: str | int = "newest"
    only: tuple[int, ...] = ()
    largest_part: bool = False
    phases: tuple[int, int] = PHASES

    def __post_init__(self) -> None:
        object.__setattr__(self, "only", tuple(int(number) for number in self.only))
        fewest, most = self.phases
        if not 2 <= fewest <= most:
            raise ValueError(f"phases are the fewest and the most frames of a cine, from 2; given {self.phases}")


@dataclass(frozen=True, eq=False)
class ScanPlan:
    """Which frames make the cine of one patient.

    Parameters
    ----------
    subject_id : str
    stack : SliceStack
    cycle : CommonCycle
    table : DataFrame
    notes : tuple of str
    simulated : bool
    day : int or None
        For differences between studies only.
    """

    subject_id: str
    stack: SliceStack
    cycle: CommonCycle
    table: pd.DataFrame
    notes: tuple[str, ...]
    simulated: bool
    day: int | None

    def __repr__(self) -> str:
        return f"ScanPlan({self.subject_id!r}, {len(self.stack.slices)} slices, {self.cycle.n_frames} frames)"


def plan_scan(study: StudyFiles, choices: DicomChoices) -> ScanPlan:
    """Find the short-axis cine of one patient.

    Raises
    ------
    DicomError
        There is none, or it cannot be read as it is: what was found, and what to do.
    """
    try:
        return _planned(study, choices)
    except DicomError as error:
        if not study.damaged:
            raise
        damaged = f"{len(study.damaged)} file(s) with a damaged header were left out (file {numbered(study.damaged)})"
        raise DicomError(f"{error}\n{damaged}: they may be what is missing") from None


def _planned(study: StudyFiles, choices: DicomChoices) -> ScanPlan:
    (patient,) = study.patients
    study, notes = choose_study(study, choices.study)
    simulated = _marked(study)
    rows = series_rows(study.frames, phases=choices.phases, believed=choices.only)
    plane, why = choose_short_axis(rows, only=choices.only)
    stack = stack_slices(plane.cines, largest_part=choices.largest_part)
    _refuse_short_slices(rows, plane, stack, choices)
    refuse_compressed([frame for one in stack.slices for frame in one.frames])
    cycle = common_cycle(stack.slices)
    _say_what_was_kept(plane, stack)
    days = [frame.day for frame in study.frames if frame.day is not None]
    return ScanPlan(
        patient,
        stack,
        cycle,
        table_of(rows),
        (*_counts(study, rows), why, *notes, *_stack_notes(stack)),
        simulated,
        max(days, default=None),
    )


def _marked(study: StudyFiles) -> bool:
    marks = {frame.simulated for frame in study.frames}
    if len(marks) > 1:
        raise DicomError(
            "some files of the study are marked as SIMULATED and others are not: simulated and real images must not be "
            "mixed. Keep them in folders of their own"
        )
    return marks.pop()


def _refuse_short_slices(rows: Sequence[SeriesRow], plane: Plane, stack: SliceStack, choices: DicomChoices) -> None:
    """Slices of the stack's own plane that lack so many frames that they look like no cine: refused, not dropped."""
    first, have = stack.slices[0].first, stack.offsets_mm
    usual = max(len(one.frames) for one in stack.slices)
    own = {one.first.series for one in stack.slices}
    for row in rows:
        if row.frames[0].left_out is not None or not row.cines or not same_plane(row.frames[0], first):
            continue
        for one in row.cines:
            place = float(one.position @ first.normal)
            elsewhere = np.abs(have - place).min() > SAME_SLICE_MM
            short = one.reason is not None and 1 < len(one.frames) < choices.phases[0]
            if short and elsewhere and (one.first.series in own or _fits(place, stack)) and not choices.largest_part:
                raise DicomError(
                    f"a short-axis slice at {place - have[0]:.1f} mm from the first has {len(one.frames)} frames, the "
                    f"others {usual}: too many are missing. Add the missing files, or read the slices that are whole "
                    "with largest_part=True"
                )


def _fits(place: float, stack: SliceStack) -> bool:
    """Whether a place is the next one of the stack, at either end."""
    ends = stack.offsets_mm[0] - stack.gap_mm, stack.offsets_mm[-1] + stack.gap_mm
    return min(abs(place - end) for end in ends) < 0.1 * stack.gap_mm


def _say_what_was_kept(plane: Plane, stack: SliceStack) -> None:
    slices, older, others = ({id(one) for one in part} for part in (stack.slices, stack.older, stack.others))
    for row in plane.rows:
        counts = [sum(id(one) in part for one in row.good) for part in (slices, older, others)]
        said = [f"{counts[1]} older breath-hold(s) of repeated slices left out"] if counts[1] else []
        said += [f"{counts[2]} slice(s) of another stack or beyond a gap left out"] if counts[2] else []
        bad = len(row.cines) - len(row.good)
        said += [f"{bad} slice(s) that are no cine left out"] if bad and counts[0] else []
        row.kept = READ if counts[0] else row.kept
        row.reason = "; ".join(said)


def _counts(study: StudyFiles, rows: Sequence[SeriesRow]) -> list[str]:
    read = sum(row.kept == READ for row in rows)
    left = f", {len(rows) - read} left out (the table `series` says why)" if read < len(rows) else ""
    return [f"read from DICOM: {study.counted()}; {read} of {len(rows)} series read{left}", study.how_named]


def _stack_notes(stack: SliceStack) -> list[str]:
    first, gap, notes = stack.slices[0].first, stack.gap_mm, []
    if stack.older:
        notes.append(f"{len(stack.older)} slice(s) were imaged again: the newest breath-hold is read")
    if stack.others:
        notes.append(f"{len(stack.others)} slice(s) of the same direction, not on the stack's grid, are left out")
    if stack.off_grid_mm > 0.05:
        notes.append(f"slices lie up to {stack.off_grid_mm:.2f} mm off a regular grid: {gap:.4g} mm apart on average")
    stated = first.between_mm
    if stated and abs(stated - gap) > 0.01 * gap:
        notes.append(f"positions lie {gap:.4g} mm apart, SpacingBetweenSlices says {stated:.4g}: positions believed")
    thick = first.thickness_mm
    if gap > _WIDE_MM or (thick and gap > _WIDE * thick):
        between = f", each {thick:.4g} mm thick: {gap - thick:.3g} mm between them were not imaged" if thick else ""
        notes.append(f"slices lie {gap:.4g} mm apart{between}; volumes rest on interpolation")
    turned = _turned_degrees(stack)
    if turned > _TURNED_DEGREES:
        notes.append(f"slices are turned against each other by up to {turned:.1f} deg: taken as parallel")
    if len({one.first.frame_of_reference for one in stack.slices}) > 1:
        notes.append("slices have different frames of reference: the patient may have been moved between them")
    return notes


def _turned_degrees(stack: SliceStack) -> float:
    """Largest angle of a slice's rows or columns with those of the first."""
    directions = [one.first.directions for one in stack.slices]
    pairs = ((a, b) for one in directions for a, b in zip(one, directions[0], strict=True))  # type: ignore[arg-type]
    return max(angle_degrees(a, b) for a, b in pairs)
