"""One beat of a scanned heart, phase by phase, as another pulse sequence of the same visit sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import painting
from .acquisition import SimulatedScan, drawing_parts, rows_mm, sample_points
from .heart import DigitalHeart
from .location import Located
from .origins import check_begins_at_ed, ed_origins
from .painting import Shares
from .tissue import TISSUES, Relaxation, TissueSignals, fading_per_ms, spoiled_signal

Array = NDArray[np.float64]


class Moment(NamedTuple):
    """What M pixels of S sub-slices show at one phase."""

    time_ms: float  # since end-diastole
    shares: Shares
    displacement_mm: Array  # (M, S, 3) since end-diastole, along I, J, K; of the tissue that is here now


class Beat:
    """The moments of one beat, and what surrounds the heart.

    Parameters
    ----------
    heart : DigitalHeart
    scan : SimulatedScan
        Of this heart, from end-diastole.

    Attributes
    ----------
    pixels : (M,) array
        Flat index in (K, J, I) of the pixels that the heart may reach.
    places_mm : (M, S, 3) array
        Where their sub-slices are in the scanner, along I, J, K.
    rr_ms : float
        Length of the beat.
    """

    def __init__(self, heart: DigitalHeart, scan: SimulatedScan) -> None:
        check_begins_at_ed(scan)
        self._heart, self._scan = heart, scan
        self._points, self.pixels, self._drawn = sample_points(heart, scan.settings, scan.pose, scan.phases)
        self.shape: tuple[int, int, int] = scan.cine.shape[::-1]
        k = self.pixels // (self.shape[1] * self.shape[2])
        self._turn = scan.pose.heart_to_scanner[:3, :3]
        shift = scan.pose.slice_shift_mm[k]
        self.places_mm = self._points @ self._turn.T + scan.pose.heart_to_scanner[:3, 3] + shift[:, None]
        self.rr_ms = 60000.0 / heart.parameters.heart_rate_per_min

    def __iter__(self) -> Iterator[Moment]:
        settings, look = self._scan.settings, self._scan.look
        nothing = np.zeros(self.shape, np.float32)
        chest = painting.draw_surroundings(rows_mm(settings), look.texture, look.islands, look.signals)
        chest = chest._replace(background=nothing)
        near = painting.Surroundings._make(array.reshape(-1)[self.pixels][:, None] for array in chest)
        for phase in self._scan.phases:
            at = self._heart.locate(self._points, float(phase))
            shares = painting.shares(
                at,
                near,
                drawn=self._drawn,
                length_mm=self._heart.parameters.length_mm,
                **drawing_parts(self._heart, settings, look, float(phase)),
            )
            moved = np.zeros(self._points.shape)
            seen = shares.surroundings < 1.0
            part = Located._make(array[seen] for array in at)
            points = self._points[seen].astype(float)
            moved[seen] = (points - ed_origins(self._heart, points, float(phase), at=part)) @ self._turn.T
            yield Moment(float(phase) * self.rr_ms, shares, moved)

    def voxel_centres_mm(self) -> Array:
        """(K, J, I, 3) places of all voxels in the scanner, along I, J, K."""
        k, j, i = np.indices(self.shape)
        to_scanner = self._scan.pose.voxel_to_scanner
        return np.stack([i, j, k], axis=-1) @ to_scanner[:3, :3].T + to_scanner[:3, 3]

    def gain(self) -> NDArray[np.float32]:
        """(K, J, I) coil sensitivity and texture, as in the cine."""
        look = self._scan.look
        return (1.0 + self._scan.settings.texture_sd * look.texture) * look.bias

    def chest(self, *, tr_ms: float, te_ms: float, flip_rad: float) -> tuple[NDArray[np.float32], Array]:
        """(K, J, I) signal of the chest in a spoiled gradient-echo image, and the rate at which it fades, per ms."""
        look, rows = self._scan.look, rows_mm(self._scan.settings)
        readout = {"tr_ms": tr_ms, "te_ms": te_ms, "flip_rad": flip_rad}
        blood = spoiled_signal(TISSUES["blood"], **readout)
        signal = {name: spoiled_signal(tissue, **readout) / blood for name, tissue in TISSUES.items()}
        t1 = {name: tissue.t1_ms for name, tissue in TISSUES.items()}
        bright, slow = (
            painting.draw_surroundings(rows, texture, look.islands, TissueSignals(**values)).background
            for texture, values in ((look.texture, signal), (np.zeros_like(look.texture), t1))
        )
        return bright * np.float32(blood), fading_per_ms(slow, tr_ms=tr_ms, flip_rad=flip_rad)

    def whole(self, values: np.ndarray, background: np.ndarray) -> np.ndarray:
        """(K, J, I) image: the mean over the sub-slices (M, S) where the heart may be, the background elsewhere."""
        image = background.copy()
        image.reshape(-1)[self.pixels] = values.mean(axis=1)
        return image


def muscle() -> Relaxation:
    """Relaxation of the myocardium."""
    return TISSUES["myocardium"]


def prepared(modulation: Array, rate_per_ms: Array | float, rr_ms: float) -> Array:
    """Magnetisation just after the preparation, as a multiple of what it would be without any, beat after beat.

    A piece of tissue meets the same modulation m in every beat and relaxes towards 1 in between, so before the
    preparation it has reached ``(1 - E) / (1 - m E)`` with ``E = exp(-R RR)``.
    """
    kept = np.exp(-np.asarray(rate_per_ms) * rr_ms)
    return modulation * (1.0 - kept) / (1.0 - modulation * kept)
