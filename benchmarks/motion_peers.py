"""Other people's registration as peers of the trackers: from end-diastole to end-systole, on the same volumes.

Both see what `cardiolib.motion.track` sees: slices interpolated to 3 mm, slice shifts undone, blood and muscle
normalised in every frame. The settings are the best of those that were tried on other simulated hearts.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from scipy.ndimage import map_coordinates
from skimage.registration import optical_flow_tvl1

from cardiolib.digital_heart import SimulatedScan
from cardiolib.imaging import LabelMap, voxel_from_world
from cardiolib.motion import TrackingSettings
from cardiolib.motion.tracking.volumes import prepare_volumes

Peer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Frames (T, X, Y, Z) and voxel size (3,) in mm -> displacement (3, X, Y, Z) in mm from the first frame to the last."""


def optical_flow(frames: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """scikit-image's TV-L1 flow, straight from the first frame to the last."""
    return optical_flow_tvl1(frames[0], frames[-1], attachment=30) * spacing_mm[:, None, None, None]


def demons(frames: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """SimpleITK's fast symmetric-forces demons, frame by frame, each beginning with the field of the one before."""
    import SimpleITK as sitk

    images = [sitk.GetImageFromArray(frame.T) for frame in frames]
    for image in images:
        image.SetSpacing([float(step) for step in spacing_mm])
    registration = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    registration.SetNumberOfIterations(100)
    registration.SetSmoothDisplacementField(True)
    registration.SetStandardDeviations(1.0)
    field = None
    for moving in images[1:]:
        field = registration.Execute(images[0], moving, *([] if field is None else [field]))
    return np.moveaxis(sitk.GetArrayFromImage(field), -1, 0).transpose(0, 3, 2, 1)


PEERS: dict[str, Peer] = {
    "optical flow (scikit-image)": optical_flow,
    "demons (SimpleITK)": demons,
}
_PACKAGES = {"demons (SimpleITK)": "SimpleITK"}  # an extra: the others are installed with cardiolib


def available_peers() -> dict[str, Peer]:
    """Those of `PEERS` whose package is installed."""
    return {name: peer for name, peer in PEERS.items() if name not in _PACKAGES or find_spec(_PACKAGES[name])}


def peer_positions(peer: Peer, scan: SimulatedScan, labels: LabelMap, points: np.ndarray, *, frame: int) -> np.ndarray:
    """Where a peer finds points (V, 3), world mm at end-diastole (frame 0), in a later frame."""
    volumes = prepare_volumes(scan.cine, labels, TrackingSettings(), ed_frame=0)
    moved = peer(volumes.channels[: frame + 1, 0], volumes.spacing_mm)
    at = voxel_from_world(volumes.local_to_world, points) / volumes.spacing_mm
    shift = np.stack([map_coordinates(part, at.T, order=1, mode="nearest") for part in moved], axis=-1)
    return points + shift @ volumes.local_to_world[:3, :3].T
