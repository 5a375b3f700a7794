"""What of a file's free text may be repeated: words of imaging from a list, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable

VOCABULARY = frozenset(
    """
    2ch 3ch 4ch 4dflow ao aorta apex apical ax axial axis b-ssfp basal base bh blood breath breathhold bssfp c
    cardiac cine cor coronal csspamm db de delayed dense dynamic ecg ecv enhancement ffe fiesta fisp fl2d flash
    flow free gre grid haste heart hla inflow ir la late lax lge loc localiser localizer long lv lvot lvsa map
    mapping mid molli mpa mra outflow pc pca perf perfusion phase pilot post pre psir qflow radial realtime rest
    retro rv rvot sa sag sagittal sasha sax sax_cine scar scout senc sh shmolli short shortaxis spamm ssfp stack
    star stress survey t1 t1map t2 t2map t2prep t2star tag tagged tagging te tfe tfi ti tiscout tra transversal
    trigger true truefisp trufi tse velocity venc viability view vla
    """.split()
)
"""Words that describe an image and nobody."""

VENDORS = {"siemens": "Siemens", "philips": "Philips", "ge": "GE", "canon": "Canon", "toshiba": "Toshiba"}
MODALITIES = frozenset("MR CT US XA NM PT CR DX SR PR KO OT SC SEG RTSTRUCT DOC ECG REG".split())


def safe_words(texts: Iterable[str], *, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Words of descriptions that stand in `VOCABULARY`, in their order, each once.

    Parameters
    ----------
    texts : iterable of str
        Descriptions of a series; they may hold anything.
    names : iterable of str
        Names and IDs of the patient: a word of theirs is left out even if the vocabulary has it.

    Examples
    --------
    >>> safe_words(["cine_SAX John Doe 12"], names=["DOE^JOHN"])
    ('cine', 'sax')
    """
    private = {word for name in names for word in _split(name)}
    words = (word for text in texts for word in _split(text))
    return tuple(dict.fromkeys(word for word in words if word in VOCABULARY and word not in private))


def vendor(maker: str) -> str:
    """The maker of a scanner, one of a few known; anything else is "other"."""
    first = _split(maker)[:1]
    return VENDORS.get(first[0], "other") if first else "not stated"


def modality(text: str) -> str:
    """A modality of the standard; anything else is "other"."""
    return text if text in MODALITIES else "other"


def _split(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()) if word]
