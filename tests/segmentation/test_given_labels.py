"""Labels that somebody drew, taken as a segmentation."""

from __future__ import annotations

import numpy as np
import pytest

import cardiolib as cl
from cardiolib.imaging import ACDC
from cardiolib.segmentation import segmentation_from_labels


@pytest.fixture(scope="module")
def scan():
    return cl.acquire(cl.DigitalHeart(), phases=[0.0, 0.4])


def test_volumes_and_verdict_are_those_of_the_labels(scan) -> None:
    found = segmentation_from_labels(scan.labels, scan.cine)
    assert (found.ed, found.es) == (0, 1) and found.quality.verdict == "ok"
    assert np.array_equal(found.volumes["lv_cavity_ml"], scan.labels.volume_ml("lv_cavity"))
    assert np.isnan(found.landmarks_world_mm).all() and found.labels.simulated


def test_what_a_scheme_does_not_name_is_not_known(scan) -> None:
    found = segmentation_from_labels(scan.labels.to_scheme(ACDC, drop=("rv_wall",)), scan.cine)
    assert found.volumes["rv_wall_ml"].isna().all() and found.labels.scheme.name == "ours"
    assert np.isnan(found.measures()["rv_mass_g"])


def test_labels_of_some_frames_only_are_refused(scan) -> None:
    one = cl.LabelMap(scan.labels.labels[..., :1], scan.labels.affine, scan.labels.scheme)
    with pytest.raises(ValueError, match="in every frame is needed"):
        segmentation_from_labels(one, scan.cine)
