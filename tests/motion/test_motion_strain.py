"""Strain by segment: known stretches, known places, the digital heart's own contraction."""

import numpy as np
import pytest

from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.meshes import template_mesh
from cardiolib.motion.strain import SEGMENTS, aha_segments, eccentricity, strain_curves, strain_summary

REST = template_mesh().points


def test_segments_lie_where_their_names_say():
    rings = REST[1:961].reshape(20, 48, 3)
    segments = aha_segments()
    assert set(np.unique(segments)) == {0, *SEGMENTS}
    for number, name in SEGMENTS.items():
        place = rings[segments == number].mean(axis=0) - rings.mean(axis=(0, 1))
        if "anterior" in name:
            assert place[1] < 0, name
        if "inferior" in name:
            assert place[1] > 0, name
        if "lateral" in name:
            assert place[0] > 0, name
        if "sept" in name:
            assert place[0] < 0, name
    heights = [
        rings[np.isin(segments, group), 2].mean()
        for group in ((1, 2, 3, 4, 5, 6), (7, 8, 9, 10, 11, 12), (13, 14, 15, 16))
    ]
    assert heights[0] > heights[1] > heights[2]


def test_a_uniform_stretch_is_that_strain_everywhere():
    stretched = np.stack([REST, REST * [1, 1, 0.8], REST * 1.1])
    table = strain_curves(stretched)
    last = table[table["phase"] == 2]
    assert np.allclose(last[["circumferential", "longitudinal", "radial"]], 0.1)
    shortened = table[(table["phase"] == 1) & table["segment"].between(1, 6)]
    assert shortened["longitudinal"].between(-0.21, -0.12).all()
    assert (shortened["circumferential"].abs() < 0.03).all()


def test_turning_and_moving_the_heart_changes_nothing():
    heart = DigitalHeart(mean_parameters("ph")).surface_sequence(PHASES)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = heart @ rotation.T + [10, -4, 7]
    assert np.allclose(strain_curves(turned), strain_curves(heart))


def test_a_healthy_heart_shortens_thickens_and_stays_round():
    summary = strain_summary(DigitalHeart(mean_parameters("control")).surface_sequence(PHASES))
    assert -30 < summary["gcs_percent"] < -10
    assert -30 < summary["gls_percent"] < -8
    assert 15 < summary["grs_percent"] < 80
    assert 0.2 < summary["gcs_peak_time"] < 0.55
    assert summary["eccentricity_ed"] == pytest.approx(1.0, abs=0.15)
    assert abs(summary["septal_lateral_lag"]) < 0.1


def test_pulmonary_hypertension_flattens_the_septum():
    control, ph = (
        strain_summary(DigitalHeart(mean_parameters(kind)).surface_sequence(PHASES)) for kind in ("control", "ph")
    )
    assert ph["eccentricity_max"] > control["eccentricity_max"] + 0.03


def test_eccentricity_of_an_oval():
    oval = np.stack([REST, REST * [0.8, 1, 1]])
    ratio = eccentricity(oval)
    assert ratio[1] / ratio[0] == pytest.approx(1 / 0.8, rel=1e-3)


def test_times_of_two_phases_are_not_known():
    heart = DigitalHeart(mean_parameters("ph"))
    summary = strain_summary(heart.surface_sequence(np.array([0.0, heart.es_phase])))
    assert np.isnan(summary["gcs_peak_time"]) and np.isnan(summary["septal_lateral_lag"])
    assert summary["gcs_percent"] < -10


def test_other_points_are_refused():
    with pytest.raises(ValueError, match="3683"):
        strain_curves(np.zeros((3, 202, 3)))
