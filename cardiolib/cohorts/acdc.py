"""Reading the ACDC challenge's folders (Bernard et al., IEEE TMI 2018).

One folder a patient: ``Info.cfg`` with the 1-based ED and ES frames, group, height and weight; the two
frames with their ground truth (1 RV cavity, 2 myocardium, 3 LV cavity); perhaps the whole cine, and perhaps a measured
displacement field beside it (``displacement_sa.nii.gz``, which the challenge has not). ED is not
always the first frame (patient090: ED 4, ES 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.stacking import counted_volumes, stacked_cine, stacked_labels
from cardiolib.cohorts.table import CohortError, named
from cardiolib.files import marked_simulated
from cardiolib.imaging import ACDC, Cine, DisplacementField, LabelMap, read_cine, read_displacement, says_simulated
from cardiolib.plain_text import plain_form, read_plain_text

LAYOUT = "ACDC"


@dataclass(frozen=True)
class AcdcPatient:
    """Where the files of one patient lie; frames count from 0, as everywhere in cardiolib."""

    folder: Path
    ed: int
    es: int
    covariates: dict[str, str | float]

    def frame(self, index: int, *, truth: bool = False) -> Path:
        """Path of one frame, or of its ground truth (file names count from 1)."""
        return self.folder / f"{self.folder.name}_frame{index + 1:02d}{'_gt' if truth else ''}.nii.gz"

    @property
    def cine(self) -> Path:
        return self.folder / f"{self.folder.name}_4d.nii.gz"

    @property
    def displacement(self) -> Path:
        return self.folder / "displacement_sa.nii.gz"

    @property
    def has_cine(self) -> bool:
        return self.cine.is_file()

    @property
    def has_labels(self) -> bool:
        return all(self.frame(index, truth=True).is_file() for index in (self.ed, self.es))


class AcdcCohort(Cohort):
    """An ACDC folder; there is no follow-up in it."""

    def __init__(self, name: str, patients: dict[str, AcdcPatient], *, folder: Path, notes: list[str]) -> None:
        table = pd.DataFrame([patient.covariates for patient in patients.values()], index=list(patients))
        first = next(iter(patients.values()))
        # only the first patient: files of the others are looked at when they are read; there a mark is an error
        marked = marked_simulated(folder) or says_simulated(first.frame(first.ed))
        super().__init__(name, table, layout=LAYOUT, folder=folder, notes=notes, simulated=marked)
        self._patients = patients

    def _has(self, subject_id: str, what: str) -> bool:
        if what == "images":
            return True
        if what in ("labels", "volumes"):
            return self._patients[subject_id].has_labels
        if what == "displacement":
            return self._patients[subject_id].displacement.is_file()
        return super()._has(subject_id, what)

    def _read_image(self, subject_id: str) -> Cine:
        patient = self._patients[subject_id]
        if patient.has_cine:
            return read_cine(patient.cine)
        return stacked_cine(
            [patient.frame(patient.ed), patient.frame(patient.es)],
            note=f"two frames only: ED (frame {patient.ed} of the cine) and ES (frame {patient.es}); no 4D file here",
        )

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        patient = self._patients[subject_id]
        image = patient.cine if patient.has_cine else patient.frame(patient.ed)
        labels = stacked_labels([patient.frame(i, truth=True) for i in (patient.ed, patient.es)], ACDC, image)
        return labels, (patient.ed, patient.es) if patient.has_cine else (0, 1)

    def _ed_es_of(self, subject_id: str, frames: tuple[int | None, ...]) -> tuple[int, int] | None:
        return 0, 1

    def _source_of(self, subject_id: str) -> str:
        patient = self._patients[subject_id]
        files = " and ".join(patient.frame(i, truth=True).name for i in (patient.ed, patient.es))
        return f"{patient.folder / 'Info.cfg'} and {files}"

    def _read_displacement(self, subject_id: str) -> DisplacementField:
        patient, cine = self._patients[subject_id], self._read_image(subject_id)
        return read_displacement(patient.displacement, cine=cine, ed_frame=patient.ed if patient.has_cine else 0)

    def _read_volumes(self, ids: tuple[str, ...]) -> pd.DataFrame:
        rows = {i: counted_volumes(self.labels(i)[0], ed=0, es=1) for i in ids}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ID")


def why_not(path: Path) -> str | None:
    """None if `path` is an ACDC folder; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    return None if _patient_folders(path)[0] else "no patientNNN/Info.cfg in it or in its folder training/"


