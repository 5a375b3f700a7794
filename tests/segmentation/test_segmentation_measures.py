"""Measures against shapes with known answers and against naive implementations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.imaging import ACDC, OURS, LabelMap
from cardiolib.segmentation import agreement, clinical_measures, compare_label_maps, dice, surface_distances


def naive_surface(mask):
    """Every voxel with a face neighbour outside, one by one."""
    points = []
    for index in np.argwhere(mask):
        for axis in range(mask.ndim):
            for step in (-1, 1):
                other = index.copy()
                other[axis] += step
                outside = not 0 <= other[axis] < mask.shape[axis]
                if outside or not mask[tuple(other)]:
                    points.append(index)
                    break
            else:
                continue
            break
    return np.array(points)


def naive_distances(first, second, spacing):
    a, b = naive_surface(first) * spacing, naive_surface(second) * spacing
    table = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
    there, back = table.min(1), table.min(0)
    return {
        "hausdorff_mm": max(there.max(), back.max()),
        "hausdorff95_mm": max(np.percentile(there, 95), np.percentile(back, 95)),
        "assd_mm": (there.sum() + back.sum()) / (len(there) + len(back)),
    }


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), density=st.floats(0.05, 0.9))
def test_surface_distances_against_naive(seed, density):
    rng = np.random.default_rng(seed)
    first, second = rng.random((2, 5, 6, 4)) < density
    first[0, 0, 0] = second[-1, -1, -1] = True
    spacing = np.array([1.25, 0.7, 8.0])
    expected = naive_distances(first, second, spacing)
    assert surface_distances(first, second, spacing_mm=spacing) == pytest.approx(expected)
    swapped = surface_distances(second, first, spacing_mm=spacing)
    assert swapped == pytest.approx(expected)


def test_surface_distances_of_a_shifted_box():
    first = np.zeros((20, 20, 6), bool)
    first[4:10, 5:11, 1:4] = True
    second = np.roll(first, 3, axis=0)
    found = surface_distances(first, second, spacing_mm=(2.0, 1.0, 10.0))
    assert found["hausdorff_mm"] == pytest.approx(6.0)
    along_k = surface_distances(first, np.roll(first, 1, axis=2), spacing_mm=(2.0, 1.0, 10.0))
    assert along_k["hausdorff_mm"] == pytest.approx(10.0)


def test_equal_masks_have_no_distance_and_full_overlap():
    mask = np.zeros((6, 6), bool)
    mask[1:4, 2:5] = True
    assert dice(mask, mask) == 1
    assert set(surface_distances(mask, mask, spacing_mm=(1, 1)).values()) == {0.0}


def test_dice_counts():
    first, second = np.zeros(10, bool), np.zeros(10, bool)
    first[:4] = True
    second[2:8] = True
    assert dice(first, second) == pytest.approx(2 * 2 / (4 + 6))
    assert dice(first, ~first) == 0


def test_empty_masks_are_nan_not_zero():
    empty, full = np.zeros((3, 3, 3), bool), np.ones((3, 3, 3), bool)
    assert np.isnan(dice(empty, empty))
    assert dice(empty, full) == 0
    for pair in ((empty, full), (full, empty), (empty, empty)):
        assert all(np.isnan(v) for v in surface_distances(*pair, spacing_mm=(1, 1, 1)).values())


def test_wrong_shapes_and_spacings_are_refused():
    mask = np.ones((3, 3, 3), bool)
    with pytest.raises(ValueError, match="shapes"):
        dice(mask, mask[:2])
    with pytest.raises(ValueError, match="spacing_mm needs 3"):
        surface_distances(mask, mask, spacing_mm=(1, 1))
    with pytest.raises(ValueError, match="positive"):
        surface_distances(mask, mask, spacing_mm=(1, 1, 0))


def two_frame_map(scheme=OURS):
    labels = np.zeros((10, 10, 5, 2), np.uint8)
    labels[:4, :5, :, 0] = scheme.codes["lv_cavity"]  # 100 voxels at ED
    labels[:2, :5, :, 1] = scheme.codes["lv_cavity"]  # 50 at ES
    labels[4:5, :, :, :] = scheme.codes["lv_wall"]  # 50
    labels[5:9, :, :, 0] = scheme.codes["rv_cavity"]  # 200
    labels[5:8, :, :, 1] = scheme.codes["rv_cavity"]  # 150
    return LabelMap(labels, np.diag([2.0, 2.0, 5.0, 1.0]), scheme)  # 20 mm3 a voxel


def test_clinical_measures_by_hand():
    row = clinical_measures(two_frame_map(), ed=0, es=1)
    assert row["lv_edv_ml"] == pytest.approx(2.0)
    assert row["lv_esv_ml"] == pytest.approx(1.0)
    assert row["lvef_percent"] == pytest.approx(50)
    assert row["rv_sv_ml"] == pytest.approx(1.0)
    assert row["rvef_percent"] == pytest.approx(25)
    assert row["lv_mass_g"] == pytest.approx(1.05 * 1.0)
    assert np.isnan(row["rv_mass_g"])
    assert "rv_mass_g" not in clinical_measures(two_frame_map(ACDC), ed=0, es=1)


def test_compare_label_maps_matches_structures_by_name_across_schemes():
    table = compare_label_maps(two_frame_map(OURS), two_frame_map(ACDC), frames={"ED": 0, "ES": 1})
    assert set(table["structure"]) == {"lv_cavity", "lv_wall", "rv_cavity"}
    assert (table["dice"] == 1).all() and (table["volume_ml"] == table["true_volume_ml"]).all()
    with pytest.raises(ValueError, match="cannot be compared"):
        compare_label_maps(two_frame_map(), LabelMap(np.zeros((2, 2, 2, 1), np.uint8), np.eye(4), OURS))


def test_agreement_recovers_known_bias_and_limits():
    rng = np.random.default_rng(3)
    truth = pd.DataFrame({"ef": rng.normal(50, 10, 4000)}, index=[f"s{i}" for i in range(4000)])
    found = (truth + rng.normal(-3, 2, (4000, 1))).sample(frac=1, random_state=1)  # rows in another order
    row = agreement(found, truth).loc["ef"]
    assert row["n"] == 4000
    assert row["bias"] == pytest.approx(-3, abs=0.15)
    assert row["upper_limit"] - row["lower_limit"] == pytest.approx(2 * 1.96 * 2, rel=0.05)
    assert row["correlation"] == pytest.approx(10 / np.sqrt(104), abs=0.01)


def test_agreement_handles_missing_and_constant_columns():
    truth = pd.DataFrame({"a": [1.0, 2.0, np.nan], "b": [5.0, 5.0, 5.0]}, index=list("xyz"))
    table = agreement(truth + 1, truth)
    assert table.loc["a", "n"] == 2 and table.loc["a", "bias"] == 1
    assert np.isnan(table.loc["b", "correlation"])
    with pytest.raises(ValueError, match="share no subject"):
        agreement(truth, truth.rename(index=str.upper))
