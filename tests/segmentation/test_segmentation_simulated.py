"""Training scans from the simulator, and the whole chain on them and on real files."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.imaging import ACDC, Cine, read_cine, read_label_map
from cardiolib.segmentation import (
    SegmentationNetwork,
    SegmentationSettings,
    TrainedNetwork,
    compare_label_maps,
    make_examples,
    segment_scan,
    simulate_training_scans,
    split_by_subject,
    train_network,
)
from cardiolib.segmentation.settings import plain

SMALL = AcquisitionSettings(grid_size=48, spacing_mm=3.2, n_slices=8, gap_mm=5.0, sub_slices=1, randomise=True)


def test_scans_depend_on_the_seed_alone_and_not_on_how_work_is_spread():
    def backwards(function, items):
        return reversed([function(item) for item in reversed(list(items))])

    first = simulate_training_scans(3, seed=4, acquisition=SMALL)
    second = simulate_training_scans(3, seed=4, acquisition=SMALL, map_units=backwards)
    other = simulate_training_scans(3, seed=5, acquisition=SMALL)
    assert [name for name, _ in first] == ["train-4-0000", "train-4-0001", "train-4-0002"]
    for (_, a), (_, b), (_, c) in zip(first, second, other, strict=True):
        assert np.array_equal(a.cine.voxels, b.cine.voxels)
        assert not np.array_equal(a.cine.voxels, c.cine.voxels)


def test_frames_are_end_diastole_and_end_systole():
    for _, scan in simulate_training_scans(2, seed=1, acquisition=SMALL, control_fraction=0.5):
        volume = scan.labels.volume_ml("lv_cavity")
        assert scan.cine.n_frames == 2 and volume[1] < 0.75 * volume[0]


def test_varied_hearts_differ_more_and_can_all_be_imaged():
    plain = simulate_training_scans(12, seed=4, acquisition=SMALL)
    varied = simulate_training_scans(12, seed=4, acquisition=SMALL, varied=True)

    def spread(scans):
        walls = [scan.labels.volume_ml("lv_wall")[0] for _, scan in scans]
        cavities = [scan.labels.volume_ml("lv_cavity")[0] for _, scan in scans]
        return np.std(np.log(walls)), np.std(np.log(cavities))

    assert all(after > 1.3 * before for before, after in zip(spread(plain), spread(varied), strict=True))


def test_landmarks_and_labels_of_a_scan_meet_on_the_networks_grid():
    ((_, scan),) = simulate_training_scans(1, seed=2, acquisition=AcquisitionSettings(sub_slices=1))
    example = make_examples(
        scan.cine, scan.labels, subject="a", landmarks_world_mm=scan.as_imaged(scan.landmarks_world_mm)
    )[0]
    level, row, column = np.round(example.landmarks[5]).astype(int)  # mitral centre
    below = example.labels[min(level, len(example.labels) - 1) - 1]
    assert (below[row - 2 : row + 3, column - 2 : column + 3] == 1).mean() > 0.8
    assert example.landmarks[4, 1] < example.landmarks[1, 1]  # display: RV on the low side of the rows axis
    assert example.landmarks[2, 2] < example.landmarks[3, 2]  # anterior above inferior


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="n_subjects"):
        simulate_training_scans(0, seed=0)
    with pytest.raises(ValueError, match="control_fraction"):
        simulate_training_scans(1, seed=0, control_fraction=1.2)


def test_a_real_file_comes_back_on_its_own_voxels(shared_dir):
    """ACDC: other pixel size, no orientation in the header; the network is untrained, only the space counts."""
    folder = shared_dir / "data" / "acdc" / "training" / "patient001"
    cine = read_cine(folder / "patient001_frame01.nii.gz")
    settings = SegmentationSettings(widths=(4, 8))
    network = SegmentationNetwork((4, 8)).initialise(torch.Generator().manual_seed(0))
    found = segment_scan(TrainedNetwork(network.eval(), plain(settings)), cine)
    assert found.labels.shape == cine.shape and np.array_equal(found.labels.affine, cine.affine)
    truth = read_label_map(folder / "patient001_frame01_gt.nii.gz", ACDC)
    example = make_examples(cine, truth, subject="patient001")[0]
    pixel_ml = 1.6**2 * cine.spacing_mm[2] / 1000
    assert (example.labels == 1).sum() * pixel_ml == pytest.approx(truth.volume_ml("lv_cavity")[0], rel=0.02)


@pytest.mark.slow
def test_a_short_training_already_segments_unseen_hearts():
    examples = [
        example
        for subject, scan in simulate_training_scans(10, seed=0)
        for example in make_examples(scan.cine, scan.labels, subject=subject)
    ]
    training, validation = split_by_subject(examples, validation_fraction=0.2, rng=np.random.default_rng(0))
    settings = SegmentationSettings(epochs=12, widths=(8, 16, 32, 64))
    trained, _ = train_network(training, settings, seed=0, validation=validation)
    scores = []
    for _, scan in simulate_training_scans(4, seed=99, acquisition=AcquisitionSettings()):
        table = compare_label_maps(segment_scan(trained, scan.cine).labels, scan.labels)
        scores.append(table.groupby("structure")["dice"].mean())
        noisy = Cine(scan.cine.voxels * 3 + 7, scan.cine.affine, simulated=True)  # other units
        again = segment_scan(trained, noisy).labels.labels
        assert (again == segment_scan(trained, scan.cine).labels.labels).mean() > 0.999
    assert np.mean([score["lv_cavity"] for score in scores]) > 0.8
