"""Notebook 04 in steps: resample the models on the same bags and folds, read every estimate from what is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.settings import Settings
from cardiolib.steps.survival import MODEL_FILE, load_survival_data
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.network.fitted import load_network
from cardiolib.survival.network.search import SearchSettings, held_ranges
from cardiolib.survival.recipes import CoxRecipe, NetworkRecipe, PcaCoxRecipe
from cardiolib.validation.absolute_performance import AbsolutePerformance, absolute_metrics, absolute_performance
from cardiolib.validation.cross_validation import (
    CrossValidationSettings,
    FoldConcordance,
    cross_validate,
    validate_folds,
)
from cardiolib.validation.estimators import out_of_bag_risk, validate
from cardiolib.validation.model_comparison import compare_models
from cardiolib.validation.model_validation import ModelValidation
from cardiolib.validation.paper import paper_percentile_interval
from cardiolib.validation.paper_comparison import paper_beside_right
from cardiolib.validation.pipelines import FitRecipe
from cardiolib.validation.resampling import BootstrapSettings, run_bootstrap
from cardiolib.validation.sample_size import max_parameters
from cardiolib.validation.store import BootstrapStore, write_bootstrap
from cardiolib.validation.survival_curves import GroupedSurvival, hazard_ratio_per_sd, kaplan_meier_groups
from cardiolib.work import Work

__all__ = [
    "ValidationStageSettings",
    "bootstrap_models",
    "cross_validate_models",
    "load_survival_data",
    "paper_table",
    "probabilities",
    "risk_groups",
    "sample_size_statement",
    "validate_models",
    "validation_metrics",
    "whole_risk_table",
]

NETWORK, CONVENTIONAL, LINEAR = "network", "conventional", "linear"
LABELS = {NETWORK: "network on motion", CONVENTIONAL: "Cox on RV volumes", LINEAR: "linear model of motion"}


@dataclass(frozen=True)
class ValidationStageSettings(Settings):
    """Parameters of notebook 04.

    Parameters
    ----------
    n_replicates : int
        Bootstrap bags (the paper: 100).
    search_in_bag : bool
        Search the network's settings anew in each bag, as the paper does, instead of keeping those found on all
        patients.
    n_folds, n_repeats : int
        Outer folds of the cross-validation, and how often it is repeated.
    """

    n_replicates: int = 100
    search_in_bag: bool = False
    n_folds: int = 6
    n_repeats: int = 2

    RANGES = {**BootstrapSettings.RANGES, **CrossValidationSettings.RANGES}


def bootstrap_models(data: SurvivalData, settings: ValidationStageSettings, work: Work) -> dict[str, BootstrapStore]:
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
    for name, (recipe, X) in _recipes(data, work.input("survival"), settings).items():
        model = f"{name}: {recipe}"
        units = work.units(
            name, {"model": model, "data": data.fingerprint(), "seed": work.seed}, what=f"Bootstrap of the {name} model"
        )
        store = run_bootstrap(
            FitRecipe(recipe),
            X,
            data.event,
            data.time,
            ids=data.ids,
            settings=BootstrapSettings(n_replicates=settings.n_replicates),
            seed=work.seed,
            folder=units,
            model=model,
            map_units=work.map_units,
        )
        # how long each replicate took differs from run to run and is no result
        mark = {"simulated": "yes"} if data.simulated else {}
        store = replace(store, meta={**store.meta, **mark})
        write_bootstrap(replace(store, seconds=None), work.folder / f"{name}_bootstrap.npz")
        stores[name] = store
    return stores


def cross_validate_models(
    data: SurvivalData, settings: ValidationStageSettings, work: Work
) -> dict[str, FoldConcordance]:
    """Cross-validated concordance of the same models, all on the same folds; resumable like the bootstrap."""
    found = {}
    for name, (recipe, X) in _recipes(data, work.input("survival"), settings).items():
        model = f"{name}: {recipe}"
        key = {"model": model, "data": data.fingerprint(), "seed": work.seed, "n_folds": settings.n_folds}
        run = cross_validate(
            FitRecipe(recipe),
            X,
            data.event,
            data.time,
            ids=data.ids,
            seed=work.seed,
            map_units=work.map_units,
            settings=CrossValidationSettings(settings.n_folds, settings.n_repeats),
            model=model,
            folder=work.units(f"{name}_folds", key, what=f"Cross-validation of the {name} model"),
        )
        found[name] = validate_folds(run)
    return found


def validate_models(stores: dict[str, BootstrapStore]) -> ModelValidation:
    """Every estimator of every model, and the paired comparison, from the stored predictions."""
    models = {name: validate(store) for name, store in stores.items()}
    table = pd.concat({LABELS[name]: model.table() for name, model in models.items()}, names=["model"])
    comparison = compare_models(stores[NETWORK], stores[CONVENTIONAL]) if CONVENTIONAL in stores else None
    paper = {
        name: paper_percentile_interval(model.apparent, model.replicates["optimism"].dropna())[1:]
        for name, model in models.items()
    }
    notes = [f"{LABELS[name]}: {note}" for name, model in models.items() for note in model.notes]
    return ModelValidation(models, table.reset_index(level=0).reset_index(drop=True), comparison, paper, tuple(notes))


def risk_groups(stores: dict[str, BootstrapStore], *, n_groups: int = 2) -> dict[str, GroupedSurvival]:
    """Kaplan-Meier of equal parts of the cohort by out-of-bag risk, for the network and the conventional model."""
    return {
        label: kaplan_meier_groups(risk, event, time, n_groups=n_groups)
        for label, (risk, event, time) in _known_risks(stores).items()
    }


def whole_risk_table(stores: dict[str, BootstrapStore]) -> pd.DataFrame:
    """What the out-of-bag risk says when it is not cut into groups: hazard ratio per standard deviation."""
    rows = {label: hazard_ratio_per_sd(*known) for label, known in _known_risks(stores).items()}
    return pd.DataFrame(rows).T.rename_axis("model").reset_index()


def probabilities(stores: dict[str, BootstrapStore], data: SurvivalData) -> AbsolutePerformance:
    """AUC and Brier score over time, calibration and net benefit of the network and the conventional model."""
    return absolute_performance({LABELS[name]: stores[name] for name in _shown(stores)}, data.time_unit)


def paper_table(stores: dict[str, BootstrapStore]) -> pd.DataFrame:
    """The paper's statistics of this run beside the right ones."""
    return paper_beside_right(stores[NETWORK], stores.get(CONVENTIONAL))


