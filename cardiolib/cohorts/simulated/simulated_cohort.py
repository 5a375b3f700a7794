"""Reading a simulated cohort: like any other cohort, and with the truth beside it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.measurements import VOLUME_COLUMNS
from cardiolib.cohorts.simulated.habits.fates import Fates
from cardiolib.cohorts.simulated.imaging import cycle_phases, subject_generator, subject_protocol
from cardiolib.cohorts.simulated.settings import SimulatedCohortSettings
from cardiolib.cohorts.table import CohortError, named, numeric, read_csv_by_id
from cardiolib.cohorts.ukbiobank import DISPLACEMENT_FILE, read_subject_image, read_subject_labels
from cardiolib.digital_heart import (
    DenseSettings,
    DigitalHeart,
    SimulatedScan,
    TaggingSettings,
    acquire,
    acquire_dense,
    acquire_tagged,
    parameters_from_row,
    true_displacement,
)
from cardiolib.files import read_arrays, read_json, read_table_by_id
from cardiolib.imaging import (
    OURS,
    Cine,
    DenseCine,
    DisplacementField,
    LabelMap,
    displacement_from_dense,
    read_displacement,
)

LAYOUT = "simulated cohort"
FILES = ("cohort.csv", "parameters.csv", "truth.npz")
HABITS_FILE = "habits.csv"
NOT_COVARIATES = (*VOLUME_COLUMNS, "LVM")


class SimulatedCohort(Cohort):
    """A cohort of digital hearts: everything about every subject is known.

    `motion_matrix` and `positions` give the true motion, in the heart frame; motion tracked from the images
    is made by the motion stage.
    """

    def __init__(self, folder: Path, declared: dict[str, Any]) -> None:
        frame = read_csv_by_id(folder / "cohort.csv")
        frame = numeric(frame, source=str(folder / "cohort.csv"))
        volumes = frame[[column for column in NOT_COVARIATES if column in frame]]
        super().__init__(
            declared["name"],
            frame.drop(columns=volumes.columns),
            time_unit=declared["time_unit"],
            simulated=True,
            layout=LAYOUT,
            folder=folder,
            notes=[declared["about"]],
            volumes=volumes,
        )
        self._root = folder
        self._imaged = frozenset(declared["imaged"])
        self._request = declared["request"]

    def true_positions(self, subject_id: str) -> np.ndarray:
        """(T, V, 3) true positions in mm of the material points, heart frame (stored as float32)."""
        self._require(subject_id, "truth")
        return self._truth["motion"][self._rows[subject_id]].astype(np.float64)

    def true_landmarks(self, subject_id: str) -> np.ndarray:
        """(T, 6, 3) true landmarks in mm, heart frame; order `cardiolib.digital_heart.LANDMARKS`."""
        self._require(subject_id, "truth")
        return self._truth["landmarks"][self._rows[subject_id]].astype(np.float64)

    def true_world_positions(self, subject_id: str) -> np.ndarray:
        """(T, V, 3) true positions in mm in the world space of the subject's image.

        The heart as it lies without breath-hold misregistration. Slice k of the image shows it displaced by
        `slice_shift_mm` [k] of `scan_truth` along the directions of I, J, K.
        """
        return _moved(self.scan_truth(subject_id)["heart_to_world"], self.true_positions(subject_id))

    def true_world_landmarks(self, subject_id: str) -> np.ndarray:
        """(T, 6, 3) true landmarks in mm in the world space of the subject's image."""
        return self.scan_truth(subject_id)["landmarks_world_mm"]

    def scan_truth(self, subject_id: str) -> dict[str, np.ndarray]:
        """What is known of one scan, by name.

        ``heart_to_world`` (4, 4); ``slice_shift_mm`` (K, 3), displacement of the heart in each slice along
        the directions of I, J, K; ``landmarks_world_mm`` (T, 6, 3); ``ed_frame`` and ``es_frame``, from 0.
        """
        self._require(subject_id, "images")
        return _stored(self._subject_folder(subject_id) / "truth.npz")

    def heart(self, subject_id: str) -> DigitalHeart:
        """The subject's heart, built again from its stored parameters: the very same heart."""
        self._require(subject_id, "truth")
        return DigitalHeart(parameters_from_row(self.parameters.loc[subject_id]))

    def scan(self, subject_id: str) -> SimulatedScan:
        """The subject's scan made once more, the very same, with all that is known of it (a second or so).

        Raises
        ------
        CohortError
            The cohort was built by another version of the simulator, which scanned otherwise.
        """
        return _scan_again(self, subject_id, self._request)

    def tagged(self, subject_id: str, settings: TaggingSettings | None = None) -> Cine:
        """The subject's beat imaged once more with tags; see `cardiolib.digital_heart.acquire_tagged`."""
        rng = subject_generator(self._request["seed"], "tagged", subject_id)
        return acquire_tagged(self.heart(subject_id), self.scan(subject_id), settings, rng=rng)

    def dense(self, subject_id: str, settings: DenseSettings | None = None) -> DenseCine:
        """The subject's beat with displacement in its phase; see `cardiolib.digital_heart.acquire_dense`."""
        rng = subject_generator(self._request["seed"], "dense", subject_id)
        return acquire_dense(self.heart(subject_id), self.scan(subject_id), settings, rng=rng)

    def true_displacement(self, subject_id: str) -> DisplacementField:
        """What `displacement` would be without noise and without averaging over the voxel."""
        return true_displacement(self.heart(subject_id), self.scan(subject_id))

    def log_hazard(self) -> pd.Series:
        """The true log hazard of each subject, by ID; higher is worse."""
        rows = [self._rows[subject_id] for subject_id in self.ids]
        return pd.Series(self._truth["log_hazard"][rows], index=self.table.index, name="log_hazard")

    def true_times(self) -> pd.DataFrame:
        """Times of death and of censoring of each subject, of which `table` shows the earlier one."""
        rows = [self._rows[subject_id] for subject_id in self.ids]
        columns = {name: self._truth[name][rows] for name in ("event_time", "censoring_time")}
        return pd.DataFrame(columns, index=self.table.index)

    def fates(self) -> Fates:
        """Both fates of each subject under every habit, by ID; every effect is built in and invented.

        Raises
        ------
        CohortError
            The subjects of this cohort have no habits.
        """
        if not (self._root / HABITS_FILE).is_file():
            raise CohortError(
                f"the subjects of cohort {self.name!r} have no habits; those of open_cohort('simulated-habits') have"
            )
        return Fates.from_table(read_table_by_id(self._root / HABITS_FILE).loc[list(self.ids)])

    @cached_property
    def parameters(self) -> pd.DataFrame:
        """Parameters and traits of every heart, by ID."""
        return read_table_by_id(self._root / "parameters.csv")

    @cached_property
    def _truth(self) -> dict[str, np.ndarray]:
        return _stored(self._root / "truth.npz")

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {str(subject_id): row for row, subject_id in enumerate(self._truth["ids"])}

    def __getstate__(self) -> dict[str, Any]:
        """Without what was read lazily: a worker reads it again rather than receive it."""
        return {k: v for k, v in self.__dict__.items() if k not in ("parameters", "_truth", "_rows")}

    def _has(self, subject_id: str, what: str) -> bool:
        if what in ("truth", "motion"):
            return True
        if what in ("images", "labels", "landmarks", "displacement"):
            return subject_id in self._imaged
        return super()._has(subject_id, what)

    def _subject_folder(self, subject_id: str) -> Path:
        return self._root / "images" / subject_id

    def _read_image(self, subject_id: str) -> Cine:
        return read_subject_image(self._subject_folder(subject_id))

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        return read_subject_labels(self._subject_folder(subject_id), OURS)

    def _read_displacement(self, subject_id: str) -> DisplacementField:
        written = self._subject_folder(subject_id) / DISPLACEMENT_FILE
        if written.is_file():
            return read_displacement(written, cine=self._read_image(subject_id))
        return displacement_from_dense(self.dense(subject_id), self._read_labels(subject_id)[0])

    def _read_landmarks(self, subject_id: str) -> np.ndarray:
        return self.true_world_landmarks(subject_id)

    def _read_positions(self, subject_id: str) -> np.ndarray:
        return self.true_positions(subject_id)


