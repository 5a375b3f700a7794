"""Figures of single steps: what is drawn stands in their tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib import figures
from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, acquire
from cardiolib.interpretation import neighbour_graph
from cardiolib.motion import TrackingSettings, watch_tracking
from cardiolib.segmentation.frame_reading import FrameReading
from cardiolib.segmentation.plane import heart_window
from cardiolib.shape.orientation import Turn
from cardiolib.survival.network.trade_off import AlphaTradeOff
from cardiolib.validation.concordance import concordance
from cardiolib.validation.store import BootstrapStore


@pytest.fixture(scope="module")
def scan():
    coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    return acquire(DigitalHeart(), coarse, phases=np.arange(0, 1, 0.2), rng=np.random.default_rng(1))


def test_slices_add_up_to_the_volume(scan) -> None:
    table = figures.slices_to_volume(scan.labels, frame=2).table
    for structure, part in table.groupby("structure"):
        assert part["sum_ml"].iloc[-1] == pytest.approx(scan.labels.volume_ml(str(structure))[2])
        assert part["volume_ml"].sum() == pytest.approx(part["sum_ml"].iloc[-1])


def test_input_and_output_of_a_network(scan) -> None:
    grid = heart_window(scan.cine, (32, 32), size_px=(40, 32), pixel_mm=2.4, turn=Turn())
    rng = np.random.default_rng(1)
    n = scan.cine.shape[2]
    classes = rng.dirichlet(np.ones(5), size=(n, 40, 32)).transpose(0, 3, 1, 2).astype(np.float32)
    heat = rng.uniform(size=(6, n, 20, 16)).astype(np.float32)
    heat /= heat.sum(axis=(1, 2, 3), keepdims=True)
    seen = FrameReading(scan.cine, 0, grid, rng.uniform(-0.5, 0.5, (n, 40, 32)).astype(np.float32), classes, heat, 1)
    shown = figures.network_input(seen, 3)
    assert shown.table["rows"].tolist() == [64, 40, 40, 40] and len(shown.figure.axes) == 4
    answer = figures.network_output(seen, 3).table
    assert len(answer) == 10
    assert answer.loc[0, "probability_max"] == pytest.approx(float(classes[3, 1].max()))
    assert (answer["slice"].iloc[4:].to_numpy() - 1).tolist() == list(seen.landmark_slices().values())


def test_the_tracker_at_work_measures_all_points(scan) -> None:
    quick = TrackingSettings.fast(prior="none", coarse_iterations=2, fine_iterations=1, lattice_mm=12.0, phases=5)
    truth = scan.world_from_heart(DigitalHeart().surface_sequence(scan.phases))
    watched = watch_tracking(scan.cine, scan.labels, quick, after=[0])
    table = figures.tracker_at_work(watched, truth, 2).table
    moved = np.linalg.norm(truth[2] - truth[0], axis=1).mean()
    assert table["iterations"].tolist() == [0, 3] and table["error_mm"].iloc[0] == pytest.approx(moved)
    assert (table["along_mm"] <= table["error_mm"]).all()


def test_arrows_stand_in_order_of_time() -> None:
    found = figures.partial_likelihood([0.1, 0.2], [True, False], [1.0, 3.0], [-0.5, 0.5], names=["a", "b"])
    assert found.table["patient"].tolist() == ["b", "a"] and found.table["gradient"].tolist() == [0.5, -0.5]


def test_the_nearest_alpha_is_shown() -> None:
    table = pd.DataFrame({"motion_explained": [0.1, 0.9], "c_trained": [0.9, 0.6], "c_held_out": [0.6, np.nan]})
    table.index = pd.Index([0.2, 0.8], name="alpha")
    rng = np.random.default_rng(1)
    codes = {alpha: rng.normal(size=(9, 1)) for alpha in (0.2, 0.8)}
    found = AlphaTradeOff(table, codes, {a: one[:, 0] for a, one in codes.items()}, np.arange(9) < 3, np.arange(9) < 4)
    assert figures.alpha_trade_off(found, 0.7).table["shown"].tolist() == [False, True]


def store(message: str = "") -> BootstrapStore:
    rng = np.random.default_rng(1)
    risk = rng.normal(size=(2, 30))
    event, time = rng.uniform(size=30) < 0.6, rng.exponential(size=30)
    ids = np.arange(30).astype(str)
    return BootstrapStore(ids, event, time, rng.integers(0, 30, (2, 30)), risk, message=("", message))


def test_a_bag_is_followed_to_its_c() -> None:
    one = store()
    drawing = figures.one_bag(one, 0)
    unseen = drawing.table[drawing.table["drawn"] == 0]
    assert drawing.table["drawn"].sum() == 30
    c = concordance(unseen["log_risk"].to_numpy(), unseen["event"].to_numpy(), unseen["time"].to_numpy())
    assert f"{c.concordant:.0f} of {c.comparable:.0f} pairs right" in drawing.figure.axes[2].get_title(loc="left")
    with pytest.raises(ValueError, match="given 1"):
        figures.one_bag(store("failed"), 1)


def test_a_graph_is_drawn_with_its_modes() -> None:
    code = np.random.default_rng(1).normal(size=(16, 4))
    graph = neighbour_graph(code, n_neighbours=3)
    table = figures.graph_modes(graph, code).table
    assert np.allclose(table[["mode_1", "mode_2"]], graph.modes(2))
    assert table["neighbours"].sum() == 2 * len(graph.edges)


def test_the_line_is_that_of_least_squares_and_absent_risks_are_left_out() -> None:
    motion, risk = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, np.nan, 4])
    table = figures.one_vertex(motion, risk, [True, False, True, False], vertex=7).table
    slope, offset = np.polyfit(motion[[0, 1, 3]], risk[[0, 1, 3]], 1)
    assert len(table) == 3 and np.allclose(table["line"], offset + slope * table["motion_mm"])
