"""Training: it learns, a seed fixes it, a broken run resumes to the same result."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from cardiolib.imaging import ACDC, Cine, LabelMap
from cardiolib.segmentation import (
    SegmentationSettings,
    TrainedNetwork,
    fine_tune,
    make_examples,
    split_by_subject,
    train_network,
)
from cardiolib.segmentation.device import pick_device
from cardiolib.segmentation.network import SegmentationNetwork
from cardiolib.segmentation.training import validation_dice

pytestmark = pytest.mark.processor

TINY = SegmentationSettings(
    widths=(4, 8),
    size_px=32,
    pixel_mm=4.8,
    neighbour_mm=12.0,
    epochs=3,
    batch_size=2,
    shift_px=2.0,
    landmark_weight=0.05,
    threads=1,  # two wait for each other on a busy machine
)


@pytest.fixture
def tiny_examples(make_scan):
    examples = []
    for seed in range(4):
        cine, labels = make_scan(seed, shape=(32, 32, 8), spacing=(4.8, 4.8, 12.0))
        examples += make_examples(cine, labels, subject=f"s{seed}", pixel_mm=4.8, size_px=32, neighbour_mm=12.0)
    return examples


def weights(trained: TrainedNetwork) -> torch.Tensor:
    return torch.cat([value.flatten().float() for value in trained.network.state_dict().values()])


@pytest.mark.parametrize("seed", [0, 1])
def test_a_seed_fixes_the_result(tiny_examples, seed):
    state = torch.random.get_rng_state()
    first, history = train_network(tiny_examples[:6], TINY, seed=seed, validation=tiny_examples[6:])
    second, again = train_network(tiny_examples[:6], TINY, seed=seed, validation=tiny_examples[6:])
    other, _ = train_network(tiny_examples[:6], TINY, seed=seed + 7, validation=tiny_examples[6:])
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))
    pd.testing.assert_frame_equal(history, again)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_broken_run_resumes_to_the_same_weights(tiny_examples, tmp_path, monkeypatch):
    from cardiolib.segmentation import training

    unbroken, history = train_network(tiny_examples[:6], TINY, seed=3, validation=tiny_examples[6:])
    path = tmp_path / "state.pt"
    one_epoch = training._Run.one_epoch
    calls = []

    def breaks_in_third_epoch(run, held_out, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        one_epoch(run, held_out, **options)

    monkeypatch.setattr(training._Run, "one_epoch", breaks_in_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        train_network(tiny_examples[:6], TINY, seed=3, validation=tiny_examples[6:], checkpoint_path=path)
    monkeypatch.setattr(training._Run, "one_epoch", one_epoch)
    resumed, again = train_network(tiny_examples[:6], TINY, seed=3, validation=tiny_examples[6:], checkpoint_path=path)
    assert torch.equal(weights(unbroken), weights(resumed))
    pd.testing.assert_frame_equal(history, again)
    with pytest.raises(ValueError, match="another run .other seed."):
        train_network(tiny_examples[:6], TINY, seed=4, validation=tiny_examples[6:], checkpoint_path=path)


def test_saved_networks_load_safely_and_predict_the_same(tiny_examples, tmp_path):
    trained, _ = train_network(tiny_examples[:6], TINY, seed=0)
    path = tmp_path / "network.pt"
    trained.save(path)
    loaded = TrainedNetwork.load(path)
    assert loaded.settings == trained.settings and loaded.provenance == trained.provenance
    assert torch.equal(weights(loaded), weights(trained))
    assert SegmentationSettings(**loaded.settings) == TINY
    torch.save({"format": "something else"}, path)
    with pytest.raises(ValueError, match="is not a"):
        TrainedNetwork.load(path)


@pytest.mark.parametrize("seed", [0, 1])
def test_training_learns_and_keeps_the_best_epoch(tiny_examples, seed):
    """Whatever a processor rounds to: the loss falls, unseen hearts are found better, the best epoch is kept."""
    settings = dataclasses.replace(
        TINY, epochs=40, batch_size=1, widths=(8, 16, 16), rotation_rad=0.3, mirror_probability=0.0
    )
    trained, history = train_network(tiny_examples[:6], settings, seed=seed, validation=tiny_examples[6:])
    untrained = SegmentationNetwork(settings.widths).initialise(torch.Generator().manual_seed(seed)).eval()
    before, kept = (
        np.nanmean(list(validation_dice(network, tiny_examples[6:], settings=settings).values()))
        for network in (untrained, trained.network)
    )
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert trained.provenance["best_epoch"] == 1 + history["dice_mean"].argmax()
    assert kept == pytest.approx(history["dice_mean"].max(), abs=1e-6)
    assert kept > before


def test_early_stopping_waits_for_the_patience(tiny_examples):
    settings = dataclasses.replace(
        TINY, epochs=30, learning_rate=1e-9, adam_learning_rate=1e-9, patience=2, averaging=0.0
    )
    _, history = train_network(tiny_examples[:6], settings, seed=0, validation=tiny_examples[6:])
    assert len(history) < 30
    assert history["dice_mean"].argmax() + 1 + 2 == len(history)


def test_examples_without_rv_wall_train_beside_full_ones(tiny_examples, make_scan):
    cine, labels = make_scan(9, shape=(32, 32, 8), spacing=(4.8, 4.8, 12.0))
    real = make_examples(
        cine, labels.to_scheme(ACDC, drop=("rv_wall",)), subject="real", pixel_mm=4.8, size_px=32, neighbour_mm=12.0
    )
    assert not real[0].labelled[3] and 3 not in np.unique(real[0].labels)
    assert set(np.unique(real[0].labels)) == {0, 1, 2, 4}  # ACDC's own numbers mean other structures
    trained, history = train_network(tiny_examples[:6] + real, TINY, seed=0, validation=tiny_examples[6:])
    assert np.isfinite(history["loss"]).all()


def test_a_network_knows_what_its_training_labelled(tiny_examples, make_scan, tmp_path):
    cine, labels = make_scan(9, shape=(32, 32, 8), spacing=(4.8, 4.8, 12.0))
    real = make_examples(
        cine, labels.to_scheme(ACDC, drop=("rv_wall",)), subject="real", pixel_mm=4.8, size_px=32, neighbour_mm=12.0
    )
    placed = [dataclasses.replace(example, landmarks=np.full((6, 3), 4.0)) for example in tiny_examples]
    brief = dataclasses.replace(TINY, epochs=1)
    every, _ = train_network(placed[:2], brief, seed=0)
    assert every.structures == ("lv_cavity", "lv_wall", "rv_wall", "rv_cavity") and every.places_landmarks
    alone, _ = fine_tune(every, real, seed=0, epochs=1, repeats=1)
    assert alone.structures == ("lv_cavity", "lv_wall", "rv_cavity") and not alone.places_landmarks
    assert alone.labelled.tolist() == [True, True, True, False, True]
    rehearsed, _ = fine_tune(every, real, rehearsal=placed[:2], seed=0, epochs=1, repeats=1)
    assert rehearsed.structures == every.structures and rehearsed.places_landmarks
    alone.save(tmp_path / "network.pt")
    loaded = TrainedNetwork.load(tmp_path / "network.pt")
    assert loaded.structures == alone.structures and loaded.fingerprint() == alone.fingerprint()
    earlier = dataclasses.replace(alone, provenance={"seed": 0})  # a file of an earlier version
    assert earlier.labelled.all() and earlier.places_landmarks and earlier.fingerprint() != alone.fingerprint()


def test_wall_is_still_learnt_when_half_the_data_does_not_label_it(tiny_examples):
    """The partly labelled half must not teach the network that the wall is background."""
    from cardiolib.segmentation.losses import segmentation_loss

    labels = torch.from_numpy(np.concatenate([example.labels for example in tiny_examples])).long()
    logits = torch.zeros(len(labels), 5, 32, 32)
    logits[:, 3] = 4.0
    logits.requires_grad_()
    partly = torch.tensor([[True, True, True, False, True]]).expand(len(labels), -1)
    segmentation_loss(logits, torch.where(labels == 3, 0, labels), labelled=partly).backward()
    wall = labels == 3
    assert logits.grad[:, 3][wall].abs().max() < 1e-5  # certain of wall: no push towards background


def test_subjects_never_straddle_the_split(tiny_examples):
    training, held_out = split_by_subject(tiny_examples, validation_fraction=0.25, rng=np.random.default_rng(0))
    assert {e.subject for e in training}.isdisjoint({e.subject for e in held_out})
    assert len(training) == 6 and len(held_out) == 2
    with pytest.raises(ValueError, match="empty"):
        split_by_subject(tiny_examples, validation_fraction=0.01, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="training and validation"):
        train_network(tiny_examples, TINY, seed=0, validation=tiny_examples[:1])


def test_unusable_examples_are_refused(make_scan, tiny_examples):
    cine, labels = make_scan(0)
    empty = LabelMap(np.zeros_like(labels.labels), labels.affine, labels.scheme)
    with pytest.raises(ValueError, match="empty in frames"):
        make_examples(cine, empty, subject="a")
    with pytest.raises(ValueError, match="share voxels"):
        make_examples(Cine(cine.voxels[1:], cine.affine), labels, subject="a")
    with pytest.raises(ValueError, match="say with `frames`"):
        make_examples(cine, labels, subject="a", frames=(0,))
    with pytest.raises(ValueError, match="differ in size"):
        train_network([*tiny_examples, *make_examples(cine, labels, subject="b")], TINY, seed=0)
    with pytest.raises(ValueError, match="no examples"):
        train_network([], TINY, seed=0)


@pytest.mark.parametrize(
    "field, value",
    [
        ("epochs", 0),
        ("epochs", 2.5),
        ("size_px", 90),
        ("precision", "bf16"),
        ("device", "tpu"),
        ("averaging", 1.5),
        ("learning_rate", 0),
        ("threads", 0),
        ("widths", (16, -1)),
        ("shift_px", -2),
        ("patience", True),
    ],
)
def test_bad_settings_name_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        SegmentationSettings(**{field: value})


def test_the_callers_number_of_threads_has_no_influence_and_is_given_back(tiny_examples):
    results = []
    before = torch.get_num_threads()
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            results.append(train_network(tiny_examples[:2], dataclasses.replace(TINY, epochs=1), seed=0)[0])
            assert torch.get_num_threads() == n
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*(weights(result) for result in results))


def test_cuda_is_refused_where_there_is_none():
    if torch.cuda.is_available():
        assert pick_device("auto").type == "cuda"
    else:
        assert pick_device("auto").type == "cpu"
        with pytest.raises(ValueError, match="torch sees none"):
            pick_device("cuda")


def test_fine_tuning_starts_from_the_network_and_shifts_it_towards_the_new_cases(tiny_examples, tmp_path):
    trained, _ = train_network(tiny_examples[:4], TINY, seed=0)
    still = dataclasses.replace(TINY, learning_rate=1e-9, adam_learning_rate=1e-9, epochs=1)
    kept, _ = train_network(tiny_examples[4:], still, seed=1, start_from=trained)
    assert torch.allclose(weights(kept), weights(trained), atol=1e-5)
    tuned, history = fine_tune(trained, tiny_examples[4:6], seed=1, rehearsal=tiny_examples[:2], repeats=3, epochs=2)
    assert len(history) == 2 and not torch.allclose(weights(tuned), weights(trained), atol=1e-3)
    assert tuned.provenance["start_from"] == trained.fingerprint() != tuned.fingerprint()
    assert tuned.settings["learning_rate"] == pytest.approx(TINY.learning_rate / 3)


def test_fine_tuning_needs_the_same_widths_and_a_whole_number_of_repeats(tiny_examples):
    trained, _ = train_network(tiny_examples[:2], dataclasses.replace(TINY, epochs=1), seed=0)
    with pytest.raises(ValueError, match="same widths"):
        train_network(tiny_examples, dataclasses.replace(TINY, widths=(4, 12)), seed=0, start_from=trained)
    with pytest.raises(ValueError, match="repeats"):
        fine_tune(trained, tiny_examples, seed=0, repeats=0)
