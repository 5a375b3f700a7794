"""Hearts of named kinds: what defines a kind holds for every heart of it."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.digital_heart import HEART_KINDS, DigitalHeart, heart_of_kind, parameters_from_row
from cardiolib.digital_heart.anatomy import Bearing

KINDS = pytest.mark.parametrize("kind", HEART_KINDS)


def drawn(kind, n=12):
    rng = np.random.default_rng(8)
    rows = [heart_of_kind(kind, rng) for _ in range(n)]
    return rows, [DigitalHeart(parameters_from_row(row)) for row in rows]


def thickest_mm(heart):
    p, anatomy = heart.parameters, heart.motion.anatomy
    psi, Z = np.meshgrid(np.linspace(-np.pi, np.pi, 73), np.linspace(0.3, 0.95, 20) * p.length_mm)
    left = anatomy.left(Bearing.of(psi), Z)
    return float((np.sqrt(left.epi) - np.sqrt(left.endo)).max())


@KINDS
def test_every_heart_has_the_volumes_and_fractions_of_its_kind(kind):
    rows, hearts = drawn(kind)
    for row, heart in zip(rows, hearts, strict=True):
        found = {
            **heart.ejection_fractions(),
            **{f"{side}edv_ml_m2": heart.volumes_ml(0.0)[f"{side}_cavity"] / row["bsa_m2"] for side in ("lv", "rv")},
        }
        for name, value in found.items():
            low, high = HEART_KINDS[kind][name]
            assert low - 1e-5 <= value <= high + 1e-3, (name, value)
        assert row["kind"] == kind


def test_acdc_would_put_them_into_its_classes():
    """The definitions of the challenge (see the module's references), which the ranges were written from."""
    for row, heart in zip(*drawn("dilated"), strict=True):
        assert heart.volumes_ml(0.0)["lv_cavity"] / row["bsa_m2"] >= 100 and heart.ejection_fractions()["lvef"] <= 0.4
        assert thickest_mm(heart) < 13
    for _, heart in zip(*drawn("infarcted"), strict=True):
        assert heart.ejection_fractions()["lvef"] < 0.45 and heart.parameters.region_contraction_loss > 0.5
    for row, heart in zip(*drawn("rv_dilated"), strict=True):
        assert heart.volumes_ml(0.0)["rv_cavity"] / row["bsa_m2"] >= 100
    thick = [thickest_mm(heart) for heart in drawn("hypertrophic", 20)[1]]
    normal = [thickest_mm(heart) for heart in drawn("normal", 20)[1]]
    assert np.median(thick) > 15 > 12 > np.median(normal)


def test_the_same_generator_gives_the_same_heart_and_another_one_another():
    one, same, other = (heart_of_kind("failing", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one == same and one != other


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="kind must be one of normal, vigorous, .*got 'athlete'"):
        heart_of_kind("athlete", np.random.default_rng(1))
