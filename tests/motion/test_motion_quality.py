import numpy as np
import pytest

from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.meshes import template_mesh
from cardiolib.motion import (
    TrackedCohort,
    TrackedSubject,
    annular_excursion_mm,
    assess_quality,
    edge_strain,
    ejection_fraction,
    endpoint_errors,
    heart_components,
    quality_table,
    right_ventricular_indices,
)
from cardiolib.motion.quality import edge_ratios, flipped_fraction, volume_jump

GOOD = {"folded_fraction": 0.0, "jacobian_sd": 0.1, "closure_mm": 0.0, "fit_mm": 0.6, "fit_flipped": 0.0}


@pytest.mark.parametrize(
    "measure, value, flag",
    [
        ("folded_fraction", 0.01, "folding"),
        ("jacobian_sd", 0.8, "volume_ratio"),
        ("closure_mm", 5.0, "closure"),
        ("fit_mm", 9.0, "fit"),
        ("fit_flipped", 0.1, "fit_folding"),
        ("fit_mm", float("nan"), "fit"),
    ],
)
def test_each_flag_with_its_reason(measure, value, flag):
    assert assess_quality(GOOD).ok
    verdict = assess_quality(GOOD | {measure: value})
    assert not verdict.ok and verdict.flags == (flag,)
    assert "limit" in verdict.reasons[0]


def test_a_frame_that_jumps_is_flagged():
    smooth = 100 - 30 * (1 - np.cos(2 * np.pi * np.arange(20) / 20))
    torn = smooth.copy()
    torn[7] += 60
    assert volume_jump(smooth) < 0.3
    assert assess_quality(GOOD, volumes_ml={"lv_cavity": smooth}).ok
    assert assess_quality(GOOD, volumes_ml={"lv_cavity": torn}).flags == ("volume_jump",)


def test_flips_and_edges():
    mesh = template_mesh()
    assert flipped_fraction(mesh, mesh.points + 3) == 0
    assert np.allclose(edge_ratios(mesh, 2 * mesh.points), 2)
    pushed = mesh.points.copy()
    pushed[1500] += 30
    assert flipped_fraction(mesh, pushed) > 0


def test_endpoint_errors_by_hand():
    truth = np.zeros((2, 3, 3)) + [[10, 0, 0], [0, 10, 5], [0, -10, 5]]
    truth[1] += [0, 0, -6]
    predicted = truth.copy()
    predicted[1, 0] += [3, 0, 4]  # radial 3, longitudinal 4
    predicted[1, 1] += [2, 0, 0]  # circumferential
    table = endpoint_errors(predicted, truth, region=["a", "b", "b"], heart_to_world=np.eye(4)).set_index(
        ["region", "frame"]
    )
    assert table.loc[("a", 1), ["error_mm", "radial_mm", "longitudinal_mm"]].tolist() == pytest.approx([5, 3, 4])
    assert table.loc[("b", 1), ["error_mm", "circumferential_mm", "n"]].tolist() == pytest.approx([1, 1, 2])
    assert (table.loc[("a", 0), "error_mm"], table.loc[("a", 1), "zero_motion_mm"]) == (0, 6)


def test_a_constant_offset_is_no_displacement_error():
    truth = np.random.default_rng(0).normal(size=(4, 5, 3))
    arguments = {"region": ["a"] * 5, "heart_to_world": np.eye(4)}
    assert endpoint_errors(truth + 2, truth, **arguments)["error_mm"].min() > 3
    assert endpoint_errors(truth + 2, truth, **arguments, from_displacement=True)["error_mm"].max() < 1e-12


