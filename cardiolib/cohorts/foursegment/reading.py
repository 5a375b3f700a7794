"""Reading the output folder of 4Dsegment, the authors' imaging pipeline.

::

    simulated.json                   only where no patient is behind it (ours; the authors' tools pass over it)
    subjnames.txt                    one subject folder name a line
    matchedpointsnew.txt             decimated index, full-mesh index (0-based; this column is used)
    surv_outcomes.csv                ID,status,time in days, rows in any order
    covariates*.csv                  ID,... numbers only
    <ID>_ED.txt, <ID>_ES.txt         LV cavity (mL), LV mass (g), RV cavity (mL), RV mass (g)
    <ID>/lvsa_.nii.gz                cine, frame 0 = ED
    <ID>/PHsegmentation_{ED,ES}.gipl label maps
    <ID>/motion/RV_fr00..19.{txt,vtk} positions of the same vertices in every frame, mm

Source: UK-Digital-Heart-Project/4Dsegment and 4Dsurvival (inputdata_setup.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.foursegment.volume_files import Volumes, read_volume_file
from cardiolib.cohorts.measurements import volumes_row
from cardiolib.cohorts.side_tables import outcomes_beside, with_covariates
from cardiolib.cohorts.stacking import stacked_labels
from cardiolib.cohorts.table import CohortError, named, read_csv_by_id, text_ids
from cardiolib.files import marked_simulated
from cardiolib.imaging import FOURDSEGMENT, Cine, LabelMap, read_cine, read_label_map, says_simulated
from cardiolib.meshes import read_matched_points, read_points_txt, read_vtk, refuse_cut_frames, vtk_says_simulated
from cardiolib.plain_text import entry_named, read_plain_text

LAYOUT = "4Dsegment output"
N_FRAMES = 20
PAPER_POINTS = 202
VOLUMES_WITH_COMMAS = "<ID>_ED.txt and <ID>_ES.txt: the commas in numbers are read as decimal points"
_FRAME_FILE = re.compile(r"RV_fr(\d+)\.(txt|vtk)")


class FourSegmentCohort(Cohort):
    """A 4Dsegment output folder; positions are read when asked for."""

    def __init__(
        self,
        name: str,
        table: pd.DataFrame,
        *,
        folder: Path,
        point_rows: np.ndarray | None,
        motion: dict[str, list[Path]],
        notes: Sequence[str],
        simulated: bool,
    ) -> None:
        super().__init__(name, table, layout=LAYOUT, folder=folder, notes=notes, time_unit="days", simulated=simulated)
        self._root = folder
        self._frames = motion
        self.point_rows = point_rows
        if self.ids and self._has(self.ids[0], "volumes"):  # whoever opens the cohort is told of its decimal commas
            with suppress(CohortError):  # which is said when volumes are read
                self._read_volumes(self.ids[:1])

    def _has(self, subject_id: str, what: str) -> bool:
        if what == "images":
            return self._file(subject_id, "lvsa_.nii.gz").is_file()
        if what == "labels":
            return bool(self._label_files(subject_id))
        if what == "volumes":
            return all(self._volume_file(subject_id, phase).is_file() for phase in ("ED", "ES"))
        if what == "motion":
            return subject_id in self._frames
        return super()._has(subject_id, what)

    def _read_image(self, subject_id: str) -> Cine:
        return read_cine(self._file(subject_id, "lvsa_.nii.gz"))

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        files = self._label_files(subject_id)
        # 4Dsegment tracks from frame 0 as ED; which frame its ES is, it does not write down.
        frames: tuple[int | None, ...] = tuple(0 if phase == "ED" else None for phase in files)
        if len(files) == 1:
            return read_label_map(next(iter(files.values())), FOURDSEGMENT), frames
        return stacked_labels(list(files.values()), FOURDSEGMENT), frames

    def _read_positions(self, subject_id: str) -> np.ndarray:
        return read_motion_frames(self._frames[subject_id], self.point_rows)

    def _motion_says_simulated(self, subject_id: str) -> bool:
        return motion_marked(self._frames[subject_id])

    def _read_volumes(self, ids: tuple[str, ...]) -> pd.DataFrame:
        rows = {}
        for subject_id in ids:
            (lv_ed, mass, rv_ed, rv_mass), (lv_es, _, rv_es, _) = (
                self._volumes_at(subject_id, phase) for phase in ("ED", "ES")
            )
            rows[subject_id] = {
                **volumes_row({"RV": (rv_ed, rv_es), "LV": (lv_ed, lv_es)}),
                "LVM": mass,
                "RVM": rv_mass,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ID").dropna(axis="columns", how="all")

    def _volumes_at(self, subject_id: str, phase: str) -> Volumes:
        volumes, commas = read_volume_file(self._volume_file(subject_id, phase))
        if commas and VOLUMES_WITH_COMMAS not in self.notes:
            self.notes = (*self.notes, VOLUMES_WITH_COMMAS)
        return volumes

    def _file(self, subject_id: str, name: str) -> Path:
        return entry_named(self._root, f"{subject_id}/{name}")

    def _volume_file(self, subject_id: str, phase: str) -> Path:
        return entry_named(self._root, f"{subject_id}_{phase}.txt")

    def _label_files(self, subject_id: str) -> dict[str, Path]:
        candidates = {
            phase: [self._file(subject_id, f"PHsegmentation_{phase}{suffix}") for suffix in (".gipl", ".nii.gz")]
            for phase in ("ED", "ES")
        }
        return {phase: path for phase, paths in candidates.items() for path in paths[::-1] if path.is_file()}


def why_not(path: Path) -> str | None:
    """None if `path` is a 4Dsegment output folder; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    return None if (path / "subjnames.txt").is_file() else "no subjnames.txt"


