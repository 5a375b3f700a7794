"""The network that ships: what it is, that it reads hearts, and that it can be made anew."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import numpy as np
import pytest

import cardiolib as cl
from cardiolib.digital_heart import HEART_KINDS, DigitalHeart, acquire, heart_of_kind, parameters_from_row
from cardiolib.segmentation import SegmentationSettings, TrainedNetwork, compare_label_maps, training
from cardiolib.segmentation.make_shipped import SETTINGS, train_shipped
from cardiolib.segmentation.shipped import SHIPPED, shipped_network
from cardiolib.segmentation.simulation import AS_HOSPITALS


def test_it_is_small_plain_and_says_what_it_is():
    assert SHIPPED.stat().st_size < 5e6
    with zipfile.ZipFile(SHIPPED) as archive:
        assert all(name.endswith(".npy") for name in archive.namelist())
    network = shipped_network()
    assert network.simulated and network.places_landmarks and len(network.structures) == 4
    assert network.provenance["n_hearts"] > 100
    assert tuple(network.settings["widths"]) == SETTINGS.widths


@pytest.mark.parametrize("kind", sorted(HEART_KINDS))
def test_it_reads_a_heart_of_every_kind_that_it_has_not_seen(kind):
    rng = np.random.default_rng([8, len(kind)])
    heart = DigitalHeart(parameters_from_row(heart_of_kind(kind, rng)))
    scan = acquire(heart, replace(AS_HOSPITALS, randomise=False), phases=np.array([0.0, heart.es_phase]), rng=rng)
    table = compare_label_maps(cl.segment(scan.cine).labels, scan.labels, frames={"ED": 0, "ES": 1})
    dice = table[table["structure"].isin(["lv_cavity", "lv_wall", "rv_cavity"])].groupby("structure")["dice"].mean()
    assert dice.min() > 0.7, dice.to_dict()


def test_made_anew_it_has_the_same_bytes_even_when_its_training_was_stopped(tmp_path, monkeypatch):
    small = SegmentationSettings.wild(epochs=2, widths=(2, 4), threads=1)
    one, two = (tmp_path / name for name in ("one", "two"))
    network = train_shipped(one / "network.npz", n_hearts=2, settings=small, state=one)
    assert network.simulated and network.provenance["n_hearts"] == 2

    whole = training._Run.one_epoch

    def stopped(run, *arguments, **options):
        if run.history:
            raise KeyboardInterrupt
        return whole(run, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training._Run, "one_epoch", stopped)
        with pytest.raises(KeyboardInterrupt):
            train_shipped(two / "network.npz", n_hearts=2, settings=small, state=two)
    assert not (two / "network.npz").exists() and list(two.iterdir())
    train_shipped(two / "network.npz", n_hearts=2, settings=small, state=two)
    assert (one / "network.npz").read_bytes() == (two / "network.npz").read_bytes()


def test_plain_arrays_hold_what_torch_s_file_holds(tmp_path):
    network = TrainedNetwork.untrained(widths=(2, 4))
    for name in ("network.pt", "network.npz"):
        network.save(tmp_path / name)
        read = TrainedNetwork.load(tmp_path / name)
        assert read.fingerprint() == network.fingerprint()
        assert read.settings["pixel_mm"] == network.settings["pixel_mm"]
    np.savez(tmp_path / "other.npz", a=np.zeros(2))
    with pytest.raises(ValueError, match=r"other\.npz is not a"):
        TrainedNetwork.load(tmp_path / "other.npz")
