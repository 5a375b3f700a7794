"""Notebook 05 in steps: inputs, maps of the patients, and the headline numbers.

Saliency is in :mod:`cardiolib.steps.saliency`, the heart at low and at high risk in
:mod:`cardiolib.steps.risk_hearts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.neighbors import NearestNeighbors

from cardiolib.cohorts import Cohort, CohortError
from cardiolib.digital_heart import DigitalHeart, mean_parameters
from cardiolib.files import write_table
from cardiolib.interpretation.explained_network import InterpretationInputs
from cardiolib.interpretation.latent import LatentMap, laplacian_eigenmaps, pca_map, quality_table, umap_map
from cardiolib.interpretation.patient_maps import TITLES, PatientMaps
from cardiolib.interpretation.refits import (
    Refit,
    aligned_coordinates,
    fit_null_network,
    latent_stability,
    refit_networks,
)
from cardiolib.interpretation.risk_source import explained_risk
from cardiolib.meshes import SurfaceMesh, decimated_mesh
from cardiolib.settings import Settings
from cardiolib.steps.survival import MODEL_FILE, load_survival_data
from cardiolib.survival.concordance import concordance_index
from cardiolib.survival.network.fitted import load_network
from cardiolib.validation import read_bootstrap
from cardiolib.work import Work

BOOTSTRAP_FILE = "network_bootstrap.npz"
_NEAREST = 5


@dataclass(frozen=True)
class InterpretationStageSettings(Settings):
    """Parameters of notebook 05.

    Parameters
    ----------
    n_neighbours : int
        Of the neighbour graphs behind eigenmaps and UMAP (the paper does not state its own).
    n_permutations : int
        Of the max-T test of the saliency map.
    n_refits : int
        Networks trained again on bags of patients, for the stability of maps and directions.
    n_planted : int
        Patches in which a hazard is planted to test the saliency maps.
    n_true_hearts : int
        Hearts simulated to know how motion goes with the true hazard (simulated cohorts only).
    risk_sd : float
        How far below and above the mean log risk the hearts are drawn, in SDs.
    """

    n_neighbours: int = 15
    n_permutations: int = 1000
    n_refits: int = 8
    n_planted: int = 4
    n_true_hearts: int = 800
    risk_sd: float = 2.0

    RANGES = {
        "n_neighbours": (2, np.inf),
        "n_permutations": (1, np.inf),
        "n_refits": (2, np.inf),
        "n_planted": (1, np.inf),
        "n_true_hearts": (50, np.inf),
        "risk_sd": (0.0, 5.0),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.risk_sd == 0:
            raise ValueError(
                "InterpretationStageSettings.risk_sd must not be 0: the hearts of low and high risk would be the same"
            )


def load_inputs(cohort: Cohort, work: Work) -> InterpretationInputs:
    """Motion with follow-up, the trained network, and the risks that notebook 04 has stored."""
    data, network = load_survival_data(cohort, work), load_network(work.input("survival") / MODEL_FILE)
    stored = work.input("validation") / BOOTSTRAP_FILE
    risk = explained_risk(
        data.ids, network.predict_log_risk(data.X), read_bootstrap(stored) if stored.is_file() else None
    )
    return InterpretationInputs(data, network, risk, surface_of(cohort, data.feature_shape[1]))


def refits(inputs: InterpretationInputs, settings: InterpretationStageSettings, work: Work) -> list[Refit]:
    """The network trained again on bootstrap bags, with the settings that the search has chosen."""
    data = inputs.data
    return refit_networks(
        data.X,
        data.event,
        data.time,
        inputs.network.settings,
        n_refits=settings.n_refits,
        n_vertices=inputs.n_vertices,
        seed=work.seed,
        map_units=work.map_units,
    )


def latent_maps(
    inputs: InterpretationInputs, refitted: list[Refit], settings: InterpretationStageSettings, work: Work
) -> PatientMaps:
    """Map the patients by their latent code in three ways; writes ``latent_maps.csv``."""
    data, network = inputs.data, inputs.network
    risk = network.predict_log_risk(data.X)
    k = min(settings.n_neighbours, (len(risk) - 2) // 2)
    maps = _maps_of(network.code(data.X), k, seed=work.seed, orient_by=risk)
    of_refits = [_maps_of(one.code, k, seed=work.seed, orient_by=one.log_risk) for one in refitted]
    stability = pd.concat(
        [latent_stability(one, [other[i] for other in of_refits], n_neighbours=k) for i, one in enumerate(maps)]
    )
    kept = stability.groupby("method")[["disparity", "neighbours kept", "by chance"]].mean()
    patients = pd.DataFrame(
        {"time": data.time, "event": data.event, "log_risk": risk}, index=pd.Index(data.ids, name="ID")
    )
    for one in maps:
        patients[[f"{one.method}_1", f"{one.method}_2"]] = one.coordinates
    write_table(patients, work.folder / "latent_maps.csv", simulated=data.simulated)
    null = fit_null_network(data.X, data.event, data.time, network.settings, seed=work.seed)
    null_map = laplacian_eigenmaps(
        null.network.code(data.X), n_neighbours=k, seed=work.seed, orient_by=null.network.predict_log_risk(data.X)
    )
    return PatientMaps(
        maps,
        patients,
        quality_table(maps).set_index("method").join(kept),
        {one.method: aligned_coordinates(one, [other[i] for other in of_refits]) for i, one in enumerate(maps)},
        concordance_index(risk, data.event, data.time),
        null,
        null_map,
        data.time_unit,
    )


def latent_claims(patients: PatientMaps) -> list[str]:
    """What the maps can carry, in sentences made of their own numbers."""
    own = _colour_agreement(patients.maps[0], patients.patients["event"], patients.patients["time"])
    null = _colour_agreement(patients.null_map, patients.null.event, patients.null.time)
    sentences = []
    for method, row in patients.quality.iterrows():
        sentences.append(
            f"{TITLES[str(method)]}: trustworthiness {row['trustworthiness']:.2f}, continuity "
            f"{row['continuity']:.2f}; a refitted network keeps {row['neighbours kept']:.0%} of a patient's neighbours "
            f"on the map (by chance {row['by chance']:.0%})"
        )
    return [
        *sentences,
        (
            f"A network trained on SHUFFLED outcomes reaches C = {patients.null.c_index:.2f} for the patients it was "
            f"trained on, the network itself {patients.c_index:.2f}. On its map the time to death of a patient and "
            f"that of the {_NEAREST} nearest who died have rank correlation {null:+.2f}, on the map of the network "
            f"itself {own:+.2f}. So much of the apparent C, and of the colours, can be learnt by heart; evidence is in "
            "notebook 04, from patients the network has not seen."
        ),
    ]


def latent_metrics(patients: PatientMaps, inputs: InterpretationInputs) -> dict[str, float | str]:
    """Headline numbers of the maps."""
    metrics: dict[str, float | str] = {"explained_risk": inputs.risk.source}
    for method, row in patients.quality.iterrows():
        key = str(method).replace(" ", "_")
        metrics |= {
            f"{key}_trustworthiness": row["trustworthiness"],
            f"{key}_continuity": row["continuity"],
            f"{key}_neighbours_kept_percent": 100 * row["neighbours kept"],
        }
    return metrics | {"shuffled_outcomes_apparent_c_index": patients.null.c_index}


def surface_of(cohort: Cohort, n_vertices: int) -> SurfaceMesh:
    """End-diastolic surface with the vertices of the motion matrix.

    The template of the digital heart for its own 202 vertices; otherwise the first subject's points, without triangles.
    """
    template = DigitalHeart(mean_parameters("ph")).points202(np.zeros(1))[0]
    if n_vertices == len(template) and ("images" in cohort.provides or cohort.simulated):
        return decimated_mesh(template)
    try:
        points = cohort.positions(cohort.ids_with("motion")[0])[0]
    except CohortError:  # displacements only, as in the authors' pickles: a mesh cannot be drawn
        points = np.zeros((n_vertices, 3))
    return SurfaceMesh(points, np.zeros((0, 3), dtype=np.int64), np.zeros(len(points), dtype=np.int8), ("all",))


def _colour_agreement(one: LatentMap, event, time) -> float:
    """What the eye sees in the colours: rank correlation of the time to death with that of the nearest who died."""
    died = np.asarray(event, bool)
    points, when = one.coordinates[died], np.asarray(time)[died]
    near = NearestNeighbors(n_neighbors=min(_NEAREST, len(points) - 1)).fit(points).kneighbors(return_distance=False)
    return float(spearmanr(when, when[near].mean(axis=1)).statistic)


def _maps_of(code: np.ndarray, k: int, *, seed: int, orient_by: np.ndarray) -> list[LatentMap]:
    return [
        laplacian_eigenmaps(code, n_neighbours=k, seed=seed, orient_by=orient_by),
        umap_map(code, n_neighbours=k, seed=seed, orient_by=orient_by),
        pca_map(code, judged_at=k, orient_by=orient_by),
    ]
