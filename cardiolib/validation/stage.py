"""Notebook 04 in steps: bootstrap the models on the same bags, read every estimate from the stored predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.survival.model import load_network
from cardiolib.survival.recipes import CoxRecipe, NetworkRecipe, PcaCoxRecipe
from cardiolib.survival.search import SearchSettings
from cardiolib.survival.stage import MODEL_FILE, SurvivalData, load_survival_data
from cardiolib.validation.estimators import Validation, out_of_bag_risk, validate
from cardiolib.validation.model_comparison import ModelComparison, compare_models
from cardiolib.validation.paper import paper_percentile_interval
from cardiolib.validation.pipelines import FitRecipe
from cardiolib.validation.resampling import BootstrapSettings, run_bootstrap
from cardiolib.validation.sample_size import max_parameters
from cardiolib.validation.store import BootstrapStore, write_bootstrap
from cardiolib.validation.survival_curves import GroupedSurvival, kaplan_meier_groups

__all__ = [
    "ModelValidation", "ValidationStageSettings", "bootstrap_models", "comparison_statement", "forest_table",
    "load_survival_data", "risk_groups", "sample_size_statement", "validate_models", "validation_metrics",
]

NETWORK, CONVENTIONAL, LINEAR = "network", "conventional", "linear"
LABELS = {NETWORK: "network on motion", CONVENTIONAL: "Cox on RV volumes", LINEAR: "linear model of motion"}


@dataclass(frozen=True)
class ValidationStageSettings:
    """Parameters of notebook 04.

    Parameters
    ----------
    n_replicates : int
        Bootstrap bags (the paper: 100).
    search_in_bag : bool
        Search the network's settings anew in each bag, as the paper does, instead of keeping those found on all
        patients.
    """

    n_replicates: int = 100
    search_in_bag: bool = False

    def __post_init__(self) -> None:
        BootstrapSettings(n_replicates=self.n_replicates)
        if not isinstance(self.search_in_bag, bool):
            raise ValueError(f"search_in_bag must be True or False, got {self.search_in_bag!r}")


@dataclass(frozen=True, eq=False)
class ModelValidation:
    """All estimates of all models.

    Attributes
    ----------
    models : dict of str to Validation
    table : DataFrame
        Model, estimator, C, interval, remark.
    comparison : ModelComparison or None
        Network minus conventional model, out of bag, same patients; None without volumes.
    paper_intervals : dict of str to (low, high)
        The interval that the paper prints: percentiles of the optimism-corrected replicates.
    notes : tuple of str
    """

    models: dict[str, Validation]
    table: pd.DataFrame
    comparison: ModelComparison | None
    paper_intervals: dict[str, tuple[float, float]]
    notes: tuple[str, ...]


def bootstrap_models(
    data: SurvivalData, survival_folder: Path, settings: ValidationStageSettings, *, seed: int, folder: Path,
    map_units: Callable = map,
) -> dict[str, BootstrapStore]:
    """Bootstrap the network, the conventional model and a linear model of motion on the same bags.

    Parameters
    ----------
    data : SurvivalData
    survival_folder : Path
        Results of the survival stage: the network whose settings are used.
    settings : ValidationStageSettings
    seed : int
    folder : Path
        Predictions are stored there as each replicate is finished; an interrupted run goes on from them.
    map_units : callable

    Returns
    -------
    dict
        Model name to its store; also written as ``<name>_bootstrap.npz``.
    """
    stores = {}
    for name, (recipe, X) in _recipes(data, survival_folder, settings).items():
        store = run_bootstrap(
            FitRecipe(recipe), X, data.event, data.time, ids=data.ids,
            settings=BootstrapSettings(n_replicates=settings.n_replicates), seed=seed,
            folder=folder / "units" / name, model=f"{name}: {recipe}", map_units=map_units,
        )
        # how long each replicate took differs from run to run and is no result
        write_bootstrap(replace(store, seconds=None), folder / f"{name}_bootstrap.npz")
        stores[name] = store
    return stores


def validate_models(stores: dict[str, BootstrapStore]) -> ModelValidation:
    """Every estimator of every model, and the paired comparison, from the stored predictions."""
    models = {name: validate(store) for name, store in stores.items()}
    table = pd.concat({LABELS[name]: model.table() for name, model in models.items()}, names=["model"])
    comparison = compare_models(stores[NETWORK], stores[CONVENTIONAL]) if CONVENTIONAL in stores else None
    paper = {name: paper_percentile_interval(model.apparent, model.replicates["optimism"].dropna())[1:]
             for name, model in models.items()}
    notes = [f"{LABELS[name]}: {note}" for name, model in models.items() for note in model.notes]
    return ModelValidation(models, table.reset_index(level=0).reset_index(drop=True), comparison, paper, tuple(notes))


def risk_groups(stores: dict[str, BootstrapStore]) -> dict[str, GroupedSurvival]:
    """Kaplan-Meier of the halves of the cohort by out-of-bag risk, for the network and the conventional model."""
    groups = {}
    for name in (NETWORK, CONVENTIONAL):
        if name in stores:
            risk = out_of_bag_risk(stores[name])
            known = np.isfinite(risk)
            groups[LABELS[name]] = kaplan_meier_groups(risk[known], stores[name].event[known], stores[name].time[known])
    return groups


def sample_size_statement(data: SurvivalData) -> str:
    """How many model parameters this many patients and deaths support, in one sentence (Riley et al. 2019)."""
    n, deaths = len(data.ids), int(data.event.sum())
    supported = [max_parameters(n, deaths, fraction_of_max_r2=share) for share in (0.15, 0.5)]
    return (
        f"{n} patients with {deaths} deaths support a prognostic model of about {supported[0]:.0f} parameters if it "
        f"explains 15 % of what can be explained, {supported[1]:.0f} if it explains half (Riley et al. 2019)."
    )


def forest_table(results: ModelValidation) -> pd.DataFrame:
    """The estimates as a forest plot wants them: model, estimator, value, low, high."""
    renamed = {"C": "value", "95% low": "low", "95% high": "high"}
    return results.table.rename(columns=renamed)[["model", "estimator", "value", "low", "high"]]


def comparison_statement(results: ModelValidation) -> pd.DataFrame | str:
    """The paired comparison as a table, or why there is none."""
    if results.comparison is None:
        return "This cohort has no volumes: there is no conventional model to compare with."
    return results.comparison.table()


def validation_metrics(results: ModelValidation, groups: dict[str, GroupedSurvival]) -> dict[str, float]:
    """Headline numbers of the stage."""
    metrics: dict[str, float] = {}
    for name, model in results.models.items():
        low, high = model.out_of_bag_interval
        metrics |= {
            f"{name}_c_apparent": model.apparent, f"{name}_c_harrell": model.harrell,
            f"{name}_c_632plus": model.c632plus, f"{name}_c_oob": model.out_of_bag.c,
            f"{name}_c_oob_low": low, f"{name}_c_oob_high": high, f"{name}_failed_replicates_count": model.n_failed,
            f"{name}_paper_interval_low": results.paper_intervals[name][0],
            f"{name}_paper_interval_high": results.paper_intervals[name][1],
        }
    if results.comparison is not None:
        low, high = results.comparison.interval()
        metrics |= {"c_difference": results.comparison.difference, "c_difference_low": low, "c_difference_high": high,
                    "c_difference_p_approximate": results.comparison.p_value}
    for name, group in groups.items():
        key = next(short for short, label in LABELS.items() if label == name)
        metrics |= {f"{key}_logrank_chi2": group.logrank_chi2, f"{key}_logrank_p": group.logrank_p,
                    f"{key}_hazard_ratio": float(group.summary["hazard ratio"].iloc[-1])}
    return metrics


def _recipes(
    data: SurvivalData, survival_folder: Path, settings: ValidationStageSettings
) -> dict[str, tuple[object, np.ndarray]]:
    chosen = load_network(survival_folder / MODEL_FILE).settings
    search = SearchSettings() if settings.search_in_bag else None
    recipes: dict[str, tuple[object, np.ndarray]] = {NETWORK: (NetworkRecipe(chosen, search), data.X)}
    if data.volumes is not None:
        recipes[CONVENTIONAL] = (CoxRecipe(), data.volumes.to_numpy())
    recipes[LINEAR] = (PcaCoxRecipe(), data.X)
    return recipes
