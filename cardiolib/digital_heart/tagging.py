"""Tagged cine MR of a digital heart: dark lines written into the tissue at end-diastole, which move with it and fade.

Tags are written by spatial modulation of magnetisation (SPAMM [1]_; tagging itself [2]_): two pulses of flip angle a
with a gradient between them leave the longitudinal magnetisation ``m = cos(a)^2 - sin(a)^2 cos(2 pi x / spacing)``,
x being the place across the tags. A second pair at a right angle multiplies this into a grid. Because what is
written is a place at end-diastole, a voxel shows the modulation of where its tissue came from, also when the tissue
has moved through the slice.

.. [1] Axel and Dougherty 1989, Radiology 171:841-845.
.. [2] Zerhouni et al. 1988, Radiology 169:59-63.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from cardiolib.imaging import Cine
from cardiolib.settings import Settings
from cardiolib.work import DEFAULT_SEED

from .acquisition import SimulatedScan
from .beat import Array, Beat, Moment, muscle, prepared
from .heart import DigitalHeart
from .tissue import TISSUES, fading_per_ms, spoiled_signal

PATTERNS = ("grid", "lines")


@dataclass(frozen=True)
class TaggingSettings(Settings):
    """How the tags are written and read.

    Parameters
    ----------
    spacing_mm : float
        From one tag to the next.
    angle_deg : float
        Direction across the first set of tags, from I towards J.
    pattern : str
        "grid", or "lines": the first set alone.
    flip_deg : float
        Of each of the two pulses of a set; with 45 the magnetisation goes from 0 to full.
    tr_ms, te_ms, readout_flip_deg : float
        Of the gradient-echo readout between tags and phase; its pulses make tags fade faster than T1 alone would.
    blood_mixing_ms : float
        Time in which the pattern in the blood mixes to its mean.
    snr : float
        Of untagged muscle: its signal over the SD of the noise in each of the two receiver channels.

    Raises
    ------
    ValueError
        Naming the field that is ill-typed or out of range.
    """

    spacing_mm: float = 7.0
    angle_deg: float = 45.0
    pattern: str = "grid"
    flip_deg: float = 45.0
    tr_ms: float = 8.0
    te_ms: float = 3.0
    readout_flip_deg: float = 10.0
    blood_mixing_ms: float = 60.0
    snr: float = 20.0

    RANGES = {
        "spacing_mm": (2.0, 40.0),
        "angle_deg": (-180.0, 180.0),
        "flip_deg": (0.0, 90.0),
        "tr_ms": (1.0, 200.0),
        "te_ms": (0.1, 100.0),
        "readout_flip_deg": (1.0, 60.0),
        "blood_mixing_ms": (1.0, 1e6),
        "snr": (1.0, inf),
    }
    CHOICES = {"pattern": PATTERNS}


def acquire_tagged(
    heart: DigitalHeart,
    scan: SimulatedScan,
    settings: TaggingSettings | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> Cine:
    """Image the beat of a scan once more, tagged: same slices, same breath holds, same chest.

    Parameters
    ----------
    heart : DigitalHeart
    scan : SimulatedScan
        Of this heart, from end-diastole; it is not changed.
    settings : TaggingSettings, optional
    rng : numpy.random.Generator, optional
        Draws the noise; by default one of a fixed seed.

    Returns
    -------
    Cine
        On the grid of the scan's cine, marked simulated; 1 is the signal of fresh blood.

    Raises
    ------
    ValueError
        When the scan does not begin at end-diastole.

    Notes
    -----
    Tissue relaxes to its steady state under the readout, so a written m is ``1 + (m' - 1) exp(-R t)`` of it at time t
    (R: `fading_per_ms`; m': `prepared`). Blood is fresh in every beat: it relaxes with T1 alone, and its pattern mixes.
    A sample is a mean over the slice, magnitudes are Rician.

    Examples
    --------
    >>> import cardiolib as cl
    >>> heart = cl.DigitalHeart()
    >>> acquire_tagged(heart, cl.acquire(heart, phases=[0.0, 0.4]))
    Cine(simulated 96 x 96 x 12 voxels of 1.6 x 1.6 x 10 mm, 2 frames, 438.9 ms apart)
      note: tagged at end-diastole: grid, 7 mm apart, at 45 degrees
    """
    settings = TaggingSettings() if settings is None else settings
    rng = np.random.default_rng(DEFAULT_SEED) if rng is None else rng
    beat = Beat(heart, scan)
    readout = _readout(settings)
    blood = _fresh_blood(settings)
    chest, chest_rate = beat.chest(**readout)
    chest_tags = prepared(modulation(beat.voxel_centres_mm(), settings), chest_rate, beat.rr_ms)
    sigma = spoiled_signal(muscle(), **readout) / blood / settings.snr
    gain, image = beat.gain(), np.empty((len(scan.phases), *beat.shape), np.float32)
    for t, moment in enumerate(beat):
        background = np.abs(1.0 + (chest_tags - 1.0) * np.exp(-chest_rate * moment.time_ms)) * chest
        around = background.reshape(-1)[beat.pixels][:, None] * moment.shares.surroundings
        values = _heart_signal(beat, moment, settings) + around
        image[t] = beat.whole(values, background) / blood * gain
    image += sigma * rng.standard_normal(image.shape, dtype=np.float32)
    image = np.hypot(image, sigma * rng.standard_normal(image.shape, dtype=np.float32))
    note = (
        f"tagged at end-diastole: {settings.pattern}, {settings.spacing_mm:g} mm apart, at "
        f"{settings.angle_deg:g} degrees"
    )
    return Cine(image.transpose(3, 2, 1, 0), scan.cine.affine, scan.cine.frame_time_ms, (note,), simulated=True)


def modulation(places_mm: Array, settings: TaggingSettings) -> Array:
    """Longitudinal magnetisation that the tags leave at places (..., 3) mm along I, J, K at end-diastole.

    Returns
    -------
    (...) array
        From cos(2 flip) to 1; of a grid the product of the two sets.

    Examples
    --------
    >>> lines = TaggingSettings(pattern="lines", angle_deg=0.0)
    >>> modulation(np.array([[0.0, 0.0, 0.0], [3.5, 9.0, 2.0], [7.0, 0.0, 0.0]]), lines).round(6)
    array([0., 1., 0.])
    """
    flip, angle = np.deg2rad(settings.flip_deg), np.deg2rad(settings.angle_deg)
    left = np.ones(places_mm.shape[:-1])
    for turn in (0.0, np.pi / 2)[: 2 if settings.pattern == "grid" else 1]:
        across = places_mm[..., 0] * np.cos(angle + turn) + places_mm[..., 1] * np.sin(angle + turn)
        left *= np.cos(flip) ** 2 - np.sin(flip) ** 2 * np.cos(2 * np.pi * across / settings.spacing_mm)
    return left


def _heart_signal(beat: Beat, moment: Moment, settings: TaggingSettings) -> Array:
    """(M, S) signal of muscle, blood and fat; each shows the tags of where it was at end-diastole."""
    written, readout = modulation(beat.places_mm - moment.displacement_mm, settings), _readout(settings)
    time = moment.time_ms
    signal = np.zeros(written.shape)
    for tissue, share in ((muscle(), moment.shares.muscle), (TISSUES["fat"], moment.shares.fat)):
        rate = fading_per_ms(tissue.t1_ms, tr_ms=settings.tr_ms, flip_rad=readout["flip_rad"])
        left = 1.0 + (prepared(written, rate, beat.rr_ms) - 1.0) * np.exp(-rate * time)
        signal += share * np.abs(left) * spoiled_signal(tissue, **readout)
    mean = np.cos(np.deg2rad(settings.flip_deg)) ** (4 if settings.pattern == "grid" else 2)
    mixed = mean + (written - mean) * np.exp(-time / settings.blood_mixing_ms)
    left = 1.0 + (mixed - 1.0) * np.exp(-time / TISSUES["blood"].t1_ms)
    return signal + moment.shares.blood * np.abs(left) * _fresh_blood(settings)


def _readout(settings: TaggingSettings) -> dict[str, float]:
    return {"tr_ms": settings.tr_ms, "te_ms": settings.te_ms, "flip_rad": float(np.deg2rad(settings.readout_flip_deg))}


def _fresh_blood(settings: TaggingSettings) -> float:
    """Signal of blood that no earlier pulse has met."""
    blood = TISSUES["blood"]
    return blood.proton_density * np.sin(np.deg2rad(settings.readout_flip_deg)) * np.exp(-settings.te_ms / blood.t2_ms)
