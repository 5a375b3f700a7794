"""The population's motion: recovery of unseen hearts, what it does not invent, odd cines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cardiolib.digital_heart import (
    PHASES,
    AcquisitionSettings,
    DigitalHeart,
    acquire,
    parameters_from_row,
    simulate_population,
)
from cardiolib.imaging import LabelMap
from cardiolib.motion import TrackingSettings, track
from cardiolib.motion.tracking.population import (
    fit_population,
    heart_motion_model,
    learn_motion_model,
    model_at,
)


def seeded():
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def unseen():
    """A heart that the model was not learnt from, imaged with breath-hold shifts, and its true positions."""
    row = simulate_population(1, rng=np.random.default_rng(71)).iloc[0]
    heart = DigitalHeart(parameters_from_row(row))
    scan = acquire(heart, AcquisitionSettings(), rng=np.random.default_rng(1))
    truth = np.array([scan.world_from_heart(points) for points in heart.surface_sequence(PHASES)])
    return heart, scan, truth


@pytest.fixture(scope="module")
def population(unseen):
    return fit_population(unseen[1].labels)


def es_error(displacement, unseen):
    """Mean over the LV's walls, and over the RV's free wall, at end-systole (mm)."""
    heart, _, truth = unseen
    es, region = round(20 * heart.es_phase), heart.surface(0.0).region
    error = np.linalg.norm(displacement[es] - (truth[es] - truth[0]), axis=1)
    return error[region < 2].mean(), error[region == 2].mean()


def test_motion_of_an_unseen_heart_is_found_from_its_contours(unseen, population):
    still = es_error(np.zeros_like(unseen[2]), unseen)
    left, right = es_error(population.positions - population.positions[0], unseen)
    assert min(still) > 5
    assert left < 1.2 and right < 2.0


def test_the_tracker_is_better_with_the_population_than_without(unseen):
    _, scan, truth = unseen
    settings = TrackingSettings.fast()
    errors = {}
    for prior in ("population", "none"):
        field = track(scan.cine, scan.labels, TrackingSettings.fast(prior=prior), generator=seeded())
        errors[prior] = es_error(field.displacement(truth[0]), unseen)
    assert settings.prior == "population"
    assert errors["population"][0] < 0.6 * errors["none"][0]
    assert errors["population"][1] < 0.8 * errors["none"][1]


def test_a_heart_that_does_not_move_is_not_set_in_motion(unseen):
    """The same frame twenty times: the population beats, this heart does not."""
    _, scan, truth = unseen
    still = LabelMap(np.repeat(scan.labels.labels[..., :1], 20, axis=3), scan.labels.affine, scan.labels.scheme)
    found = fit_population(still)
    moved = np.linalg.norm(found.positions - found.positions[0], axis=-1).mean(axis=1).max()
    true = np.linalg.norm(truth - truth[0], axis=-1).mean(axis=1).max()
    assert moved < 0.25 * true


def test_a_frame_without_a_ventricle_is_left_out(unseen, population):
    _, scan, _ = unseen
    labels = scan.labels.labels.copy()
    labels[..., 7] = 0
    found = fit_population(LabelMap(labels, scan.labels.affine, scan.labels.scheme))
    assert len(found.fitted.points) == 19 and found.positions.shape == population.positions.shape
    assert np.linalg.norm(found.positions - population.positions, axis=-1).mean() < 0.5
    labels[..., 0] = 0
    with pytest.raises(ValueError, match="empty"):
        fit_population(LabelMap(labels, scan.labels.affine, scan.labels.scheme))


def test_too_few_frames_with_both_ventricles_are_refused(unseen):
    _, scan, _ = unseen
    labels = scan.labels.labels.copy()
    labels[..., 3:17][labels[..., 3:17] >= 3] = 0
    with pytest.raises(ValueError, match="6 of 20 frames"):
        fit_population(LabelMap(labels, scan.labels.affine, scan.labels.scheme))


def test_other_numbers_of_frames_and_another_end_diastole(unseen, population):
    _, scan, _ = unseen
    half = LabelMap(scan.labels.labels[..., ::2], scan.labels.affine, scan.labels.scheme)
    found = fit_population(half)
    assert found.positions.shape == population.positions.shape
    assert np.linalg.norm(found.positions - population.positions, axis=-1).mean() < 0.7
    rolled = LabelMap(np.roll(half.labels, 3, axis=3), half.affine, half.scheme)
    assert np.allclose(fit_population(rolled, ed_frame=3).positions, found.positions)
    two = fit_population(LabelMap(scan.labels.labels[..., [0, 8]], scan.labels.affine, scan.labels.scheme))
    assert two.positions.shape == (2, *population.positions.shape[1:])


def test_what_comes_with_cardiolib_is_what_is_learnt_from_hearts_of_every_kind():
    learnt, shipped = learn_motion_model(), heart_motion_model()
    assert shipped.mean.shape == learnt.mean.shape == (20, learnt.template.n_points + 6, 3)
    assert np.abs(shipped.mean - learnt.mean).max() < 0.02
    assert np.abs(shipped.modes[: len(learnt.modes)] - learnt.modes).max() < 0.02
    assert len(shipped.modes) == len(learnt.modes) + 12  # and the motion of the heart as a whole


def test_the_model_between_its_phases():
    model = heart_motion_model()
    assert np.array_equal(model_at(model, PHASES).mean, model.mean)
    between = model_at(model, np.array([0.025, 0.975]))
    assert np.allclose(between.mean[0], (model.mean[0] + model.mean[1]) / 2, atol=1e-4)
    assert np.allclose(between.modes[:, 1], (model.modes[:, 19] + model.modes[:, 0]) / 2, atol=1e-4)


def test_midwall_points_keep_the_share_of_the_wall(unseen, population):
    """Between the walls, a quarter of the way counted in squared radius."""
    heart, scan, _ = unseen
    n = population.positions.shape[1]
    everything = population.with_midwall()
    assert everything.shape[1] == n + 3 * 961
    inner, outer = everything[:, :961], everything[:, 961 : 2 * 961]
    quarter, half = everything[:, n : n + 961], everything[:, n + 961 : n + 2 * 961]
    share = [np.linalg.norm(part - inner, axis=-1) / np.linalg.norm(outer - inner, axis=-1) for part in (quarter, half)]
    assert (share[0] >= 0.25).all() and (share[0] < share[1]).all() and (share[1] < 1).all()