def open_foursegment(path: Path) -> Cohort:
    """The cohort of a 4Dsegment output folder.

    Subjects are those of ``subjnames.txt``, in its order; outcomes and covariates are joined to them by ID
    as text, whatever the order of their rows. Rows of ``covariates*.csv`` for other subjects are left out
    (and noted); outcomes of other subjects are an error.

    Raises
    ------
    CohortError
        IDs that are repeated or do not match; a subject with other frames than 00 to 19 while others
        have motion; motion without ``matchedpointsnew.txt``. Everything concerned is named.
    """
    ids = text_ids(_lines(path / "subjnames.txt"), source=str(path / "subjnames.txt"))
    if not ids:
        raise CohortError(f"{path / 'subjnames.txt'}: is empty; expected one subject folder name a line.")
    strange = [name for name in ids if "/" in name or "\\" in name or name in (".", "..")]
    if strange:
        raise CohortError(f"{path / 'subjnames.txt'}: {named(strange)} cannot be the name(s) of a subject's folder.")
    notes: list[str] = []
    table = pd.DataFrame(index=pd.Index(list(ids), dtype=object))
    if (path / "surv_outcomes.csv").is_file():
        table = table.join(outcomes_beside(path / "surv_outcomes.csv", ids, notes))
    table = _covariates(table, path, notes)
    motion = _motion_files(path, ids)
    rows = _point_rows(path, notes) if motion else None
    marked = marked_simulated(path) or _parts_marked(path, ids, motion)
    return FourSegmentCohort(
        path.name, table, folder=path, point_rows=rows, motion=motion, notes=notes, simulated=marked
    )


def read_motion_frames(files: Sequence[Path], point_rows: np.ndarray | None) -> np.ndarray:
    """(T, V, 3) positions in mm of the chosen vertices, from one file a frame.

    Parameters
    ----------
    files : sequence of Path
        ``RV_fr00`` to ``RV_fr19``, text or VTK, in order.
    point_rows : (V,) int array or None
        Vertices to keep; None for all.

    Raises
    ------
    CohortError
        The files differ in number of vertices (all counts are given), or have too few for `point_rows`.
    """
    try:
        refuse_cut_frames(files)
    except ValueError as error:
        raise CohortError(str(error)) from error
    frames = [_frame_points(file) for file in files]
    counts = [len(frame) for frame in frames]
    if len(set(counts)) > 1:
        usual = max(set(counts), key=counts.count)
        odd = [f"{file.name} ({n})" for file, n in zip(files, counts, strict=True) if n != usual]
        raise CohortError(
            f"{files[0].parent}: the frames must hold the same vertices; most have {usual} lines, but not "
            f"{named(odd)}. Run the motion step of this subject again."
        )
    if point_rows is None:
        return np.stack(frames)
    if point_rows.max(initial=0) >= counts[0]:
        raise CohortError(
            f"{files[0].parent}: {counts[0]} vertices, but matchedpointsnew.txt asks for vertex {point_rows.max()} "
            "(0-based): the point list belongs to another mesh."
        )
    return np.stack([frame[point_rows] for frame in frames])


