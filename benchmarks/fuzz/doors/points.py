"""Vertices in text, one file a frame, as 4Dsegment writes them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged
from cardiolib.meshes import read_motion_folder

_FRAMES = tuple(f"RV_fr{t:02d}.txt" for t in range(3))


def seeds() -> dict[str, bytes]:
    """Three frames of twelve vertices."""
    points = np.random.default_rng(3).normal(0, 30, (3, 12, 3))
    rows = ["".join("{:.6f} {:.6f} {:.6f}\n".format(*row) for row in frame) for frame in points.tolist()]
    return {name: text.encode() for name, text in zip(_FRAMES, rows, strict=True)}


def read(folder: Path) -> Reading:
    """Positions of all frames."""
    return Reading({"positions": read_motion_folder(folder, n_frames=len(_FRAMES))})


def mutate(files: Files, rng: random.Random) -> Mutant:
    """What editors, other systems and disks do to one frame."""
    name = rng.choice(_FRAMES)
    before = files[name]
    if rng.random() < 0.4:
        told = rng.choice(sorted(REWRITTEN))
        make, expect = REWRITTEN[told]
        return Mutant({name: make(before.decode())}, told, expect)
    after, told = damaged(before, rng)
    return Mutant({name: after}, told, _expected(before, after))


def _expected(before: bytes, after: bytes) -> Expect:
    """The number of words on each line is known: of three, and as many lines as in the other frames."""
    if _counts(before) != _counts(after) or b"\0" in after:
        return Expect.NOTICED
    return Expect.FREE


def _counts(content: bytes) -> list[int]:
    return [len(line.split()) for line in content.decode("latin-1").splitlines() if line.strip()]


REWRITTEN = {
    "UTF-16": (lambda text: text.encode("utf-16"), Expect.SAME),
    "UTF-16, big end first": (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), Expect.SAME),
    "a byte-order mark": (lambda text: text.encode("utf-8-sig"), Expect.SAME),
    "CRLF": (lambda text: text.replace("\n", "\r\n").encode(), Expect.SAME),
    "CR": (lambda text: text.replace("\n", "\r").encode(), Expect.SAME),
    "tabs": (lambda text: text.replace(" ", "\t").encode(), Expect.SAME),
    "empty lines": (lambda text: text.replace("\n", "\n\n").encode(), Expect.SAME),
    "no line end at the end": (lambda text: text.rstrip("\n").encode(), Expect.NOTICED),  # the other frames have one
    "decimal commas": (lambda text: text.replace(".", ",").encode(), Expect.NOTICED),
    "commas between": (lambda text: text.replace(" ", ", ").encode(), Expect.NOTICED),
    "a header line": (lambda text: ("x y z\n" + text).encode(), Expect.NOTICED),
    "a row too few": (lambda text: "\n".join(text.splitlines()[1:]).encode(), Expect.NOTICED),
    "a row twice": (lambda text: (text + text.splitlines()[0]).encode(), Expect.NOTICED),
    "NaN": (lambda text: text.replace(text.split()[4], "nan", 1).encode(), Expect.REFUSED),
    "infinite": (lambda text: text.replace(text.split()[4], "1e400", 1).encode(), Expect.REFUSED),
    "underscores": (lambda text: text.replace(text.split()[4], "1_0", 1).encode(), Expect.REFUSED),
}

DOOR = Door("points_text", seeds, read, mutate)
