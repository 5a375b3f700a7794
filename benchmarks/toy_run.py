"""A whole run in a few seconds, for killing it: the real runner, lock, kernels, Dask workers and publication.

``python -m benchmarks.toy_run FOLDER`` runs what is not finished of it, publishes it in FOLDER and ends. Two notebooks
of a few cells stand in for the real ones. Their units of work are a little arithmetic, and everything is written by the
same functions as elsewhere. The patients are invented.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from cardiolib.files import atomic_path
from cardiolib.settings import Settings

N_UNITS = 6
STAGES_KEPT = ("cohort", "survival", "validation")
RUN = "smoke-toy-1"

OPEN = """
import os
from pathlib import Path
from cardiolib.files import write_json, write_table
from cardiolib.work import Work
from cardiolib.workflow.compute import SCHEDULER, Compute
from benchmarks.toy_run import numbers_of_all, table_of
compute = Compute(workers, os.environ.get(SCHEDULER, ""))
work = Work(seed, Path(output_folder), compute, {"survival": Path(run_folder) / "survival"})
"""
COMPUTE = """
units = work.units("numbers", {"seed": work.seed, "epochs": epochs}, what="Numbers")
numbers = numbers_of_all(work, units)
"""
COMPARE = """
import numpy
first = numpy.load(work.input("survival") / "numbers.npz")["numbers"]
units = work.units("numbers", {"seed": work.seed + 1, "sum": float(first.sum())}, what="Numbers")
numbers = first + numbers_of_all(work, units)
"""
WRITE = """
table_of(numbers, work.folder)
print("mean", round(float(numbers.mean()), 6))
"""
CLOSE = """
write_json(work.folder / "metrics.json", {"c_index": round(float(numbers.mean()), 6)})
write_json(work.folder / "record.json", {"recorded_in": {"c_index": len(In) - 1}})
compute.close()
"""


@dataclass(frozen=True)
class ToySettings(Settings):
    """Parameters of both notebooks; what a small run is recognised by is among them."""

    n_subjects: int = 3
    n_training: int = 3
    epochs: int = 3
    n_replicates: int = 3


def main(folder: Path) -> int:
    """Run and publish; the exit status of the command line."""
    from cardiolib.workflow.__main__ import run_command

    prepare(folder)

    class Options:
        @staticmethod
        def command(options: Any) -> int:
            return run(folder)

    return run_command(Options())  # type: ignore[arg-type]


def run(folder: Path) -> int:
    """What `prepare` made ready, as the command line runs it."""
    from cardiolib.workflow.report.publish import publish
    from cardiolib.workflow.run_plan import Run
    from cardiolib.workflow.runner import run_stages

    toy = Run("smoke", str(folder / "motion.npz"), seed=1, workers=2, folder=folder / "derived" / RUN)
    run_stages(toy, say=_say, at_end=partial(publish, root=folder))
    return 0


def prepare(folder: Path) -> None:
    """Write the cohort and the notebooks, and put them into this process's stage table."""
    from cardiolib.workflow import run_plan, stages

    stages.REPOSITORY = folder
    for name, stage in list(stages.STAGES.items()):
        after = tuple(one for one in stage.after if one in STAGES_KEPT) if name in STAGES_KEPT else ()
        stages.STAGES[name] = replace(
            stage, settings=f"{__name__}:ToySettings", after=after, figures=(), interactive=(), pages=()
        )
    run_plan.load_profile = lambda name: {}  # type: ignore[assignment]
    run_plan._nothing_to_do = lambda stage, cohort: None if stage in STAGES_KEPT else "it is no part of this trial"
    _write_cohort(folder / "motion.npz")
    for name, cells in (("survival", (OPEN, COMPUTE, WRITE, CLOSE)), ("validation", (OPEN, COMPARE, WRITE, CLOSE))):
        _write_notebook(stages.STAGES[name].notebook_path, cells)


def numbers_of_all(work: Any, units: Path) -> np.ndarray:
    """(N_UNITS, 40, 40) numbers, each unit kept as it is finished."""
    list(work.map_units(partial(one_unit, folder=units, seed=work.seed), range(N_UNITS)))
    return np.stack([np.load(units / f"{unit}.npz")["numbers"] for unit in range(N_UNITS)])


def one_unit(unit: int, *, folder: Path, seed: int) -> int:
    """Some tenths of a second of arithmetic, stored unless that was done before."""
    path = folder / f"{unit}.npz"
    if not path.is_file():
        numbers = np.random.default_rng([seed, unit]).normal(size=(40, 40))
        for _ in range(2500):
            numbers = np.tanh(numbers @ numbers / 6.0 + 0.1)
        with atomic_path(path) as temporary:
            np.savez(temporary, numbers=np.round(numbers, 8))
    return unit


def table_of(numbers: np.ndarray, folder: Path) -> None:
    """Tables, arrays and a figure's file of one stage."""
    import pandas as pd

    from cardiolib.files import write_table

    frame = pd.DataFrame(numbers.mean(axis=2), index=[f"p{i}" for i in range(N_UNITS)]).rename_axis("ID")
    write_table(frame, folder / "table.csv", simulated=True)
    with atomic_path(folder / "numbers.npz") as temporary:
        np.savez(temporary, numbers=numbers)
    with atomic_path(folder / "figures" / "numbers.csv") as temporary:
        frame.to_csv(temporary)


def _write_cohort(path: Path) -> None:
    from cardiolib.cohorts import write_matrix

    if not path.is_file():
        X = np.random.default_rng(0).normal(size=(N_UNITS, 19 * 4 * 3))
        write_matrix(path, X, [f"p{i}" for i in range(N_UNITS)], simulated=True, name="toy")


def _write_notebook(path: Path, cells: tuple[str, ...]) -> None:
    if path.is_file():
        return
    parameters = 'run_folder = ""\noutput_folder = ""\nseed = 0\nworkers = 1\n'
    parameters += "".join(f"{name} = 3\n" for name in ("n_subjects", "n_training", "epochs", "n_replicates"))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}, id="parameters")
    notebook.cells = [
        first,
        *(nbformat.v4.new_code_cell(cell.strip(), id=f"cell-{i}") for i, cell in enumerate(cells)),
    ]
    with atomic_path(path) as temporary:
        nbformat.write(notebook, temporary)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    from benchmarks import toy_run  # the module by its name, which kernels and workers import

    sys.exit(toy_run.main(Path(sys.argv[1]).resolve()))
