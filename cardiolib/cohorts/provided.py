"""What a cohort can provide, and what cannot be done where it does not."""

from __future__ import annotations

from cardiolib.cohorts.table import named

WITHOUT = {
    "images": "no cine images: segmentation and tracking have nothing to read",
    "labels": "no label maps: segmentations cannot be trained on it or compared with a reference",
    "landmarks": "no anatomical landmarks",
    "displacement": "no displacement fields: tracking cannot be compared with measured motion",
    "motion": "no motion of material points: the survival network has no input",
    "outcomes": "no follow-up (time, event): survival stages have nothing to do",
    "volumes": "no ventricular volumes: the conventional Cox model has no input",
    "truth": "no known truth (it is not simulated): errors against the truth cannot be computed",
}
"""What is said of a cohort that provides none."""

PROVIDABLE = tuple(WITHOUT)


def providable(what: str) -> str:
    """`what` itself, if a cohort can provide it; otherwise a ValueError that names what it can."""
    if what not in PROVIDABLE:
        raise ValueError(f"a cohort can provide {named(PROVIDABLE)}; asked for {what!r}")
    return what
