"""The text beside a patient's frames in ACDC's layout: Info.cfg says which frame is ED and which is ES."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged
from benchmarks.fuzz.doors.labels import label_codes
from benchmarks.fuzz.doors.nifti import AFFINE, nifti_bytes, packed
from cardiolib.cohorts import open_cohort
from cardiolib.imaging import Cine

_INFO = "patient001/Info.cfg"
_TEXT = "ED: 1\nES: 12\nGroup: DCM\nHeight: 184.0\nNbFrame: 30\nWeight: 95.0\n"


@lru_cache(maxsize=1)
def seeds() -> dict[str, bytes]:
    """One patient: two frames with their ground truth, and Info.cfg."""
    files = {_INFO: _TEXT.encode()}
    for frame, name in enumerate(("frame01", "frame12")):
        codes = label_codes()[..., frame]
        image = codes * 100 + np.random.default_rng(frame).uniform(50, 60, codes.shape).astype(np.float32)
        for suffix, voxels in (("", image), ("_gt", codes)):
            files[f"patient001/patient001_{name}{suffix}.nii.gz"] = packed(nifti_bytes(Cine(voxels, AFFINE)))
    return files


def read(folder: Path) -> Reading:
    """Volumes and covariates of the patient."""
    cohort = open_cohort(folder)
    table = {name: cohort.table[name].to_numpy() for name in cohort.table}
    volumes = cohort.volumes()
    values = {"ids": list(cohort.ids), **table, "columns": list(volumes), "volumes": volumes.to_numpy()}
    return Reading(values, cohort.notes)


def mutate(files: Files, rng: random.Random) -> Mutant:
    """What editors and people make of Info.cfg, or damaged bytes."""
    if rng.random() < 0.5:
        told = rng.choice(sorted(REWRITTEN))
        content, expect = REWRITTEN[told]
        return Mutant({_INFO: content}, told, expect)
    after, told = damaged(files[_INFO], rng)
    return Mutant({_INFO: after}, told, _expected(after))


def _expected(after: bytes) -> Expect:
    """ED and ES are needed; of the rest nothing else tells."""
    lines = after.decode("latin-1").splitlines()
    return Expect.FREE if {"ED: 1", "ES: 12"} <= set(lines) else Expect.NOTICED


REWRITTEN = {
    "a byte-order mark": (_TEXT.encode("utf-8-sig"), Expect.SAME),
    "UTF-16": (_TEXT.encode("utf-16"), Expect.SAME),
    "CRLF": (_TEXT.replace("\n", "\r\n").encode(), Expect.SAME),
    "CR": (_TEXT.replace("\n", "\r").encode(), Expect.SAME),
    "blanks": (_TEXT.replace(": ", " :  ").encode(), Expect.SAME),
    "lines in another order": ("\n".join(_TEXT.splitlines()[::-1]).encode(), Expect.SAME),
    "ED and ES exchanged": (
        _TEXT.replace("ED: 1\n", "ED: 12\n").replace("ES: 12\n", "ES: 1\n").encode(),
        Expect.NOTICED,
    ),
    "ES is ED": (_TEXT.replace("ES: 12", "ES: 1").encode(), Expect.NOTICED),
    "ES beyond the last": (_TEXT.replace("NbFrame: 30", "NbFrame: 11").encode(), Expect.NOTICED),
    "ED twice": (_TEXT.replace("ES: 12", "ES: 12\nED: 12").encode(), Expect.NOTICED),
    "decimals": (_TEXT.replace("ES: 12", "ES: 12.0").encode(), Expect.NOTICED),
    "other digits": (_TEXT.replace("ES: 12", "ES: ¹²").encode(), Expect.REFUSED),
    "decimal commas": (_TEXT.replace("184.0", "184,0").encode(), Expect.FREE),
    "infinite": (_TEXT.replace("184.0", "inf").encode(), Expect.FREE),
    "a number of 5000 digits": (_TEXT.replace("ES: 12", "ES: " + "1" * 5000).encode(), Expect.REFUSED),
    "empty": (b"", Expect.REFUSED),
    "zeros": (bytes(90), Expect.REFUSED),
}


def _names(message: str, mutant: Mutant) -> bool:
    return "Info.cfg" in message


DOOR = Door("acdc_info", seeds, read, mutate, names=_names)
