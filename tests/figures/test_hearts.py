"""Rendered and interactive hearts."""

import hashlib
import json
import re

import numpy as np
import pytest
import pyvista as pv

from cardiolib.figures import heart_animation, heart_surface, render_surface, rendering, save_interactive
from cardiolib.figures.interactive import PLOTLY_FILE
from cardiolib.figures.style import SIMULATED_TEXT
from cardiolib.meshes import SurfaceMesh

BOX = np.array([[x, y, z] for x in (-10, 10) for y in (-20, 20) for z in (0, 60)], float)
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
FACES = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))])
MESH = SurfaceMesh(BOX, FACES)


def fine_box(upper_region, axis):
    """The box in small triangles, cut in two regions across an axis."""
    data = pv.PolyData(BOX, np.column_stack([np.full(12, 3), FACES])).subdivide(3, "linear")
    points = np.asarray(data.points, float)
    names = ("rv_free", "lv_epi") if upper_region == "lv_epi" else ("lv_epi", "rv_free")
    triangles = np.asarray(data.faces).reshape(-1, 4)[:, 1:]
    return SurfaceMesh(points, triangles, points[:, axis] > BOX[:, axis].mean(), names)


def extent(picture):
    rows, columns = np.nonzero((picture < 250).any(axis=2))
    return np.ptp(columns) + 1, np.ptp(rows) + 1


@pytest.fixture(params=["vtk", "painter"])
def renderer(request, monkeypatch):
    if request.param == "painter":
        monkeypatch.setattr(rendering, "off_screen_works", lambda: False)
    elif not rendering.off_screen_works():
        pytest.skip("VTK cannot render on this machine: neither a display nor EGL or OSMesa")
    return request.param


def test_views_are_to_scale_and_the_base_is_up(renderer):
    view = {"centre_mm": (0, 0, 30), "height_mm": 100, "size": (200, 200)}
    for name, size in (("front", (40, 120)), ("rv side", (80, 120)), ("base", (40, 80))):
        assert extent(render_surface(MESH, view=name, **view)) == pytest.approx(size, abs=3), name
    picture = render_surface(fine_box("rv_free", 2), view="front", **view).astype(int)
    top, foot = picture[45, 100], picture[155, 100]
    assert top[2] - top[0] > 40 > 0 > foot[2] - foot[0]  # the base is blue, the apex pale red


def test_front_view_has_the_right_ventricle_on_the_left(renderer):
    mesh = fine_box("lv_epi", 0)
    for view in ("front", "apex"):
        picture = render_surface(mesh, view=view, size=(200, 200)).astype(int)
        heart = (picture < 250).any(axis=2)
        blue = np.nonzero(heart & (picture[..., 2] - picture[..., 0] > 40))[1]
        red = np.nonzero(heart & (picture[..., 0] - picture[..., 2] > 10))[1]
        assert blue.mean() < red.mean(), view


def test_rendering_is_the_same_twice_and_quiet(renderer, capfd):
    pictures = [render_surface(MESH, scalars=BOX[:, 2], points_mm=BOX[:2], size=(120, 90)) for _ in range(2)]
    assert pictures[0].shape == (90, 120, 3) and pictures[0].dtype == np.uint8
    np.testing.assert_array_equal(*pictures)
    captured = capfd.readouterr()
    assert captured.out == "" and captured.err == ""


@pytest.mark.parametrize(
    ("value", "colour"), [(0, (68, 1, 84)), (6, (253, 231, 37)), (np.nan, (221, 221, 221))], ids=["low", "high", "none"]
)
def test_scalars_colour_through_the_map_and_missing_values_are_grey(renderer, value, colour):
    """The hue is that of the map; how bright it is depends on the light."""
    picture = render_surface(MESH, scalars=np.full(8, value), colour_map="viridis", limits=(0, 6), size=(60, 60))
    seen = picture[30, 30].astype(float)
    np.testing.assert_allclose(seen / seen.max(), np.array(colour) / max(colour), atol=0.1)


