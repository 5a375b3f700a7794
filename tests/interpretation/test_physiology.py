"""Clinical measures of hearts whose function is set by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.interpretation import change_with_risk, function_over_cycle, physiology
from cardiolib.interpretation.physiology import UNITS, describe_change
from cardiolib.meshes import SurfaceMesh, decimated_mesh

SHIFT = "septal shift to the left at end-systole"


def measured(**changes):
    positions = DigitalHeart(replace(mean_parameters("ph"), **changes)).points202(PHASES)
    return physiology(positions, decimated_mesh(positions[0]))


@pytest.fixture(scope="module")
def usual():
    return measured()


def test_each_measure_follows_what_it_measures(usual):
    assert list(usual) == list(UNITS)
    assert measured(tapse_mm=12.0)["TAPSE"] < usual["TAPSE"] - 2
    late = measured(lag=mean_parameters("ph").lag + 0.05)
    assert late["time of end-systole"] > usual["time of end-systole"] + 2
    assert measured(septal_flattening_es=0.9)[SHIFT] > usual[SHIFT] + 1
    weak = measured(rvef=0.30)
    assert weak["RV ejection fraction"] < usual["RV ejection fraction"] - 10
    assert weak["circumferential strain, free wall"] > usual["circumferential strain, free wall"]


@pytest.mark.parametrize("rvef", [0.30, 0.44, 0.55])
def test_the_ejection_fraction_of_202_points_is_near_the_true_one(rvef):
    assert measured(rvef=rvef)["RV ejection fraction"] == pytest.approx(100 * rvef, abs=3)


def test_a_heart_that_turns_and_moves_as_a_whole_has_the_same_measures(usual):
    positions = DigitalHeart(mean_parameters("ph")).points202(PHASES)
    mesh = decimated_mesh(positions[0])
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    moved = physiology(positions @ rotation.T + [10.0, -20, 5], mesh)
    assert moved == pytest.approx(usual, abs=1e-6)


def test_curves_begin_at_rest(rv_mesh):
    table = function_over_cycle(DigitalHeart(mean_parameters("ph")).points202(PHASES), rv_mesh)
    assert table.iloc[0].tolist() == pytest.approx([0, 100, 0, 0, 0])
    assert table["rv_volume_percent"].min() < 80
    still = function_over_cycle(np.repeat(rv_mesh.points[None], 6, axis=0), rv_mesh)
    assert still.drop(columns=["phase", "rv_volume_percent"]).abs().to_numpy().max() < 1e-9


def test_changes_are_told_largest_first_and_with_their_truth(usual):
    high = {**usual, "TAPSE": usual["TAPSE"] / 2, SHIFT: usual[SHIFT] * 1.1}
    true_high = {**usual, "TAPSE": usual["TAPSE"] * 1.2, SHIFT: usual[SHIFT] * 1.2}
    table = change_with_risk(usual, high, usual, true_high)
    assert table.loc["TAPSE", "change"] == pytest.approx(-usual["TAPSE"] / 2)
    assert not table.loc["TAPSE", "same direction"]
    assert table.loc[SHIFT, "same direction"]
    sentences = describe_change(table)
    assert sentences[0].startswith("TAPSE")
    assert "the OTHER direction" in sentences[0]
    assert "true change" not in change_with_risk(usual, high)


def test_what_is_not_accepted(rv_mesh):
    with pytest.raises(ValueError, match="at least 4 phases"):
        physiology(np.zeros((3, 202, 3)), rv_mesh)
    only_free = SurfaceMesh(rv_mesh.points, rv_mesh.triangles, np.full(202, rv_mesh.region.min()))
    with pytest.raises(ValueError, match="rv_septum"):
        function_over_cycle(np.repeat(rv_mesh.points[None], 5, axis=0), only_free)
