"""The first stage: simulate the named cohort, or open somebody's data and check it before anything else runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cardiolib.files import read_json, write_json
from cardiolib.workflow.errors import ParameterError
from cardiolib.workflow.stages import stage_seed

COHORT_FILE = "opened_cohort.json"
"""In the cohort stage's folder: which cohort this run is about."""


def prepare_cohort(run: Any, folder: Path, *, map_units: Any, source_hash: str | None = None) -> None:
    """Fill the cohort stage's folder.

    Parameters
    ----------
    run : Run
    folder : Path
        Working folder of the stage. A simulated cohort is written into it; of real data only a
        reference and a summary are kept, the data stay where they are.
    map_units : Compute
        Workers for what is done subject by subject.
    source_hash : str, optional
        Hash of somebody's data. It is among the outputs, so that what reads this stage is stale when an image, a label
        or a table has changed.

    Raises
    ------
    CohortError
        When the folder is of no known layout, or its tables are wrong; nothing else has run then.
    ParameterError
        When a number of folds is not possible with so few deaths.
    """
    from cardiolib.cohorts import build_simulated_cohort, open_cohort

    if run.named_simulation:
        cohort = build_simulated_cohort(
            folder, settings=run.settings["cohort"], seed=stage_seed(run.seed, "cohort"), map_units=map_units
        )
        source = None
    else:
        source = str(run.cohort)
        cohort = open_cohort(source)
    _check_follow_up(cohort, run)
    write_json(folder / COHORT_FILE, {"source": source, "sha256": source_hash})
    write_json(folder / "metrics.json", cohort_metrics(cohort))


def _check_follow_up(cohort: Any, run: Any) -> None:
    """Refuse numbers of folds that this many deaths do not allow now, and not after hours of segmentation."""
    if "outcomes" not in cohort.provides:
        return
    from cardiolib.survival.folds import FEWEST_DEATHS, check_deaths  # here: with its package come seconds of imports

    if cohort.table["event"].sum() < FEWEST_DEATHS:
        return  # the notebooks on survival have nothing to do then, and say why
    for stage in ("survival", "validation"):
        try:
            check_deaths(cohort.table["event"], run.settings[stage].n_folds, parameter=f"{stage}.n_folds")
        except ValueError as error:
            raise ParameterError(f"cohort {cohort.name!r}: {error} (PARAMS='{stage}.n_folds=...')") from None


def cohort_metrics(cohort: Any) -> dict[str, Any]:
    """Headline numbers of a cohort."""
    table = cohort.table
    metrics: dict[str, Any] = {
        "name": cohort.name,
        "layout": cohort.layout,
        "simulated": cohort.simulated,
        "provides": sorted(cohort.provides),
        "subjects_count": len(table),
    }
    if "outcomes" in cohort.provides:
        unit = cohort.time_unit
        metrics["deaths_count"] = int(table["event"].sum())
        metrics["deaths_percent"] = round(100 * float(table["event"].mean()), 2)
        metrics[f"median_follow_up_{unit}"] = round(float(table["time"].median()), 4)
    return metrics


def open_run_cohort(run: Path) -> Any:
    """Open the cohort that the run's first stage has prepared or checked."""
    from cardiolib.cohorts import open_cohort

    folder = run / "cohort"
    if not (folder / COHORT_FILE).is_file():
        raise FileNotFoundError(f"no cohort has been prepared in {run}: run `make reproduce` first")
    source = read_json(folder / COHORT_FILE)["source"]
    return open_cohort(folder if source is None else Path(source))
