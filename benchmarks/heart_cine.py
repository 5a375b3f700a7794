"""CPU-seconds to simulate one short-axis cine with labels and landmarks (20 phases, 12 slices, 96 x 96)."""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import statistics  # noqa: E402  # the thread limits must be set before numpy is loaded
import time  # noqa: E402

import numpy as np  # noqa: E402

from cardiolib.digital_heart.acquisition import acquire  # noqa: E402
from cardiolib.digital_heart.heart import DigitalHeart  # noqa: E402
from cardiolib.digital_heart.population import parameters_from_row, simulate_population  # noqa: E402

SUBJECTS = 5


def measure() -> list[dict]:
    """One row: median over subjects, after one scan to warm up, heart built included."""
    rng = np.random.default_rng(20)
    population = simulate_population(SUBJECTS + 1, rng=rng)
    seconds = []
    for _, row in population.iterrows():
        start = time.process_time()
        acquire(DigitalHeart(parameters_from_row(row)), rng=rng)
        seconds.append(time.process_time() - start)
    return [
        {
            "id": "heart.cine_s",
            "value": statistics.median(seconds[1:]),
            "unit": "s",
            "reach": 2.5,
            "aim": 1.0,
            "better": "lower",
            "how": f"build one heart and acquire 20 x 12 x 96 x 96 with labels; median of {SUBJECTS} PH subjects, "
            "one thread, CPU-seconds",
        }
    ]


if __name__ == "__main__":
    from benchmarks.record import record

    record("heart_cine", measure())
