"""Parameters of a heart: validation and means."""

from __future__ import annotations

import dataclasses

import pytest

from cardiolib.digital_heart import PARAMETER_NAMES, HeartParameters, mean_parameters, parameters_at_severity


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lvef", 1.2),
        ("lvef", float("nan")),
        ("rvedv_ml", "150"),
        ("rv_half_angle_rad", 1.6),
        ("wall_mm", None),
        ("septal_flattening_es", -0.1),
        ("apex_height_mm", True),
    ],
)
def test_a_bad_value_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        HeartParameters(**{name: value})


def test_a_base_that_descends_too_far_is_refused():
    with pytest.raises(ValueError, match="tapse_mm and mapse_mm"):
        HeartParameters(tapse_mm=50.0, length_mm=70.0)


def test_parameters_are_frozen_numbers():
    p = mean_parameters("ph")
    assert set(PARAMETER_NAMES) == set(dataclasses.asdict(p))
    with pytest.raises(dataclasses.FrozenInstanceError):
        p.lvef = 0.5


def test_defaults_are_the_mean_control_heart():
    defaults, control = HeartParameters(), mean_parameters("control")
    for name in ("length_mm", "lvedv_ml", "rvedv_ml", "lvef", "rvef", "tapse_mm", "rv_half_angle_rad", "lag"):
        assert getattr(defaults, name) == pytest.approx(getattr(control, name), rel=0.01), name


def test_body_size_scales_lengths_and_volumes():
    small, large = (parameters_at_severity(0.3, bsa_m2=bsa) for bsa in (1.5, 2.2))
    assert large.lvedv_ml / small.lvedv_ml == pytest.approx(2.2 / 1.5)
    assert large.length_mm / small.length_mm == pytest.approx((2.2 / 1.5) ** (1 / 3))


def test_unknown_population_is_refused():
    with pytest.raises(ValueError, match="'control' or 'ph'"):
        mean_parameters("healthy")
