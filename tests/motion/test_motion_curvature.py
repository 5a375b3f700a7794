"""Septal curvature and the mitral ring's excursion: spheres, flat and bowed walls, the digital heart's own MAPSE."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.meshes import MATCHED_VERTICES, enclosed_volume_ml, extract_regions, template_mesh
from cardiolib.motion import Quality, TrackedSubject, mitral_excursion_mm, mitral_indices, wall_curvature
from cardiolib.motion.curvature import cavity_volumes_ml, end_systole, septal_curvature
from cardiolib.motion.tracked import TrackedCohort, conventional_indices, cycle_curves

REST = template_mesh().points
PH = DigitalHeart(mean_parameters("ph")).surface_sequence(PHASES)


def sphere(radius: float) -> np.ndarray:
    """The template (V, 3) with both surfaces of its LV on one sphere; the middle ring is the equator."""
    points = REST.copy()
    angle = 2 * np.pi * np.arange(48) / 48
    height = radius * np.linspace(-0.95, 0.855, 20)
    height[10] = 0.0
    around = np.sqrt(radius**2 - height**2)
    rings = np.stack(
        [np.outer(around, np.cos(angle)), np.outer(around, np.sin(angle)), np.outer(height, np.ones(48))], -1
    ).reshape(-1, 3)
    for name in ("lv_endo", "lv_epi"):
        points[template_mesh().region_mask(name)] = np.vstack([[0, 0, -radius], rings])
    return points


@pytest.mark.parametrize("radius", [15.0, 25.0, 60.0])
def test_a_sphere_has_one_over_its_radius_everywhere(radius):
    ball = sphere(radius)[None]
    assert wall_curvature(ball) == pytest.approx(1 / radius)
    assert wall_curvature(ball, "free wall") == pytest.approx(1 / radius)
    assert septal_curvature(ball)["septal_curvature_ratio_es"] == pytest.approx(1.0)


@pytest.mark.parametrize("depth", [5.0, 12.0, 17.0])
def test_a_flat_septum_is_0_and_one_bowed_to_the_left_is_negative(depth):
    """The septum of a ball of radius 25 cut off at x = -depth, or mirrored there; the free wall stays as it is."""
    ball = sphere(25.0)
    flat, bowed = ball.copy(), ball.copy()
    cap = (ball[:, 0] < -depth) & template_mesh().region_mask("lv_endo", "lv_epi")
    flat[cap, 0] = -depth
    bowed[cap, 0] = -2 * depth - ball[cap, 0]
    beat = np.stack([ball, flat, bowed])
    assert wall_curvature(beat) == pytest.approx([1 / 25, 0, -1 / 25], abs=1e-9)
    assert wall_curvature(beat, "free wall") == pytest.approx([1 / 25] * 3)
    found = septal_curvature(beat)
    assert found["septal_curvature_min_per_mm"] == pytest.approx(-1 / 25)
    assert end_systole(beat) == 2 and found["septal_curvature_ratio_es"] == pytest.approx(-1.0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.3, 3.0), mirrored=st.booleans())
def test_where_the_heart_lies_changes_nothing_and_size_only_the_unit(seed, scale, mirrored):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0] * (-1 if mirrored else 1)
    moved = scale * (PH[[0, 8]] @ rotation.T) + rng.normal(scale=200, size=3)
    for wall in ("septum", "free wall"):
        assert np.allclose(wall_curvature(moved, wall) * scale, wall_curvature(PH[[0, 8]], wall), atol=1e-9)
    assert np.allclose(mitral_excursion_mm(moved), scale * mitral_excursion_mm(PH[[0, 8]]), atol=1e-8)


def test_pressure_in_the_right_ventricle_flattens_the_septum():
    base = mean_parameters("ph")
    found = [
        septal_curvature(
            DigitalHeart(replace(base, septal_flattening_es=d, lv_axis_ratio_es=1 + 0.15 * d)).surface_sequence(PHASES)
        )
        for d in (0.2, 0.6, 1.0)
    ]
    ratio = [one["septal_curvature_ratio_es"] for one in found]
    assert ratio[0] > ratio[1] > ratio[2]
    control = septal_curvature(DigitalHeart(mean_parameters("control")).surface_sequence(PHASES))
    assert control["septal_curvature_ratio_es"] == pytest.approx(1.0, abs=0.05)
    assert all(one["septal_curvature_min_per_mm"] <= one["septal_curvature_es_per_mm"] for one in found)


@pytest.mark.parametrize("mapse", [6.0, 11.5, 19.0])
@pytest.mark.parametrize("kind", ["control", "ph"])
def test_mapse_is_the_one_that_was_put_in(kind, mapse):
    """Half a millimetre is what tilt of the base and bend of the axis make of it."""
    heart = DigitalHeart(replace(mean_parameters(kind), mapse_mm=mapse, lag=0.0))
    found = mitral_indices(heart.surface_sequence(np.array([0.0, heart.es_time])))
    assert found == pytest.approx(dict.fromkeys(("mapse_mm", "mapse_septal_mm", "mapse_lateral_mm"), mapse), abs=0.5)
    plain = DigitalHeart(replace(heart.parameters.without_extensions(), mapse_mm=mapse))
    found = mitral_indices(plain.surface_sequence(np.array([0.0, plain.es_time])))
    assert found["mapse_mm"] == pytest.approx(mapse, abs=0.02)


def test_a_ring_that_tilts_moves_more_at_one_side():
    tilted = REST.copy()
    base = template_mesh().region_mask("lv_endo", "lv_epi") & (REST[:, 2] > REST[:961, 2].max() - 8)
    tilted[base, 2] -= 10 + 0.1 * (REST[base, 0] - REST[base, 0].mean())
    found = mitral_indices(np.stack([REST, tilted]))
    assert found["mapse_lateral_mm"] > found["mapse_mm"] + 1 > found["mapse_septal_mm"] + 2


def test_cavities_are_those_of_the_single_surfaces():
    part, index = extract_regions(template_mesh(), "rv_free", "rv_septum")
    single = [enclosed_volume_ml(part.with_points(points[index]), cap=True) for points in PH]
    assert np.array_equal(cavity_volumes_ml(PH, "rv_free", "rv_septum"), single)


def test_tables_of_a_cohort():
    nowhere = np.full_like(PH, np.nan)
    good = Quality(True, (), (), {})
    subjects = [
        TrackedSubject(name, points[:, MATCHED_VERTICES], points.astype(np.float32), good, points[:, :0])
        for name, points in (("007", PH), ("lost", nowhere))
    ]
    cohort = TrackedCohort(subjects, None)
    indices, curves = conventional_indices(cohort), cycle_curves(cohort)
    assert list(indices.index) == ["007"] and {"mapse_mm", "tapse_mm", "septal_curvature_es_per_mm"} <= set(indices)
    assert len(curves) == 20 and np.isfinite(curves.drop(columns="ID")).all().all()
    assert curves["mitral_excursion_mm"].max() == pytest.approx(indices.at["007", "mapse_mm"], abs=1e-4)
    assert curves["septal_curvature_per_mm"].min() == pytest.approx(indices.at["007", "septal_curvature_min_per_mm"])
    assert "circumferential_16" in curves
    empty = TrackedCohort(subjects[1:], None)
    assert cycle_curves(empty).empty and conventional_indices(empty).empty


def test_what_is_refused():
    with pytest.raises(ValueError, match="septum, free wall"):
        wall_curvature(PH, "anterior")
    with pytest.raises(ValueError, match="3683"):
        wall_curvature(PH[:, :202])
    with pytest.raises(ValueError, match="3683"):
        mitral_indices(PH[0])
