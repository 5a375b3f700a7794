"""Figures of notebook 05: the null panel, stability, saliency by phase, and the hearts at low and high risk."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_results import patient_maps, risk_hearts

from cardiolib import figures
from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.figures.cycle_curves import CURVES
from cardiolib.figures.heart_pairs import VIEWS
from cardiolib.figures.patient_maps import NULL_TITLE
from cardiolib.interpretation.maps_of_risk import CHANGE, GRADIENTS, PAPER
from cardiolib.meshes import SurfaceMesh, decimated_mesh
from cardiolib.motion import TwoHearts

N = 40
RNG = np.random.default_rng(0)
EVENT, TIME, POINTS = RNG.random(N) < 0.4, RNG.exponential(3, N), RNG.normal(size=(N, 2))


@pytest.fixture(scope="module")
def beating():
    positions = DigitalHeart(mean_parameters("ph")).points202(PHASES)
    weaker = positions[0] + 0.7 * (positions - positions[0])
    return decimated_mesh(positions[0]), {"low risk": positions, "high risk": weaker}


def test_the_null_panel_has_its_own_outcomes_and_quality_stands_below():
    order = RNG.permutation(N)
    found = patient_maps({"pca": POINTS}, EVENT, TIME, null=(EVENT[order], TIME[order]))
    figure, table = figures.latent_map(found)
    titles = [ax.get_title(loc="left") for ax in figure.axes[:2]]
    assert titles == ["a   principal components", f"b   {NULL_TITLE}"]
    assert "0.91" in figure.axes[0].get_xlabel()
    np.testing.assert_array_equal(table["shuffled time"], TIME[order])
    np.testing.assert_array_equal(table[f"{NULL_TITLE} 1"], -POINTS[:, 0])
    hollow, filled = figure.axes[1].collections
    assert (len(hollow.get_offsets()), len(filled.get_offsets())) == ((~EVENT).sum(), EVENT.sum())


def test_stability_draws_a_line_from_each_patient_to_each_refit():
    places = np.stack([POINTS, POINTS + 0.1, POINTS - 0.1])
    stable = patient_maps({"umap": POINTS}, EVENT, TIME, log_risk=TIME, aligned={"umap": places})
    figure, table = figures.latent_stability(stable)
    lines = figure.axes[0].collections[0].get_segments()
    assert len(lines) == 2 * N
    np.testing.assert_allclose(lines[0], [POINTS[0], POINTS[0] + 0.1])
    assert "40%" in figure.axes[0].get_xlabel()
    assert sorted(table["refit"].unique()) == [-1, 0, 1]
    with pytest.raises(ValueError, match="coordinates"):
        figures.latent_stability(replace(stable, aligned={"umap": places[:, 1:]}))
    with pytest.raises(ValueError, match="principal components"):
        figures.latent_stability(replace(stable, aligned={"pca": places}))


def test_region_and_phase_tables_are_drawn_as_given():
    one = pd.DataFrame({"septum": [1.0, -2], "base": [0.5, 1]}, index=pd.RangeIndex(1, 3, name="phase"))
    tables = pd.concat({PAPER: one, GRADIENTS: one.abs(), CHANGE: one.abs()}, names=["method"])
    found = SimpleNamespace(risk_source="out-of-bag", summary_by_phase=tables, n_phases=20)
    figure, table = figures.region_phase(found)
    drawn = figure.axes[0].collections[0]
    np.testing.assert_array_equal(np.ravel(drawn.get_array()), [1, -2, 0.5, 1])
    assert drawn.get_clim() == (-2, 2)
    assert figure.axes[1].collections[0].get_clim() == (0, 2)
    assert table.query("method.str.startswith('correlation') and region == 'septum'")["value"].tolist() == [1, -2]
    assert sorted(table["percent"].unique()) == [5, 10]


def test_hearts_at_end_systole_are_coloured_by_their_own_displacement(beating):
    mesh, hearts = beating
    figure, table = figures.risk_hearts(risk_hearts(mesh, hearts))
    low, high = (table.query("heart == @name")["displacement_mm"].to_numpy() for name in hearts)
    np.testing.assert_allclose(high, 0.7 * low)
    moved = np.linalg.norm(hearts["low risk"] - hearts["low risk"][0], axis=2)
    np.testing.assert_allclose(low, moved[moved.mean(axis=1).argmax()])
    titles = [ax.get_title(loc="left") for ax in figure.axes[:4]]
    assert titles == [
        "a   low risk, free wall",
        "b   low risk, septum",
        "c   high risk, free wall",
        "d   high risk, septum",
    ]
    with pytest.raises(ValueError, match="T the same for all"):
        figures.risk_hearts(risk_hearts(mesh, {**hearts, "low risk": hearts["low risk"][:5]}))


def test_without_a_surface_nothing_of_the_hearts_is_drawn(beating):
    mesh, hearts = beating
    flat = risk_hearts(SurfaceMesh(mesh.points, np.zeros((0, 3), int)), hearts)
    for draw in (figures.risk_hearts, figures.risk_hearts_interactive, figures.risk_curves):
        assert draw(flat).figure is None and "surface" in draw(flat).reason
    lonely = figures.two_hearts_interactive(TwoHearts(mesh, {}, lacks="There are not two hearts."))
    assert lonely.figure is None and lonely.reason == "There are not two hearts."


def test_curves_close_and_truth_is_dashed():
    table = pd.concat(
        [
            pd.DataFrame({"heart": name, "phase": [0.0, 0.5], **{column: [k, 2.0 * k] for column in CURVES}})
            for k, name in enumerate(("low risk", "high risk, in truth"))
        ]
    )
    figure, drawn = figures.risk_curves(SimpleNamespace(lacks="", cycle_curves=table))
    first, second = figure.axes[0].lines
    assert second.get_ydata().tolist() == [1, 2, 1]
    assert first.get_linestyle() == "-" != second.get_linestyle()
    assert len(drawn) == 4
    with pytest.raises(ValueError, match="begins with"):
        figures.risk_curves(SimpleNamespace(lacks="", cycle_curves=table.assign(heart="middle")))
    with pytest.raises(ValueError, match="missing"):
        figures.risk_curves(SimpleNamespace(lacks="", cycle_curves=table.drop(columns="septal_shift_mm")))


def test_hearts_beat_together_in_one_frame_of_axes(beating, tmp_path):
    mesh, hearts = beating
    figure = figures.two_hearts_interactive(TwoHearts(mesh, hearts, "Two hearts")).figure
    assert [trace.scene for trace in figure.data] == ["scene", "scene2"]
    assert len(figure.frames) == 20
    assert figure.frames[3].traces == (0, 1)
    np.testing.assert_allclose(figure.frames[3].data[1].z[:202], hearts["high risk"][3, :, 2], rtol=1e-5)
    assert figure.layout.scene.xaxis.range == figure.layout.scene2.xaxis.range
    assert {trace.cmax for trace in figure.data} == {figure.data[0].cmax}
    shown = figure.layout.sliders[0].active  # what stands still before Play is the frame that the slider names
    np.testing.assert_array_equal(figure.data[0].x, figure.frames[shown].data[0].x)
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["Play", "Pause"]
    assert len(figure.layout.updatemenus[1].buttons) == len(VIEWS)
    assert all(
        set(button.args[0]) == {"scene.camera", "scene2.camera"} for button in figure.layout.updatemenus[1].buttons
    )
    pages = [
        figures.save_interactive(
            figures.risk_hearts_interactive(risk_hearts(mesh, hearts)).figure, tmp_path / folder, "pair", simulated=True
        ).read_bytes()
        for folder in "ab"
    ]
    assert pages[0] == pages[1]
    true = {f"{name}, in truth": positions for name, positions in hearts.items()}
    four = figures.risk_hearts_interactive(risk_hearts(mesh, {**hearts, **true})).figure
    assert len(four.data) == 4
    wide = {name: points * [2.0, 2.0, 1.0] for name, points in hearts.items()}  # from which the eye steps back
    assert figures.two_hearts_interactive(TwoHearts(mesh, wide)).figure.layout.scene.camera.eye.z > (
        1.2 * figure.layout.scene.camera.eye.z
    )
    with pytest.raises(ValueError, match="two or four"):
        figures.two_hearts_interactive(TwoHearts(mesh, {"one": hearts["low risk"]}))
