"""JSON beside other files: what is said of a motion file, and the settings of a table of NIfTI files."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged
from benchmarks.fuzz.doors import archives
from benchmarks.fuzz.doors.nifti import AFFINE, nifti_bytes, packed
from cardiolib.cohorts import open_cohort
from cardiolib.imaging import Cine

STATED = "cohort.json"
_ODD: tuple[Any, ...] = (None, True, 5, -1, 0.5, float("nan"), "x", "", [], ["x", 5], {}, {"a": None}, "1" * 300)
_TEXTS = (b"[]", b"5", b'"x"', b"null", b"", b"{", b"[" * 100_000, b'{"a": ' * 2000, b"NaN", b"\xff\xfe", b"1" * 5000)


def seeds() -> dict[str, bytes]:
    """A motion file with its side file, and a folder of one scan whose table has one."""
    import numpy as np

    voxels = np.random.default_rng(7).uniform(1, 9, (4, 4, 2, 3)).astype(np.float32)
    stated = {"name": "ours", "count_from": 0, "time_unit": "years", "simulated": True, "label_scheme": "acdc"}
    return {
        **archives.motion_files(),
        "scans/a.nii.gz": packed(nifti_bytes(Cine(voxels, AFFINE, 40.0, simulated=True))),
        "scans/cohort.csv": b"ID,file,ED,ES,time,event\na,a.nii.gz,0,2,3.5,1\n",
        f"scans/{STATED}": json.dumps(stated, indent=1).encode(),
    }


def read(folder: Path) -> Reading:
    """Both cohorts."""
    motion = archives.read_motion(folder)
    cohort = open_cohort(folder / "scans")
    values = {**motion.values, "name": cohort.name, "their unit": cohort.time_unit, "theirs": cohort.simulated}
    return Reading({**values, "their time": cohort.table["time"].to_numpy()}, (*motion.said, *cohort.notes))


def mutate(files: Files, rng: random.Random) -> Mutant:
    """Other values of other kinds, other texts, or damaged bytes."""
    name = rng.choice((archives.SIDE, f"scans/{STATED}"))
    roll = rng.random()
    if roll < 0.2:
        text = rng.choice(_TEXTS)
        return Mutant({name: text}, f"the text {text[:20]!r}, {len(text)} bytes", Expect.FREE)
    if roll < 0.3:
        codec = rng.choice(("utf-16", "utf-8-sig", "utf-16-be"))
        mark = b"\xfe\xff" if codec == "utf-16-be" else b""
        return Mutant({name: mark + files[name].decode().encode(codec)}, codec, Expect.SAME)
    if roll < 0.7:
        content = json.loads(files[name])
        key, value = rng.choice(sorted(content)), rng.choice(_ODD)
        content[key] = value
        return Mutant({name: json.dumps(content).encode()}, f"{key} = {str(value)[:20]!r}", Expect.FREE)
    after, told = damaged(files[name], rng)
    return Mutant({name: after}, told, _expected(after))


def _expected(after: bytes) -> Expect:
    """What is still JSON can say anything; what is not has to be refused or be read as before."""
    try:
        return Expect.FREE if isinstance(json.loads(after), dict) else Expect.NOTICED
    except (ValueError, RecursionError):
        return Expect.NOTICED


def _names(message: str, mutant: Mutant) -> bool:
    return any(word in message for word in (archives.SIDE, STATED, archives.FILE))


DOOR = Door("json", seeds, read, mutate, names=_names)
