"""Damage to the bytes of a file, as disks, networks and editors do it."""

from __future__ import annotations

import random
from collections.abc import Callable

Damage = Callable[[bytes, random.Random], tuple[bytes, str]]


def damaged(content: bytes, rng: random.Random, *, kinds: tuple[Damage, ...] | None = None) -> tuple[bytes, str]:
    """The bytes of a file after one damage, and which it was.

    Examples
    --------
    >>> content, told = damaged(b"abc", random.Random(1), kinds=(cut,))
    >>> len(content) < 3, told.startswith("cut")
    (True, True)
    """
    for _ in range(8):
        changed, told = rng.choice(kinds or KINDS)(content, rng)
        if changed != content:
            return changed, told
    return content + b"\0", "a zero more"


def flip_bit(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """One bit."""
    at = rng.randrange(len(content))
    return _replaced(content, at, bytes([content[at] ^ 1 << rng.randrange(8)])), f"bit of byte {at} flipped"


def set_byte(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """One byte."""
    at = rng.randrange(len(content))
    new = rng.choice((0, 10, 32, 34, 44, 46, 59, 127, 128, 255, rng.randrange(256)))
    return _replaced(content, at, bytes([new])), f"byte {at} set to {new}"


def cut(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """The end is missing."""
    keep = rng.choice((0, 1, len(content) - 1, rng.randrange(len(content)), rng.randrange(len(content))))
    return content[:keep], f"cut after {keep} of {len(content)} bytes"


def surplus(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Something comes after the end."""
    more = rng.choice((b"\0" * 16, b"\n", rng.randbytes(16), content[: rng.randrange(1, 64)], content))
    return content + more, f"{len(more)} bytes more"


def swap_blocks(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Two blocks in each other's place."""
    size = rng.choice((1, 4, 16, 64))
    if len(content) < 2 * size:
        return content, ""
    a, b = sorted(rng.randrange(len(content) // size) * size for _ in range(2))
    first, second = content[a : a + size], content[b : b + size]
    if len(second) < size or a == b:
        return content, ""
    return _replaced(_replaced(content, a, second), b, first), f"blocks of {size} bytes at {a} and {b} exchanged"


def lose_block(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A block is missing."""
    at, size = rng.randrange(len(content)), rng.choice((1, 4, 16, 64))
    return content[:at] + content[at + size :], f"{size} bytes lost at {at}"


def zero_block(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A block of zeros, as a sector that could not be read."""
    at, size = rng.randrange(len(content)), rng.choice((4, 16, 64, 512))
    return _replaced(content, at, bytes(min(size, len(content) - at))), f"zeros at {at} to {at + size}"


def repeat_block(content: bytes, rng: random.Random) -> tuple[bytes, str]:
    """A block twice."""
    at, size = rng.randrange(len(content)), rng.choice((1, 4, 16, 64))
    return content[: at + size] + content[at:], f"{size} bytes twice at {at}"


KINDS: tuple[Damage, ...] = (
    flip_bit,
    flip_bit,
    flip_bit,
    set_byte,
    cut,
    surplus,
    swap_blocks,
    lose_block,
    zero_block,
    repeat_block,
)
IN_PLACE: tuple[Damage, ...] = (flip_bit, flip_bit, set_byte, swap_blocks, zero_block)
"""Those that leave the length as it is."""


def places_changed(before: bytes, after: bytes) -> list[int]:
    """Places at which two contents of one length differ."""
    return [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]


def _replaced(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]
