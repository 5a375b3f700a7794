"""The peers of the benchmark: a known shift is found, and a peer that is not installed is left out."""

import numpy as np
import pytest

from benchmarks import motion_peers
from benchmarks.motion_peers import PEERS, available_peers, peer_positions
from cardiolib.digital_heart import PHASES, AcquisitionSettings, DigitalHeart, acquire, mean_parameters


@pytest.mark.parametrize("name", PEERS)
def test_a_shift_is_found_in_mm(name):
    if name not in available_peers():
        pytest.skip(f"{name} is not installed")
    spacing = np.array([2.0, 1.5, 3.0])
    x = np.stack(np.meshgrid(*(np.arange(n) for n in (32, 40, 20)), indexing="ij"), -1) * spacing
    shift = np.array([2.0, -1.5, 1.0])
    frames = np.stack(
        [np.exp(-(((x - x.mean(axis=(0, 1, 2)) - w * shift) / 9.0) ** 2).sum(-1) / 2) for w in (0, 0.5, 1)]
    ).astype(np.float32)
    found = PEERS[name](frames, spacing)
    assert found.shape == (3, *x.shape[:3])
    inside = frames[0] > 0.5
    assert found[:, inside].mean(axis=1) == pytest.approx(shift, abs=0.5)


def test_points_are_moved_in_world_space():
    """A peer that says "5 mm along the volume's first axis" moves points by 5 mm along the image's first axis."""
    scan = acquire(
        DigitalHeart(mean_parameters("ph")), AcquisitionSettings(), rng=np.random.default_rng(0), phases=PHASES[:6:5]
    )
    points = scan.landmarks_world_mm[0]
    along = scan.cine.affine[:3, 0] / scan.cine.spacing_mm[0]

    def says(frames, spacing_mm):
        return np.stack([np.full(frames.shape[1:], 5.0), *np.zeros((2, *frames.shape[1:]))])

    moved = peer_positions(says, scan, scan.labels, points, frame=1)
    assert np.allclose(moved - points, 5 * along, atol=1e-6)


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(motion_peers, "find_spec", lambda name: None)
    assert list(available_peers()) == ["optical flow (scikit-image)"]
