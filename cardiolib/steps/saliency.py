"""Notebook 05, saliency: where motion goes with risk, what the network reads, and do the maps find a known patch?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.files import write_table
from cardiolib.interpretation.attribution import attribute_network
from cardiolib.interpretation.explained_network import InterpretationInputs
from cardiolib.interpretation.maps_of_risk import CHANGE, GRADIENTS, PAPER, PlantedTests, SaliencyMaps, TrueScores
from cardiolib.interpretation.motion_magnitude import motion_magnitude_mm
from cardiolib.interpretation.planted import BASELINE, CEILING, planted_tests
from cardiolib.interpretation.refits import NullNetwork, Refit
from cardiolib.interpretation.regions import summarise_by_region, vertex_regions
from cardiolib.interpretation.risk_motion import RiskMotion, regression_motion
from cardiolib.interpretation.risk_source import martingale_residuals
from cardiolib.interpretation.saliency import map_stability, permutation_test, phase_saliency
from cardiolib.interpretation.truth import TruthScore, score_against_truth
from cardiolib.meshes import SurfaceMesh
from cardiolib.steps.interpretation import InterpretationStageSettings
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.work import Work

ALPHA = 0.05


def saliency(
    inputs: InterpretationInputs, refitted: list[Refit], settings: InterpretationStageSettings, work: Work
) -> SaliencyMaps:
    """The paper's saliency with family-wise control, integrated gradients, change of motion; writes ``saliency.csv``.

    The regression is of log risk on each vertex's mean displacement over the cycle, one vertex at a time. Risks are out
    of bag where notebook 04 has stored them. Integrated gradients attribute the network's own log risk, relative to the
    mean heart, to its inputs.
    """
    data, known, n = inputs.data, inputs.risk.known, inputs.n_vertices
    X, risk = data.X[known], inputs.risk.log_risk[known]
    magnitude = motion_magnitude_mm(X, n_vertices=n)
    found, death = (
        permutation_test(
            values, magnitude, rng=np.random.default_rng([work.seed, number]), n_permutations=settings.n_permutations
        )
        for number, values in enumerate((risk, martingale_residuals(data.event[known], data.time[known])))
    )
    attribution = attribute_network(inputs.network, data.X)
    change = regression_motion(risk, X, n_vertices=n)
    by_phase = {
        PAPER: phase_saliency(risk, X, n_vertices=n),
        GRADIENTS: attribution.phase_importance(n_vertices=n),
        CHANGE: np.linalg.norm(change.field_mm, axis=2),
    }
    importance = [one.phase_importance.sum(axis=0) for one in refitted]
    stability = map_stability(importance)
    vertices = pd.DataFrame(
        {
            "region": _regions(inputs.mesh),
            "slope": found.slope,
            "correlation": found.correlation,
            "p_family": found.p_family,
            "significant": found.p_family <= ALPHA,
            "p_family_death": death.p_family,
            "significant_death": death.p_family <= ALPHA,
            "integrated_gradients": by_phase[GRADIENTS].sum(axis=0),
            "integrated_gradients_cv": stability["sd"] / stability["mean"],
            "change_mm": change.vertex_size_mm(),
            "mean_motion_mm": magnitude.mean(axis=0),
        }
    ).rename_axis("vertex")
    write_table(vertices, work.folder / "saliency.csv", simulated=data.simulated)
    return SaliencyMaps(inputs.mesh, vertices, by_phase, attribution, inputs.risk.source, magnitude)


def saliency_claims(maps: SaliencyMaps) -> list[str]:
    """What the maps show, in sentences made of their own numbers."""
    vertices, total = maps.vertices, len(maps.vertices)
    shares = pd.DataFrame(
        {name: summarise_by_region(values, vertices["region"])["share"] for name, values in maps.by_method.items()}
    )
    strongest = ", ".join(f"{name}: {shares[name].idxmax()} ({shares[name].max():.0%})" for name in shares)
    return [
        f"{int(vertices['significant'].sum())} of {total} vertices go with the {maps.risk_source} risk beyond chance "
        f"anywhere on the surface (family-wise P at most {ALPHA}). A prediction is made of motion, so this says where, "
        "not that motion predicts death.",
        f"{int(vertices['significant_death'].sum())} of {total} vertices go with death itself (martingale residuals, "
        "the same test): that is the claim about patients.",
        f"Integrated gradients add up to each patient's log risk within "
        f"{maps.attribution.relative_completeness_error:.1e} of the range of the log risks "
        f"(integrated exactly, in at most {maps.attribution.n_steps} pieces); between refitted networks the share of a "
        f"point varies by {vertices['integrated_gradients_cv'].median():.0%} (median coefficient of variation).",
        f"Largest share by region: {strongest}.",
    ]


def true_scores(
    maps: SaliencyMaps,
    truth: RiskMotion | None,
    inputs: InterpretationInputs,
    null: NullNetwork,
    work: Work,
    *,
    n_shuffles: int = 200,
) -> TrueScores:
    """Score the maps against the true change of motion with the hazard, where that is known."""
    if truth is None:
        lacks = "No true hazard that varies is known for this cohort: the maps cannot be scored against it."
        return TrueScores(pd.DataFrame(), lacks)
    relevance = truth.vertex_size_mm()
    known, n = inputs.risk.known, inputs.n_vertices
    X, risk = inputs.data.X[known], inputs.risk.log_risk[known]
    rng = np.random.default_rng(work.seed)
    shuffled = _shuffled_scores(risk, X, maps.magnitude_mm, relevance, rng, n_shuffles)
    of_null = attribute_network(null.network, inputs.data.X).phase_importance(n_vertices=n).sum(axis=0)
    shuffled[GRADIENTS] = score_against_truth(of_null, relevance).average_precision
    rows = []
    for name, values in {**maps.by_method, BASELINE: maps.vertices["mean_motion_mm"].to_numpy()}.items():
        score: TruthScore = score_against_truth(values, relevance)
        rows.append(
            {
                "map": name,
                "average precision": score.average_precision,
                "chance": score.chance,
                "shuffled": shuffled.get(name, np.nan),
                "rank correlation": score.rank_correlation,
            }
        )
    return TrueScores(pd.DataFrame(rows).set_index("map"))


def _shuffled_scores(risk, X, magnitude, relevance, rng, n_shuffles: int) -> dict[str, float]:
    """Mean average precision of the maps of association when risks are dealt out at random."""
    centred, moves = magnitude - magnitude.mean(axis=0), X - X.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    shuffled = rng.permuted(np.tile(risk - risk.mean(), (n_shuffles, 1)), axis=1)
    correlation = np.abs(shuffled @ centred) / np.where(size > 0, size, np.inf)
    change = np.sqrt(((shuffled @ moves).reshape(n_shuffles, -1, len(relevance), 3) ** 2).sum(axis=(1, 3)))
    return {
        name: float(np.mean([score_against_truth(one, relevance).average_precision for one in many]))
        for name, many in ((PAPER, correlation), (CHANGE, change))
    }


def planted(inputs: InterpretationInputs, settings: InterpretationStageSettings, work: Work) -> PlantedTests:
    """Hazards planted in patches of these hearts, a network trained on each; none where no surface is known."""
    chosen: NetworkSettings = inputs.network.settings
    tests = (
        planted_tests(
            inputs.data.X, inputs.mesh, chosen, n_patches=settings.n_planted, seed=work.seed, map_units=work.map_units
        )
        if inputs.has_surface
        else []
    )
    return PlantedTests(tests, inputs.mesh)


def score_claims(scores: TrueScores, planted: PlantedTests) -> list[str]:
    """What the two comparisons with a truth say, in sentences made of their own numbers."""
    sentences = []
    if scores.lacks:
        sentences.append(scores.lacks)
    else:
        table = scores.table
        plain, values = table.loc[BASELINE, "average precision"], table["average precision"].drop(BASELINE)
        sentences.append(
            f"Against the true change of motion in mm: {'; '.join(f'{k} {v:.2f}' for k, v in values.items())}; but the "
            f"plain mean motion, which knows nothing of risk, reaches {plain:.2f} (chance "
            f"{table['chance'].iloc[0]:.2f}), and the same maps made from shuffled risks or outcomes "
            + "; ".join(f"{v:.2f}" for v in table["shuffled"].dropna())
            + ". Points that move far change most whatever the cause: only what exceeds these is about risk."
        )
    if not planted.lacks:
        tests, table = planted.tests, planted.table["times chance, mean"]
        found = ", ".join(
            f"{name} {table[name]:.1f}" for name in ("correlation", "slope", "change of motion", "integrated gradients")
        )
        sentences.append(
            f"Against a hazard planted in a patch of {int(tests[0].patch.sum())} points ({len(tests)} patches), "
            f"average precision in multiples of chance: {found}; plain mean motion {table[BASELINE]:.1f}; correlation "
            f"with the true log hazard, as a perfect prediction would give, {table[CEILING]:.1f}."
        )
    return sentences


def saliency_metrics(maps: SaliencyMaps, scores: TrueScores, planted: PlantedTests) -> dict[str, float]:
    """Headline numbers of the maps."""
    metrics: dict[str, float] = {
        "significant_vertices_count": int(maps.vertices["significant"].sum()),
        "significant_vertices_death_count": int(maps.vertices["significant_death"].sum()),
        "integrated_gradients_relative_completeness_error": maps.attribution.relative_completeness_error,
    }
    keys = {
        PAPER: "paper_saliency",
        GRADIENTS: "integrated_gradients",
        CHANGE: "change_of_motion",
        BASELINE: "mean_motion",
    }
    if not scores.lacks:
        for name, row in scores.table.iterrows():
            metrics[f"{keys[str(name)]}_average_precision"] = row["average precision"]
        metrics["average_precision_chance"] = float(scores.table["chance"].iloc[0])
    if not planted.lacks:
        table = planted.table["times chance, mean"]
        names = {
            "correlation": "paper_saliency",
            "integrated gradients": "integrated_gradients",
            "change of motion": "change_of_motion",
            CEILING: "true_log_hazard",
        }
        metrics |= {f"planted_{key}_times_chance": float(table[name]) for name, key in names.items()}
    return metrics


def _regions(mesh: SurfaceMesh) -> np.ndarray:
    return vertex_regions(mesh) if len(mesh.triangles) else np.full(len(mesh.points), "all")
