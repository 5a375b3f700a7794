"""Time of notebook 04's resampling: 100 bags of all models with the default profile's settings, on two processes.

Needs a finished default run (``make reproduce``): its motion, volumes and network settings are used as they are.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import Unavailable
from cardiolib.steps import validation as stage
from cardiolib.survival.network.search import SearchSettings
from cardiolib.validation import FitRecipe, draw_bag
from cardiolib.work import Work
from cardiolib.workflow.compute import Compute
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.session import open_run_cohort, stage_seed

RUN = Run().folder
SEED, WORKERS, REPLICATES = 20190211, 2, 100


def measure(n_replicates: int = REPLICATES) -> list[dict[str, Any]]:
    """Row ``val.bootstrap_s``; its text says what a replicate costs that also repeats the search.

    Raises
    ------
    Unavailable
        Without a finished default run.
    """
    if not (RUN / "survival" / "network.npz").is_file():
        raise Unavailable(f"there is no finished default run in {RUN}: run `make reproduce` first")
    data = stage.load_survival_data(
        open_run_cohort(RUN), Work(seed=SEED, folder=RUN, inputs={"motion": RUN / "motion"})
    )
    settings = stage.ValidationStageSettings(n_replicates=n_replicates)
    seed = stage_seed(SEED, "validation")
    map_units = Compute(WORKERS)
    list(map_units(abs, range(WORKERS)))  # processes are started before the clock
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        stores = stage.bootstrap_models(
            data,
            settings,
            Work(seed=seed, folder=Path(folder), map_units=map_units, inputs={"survival": RUN / "survival"}),
        )
        seconds = time.perf_counter() - started
    map_units.close()
    shares = {name: store.seconds.mean() for name, store in stores.items()}
    each = ", ".join(f"{name} {value:.2f}" for name, value in shares.items())
    return [
        {
            "id": "val.bootstrap_s",
            "value": round(seconds * REPLICATES / n_replicates, 1),
            "unit": "s",
            "reach": 900,
            "aim": 300,
            "better": "lower",
            "how": f"{n_replicates} bags and all patients, three models, {WORKERS} processes, settings of the default "
            f"run (search on all patients only); seconds a replicate: {each}; network with its search in the "
            f"bag {_searched(data, seed):.0f}",
        }
    ]


def _searched(data, seed: int) -> float:
    """Seconds of one replicate of the network that repeats the particle swarm in its bag."""
    bag = draw_bag(seed, 0, len(data.ids))
    pipeline = FitRecipe(stage.NetworkRecipe(search_settings=SearchSettings()))
    started = time.perf_counter()
    pipeline(data.X[bag], data.event[bag], data.time[bag], X_new=data.X, groups=bag, seed=seed)
    return time.perf_counter() - started


if __name__ == "__main__":
    from benchmarks.record import record

    record("validation_bootstrap", measure())
