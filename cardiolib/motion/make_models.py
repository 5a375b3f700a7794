"""Learn the models that come with cardiolib anew: ``make network`` (``python -m cardiolib.motion.make_models``).

A model of shape (the shape step) and a model of motion (the tracker's prior), both from simulated hearts alone. They
are stored in the package, so that no process simulates hearts before it can begin. A few seconds.
"""

from __future__ import annotations

import sys

from cardiolib.motion.tracking.population import SHIPPED as MOTION
from cardiolib.motion.tracking.population import learn_motion_model
from cardiolib.shape.model import SHIPPED as SHAPE
from cardiolib.shape.model import learn_shape_model, write_model

SHAPE_RANK, MOTION_RANK = 31, 60
"""Fields that mean and modes are combinations of: all that the shape model has, and enough for the motion model."""


def main() -> None:
    """Learn, write, and say how much was lost in writing."""
    for learn, path, rank in ((learn_shape_model, SHAPE, SHAPE_RANK), (learn_motion_model, MOTION, MOTION_RANK)):
        lost_mm = write_model(learn(), path, rank=rank)
        size = path.stat().st_size / 1e6
        sys.stdout.write(f"{path.name}: {size:.1f} MB, within {lost_mm:.3f} mm of what was learnt\n")


if __name__ == "__main__":
    main()
