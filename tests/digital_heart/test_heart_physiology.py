"""Known physiology: strains, TAPSE, volume ratio and septal shape of simulated controls and PH patients.

Ranges: the means of the note (section 12) plus or minus its spread, which the literature of its section 9 brackets.
"""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.digital_heart import DigitalHeart, parameters_from_row, simulate_population
from cardiolib.digital_heart.anatomy import Bearing

N = 40


def _ring(heart, t, depth):
    """180 material points around the LV at 0.55 L; depth 0 endocardium, 0.5 mid-wall, 1 epicardium."""
    at, Z = Bearing.of(np.linspace(-np.pi, np.pi, 180, endpoint=False)), 0.55 * heart.parameters.length_mm
    left = heart.motion.anatomy.left(at, np.full(180, Z))
    return heart.move(left.endo + depth * (left.epi - left.endo), at.psi + np.pi, Z, t, sheet="lv")


def _length(points):
    return np.linalg.norm(np.diff(points, axis=-2), axis=-1).sum(-1)


def _change(values):
    return values[1] / values[0] - 1


def _measure(heart):
    p, anatomy, L = heart.parameters, heart.motion.anatomy, heart.parameters.length_mm
    left_times, right_times = [0.0, heart.es_time], [0.0, min(heart.es_time + p.lag, 0.6)]
    mid, endo, epi = (_ring(heart, left_times, depth) for depth in (0.5, 0.0, 1.0))
    Z = np.linspace(0.2 * L, L, 81)
    lateral, septal = Bearing.of(np.full(81, -np.pi)), Bearing.of(np.zeros(81))
    lv_line = heart.move(anatomy.left(lateral, Z).endo, 0.0, Z, left_times, sheet="lv")
    septum = anatomy.left(septal, Z).epi
    free = anatomy.right(septal, Z, septum)[0]
    rv_line = heart.move(free, np.pi, Z, right_times, sheet="rv")
    septal_line = heart.move(septum, np.pi, Z, right_times, sheet="lv")
    late = _ring(heart, right_times[1], 0.0)
    closed = [np.concatenate([ring, ring[:, :1]], axis=1) for ring in (mid, endo)]
    middle = np.argmin(np.abs(Z - 0.55 * L))
    return {
        "gcs_mid": _change(_length(closed[0])),
        "gcs_endo": _change(_length(closed[1])),
        "grs": _change(np.linalg.norm(epi - endo, axis=-1)).mean(),
        "gls_lv": _change(_length(lv_line)),
        "ls_rv": _change(_length(rv_line)),
        "tapse": rv_line[0, -1, 2] - rv_line[1, -1, 2],
        "shortening": -_change(np.linalg.norm(rv_line - septal_line, axis=-1)[:, middle]),
        "ratio": p.rvedv_ml / p.lvedv_ml,
        "eccentricity": np.ptp(late[:, 1]) / np.ptp(late[:, 0]),
        "lv_mass": 1.05 * float(heart.volumes_ml(0.0)["lv_wall"]),
    }


@pytest.fixture(scope="module")
def measured():
    """{kind: ({name: (N,) values}, (N,) severity)}"""
    found = {}
    for kind in ("control", "ph"):
        table = simulate_population(N, kind=kind, rng=np.random.default_rng(2019))
        rows = [_measure(DigitalHeart(parameters_from_row(row))) for _, row in table.iterrows()]
        found[kind] = {name: np.array([row[name] for row in rows]) for name in rows[0]}, table["severity"]
    return found


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("gcs_mid", -0.22, -0.16),
        ("gcs_endo", -0.36, -0.28),
        ("grs", 0.47, 0.61),
        ("gls_lv", -0.22, -0.17),
        ("ls_rv", -0.33, -0.26),
        ("tapse", 21.0, 26.0),
        ("shortening", 0.17, 0.33),
        ("ratio", 0.91, 1.27),
        ("eccentricity", 0.98, 1.08),
        ("lv_mass", 105.0, 135.0),
    ],
)
def test_controls_are_healthy(measured, name, low, high):
    assert low < measured["control"][0][name].mean() < high


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("gcs_mid", -0.22, -0.15),
        ("gls_lv", -0.21, -0.15),
        ("ls_rv", -0.26, -0.17),
        ("tapse", 14.0, 20.0),
        ("shortening", 0.06, 0.20),
        ("ratio", 1.27, 1.90),
        ("eccentricity", 1.10, 1.40),
    ],
)
def test_patients_have_pulmonary_hypertension(measured, name, low, high):
    assert low < measured["ph"][0][name].mean() < high


def test_severe_patients_have_an_eccentric_left_ventricle_at_end_systole(measured):
    values, severity = measured["ph"]
    assert values["eccentricity"][severity > 0.7].mean() == pytest.approx(1.3, abs=0.1)


def test_every_wall_thickens_and_shortens_in_controls(measured):
    values, _ = measured["control"]
    assert (values["grs"] > 0.2).all() and (values["gcs_mid"] < -0.05).all() and (values["gls_lv"] < -0.1).all()
