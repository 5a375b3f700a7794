"""Interactive figures: what they show, and what their menus change."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import patient_maps

from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.figures import (
    heart_in_images_interactive,
    kaplan_meier,
    kaplan_meier_interactive,
    latent_map_interactive,
    motion_views_interactive,
    save_interactive,
    shape_views,
    shape_views_interactive,
    values_on_surface_interactive,
)
from cardiolib.meshes import SurfaceMesh, decimated_mesh, extract_regions, template_mesh
from cardiolib.motion import HeartInImages, MovingHeart
from cardiolib.shape import ExampleShape
from cardiolib.validation import kaplan_meier_groups


@pytest.fixture(scope="module")
def moving():
    positions = DigitalHeart(mean_parameters("ph")).points202(PHASES)
    return decimated_mesh(positions[0]), positions


@pytest.fixture(scope="module")
def patients():
    rng = np.random.default_rng(2)
    risk = rng.normal(size=60)
    time = rng.exponential(5 * np.exp(-risk)) + 0.01
    event = time < 9
    return risk, event, np.minimum(time, 9.0)


def beating(mesh, positions, others=None, **title):
    return motion_views_interactive(MovingHeart("A", mesh, positions, "truth", others or {}), **title).figure


def page(figure, folder):
    return save_interactive(figure, folder, "figure", simulated=True).read_bytes()


def test_shapes_stand_upright_and_can_be_switched(tmp_path):
    mesh = template_mesh()
    regions = {"rv_endo": ("rv_free", "rv_septum"), "lv_epi": ("lv_epi",), "lv_endo": ("lv_endo",)}
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    turn = turn * np.sign(np.linalg.det(turn))
    parts = {name: extract_regions(mesh, *names)[0] for name, names in regions.items()}
    surfaces = {name: part.with_points(part.points @ turn.T) for name, part in parts.items()}
    figure, table = shape_views_interactive(ExampleShape("a", surfaces))
    assert [trace.name for trace in figure.data] == ["LV cavity", "LV outer wall", "RV cavity"]
    assert all(trace.showlegend for trace in figure.data)
    assert [trace.opacity < 1 for trace in figure.data] == [False, True, False]
    left, right = figure.data[0], figure.data[2]
    assert np.mean(left.x) > np.mean(right.x)
    # Turned back into the heart frame: apex below, and no mirror image.
    np.testing.assert_allclose(np.ptp(left.z), np.ptp(parts["lv_endo"].points[:, 2]), rtol=0.03)
    assert np.corrcoef(right.y, parts["rv_endo"].points[:, 1])[0, 1] > 0.98
    np.testing.assert_array_equal(np.stack([left.i, left.j, left.k], axis=1), parts["lv_endo"].triangles)
    assert page(figure, tmp_path / "one") == page(
        shape_views_interactive(ExampleShape("a", surfaces)).figure, tmp_path / "two"
    )
    assert table.equals(shape_views(ExampleShape("a", surfaces)).table)  # one table for both views


def test_beating_heart_is_coloured_by_displacement(moving, tmp_path):
    mesh, positions = moving
    figure = beating(mesh, positions, title="A heart")
    assert len(figure.frames) == 20 and figure.layout.title.text == "A heart"
    assert np.abs(figure.data[0].intensity).max() == 0
    shown = figure.frames[8].data[0]
    distance = np.linalg.norm(positions[8] - positions[0], axis=1)
    np.testing.assert_allclose(shown.intensity[:202], distance, rtol=1e-5)
    np.testing.assert_allclose(np.stack([shown.x, shown.y, shown.z], axis=1)[:202], positions[8], atol=1e-4)
    assert figure.data[0].cmax >= np.linalg.norm(positions - positions[:1], axis=2).max()
    assert page(figure, tmp_path / "one") == page(beating(mesh, positions, title="A heart"), tmp_path / "two")
    with pytest.raises(ValueError, match="positions"):
        beating(mesh, positions[:, :5])
    with pytest.raises(ValueError, match="without triangles"):
        beating(SurfaceMesh(mesh.points, np.zeros((0, 3), int)), positions)


def test_another_motion_is_drawn_as_dots_that_move_along(moving):
    mesh, positions = moving
    figure = beating(mesh, positions, others={"tracked": positions + 1.0})
    assert [trace.type for trace in figure.data] == ["mesh3d", "scatter3d"] and figure.data[1].name == "tracked"
    frame = figure.frames[8]
    assert list(frame.traces) == [0, 1]
    np.testing.assert_allclose(
        np.stack([frame.data[1].x, frame.data[1].y, frame.data[1].z], axis=1), positions[8] + 1.0, atol=1e-4
    )
    with pytest.raises(ValueError, match="tracked has other axes"):
        beating(mesh, positions, others={"tracked": positions[:5]})


@pytest.mark.parametrize("solid", [True, False])
def test_saliency_menu_changes_values_scale_and_label(moving, solid):
    mesh = moving[0] if solid else SurfaceMesh(moving[0].points, np.zeros((0, 3), int))
    signed = np.linspace(-0.2, 0.5, 202)
    figure = values_on_surface_interactive(mesh, {"r": signed, "attribution": signed**2}).figure
    first, second = (button.args[0] for button in figure.layout.updatemenus[0].buttons)
    prefix = "" if solid else "marker."
    values = second["intensity" if solid else "marker.color"]
    assert len(values) == 1  # one trace: a bare list would give each value to a trace of its own
    np.testing.assert_allclose(values[0][:202], signed**2, rtol=1e-5)
    assert (first[f"{prefix}cmin"], first[f"{prefix}cmax"]) == (-0.5, 0.5)
    assert (second[f"{prefix}cmin"], second[f"{prefix}cmax"]) == pytest.approx((0, 0.25))
    assert second[f"{prefix}colorbar.title.text"] == "attribution"
    assert first[f"{prefix}colorscale"] != second[f"{prefix}colorscale"]
    scale = figure.data[0] if solid else figure.data[0].marker
    assert (scale.cmin, scale.cmax, scale.colorbar.title.text) == (-0.5, 0.5, "r")
    assert figure.data[0].text[0].startswith("point 0")


def test_saliency_without_a_geometry_is_shown_by_number_and_one_map_needs_no_menu(moving):
    assert not values_on_surface_interactive(moving[0], {"r": np.ones(202)}).figure.layout.updatemenus
    nowhere = SurfaceMesh(np.zeros((202, 3)), np.zeros((0, 3), int))
    figure = values_on_surface_interactive(nowhere, {"r": np.arange(202.0), "g": np.ones(202)}).figure
    assert [trace.type for trace in figure.data] == ["bar", "bar"] and np.array_equal(figure.data[0].y, np.arange(202))
    assert "no surface" in figure.layout.title.text
    with pytest.raises(ValueError, match="one finite value"):
        values_on_surface_interactive(moving[0], {"r": np.ones(3)})


def test_kaplan_meier_panels_show_curves_and_numbers_at_risk(patients, tmp_path):
    risk, event, time = patients
    groups = {"network": kaplan_meier_groups(risk, event, time), "volumes": kaplan_meier_groups(-risk, event, time)}
    figure, table = kaplan_meier_interactive(groups, time_unit="years")
    assert table.equals(kaplan_meier(groups).table)  # one table for both views
    named = [trace for trace in figure.data if trace.name and trace.mode == "lines"]
    assert [trace.name for trace in named] == [*groups["network"].names, *groups["volumes"].names]
    assert sum(trace.showlegend for trace in named) == 2  # each group once in the legend
    curve = groups["network"].curves.query("group == @named[0].name")
    np.testing.assert_allclose(named[0].y, curve["survival"])
    assert all(trace.line.shape == "hv" for trace in named)
    counts = [trace for trace in figure.data if trace.mode == "text"]
    assert len(counts) == 4 and counts[0].text[0] == "30"
    assert figure.layout.xaxis.title.text == "time (years)"
    assert "network" in figure.layout.annotations[0].text and "log-rank" in figure.layout.annotations[0].text
    assert page(figure, tmp_path / "one") == page(kaplan_meier_interactive(groups).figure, tmp_path / "two")
    with pytest.raises(ValueError, match="empty"):
        kaplan_meier_interactive({})


def test_latent_map_menus_swap_coordinates_and_colour(patients):
    risk, event, time = patients
    ids = np.array([f"P{i}" for i in range(60)])
    maps = {"umap": np.column_stack([risk, time]), "pca": np.column_stack([time, -risk])}
    figure = latent_map_interactive(patient_maps(maps, event, time, ids=ids, log_risk=risk), truncate_at=4).figure
    censored, died = figure.data
    assert (censored.marker.symbol, died.marker.symbol) == ("circle-open", "circle")
    np.testing.assert_allclose(died.x, risk[event])
    np.testing.assert_allclose(died.marker.color, np.minimum(time[event], 4))
    assert all(f"<b>{name}</b>" in text for name, text in zip(ids[event], died.text, strict=True))
    assert "alive when last seen" in censored.text[0] and "died at" in died.text[0]
    by_map, by_colour = figure.layout.updatemenus
    np.testing.assert_allclose(by_map.buttons[1].args[0]["y"][1], -risk[event])
    values, layout, _ = by_colour.buttons[1].args
    np.testing.assert_allclose(values["marker.color"][0], risk[~event])
    assert layout["coloraxis.colorbar.title.text"] == "predicted log risk"
    assert figure.layout.coloraxis.colorbar.title.text == "time (years, at most 4)"


def test_latent_map_checks_lengths(patients):
    risk, event, time = patients
    maps = {"pca": np.column_stack([time, risk])}
    figure = latent_map_interactive(patient_maps(maps, event, time), truncate_at=None).figure
    assert figure.layout.coloraxis.cmax == time.max()
    with pytest.raises(ValueError, match="principal components"):
        latent_map_interactive(patient_maps({"pca": np.zeros((5, 2))}, event, time))
    with pytest.raises(ValueError, match="empty"):
        latent_map_interactive(patient_maps({}, event, time))


def in_images():
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(12)], -1)
    points = np.vstack([ring * 20 - [0, 0, 10], ring * 25 + [0, 0, 10]])
    low = np.column_stack([np.arange(12), np.roll(np.arange(12), -1), np.arange(12) + 12])
    mesh = SurfaceMesh(points, low)
    positions = points * np.array([1.0, 0.8, 0.9])[:, None, None]
    grid = np.stack(np.meshgrid(np.linspace(-40, 40, 9), np.linspace(-30, 30, 7), [0.0], indexing="ij"), -1)[:, :, 0]
    images = np.random.default_rng(0).uniform(0, 900, (3, 9, 7))
    return HeartInImages("patient", {"lv_endo": mesh}, {"lv_endo": positions}, images, grid, np.arange(3))


def test_a_heart_beats_in_its_images(tmp_path):
    heart = in_images()
    positions, images, grid = heart.positions, heart.images, heart.grid
    figure = heart_in_images_interactive(heart).figure
    assert figure.layout.title.text == "patient: real patient, tracked in the images"
    assert [trace.type for trace in figure.data] == ["surface", "mesh3d"] and len(figure.frames) == 3
    np.testing.assert_allclose(figure.frames[1].data[1].x, positions["lv_endo"][1, :, 0], rtol=1e-6)
    shades = np.stack([frame.data[0].surfacecolor for frame in figure.frames])
    assert shades.dtype == np.uint8 and shades.min() == 0 and shades.max() == 255
    order = images.ravel().argsort()
    assert (np.diff(shades.ravel()[order].astype(int)) >= 0).all()  # one scale for all phases
    np.testing.assert_allclose(figure.data[0].x, grid[..., 0])
    assert figure.layout.scene.zaxis.range[0] < positions["lv_endo"][..., 2].min()
    pages = [save_interactive(figure, tmp_path / folder, "real", simulated=False).read_bytes() for folder in "ab"]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("change", [{"images": np.zeros((2, 9, 7))}, {"grid": np.zeros((9, 6, 3))}, {"positions": {}}])
def test_images_that_do_not_belong_to_the_heart_are_refused(change):
    with pytest.raises(ValueError, match="same phases"):
        heart_in_images_interactive(replace(in_images(), **change))


def test_no_patient_is_a_sentence():
    drawing = heart_in_images_interactive(HeartInImages.none("No real scans."))
    assert drawing.figure is None and drawing.reason == "No real scans."