def test_components_keep_length_in_any_pose():
    rng = np.random.default_rng(1)
    pose = np.eye(4)
    pose[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    vectors, points = rng.normal(size=(2, 50, 3))
    assert np.allclose(np.linalg.norm(heart_components(vectors, points, pose), axis=1), np.linalg.norm(vectors, axis=1))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"predicted": np.zeros((2, 4, 3))}, "one shape"),
        ({"region": ["a"]}, "names each"),
        ({"truth": np.full((2, 3, 3), np.nan)}, "finite"),
    ],
)
def test_evaluation_refuses(change, words):
    given = {"predicted": np.zeros((2, 3, 3)), "truth": np.zeros((2, 3, 3)), "region": ["a"] * 3} | change
    with pytest.raises(ValueError, match=words):
        endpoint_errors(given.pop("predicted"), given.pop("truth"), heart_to_world=np.eye(4), **given)


def test_indices_of_the_mean_hearts_are_those_that_were_put_in():
    found = {}
    for kind in ("control", "ph"):
        heart = DigitalHeart(mean_parameters(kind))
        found[kind] = right_ventricular_indices(heart.points202(PHASES))
        assert found[kind]["tapse_mm"] == pytest.approx(heart.parameters.tapse_mm, rel=0.25)
    for name in ("longitudinal_strain", "circumferential_strain"):
        assert found["control"][name] < found["ph"][name] < 0


def test_simple_indices():
    base = np.array([[0, 0, 50.0], [0, 0, 38.0], [3, 0, 50.0]])
    assert annular_excursion_mm(base, np.zeros(3)).tolist() == [0, 12, 0]
    assert ejection_fraction(np.array([100.0, 60, 80])) == pytest.approx(0.4)
    square = np.array([[0, 0, 0], [1, 0, 0]], float)
    assert edge_strain(np.stack([square, 0.8 * square]), np.array([0]), np.array([1])) == pytest.approx([0, -0.2])
    with pytest.raises(ValueError, match="begins above 0"):
        ejection_fraction(np.zeros(3))


def test_a_mesh_that_contradicts_its_labels_is_flagged():
    beat = (1 - np.cos(2 * np.pi * np.arange(20) / 20)) / 2
    labels = {"lv_cavity": 150 - 90 * beat, "rv_cavity": 160 - 80 * beat}  # EF 60 and 50 %
    agrees = {"lv_cavity": 140 - 80 * beat, "rv_cavity": 150 - 72 * beat}  # 57 and 48 %
    assert assess_quality(GOOD, volumes_ml=labels, mesh_volumes_ml=agrees).ok
    damped = {"lv_cavity": 140 - 68 * beat, "rv_cavity": 150 - 72 * beat}  # 49 %
    verdict = assess_quality(GOOD, volumes_ml=labels, mesh_volumes_ml=damped)
    assert verdict.flags == ("ejection_fraction",)
    assert "lv_cavity" in verdict.reasons[0] and "49 %" in verdict.reasons[0] and "60 %" in verdict.reasons[0]
    assert verdict.measures["ef_gap_lv_cavity_points"] == pytest.approx(60 - 100 * 68 / 140)


def test_labels_without_a_cavity_at_end_diastole_say_nothing_about_ejection():
    curves = {"rv_cavity": np.r_[0.0, np.full(19, 60.0)]}
    mesh = {"rv_cavity": np.linspace(100, 50, 20)}
    measures = assess_quality(GOOD, volumes_ml=curves, mesh_volumes_ml=mesh).measures
    assert not any(name.startswith("ef_") for name in measures)


def test_ejection_fractions_of_a_cohort_stand_side_by_side():
    curves = {"lv_cavity": np.array([100.0, 60, 50, 70])}
    verdict = assess_quality(GOOD, volumes_ml=curves, mesh_volumes_ml={"lv_cavity": np.array([100.0, 60, 58, 70])})
    nowhere = np.full((2, 202, 3), np.nan)
    one = TrackedSubject("A", nowhere, nowhere, verdict, nowhere)
    table = TrackedCohort([one], quality_table([one])).ejection_fractions
    assert table.loc["A", "LV, labels"] == pytest.approx(50) and table.loc["A", "LV, mesh"] == pytest.approx(42)
    assert np.isnan(table.loc["A", "RV, mesh"]) and not table.loc["A", "ok"]
    assert TrackedCohort([], quality_table([])).ejection_fractions.empty
