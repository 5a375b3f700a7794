"""Notebook 03 in steps: join motion with follow-up, search, train, predict, compare with simpler models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import ClassVar

import numpy as np
import pandas as pd

import cardiolib
from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.files import read_table_by_id, write_table
from cardiolib.meshes import MATCHED_VERTICES, template_mesh
from cardiolib.settings import Settings
from cardiolib.steps.survival_tables import motion_indices
from cardiolib.survival.concordance import concordance_index
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.fold_comparison import FoldComparison
from cardiolib.survival.folds import patient_folds
from cardiolib.survival.network.fitted import FittedNetwork
from cardiolib.survival.network.search import SEARCHED, SearchResult, SearchSettings, held_ranges, search
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network
from cardiolib.survival.recipes import CoxRecipe, LassoCoxRecipe, NetworkRecipe, PcaCoxRecipe
from cardiolib.verdicts import DO_NOT_USE, VERDICTS_FILE, verdict_sentence, verdicts_of
from cardiolib.work import Work

MODEL_FILE = "network.npz"


@dataclass(frozen=True)
class SurvivalStageSettings(Settings):
    """Parameters of notebook 03.

    Parameters
    ----------
    protocol : str
        "exact" or "published", see `NetworkSettings`.
    epochs : int
    n_particles, n_generations, n_folds : int
        Size of the particle swarm search (the paper: 10 x 5, 6 folds).
    screening : bool
        Under "published": score the swarm's candidates by a stand-in, more than ten times faster, which may choose a
        worse setting. The exact protocol is fast enough without, and the final model is fitted in full in any case.
    fixed : dict
        Settings of the network (`NetworkSettings`) that are held as given: the search leaves them alone, for example
        ``{"latent": 8}``.
    """

    NESTED: ClassVar[dict[str, type]] = {"fixed": NetworkSettings}

    protocol: str = "exact"
    epochs: int = 100
    n_particles: int = 10
    n_generations: int = 5
    n_folds: int = 6
    screening: bool = False
    fixed: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.network_settings()
        self.search_settings()

    def network_settings(self) -> NetworkSettings:
        """What the search does not choose."""
        make = NetworkSettings.published if self.protocol == "published" else NetworkSettings
        return make(**{"protocol": self.protocol, "epochs": self.epochs, **self.fixed})

    def search_settings(self) -> SearchSettings:
        """Size and ranges of the search."""
        return SearchSettings.matching(
            self.network_settings(),
            n_particles=self.n_particles,
            n_generations=self.n_generations,
            n_folds=self.n_folds,
            screening=self.screening,
            **held_ranges(self.fixed),
        )


def load_survival_data(cohort: Cohort, work: Work) -> SurvivalData:
    """Motion of notebook 02 (where it stored none, of the cohort itself), joined with follow-up and volumes by ID."""
    motion, measured = (work.input("motion") / name for name in ("motion.npz", "volumes.csv"))
    return SurvivalData.of(
        cohort,
        motion=open_cohort(motion) if motion.is_file() else None,
        volumes=read_table_by_id(measured) if measured.is_file() else None,
    )


def segmentation_remark(data: SurvivalData, work: Work) -> str:
    """How many segmentations the quality gate doubts, what can be done about it, and who lacks volumes."""
    verdicts = verdicts_of(work.input("motion") / VERDICTS_FILE, data.ids)["verdict"]
    sentence = verdict_sentence(verdicts, of="patients")
    if (verdicts == DO_NOT_USE).any():
        sentence += (
            " All are in the data here. To leave out whom the gate calls unusable, run notebook 02 with "
            "leave_out_doubtful=True (PARAMS='motion.leave_out_doubtful=true')."
        )
    return f"{sentence} {data.volumes_remark}".strip()


def search_settings(data: SurvivalData, settings: SurvivalStageSettings, work: Work) -> SearchResult:
    """The particle swarm search; goes on after an interruption; writes ``search_history.csv``."""
    key = {
        "settings": asdict(settings.search_settings()),
        "base": asdict(settings.network_settings()),
        "seed": work.seed,
        "data": data.fingerprint(),
    }
    units = work.units("search", key, what="Search of the network's settings")
    result = search(
        data.X,
        data.event,
        data.time,
        settings.search_settings(),
        base=settings.network_settings(),
        seed=work.seed,
        state_path=units / "search_state.json",
        map_units=work.map_units,
    )
    # seconds differ from run to run: they belong to the notebook's display, not to a result
    history = result.history.drop(columns="seconds")
    write_table(history, work.folder / "search_history.csv", index=False, simulated=data.simulated)
    return result


def train_final(
    data: SurvivalData, settings: NetworkSettings, work: Work, *, fixed: Sequence[str] = ()
) -> FittedNetwork:
    """Fit the network on all patients and store it as ``network.npz``; `fixed` names what was not searched."""
    network = fit_network(
        data.X,
        data.event,
        data.time,
        settings,
        seed=work.seed,
        feature_shape=data.feature_shape,
        provenance={
            "cardiolib": cardiolib.__version__,
            "time_unit": data.time_unit,
            "training_data_sha256": data.fingerprint(),
            "fixed": " ".join(sorted(fixed)),
            **({"simulated": "yes"} if data.simulated else {}),
        },
    )
    network.save(work.folder / MODEL_FILE)
    return network


def predict_all(network: FittedNetwork, data: SurvivalData, work: Work) -> pd.DataFrame:
    """Log risk and latent code of the patients the network was trained on; writes ``predictions.csv``."""
    code = network.code(data.X)
    table = pd.DataFrame(code, columns=[f"z{i + 1}" for i in range(code.shape[1])], index=pd.Index(data.ids, name="ID"))
    table.insert(0, "log_risk", network.predict_log_risk(data.X))
    write_table(table, work.folder / "predictions.csv", simulated=data.simulated)
    return table


NETWORK, LINEAR_MODEL = "network on motion", "principal components of motion, ridge Cox"


def cross_validate_models(data: SurvivalData, settings: NetworkSettings, work: Work, *, n_folds: int) -> FoldComparison:
    """The network and simpler models on the same folds; all that a model tunes is tuned inside the training folds."""
    models: dict[str, tuple[object, np.ndarray]] = {
        NETWORK: (NetworkRecipe(settings), data.X),
        "linear network on motion": (NetworkRecipe(replace(settings, activation="linear")), data.X),
        LINEAR_MODEL: (PcaCoxRecipe(), data.X),
        "LASSO Cox on motion": (LassoCoxRecipe(), data.X),
    }
    template = template_mesh().points[MATCHED_VERTICES]
    indices = motion_indices(data.X, template, data.feature_shape)
    if len(indices):
        models["Cox on TAPSE and RV strain"] = (CoxRecipe(), indices.to_numpy())
    if data.volumes is not None:
        models["Cox on RV volumes"] = (CoxRecipe(), data.volumes.to_numpy())
        models["Cox on RVEF"] = (CoxRecipe(), data.volumes[["RVEF"]].to_numpy())
    return _compare(data, models, seed=work.seed, n_folds=n_folds, map_units=work.map_units)


def compare_protocols(data: SurvivalData, settings: NetworkSettings, work: Work, *, n_folds: int) -> pd.DataFrame:
    """What the named protocols do, and their C-index on the same folds, none of them searched but the first.

    Parameters
    ----------
    settings : NetworkSettings
        Those of the notebook's network, the first row. The others have their defaults and its number of epochs.
    """
    protocols = {
        "this notebook": settings,
        "exact": NetworkSettings(epochs=settings.epochs),
        "exact, on the inputs": NetworkSettings.on_inputs(epochs=settings.epochs),
        "published, inputs centred": NetworkSettings.published(epochs=settings.epochs, standardise="global"),
        "published": NetworkSettings.published(epochs=settings.epochs),
    }
    models = {name: (NetworkRecipe(each), data.X) for name, each in protocols.items()}
    compared = _compare(data, models, seed=work.seed, n_folds=n_folds, map_units=work.map_units)
    rows = {
        name: {
            "patients a step": "all" if each.protocol == "exact" else each.batch_size,
            "risk set": "all at risk" if each.protocol == "exact" else "the batch",
            "ties": "Efron" if each.protocol == "exact" else "Breslow",
            "Cox term": "mean per death" if each.protocol == "exact" else "sum over the batch",
            "Adam moves": "principal coordinates" if each.coordinates == "principal" else "inputs",
            "inputs scaled": each.standardise,
            "rate": f"1e{each.log10_learning_rate:.1f}",
        }
        for name, each in protocols.items()
    }
    return pd.DataFrame(rows).T.join(compared.table).rename_axis("protocol")


def survival_metrics(
    data: SurvivalData, result: SearchResult, network: FittedNetwork, models: FoldComparison, cohort: Cohort
) -> dict[str, float]:
    """Headline numbers of the stage."""
    best = {f"best_{name}": getattr(result.best_settings, name) for name in SEARCHED}
    c = models.table["C (cross-validated)"]
    metrics = {
        "patients_count": len(data.ids),
        "inputs_count": data.X.shape[1],
        "settings_tried_count": len(result.history),
        "search_c_index": result.best_score,
        **best,
        "apparent_c_index": concordance_index(network.predict_log_risk(data.X), data.event, data.time),
        "network_cv_c_index": c[NETWORK],
        "linear_network_cv_c_index": c["linear network on motion"],
        "pca_cox_cv_c_index": c[LINEAR_MODEL],
        "lasso_cox_cv_c_index": c["LASSO Cox on motion"],
        "dead_code_percent": 100 * network.dead_code_fraction(data.X),
    }
    if "Cox on RV volumes" in c:
        metrics |= {"volumes_cv_c_index": c["Cox on RV volumes"], "rvef_cv_c_index": c["Cox on RVEF"]}
    if "truth" in cohort.provides:
        truth = cohort.log_hazard().loc[list(data.ids)].to_numpy()
        varies = np.ptp(truth) > 0  # the null cohort's hazard is the same for all
        if varies:
            predicted = models.log_risk[NETWORK]
            metrics["hazard_rank_correlation"] = predicted.corr(pd.Series(truth, predicted.index), method="spearman")
        metrics["true_hazard_c_index"] = concordance_index(truth, data.event, data.time) if varies else 0.5
    return metrics


def _compare(data: SurvivalData, models: dict, *, seed: int, n_folds: int, map_units: Callable) -> FoldComparison:
    fold = patient_folds(data.event, n_folds=n_folds, rng=np.random.default_rng(seed))
    rows, risks = {}, {}
    for name, (recipe, X) in models.items():
        work = partial(_score_recipe, recipe=recipe, X=X, event=data.event, time=data.time, fold=fold, seed=seed)
        scores, held_out = zip(*map_units(work, range(n_folds)), strict=True)
        rows[name] = {"C (cross-validated)": np.mean(scores), "SD over folds": np.std(scores, ddof=1)}
        risks[name] = np.empty(fold.size)
        for k, risk in enumerate(held_out):
            risks[name][fold == k] = risk - risk.mean()
    return FoldComparison(
        pd.DataFrame(rows).T.rename_axis("model"), pd.DataFrame(risks, index=pd.Index(data.ids, name="ID"))
    )


def _score_recipe(k: int, *, recipe, X, event, time, fold, seed: int) -> tuple[float, np.ndarray]:
    train, test = fold != k, fold == k
    risk = recipe.fit(X[train], event[train], time[train], seed=seed).predict_log_risk(X[test])
    return concordance_index(risk, event[test], time[test]), risk
