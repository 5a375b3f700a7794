"""Notebook 05, saliency: where motion goes with risk, what the network reads, and do the maps find a known patch?"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cardiolib.files import write_table
from cardiolib.interpretation.attribution import Attribution, attribute_network
from cardiolib.interpretation.motion_magnitude import motion_magnitude_mm
from cardiolib.interpretation.planted import BASELINE, CEILING, PlantedTest, planted_table, planted_tests
from cardiolib.interpretation.refits import NullNetwork, Refit
from cardiolib.interpretation.regions import summarise_by_region, summarise_by_region_and_phase, vertex_regions
from cardiolib.interpretation.risk_motion import RiskMotion, regression_motion
from cardiolib.interpretation.risk_source import martingale_residuals
from cardiolib.interpretation.saliency import map_stability, permutation_test, phase_saliency
from cardiolib.interpretation.truth import TruthScore, score_against_truth
from cardiolib.meshes import SurfaceMesh
from cardiolib.steps.interpretation import NO_SURFACE, InterpretationInputs, InterpretationStageSettings
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.work import Work

PAPER, GRADIENTS, CHANGE = "regression of risk on motion (paper)", "integrated gradients", "change of motion with risk"
ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class SaliencyMaps:
    """Saliency of every vertex by three methods, and the surface to paint it on.

    Attributes
    ----------
    mesh : SurfaceMesh
        End-diastolic surface; without triangles where the cohort's mesh is not known.
    vertices : DataFrame
        One row a vertex: region; slope (log risk per mm), correlation, p_family, significant of the paper's regression;
        p_family_death, significant_death of the same test with deaths instead of predicted risk; integrated_gradients
        (mean absolute share of the log risk over the phases) and its sign agreement over refits; change_mm (change of
        motion per SD of the log risk); mean_motion_mm.
    by_phase : dict of str to (T - 1, V) array
        Each method by phase.
    attribution : Attribution
        Of the network's log risk; completeness checked.
    risk_source : str
        "out-of-bag" or "apparent".
    """

    mesh: SurfaceMesh
    vertices: pd.DataFrame
    by_phase: dict[str, np.ndarray] = field(repr=False)
    attribution: Attribution = field(repr=False)
    risk_source: str

    @property
    def by_method(self) -> dict[str, np.ndarray]:
        """Method to one value a vertex."""
        columns = {PAPER: "correlation", GRADIENTS: "integrated_gradients", CHANGE: "change_mm"}
        return {name: self.vertices[column].to_numpy() for name, column in columns.items()}

    @property
    def summary(self) -> pd.DataFrame:
        """One row a method and region."""
        regions = self.vertices["region"]
        tables = {name: summarise_by_region(values, regions) for name, values in self.by_method.items()}
        return pd.concat(tables, names=["method"])

    @property
    def summary_by_phase(self) -> pd.DataFrame:
        """One row a method and phase, one column a region."""
        regions = self.vertices["region"]
        tables = {name: summarise_by_region_and_phase(values, regions) for name, values in self.by_phase.items()}
        return pd.concat(tables, names=["method"])


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
    write_table(vertices, work.folder / "saliency.csv")
    return SaliencyMaps(inputs.mesh, vertices, by_phase, attribution, inputs.risk.source)


def saliency_claims(maps: SaliencyMaps) -> list[str]:
    """What the maps show, in sentences made of their own numbers."""
    vertices, total = maps.vertices, len(maps.vertices)
    shares = pd.DataFrame(
        {name: summarise_by_region(values, vertices["region"])["share"] for name, values in maps.by_method.items()}
    )
    strongest = ", ".join(f"{name}: {shares[name].idxmax()} ({shares[name].max():.0%})" for name in shares)
    return [
        f"{int(vertices['significant'].sum())} of {total} points go with the {maps.risk_source} risk beyond chance "
        f"anywhere on the surface (family-wise P at most {ALPHA}). A prediction is made of motion, so this says where, "
        "not that motion predicts death.",
        f"{int(vertices['significant_death'].sum())} of {total} points go with death itself (martingale residuals, the "
        "same test): that is the claim about patients.",
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
) -> pd.DataFrame | str:
    """Score the maps against the true change of motion with the hazard; a sentence where that is not known.

    Returns
    -------
    DataFrame or str
        One row a map. ``average precision`` against the points whose true change is more than half of the largest;
        ``chance`` for a random order of the points; ``shuffled``: the mean score of the same map made from risks dealt
        out at random, for integrated gradients that of the network trained on shuffled outcomes; ``rank correlation``
        with the true change. The last row is the plain mean motion, which knows nothing of risk: points that move far
        also change most, so a high score means little unless it lies well above that row.
    """
    if truth is None:
        return "No true hazard that varies is known for this cohort: the maps cannot be scored against it."
    relevance = truth.vertex_size_mm()
    known, n = inputs.risk.known, inputs.n_vertices
    X, risk = inputs.data.X[known], inputs.risk.log_risk[known]
    rng = np.random.default_rng(work.seed)
    magnitude = motion_magnitude_mm(X, n_vertices=n)
    shuffled = _shuffled_scores(risk, X, magnitude, relevance, rng, n_shuffles)
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
    return pd.DataFrame(rows).set_index("map")


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


def planted(inputs: InterpretationInputs, settings: InterpretationStageSettings, work: Work) -> list[PlantedTest]:
    """Hazards planted in patches of these hearts, a network trained on each; empty where no surface is known."""
    if not inputs.has_surface:
        return []
    chosen: NetworkSettings = inputs.network.settings
    return planted_tests(
        inputs.data.X, inputs.mesh, chosen, n_patches=settings.n_planted, seed=work.seed, map_units=work.map_units
    )


def planted_summary(tests: list[PlantedTest]) -> pd.DataFrame | str:
    """The table of the tests, or why there are none."""
    if not tests:
        return NO_SURFACE
    return planted_table(tests).round(2)


def region_shares(maps: SaliencyMaps, truth: RiskMotion | None) -> pd.DataFrame:
    """Share of each region in each map and, where it is known, in the true change of motion."""
    columns = dict(maps.by_method)
    if truth is not None:
        columns["true hazard"] = truth.vertex_size_mm()
    regions = maps.vertices["region"]
    return pd.DataFrame({name: summarise_by_region(values, regions)["share"] for name, values in columns.items()})


def score_claims(scores: pd.DataFrame | str, tests: list[PlantedTest]) -> list[str]:
    """What the two comparisons with a truth say, in sentences made of their own numbers."""
    sentences = []
    if isinstance(scores, str):
        sentences.append(scores)
    else:
        plain, values = scores.loc[BASELINE, "average precision"], scores["average precision"].drop(BASELINE)
        sentences.append(
            f"Against the true change of motion in mm: {'; '.join(f'{k} {v:.2f}' for k, v in values.items())}; but the "
            f"plain mean motion, which knows nothing of risk, reaches {plain:.2f} (chance "
            f"{scores['chance'].iloc[0]:.2f}), and the same maps made from shuffled risks or outcomes "
            + "; ".join(f"{v:.2f}" for v in scores["shuffled"].dropna())
            + ". Points that move far change most whatever the cause: only what exceeds these is about risk."
        )
    if tests:
        table = planted_table(tests)["times chance, mean"]
        found = ", ".join(
            f"{name} {table[name]:.1f}" for name in ("correlation", "slope", "change of motion", "integrated gradients")
        )
        sentences.append(
            f"Against a hazard planted in a patch of {int(tests[0].patch.sum())} points ({len(tests)} patches), "
            f"average precision in multiples of chance: {found}; plain mean motion {table[BASELINE]:.1f}; correlation "
            f"with the true log hazard, as a perfect prediction would give, {table[CEILING]:.1f}."
        )
    return sentences


def drawn_maps(maps: SaliencyMaps) -> dict[str, np.ndarray]:
    """The saliency maps as figures want them: label with unit to one value a vertex."""
    return {
        f"correlation with {maps.risk_source} risk": maps.vertices["correlation"].to_numpy(),
        "integrated gradients (log risk)": maps.vertices["integrated_gradients"].to_numpy(),
        "change of motion (mm per SD of log risk)": maps.vertices["change_mm"].to_numpy(),
    }


def paper_maps(maps: SaliencyMaps) -> dict[str, np.ndarray]:
    """The first two of `drawn_maps`: the paper's saliency, and what the network reads."""
    return dict(list(drawn_maps(maps).items())[:2])


