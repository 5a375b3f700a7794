"""What another scanner does to the image, and what it leaves alone."""

import numpy as np

from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, acquire
from cardiolib.digital_heart.tissue import TissueSignals


def test_at_3_tesla_muscle_is_darker_beside_blood_and_the_scan_shows_it():
    low, high = TissueSignals.standard(), TissueSignals.standard(three_tesla=True)
    assert high.blood == low.blood == 1.0
    assert high.myocardium < low.myocardium and high.muscle < low.muscle
    heart = DigitalHeart()
    scans = [
        acquire(heart, AcquisitionSettings(three_tesla=t, sub_slices=1), rng=np.random.default_rng(5), phases=[0.0])
        for t in (False, True)
    ]
    np.testing.assert_array_equal(scans[0].labels.labels, scans[1].labels.labels)
    wall = scans[0].labels.labels == 2
    assert scans[1].cine.voxels[wall].mean() < scans[0].cine.voxels[wall].mean()


def test_dark_bands_darken_and_only_where_they_run():
    heart = DigitalHeart()
    plain, banded = (
        acquire(
            heart,
            AcquisitionSettings(banding=depth, noise_sd=0.0, sub_slices=1),
            rng=np.random.default_rng(6),
            phases=[0.0],
        )
        for depth in (0.0, 0.6)
    )
    ratio = banded.cine.voxels / np.maximum(plain.cine.voxels, 1e-6)
    seen = plain.cine.voxels > 0.05
    assert plain.look.bands is None and banded.look.bands.shape == plain.cine.shape[2::-1]
    assert ratio[seen].max() <= 1 + 1e-5 and 0.39 < ratio[seen].min() < 0.7
