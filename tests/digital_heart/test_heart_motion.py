"""The motion of the walls: exact, incompressible, invertible, and what the model's equations say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters, parameters_at_severity
from cardiolib.digital_heart.anatomy import Bearing
from cardiolib.digital_heart.volumes import right_nodes

CONTROL = DigitalHeart(mean_parameters("control"))
PATIENT = DigitalHeart(replace(parameters_at_severity(0.9), rv_contraction_slope=0.2))
PLAIN = DigitalHeart(parameters_at_severity(0.9).without_extensions())
INFARCTED = DigitalHeart(
    replace(
        parameters_at_severity(0.2),
        lvef=0.3,
        mapse_mm=7.0,
        region_angle_rad=2.9,  # it reaches across the seam of the angle
        region_height=0.4,
        region_contraction_loss=1.2,
        region_thickening=-0.4,
    )
)
EVERY_HEART = {"control": CONTROL, "ph": PATIENT, "plain": PLAIN, "infarcted": INFARCTED}
HEARTS = pytest.mark.parametrize("heart", EVERY_HEART.values(), ids=EVERY_HEART)
SHEETS = pytest.mark.parametrize("sheet", ["lv", "rv"])


def wall_points(heart, sheet, n, rng):
    """Material coordinates of points inside one wall, a tenth of its thickness away from its surfaces."""
    p, anatomy = heart.parameters, heart.motion.anatomy
    half = np.pi if sheet == "lv" else p.rv_half_angle_rad * 0.98
    at = Bearing.of(rng.uniform(-half, half, 3 * n))
    top = p.length_mm if sheet == "lv" else anatomy.rv_base(at.psi)
    Z = rng.uniform(1.0 if sheet == "lv" else anatomy.rv_apex_mm + 0.5, top - 0.5, 3 * n)
    left = anatomy.left(at, Z)
    low, high = (np.maximum(left.endo, 0), left.epi) if sheet == "lv" else anatomy.right(at, Z, left.epi)
    keep = np.flatnonzero(np.sqrt(high) - np.sqrt(low) > 0.3)[:n]
    Q = low + rng.uniform(0.1, 0.9, 3 * n) * (high - low)
    return Q[keep], at.psi[keep] + np.pi, Z[keep]


def naive_position(heart, Q, Th, Z, t, sheet):
    """One point, from the equations of the note (sections 2-4 and 13), with scalars only."""
    p, R, D = heart.parameters, heart.motion.anatomy.radius_mm, heart.motion.anatomy.depth_mm
    k_l, k_r, L, Ze, al = heart.motion.k_left, heart.motion.k_right, p.length_mm, p.apex_height_mm, p.rv_half_angle_rad
    Zc, z_r = 0.72 * L, 0.17 * L

    def S(x):
        x = min(max(x, 0.0), 1.0)
        return x * x * (3 - 2 * x)

    def c(lag):
        rr = 60 / p.heart_rate_per_min
        t_es = min(max(0.8 * (0.546 - 0.0021 * p.heart_rate_per_min) / rr, 0.25), 0.5) + lag
        if t <= t_es:
            return math.sin(math.pi / 2 * t / t_es) ** 1.6
        value = 1 - 0.72 * S((t - t_es - 0.04) / min(0.192 / rr, 0.3)) - 0.28 * S((t - 0.82) / 0.16)
        return min(max(value, 0), 1)

    c_l, c_r = c(0.0), c(p.lag)

    def F(psi, d, half):
        if abs(psi) >= half:
            return 1.0
        window = S((1 - abs(psi) / half) / p.flattening_edge) if p.flattening_edge else 1.0
        return 1 - d * (1 - (math.cos(half) / math.cos(psi)) ** 2) * window

    def G(theta, ratio):
        turned = theta - p.lv_axis_angle_rad
        return 1 / (math.cos(turned) ** 2 / ratio + ratio * math.sin(turned) ** 2)

    def profile(height):
        return S((height / L - p.flattening_start) / p.flattening_rise) if p.flattening_rise else 1.0

    def flow(height):
        return 1 + (p.septal_flow - 1) * c_r * S((height - Ze) / (0.3 * L))

    def chi(psi, k):
        return 2 * math.atan(k * math.tan(psi / 2)), k / (math.cos(psi / 2) ** 2 + k**2 * math.sin(psi / 2) ** 2)

    def region(psi, Z):
        across = abs((psi - p.region_angle_rad + math.pi) % (2 * math.pi) - math.pi) / p.region_reach_rad
        along = abs(Z / L - p.region_height) / p.region_reach_height
        return S(1 - across) * S(1 - along) * S((Z - Ze) / (0.25 * L))

    def sheet_l(psi, Z):
        a0 = R**2 * (1 - ((Zc - Z) / (Zc - Ze)) ** 2)
        e0 = (R + p.wall_mm) ** 2 * (1 - ((Zc - Z) / Zc) ** 2)
        oval = G(math.pi + psi, p.lv_axis_ratio_ed)
        A0 = a0 * F(psi, p.septal_flattening_ed * profile(Z), al) * oval if a0 > 0 else a0
        thick = (1 + (math.sqrt(oval) - 1) * S((Z - Ze) / (0.25 * L))) * (1 + p.region_thickening * region(psi, Z))
        E0 = max(A0 + (e0 - a0) * thick, 0)
        eps = p.mapse_mm / L * c_l
        z, slope = Z * (1 - eps * (p.beta + (1 - p.beta) * Z / L)), 1 - eps * (p.beta + 2 * (1 - p.beta) * Z / L)
        moved, stretch = chi(psi, flow(z))
        half, _ = chi(al, flow(z))
        if a0 > 0:
            d = (p.septal_flattening_ed + (p.septal_flattening_es - p.septal_flattening_ed) * c_r) * profile(Z)
            ratio = p.lv_axis_ratio_ed + (p.lv_axis_ratio_es - p.lv_axis_ratio_ed) * c_r
            A = a0 * F(moved, d, half) * G(math.pi + moved, ratio)
            A *= 1 - k_l * c_l * (1 - p.region_contraction_loss * region(psi, Z))
        else:
            A = A0 / (slope * stretch)
        return A0, E0, A, max(A + (E0 - A0) / (slope * stretch), 0), z, slope * stretch, moved

    psi = (Th % (2 * math.pi)) - math.pi
    A0, E0, A, E, z, squeeze, moved = sheet_l(psi, Z)
    q = A + (Q - A0) / squeeze
    if sheet == "rv":
        eps_l = p.mapse_mm / L * c_l
        excess = (p.tapse_mm / L * c_r - eps_l) * min(max(1 - (psi / al) ** 2, 0), 1)
        v = min(max((Z - z_r) / (0.62 * L), 0), 1)
        delta = D * math.sqrt(v * (2 - v)) * (1 + 0.18 * psi / al * S((Z / L - 0.6) / 0.4))
        B0 = (math.sqrt(E0) + delta * (1 - (psi / al) ** 2)) ** 2
        if p.close_rv_apex:
            m, span = 0.4 * (L - z_r), L - z_r
            y = max(Z - z_r, 0)
            g, dg = (y**2, 2 * y) if y <= m else (m * (2 * y - m), 2 * m)
            K = L / (m * (2 * span - m))
            z = Z * (1 - eps_l * (p.beta + (1 - p.beta) * Z / L)) - excess * K * g
            slope = 1 - eps_l * (p.beta + 2 * (1 - p.beta) * Z / L) - excess * K * dg
        else:
            eps = eps_l + excess
            z = Z * (1 - eps * (p.beta + (1 - p.beta) * Z / L))
            slope = 1 - eps * (p.beta + 2 * (1 - p.beta) * Z / L)
        moved, stretch = chi(psi, flow(z))
        mu = min(max(1 - k_r * (1 + p.rv_contraction_slope * (Z / L - 0.55)) * c_r, 0.05), 2)
        q = E + (B0 - E0) * mu + (Q - B0) / (slope * stretch)
    turn = -p.twist_rad * c_l * (1 - 0.7 * S((math.sqrt(q) - 30) / 25)) * (0.72 - z / L)
    x = math.sqrt(q) * math.cos(math.pi + moved + turn) + p.axis_bend_x_mm * (z / L) ** 2 + p.sway_x_mm * c_l
    y = math.sqrt(q) * math.sin(math.pi + moved + turn) + p.axis_bend_y_mm * (z / L) ** 2 + p.sway_y_mm * c_l
    return x, y, z + p.base_tilt_x * x + p.base_tilt_y * y


@HEARTS
@SHEETS
def test_agrees_with_a_naive_second_implementation(heart, sheet):
    Q, Th, Z = wall_points(heart, sheet, 60, np.random.default_rng(0))
    for t in (0.0, 0.17, heart.es_time, 0.62, 0.9):
        expected = [naive_position(heart, *point, t, sheet) for point in zip(Q, Th, Z, strict=True)]
        np.testing.assert_allclose(heart.move(Q, Th, Z, t, sheet=sheet), expected, atol=1e-10)


@HEARTS
@SHEETS
@pytest.mark.parametrize("t", [0.15, 0.4, 0.7])
def test_walls_are_incompressible(heart, sheet, t):
    """det of the deformation gradient between ED and t, by central differences at 1,000 points."""
    Q, Th, Z = wall_points(heart, sheet, 1000, np.random.default_rng(1))
    rest = np.stack([np.sqrt(Q) * np.cos(Th), np.sqrt(Q) * np.sin(Th), Z], axis=-1)
    step, columns = 1e-4, {0.0: [], t: []}
    for axis in range(3):
        for phase, found in columns.items():
            ends = []
            for sign in (1, -1):
                x, y, z = (rest + sign * step * np.eye(3)[axis]).T
                ends.append(heart.move(x * x + y * y, np.arctan2(y, x), z, phase, sheet=sheet))
            found.append((ends[0] - ends[1]) / (2 * step))
    det = {phase: np.linalg.det(np.stack(found, axis=-1)) for phase, found in columns.items()}
    assert len(Q) == 1000
    np.testing.assert_allclose(det[t] / det[0.0], 1.0, atol=1e-6)


@HEARTS
@SHEETS
def test_inverse_returns_the_material_point(heart, sheet):
    Q, Th, Z = wall_points(heart, sheet, 500, np.random.default_rng(2))
    for t in PHASES:
        points = heart.move(Q, Th, Z, t, sheet=sheet)
        back = heart.material(points, t, sheet=sheet)
        np.testing.assert_allclose(back[0], Q, atol=1e-9)
        np.testing.assert_allclose(np.exp(1j * back[1]), np.exp(1j * Th), atol=1e-11)
        np.testing.assert_allclose(back[2], Z, atol=1e-10)
        np.testing.assert_allclose(heart.move(*back, t, sheet=sheet), points, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(severity=st.floats(0, 1), t=st.floats(0, 1, exclude_max=True), seed=st.integers(0, 99))
def test_inverse_for_any_severity_and_phase(severity, t, seed):
    heart = DigitalHeart(parameters_at_severity(severity))
    for sheet in ("lv", "rv"):
        Q, Th, Z = wall_points(heart, sheet, 20, np.random.default_rng(seed))
        points = heart.move(Q, Th, Z, t, sheet=sheet)
        back = heart.move(*heart.material(points, t, sheet=sheet), t, sheet=sheet)
        np.testing.assert_allclose(back, points, atol=1e-6)


def test_blood_moves_with_the_endocardium_and_comes_back():
    Z, Th = np.linspace(10, 80, 8), np.linspace(0, 6, 8)
    Q = 0.4 * CONTROL.motion.anatomy.left(Bearing.of(Th - np.pi), Z).endo
    points = CONTROL.move(Q, Th, Z, 0.3, sheet="lv")
    np.testing.assert_allclose(CONTROL.material(points, 0.3, sheet="lv")[0], Q, atol=1e-9)
    assert (CONTROL.locate(points, 0.3).label == 1).all()


@SHEETS
def test_end_diastole_names_the_points_of_an_upright_heart(sheet):
    Q, Th, Z = wall_points(PLAIN, sheet, 100, np.random.default_rng(3))
    expected = np.stack([np.sqrt(Q) * np.cos(Th), np.sqrt(Q) * np.sin(Th), Z], axis=-1)
    np.testing.assert_allclose(PLAIN.move(Q, Th, Z, 0.0, sheet=sheet), expected, atol=1e-10)


@HEARTS
@SHEETS
def test_the_cycle_closes(heart, sheet):
    Q, Th, Z = wall_points(heart, sheet, 100, np.random.default_rng(4))
    start, end, next_start = heart.move(Q, Th, Z, [0.0, 0.99, 1.0], sheet=sheet)
    np.testing.assert_allclose(end, start, atol=1e-10)
    np.testing.assert_allclose(next_start, start, atol=1e-10)


@SHEETS
def test_many_phases_at_once_are_single_phases_stacked(sheet):
    Q, Th, Z = wall_points(PATIENT, sheet, 40, np.random.default_rng(5))
    stacked = PATIENT.move(Q, Th, Z, PHASES, sheet=sheet)
    single = [PATIENT.move(Q, Th, Z, t, sheet=sheet) for t in PHASES]
    np.testing.assert_array_equal(stacked, single)


@HEARTS
def test_heights_do_not_fold_and_sheets_do_not_cross(heart):
    motion, nodes = heart.motion, right_nodes(heart.motion.anatomy)
    phase = motion.phase(PHASES, 1)
    right = motion.right(nodes.at, nodes.Z, phase)
    facing = motion.left(nodes.at, motion.height_inverse(right.z, phase), phase)
    assert (motion.height(nodes.Z, phase, motion.excess(nodes.at, phase))[1] > 0.2).all()
    # The plain model parts the sheets at the RV apex, so there B may fall short of E by a hair.
    assert (right.endo - facing.epi > (-1.0 if heart is PLAIN else 0.0)).all()


def test_sheets_touch_at_insertions_and_rv_apex_only_with_the_gap_closed():
    def gap(heart, psi, Z):
        at = Bearing.of(psi)
        Q = heart.motion.anatomy.left(at, Z).epi
        moved = [heart.move(Q, psi + np.pi, Z, PHASES, sheet=sheet) for sheet in ("lv", "rv")]
        return np.abs(moved[0] - moved[1]).max()

    p, z_r = PATIENT.parameters, PATIENT.motion.anatomy.rv_apex_mm
    half = p.rv_half_angle_rad
    for heart in (PATIENT, PLAIN):
        for side in (-half, half):
            assert gap(heart, np.full(9, side), np.linspace(z_r, p.length_mm, 9)) < 1e-9
    apex = np.linspace(-half, half, 9), np.full(9, z_r)
    assert gap(PATIENT, *apex) < 1e-9
    assert gap(PLAIN, *apex) > 0.05


def test_the_septum_meets_the_free_lv_wall_without_a_kink():
    def kink(heart):
        motion, half, step = heart.motion, heart.parameters.rv_half_angle_rad, 1e-5
        at = Bearing.of(half + step * np.arange(-2, 3))
        radius = np.sqrt(motion.left(at, 0.55 * heart.parameters.length_mm, motion.phase(heart.es_time)).endo)
        return abs((radius[4] - radius[2]) - (radius[2] - radius[0])) / (2 * step)

    assert kink(PATIENT) < 0.05
    assert kink(PLAIN) > 5.0


def test_apex_turns_counter_clockwise_seen_from_the_apex_and_base_the_other_way():
    p = PLAIN.parameters
    for Z, sign in ((8.0, -1.0), (p.length_mm, 1.0)):
        Q = PLAIN.motion.anatomy.left(Bearing.of(np.zeros(1)), Z).epi
        x, y, _ = PLAIN.move(Q, 0.0, Z, PLAIN.es_time, sheet="lv")[0]
        # y points down in the display from the apex, so counter-clockwise is a falling angle.
        assert sign * math.atan2(y, x) > 0.01


def test_base_descends_by_mapse_and_tapse():
    p = PLAIN.parameters
    lateral = PLAIN.move(1500.0, 0.0, p.length_mm, [0.0, PLAIN.es_time], sheet="lv")
    assert lateral[0, 2] - lateral[1, 2] == pytest.approx(p.mapse_mm)
    heart = DigitalHeart(replace(p, close_rv_apex=True))
    for model in (PLAIN, heart):
        free = model.move(5000.0, np.pi, p.length_mm, [0.0, model.es_time + p.lag], sheet="rv")
        assert free[0, 2] - free[1, 2] == pytest.approx(p.tapse_mm)


def test_an_akinetic_region_does_not_contract_and_the_rest_makes_up_for_it():
    p = replace(mean_parameters("control").without_extensions(), lvef=0.35, region_angle_rad=2.0)
    even, akinetic = (DigitalHeart(replace(p, region_contraction_loss=loss)) for loss in (0.0, 1.0))

    def share_left(heart, psi):
        Z = p.region_height * p.length_mm
        at, t = Bearing.of(np.array([psi])), heart.es_time
        state = heart.motion.left(at, np.array([Z]), heart.motion.phase(t, 1))
        return float(np.asarray(state.endo / state.ed.endo).ravel()[0])

    assert share_left(akinetic, 2.0) == pytest.approx(1.0)
    assert share_left(akinetic, -0.9) < share_left(even, -0.9) < 1
    assert akinetic.ejection_fractions()["lvef"] == pytest.approx(0.35, abs=1e-6)


def test_a_thickened_region_is_as_much_thicker_as_it_says():
    p = replace(mean_parameters("control"), lv_axis_ratio_ed=1.0, region_height=0.6)
    plain, thick = (DigitalHeart(replace(p, region_thickening=more)).motion.anatomy for more in (0.0, 0.7))
    at, Z = Bearing.of(np.array([p.region_angle_rad, p.region_angle_rad + np.pi])), np.full(2, 0.6 * p.length_mm)
    before, after = plain.left(at, Z), thick.left(at, Z)
    np.testing.assert_allclose((after.epi - after.endo) / (before.epi - before.endo), [1.7, 1.0])


def test_sheet_must_be_named():
    with pytest.raises(ValueError, match="sheet must be 'lv' or 'rv'"):
        CONTROL.move(100.0, 0.0, 40.0, 0.0, sheet="septum")
