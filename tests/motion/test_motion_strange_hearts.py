"""Hearts outside the population that the prior was learnt from, in stacks without base and apex."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.motion_lookalikes import cropped
from cardiolib.digital_heart import (
    PHASES,
    AcquisitionSettings,
    DigitalHeart,
    acquire,
    mean_parameters,
    parameters_from_row,
    simulate_population,
)
from cardiolib.motion import ejection_fraction, fit_template, track
from cardiolib.motion.curvature import CAVITIES, cavity_volumes_ml, imaged_volumes_ml
from cardiolib.motion.tracking.population import fit_population

STRANGE = {
    "vigorous": {"lvef": 0.75, "rvef": 0.70, "lvedv_ml": 110.0},
    "dilated": {"wall_mm": 6.0, "lvef": 0.2, "lvedv_ml": 280.0, "mapse_mm": 6.0, "tapse_mm": 14.0, "twist_rad": 0.08},
}


def imaged(heart, seed):
    """Whole scan, and cine and labels without the outermost slices that show the LV."""
    scan = acquire(heart, AcquisitionSettings(), rng=np.random.default_rng(seed))
    return scan, *cropped(scan)


def percent(volumes_ml):
    return 100 * ejection_fraction(volumes_ml)


@pytest.mark.parametrize("name", STRANGE)
def test_ejection_is_not_damped(name):
    heart = DigitalHeart(replace(mean_parameters("control"), **STRANGE[name]))
    scan, cine, labels = imaged(heart, seed=3)
    truth = np.array([scan.world_from_heart(points) for points in heart.surface_sequence(PHASES)])
    field = track(cine, labels, generator=torch.Generator().manual_seed(0), ed_frame=0)
    found = field.displace(fit_template(labels, frame=0, slice_shift_mm=field.slice_shift_mm).mesh.points)
    for side, regions in CAVITIES.items():
        given = percent(labels.volume_ml(f"{side}_cavity"))
        in_slices = percent(imaged_volumes_ml(found, labels.affine, labels.shape[2], *regions))
        assert in_slices == pytest.approx(given, abs=9), side
        true, whole = (percent(cavity_volumes_ml(points, *regions)) for points in (truth, found))
        assert whole == pytest.approx(true, abs=14), side


def test_strangeness_is_one_in_the_population_and_grows_outside_it():
    row = simulate_population(1, rng=np.random.default_rng(71)).iloc[0]
    _, _, usual = imaged(DigitalHeart(parameters_from_row(row)), seed=1)
    assert fit_population(usual).strangeness < 1.3
    heart = DigitalHeart(replace(mean_parameters("control"), **STRANGE["vigorous"]))
    _, _, strange = imaged(heart, seed=3)
    # half as wide again in the plane: no heart has this shape
    stretched = replace(strange, affine=strange.affine @ np.diag([1.5, 1.0, 1.0, 1.0]))
    assert fit_population(stretched).strangeness > 2 * fit_population(usual).strangeness
