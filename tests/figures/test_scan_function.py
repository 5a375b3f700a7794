"""Volume curves and bullseyes of one heart: the numbers that they draw, and what they say where there is nothing."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cardiolib import figures
from cardiolib.digital_heart import DigitalHeart
from cardiolib.figures.scan_function import _place
from cardiolib.motion.strain import SEGMENTS, strain_curves

PHASES = np.arange(20) / 20


@pytest.fixture(scope="module")
def motion():
    positions = DigitalHeart().surface_sequence(PHASES)
    volumes = DigitalHeart().volumes_ml(PHASES)
    table = pd.DataFrame({f"{side}_cavity_ml": volumes[f"{side}_cavity"] for side in ("lv", "rv")})
    quality = SimpleNamespace(measures={"ed_frame": 2.0})
    return SimpleNamespace(volumes=table, strain=strain_curves(positions), quality=quality)


def segmentation(n_frames: int) -> SimpleNamespace:
    """Labels that begin two frames before end-diastole."""
    volumes = DigitalHeart().volumes_ml((np.arange(n_frames) - 2) % n_frames / n_frames)
    table = pd.DataFrame({f"{side}_cavity_ml": volumes[f"{side}_cavity"] for side in ("lv", "rv")})
    return SimpleNamespace(labels=SimpleNamespace(n_frames=n_frames), volumes=table, ed=2)


def test_labels_and_mesh_of_one_heart_lie_on_one_curve(motion) -> None:
    figure, table = figures.volume_curves(segmentation(10), motion)
    assert len(figure.axes) == 2
    for side in ("lv", "rv"):
        part = table[table["ventricle"] == side]
        labels, mesh = (
            part[part["source"] == source].set_index("percent")["volume_ml"] for source in ("labels", "tracked mesh")
        )
        assert np.allclose(labels, mesh.reindex(labels.index), rtol=1e-6)
        assert labels.index[0] == 0 and labels.iloc[0] == labels.max()


def test_labels_stand_alone_without_motion_and_one_frame_is_no_curve() -> None:
    _, table = figures.volume_curves(segmentation(10), None)
    assert set(table["source"]) == {"labels"}
    assert "one frame" in figures.volume_curves(segmentation(1), None).reason


def test_the_bullseye_draws_the_peak_of_every_segment(motion) -> None:
    figure, table = figures.strain_bullseye(motion)
    assert len(table) == 3 * 16 and table["peak_percent"].notna().all()
    one = motion.strain[motion.strain["segment"] == 8]
    peak = table.set_index(["segment", "kind"])["peak_percent"]
    assert peak[8, "circumferential"] == pytest.approx(100 * one["circumferential"].min())
    assert peak[8, "radial"] == pytest.approx(100 * one["radial"].max())
    written = {text.get_text() for text in figure.axes[0].texts}
    assert f"{peak[8, 'circumferential']:.0f}" in written and {"anterior", "septal"} <= written


@pytest.mark.parametrize(("words", "degrees"), [("anterior", 90), ("septal", 180), ("inferior", 270), ("lateral", 0)])
def test_segments_lie_where_a_reader_expects_them(words, degrees) -> None:
    for number, name in SEGMENTS.items():
        if name.split()[-1] == words:
            _, place, around = _place(number)
            assert (90 + place * 360 / around) % 360 == degrees
