"""Still pictures of hearts: cameras, contours, and the numbers behind them."""

import hashlib

import numpy as np
import pytest

from cardiolib.digital_heart import PHASES, DigitalHeart, mean_parameters
from cardiolib.figures import motion_views, rendering, save_figure, shape_views, values_on_surface
from cardiolib.figures.surface_views import Camera, Window, level_lines, rounded, visible
from cardiolib.figures.ventricles import heart_axes
from cardiolib.meshes import SurfaceMesh, decimated_mesh, enclosed_volume_ml, extract_regions, template_mesh
from cardiolib.motion import MovingHeart
from cardiolib.shape import ExampleShape

TETRAHEDRON = SurfaceMesh(
    np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], float),
    np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]]),
)


@pytest.fixture(scope="module")
def moving():
    positions = DigitalHeart(mean_parameters("ph")).points202(PHASES)
    return decimated_mesh(positions[0]), positions


@pytest.fixture(scope="module")
def surfaces():
    mesh = template_mesh()
    regions = {"lv_endo": ("lv_endo",), "lv_epi": ("lv_epi",), "rv_endo": ("rv_free", "rv_septum")}
    return {name: extract_regions(mesh, *names)[0] for name, names in regions.items()}


def shown(surfaces):
    return shape_views(ExampleShape("a", surfaces))


def turned(surfaces, rotation, shift):
    return {name: mesh.with_points(mesh.points @ rotation.T + shift) for name, mesh in surfaces.items()}


def sphere(radius=10.0):
    mesh, _ = rounded(TETRAHEDRON, times=4)
    return mesh.with_points(radius * mesh.points / np.linalg.norm(mesh.points, axis=1, keepdims=True))


