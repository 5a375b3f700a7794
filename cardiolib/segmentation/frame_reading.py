"""What a network reads of one frame, and what it answers: the step that `segment_scan` repeats for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.digital_heart import LANDMARKS
from cardiolib.imaging import Cine
from cardiolib.printed import as_html
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.heart_place import locate_heart
from cardiolib.segmentation.network import CLASSES
from cardiolib.segmentation.plane import PlaneGrid, network_stacks
from cardiolib.segmentation.prediction import predict_stack
from cardiolib.segmentation.shipped import default_network


@dataclass(frozen=True, eq=False, repr=False)
class FrameReading:
    """One frame as a network reads it, and its answer, both on the network's own pixels.

    Attributes
    ----------
    cine : Cine
    frame : int
    grid : PlaneGrid
        Where the network's window lies in the image, its pixel size and how it is turned.
    stack : (K, H, W) float32 array
        Intensities, -0.5 to 0.5.
    classes : (K, 5, H, W) float32 array
        Probability of each class of `CLASSES` (background first); 1 in sum at every pixel.
    landmarks : (6, K, H/2, W/2) float32 array
        Probability of each place for each landmark of `cardiolib.digital_heart.LANDMARKS`; 1 in sum over the stack.
    step : int
        A slice is read with those so many slices before and after it (more than 1 where slices are thin).
    """

    cine: Cine
    frame: int
    grid: PlaneGrid
    stack: np.ndarray
    classes: np.ndarray
    landmarks: np.ndarray
    step: int

    def neighbours(self, k: int) -> np.ndarray:
        """(3, H, W): slice `k` between its two neighbours; at the ends of the stack the slice itself is repeated."""
        n = len(self.stack)
        if not 0 <= k < n:
            raise ValueError(f"the stack has slices 0 to {n - 1}; given {k}")
        beside = [one if 0 <= one < n else k for one in (k - self.step, k, k + self.step)]
        return self.stack[beside]

    def landmark_slices(self) -> dict[str, int]:
        """Name of each landmark -> the slice that holds most of its probability."""
        most = self.landmarks.sum(axis=(2, 3)).argmax(axis=1)
        return {name: int(k) for name, k in zip(LANDMARKS, most, strict=True)}

    def __repr__(self) -> str:
        n, height, width = self.stack.shape
        return "\n  ".join(
            [
                f"FrameReading of frame {self.frame}: {n} slices of {height} x {width} pixels of "
                f"{self.grid.pixel_mm:g} mm",
                f"input {self.stack.shape}, intensities {self.stack.min():.2f} to {self.stack.max():.2f}",
                f"class probabilities {self.classes.shape}: {', '.join(CLASSES)}",
                f"landmark probabilities {self.landmarks.shape}: {', '.join(LANDMARKS)}",
            ]
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self))


def read_frame(cine: Cine, frame: int = 0, network: TrainedNetwork | None = None) -> FrameReading:
    """Let a network read one frame: find the heart, cut out its window, turn and scale it, and ask for the answer.

    Parameters
    ----------
    cine : Cine
        Its slices lie along K.
    frame : int
    network : TrainedNetwork, optional
        By default the one that `cardiolib.segment` uses.

    Returns
    -------
    FrameReading

    Raises
    ------
    ValueError
        If the cine has no such frame.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.segmentation import read_frame
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0], rng=np.random.default_rng(1))
    >>> seen = read_frame(scan.cine)
    >>> seen.stack.ndim, seen.neighbours(5).shape[0], seen.classes.shape[1]
    (3, 3, 5)
    >>> bool(np.allclose(seen.classes.sum(axis=1), 1, atol=1e-4))
    True
    """
    if not 0 <= frame < cine.n_frames:
        raise ValueError(f"the cine has frames 0 to {cine.n_frames - 1}; given {frame}")
    trained = default_network() if network is None else network
    grid = locate_heart(trained, cine).grid
    stack = network_stacks(grid, cine.voxels)[frame]
    slice_mm = float(cine.spacing_mm[2])
    found = predict_stack(trained, stack, slice_step_mm=slice_mm)
    step = min(max(1, round(trained.settings["neighbour_mm"] / slice_mm)), len(stack))
    return FrameReading(cine, frame, grid, stack, found.classes, found.landmarks, step)
