"""Surfaces in legacy VTK files, ASCII and binary: every number and every word that is declared has to be there."""

from __future__ import annotations

import random
import re
import tempfile
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged, places_changed
from cardiolib.meshes import SurfaceMesh, read_vtk, write_vtk

FILE = "mesh.vtk"
_WORDS = re.compile(rb"POINTS|POLYGONS|POINT_DATA|SCALARS|LOOKUP_TABLE|DATASET|POLYDATA|default|double|region|int")


def sphere() -> SurfaceMesh:
    """Twenty points on a sphere, two regions."""
    points = [[0, 0, 10.0], [0, 0, -10.0]]
    points += [[8.1 * np.cos(a), 8.3 * np.sin(a), z] for z in (5.2, -5.1) for a in np.arange(9) * 2 * np.pi / 9]
    upper, lower = np.arange(2, 11), np.arange(11, 20)
    following = np.roll(upper, -1), np.roll(lower, -1)
    triangles = [[0, a, b] for a, b in zip(upper, following[0], strict=True)]
    triangles += [[1, b, a] for a, b in zip(lower, following[1], strict=True)]
    triangles += [[a, c, b] for a, b, c in zip(upper, following[0], lower, strict=True)]
    triangles += [[b, c, d] for b, c, d in zip(following[0], lower, following[1], strict=True)]
    region = np.array([0] * 11 + [1] * 9)
    return SurfaceMesh(np.array(points) + 0.123, np.array(triangles), region, ("upper", "lower"), simulated=True)


@lru_cache(maxsize=2)
def content(binary: bool) -> bytes:
    """The file."""
    with tempfile.TemporaryDirectory() as folder:
        write_vtk(sphere(), Path(folder) / FILE, binary=binary)
        return (Path(folder) / FILE).read_bytes()


def read(folder: Path) -> Reading:
    """The surface as a user reads it."""
    mesh = read_vtk(folder / FILE)
    values = {
        "points": mesh.points,
        "triangles": mesh.triangles,
        "region": mesh.region,
        "names": list(mesh.region_names),
        "simulated": mesh.simulated,
    }
    return Reading(values)


def mutate(files: Files, rng: random.Random, *, binary: bool) -> Mutant:
    """Counts and words changed, lines lost, or bytes damaged."""
    before = files[FILE]
    roll = rng.random()
    if roll < 0.2:
        after, told = _other_count(before, rng)
        return Mutant({FILE: after}, told, Expect.NOTICED)
    if roll < 0.35:
        after, told = _other_word(before, rng)
        return Mutant({FILE: after}, told, Expect.NOTICED)
    if roll < 0.45 and not binary:
        after, told = _line_ends(before, rng)
        return Mutant({FILE: after}, told, Expect.SAME)
    after, told = damaged(before, rng)
    if before[before.index(b"ASCII" if not binary else b"BINARY") :] in after and after.startswith(before[:26]):
        return Mutant({FILE: after}, told, Expect.FREE)  # the title, in which anything may stand
    return Mutant({FILE: after}, told, (_in_binary if binary else _in_text)(before, after))


def _other_count(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Another number behind POINTS, POLYGONS or POINT_DATA."""
    found = rng.choice(list(re.finditer(rb"(?<=POINTS |LYGONS |T_DATA )\d+", content)))
    new = rng.choice((b"0", b"1", b"19", b"21", b"37", b"-3", b"2147483647", b"99999999999", b"300000000", b"x", b""))
    return content[: found.start()] + new + content[found.end() :], f"{found[0].decode()} is {new.decode()!r}"


def _other_word(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A word of the format that is written otherwise."""
    start = content.index(b"DATASET")
    found = rng.choice(list(_WORDS.finditer(content, start)))
    new = rng.choice((b"", b"LINES", b"VERTICES", b"CELL_DATA", b"POINTZ", found[0] * 2))
    return content[: found.start()] + new + content[found.end() :], f"{found[0].decode()} is {new.decode()!r}"


def _line_ends(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """What editors and other systems do to a text."""
    which = rng.choice(("CRLF", "no line end at the end", "an empty line at the end", "blanks at the ends of lines"))
    return {
        "CRLF": content.replace(b"\n", b"\r\n"),
        "no line end at the end": content.rstrip(b"\n"),
        "an empty line at the end": content + b"\n",
        "blanks at the ends of lines": content.replace(b"\n", b" \n"),
    }[which], which


def _in_text(before: bytes, after: bytes) -> Expect:
    """A digit for a digit is another number; what changes words, or how many numbers there are, can be seen."""
    one, other = before.split(b"\n", 2), after.split(b"\n", 2)
    if len(other) < 3 or one[0] != other[0]:
        return Expect.NOTICED
    words, others = one[2].split(), other[2].split()
    if [w for w in words if w[:1].isalpha()] != [w for w in others if w[:1].isalpha()] or len(words) != len(others):
        return Expect.NOTICED
    numbers = [_is_number(word) for word in others]
    return Expect.FREE if numbers == [_is_number(word) for word in words] else Expect.NOTICED


def _in_binary(before: bytes, after: bytes) -> Expect:
    """Bytes of the arrays say nothing of themselves; words and counts do."""
    if len(before) != len(after):
        return Expect.NOTICED
    text = [False] * len(before)
    for found in re.finditer(
        rb"DATASET[^\n]*\nPOINTS[^\n]*\n|\nPOLYGONS[^\n]*\n|\nPOINT_DATA[^\n]*\nS[^\n]*\nL[^\n]*\n", before
    ):
        text[found.start() : found.end()] = [True] * (found.end() - found.start())
    places = places_changed(before, after)
    return Expect.NOTICED if all(text[at] for at in places) else Expect.FREE


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


TEXT = Door("vtk_text", lambda: {FILE: content(False)}, read, partial(mutate, binary=False))
BINARY = Door("vtk_binary", lambda: {FILE: content(True)}, read, partial(mutate, binary=True))
