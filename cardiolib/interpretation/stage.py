"""Notebook 05 in steps: map the patients by their latent code, paint saliency on the heart, score it by the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort, CohortError
from cardiolib.digital_heart import DigitalHeart, decimated_mesh, mean_parameters
from cardiolib.imaging.files import write_table
from cardiolib.interpretation.attribution import integrated_gradients, log_risk_function
from cardiolib.interpretation.latent import LatentMap, laplacian_eigenmaps, pca_map, quality_table, umap_map
from cardiolib.interpretation.motion_magnitude import motion_magnitude_mm
from cardiolib.interpretation.regions import summarise_by_region, vertex_regions
from cardiolib.interpretation.saliency import permutation_test, univariate_saliency
from cardiolib.interpretation.truth import TruthScore, score_against_truth
from cardiolib.meshes import SurfaceMesh
from cardiolib.survival.model import FittedNetwork, load_network
from cardiolib.survival.stage import MODEL_FILE, SurvivalData, load_survival_data

PAPER, GRADIENTS = "regression of risk on motion (paper)", "integrated gradients"
ALPHA = 0.05


@dataclass(frozen=True)
class InterpretationStageSettings:
    """Parameters of notebook 05.

    Parameters
    ----------
    n_neighbours : int
        Of the neighbour graphs behind eigenmaps and UMAP (the paper does not state its own).
    n_permutations : int
        Of the max-T test of the saliency map.
    integration_steps : int
        Of the integrated gradients; doubled until they are complete.
    """

    n_neighbours: int = 15
    n_permutations: int = 1000
    integration_steps: int = 32

    def __post_init__(self) -> None:
        for name, low in (("n_neighbours", 2), ("n_permutations", 1), ("integration_steps", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class PatientMaps:
    """Two-dimensional maps of the patients.

    Attributes
    ----------
    maps : list of LatentMap
        Eigenmaps (the paper's), UMAP, principal components.
    patients : DataFrame
        Index ID: time, event, log_risk, and the coordinates ``<method>_1``, ``<method>_2``.
    quality : DataFrame
        Trustworthiness and continuity of each map.
    """

    maps: list[LatentMap]
    patients: pd.DataFrame
    quality: pd.DataFrame


@dataclass(frozen=True, eq=False)
class SaliencyMaps:
    """Saliency of every vertex by two methods, and the surface to paint it on.

    Attributes
    ----------
    mesh : SurfaceMesh
        End-diastolic surface; without triangles where the cohort's mesh is not known.
    vertices : DataFrame
        One row a vertex: region, slope (log risk per mm), correlation, p_family, significant,
        integrated_gradients (mean absolute share of the log risk).
    by_phase : (T - 1, V) array
        Integrated gradients by phase.
    summary : DataFrame
        One row a region and method.
    completeness_error : float
        Of the integrated gradients, in log risk.
    """

    mesh: SurfaceMesh
    vertices: pd.DataFrame
    by_phase: np.ndarray
    summary: pd.DataFrame
    completeness_error: float


@dataclass(frozen=True, eq=False)
class RegionalSaliency:
    """Share of each region in the saliency, by method and in truth.

    Attributes
    ----------
    table : DataFrame
        Index region; one column a method, and "true hazard" for simulated cohorts.
    scores : dict of str to TruthScore
        Agreement of each method with the truth; empty for real cohorts.
    """

    table: pd.DataFrame
    scores: dict[str, TruthScore]

    @property
    def average_precision(self) -> dict[str, float]:
        """Average precision of each method, where the truth is known."""
        return {name: score.average_precision for name, score in self.scores.items()}


def load_network_and_data(
    cohort: Cohort, motion_folder: Path, survival_folder: Path
) -> tuple[SurvivalData, FittedNetwork]:
    """What notebooks 02 and 03 left: motion with follow-up, and the trained network."""
    return load_survival_data(cohort, motion_folder), load_network(survival_folder / MODEL_FILE)


def latent_maps(
    network: FittedNetwork, data: SurvivalData, settings: InterpretationStageSettings, *, seed: int, folder: Path
) -> PatientMaps:
    """Map the patients by their latent code in three ways; writes ``latent_maps.csv``."""
    code, risk = network.code(data.X), network.predict_log_risk(data.X)
    k = min(settings.n_neighbours, (len(code) - 2) // 2)
    maps = [
        laplacian_eigenmaps(code, n_neighbours=k, seed=seed, orient_by=risk),
        umap_map(code, n_neighbours=k, seed=seed, orient_by=risk),
        pca_map(code, judged_at=k, orient_by=risk),
    ]
    patients = pd.DataFrame({"time": data.time, "event": data.event, "log_risk": risk},
                            index=pd.Index(data.ids, name="ID"))
    for one in maps:
        patients[[f"{one.method}_1", f"{one.method}_2"]] = one.coordinates
    write_table(patients, folder / "latent_maps.csv")
    return PatientMaps(maps, patients, quality_table(maps).set_index("method"))


def saliency(
    network: FittedNetwork, cohort: Cohort, data: SurvivalData, settings: InterpretationStageSettings, *,
    seed: int, folder: Path,
) -> SaliencyMaps:
    """The paper's saliency with family-wise control, and integrated gradients; writes ``saliency.csv``.

    The regression is of the predicted log risk on each vertex's mean displacement over the cycle, one vertex at a
    time. Integrated gradients attribute the network's log risk, relative to the mean heart, to its inputs.
    """
    frames, n_vertices, _ = data.feature_shape
    risk = network.predict_log_risk(data.X)
    association = permutation_test(
        risk, motion_magnitude_mm(data.X, n_vertices=n_vertices), rng=np.random.default_rng(seed),
        n_permutations=settings.n_permutations,
    )
    attribution = integrated_gradients(log_risk_function(network), data.X, n_steps=settings.integration_steps)
    by_phase = np.abs(attribution.values.reshape(-1, frames, n_vertices, 3).sum(axis=3)).mean(axis=0)
    mesh = surface_of(cohort, n_vertices)
    vertices = pd.DataFrame({
        "region": _regions(mesh), "slope": association.slope, "correlation": association.correlation,
        "p_family": association.p_family, "significant": association.p_family <= ALPHA,
        "integrated_gradients": by_phase.sum(axis=0),
    }).rename_axis("vertex")
    write_table(vertices, folder / "saliency.csv")
    methods = {PAPER: vertices["correlation"], GRADIENTS: vertices["integrated_gradients"]}
    summary = pd.concat(
        {name: summarise_by_region(values, vertices["region"]) for name, values in methods.items()}, names=["method"]
    )
    return SaliencyMaps(mesh, vertices, by_phase, summary, attribution.completeness_error)


def saliency_by_region(maps: SaliencyMaps, cohort: Cohort, data: SurvivalData) -> RegionalSaliency:
    """Share of each region by method and, for simulated cohorts, in the true log hazard's own association."""
    columns = {PAPER: maps.vertices["correlation"], GRADIENTS: maps.vertices["integrated_gradients"]}
    scores: dict[str, TruthScore] = {}
    relevance = true_relevance(cohort, data)
    if relevance is not None:
        scores = {name: score_against_truth(values.to_numpy(), relevance) for name, values in columns.items()}
        columns = {**columns, "true hazard": relevance}
    shares = {name: summarise_by_region(values, maps.vertices["region"])["share"] for name, values in columns.items()}
    return RegionalSaliency(pd.DataFrame(shares), scores)


def true_relevance(cohort: Cohort, data: SurvivalData) -> np.ndarray | None:
    """How strongly each vertex's motion goes with the TRUE log hazard, (V,); None where that is not known.

    The best a map of association could show: the same regression with the hazard in the place of the prediction.
    """
    if not cohort.simulated:
        return None
    truth = cohort.log_hazard().loc[list(data.ids)].to_numpy()
    if np.ptp(truth) == 0:
        return None
    magnitude = motion_magnitude_mm(data.X, n_vertices=data.feature_shape[1])
    return np.abs(univariate_saliency(truth, magnitude).correlation)


def drawn_maps(maps: SaliencyMaps) -> dict[str, np.ndarray]:
    """The two saliency maps as figures want them: name to one value a vertex."""
    return {
        "correlation of risk with motion": maps.vertices["correlation"].to_numpy(),
        "integrated gradients (log risk)": maps.vertices["integrated_gradients"].to_numpy(),
    }


def drawn_patients(patients: PatientMaps, data: SurvivalData) -> dict[str, object]:
    """The maps of the patients as figures want them: coordinates by method, IDs, event, time and its unit."""
    titles = {"laplacian eigenmaps": "Laplacian eigenmaps", "umap": "UMAP", "pca": "principal components"}
    return {
        "maps": {titles.get(one.method, one.method): one.coordinates for one in patients.maps},
        "ids": np.array(data.ids), "event": data.event, "time": data.time, "time_unit": data.time_unit,
    }


def interpretation_metrics(patients: PatientMaps, maps: SaliencyMaps, regions: RegionalSaliency) -> dict[str, float]:
    """Headline numbers of the stage."""
    metrics: dict[str, float] = {}
    for method, row in patients.quality.iterrows():
        key = str(method).replace(" ", "_")
        metrics |= {f"{key}_trustworthiness": row["trustworthiness"], f"{key}_continuity": row["continuity"]}
    metrics["significant_vertices_count"] = int(maps.vertices["significant"].sum())
    metrics["integrated_gradients_completeness_error_log_risk"] = maps.completeness_error
    for name, score in regions.scores.items():
        key = "paper_saliency" if name == PAPER else "integrated_gradients"
        metrics |= {f"{key}_average_precision": score.average_precision, f"{key}_chance": score.chance,
                    f"{key}_rank_correlation": score.rank_correlation}
    return metrics


def surface_of(cohort: Cohort, n_vertices: int) -> SurfaceMesh:
    """End-diastolic surface with the vertices of the motion matrix.

    The template of the digital heart for its own 202 points; otherwise the first subject's points, without triangles.
    """
    template = DigitalHeart(mean_parameters("ph")).points202(np.zeros(1))[0]
    if n_vertices == len(template) and ("images" in cohort.provides or cohort.simulated):
        return decimated_mesh(template)
    try:
        points = cohort.positions(cohort.ids_with("motion")[0])[0]
    except CohortError:  # displacements only, as in the authors' pickles: a mesh cannot be drawn
        points = np.zeros((n_vertices, 3))
    return SurfaceMesh(points, np.zeros((0, 3), dtype=np.int64), np.zeros(len(points), dtype=np.int8), ("all",))


def _regions(mesh: SurfaceMesh) -> np.ndarray:
    return vertex_regions(mesh) if len(mesh.triangles) else np.full(len(mesh.points), "all")
