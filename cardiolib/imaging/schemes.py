"""Label schemes: which number means which structure, by name and never by guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STRUCTURES = ("lv_cavity", "lv_wall", "rv_wall", "rv_cavity")
"""Every structure a label map may name; 0 is background in every scheme."""


@dataclass(frozen=True, eq=False)
class LabelScheme:
    """The meaning of the numbers in a label map.

    Parameters
    ----------
    name : str
        Name of the scheme, used in messages.
    codes : mapping of str to int
        Structure name -> code (1 to 255). Background is 0 and is not listed.

    Raises
    ------
    ValueError
        For an unknown structure, a code outside 1..255, or a code used twice.
    """

    name: str
    codes: Mapping[str, int] = field(repr=False)

    def __post_init__(self) -> None:
        codes = {str(structure): int(code) for structure, code in self.codes.items()}
        unknown = sorted(set(codes) - set(STRUCTURES))
        if unknown:
            raise ValueError(f"scheme {self.name!r} names {unknown}; the structures are {list(STRUCTURES)}")
        if not codes:
            raise ValueError(f"scheme {self.name!r} names no structure; choose from {list(STRUCTURES)}")
        if any(not 1 <= code <= 255 for code in codes.values()) or len(set(codes.values())) != len(codes):
            raise ValueError(f"scheme {self.name!r} needs different codes in 1..255: {codes}")
        object.__setattr__(self, "codes", codes)

    def __eq__(self, other: object) -> bool:
        """Two schemes are equal when the same numbers mean the same structures, whatever their names."""
        if not isinstance(other, LabelScheme):
            return NotImplemented
        return self.codes == other.codes

    def __hash__(self) -> int:
        return hash(frozenset(self.codes.items()))

    def code(self, structure: str) -> int:
        """Code of a structure; ValueError names the structures when the scheme lacks it."""
        if structure not in self.codes:
            raise ValueError(f"label scheme {self.name!r} has no {structure!r}; it has {sorted(self.codes)}")
        return self.codes[structure]


FOURDSEGMENT = LabelScheme("4dsegment", {"lv_cavity": 1, "lv_wall": 2, "rv_wall": 3, "rv_cavity": 4})
OURS = LabelScheme("ours", FOURDSEGMENT.codes)
ACDC = LabelScheme("acdc", {"rv_cavity": 1, "lv_wall": 2, "lv_cavity": 3})
MMS = LabelScheme("mms", {"lv_cavity": 1, "lv_wall": 2, "rv_cavity": 3})
SCHEMES = {scheme.name: scheme for scheme in (OURS, FOURDSEGMENT, ACDC, MMS)}
