"""NIfTI cines: plain (bytes and fields of the header) and gzip (every byte is under a checksum)."""

from __future__ import annotations

import gzip
import random
import struct
import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged, places_changed
from cardiolib.imaging import Cine, read_cine, write_cine

AFFINE = np.array([[-1.5, 0, 0, 40], [0, 1.3, -2.0, -30], [0, 0.26, 10.0, 15], [0, 0, 0, 1.0]])
AFFINE[:3, 1] *= 1.5 / np.linalg.norm(AFFINE[:3, 1])
AFFINE[:3, 2] -= AFFINE[:3, 1] * (AFFINE[:3, 1] @ AFFINE[:3, 2]) / (AFFINE[:3, 1] @ AFFINE[:3, 1])
HEADER = 352

FIELDS = {
    "sizeof_hdr": (0, "i"),
    "dim": (40, "8h"),
    "intent_code": (68, "h"),
    "datatype": (70, "h"),
    "bitpix": (72, "h"),
    "pixdim": (76, "8f"),
    "vox_offset": (108, "f"),
    "scl_slope": (112, "f"),
    "scl_inter": (116, "f"),
    "xyzt_units": (123, "B"),
    "descrip": (148, "80s"),
    "qform_code": (252, "h"),
    "sform_code": (254, "h"),
    "quatern": (256, "6f"),
    "srow": (280, "12f"),
    "magic": (344, "4s"),
}
"""Fields of the header that a reader goes by: place and kind."""

_FREE = {112, 113, 114, 115, 116, 117, 118, 119, *range(92, 96), *range(148, 228)}
"""Bytes of the header that nothing else in the file can contradict: scale, frame time, description."""
_WHOLE = (-32768, -1, 0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 64, 255, 256, 512, 2304, 20000, 32767)
_REAL = (float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e-30, -1.0, 1.0, 0.5, 2.0, 1000.0, 1e10, 3e38)


@lru_cache(maxsize=1)
def plain_file() -> bytes:
    """A cine of 8 x 7 x 4 voxels and 3 frames as ``.nii``, with both forms of its place."""
    voxels = np.random.default_rng(1).uniform(10, 900, (8, 7, 4, 3)).astype(np.float32)
    return nifti_bytes(Cine(voxels, AFFINE, 40.0, simulated=True))


def nifti_bytes(cine: Cine) -> bytes:
    """A cine as the bytes of a ``.nii`` file."""
    with tempfile.TemporaryDirectory() as folder:
        write_cine(cine, Path(folder) / "cine.nii")
        return (Path(folder) / "cine.nii").read_bytes()


def read_file(path: Path) -> Reading:
    """A cine as a user reads it."""
    cine = read_cine(path)
    frame_time = np.nan if cine.frame_time_ms is None else cine.frame_time_ms
    values = {"voxels": cine.voxels, "affine": cine.affine, "frame_time_ms": frame_time, "simulated": cine.simulated}
    return Reading(values, cine.notes)


def mutate_plain(files: Files, rng: random.Random) -> Mutant:
    """A field of the header set to something else, or damage to the bytes."""
    before = files["cine.nii"]
    after, told = change_field(before, rng) if rng.random() < 0.5 else damaged(before, rng)
    return Mutant({"cine.nii": after}, told, expected(before, after))


def change_field(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """One field of the header with another value."""
    name = rng.choice(sorted(FIELDS))
    offset, kind = FIELDS[name]
    values = list(struct.unpack_from(f"<{kind}", content, offset))
    at = rng.randrange(len(values))
    if kind.endswith("s"):
        values[at] = rng.randbytes(struct.calcsize(kind))
    elif kind.endswith("f"):
        values[at] = rng.choice((*_REAL, values[at] * rng.choice((1.5, 2, 10, 0.1, -1)), values[at] + 7))
    else:
        values[at] = rng.choice(_WHOLE) % 256 if kind == "B" else rng.choice(_WHOLE)
    packed = struct.pack(f"<{kind}", *values)
    return content[:offset] + packed + content[offset + len(packed) :], f"{name}[{at}] = {values[at]!r}"


def expected(before: bytes, after: bytes) -> Expect:
    """Whether a reader can see the change."""
    if len(before) != len(after):
        return Expect.NOTICED
    places = places_changed(before, after)
    if any(at >= HEADER or at in _FREE for at in places):
        return Expect.FREE
    sizes = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
    kind, bits = struct.unpack_from("<hh", after, FIELDS["datatype"][0])
    if any(70 <= at < 74 for at in places) and sizes.get(kind) == bits == 32:
        return Expect.FREE  # int32 for float32: as many bytes
    if struct.unpack_from("<hh", after, FIELDS["qform_code"][0]) == (0, 0):
        return Expect.FREE  # both forms are declared unknown: that is legal, and the place is not known
    return Expect.NOTICED


def mutate_gzip(files: Files, rng: random.Random) -> Mutant:
    """Damage to the compressed bytes, or a header changed before they were compressed."""
    before = files["cine.nii.gz"]
    if rng.random() < 0.2:
        plain, told = change_field(plain_file(), rng)
        return Mutant({"cine.nii.gz": packed(plain)}, f"packed, {told}", expected(plain_file(), plain))
    after, told = damaged(before, rng)
    return Mutant({"cine.nii.gz": after}, told, Expect.NOTICED)


def packed(content: bytes) -> bytes:
    """gzip without a date: the same bytes every time."""
    return gzip.compress(content, mtime=0)


PLAIN = Door(
    "nifti_plain",
    lambda: {"cine.nii": plain_file()},
    lambda folder: read_file(folder / "cine.nii"),
    mutate_plain,
    {"affine": 0.1},
)
GZIP = Door(
    "nifti_gzip",
    lambda: {"cine.nii.gz": packed(plain_file())},
    lambda folder: read_file(folder / "cine.nii.gz"),
    mutate_gzip,
    {"affine": 0.1},
)
