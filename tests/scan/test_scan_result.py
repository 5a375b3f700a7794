"""One scan: its verdicts, what cannot be given, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_scans import QUICK, part, with_quality

import cardiolib as cl
from cardiolib.scan import analyse_scan
from cardiolib.segmentation import TrainedNetwork, segmentation_from_labels
from cardiolib.verdicts import DO_NOT_USE, LOOK, OK


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [((), OK), (("ejection_fraction",), LOOK), (("closure", "folding"), DO_NOT_USE), (("fit",), DO_NOT_USE)],
)
def test_the_motion_has_the_verdict_of_its_worst_flag(result, flags, verdict) -> None:
    judged = with_quality(result, *flags)
    assert judged.verdicts.loc["motion", "verdict"] == judged.verdict == verdict
    assert all(f"because of {flag}" in judged.verdicts.loc["motion", "reason"] for flag in flags)


def test_motion_is_never_better_than_the_labels_it_was_tracked_from(result, scan) -> None:
    swapped = scan.labels.labels.copy()
    for one, other in (("lv_cavity", "rv_cavity"), ("rv_cavity", "lv_cavity")):
        swapped[scan.labels.mask(one)] = scan.labels.scheme.code(other)
    wrong = segmentation_from_labels(replace(scan.labels, labels=swapped), scan.cine)
    judged = replace(with_quality(result), segmentation=wrong)
    assert wrong.quality.verdict == DO_NOT_USE
    assert judged.verdicts.loc["motion", "verdict"] == DO_NOT_USE
    assert "tracked from labels" in judged.verdicts.loc["motion", "reason"]
    assert set(judged.indices.loc[judged.indices["source"] == "tracked mesh", "verdict"]) == {DO_NOT_USE}


def test_a_scan_prints_itself_with_its_mark(result) -> None:
    assert repr(result).startswith("ScanResult heart: simulated scan, ") and result.simulated
    assert "LV ejection fraction" in result._repr_html_() and len(repr(result)) < 1500


def test_one_frame_gives_labels_and_says_why_there_is_no_motion(scan) -> None:
    cine, labels = part(scan, frames=[0])
    one = analyse_scan(cine, segmentation=segmentation_from_labels(labels, cine), scan_id="one")
    assert one.motion is None and "one frame" in one.lacks
    assert one.verdicts.loc["motion", "verdict"] == one.verdict == DO_NOT_USE
    truth = cl.DigitalHeart().volumes_ml([0.0])["lv_cavity"][0]
    assert one.indices.loc["lv_cavity_volume_ml", "value"] == pytest.approx(truth, rel=0.1)
    assert not any("ef" in name for name in one.indices.index)


def test_two_slices_give_labels_and_no_motion(scan) -> None:
    cine, labels = part(scan, slices=slice(4, 6))
    two = analyse_scan(cine, segmentation=segmentation_from_labels(labels, cine), scan_id="two")
    assert two.motion is None and "2 slices" in two.lacks and "lv_ef_labels_percent" in two.indices.index


def test_what_the_tracker_refuses_is_told(scan, monkeypatch) -> None:
    def refuse(*_, **__):
        raise ValueError("heart cannot be tracked: the field is empty")

    monkeypatch.setattr("cardiolib.scan.result.track", refuse)
    found = segmentation_from_labels(scan.labels, scan.cine)
    lost = analyse_scan(scan.cine, segmentation=found, settings=QUICK, scan_id="heart")
    assert lost.motion is None and lost.lacks == "cannot be tracked: the field is empty"


def test_one_slice_and_no_heart_are_refused_in_a_sentence(scan) -> None:
    cine, labels = part(scan, slices=[5])
    with pytest.raises(ValueError, match="a: the image has one slice"):
        analyse_scan(cine, segmentation=segmentation_from_labels(labels, cine), scan_id="a")
    nothing = replace(scan.labels, labels=np.zeros_like(scan.labels.labels))
    with pytest.raises(ValueError, match="no left ventricle was found in any of its 5 frames"):
        analyse_scan(scan.cine, segmentation=segmentation_from_labels(nothing, scan.cine))


def test_the_network_that_labelled_is_named(scan, result) -> None:
    network = TrainedNetwork.untrained(widths=(2, 4))
    cine, _ = part(scan, frames=[0])
    found = cl.segment(cine, network)
    assert replace(result, segmentation=found).read_by["network"] == network.fingerprint()
    assert result.read_by == {"network": "", "about": "labels that were given"}


def test_labels_of_another_size_are_refused(scan) -> None:
    cine, _ = part(scan, frames=[0, 1])
    with pytest.raises(ValueError, match="a label of every voxel"):
        segmentation_from_labels(scan.labels, cine)
