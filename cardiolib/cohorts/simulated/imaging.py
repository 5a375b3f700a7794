"""Imaging one simulated subject: the unit of work that is handed to workers, and that is never done twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from cardiolib.cohorts.simulated.centres import scan_protocol
from cardiolib.cohorts.simulated.settings import SimulatedCohortSettings
from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, acquire, parameters_from_row
from cardiolib.files import atomic_path
from cardiolib.imaging import write_cine, write_label_map

SCAN_FILES = ("sa.nii.gz", "label_sa.nii.gz", "label_sa_ED.nii.gz", "label_sa_ES.nii.gz", "truth.npz")
_LAYERS = ("imaging", "meshes", "digital_heart", "cohorts")


@dataclass(frozen=True)
class ImagingUnit:
    """One subject to be imaged: all that a worker needs."""

    root: str
    subject_id: str
    parameters: tuple[tuple[str, float], ...]
    n_phases: int
    acquisition: AcquisitionSettings
    seed: int

    @property
    def key(self) -> str:
        """Changes with anything that decides the files: parameters, settings, seed, code."""
        content = [self.subject_id, self.parameters, self.n_phases, repr(self.acquisition), self.seed, code_digest()]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def image_subject(unit: ImagingUnit) -> str:
    """Image one subject into its own folder, unless that is done already; return its ID."""
    root = Path(unit.root)
    target, marker = root / "images" / unit.subject_id, root / "units" / f"{unit.subject_id}.txt"
    done = all((target / name).is_file() for name in SCAN_FILES)
    if done and marker.is_file() and marker.read_text(encoding="utf-8") == unit.key:
        return unit.subject_id
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    try:
        _write_scan(unit, work)
        work.chmod(0o755)  # mkdtemp makes private folders
        marker.unlink(missing_ok=True)
        if target.is_dir():
            shutil.rmtree(target)
        os.rename(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    with atomic_path(marker) as temporary:
        temporary.write_text(unit.key, encoding="utf-8")
    return unit.subject_id


def subject_generator(seed: int, purpose: str, subject_id: str = "") -> np.random.Generator:
    """A random stream of its own for every purpose and subject, whatever the order of the work."""
    return np.random.default_rng([int(seed), zlib.crc32(purpose.encode()), zlib.crc32(subject_id.encode())])


def subject_protocol(settings: SimulatedCohortSettings, seed: int, subject_id: str) -> tuple[AcquisitionSettings, int]:
    """How one subject of a simulated cohort is scanned, and how many frames the cine has."""
    acquisition = replace(AcquisitionSettings(), randomise=settings.randomise_acquisition)
    if settings.centre is None or not settings.centre.other_scanner:
        return acquisition, settings.n_phases
    return scan_protocol(acquisition, subject_generator(seed, "protocol", subject_id))


def cycle_phases(n: int) -> np.ndarray:
    """(n,) equally spaced phases of the cardiac cycle from 0 (ED)."""
    return np.arange(n) / n


@cache
def code_digest() -> str:
    """Hash of the code that decides a scan, so that a change of it is never hidden by old files."""
    return digest_of(Path(__file__).resolve().parents[2])


def digest_of(package: Path) -> str:
    """Hash of the code and of the shipped files in the layers of `package` that decide a scan."""
    digest = hashlib.sha256()
    files = [file for layer in _LAYERS for file in sorted((package / layer).rglob("*"))]
    for file in [package / "files.py", *files]:
        if file.suffix in (".py", ".txt", ".json", ".npz"):
            digest.update(file.relative_to(package).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def _write_scan(unit: ImagingUnit, work: Path) -> None:
    heart = DigitalHeart(parameters_from_row(dict(unit.parameters)))
    phases = cycle_phases(unit.n_phases)
    scan = acquire(heart, unit.acquisition, rng=subject_generator(unit.seed, "scan", unit.subject_id), phases=phases)
    ed, es = 0, int(np.argmin(heart.volumes_ml(phases)["lv_cavity"]))
    write_cine(scan.cine, work / "sa.nii.gz", bits=12)
    write_label_map(scan.labels, work / "label_sa.nii.gz")
    for phase, frame in (("ED", ed), ("ES", es)):
        one = replace(scan.labels, labels=scan.labels.labels[..., frame : frame + 1])
        write_label_map(one, work / f"label_sa_{phase}.nii.gz")
    np.savez(
        work / "truth.npz",
        heart_to_world=scan.heart_to_world,
        slice_shift_mm=scan.slice_shift_mm,
        landmarks_world_mm=scan.landmarks_world_mm,
        ed_frame=ed,
        es_frame=es,
    )