def sample_size_statement(data: SurvivalData) -> tuple[str, str]:
    """How many model parameters this many patients and deaths support (Riley et al. 2019), and a plain warning."""
    n, deaths = len(data.ids), int(data.event.sum())
    few, many = (max_parameters(n, deaths, fraction_of_max_r2=share) for share in (0.15, 0.5))
    conventional = data.volumes_remark
    if data.volumes is not None:
        volumes = data.volumes.shape[1]
        verdict = "within" if volumes <= few else "beyond"
        conventional = f"The conventional model has {volumes} coefficients, {verdict} the smaller number."
    return (
        f"{n} patients with {deaths} deaths support a prognostic model of about {few:.0f} parameters if it explains "
        f"15 % of what can be explained, {many:.0f} if it explains half (Riley et al. 2019).",
        f"**Warning.** {conventional} The network takes in {data.X.shape[1]:,} numbers and has more weights than "
        "that: no sample-size rule covers it, its apparent performance means nothing, and only performance on patients "
        "it has not seen counts.",
    )


def validation_metrics(
    results: ModelValidation,
    groups: dict[str, GroupedSurvival],
    folds: dict[str, FoldConcordance],
    stores: dict[str, BootstrapStore],
    found: AbsolutePerformance,
    data: SurvivalData,
) -> dict[str, float]:
    """Headline numbers of the stage."""
    metrics: dict[str, float] = {}
    for name, model in results.models.items():
        low, high = model.out_of_bag_interval
        metrics |= {
            f"{name}_c_apparent": model.apparent,
            f"{name}_c_harrell": model.harrell,
            f"{name}_c_632plus": model.c632plus,
            f"{name}_c_632plus_low": model.c632plus_interval[0],
            f"{name}_c_632plus_high": model.c632plus_interval[1],
            f"{name}_c_oob": model.out_of_bag.c,
            f"{name}_c_oob_low": low,
            f"{name}_c_oob_high": high,
            f"{name}_failed_replicates_count": model.n_failed,
            f"{name}_c_cross_validated": folds[name].c,
            f"{name}_paper_interval_low": results.paper_intervals[name][0],
            f"{name}_paper_interval_high": results.paper_intervals[name][1],
        }
    if results.comparison is not None:
        low, high = results.comparison.interval()
        metrics |= {
            "c_difference": results.comparison.difference,
            "c_difference_low": low,
            "c_difference_high": high,
            "c_difference_p_approximate": results.comparison.p_value,
        }
    keys = {label: name for name, label in LABELS.items()}
    for label, group in groups.items():
        metrics |= {
            f"{keys[label]}_logrank_chi2": group.logrank_chi2,
            f"{keys[label]}_logrank_p": group.logrank_p,
            f"{keys[label]}_hazard_ratio": float(group.summary["hazard ratio"].iloc[-1]),
        }
    for row in whole_risk_table(stores).to_dict("records"):
        metrics[f"{keys[row['model']]}_hazard_ratio_per_sd"] = row["hazard ratio"]
    n, deaths = len(data.ids), int(data.event.sum())
    metrics |= {"patients_count": n, "deaths_count": deaths, "supported_parameters": max_parameters(n, deaths)}
    return metrics | absolute_metrics(found, keys, data.time_unit)


def _shown(stores: dict[str, BootstrapStore]) -> list[str]:
    """The models of the paper's figure, as far as this cohort allows them."""
    return [name for name in (NETWORK, CONVENTIONAL) if name in stores]


def _known_risks(stores: dict[str, BootstrapStore]) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Label -> out-of-bag risk, event and time of the patients who have such a risk."""
    risks = {}
    for name in _shown(stores):
        risk = out_of_bag_risk(stores[name])
        known = np.isfinite(risk)
        risks[LABELS[name]] = risk[known], stores[name].event[known], stores[name].time[known]
    return risks


def _recipes(
    data: SurvivalData, survival_folder: Path, settings: ValidationStageSettings
) -> dict[str, tuple[object, np.ndarray]]:
    network = load_network(survival_folder / MODEL_FILE)
    chosen = network.settings
    # what notebook 03 held fixed is not searched in the bags either
    held = {name: getattr(chosen, name) for name in network.provenance.get("fixed", "").split()}
    search = SearchSettings.matching(chosen, **held_ranges(held)) if settings.search_in_bag else None
    recipes: dict[str, tuple[object, np.ndarray]] = {NETWORK: (NetworkRecipe(chosen, search), data.X)}
    if data.volumes is not None:
        recipes[CONVENTIONAL] = (CoxRecipe(), data.volumes.to_numpy())
    recipes[LINEAR] = (PcaCoxRecipe(), data.X)
    return recipes
