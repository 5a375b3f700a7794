"""Slices of a scan side by side: to scale, with areas counted from the labels."""

import numpy as np
import pytest
from made_results import short_axis

from cardiolib import figures
from cardiolib.imaging import ACDC, OURS, Cine, LabelMap
from cardiolib.segmentation.segmented import SegmentedScan


def test_mosaic_keeps_millimetres_square_and_counts_areas():
    cine, predicted, truth = short_axis()
    figure, table = figures.short_axis_mosaic(SegmentedScan(cine, {"ED": 0}, predicted, truth))
    assert sorted(set(table["slice"])) == [0, 1, 2, 3]  # the empty top slice is not drawn
    figure.draw_without_rendering()
    for ax in figure.axes:
        box = ax.get_window_extent()
        width_mm, height_mm = np.ptp(ax.get_xlim()), np.ptp(ax.get_ylim())
        assert box.width / width_mm == pytest.approx(box.height / height_mm, rel=1e-3)
    row = table[(table["slice"] == 1) & (table["structure"] == "lv_cavity")].iloc[0]
    assert row["truth_mm2"] == pytest.approx(truth.mask("lv_cavity")[:, :, 1, 0].sum() * 3.0)
    one, other = (m.mask("lv_cavity")[:, :, 1, 0] for m in (predicted, truth))
    assert row["dice"] == pytest.approx(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_two_scans_are_drawn_to_one_scale():
    cine, predicted, truth = short_axis()
    other = Cine(cine.voxels[::2], np.diag([3.0, 2.0, 10, 1]))
    labels = LabelMap(truth.labels[::2], other.affine, OURS)
    beside = SegmentedScan(other, {"simulated ED": 0}, labels, labels)
    scan = SegmentedScan(cine, {"ED": 0, "ES": 2}, predicted, truth)
    figure, table = figures.short_axis_mosaic(scan, beside=beside)
    assert [row for row, _ in table.groupby("row", sort=False)] == ["ED", "ES", "simulated ED"]
    figure.draw_without_rendering()
    scales = {round(ax.get_window_extent().width / np.ptp(ax.get_xlim()), 6) for ax in figure.axes if ax.images}
    assert len(scales) == 1
    first = table[(table["slice"] == 1) & (table["structure"] == "lv_cavity")].set_index("row")["truth_mm2"]
    assert first["simulated ED"] == pytest.approx(first["ED"], rel=0.1)


def test_scale_bar_is_as_long_as_it_says():
    cine, _, truth = short_axis()
    figure, _ = figures.short_axis_mosaic(SegmentedScan(cine, {"ED": 0}, None, truth), scale_bar_mm=20)
    ax = figure.axes[0]
    (bar,) = [line for line in ax.get_lines() if line.get_transform() == ax.transAxes]
    figure.draw_without_rendering()
    assert np.ptp(bar.get_xdata()) * np.ptp(ax.get_xlim()) == pytest.approx(20)
    assert any(text.get_text() == "20 mm" for text in ax.texts)


def test_mosaic_refuses_labels_of_other_voxels_and_other_schemes_work():
    cine, _, truth = short_axis()
    with pytest.raises(ValueError, match="same voxels"):
        figures.short_axis_mosaic(SegmentedScan(cine, {"ED": 0}, None, LabelMap(np.zeros((3, 3, 3)), np.eye(4), OURS)))
    two = LabelMap(truth.labels[..., :2], truth.affine, OURS)
    with pytest.raises(ValueError, match="2 frames"):
        figures.short_axis_mosaic(SegmentedScan(cine, {"ED": 0}, None, two))
    _, table = figures.short_axis_mosaic(SegmentedScan(cine, {"ED": 0, "ES": 2}, None, two.to_scheme(ACDC)))
    assert set(table["structure"]) == {"lv_cavity", "lv_wall"}


def test_a_scan_that_is_not_there_is_a_sentence_and_beside_another_it_is_left_out():
    nothing = SegmentedScan.none("No reference labels.")
    drawing = figures.short_axis_mosaic(nothing)
    assert drawing.figure is None and drawing.reason == "No reference labels."
    cine, predicted, truth = short_axis()
    _, table = figures.short_axis_mosaic(SegmentedScan(cine, {"ED": 0}, predicted, truth), beside=nothing)
    assert set(table["row"]) == {"ED"}
