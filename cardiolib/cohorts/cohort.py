"""The one object through which every stage meets its subjects, whatever files lie behind it."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from nibabel.filebasedimages import ImageFileError

from cardiolib.cohorts.given import motion_by_id, volumes_by_id
from cardiolib.cohorts.motion_matrix import to_matrix
from cardiolib.cohorts.provided import PROVIDABLE, WITHOUT, providable
from cardiolib.cohorts.table import CohortError, join_by_id, named, subject_table, text_ids
from cardiolib.plain_text import plain_form, spelt
from cardiolib.printed import as_html

if TYPE_CHECKING:
    from cardiolib.digital_heart import DigitalHeart
    from cardiolib.imaging import Cine, DisplacementField, LabelMap


class Cohort:
    """Subjects with what is known about them, joined by ID as text.

    Parameters
    ----------
    name : str
    table : DataFrame, one row a subject
        Index: IDs. Columns ``time`` and ``event`` if there is follow-up; other columns: covariates.
    time_unit : str
        Unit of ``time`` ("years" for simulated cohorts, "days" in the authors' files).
    simulated : bool
    layout : str
        The kind of files behind it.
    folder : Path, optional
    notes : sequence of str
        What a reader of the results should know (assumptions made, rows left out).
    volumes : DataFrame indexed by ID, optional
        Volumes in mL (RVEDV, RVESV, LVEDV, LVESV) and ejection fractions in percent (RVEF, LVEF).
    motion : (N, D) array, optional
        Displacements from frame 0 in mm, row i for the i-th subject of `table`.

    Attributes
    ----------
    ids : tuple of str
    provides : frozenset of str
        Which of `PROVIDABLE` at least one subject has; `ids_with` says which subjects.
    layout_reason : str
        Why `open_cohort` took the files for this layout; empty where there was no choice.

    Raises
    ------
    CohortError
        See `cardiolib.cohorts.table.subject_table`.
    """

    def __init__(
        self,
        name: str,
        table: pd.DataFrame,
        *,
        time_unit: str = "days",
        simulated: bool = False,
        layout: str = "table",
        folder: Path | None = None,
        notes: Sequence[str] = (),
        volumes: pd.DataFrame | None = None,
        motion: np.ndarray | None = None,
    ) -> None:
        self.name = name
        self.table = subject_table(table, source=f"cohort {name!r}")
        self.time_unit = time_unit
        self.simulated = simulated
        self.layout = layout
        self.layout_reason = ""
        self.folder = folder
        self.notes = tuple(notes)
        self._volumes = None if volumes is None else volumes_by_id(volumes, self.ids)
        self._motion = None if motion is None else motion_by_id(motion, self.ids, cohort=name)

    # ---- who and what -------------------------------------------------------------------------

    @property
    def ids(self) -> tuple[str, ...]:
        """Subject IDs, in the order of the table."""
        return tuple(self.table.index)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def provides(self) -> frozenset[str]:
        """What at least one subject has."""
        return frozenset(what for what in PROVIDABLE if self._any_has(what))

    def ids_with(self, what: str) -> tuple[str, ...]:
        """IDs of the subjects that have `what` (one of `PROVIDABLE`), in the order of the table."""
        return tuple(subject_id for subject_id in self.ids if self._has(subject_id, providable(what)))

    def missing_for(self, needs: Iterable[str]) -> str:
        """Why a stage that needs `needs` cannot run on this cohort; empty if it can.

        >>> Cohort("two", pd.DataFrame(index=["a", "b"])).missing_for(["outcomes"])
        'this cohort has no follow-up (time, event): survival stages have nothing to do'
        """
        absent = [what for what in needs if not self._any_has(what)]
        return "; ".join(f"this cohort has {WITHOUT[what]}" for what in absent)

    @property
    def covariates(self) -> pd.DataFrame:
        """The table without time and event."""
        return self.table.drop(columns=["time", "event"], errors="ignore")

    def subset(self, ids: Iterable[str]) -> Cohort:
        """The same cohort with these subjects only, in this order.

        >>> Cohort("three", pd.DataFrame(index=["a", "b", "c"])).subset(["c", "a"]).ids
        ('c', 'a')
        """
        wanted = text_ids(ids, source="subset")
        rows, _ = join_by_id(wanted, self.table, source=f"cohort {self.name!r}", extra="leave out")
        part = copy.copy(self)
        part.table = rows
        return part

    def __repr__(self) -> str:
        follow_up = ""
        if "event" in self.table:
            events = int(self.table["event"].sum())
            follow_up = f", {events} deaths, longest follow-up {self.table['time'].max():.4g} {self.time_unit}"
        provided = ", ".join(f"{what} ({len(self.ids_with(what))})" for what in PROVIDABLE if what in self.provides)
        why = f" ({self.layout_reason})" if self.layout_reason else ""
        kind = "SIMULATED cohort" if self.simulated else "cohort"
        lines = [f"{self.name}: {kind} of {len(self)} subjects{follow_up}", f"  layout: {self.layout}{why}"]
        lines += [f"  provides: {provided or 'nothing but the table'}"]
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table.head(5), decimals=2)

    # ---- data of one subject ------------------------------------------------------------------

    def image(self, subject_id: str) -> Cine:
        """The cine of one subject (a note in it says when it holds only the ED and ES frames)."""
        subject_id = self._require(subject_id, "images")
        with _naming("image", subject_id, self.name):
            return self._marked(self._read_image(subject_id), "image", subject_id)

    def labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        """Reference label map and, for each of its frames, the frame of `image` that it labels.

        A frame number is None where the files do not say it.
        """
        subject_id = self._require(subject_id, "labels")
        with _naming("label map", subject_id, self.name):
            labels, frames = self._read_labels(subject_id)
            return self._marked(labels, "label map", subject_id), frames

    def positions(self, subject_id: str) -> np.ndarray:
        """(T, V, 3) positions in mm of the same V material points in every frame."""
        subject_id = self._require(subject_id, "motion")
        self._refuse_marked_motion(subject_id)
        return self._read_positions(subject_id)

    def motion_matrix(self) -> tuple[tuple[str, ...], np.ndarray]:
        """IDs and (N, D) displacements from frame 0 in mm, float64, column (t-1)*3V + 3v + c.

        Subjects without motion are not in it: join by the IDs returned.
        """
        ids = self._require_any("motion")
        return ids, np.stack([self._displacements(subject_id) for subject_id in ids])

    def landmarks(self, subject_id: str) -> np.ndarray:
        """(T, 6, 3) anatomical landmarks in mm in the world space of the subject's image."""
        subject_id = self._require(subject_id, "landmarks")
        return self._read_landmarks(subject_id)

    def displacement(self, subject_id: str) -> DisplacementField:
        """How far tissue came since end-diastole, as measured beside the cine of one subject and on its grid.

        Eulerian, mm along the world's axes. A simulated cohort gives what its displacement-encoded images show.
        """
        subject_id = self._require(subject_id, "displacement")
        with _naming("displacement field", subject_id, self.name):
            field = self._read_displacement(subject_id)
            return self._marked(field, "displacement field", subject_id)

    def volumes(self) -> pd.DataFrame:
        """Volumes (mL) and ejection fractions (percent), a row for each subject that has them."""
        ids = self._require_any("volumes")
        return self._read_volumes(ids)

    # ---- truth: only simulated cohorts override these ------------------------------------------

    def true_positions(self, subject_id: str) -> np.ndarray:
        """(T, V, 3) true positions in mm of the material points, heart frame."""
        raise self._absent("truth", subject_id)

    def true_landmarks(self, subject_id: str) -> np.ndarray:
        """(T, 6, 3) true landmarks in mm, heart frame."""
        raise self._absent("truth", subject_id)

    def true_world_positions(self, subject_id: str) -> np.ndarray:
        """(T, V, 3) true positions in mm in the world space of the subject's image."""
        raise self._absent("truth", subject_id)

    def true_world_landmarks(self, subject_id: str) -> np.ndarray:
        """(T, 6, 3) true landmarks in mm in the world space of the subject's image."""
        raise self._absent("truth", subject_id)

    def heart(self, subject_id: str) -> DigitalHeart:
        """The simulated heart itself, from which anything else can be computed."""
        raise self._absent("truth", subject_id)

    def log_hazard(self) -> pd.Series:
        """The true log hazard of each subject, by ID; higher is worse."""
        raise self._absent("truth")

    # ---- what a reader of another layout overrides ---------------------------------------------

    def _has(self, subject_id: str, what: str) -> bool:
        if what == "outcomes":
            return "event" in self.table.columns
        if what == "motion":
            return self._motion is not None and subject_id in self._motion
        if what == "volumes":
            return self._volumes is not None and subject_id in self._volumes.index
        return False

    def _read_image(self, subject_id: str) -> Cine:
        raise self._absent("images", subject_id)

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        raise self._absent("labels", subject_id)

    def _read_landmarks(self, subject_id: str) -> np.ndarray:
        raise self._absent("landmarks", subject_id)

    def _read_displacement(self, subject_id: str) -> DisplacementField:
        raise self._absent("displacement", subject_id)

    def _read_positions(self, subject_id: str) -> np.ndarray:
        raise CohortError(
            f"cohort {self.name!r} holds displacements from frame 0 only, not positions: subject "
            f"{subject_id!r} cannot be drawn from it alone. Use motion_matrix()."
        )

    def _motion_says_simulated(self, subject_id: str) -> bool:
        """Whether the files of one subject's motion say that no patient is behind them."""
        return False

    def _displacements(self, subject_id: str) -> np.ndarray:
        if self._motion is not None:
            return self._motion[subject_id]
        self._refuse_marked_motion(subject_id)
        return to_matrix(self._read_positions(subject_id)[None])[0]

    def _read_volumes(self, ids: tuple[str, ...]) -> pd.DataFrame:
        if self._volumes is None:
            raise self._absent("volumes")
        return self._volumes.loc[list(ids)].copy()

    def _any_has(self, what: str) -> bool:
        return any(self._has(subject_id, providable(what)) for subject_id in self.ids)

    def _marked(self, read: Any, what: str, subject_id: str) -> Any:
        """The image or label map with the cohort's mark; one that is marked is never handed out as a real patient's."""
        if read.simulated and not self.simulated:
            raise self._mixed(what, subject_id)
        return replace(read, simulated=True) if self.simulated and not read.simulated else read

    def _refuse_marked_motion(self, subject_id: str) -> None:
        if not self.simulated and self._motion_says_simulated(subject_id):
            raise self._mixed("motion", subject_id)

    def _mixed(self, what: str, subject_id: str) -> CohortError:
        return CohortError(
            f"the {what} of subject {subject_id!r} says that it is SIMULATED, but cohort {self.name!r} does not: "
            "simulated and real subjects must not be mixed. Take the simulated ones out, or put "
            '"simulated": true into cohort.json (UK Biobank layout) or simulated.json of the folder.'
        )

    # ---- checks --------------------------------------------------------------------------------

    def _require(self, subject_id: str, what: str) -> str:
        """The ID as the table spells it, if there is such a subject and it has `what`."""
        asked, subject_id = subject_id, plain_form(subject_id) if isinstance(subject_id, str) else subject_id
        if subject_id not in self.table.index:
            given = spelt(asked) if isinstance(asked, str) else repr(asked)
            raise CohortError(
                f"cohort {self.name!r} has no subject {given!r}; its IDs are {named(map(spelt, self.ids))} (text)."
            )
        if not self._has(subject_id, what):
            raise self._absent(what, subject_id)
        return subject_id

    def _require_any(self, what: str) -> tuple[str, ...]:
        ids = self.ids_with(what)
        if not ids:
            raise self._absent(what)
        return ids

    def _absent(self, what: str, subject_id: str | None = None) -> CohortError:
        others = self.ids_with(what)
        if subject_id is not None and others:
            return CohortError(
                f"subject {subject_id!r} of cohort {self.name!r} has no {what}; "
                f"{len(others)} of {len(self)} subjects have: {named(others)}."
            )
        return CohortError(f"{self.name!r}: this cohort has {WITHOUT[what]}. {self.layout} gives none.")


@contextmanager
def _naming(what: str, subject_id: str, name: str) -> Iterator[None]:
    """A damaged file becomes one kind of error that names the subject."""
    try:
        yield
    except CohortError:
        raise
    except (OSError, EOFError, zlib.error, ValueError, ImageFileError) as error:
        # a ValueError says itself what is wrong with the content, and what to do
        advice = "" if isinstance(error, ValueError) else " Copy the file again from its source."
        raise CohortError(
            f"the {what} of subject {subject_id!r} of cohort {name!r} cannot be read ({type(error).__name__}: {error})."
            f"{advice}"
        ) from error
