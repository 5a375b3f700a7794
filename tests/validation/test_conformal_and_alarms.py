"""Bounds that keep their promise where the patients are alike, alarms for hearts that are not, and the frozen file."""

import zipfile

import numpy as np
import pytest

import cardiolib as cl
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.survival import BaselineHazard
from cardiolib.validation import NoveltyAlarm, conformal_bound
from cardiolib.validation.frozen_pipeline import FrozenPipeline, load_pipeline

LINE = np.linspace(0.001, 6, 6000)
EXPONENTIAL = BaselineHazard(LINE, np.log(LINE))


def survivors(n, seed, *, slope=1.0, ratio=1.0):
    """Log risk, event, observed time and true time of death."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    death, censored = rng.exponential(np.exp(-slope * risk) / ratio), rng.exponential(1.5, size=n)
    return risk, death <= censored, np.minimum(death, censored), death


def test_a_wrong_model_gets_a_bound_that_is_right_on_average():
    outlived = []
    for seed in range(40):
        bound = conformal_bound(*survivors(300, seed, slope=0.3, ratio=2.0)[:3], EXPONENTIAL, level=0.9)
        risk, *_, death = survivors(1000, seed + 1000, slope=0.3, ratio=2.0)
        outlived.append((death >= bound.lower_bound(risk)).mean())
    assert 0.89 < np.mean(outlived) < 0.925  # the model itself would promise 90 % and keep some 80
    own = (death >= -np.log(0.9) * np.exp(-risk)).mean()
    assert own < 0.86


def test_without_censoring_it_is_split_conformal():
    risk, _, _, death = survivors(99, 5)
    bound = conformal_bound(risk, np.ones(99), death, EXPONENTIAL, level=0.9)
    score = np.sort(1 - np.exp(-EXPONENTIAL(death) * np.exp(risk)))
    assert bound.quantile == score[9]  # of 100 places 10 lie below, one of them the new patient's
    assert (death < bound.lower_bound(risk)).sum() == 9


def test_coverage_is_estimated_through_censoring_and_by_group():
    bound = conformal_bound(*survivors(500, 6)[:3], EXPONENTIAL)
    risk, event, time, death = survivors(4000, 7)
    table = bound.coverage(risk, event, time, groups=np.where(risk > 0, "high", "low"))
    assert table.index.tolist() == ["high", "low", "all"]
    truth = (death >= bound.lower_bound(risk)).mean()
    assert table.loc["all", "coverage"] == pytest.approx(truth, abs=3 * table.loc["all", "se"])


def test_too_few_deaths_promise_nothing_and_no_bound_lies_beyond_the_baseline():
    few = conformal_bound([0.0, 1.0, 0.5], [1, 0, 0], [1.0, 2.0, 3.0], EXPONENTIAL)
    assert few.quantile == 0 and (few.lower_bound([0.0, 5.0]) == 0).all()
    short = BaselineHazard(np.array([0.5, 1.0]), np.log([0.01, 0.02]))
    alive = conformal_bound(np.zeros(50), np.zeros(50), np.ones(50), short, level=0.5)
    np.testing.assert_array_equal(alive.lower_bound([0.0]), [1.0])
    with pytest.raises(ValueError, match="level must lie"):
        conformal_bound([0.0], [1], [1.0], EXPONENTIAL, level=90)


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(8)
    factors, axes = rng.normal(size=(240, 3)), rng.normal(size=(3, 20))
    X = factors @ axes + 0.1 * rng.normal(size=(240, 20))
    time = rng.exponential(np.exp(-factors[:, 0]))
    settings = cl.NetworkSettings(hidden=20, latent=4, epochs=60, alpha=0.8)
    model = cl.fit_network(X[:120], time[:120] < 2, time[:120].clip(max=2), settings, seed=1)
    return model, X, axes


def test_alarms_rank_strange_hearts_above_familiar_ones(trained):
    model, X, axes = trained
    alarm = NoveltyAlarm.of(model, X[:120], familiar=X[120:180])
    rng = np.random.default_rng(9)
    off_the_plane = X[180:] + 3.0 * rng.normal(size=(60, 20))  # no combination of familiar motion
    far_out = 5.0 * X[180:]
    familiar, unlike, far = (alarm.scores(model, rows) for rows in (X[180:], off_the_plane, far_out))
    assert familiar["either"].median() < 0.9 and ((familiar >= 0).all(axis=None))
    assert unlike["reconstruction"].median() > familiar["reconstruction"].median() + 0.3
    assert far["distance"].median() > 0.95 > familiar["distance"].median()
    assert (familiar[["reconstruction", "distance", "either"]] <= 1).all(axis=None)


def test_a_frozen_pipeline_comes_back_as_it_was(trained, tmp_path):
    model, X, _ = trained
    network = TrainedNetwork.untrained(widths=(2, 4))
    pipeline = FrozenPipeline(model, network, NoveltyAlarm.of(model, X[:120]))
    fingerprint = pipeline.save(tmp_path / "home.zip")
    assert pipeline.save(tmp_path / "again.zip") == fingerprint  # the same bytes
    again = load_pipeline(tmp_path / "home.zip", sha256=fingerprint)
    table = again.predict(X[120:], times=[0.5, 1.0])
    assert table.equals(pipeline.predict(X[120:], times=[0.5, 1.0]))
    assert list(table)[:3] == ["log_risk", "death_0.5", "death_1"]
    assert again.segmentation.fingerprint() == network.fingerprint() and again.tracking == pipeline.tracking


def test_what_is_no_pipeline_or_another_one_is_refused(trained, tmp_path):
    model, X, _ = trained
    path = tmp_path / "home.zip"
    FrozenPipeline(model).save(path)
    with pytest.raises(ValueError, match="this is another pipeline"):
        load_pipeline(path, sha256="0" * 64)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.npz", b"1")
    with pytest.raises(ValueError, match="no frozen pipeline of"):
        load_pipeline(path)
    path.write_bytes(b"PK nonsense")
    with pytest.raises(ValueError, match="home.zip"):
        load_pipeline(path)
    with pytest.raises(ValueError, match="baseline hazard"):
        FrozenPipeline(model.with_baseline(None))
    with pytest.raises(ValueError, match="starts from motion"):
        FrozenPipeline(model).motion(None)
    with pytest.raises(ValueError, match="start must be"):
        FrozenPipeline(model).predict(X, start="scans")