def declaration(folder: Path) -> dict[str, Any] | None:
    """Content of the ``cohort.json`` of a simulated cohort; None if there is none or it is another's."""
    file = folder / "cohort.json"
    if not file.is_file():
        return None
    try:
        content = read_json(file)
    except ValueError as error:
        raise CohortError(str(error)) from error
    return content if isinstance(content, dict) and content.get("layout") == LAYOUT else None


def why_not(path: Path) -> str | None:
    """None if `path` is the folder of a simulated cohort; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    return None if declaration(path) is not None else f'no cohort.json with "layout": "{LAYOUT}"'


def open_simulated(path: Path) -> SimulatedCohort:
    """The simulated cohort in a folder.

    Raises
    ------
    CohortError
        It was interrupted while being built, or files are missing.
    """
    declared = declaration(path)
    if declared is None:
        raise CohortError(f"{path}: {why_not(path)}")
    if not declared.get("complete"):
        raise CohortError(
            f"{path}: this simulated cohort was not finished. Call build_simulated_cohort again with the same "
            "settings and seed: it goes on where it stopped."
        )
    images = [f"images/{subject_id}/sa.nii.gz" for subject_id in declared["imaged"]]
    files = (*FILES, HABITS_FILE) if declared.get("habits") else FILES
    missing = [name for name in (*files, *images) if not (path / name).is_file()]
    if missing:
        raise CohortError(f"{path}: file(s) of this simulated cohort are missing: {named(missing)}. Build it again.")
    return SimulatedCohort(path, declared)


def _scan_again(cohort: SimulatedCohort, subject_id: str, request: dict[str, Any]) -> SimulatedScan:
    """Scan a subject's heart as it was scanned when the cohort was built; what it is checked against is the pose."""
    known = cohort.scan_truth(subject_id)
    settings = SimulatedCohortSettings(**request["settings"])
    acquisition, n_frames = subject_protocol(settings, request["seed"], subject_id)
    scan = acquire(
        cohort.heart(subject_id),
        acquisition,
        rng=subject_generator(request["seed"], "scan", subject_id),
        phases=cycle_phases(n_frames),
    )
    same = all(np.allclose(getattr(scan, name), known[name]) for name in ("heart_to_world", "slice_shift_mm"))
    if not same:
        raise CohortError(
            f"subject {subject_id!r} of cohort {cohort.name!r} was scanned by another version of the simulator: "
            "further images of the same visit cannot be made. Build the cohort again."
        )
    return scan


def _stored(path: Path) -> dict[str, np.ndarray]:
    try:
        return read_arrays(path, what="truth of a simulated cohort", remedy="Build the cohort again.")
    except ValueError as error:
        raise CohortError(str(error)) from error


def _moved(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ affine[:3, :3].T + affine[:3, 3]