def open_acdc(path: Path) -> Cohort:
    """The cohort of an ACDC folder: the folder of patients, its parent, or a single patient's folder.

    Raises
    ------
    CohortError
        ``Info.cfg`` is damaged or a frame that it names is not there; every patient concerned is named.
    """
    folders, notes = _patient_folders(path)
    patients, problems = {}, []
    for folder in folders:
        try:
            patients[plain_form(folder.name)] = read_patient(folder)
        except CohortError as error:
            problems.append(str(error))
    if problems:
        raise CohortError(f"{path}: {len(problems)} patient(s) cannot be read:\n  " + "\n  ".join(problems[:10]))
    unlabelled = [name for name, patient in patients.items() if not patient.has_labels]
    if unlabelled:
        notes.append(f"no ground truth for {named(unlabelled)}")
    without = sum(not patient.has_cine for patient in patients.values())
    if without:
        notes.append(f"{without} of {len(patients)} patients have no 4D cine: their image is the ED and ES frames only")
    if len(unlabelled) < len(patients):
        notes.append("volumes are voxel counts of the ground truth, which leaves the infundibulum out of the RV")
    return AcdcCohort(f"ACDC ({path.name})", patients, folder=path, notes=notes)


def read_patient(folder: Path) -> AcdcPatient:
    """One patient's ``Info.cfg``, checked against the files beside it."""
    entries: dict[str, str] = {}
    for line in _info_lines(folder / "Info.cfg"):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if colon and entries.setdefault(key, value) != value:
            raise CohortError(
                f"{folder.name}/Info.cfg: {key} is given twice, as {entries[key]} and {value}. Keep the one that is "
                "right."
            )
    frames = {}
    for phase in ("ED", "ES"):
        text = entries.get(phase, "")
        if not _counts(text) or int(text) < 1:
            given = f"{phase}: {text}" if text else f"no line {phase}:"
            raise CohortError(f"{folder.name}/Info.cfg: {given}; expected a frame number from 1")
        frames[phase] = int(text) - 1
    if frames["ED"] == frames["ES"]:
        raise CohortError(f"{folder.name}/Info.cfg: ED and ES are both frame {frames['ED'] + 1}; they differ in a beat")
    total = entries.get("NbFrame", "")
    if _counts(total) and int(total) <= max(frames.values()):
        raise CohortError(
            f"{folder.name}/Info.cfg: ED {frames['ED'] + 1} and ES {frames['ES'] + 1} of only {total} frames (NbFrame)"
        )
    patient = AcdcPatient(folder, frames["ED"], frames["ES"], _covariates(entries))
    absent = [patient.frame(i).name for i in (patient.ed, patient.es) if not patient.frame(i).is_file()]
    if absent:
        raise CohortError(f"{folder.name}: Info.cfg names {' and '.join(absent)}, not in the folder")
    return patient


def _counts(text: str) -> bool:
    """Whether a text is a number of frames: other digits than 0 to 9 are digits to Python, too."""
    return text.isascii() and text.isdigit() and len(text) < 7


def _info_lines(file: Path) -> list[str]:
    try:
        return read_plain_text(file, strict=False).splitlines()
    except ValueError as error:
        raise CohortError(str(error)) from error


def _covariates(entries: dict[str, str]) -> dict[str, str | float]:
    """Group as text, height in cm and weight in kg as numbers (missing where they are not numbers)."""
    found: dict[str, str | float] = {"group": entries.get("Group", "")}
    for key, column in (("Height", "height_cm"), ("Weight", "weight_kg")):
        try:
            found[column] = float(entries.get(key, "nan"))
        except ValueError:
            found[column] = float("nan")
    return found


def _patient_folders(path: Path) -> tuple[list[Path], list[str]]:
    if (path / "Info.cfg").is_file():
        return [path], []
    direct = sorted(info.parent for info in path.glob("*/Info.cfg"))
    if direct:
        return direct, []
    for split in ("training", "testing"):
        found = sorted(info.parent for info in path.glob(f"{split}/*/Info.cfg"))
        if found:
            other = " (testing/ is left out: open it by its own path)" if (path / "testing").is_dir() else ""
            return found, [f"patients of {split}/{other if split == 'training' else ''}"]
    return [], []