def test_what_cannot_be_rendered_is_refused():
    with pytest.raises(ValueError, match="one value"):
        render_surface(MESH, scalars=np.zeros(3))
    with pytest.raises(ValueError, match="no view 'top'"):
        render_surface(MESH, view="top")
    with pytest.raises(ValueError, match="must differ"):
        render_surface(MESH, view=((0, 0, 1), (0, 0, 1)))


def test_page_works_offline_and_is_the_same_twice(tmp_path):
    figure = heart_surface(BOX, FACES, BOX[:, 2], title="Height & place", colour_bar="height (mm)", unit="mm")
    pages = [save_interactive(figure, tmp_path / run, "05_heart", simulated=True) for run in "ab"]
    first, second = (page.read_bytes() for page in pages)
    assert first == second
    html = first.decode()
    assert f'src="{PLOTLY_FILE}"' in html
    assert set(re.findall(r"https?://[^\s\"'<]*", html)) <= {"https://plot.ly"}
    assert 'id="plot-05_heart"' in html and SIMULATED_TEXT in html and "<title>Height &amp; place</title>" in html
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["05_heart.html", PLOTLY_FILE]
    program = hashlib.sha256((tmp_path / "a" / PLOTLY_FILE).read_bytes()).hexdigest()
    assert program == hashlib.sha256((tmp_path / "b" / PLOTLY_FILE).read_bytes()).hexdigest()
    assert SIMULATED_TEXT not in save_interactive(figure, tmp_path, "x", simulated=False).read_text()
    with pytest.raises(ValueError, match="name"):
        save_interactive(figure, tmp_path, "a/b", simulated=False)


def test_program_is_stored_once_and_mended(tmp_path):
    figure = heart_surface(BOX, FACES)
    save_interactive(figure, tmp_path, "a", simulated=False)
    program = tmp_path / PLOTLY_FILE
    stamp = program.stat().st_ino
    save_interactive(figure, tmp_path, "b", simulated=False)
    assert program.stat().st_ino == stamp
    program.write_text("half")
    save_interactive(figure, tmp_path, "b", simulated=False)
    assert program.stat().st_size > 1_000_000


def test_animation_holds_every_phase_in_one_fixed_scene():
    points = np.stack([BOX * (1 + 0.1 * t) for t in range(4)])
    figure = heart_animation(points, FACES, points[..., 2], title="Beat", unit="mm", limits=(0, 80))
    assert [frame.name for frame in figure.frames] == ["00", "01", "02", "03"]
    for t, frame in enumerate(figure.frames):
        np.testing.assert_allclose(np.stack([frame.data[0][axis] for axis in "xyz"], 1), points[t], rtol=1e-6)
        np.testing.assert_allclose(frame.data[0].intensity, points[t][:, 2], rtol=1e-6)
    low, high = figure.layout.scene.zaxis.range
    assert low < 0 and high > points[..., 2].max()
    ranges = [np.ptp(figure.layout.scene[f"{axis}axis"].range) for axis in "xyz"]
    ratio = [figure.layout.scene.aspectratio[axis] for axis in "xyz"]
    np.testing.assert_allclose(np.divide(ranges, ratio), max(ranges))  # a millimetre is equally long in x, y and z
    assert (figure.data[0].cmin, figure.data[0].cmax) == (0, 80)
    assert len(figure.layout.sliders[0].steps) == 4 and figure.layout.updatemenus[0].buttons[0].label == "Play"
    json.loads(figure.to_json())


def test_surfaces_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(T, V, 3\)"):
        heart_animation(BOX, FACES)
    with pytest.raises(ValueError, match="indices of 8"):
        heart_surface(BOX, FACES + 1)
    with pytest.raises(ValueError, match="one value a vertex"):
        heart_surface(BOX, FACES, np.zeros(3))
    with pytest.raises(ValueError, match="labels"):
        heart_animation(BOX[None], FACES, frame_labels=["a", "b"])
