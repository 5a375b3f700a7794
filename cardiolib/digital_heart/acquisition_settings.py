"""How a scan of a digital heart is made."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

_RANGES = {
    "grid_size": (16, 512),
    "spacing_mm": (0.3, 10.0),
    "n_slices": (1, 64),
    "thickness_mm": (0.1, 30.0),
    "gap_mm": (0.0, 30.0),
    "sub_slices": (1, 15),
    "noise_sd": (0.0, 1.0),
    "in_plane_shift_mm": (0.0, 20.0),
    "through_plane_shift_mm": (0.0, 20.0),
    "bias_sd": (0.0, 1.0),
    "texture_sd": (0.0, 0.5),
    "scrambled_share": (0.0, 1.0),
    "banding": (0.0, 0.9),
}


@dataclass(frozen=True)
class AcquisitionSettings:
    """How a scan is made.

    Parameters
    ----------
    grid_size : int
        Pixels along I and J.
    spacing_mm : float
        Pixel size.
    n_slices : int
        Slices, apex to base.
    thickness_mm, gap_mm : float
        Slice thickness and the gap to the next slice; slices are their sum apart.
    sub_slices : int
        Planes averaged through a slice; 1 samples the middle only.
    noise_sd : float
        Noise in each of the two receiver channels, relative to blood.
    in_plane_shift_mm, through_plane_shift_mm : float
        SD of the displacement of the heart from slice to slice (breath holds).
    bias_sd : float
        SD of the log of the coil sensitivity over the image.
    texture_sd : float
        SD of the multiplicative texture.
    papillary, trabeculae, atria : bool
        Draw papillary muscles (labelled cavity), RV trabeculae (labelled cavity), an atrial stub (unlabelled).
    detailed : bool
        Draw for every scan what real cines show and the plain scan lacks (`detail`, `chest`): trabeculae and papillary
        muscles of any size, fat, an arranged chest, flow, dark bands, a beat that is blurred within a frame.
        Trabeculae that are pressed together at end-systole are labelled wall, as readers trace them. `papillary` and
        `trabeculae` are the plain ones, which this takes the place of.
    exclude_outflow : bool
        Leave the outflow tract above the LV base plane out of the labels (the convention of ACDC).
    randomise : bool
        Domain randomisation: draw tissue contrast (`TissueSignals.randomised`) and noise (`noise_sd` times a
        log-uniform factor, 0.008/0.015 to 0.05/0.015) anew for every scan.
    scrambled_share : float
        With `randomise`, the share of scans whose tissues have brightnesses that no scanner gives.
    three_tesla : bool
        Tissue contrast of a 3 T scanner (`TISSUES_3T`, flip angle 45 degrees) in the place of 1.5 T.
    banding : float
        Depth of dark bands off resonance, as a share of the signal; 0 draws none. At 3 T they are the rule.

    Raises
    ------
    ValueError
        Naming the field that is ill-typed or out of range.
    """

    grid_size: int = 96
    spacing_mm: float = 1.6
    n_slices: int = 12
    thickness_mm: float = 8.0
    gap_mm: float = 2.0
    sub_slices: int = 3
    noise_sd: float = 0.015
    in_plane_shift_mm: float = 2.0
    through_plane_shift_mm: float = 1.2
    bias_sd: float = 0.25
    texture_sd: float = 0.04
    papillary: bool = True
    trabeculae: bool = True
    atria: bool = True
    detailed: bool = False
    exclude_outflow: bool = False
    randomise: bool = False
    scrambled_share: float = 0.15
    three_tesla: bool = False
    banding: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "bool":
                if not isinstance(value, bool | np.bool_):
                    raise ValueError(f"{field.name} must be True or False, got {value!r}")
                continue
            allowed = (int, np.integer) if field.type == "int" else (int, float, np.integer, np.floating)
            low, high = _RANGES[field.name]
            if isinstance(value, bool) or not isinstance(value, allowed) or not low <= value <= high:
                raise ValueError(f"{field.name} must be of type {field.type}, {low:g} to {high:g}, got {value!r}")

    @property
    def slice_distance_mm(self) -> float:
        """Distance between the middles of neighbouring slices."""
        return self.thickness_mm + self.gap_mm
