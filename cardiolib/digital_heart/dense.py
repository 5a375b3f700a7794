"""Displacement-encoded (DENSE) images of a digital heart: the phase of every voxel tells how far its tissue has come.

A stimulated echo is written at end-diastole with a phase that grows with place, and unwritten at a later phase t with
the opposite one, so what is left in the phase is ``2 pi k_e u`` wrapped into (-pi, pi], u being the displacement since
end-diastole along the encoded direction [1]_ [2]_. It is Eulerian: it is seen where the tissue is at t.

.. [1] Aletras et al. 1999, J Magn Reson 137:247-252.
.. [2] Kim et al. 2004, Radiology 230:862-871.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from cardiolib.imaging import DenseCine
from cardiolib.settings import Settings
from cardiolib.work import DEFAULT_SEED

from .acquisition import SimulatedScan
from .beat import Array, Beat, Moment, muscle
from .heart import DigitalHeart
from .tissue import TISSUES, fading_per_ms, spoiled_signal


@dataclass(frozen=True)
class DenseSettings(Settings):
    """How displacement is encoded and read.

    Parameters
    ----------
    in_plane_per_mm, through_plane_per_mm : float
        Encoding k_e along I and J, and along K, in cycles per mm. The phase wraps where the displacement passes half a
        wavelength, 1 / (2 k_e).
    tr_ms, te_ms, readout_flip_deg : float
        Of the readout; its pulses use up the stimulated echo, beside T1.
    blood_mixing_ms : float
        Time in which the echo of the moving blood is lost.
    snr : float
        Of muscle at end-diastole: its magnitude over the SD of the noise in each of the two receiver channels. A phase
        is the difference of two images, so its SD is about sqrt(2) / SNR radians.

    Raises
    ------
    ValueError
        Naming the field that is ill-typed or out of range.
    """

    in_plane_per_mm: float = 0.08
    through_plane_per_mm: float = 0.05
    tr_ms: float = 30.0
    te_ms: float = 3.0
    readout_flip_deg: float = 10.0
    blood_mixing_ms: float = 60.0
    snr: float = 30.0

    RANGES = {
        "in_plane_per_mm": (0.005, 0.5),
        "through_plane_per_mm": (0.005, 0.5),
        "tr_ms": (1.0, 200.0),
        "te_ms": (0.1, 100.0),
        "readout_flip_deg": (1.0, 60.0),
        "blood_mixing_ms": (1.0, 1e6),
        "snr": (1.0, inf),
    }

    @property
    def encoding_per_mm(self) -> tuple[float, float, float]:
        """Cycles per mm along I, J, K."""
        return self.in_plane_per_mm, self.in_plane_per_mm, self.through_plane_per_mm


def acquire_dense(
    heart: DigitalHeart,
    scan: SimulatedScan,
    settings: DenseSettings | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> DenseCine:
    """Image the beat of a scan once more, with displacement in the phase: same slices, breath holds and chest.

    Parameters
    ----------
    heart : DigitalHeart
    scan : SimulatedScan
        Of this heart, from end-diastole; it is not changed.
    settings : DenseSettings, optional
    rng : numpy.random.Generator, optional
        Draws the noise of the four images that every frame takes: a reference and one for each direction. By default
        one of a fixed seed.

    Returns
    -------
    DenseCine
        On the grid of the scan's cine, marked simulated. A magnitude of 1 is muscle's at end-diastole.

    Raises
    ------
    ValueError
        When the scan does not begin at end-diastole.

    Notes
    -----
    The complex signal is averaged over the slice before its phase is taken, as the scanner does, so a slice whose
    depths move differently loses magnitude. The reference carries no displacement; phases are ``arg(image conj(
    reference))``, so noise is correlated between directions, and larger where the magnitude is small.

    Examples
    --------
    >>> import cardiolib as cl
    >>> heart = cl.DigitalHeart()
    >>> acquire_dense(heart, cl.acquire(heart, phases=[0.0, 0.4]))
    DenseCine(simulated 96 x 96 x 12 voxels of 1.6 x 1.6 x 10 mm, 2 frames; 0.08, 0.08, 0.05 cycles/mm along I, J, K)
    """
    settings = DenseSettings() if settings is None else settings
    rng = np.random.default_rng(DEFAULT_SEED) if rng is None else rng
    beat, readout = Beat(heart, scan), _readout(settings)
    one = spoiled_signal(muscle(), **readout) * _recovered(beat, muscle().t1_ms, settings)
    bright, rate = beat.chest(**readout)
    chest = bright * (1.0 - np.exp(-rate * beat.rr_ms)) / one
    gain, n_phases = beat.gain(), len(scan.phases)
    magnitude = np.empty((n_phases, *beat.shape), np.float32)
    phase = np.empty((3, n_phases, *beat.shape), np.float32)
    for t, moment in enumerate(beat):
        still = chest * np.exp(-rate * moment.time_ms)
        images = [gain * image for image in _echoes(beat, moment, settings, still, one)]
        images = [image + _noise(image.shape, 1.0 / settings.snr, rng) for image in images]
        magnitude[t] = np.mean(np.abs(images), axis=0)
        phase[:, t] = [np.angle(image * np.conj(images[0])) for image in images[1:]]
    return DenseCine(
        magnitude.transpose(3, 2, 1, 0),
        phase.transpose(4, 3, 2, 1, 0),
        scan.cine.affine,
        settings.encoding_per_mm,
        frame_time_ms=scan.cine.frame_time_ms,
        simulated=True,
    )


def _echoes(beat: Beat, moment: Moment, settings: DenseSettings, still: Array, one: float) -> list[Array]:
    """(K, J, I) complex images without noise: the reference, and one for each direction."""
    readout, time = _readout(settings), moment.time_ms
    size = np.zeros(moment.shares.muscle.shape)
    for name in ("myocardium", "fat", "blood"):
        tissue, share = TISSUES[name], getattr(moment.shares, "muscle" if name == "myocardium" else name)
        rate = float(fading_per_ms(tissue.t1_ms, tr_ms=settings.tr_ms, flip_rad=readout["flip_rad"]))
        rate += 1.0 / settings.blood_mixing_ms if name == "blood" else 0.0
        strength = spoiled_signal(tissue, **readout) * _recovered(beat, tissue.t1_ms, settings) / one
        size += share * strength * np.exp(-rate * time)
    around = still.reshape(-1)[beat.pixels][:, None] * moment.shares.surroundings
    reference = beat.whole((size + around).astype(complex), still.astype(complex))
    encoded = [
        beat.whole(size * np.exp(2j * np.pi * k * moment.displacement_mm[..., axis]) + around, still.astype(complex))
        for axis, k in enumerate(settings.encoding_per_mm)
    ]
    return [reference, *encoded]


def _recovered(beat: Beat, t1_ms: float, settings: DenseSettings) -> float:
    """Share of the magnetisation that is back before the next beat is encoded."""
    rate = fading_per_ms(t1_ms, tr_ms=settings.tr_ms, flip_rad=_readout(settings)["flip_rad"])
    return float(1.0 - np.exp(-rate * beat.rr_ms))


def _readout(settings: DenseSettings) -> dict[str, float]:
    return {"tr_ms": settings.tr_ms, "te_ms": settings.te_ms, "flip_rad": float(np.deg2rad(settings.readout_flip_deg))}


def _noise(shape: tuple[int, ...], sd: float, rng: np.random.Generator) -> Array:
    return sd * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
