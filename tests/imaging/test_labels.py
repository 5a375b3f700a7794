"""Label schemes are converted by name, and checked against anatomy."""

import itertools
import pickle

import numpy as np
import pytest

from cardiolib.imaging import ACDC, MMS, OURS, SCHEMES, LabelMap, LabelScheme, check_scheme


def short_axis(scheme=OURS, rv_wall=True):
    """LV cavity disc in a ring of myocardium, RV crescent to its left; two slices, one frame."""
    i, j = np.ogrid[:48, :48]
    r = np.hypot(i - 30, j - 24)
    right = np.hypot(i - 18, j - 24)
    labels = np.zeros((48, 48, 2, 1), np.uint8)
    plane = np.zeros((48, 48), np.uint8)
    if rv_wall:
        plane[right < 14] = scheme.codes["rv_wall"]
    plane[right < 12] = scheme.codes["rv_cavity"]
    plane[r < 13] = scheme.codes["lv_wall"]
    plane[r < 8] = scheme.codes["lv_cavity"]
    labels[..., 0] = plane[..., None]
    return LabelMap(labels, np.diag([1.0, 1, 8, 1]), scheme)


def test_codes_of_the_three_data_sets():
    assert OURS.codes == {"lv_cavity": 1, "lv_wall": 2, "rv_wall": 3, "rv_cavity": 4}
    assert ACDC.codes == {"rv_cavity": 1, "lv_wall": 2, "lv_cavity": 3}
    assert MMS.codes == {"lv_cavity": 1, "lv_wall": 2, "rv_cavity": 3}
    assert SCHEMES["4dsegment"] == OURS and SCHEMES["acdc"] is ACDC


def test_conversion_keeps_every_structure_by_name():
    ours = short_axis(OURS, rv_wall=False)
    for scheme in (ACDC, MMS):
        other = ours.to_scheme(scheme)
        for structure in ("lv_cavity", "lv_wall", "rv_cavity"):
            np.testing.assert_array_equal(other.mask(structure), ours.mask(structure))
        np.testing.assert_array_equal(other.to_scheme(OURS).labels, ours.labels)
    assert ours.to_scheme(ACDC).labels.max() == 3


def test_structure_without_a_code_is_never_dropped_silently():
    ours = short_axis(OURS)
    with pytest.raises(ValueError, match="rv_wall.*drop"):
        ours.to_scheme(ACDC)
    dropped = ours.to_scheme(ACDC, drop=("rv_wall",))
    assert (dropped.labels[ours.mask("rv_wall")] == 0).all()
    with pytest.raises(ValueError, match="collection"):
        ours.to_scheme(ACDC, drop="rv_wall")


def test_volume_counts_voxels():
    label_map = LabelMap(np.ones((5, 4, 3), np.uint8), np.diag([2.0, -2, 10, 1]), OURS)
    np.testing.assert_allclose(label_map.volume_ml("lv_cavity"), [60 * 40 / 1000])
    assert label_map.volume_ml("rv_wall").tolist() == [0.0]


def test_scheme_of_the_drawing_is_plausible_and_says_why():
    assert "plausible" in check_scheme(short_axis())


@pytest.mark.parametrize("order", list(itertools.permutations(("lv_cavity", "lv_wall", "rv_cavity")))[1:])
def test_every_wrong_order_of_codes_is_noticed(order):
    right = short_axis(ACDC, rv_wall=False)
    codes = [ACDC.codes[name] for name in ("lv_cavity", "lv_wall", "rv_cavity")]
    wrong = LabelScheme("wrong", dict(zip(order, codes, strict=True)))
    with pytest.raises(ValueError, match="does not fit"):
        check_scheme(LabelMap(right.labels, right.affine, wrong))


def test_check_needs_both_cavities():
    label_map = LabelMap(np.ones((4, 4, 1), np.uint8), np.eye(4), OURS)
    with pytest.raises(ValueError, match="no (lv|rv)_cavity"):
        check_scheme(label_map)


@pytest.mark.parametrize(
    ("codes", "message"),
    [({"left": 1}, "names"), ({"lv_wall": 0}, "code"), ({"lv_wall": 1, "lv_cavity": 1}, "code"), ({}, "no struct")],
)
def test_bad_schemes_are_refused(codes, message):
    with pytest.raises(ValueError, match=message):
        LabelScheme("bad", codes)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.full((2, 2, 2), 7), r"labels \[7\]"),
        (np.full((2, 2, 2), 0.5), "whole numbers|fractions"),
        (np.full((2, 2, 2), np.nan), "NaN"),
        (np.full((2, 2, 2), -1), "0..255"),
        (np.full((2, 2, 2), 1 + 2j), "whole numbers"),
        (np.zeros((2, 2)), "axes"),
        (np.zeros((2, 2, 2, 2, 2)), "axes"),
        (np.zeros((2, 0, 2)), "empty"),
    ],
)
def test_bad_label_maps_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        LabelMap(labels, np.eye(4), OURS)


def test_unknown_structure_names_the_known_ones():
    with pytest.raises(ValueError, match="rv_wall.*it has"):
        short_axis(ACDC, rv_wall=False).mask("rv_wall")


def test_label_map_travels_between_processes():
    label_map = pickle.loads(pickle.dumps(short_axis()))
    assert label_map.scheme == OURS and hash(label_map.scheme) == hash(OURS)
