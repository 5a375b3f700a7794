"""A simulated scan with its known labels, tracked with far too few iterations, so that it takes a second."""

from __future__ import annotations

import numpy as np
import pytest

import cardiolib as cl
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.motion import TrackingSettings
from cardiolib.scan import ScanResult, analyse_scan
from cardiolib.segmentation import Segmentation, segmentation_from_labels

QUICK = TrackingSettings.fast(prior="none", coarse_iterations=2, fine_iterations=2)
PHASES = np.arange(0, 1, 0.2)


@pytest.fixture(scope="session")
def scan():
    coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    return cl.acquire(cl.DigitalHeart(), coarse, phases=PHASES, rng=np.random.default_rng(1))


@pytest.fixture(scope="session")
def found(scan) -> Segmentation:
    return segmentation_from_labels(scan.labels, scan.cine)


@pytest.fixture(scope="session")
def result(scan, found) -> ScanResult:
    return analyse_scan(scan.cine, segmentation=found, settings=QUICK, scan_id="heart")


class KnownLabels:
    """In the place of a network: gives known labels, and counts how often it was asked."""

    def __init__(self, labels: cl.LabelMap) -> None:
        self.labels, self.asked = labels, 0

    def __call__(self, cine: cl.Cine, network: object = None) -> Segmentation:
        self.asked += 1
        return segmentation_from_labels(self.labels, cine)


@pytest.fixture
def known_labels(scan, monkeypatch: pytest.MonkeyPatch) -> KnownLabels:
    """Every cine is segmented by the known labels of `scan`."""
    known = KnownLabels(scan.labels)
    monkeypatch.setattr("cardiolib.scan.result.segment", known)
    return known
