"""One row a series and plane: what it is, and whether it was read or why it was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pandas as pd

from cardiolib.imaging.dicom.headers import FrameHeader
from cardiolib.imaging.dicom.planes import orientation_words, same_plane
from cardiolib.imaging.dicom.slice_cines import SliceCine, slice_cines

READ, LEFT_OUT = "read", "left out"
_SHOWN = 30
COLUMNS = ("words", "modality", "slices", "frames", "rows x columns", "orientation", "kept", "reason")


@dataclass(eq=False)
class SeriesRow:
    """Frames of one series in one plane.

    Parameters
    ----------
    frames : list of FrameHeader
    cines : list of SliceCine
        Its slices; empty where the tags alone leave it out.
    kept : str
        `READ` or `LEFT_OUT`.
    reason : str
    """

    frames: list[FrameHeader]
    cines: list[SliceCine] = field(default_factory=list)
    kept: str = LEFT_OUT
    reason: str = ""

    def __repr__(self) -> str:
        return f"SeriesRow({len(self.frames)} frames, {self.kept}: {self.reason})"

    @property
    def good(self) -> list[SliceCine]:
        """Slices that are cines."""
        return [cine for cine in self.cines if cine.reason is None]

    def cells(self) -> dict[str, object]:
        """What the table says of it."""
        first = self.frames[0]
        per_slice = sorted({len(cine.frames) for cine in self.cines})
        frames = "" if not per_slice else f"{per_slice[0]}" + (f"-{per_slice[-1]}" if len(per_slice) > 1 else "")
        placed = first.directions is not None
        cells = (
            " ".join(first.words),
            first.modality,
            len({round(float(cine.position @ cine.first.normal), 1) for cine in self.cines}),
            frames or str(len(self.frames)),
            f"{first.rows} x {first.columns}",
            orientation_words(first.normal) if placed else "not stated",
            self.kept,
            self.reason,
        )
        return dict(zip(COLUMNS, cells, strict=True))


def series_rows(
    frames: Iterable[FrameHeader], *, phases: tuple[int, int], believed: Sequence[int] = ()
) -> list[SeriesRow]:
    """Sort the frames of one study into rows, in the order of the series' numbers and times.

    Parameters
    ----------
    frames : iterable of FrameHeader
    phases : (fewest, most)
        How many frames a cine's slice has.
    believed : sequence of int
        Numbers of rows, from 1, that are cines whatever their tags say.
    """
    by_series: dict[str, list[FrameHeader]] = {}
    for frame in frames:
        by_series.setdefault(frame.series, []).append(frame)
    ordered = sorted(by_series.values(), key=_series_order)
    rows = [SeriesRow(part) for series in ordered for part in _planes(series)]
    for number, row in enumerate(rows, 1):
        _look(row, phases, believed=number in believed)
    return rows


def table_of(rows: Sequence[SeriesRow]) -> pd.DataFrame:
    """The table of what was read and what was left out: index ``number`` from 1, columns `COLUMNS`."""
    index = pd.RangeIndex(1, len(rows) + 1, name="number")
    return pd.DataFrame([row.cells() for row in rows], index=index, columns=list(COLUMNS))


def listed_rows(rows: Sequence[SeriesRow]) -> str:
    """What was found, one line for neighbouring rows of the table that are alike, with their numbers."""
    lines = []
    numbered = [(number, *_line(row)) for number, row in enumerate(rows, 1)]
    for _, group in groupby(numbered, key=lambda one: one[1:]):
        alike = list(group)
        first, last, (_, what, reason) = alike[0][0], alike[-1][0], alike[0]
        rows_in_words = f"row {first}" if first == last else f"rows {first} to {last}"
        lines.append(f"\n  {rows_in_words}: {what}{f': {reason}' if reason else ''}")
    more = f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "".join(lines[:_SHOWN]) + more


def _line(row: SeriesRow) -> tuple[str, str]:
    cells = row.cells()
    words = f"{cells['words']}, " if cells["words"] else ""
    size = f"{cells['slices']} slice(s) of {cells['frames']} frame(s)" if row.cines else f"{len(row.frames)} frame(s)"
    return f"{words}{size}", row.reason


def _series_order(series: list[FrameHeader]) -> tuple[int, float, str]:
    numbers = [frame.series_number for frame in series if frame.series_number is not None]
    taken = [frame.taken_s for frame in series if frame.taken_s is not None]
    return min(numbers, default=10**9), min(taken, default=0.0), series[0].series


def _planes(series: list[FrameHeader]) -> list[list[FrameHeader]]:
    """Frames without a place, those that the tags leave out, and those of each plane."""
    flow = any(frame.left_out is not None and frame.left_out.startswith("phase contrast") for frame in series)
    unplaced: dict[str, list[FrameHeader]] = {}
    planes: list[list[FrameHeader]] = []
    for frame in sorted(series, key=lambda frame: (frame.file, frame.index)):
        if not _is_placed(frame):
            unplaced.setdefault(frame.left_out or "", []).append(frame)
            continue
        same = (one for one in planes if (flow or one[0].left_out == frame.left_out) and same_plane(one[0], frame))
        home = next(same, None)
        if home is None:
            planes.append([frame])
        else:
            home.append(frame)
    return planes + list(unplaced.values())


def _is_placed(frame: FrameHeader) -> bool:
    stated = (frame.position, frame.directions, frame.spacing_mm)
    return all(value is not None for value in stated) and frame.rows > 0 and frame.columns > 0


def _look(row: SeriesRow, phases: tuple[int, int], *, believed: bool) -> None:
    """Give a row its slices and, where it is no cine, the reason."""
    by_tags = [frame.left_out for frame in row.frames if frame.left_out is not None]
    if not _is_placed(row.frames[0]):
        row.reason = by_tags[0] if by_tags else "position, orientation or pixel size absent or damaged"
        return
    row.cines = slice_cines(row.frames, phases)
    if by_tags and not believed:
        row.reason = by_tags[0]
    elif not row.good:
        row.reason = Counter(cine.reason or "" for cine in row.cines).most_common(1)[0][0]
