"""Locating points of space: labels and radii agree with the motion of material points."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.digital_heart import DigitalHeart, parameters_at_severity
from cardiolib.digital_heart.anatomy import Bearing

HEART = DigitalHeart(parameters_at_severity(0.6))
PHASE = 0.3


def _points(n=40_000):
    return np.random.default_rng(0).uniform([-95, -60, -5], [45, 60, 115], (n, 3))


def test_material_of_each_wall_gets_its_label():
    rng, p, anatomy = np.random.default_rng(1), HEART.parameters, HEART.motion.anatomy
    share = rng.uniform(0.05, 0.95, 500)
    at, Z = Bearing.of(rng.uniform(-np.pi, np.pi, 500)), rng.uniform(1, p.length_mm - 0.1, 500)
    left = anatomy.left(at, Z)
    low = np.maximum(left.endo, 0)
    points = HEART.move(low + share * (left.epi - low), at.psi + np.pi, Z, PHASE, sheet="lv")
    assert (HEART.locate(points, PHASE).label == 2).all()

    at = Bearing.of(rng.uniform(-0.95, 0.95, 500) * p.rv_half_angle_rad)
    Z = rng.uniform(anatomy.rv_apex_mm + 1, anatomy.rv_base(at.psi) - 0.1)
    low, high = anatomy.right(at, Z, anatomy.left(at, Z).epi)
    points = HEART.move(low + share * (high - low), at.psi + np.pi, Z, PHASE, sheet="rv")
    assert (HEART.locate(points, PHASE).label == 3).all()


def test_radii_and_material_coordinates_are_those_of_the_inverse():
    points = _points()
    found = HEART.locate(points, PHASE)
    left = found.label == 2
    Q, Th, Z = HEART.material(points[left], PHASE, sheet="lv")
    np.testing.assert_allclose(found.Z_left[left], Z, atol=1e-10)
    np.testing.assert_allclose(np.exp(1j * found.Th[left]), np.exp(1j * Th), atol=1e-11)
    epi = HEART.move(HEART.motion.anatomy.left(Bearing.of(Th - np.pi), Z).epi, Th, Z, PHASE, sheet="lv")
    q, _, _ = HEART.motion.unplace(epi, HEART.motion.phase(PHASE))
    np.testing.assert_allclose(found.r_lv_epi[left], np.sqrt(q), atol=1e-9)
    right = found.label == 3
    np.testing.assert_allclose(found.Z_right[right], HEART.material(points[right], PHASE, sheet="rv")[2], atol=1e-10)


def test_surfaces_are_nested():
    found = HEART.locate(_points(), PHASE)
    assert (found.r_lv_endo <= found.r_lv_epi).all()
    assert (found.r_lv_epi <= found.r_rv_endo).all()
    assert (found.r_rv_endo <= found.r_rv_epi).all()
    assert ((found.label == 1) == ((found.r < found.r_lv_endo) & found.below_base & found.has_cavity)).all()


def test_float32_stays_float32_and_close():
    points = _points()
    single, double = HEART.locate(points.astype(np.float32), PHASE), HEART.locate(points, PHASE)
    for name, value in single._asdict().items():
        if value.dtype.kind == "f":
            assert value.dtype == np.float32, name
    assert (single.label != double.label).mean() < 1e-3
    inside = double.label > 0
    for name in ("r", "r_lv_endo", "r_lv_epi", "r_rv_endo", "r_rv_epi"):
        difference = np.abs(getattr(single, name) - getattr(double, name))[inside]
        assert np.quantile(difference, 0.999) < 2e-3, name


def test_the_rv_wall_keeps_a_floor_at_the_insertions_and_fades_beyond():
    p, anatomy = HEART.parameters, HEART.motion.anatomy
    psi = np.array([0.0, p.rv_half_angle_rad, p.rv_half_angle_rad + p.rv_cuff_rad])
    low, high = anatomy.right(Bearing.of(psi), 60.0, anatomy.left(Bearing.of(psi), 60.0).epi)
    thickness = np.sqrt(high) - np.sqrt(low)
    np.testing.assert_allclose(thickness, np.array([1.0, p.rv_wall_floor, 0.0]) * p.rv_wall_mm, atol=1e-9)


def test_the_septum_is_round_near_the_apex_and_flat_at_the_middle():
    anatomy = HEART.motion.anatomy
    at = Bearing.of(np.array([0.0, np.pi]))

    def flatness(Z):
        septal, lateral = np.sqrt(anatomy.left(at, Z).endo)
        return 1 - septal / lateral

    assert flatness(8.5) < 1e-3
    assert flatness(50.0) > 0.05


def test_points_need_three_coordinates():
    with pytest.raises(ValueError, match=r"\(\.\.\., 3\)"):
        HEART.locate(np.zeros((4, 2)), 0.0)
