"""Other people's registration as peers of the trackers: from end-diastole to end-systole, on the same volumes.

All see what `cardiolib.motion.track` sees: slice shifts undone, blood and muscle normalised in every frame. In 3D,
slices are interpolated to 3 mm; slice by slice they are as they were imaged, and nothing moves across them. The
settings are the best of those that were tried on other simulated hearts.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from scipy.ndimage import map_coordinates
from skimage.registration import optical_flow_tvl1

from cardiolib.digital_heart import SimulatedScan
from cardiolib.imaging import Cine, LabelMap, voxel_from_world
from cardiolib.motion import TrackingSettings
from cardiolib.motion.tracking.volumes import prepare_volumes

Peer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Frames (T, ...) of d axes, voxel size (d,) in mm -> displacement (d, ...) in mm from the first to the last frame."""

NATIVE_MM = 1000.0
"""A distance of slices so large that `prepare_volumes` puts none between those that were imaged."""


def optical_flow(frames: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """scikit-image's TV-L1 flow, straight from the first frame to the last."""
    flow = optical_flow_tvl1(frames[0], frames[-1], attachment=30)
    return flow * spacing_mm.reshape(-1, *(1,) * len(spacing_mm))


def demons(frames: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """SimpleITK's fast symmetric-forces demons, frame by frame, each beginning with the field of the one before."""
    import SimpleITK as sitk

    images = [_image(frame, spacing_mm) for frame in frames]
    registration = sitk.FastSymmetricForcesDemonsRegistrationFilter()
    registration.SetNumberOfIterations(100)
    registration.SetSmoothDisplacementField(True)
    registration.SetStandardDeviations(1.0)
    field = None
    for moving in images[1:]:
        field = registration.Execute(images[0], moving, *([] if field is None else [field]))
    return np.moveaxis(sitk.GetArrayFromImage(field), -1, 0).transpose(0, *range(len(spacing_mm), 0, -1))


def bspline(frames: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """SimpleITK's B-spline deformation (control points 15 mm apart, LBFGS-B, three resolutions), straight."""
    import SimpleITK as sitk

    fixed, moving = (_image(frame, spacing_mm) for frame in (frames[0], frames[-1]))
    size = [max(1, round(n * float(step) / 15.0)) for n, step in zip(fixed.GetSize(), spacing_mm, strict=True)]
    registration = sitk.ImageRegistrationMethod()
    registration.SetMetricAsMeanSquares()
    if len(spacing_mm) == 3:  # every voxel would take minutes
        registration.SetMetricSamplingStrategy(registration.REGULAR)
        registration.SetMetricSamplingPercentage(0.1)
    registration.SetInterpolator(sitk.sitkLinear)
    registration.SetOptimizerAsLBFGSB(gradientConvergenceTolerance=1e-5, numberOfIterations=60)
    if min(fixed.GetSize()) >= 16:
        registration.SetShrinkFactorsPerLevel([4, 2, 1])
        registration.SetSmoothingSigmasPerLevel([2, 1, 0])
    transform = sitk.BSplineTransformInitializer(fixed, size)
    registration.SetInitialTransform(transform, True)
    found = registration.Execute(fixed, moving)
    field = sitk.TransformToDisplacementField(
        found, sitk.sitkVectorFloat64, fixed.GetSize(), fixed.GetOrigin(), fixed.GetSpacing(), fixed.GetDirection()
    )
    return np.moveaxis(sitk.GetArrayFromImage(field), -1, 0).transpose(0, *range(len(spacing_mm), 0, -1))


PEERS: dict[str, Peer] = {
    "optical flow (scikit-image)": optical_flow,
    "demons (SimpleITK)": demons,
    "B-spline (SimpleITK)": bspline,
}
_PACKAGES = {name: "SimpleITK" for name in PEERS if "SimpleITK" in name}  # an extra


def available_peers() -> dict[str, Peer]:
    """Those of `PEERS` whose package is installed."""
    return {name: peer for name, peer in PEERS.items() if name not in _PACKAGES or find_spec(_PACKAGES[name])}


def slice_by_slice(peer: Peer) -> Peer:
    """The peer on every slice by itself: frames (T, X, Y, Z) -> displacement (3, X, Y, Z) that is 0 across slices."""

    def moved(frames: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
        planes = [peer(np.ascontiguousarray(frames[..., k]), spacing_mm[:2]) for k in range(frames.shape[-1])]
        in_plane = np.stack(planes, axis=-1)
        return np.concatenate([in_plane, np.zeros_like(in_plane[:1])])

    return moved


def peer_motion(
    peer: Peer, cine: Cine, labels: LabelMap, *, ed_frame: int, steps: int, slices: bool = False
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """What takes points (V, 3), world mm at end-diastole, to the frame `steps` later; and the slice shifts undone.

    Parameters
    ----------
    slices : bool
        Slice by slice.
    """
    settings = TrackingSettings(slice_mm=NATIVE_MM) if slices else TrackingSettings()
    volumes = prepare_volumes(cine, labels, settings, ed_frame=ed_frame)
    found = (slice_by_slice(peer) if slices else peer)(volumes.channels[: steps + 1, 0], volumes.spacing_mm)

    def move(points: np.ndarray) -> np.ndarray:
        at = voxel_from_world(volumes.local_to_world, points) / volumes.spacing_mm
        shift = np.stack([map_coordinates(part, at.T, order=1, mode="nearest") for part in found], axis=-1)
        return points + shift @ volumes.local_to_world[:3, :3].T

    return move, volumes.slice_shift_mm


def peer_positions(peer: Peer, scan: SimulatedScan, labels: LabelMap, points: np.ndarray, *, frame: int) -> np.ndarray:
    """Where a peer finds points (V, 3), world mm at end-diastole (frame 0), in a later frame."""
    return peer_motion(peer, scan.cine, labels, ed_frame=0, steps=frame)[0](points)


def _image(frame: np.ndarray, spacing_mm: np.ndarray):
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(frame.T.astype(np.float32))
    image.SetSpacing([float(step) for step in spacing_mm])
    return image