def motion_marked(files: Sequence[Path]) -> bool:
    """Whether any frame, or the folder that the frames lie in, says that no patient is behind it."""
    return any(marked_simulated(file) or (file.suffix == ".vtk" and vtk_says_simulated(file)) for file in files)


def _frame_points(file: Path) -> np.ndarray:
    try:
        return read_vtk(file).points if file.suffix == ".vtk" else read_points_txt(file)
    except CohortError:
        raise
    except (ValueError, OSError) as error:
        raise CohortError(f"{file}: cannot be read as vertex positions ({error}).") from error


def _covariates(table: pd.DataFrame, path: Path, notes: list[str]) -> pd.DataFrame:
    for file in sorted(path.glob("covariates*.csv")):
        table = with_covariates(table, file, notes)
    return table


def _motion_files(path: Path, ids: Sequence[str]) -> dict[str, list[Path]]:
    """The 20 frame files of every subject; empty when no subject has a motion folder."""
    folders = {subject_id: entry_named(path, subject_id) / "motion" for subject_id in ids}
    if not any(folder.is_dir() for folder in folders.values()):
        return {}
    found, problems = {}, []
    for subject_id, folder in folders.items():
        by_frame = _frames_in(folder)
        missing = sorted(set(range(N_FRAMES)) - set(by_frame))
        extra = sorted(set(by_frame) - set(range(N_FRAMES)))
        if missing or extra:
            parts = [f"no {named(f'RV_fr{t:02d}' for t in missing)}"] if missing else []
            parts += [f"unexpected {named(f'RV_fr{t:02d}' for t in extra)}"] if extra else []
            problems.append(f"{subject_id}: {' and '.join(parts) if folder.is_dir() else 'no folder motion/'}")
        found[subject_id] = [by_frame[t] for t in sorted(by_frame)]
    if problems:
        raise CohortError(
            f"{path}: every subject needs motion/RV_fr00 to RV_fr19 (.txt or .vtk). {len(problems)} do(es) not have "
            "them; finish or remove these subjects:\n  " + "\n  ".join(problems[:20])
        )
    return found


def _frames_in(folder: Path) -> dict[int, Path]:
    frames: dict[int, Path] = {}
    for file in sorted(folder.glob("RV_fr*"), reverse=True):  # .vtk first, so that .txt of the same frame wins
        match = _FRAME_FILE.fullmatch(file.name)
        if match:
            frames[int(match.group(1))] = file
    return frames


def _point_rows(path: Path, notes: list[str]) -> np.ndarray:
    file = path / "matchedpointsnew.txt"
    if not file.is_file():
        raise CohortError(
            f"{path}: there is motion but no matchedpointsnew.txt, which says which vertices the survival network "
            "uses. Copy the list of the study; it must be the same for every subject."
        )
    try:
        rows = np.asarray(read_matched_points(file))[:, 1]
    except (ValueError, IndexError) as error:
        raise CohortError(f"{file}: expected two whole numbers a line ({error}).") from error
    note = f"matchedpointsnew.txt: {len(rows)} vertices, {(N_FRAMES - 1) * len(rows) * 3:,} features"
    if len(rows) != PAPER_POINTS:
        note += f"; the paper has {PAPER_POINTS} vertices (11,514 features): a model trained on those cannot read these"
    notes.append(note)
    return rows


def _parts_marked(path: Path, ids: Sequence[str], motion: dict[str, list[Path]]) -> bool:
    """Whether the first subject's motion or image, or a table, says that it is simulated.

    Files of later subjects are looked at when they are read; there a mark is an error.
    """
    image = entry_named(path, ids[0]) / "lvsa_.nii.gz"
    tables = [path / "surv_outcomes.csv", *sorted(path.glob("covariates*.csv"))]
    return (
        motion_marked(motion.get(ids[0], []))
        or (image.is_file() and says_simulated(image))
        or any(read_csv_by_id(table).attrs["simulated"] for table in tables if table.is_file())
    )


def _lines(path: Path) -> list[str]:
    try:
        text = read_plain_text(path)
    except ValueError as error:
        raise CohortError(str(error)) from error
    return [line.strip() for line in text.splitlines() if line.strip()]
