"""A simulated scan with its known labels, tracked with far too few iterations, so that it takes a second."""

from __future__ import annotations

import numpy as np
import pytest
from made_scans import PHASES, QUICK, KnownLabels

import cardiolib as cl
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.scan import ScanResult, analyse_scan
from cardiolib.segmentation import Segmentation, segmentation_from_labels


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


@pytest.fixture
def known_labels(scan, monkeypatch: pytest.MonkeyPatch) -> KnownLabels:
    """Every cine is segmented by the known labels of `scan`."""
    known = KnownLabels(scan.labels)
    monkeypatch.setattr("cardiolib.scan.result.segment", known)
    return known
