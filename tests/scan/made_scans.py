"""What tests of this folder make scans of, and change about them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import cardiolib as cl
from cardiolib.motion import Quality, TrackingSettings
from cardiolib.motion.heart_motion import HeartMotion
from cardiolib.scan import ScanResult
from cardiolib.segmentation import Segmentation, segmentation_from_labels

QUICK = TrackingSettings.fast(prior="none", coarse_iterations=2, fine_iterations=2)
PHASES = np.arange(0, 1, 0.2)


class KnownLabels:
    """In the place of a network: gives known labels, and counts how often it was asked."""

    def __init__(self, labels: cl.LabelMap) -> None:
        self.labels, self.asked = labels, 0

    def __call__(self, cine: cl.Cine, network: object = None) -> Segmentation:
        self.asked += 1
        return segmentation_from_labels(self.labels, cine)


def part(scan, *, frames=slice(None), slices=slice(None)):
    """The same scan with fewer frames or slices, and its labels."""
    cine = replace(scan.cine, voxels=scan.cine.voxels[:, :, slices, frames])
    return cine, replace(scan.labels, labels=scan.labels.labels[:, :, slices, frames])


def with_quality(result: ScanResult, *flags: str) -> ScanResult:
    quality = Quality(not flags, flags, tuple(f"because of {flag}" for flag in flags), {})
    return replace(result, motion=HeartMotion(replace(result.motion.tracked, quality=quality)))