def drawn_phases(maps: SaliencyMaps) -> dict[str, pd.DataFrame]:
    """The maps by region and phase as figures want them."""
    labels = {
        PAPER: f"correlation with\n{maps.risk_source} risk",
        GRADIENTS: "integrated gradients\n(log risk)",
        CHANGE: "change of motion\n(mm per SD)",
    }
    table = maps.summary_by_phase
    return {label: table.loc[name] for name, label in labels.items()}


def marked_points(maps: SaliencyMaps) -> np.ndarray:
    """(V,) bool: points that go with the explained risk beyond chance, for the contour of the first map."""
    return maps.vertices["significant"].to_numpy()


def drawn_planted(tests: list[PlantedTest], mesh: SurfaceMesh) -> dict[str, dict[str, np.ndarray]]:
    """The squared correlation of risk with motion for the first patch on each wall, and the patches."""
    first = {int(mesh.region[test.centre]): test for test in reversed(tests)}
    names = {number: mesh.region_names[number].removeprefix("rv_").replace("free", "free wall") for number in first}
    labels = {number: f"share of risk explained (hazard in {names[number]})" for number in sorted(first)}
    return {
        "maps": {label: first[number].maps["correlation"] ** 2 for number, label in labels.items()},
        "significant": {label: first[number].patch for number, label in labels.items()},
    }


def saliency_metrics(maps: SaliencyMaps, scores: pd.DataFrame | str, tests: list[PlantedTest]) -> dict[str, float]:
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
    if not isinstance(scores, str):
        for name, row in scores.iterrows():
            metrics[f"{keys[str(name)]}_average_precision"] = row["average precision"]
        metrics["average_precision_chance"] = float(scores["chance"].iloc[0])
    if tests:
        table = planted_table(tests)["times chance, mean"]
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
