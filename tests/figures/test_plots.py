"""Every plot: what is drawn is in the table, nothing is cut off, nothing overlaps the figure's edge."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_results import patient_maps, performance, search_result, short_axis

from cardiolib import figures
from cardiolib.figures.style import save_figure
from cardiolib.imaging import Cine, DenseCine, DisplacementField
from cardiolib.motion import DisplacementScore, EncodedHeart, HeartFunction, TrackingErrors
from cardiolib.motion.tracked import TRACKING
from cardiolib.segmentation.quality_tables import GateAgainstTruth
from cardiolib.segmentation.segmented import MeasuredPairs, SegmentedScan
from cardiolib.validation import calibrate, kaplan_meier_groups, net_benefit, performance_over_time

RNG = np.random.default_rng(7)
N = 80
RISK = RNG.normal(size=N)
TIME = np.minimum(RNG.exponential(8 / np.exp(RISK)), RNG.uniform(1, 9, N))
EVENT = RNG.random(N) < 0.5


def draw_mosaic():
    cine, predicted, truth = short_axis()
    return figures.short_axis_mosaic(SegmentedScan(cine, {"ED": 0, "ES": 2}, predicted, truth))


def draw_gate():
    predicted = np.linspace(0.2, 0.95, 21)
    verdicts = np.select([predicted < 0.6, predicted < 0.75], ["do not use", "look at it"], "ok")
    structures = np.tile(["lv_cavity", "lv_wall", "rv_cavity"], 7)
    table = pd.DataFrame({"ID": "a", "structure": structures, "predicted_dice": predicted, "dice": predicted[::-1]})
    limits = {"look": 0.75, "do_not_use": 0.6}
    return figures.predicted_dice(GateAgainstTruth(table.assign(verdict=verdicts), limits))


def draw_forest():
    rows = [
        ("network", "apparent", 0.8, np.nan, np.nan),
        ("network", "out-of-bag", 0.7, 0.6, 0.8),
        ("a conventional model of long name", "out-of-bag", 0.6, 0.5, 0.7),
    ]
    table = pd.DataFrame(rows, columns=["model", "estimator", "C", "95% low", "95% high"])
    return figures.concordance_forest(SimpleNamespace(table=table))


def draw_errors():
    table = pd.DataFrame(
        {
            "region": np.repeat(["lv_endo", "rv_free"], 200),
            "phase": np.tile(np.repeat([0.0, 0.25, 0.5, 0.75], 50), 2),
            "error_mm": RNG.gamma(2, 1, 400),
        }
    )
    table.loc[table["phase"] == 0, "error_mm"] = 0.0
    return figures.endpoint_error(TrackingErrors(table.assign(error=TRACKING)))


def encoded_heart(**without):
    """A heart without shape: a disc of muscle that moves, in every kind of image."""
    shape, n = (40, 36, 3), 5
    i, j = np.indices(shape[:2])
    mm = np.full((*shape, n, 3), np.nan, np.float32)
    mm[np.hypot(i - 20, j - 18) < 10] = np.sin(np.pi * np.arange(n) / n)[:, None] * [9.0, -3.0, 5.0]
    voxels = RNG.random((*shape, n))
    curve = {"phase": np.arange(n)}
    errors = [
        pd.DataFrame(
            curve
            | {name: np.arange(n) for name in ("mean_mm", "median_mm", "p95_mm", "zero_motion_mm")}
            | {"region": one}
        )
        for one in ("all points", "lv_endo", "rv_free")
    ]
    strain = [
        pd.DataFrame(curve | {"kind": kind, "field_percent": -np.arange(n), "tracked_percent": np.arange(n)})
        for kind in ("circumferential", "radial")
    ]
    affine = np.diag([1.5, 1.5, 8, 1])
    parts = {
        "tagged": Cine(voxels, affine),
        "dense": DenseCine(voxels, RNG.uniform(-3, 3, (*shape, n, 3)), affine, (0.08, 0.08, 0.05)),
    }
    score = DisplacementScore(pd.concat(errors), pd.concat(strain).assign(region="whole wall"), 1.0)
    return EncodedHeart("a", Cine(voxels, affine), DisplacementField(mm, affine), score, **(parts | without))


def draw_encoded():
    return figures.displacement_encoded(encoded_heart())


def draw_training():
    history = pd.DataFrame({"epoch": np.arange(1, 31), "loss": 1 / np.arange(1, 31), "dice": np.nan})
    history.loc[4::5, "dice"] = 0.9
    return figures.training_history(history, {"loss": ["loss"], "Dice": ["dice"]}, log=["loss"])


def function_table():
    phase, volume = np.arange(20), 100 + 40 * np.cos(2 * np.pi * np.arange(20) / 20)
    parts = [
        ("volume (mL)", "left ventricle", volume, volume + 1),
        ("volume (mL)", "right ventricle", volume + 30, np.nan),
        ("strain (%)", "circumferential", (volume - 140) / 4, np.nan),
    ]
    return pd.concat(
        [
            pd.DataFrame({"panel": panel, "curve": name, "phase": phase, "value": value, "truth": truth})
            for panel, name, value, truth in parts
        ]
    )


def draw_function():
    return figures.function_curves(HeartFunction("a", function_table(), 10))


def test_function_curves_mark_end_systole_and_know_the_truth():
    figure, table = draw_function()
    left, right = figure.axes
    assert left.get_ylabel() == "volume (mL)" and right.get_ylabel() == "strain (%)"
    assert {text.get_text() for text in left.texts} >= {"ED", "ES"}
    assert "truth" in [text.get_text() for text in left.get_legend().get_texts()]
    assert "truth" not in [text.get_text() for text in right.get_legend().get_texts()]
    assert table["percent"].max() == 95
    with pytest.raises(ValueError, match="value"):
        figures.function_curves(HeartFunction("a", function_table().drop(columns="value"), 1))


def judged(which):
    """Calibration or performance over time of a made-up probability of death."""
    risk = 1 / (1 + np.exp(-RISK))
    if which == "calibration":
        both = ("Network", "Conventional model")
        judged_at = {name: [calibrate(risk, EVENT, TIME, at, n_groups=3) for at in (0.5, 1.0)] for name in both}
        return figures.calibration(performance(judged_at))
    grid = np.linspace(0.3, 1.0, 5)
    over_time = performance_over_time(np.tile(risk[:, None], 5), EVENT, TIME, grid).assign(model="Network")
    curve = net_benefit(risk, EVENT, TIME, 0.5, [0.1, 0.3, 0.5])
    decisions = pd.concat(
        [
            curve.rename(columns={name: "net_benefit"})[["threshold", "net_benefit"]].assign(model=label)
            for name, label in (("model", "Network"), ("treat_all", "treat all"))
        ]
    )
    return figures.risk_over_time(performance(None, over_time, decisions))


def test_calibrations_must_be_of_the_same_times():
    risk = 1 / (1 + np.exp(-RISK))
    one, two = (calibrate(risk, EVENT, TIME, at, n_groups=3) for at in (0.5, 1.0))
    with pytest.raises(ValueError, match="same times"):
        figures.calibration(performance({"a": [one], "b": [two]}))


def in_percent(values):
    return MeasuredPairs(values, dict.fromkeys(values, "%"))


DRAWINGS = {
    "calibration": lambda: judged("calibration"),
    "risk_over_time": lambda: judged("over time"),
    "bland_altman": lambda: figures.bland_altman(
        in_percent({f"RVEF {i}": (RISK * 5 + 50, RISK * 5 + 50 + RNG.normal(0, 3, N)) for i in range(4)})
    ),
    "kaplan_meier": lambda: figures.kaplan_meier(
        {name: kaplan_meier_groups(RISK, EVENT, TIME) for name in ("Conventional model", "Network")}
    ),
    "kaplan_meier_three": lambda: figures.kaplan_meier({"Network": kaplan_meier_groups(RISK, EVENT, TIME, n_groups=3)}),
    "forest": draw_forest,
    "training": draw_training,
    "search": lambda: figures.search_history(
        search_result(pd.DataFrame({"generation": np.repeat([0, 1, 2], 4), "score": np.linspace(0.6, 0.7, 12)}))
    ),
    "latent": lambda: figures.latent_map(
        patient_maps({"umap": RNG.normal(size=(N, 2)), "pca": RNG.normal(size=(N, 2))}, EVENT, TIME)
    ),
    "latent_one": lambda: figures.latent_map(patient_maps({"pca": RNG.normal(size=(N, 2))}, EVENT, TIME)),
    "function": draw_function,
    "errors": draw_errors,
    "encoded": draw_encoded,
    "mosaic": draw_mosaic,
    "gate": draw_gate,
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_is_cut_off_and_the_numbers_lie_beside_it(name, tmp_path):
    figure, table = DRAWINGS[name]()
    save_figure(figure, tmp_path, name, table, simulated=True)
    figure.draw_without_rendering()
    width, height = figure.canvas.get_width_height()
    for ax in figure.axes:
        box = ax.get_tightbbox()
        inside = (box.x0, box.y0, width - box.x1, height - box.y1)
        assert min(inside) > -1, f"{name}: {ax.get_title(loc='left')!r} reaches {inside} past the edge"
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert box.x0 > -1 and box.x1 < width + 1
        assert not any(box.overlaps(ax.get_window_extent()) for ax in figure.axes)
    stored = pd.read_csv(tmp_path / f"{name}.csv")
    assert list(stored.columns) == [str(column) for column in table.columns] and len(stored) == len(table) > 0
    for column in table.select_dtypes("number").columns:
        np.testing.assert_allclose(stored[str(column)], table[column].astype(float), rtol=1e-7)


@pytest.mark.parametrize("name", ["kaplan_meier", "mosaic"])
def test_bytes_are_the_same_twice(name, tmp_path):
    digests = []
    for run in "ab":
        for path in save_figure(DRAWINGS[name]().figure, tmp_path / run, name, simulated=True):
            digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert digests[:2] == digests[2:]


def test_a_gate_without_references_says_why():
    nothing = figures.predicted_dice(GateAgainstTruth(pd.DataFrame(), {}, "No reference labels."))
    assert nothing.figure is None and nothing.reason == "No reference labels."


def test_bland_altman_bias_and_limits_by_hand():
    measured, reference = np.array([51.0, 63, np.nan, 70]), np.array([50.0, 60, 55, 72])
    _, table = figures.bland_altman(in_percent({"LVEF": (measured, reference)}))
    np.testing.assert_allclose(table["difference"], [1, 3, -2])
    np.testing.assert_allclose(table["mean"], [50.5, 61.5, 71])
    summary = figures.agreement_summary(table).iloc[0]
    spread = 1.96 * np.std([1, 3, -2], ddof=1)
    np.testing.assert_allclose(
        [summary["bias"], summary["low"], summary["high"], summary["mean_absolute"]],
        [2 / 3, 2 / 3 - spread, 2 / 3 + spread, 2],
    )
    assert summary["n"] == 3
    for bad in ({}, {"a": (np.ones(3), np.ones(2))}, {"a": (np.array([1, np.nan]), np.array([1.0, 2]))}):
        with pytest.raises(ValueError):
            figures.bland_altman(in_percent(bad))
    nothing = figures.bland_altman(MeasuredPairs({}, {}, "No reference labels."))
    assert nothing.figure is None and nothing.reason == "No reference labels."


def test_survival_curve_on_paper_is_the_table():
    grouped = kaplan_meier_groups(RISK, EVENT, TIME)
    figure, table = figures.kaplan_meier({"Network": grouped})
    lines = figure.axes[0].get_lines()
    for line, name in zip(lines, grouped.names, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), table.loc[table["group"] == name, "survival"])
    written = {text.get_text() for text in figure.axes[1].texts}
    assert {str(int(n)) for n in grouped.at_risk.to_numpy().ravel()} <= written


def test_a_heart_that_was_measured_is_drawn_with_the_images_that_it_has():
    figure, table = figures.displacement_encoded(encoded_heart())
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert "Phase along I, ES" in "".join(titles) and sum("Tagged" in title for title in titles) == 2
    assert len(table) == 3 * 5 + 5 and table["error_mean_mm"].max() == 4
    few = figures.displacement_encoded(encoded_heart(tagged=None, dense=None)).figure
    titles = [ax.get_title(loc="left") for ax in few.axes if ax.get_title(loc="left")]
    assert len(titles) == 5 and not any("Tagged" in title or "Phase" in title for title in titles)
    nothing = figures.displacement_encoded(EncodedHeart.none("Nothing was measured."))
    assert nothing.figure is None and nothing.reason == "Nothing was measured."


def test_search_keeps_the_best_so_far_and_survives_failed_candidates():
    history = pd.DataFrame({"generation": [0, 0, 1, 1], "score": [0.6, np.nan, 0.5, 0.55]})
    _, table = figures.search_history(search_result(history))
    assert table["best_so_far"].tolist() == [0.6] * 4 and table["generation"].tolist() == [1, 1, 2, 2]
    with pytest.raises(ValueError, match="columns"):
        figures.search_history(search_result(history.rename(columns={"score": "c"})))


def test_map_draws_censored_hollow():
    points = RNG.normal(size=(N, 2))
    figure, table = figures.latent_map(patient_maps({"pca": points}, EVENT, TIME))
    hollow, filled = figure.axes[0].collections
    np.testing.assert_array_equal(hollow.get_offsets(), points[~EVENT])
    np.testing.assert_array_equal(filled.get_offsets(), points[EVENT])
    assert len(hollow.get_facecolors()) == 0
    np.testing.assert_array_equal(table[["principal components 1", "principal components 2"]], points)
    with pytest.raises(ValueError, match="two coordinates"):
        figures.latent_map(patient_maps({"pca": points[1:]}, EVENT, TIME))


def test_endpoint_error_medians():
    table = pd.DataFrame({"region": "rv_free", "phase": [0, 0, 0.5, 0.5, 0.5], "error_mm": [0, 0, 1.0, 2, 9]})
    _, drawn = figures.endpoint_error(TrackingErrors(table.assign(error=TRACKING)))
    assert drawn["median_mm"].tolist() == [0, 2] and drawn["n"].tolist() == [2, 3]
    with pytest.raises(ValueError, match="columns"):
        figures.endpoint_error(TrackingErrors(table.drop(columns="phase").assign(error=TRACKING)))


class Bootstrapped:
    """As much of a bootstrapped model as its figures read."""

    name, time_unit = "Network", ""

    def risk_groups(self, n_groups=2):
        return {self.name: kaplan_meier_groups(RISK, EVENT, TIME, n_groups=n_groups)}

    def table(self):
        return pd.DataFrame({"estimator": ["out-of-bag"], "C": [0.7], "95% low": [0.6], "95% high": [0.8]})


def test_a_bootstrapped_model_is_drawn_as_it_is():
    figure, table = figures.kaplan_meier(Bootstrapped(), n_groups=3)
    assert table.equals(figures.kaplan_meier(Bootstrapped().risk_groups(3)).table)
    assert figure.axes[1].get_xlabel() == "time"  # in a unit that is not known
    turned, same = figures.kaplan_meier_interactive(Bootstrapped(), n_groups=3, time_unit="months")
    assert same.equals(table) and turned.layout.xaxis.title.text == "time (months)"
    _, forest = figures.concordance_forest(Bootstrapped())
    assert forest.to_dict("records") == [
        {"model": "Network", "estimator": "out-of-bag", "value": 0.7, "low": 0.6, "high": 0.8}
    ]
