"""Displacement curves, reconstructions and shares of regions."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cardiolib.figures import displacement_curves, reconstruction, region_shares, save_figure


@pytest.fixture
def curves():
    rows = [
        {"region": region, "phase": t, "mean_mm": high * t, "low_mm": 0.5 * high * t, "high_mm": 2 * high * t}
        for region, high in (("septum", 1.0), ("free wall, apex", 3.0))
        for t in range(20)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def rebuilt():
    """A network that moves every point half a millimetre farther, and two patients of opposite risk."""
    X = np.zeros((2, 19, 3, 3), np.float32)
    X[..., 0] = np.arange(1, 20)[:, None]
    data = SimpleNamespace(ids=("Phigh", "Plow"), X=X.reshape(2, -1), feature_shape=(19, 3, 3))
    farther = np.zeros((19, 3, 3))
    farther[..., 0] = 0.5
    network = SimpleNamespace(
        predict_log_risk=lambda X: np.array([1.0, -1.0]), reconstruct=lambda X: X + farther.reshape(1, -1)
    )
    return network, data


def moving(table, n_phases=20):
    return SimpleNamespace(by_region=table, n_phases=n_phases)


def saliency(table):
    return SimpleNamespace(shares=lambda truth: table)


@pytest.fixture
def shares():
    columns = {"regression": [0.6, 0.4], "gradients": [0.1, 0.9], "true hazard": [0.5, 0.5]}
    return pd.DataFrame(columns, index=["free wall, apex", "septum"])


def test_each_region_has_its_panel_with_mean_and_band(curves):
    figure, table = displacement_curves(moving(curves))
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["a   Septum", "b   Free wall, apex"]
    for ax, region in zip(figure.axes, ("septum", "free wall, apex"), strict=True):
        mine = curves[curves["region"] == region]
        line = max(ax.lines, key=lambda line: line.get_linewidth())
        np.testing.assert_allclose(line.get_ydata(), mine["mean_mm"])
        np.testing.assert_allclose(line.get_xdata(), 5.0 * np.arange(20))
        assert ax.collections[0].get_datalim(ax.transData).y1 == pytest.approx(mine["high_mm"].max())
    assert table["percent"].max() == 95 and len(table) == 40


def test_one_region_alone_has_no_other_lines_and_no_letter(curves):
    figure, _ = displacement_curves(moving(curves[curves["region"] == "septum"], 40))
    assert len(figure.axes) == 1 and len(figure.axes[0].lines) == 1
    assert figure.axes[0].get_title(loc="left") == "Septum"
    assert figure.axes[0].lines[0].get_xdata().max() == 47.5
    assert len(figure.legends[0].get_texts()) == 2


def test_reconstruction_has_low_risk_first_and_both_kinds(rebuilt):
    figure, table = reconstruction(*rebuilt)
    assert [ax.get_title(loc="left")[4:] for ax in figure.axes] == [
        "Low predicted risk (Plow)",
        "High predicted risk (Phigh)",
    ]
    for ax in figure.axes:
        motion, out = sorted(ax.lines, key=lambda line: -line.get_linewidth())
        np.testing.assert_allclose(out.get_ydata() - motion.get_ydata(), 0.5)
        np.testing.assert_allclose(motion.get_xdata(), 5.0 * np.arange(1, 20))
    assert len(table) == 2 * 2 * 19 and table["percent"].max() == 95


def test_bars_are_shares_and_the_legend_tells_the_scores(shares):
    figure, table = region_shares(saliency(shares), scores={"regression": 0.71, "gradients": 0.625})
    ax = figure.axes[0]
    heights = sorted(bar.get_height() for bar in ax.patches)
    assert heights == pytest.approx([10, 40, 60, 90])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "regression: average precision 0.71",
        "gradients: average precision 0.62",
        "true hazard",
    ]
    truth = [line for line in ax.lines if line.get_color() != "white"]
    assert [line.get_ydata()[0] for line in truth] == [50, 50]
    row = table[(table["region"] == "septum") & (table["method"] == "gradients")].iloc[0]
    assert (row["share"], row["average_precision"]) == (0.9, 0.625)


def test_shares_without_truth_have_no_scores(shares):
    figure, table = region_shares(saliency(shares.drop(columns="true hazard")))
    assert not figure.axes[0].lines and list(table.columns) == ["region", "method", "share"]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda c, s: displacement_curves(moving(c.drop(columns="low_mm"))), "low_mm"),
        (lambda c, s: displacement_curves(moving(c.iloc[:0])), "0 rows"),
        (lambda c, s: displacement_curves(moving(c, 10)), "no phase 19"),
    ],
)
def test_tables_that_cannot_be_drawn_say_why(curves, shares, spoil, message):
    with pytest.raises(ValueError, match=message):
        spoil(curves, shares)


def test_given_tables_are_left_as_they_were_and_bytes_do_not_change(curves, rebuilt, shares, tmp_path):
    before = [table.copy() for table in (curves, shares)]
    digests = []
    for folder in ("one", "two"):
        drawn = {
            "curves": displacement_curves(moving(curves)),
            "rebuilt": reconstruction(*rebuilt),
            "shares": region_shares(saliency(shares)),
        }
        paths = [
            path
            for name, one in drawn.items()
            for path in save_figure(one.figure, tmp_path / folder, name, one.table, simulated=True)
        ]
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert digests[0] == digests[1] and len(digests[0]) == 9
    for table, kept in zip((curves, shares), before, strict=True):
        pd.testing.assert_frame_equal(table, kept)
