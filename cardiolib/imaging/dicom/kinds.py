"""What kind of image a file holds, by its tags: why it cannot be a frame of a cine, or nothing."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

MR_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR Image Storage",
    "1.2.840.10008.5.1.4.1.1.4.1": "Enhanced MR Image Storage",
}
"""Kinds of object that a cine comes in; all else (screen captures, reports, colour, other modalities) is left out."""

SCOUT, FLOW, LATE, PERFUSION, MAP, TAGGED = (
    "scout",
    "phase contrast (flow)",
    "late enhancement or inversion recovery",
    "perfusion",
    "T1 or T2 map",
    "tagged or displacement-encoded",
)

_BY_TYPE = (
    (SCOUT, {"LOCALIZER"}),
    (
        FLOW,
        {"P", "PHASE", "PHASE MAP", "VELOCITY", "VELOCITY MAP", "PHASE CONTRAST M", "M_PCA", "MAG_PCA", "FLOW_ENCODED"},
    ),
    (PERFUSION, {"PERFUSION", "PERF", "PERFUSION_MAP"}),
    (
        MAP,
        {"T1", "T2", "T2_STAR", "T1 MAP", "T2 MAP", "T2_STAR MAP", "R2", "R2_STAR", "R2 MAP", "R2_STAR MAP", "ECV MAP"},
    ),
    (LATE, {"PSIR", "REAL", "R", "IMAGINARY", "I"}),
)
_BY_WORD = (
    (SCOUT, {"scout", "localizer", "localiser", "loc", "survey", "pilot"}),
    (FLOW, {"flow", "qflow", "velocity", "venc", "pc", "pca", "4dflow"}),
    (LATE, {"lge", "psir", "viability", "scar", "delayed", "ti", "tiscout", "late"}),
    (PERFUSION, {"perf", "perfusion"}),
    (MAP, {"molli", "shmolli", "sasha", "t1map", "t2map", "map", "mapping", "t2star", "ecv", "t2prep"}),
    (TAGGED, {"tag", "tagging", "tagged", "spamm", "grid", "senc", "csspamm", "dense"}),
)
_VELOCITY_SEQUENCE = re.compile(r"_v\d+", re.IGNORECASE)


@dataclass(frozen=True)
class ImageTags:
    """The tags that tell kinds of image apart, as they stand in a file.

    Parameters
    ----------
    sop_class, modality : str
    image_type : tuple of str
        Of the file and of the frame, and what enhanced files say of contrast and complex component.
    words : frozenset of str
        Words of the series' descriptions, lower case; they are compared, never shown.
    sequence : str
        SequenceName and ScanningSequence.
    samples : int
        Per pixel: 3 is colour.
    burned_in : bool
        The pixels hold text, perhaps a name.
    encodes_velocity : bool
    """

    sop_class: str
    modality: str
    image_type: tuple[str, ...]
    words: frozenset[str]
    sequence: str = ""
    samples: int = 1
    burned_in: bool = False
    encodes_velocity: bool = False


def why_no_cine(tags: ImageTags) -> str | None:
    """Why an image with these tags is no frame of a cine; None if nothing in them says so.

    Examples
    --------
    >>> tags = ImageTags("1.2.840.10008.5.1.4.1.1.4", "MR", ("ORIGINAL", "PRIMARY", "P", "RETRO"), frozenset())
    >>> why_no_cine(tags)
    'phase contrast (flow)'
    """
    if tags.modality and tags.modality != "MR":
        return "not MR"
    if tags.sop_class not in MR_CLASSES:
        return "no MR image (report, screen capture or another kind of object)"
    if tags.samples != 1:
        return "colour: a screen capture, not an image of the scanner"
    if tags.burned_in:
        return "text is burned into the pixels, perhaps a name"
    if tags.encodes_velocity or _VELOCITY_SEQUENCE.search(tags.sequence):
        return FLOW
    kind = _first(_BY_TYPE, tags.image_type) or _first(_BY_WORD, tags.words)
    if kind is not None:
        return kind
    if re.search(r"(^|[^a-z])ir($|[^a-z])|psir", tags.sequence, re.IGNORECASE):
        return LATE
    if {"DERIVED", "SECONDARY"} & set(tags.image_type[:2]):
        return "derived from other images, not as acquired"
    return None


def _first(table: tuple[tuple[str, set[str]], ...], found: Collection[str]) -> str | None:
    return next((kind for kind, signs in table if signs & set(found)), None)