def rotation(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def test_heart_axes_turn_with_the_heart(surfaces):
    lateral, base = heart_axes(surfaces)
    assert base[2] > 0.95 and lateral[0] > 0.95  # the template lies in the heart frame
    assert lateral @ base == pytest.approx(0, abs=1e-12)
    turn = rotation(3)
    lateral_turned, base_turned = heart_axes(turned(surfaces, turn, [100, -50, 7]))
    np.testing.assert_allclose(lateral_turned, turn @ lateral, atol=1e-9)
    np.testing.assert_allclose(base_turned, turn @ base, atol=1e-9)


def test_base_of_closed_surfaces_is_the_blunt_end(surfaces):
    ball = sphere()
    z = ball.points[:, 2]
    # A drop: long in z, pointed below.
    drop = ball.with_points(np.column_stack([ball.points[:, :2] * (1 + z / 11)[:, None], 3 * z]))
    left, right = drop, ball.with_points(ball.points - [40, 0, 0])
    _, base = heart_axes({"lv_endo": left, "rv_endo": right})
    assert base[2] > 0.99


def test_shape_views_look_the_same_however_the_heart_lies(surfaces):
    figure, table = shown(surfaces)
    other, same = shown(turned(surfaces, rotation(5), [20, 0, -300]))
    for one, two in zip(figure.axes, other.axes, strict=True):
        a, b = (ax.images[0].get_array().astype(int) for ax in (one, two))
        assert np.allclose(a.shape, b.shape, atol=2)
        # Lights move with the camera: the pictures differ by rounding at edges only.
        rows, columns = np.minimum(a.shape[:2], b.shape[:2])
        assert (np.abs(a[:rows, :columns] - b[:rows, :columns]).max(axis=2) > 40).mean() < 0.01
        assert one.get_xlim()[1] - one.get_xlim()[0] == pytest.approx(two.get_xlim()[1] - two.get_xlim()[0], abs=0.1)
    assert list(table["surface"]) == ["lv_endo", "lv_epi", "rv_endo"]
    for row in table.itertuples():
        assert row.volume_ml == pytest.approx(enclosed_volume_ml(surfaces[row.surface], cap=True))
    np.testing.assert_allclose(table["volume_ml"], same["volume_ml"])
    assert 100 < table["volume_ml"][2] < 400


def test_the_three_views_show_what_their_titles_say(surfaces):
    figure, _ = shown({name: surfaces[name] for name in ("lv_endo", "rv_endo")})
    share = {}
    for ax in figure.axes:
        picture = ax.images[0].get_array().astype(int)
        red, blue = picture[..., 0] - picture[..., 2] > 60, picture[..., 2] - picture[..., 0] > 40
        share[ax.get_title(loc="left")[4:]] = red.sum() / blue.sum()
        if "front" in ax.get_title(loc="left"):  # the RV stands left of the LV, as in every anatomy book
            assert np.nonzero(blue)[1].mean() < np.nonzero(red)[1].mean()
    assert share["from the right ventricle"] < share["from the front"] < 2
    assert share["from the base"] > share["from the right ventricle"]


def test_shape_views_name_what_is_missing_or_unknown(surfaces):
    with pytest.raises(ValueError, match="rv_endo"):
        shown({"lv_endo": surfaces["lv_endo"]})
    with pytest.raises(ValueError, match="aorta"):
        shown({**surfaces, "aorta": surfaces["lv_epi"]})


def test_motion_views_tell_the_displacement(moving):
    mesh, positions = moving
    figure, table = motion_views(MovingHeart("a", mesh, positions, "truth"), es_phase=8)
    np.testing.assert_allclose(table[["x_mm", "y_mm", "z_mm"]], positions[8] - positions[0])
    np.testing.assert_allclose(table["displacement_mm"], np.linalg.norm(positions[8] - positions[0], axis=1))
    assert set(table["region"]) == {"rv_free", "rv_septum"}
    free, septum = figure.axes[:2]
    assert "free wall" in free.get_title(loc="left") and "septum" in septum.get_title(loc="left")
    for ax in (free, septum):  # a paper millimetre is the same heart's millimetre in both
        assert ax.get_aspect() == 1
    assert figure.axes[-1].get_ylabel() == "displacement at end-systole (mm)"


@pytest.mark.parametrize("change", ["shape", "phase", "points"])
def test_motion_views_refuse_what_does_not_fit(moving, change):
    mesh, positions = moving
    if change == "shape":
        positions = positions[:, :-1]
    if change == "points":
        mesh = SurfaceMesh(mesh.points, np.zeros((0, 3), int))
    with pytest.raises(ValueError, match={"shape": "positions", "phase": "es_phase", "points": "triangles"}[change]):
        motion_views(MovingHeart("a", mesh, positions, "truth"), es_phase=20 if change == "phase" else 8)


def test_saliency_scale_is_symmetric_only_for_signed_values(moving):
    mesh, _ = moving
    signed = np.linspace(-0.2, 0.5, 202)
    figure, table = values_on_surface(mesh, {"r": signed, "attribution": signed**2}, significant=signed > 0.3)
    bars = {ax.get_ylabel(): ax.get_ylim() for ax in figure.axes if ax.get_ylabel()}
    assert bars == {"r": pytest.approx((-0.5, 0.5)), "attribution": pytest.approx((0, 0.25))}
    assert "58 of 202" in figure.legends[0].get_texts()[0].get_text()
    assert table["significant: r"].sum() == 58 and "significant: attribution" not in table
    ringed = [bool(ax.collections) for ax in figure.axes[:4]]
    assert ringed[2:] == [False, False] and any(ringed[:2])


def test_saliency_of_points_without_a_surface(moving):
    points = SurfaceMesh(moving[0].points, np.zeros((0, 3), int))
    figure, table = values_on_surface(points, np.arange(202.0), significant=np.arange(202) < 5, label="vertex")
    assert len(table) == 202 and figure.axes[0].collections[0].get_offsets().shape == (202, 2)
    rings = figure.axes[0].collections[0].get_linewidths()
    assert (np.asarray(rings) > 0).sum() == 5
    nowhere = SurfaceMesh(np.zeros((202, 3)), np.zeros((0, 3), int))
    figure, table = values_on_surface(nowhere, np.arange(202.0), significant=np.arange(202) < 5, label="vertex")
    assert set(table["region"]) == {"not known"} and np.array_equal(table["vertex"], np.arange(202))
    assert "shown by their number" in figure.axes[0].get_title(loc="left")
    assert len(figure.axes[0].lines[-1].get_xdata()) == 5


@pytest.mark.parametrize("values", [np.zeros(5), np.full(202, np.nan)])
def test_saliency_refuses_values_that_do_not_fit(moving, values):
    with pytest.raises(ValueError, match="one finite value"):
        values_on_surface(moving[0], values)
    with pytest.raises(ValueError, match="maps that are drawn"):
        values_on_surface(moving[0], {"r": np.zeros(202)}, significant={"q": np.zeros(202, bool)})


@pytest.mark.parametrize("off_screen", [True, False])
def test_stored_bytes_do_not_change(moving, tmp_path, monkeypatch, off_screen):
    if not off_screen:
        monkeypatch.setattr(rendering, "off_screen_works", lambda: False)
    digests = []
    for folder in ("one", "two"):
        figure, table = values_on_surface(moving[0], np.arange(202.0), significant=np.arange(202) > 100)
        paths = save_figure(figure, tmp_path / folder, "saliency", table, simulated=True)
        digests.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])
    assert digests[0] == digests[1] and len(digests[0]) == 3


