"""Settings, preprocessing, and the model file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort, write_motion_file
from cardiolib.survival import NetworkSettings, fit_network, load_network, predict_cohort
from cardiolib.survival.network.preprocessing import Standardiser

pytestmark = pytest.mark.processor

SMALL = NetworkSettings(hidden=12, latent=4, epochs=5, standardise="columns", log10_learning_rate=-2.5)


@pytest.fixture(scope="module")
def fitted(motion):
    return fit_network(
        motion.X,
        motion.event,
        motion.time,
        SMALL,
        seed=3,
        feature_shape=(19, 3, 3),
        provenance={"cohort": "made", "time_unit": "years"},
    )


def test_saved_model_predicts_the_same_bytes(fitted, motion, tmp_path):
    fitted.save(tmp_path / "model.npz")
    loaded = load_network(tmp_path / "model.npz")
    for call in ("predict_log_risk", "code", "reconstruct"):
        assert getattr(loaded, call)(motion.X).tobytes() == getattr(fitted, call)(motion.X).tobytes()
    times = [0.1, 0.5, 1.0]
    assert loaded.survival_curve(motion.X, times).tobytes() == fitted.survival_curve(motion.X, times).tobytes()
    assert (loaded.settings, loaded.seed, loaded.feature_shape) == (SMALL, 3, (19, 3, 3))
    assert (loaded.n_patients, loaded.n_events) == (90, int(motion.event.sum()))
    assert loaded.history.equals(fitted.history)
    assert loaded.provenance == {"cohort": "made", "time_unit": "years"}
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "model.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.npz", "model.npz"]


def test_another_file_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match="is not a model file"):
        load_network(tmp_path / "other.npz")


def test_a_mismatch_of_features_names_both_numbers(fitted):
    with pytest.raises(ValueError, match="fitted on 171 features, but X has 170"):
        fitted.predict_log_risk(np.zeros((2, 170)))
    with pytest.raises(ValueError, match="fitted on 4 features, but X has 5"):
        fitted.decode(np.zeros((2, 5)))


def test_predictions_have_the_promised_shapes(fitted, motion):
    X = motion.X[:5]
    assert fitted.predict_log_risk(X).shape == (5,)
    assert fitted.code(X).shape == (5, 4)
    np.testing.assert_array_equal(fitted.decode(fitted.code(X)), fitted.reconstruct(X))
    curves = fitted.survival_curve(X, [0.0, 0.5, 1.0])
    assert curves.shape == (5, 3)
    assert np.all(np.diff(curves, axis=1) <= 0) and np.all((curves > 0) & (curves <= 1))
    assert 0 <= fitted.dead_code_fraction(motion.X) <= 1
    np.testing.assert_array_equal(np.argsort(curves[:, 2]), np.argsort(-fitted.predict_log_risk(X)))


def test_equal_patients_get_equal_risks_and_rows_do_not_matter(fitted, motion):
    repeated = fitted.predict_log_risk(np.repeat(motion.X, 7, axis=0)).reshape(90, 7)
    np.testing.assert_array_equal(repeated, np.repeat(fitted.predict_log_risk(motion.X)[:, None], 7, axis=1))


@pytest.mark.parametrize("how", ["none", "global", "columns"])
def test_standardiser_undoes_itself_and_survives_constants(motion, how):
    X = np.hstack([motion.X, np.full((90, 1), 7.3)])
    standardiser = Standardiser.fit(X, how)
    z = standardiser.apply(X)
    np.testing.assert_allclose(standardiser.undo(z), X, atol=1e-10)
    if how == "columns":
        np.testing.assert_allclose(z[:, :-1].std(axis=0), 1, atol=1e-9)
    if how != "none":
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-9)


def test_scaling_is_learned_from_training_rows_only(motion):
    fitted = fit_network(motion.X, motion.event, motion.time, SMALL, seed=0)
    np.testing.assert_allclose(fitted.standardiser.mean, motion.X.mean(axis=0), atol=1e-5)
    shifted = fitted.predict_log_risk(motion.X[:10] + 1.0)
    assert not np.allclose(shifted, fitted.predict_log_risk(motion.X[:10]))  # no scaling by the new rows


def test_protocols_and_validation_of_settings():
    assert NetworkSettings.exact() == NetworkSettings()
    published = NetworkSettings.published()
    assert (published.protocol, published.batch_size, published.epochs) == ("published", 16, 100)
    assert (published.hidden, published.latent, published.standardise) == (162, 12, "none")
    assert NetworkSettings.published(hidden=75).hidden == 75
    for change, message in [
        ({"hidden": 0}, "hidden must be at least 1"),
        ({"hidden": 80.5}, "hidden must be int"),
        ({"hidden": True}, "hidden must be int"),
        ({"dropout": 1.0}, "dropout must be between"),
        ({"alpha": float("nan")}, "alpha must be between"),
        ({"protocol": "keras"}, "protocol must be one of"),
        ({"standardise": "yes"}, "standardise must be one of"),
        ({"alpha": "0.5"}, "alpha must be float"),
    ]:
        with pytest.raises(ValueError, match=message):
            replace(NetworkSettings(), **change)


def a_cohort(motion, n_columns: int = 171) -> Cohort:
    table = pd.DataFrame(index=[f"new{i}" for i in range(6)])
    return Cohort("new patients", table, motion=np.asarray(motion.X[:6, :n_columns]), time_unit="years")


def test_a_stored_network_predicts_a_cohort_from_its_file(fitted, motion, tmp_path):
    fitted.save(tmp_path / "model.npz")
    write_motion_file(a_cohort(motion), tmp_path / "motion.npz")
    table = predict_cohort(load_network(tmp_path / "model.npz"), tmp_path / "motion.npz", times=[0.5, 1])
    assert list(table.index) == [f"new{i}" for i in range(6)] and list(table) == [
        "log_risk",
        "survival_0.5",
        "survival_1",
    ]
    np.testing.assert_allclose(table["log_risk"], fitted.predict_log_risk(motion.X[:6]), atol=1e-6)
    np.testing.assert_allclose(
        table[["survival_0.5", "survival_1"]], fitted.survival_curve(motion.X[:6], [0.5, 1]), atol=1e-6
    )
    assert list(predict_cohort(fitted, a_cohort(motion))) == ["log_risk"]


def test_other_points_or_frames_are_an_error_with_both_numbers(fitted, motion):
    with pytest.raises(
        ValueError, match=r"171 numbers a patient \(19 phases .* 3 vertices x 3\).* has 114 \(2 vertices, "
    ):
        predict_cohort(fitted, a_cohort(motion, 19 * 2 * 3))
    with pytest.raises(ValueError, match=r"has 90 \(10 phases, if it has 3 vertices\)"):
        predict_cohort(fitted, a_cohort(motion, 10 * 3 * 3))


@pytest.mark.field_fault("K10")
def test_a_damaged_model_file_is_refused_by_name_wherever(fitted, motion, tmp_path):
    path = tmp_path / "network.npz"
    fitted.save(path)
    data, true = path.read_bytes(), fitted.predict_log_risk(motion.X)
    places = np.random.default_rng(3).integers(0, len(data), 60)
    for place in places:
        for damaged in (data[:place], data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]):
            path.write_bytes(damaged)
            try:
                found = load_network(path)
            except ValueError as error:
                assert str(path) in str(error) and "again" in str(error)
            else:
                assert (found.predict_log_risk(motion.X) == true).all()


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize(
    "arrays",
    [
        {"X": np.zeros(3)},
        {"about": np.array("no json")},
        {"about": np.array("[1]")},
        {"about": np.array('{"format": "cardiolib supervised autoencoder 2"}')},
        {"about": np.array('{"format": "cardiolib supervised autoencoder 2", "settings": {"latten": 3}}')},
        {"about": np.array([{}], dtype=object)},
    ],
)
def test_foreign_archives_are_refused_by_name(tmp_path, arrays):
    path = tmp_path / "other.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="other.npz"):
        load_network(path)


def test_weights_that_do_not_fit_the_settings_are_refused(fitted, tmp_path):
    name = next(iter(fitted.weights))
    for wrong in (fitted.weights[name][:-1], np.full_like(fitted.weights[name], np.nan)):
        replace(fitted, weights={**fitted.weights, name: wrong}).save(tmp_path / "n.npz")
        with pytest.raises(ValueError, match="n.npz: what it holds does not make a model"):
            load_network(tmp_path / "n.npz")