def test_only_the_near_half_of_a_sphere_is_visible():
    ball, camera = sphere(), Camera(np.array([1.0, 2, 3]), np.array([0.0, 0, 1]))
    height = camera.project(ball.points)[:, 2]
    seen = visible(ball.points, ball, camera, tolerance_mm=1.0)
    assert seen[height > -0.4].all() and not seen[height < -1.5].any()


def test_camera_axes_are_orthonormal_and_window_holds_the_points():
    camera = Camera(np.array([0, -2.0, 0.5]), np.array([0, 0, 4.0]))
    np.testing.assert_allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-12)
    assert camera.project([5.0, 0, 0])[0] == pytest.approx(5)  # seen from the front, x runs to the right
    assert np.linalg.det(camera.axes) == pytest.approx(1)
    window = Window.around(np.array([[0, 0, 9], [10, 4, -9.0]]), margin_mm=1).grown(width=20)
    assert (window.left, window.right, window.bottom, window.top) == (-5, 15, -1, 5)
    with pytest.raises(ValueError, match="differ"):
        Camera(np.array([0, 0, 1.0]), np.array([0, 0, 2.0]))


def test_rounding_keeps_vertices_and_comes_nearer_to_a_sphere():
    ball, _ = rounded(TETRAHEDRON, times=2)
    coarse = SurfaceMesh(10 * ball.points / np.linalg.norm(ball.points, axis=1, keepdims=True), ball.triangles)
    fine, values = rounded(coarse, coarse.points[:, 2], times=2)
    np.testing.assert_array_equal(fine.points[: coarse.n_points], coarse.points)
    off = [
        np.abs(np.linalg.norm(points, axis=1) - 10).mean()
        for points in (fine.points, coarse.points[coarse.triangles].mean(axis=1))
    ]
    assert off[0] < 0.5 * off[1]
    assert len(fine.triangles) == 16 * len(coarse.triangles) and values.min() >= coarse.points[:, 2].min()


def test_level_lines_of_a_height_are_horizontal():
    ball = sphere()
    lines = level_lines(ball, ball.points[:, 2], 3.0)
    assert len(lines) > 20
    np.testing.assert_allclose(lines[..., 2], 3.0, atol=1e-9)
    # They make one closed ring: its length is that of the circle at this height.
    length = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1).sum()
    assert length == pytest.approx(2 * np.pi * np.sqrt(100 - 9), rel=0.03)
