"""Notebook 05, the heart at low and at high risk: decoded, compared with the truth, told in clinical terms."""

from __future__ import annotations

from cardiolib.cohorts import Cohort
from cardiolib.files import write_table
from cardiolib.interpretation.explained_network import InterpretationInputs
from cardiolib.interpretation.hearts_at_risk import HIGH, LOW, SHOWN, TRUE_HIGH, TRUE_LOW, RiskHearts
from cardiolib.interpretation.physiology import describe_change
from cardiolib.interpretation.refits import Refit, direction_stability
from cardiolib.interpretation.risk_motion import (
    LEAST_SQUARES_HEAD,
    LEAST_SQUARES_PATTERN,
    NETWORK_DECODER,
    REGRESSION,
    compare_risk_motions,
    decoded_motions,
    regression_motion,
    true_risk_motion,
)
from cardiolib.steps.interpretation import InterpretationStageSettings
from cardiolib.work import Work

KEYS = {
    NETWORK_DECODER: "network_decoder",
    LEAST_SQUARES_HEAD: "least_squares_head",
    LEAST_SQUARES_PATTERN: "least_squares_pattern",
    REGRESSION: "regression",
}


def risk_hearts(
    inputs: InterpretationInputs,
    refitted: list[Refit],
    cohort: Cohort,
    settings: InterpretationStageSettings,
    work: Work,
) -> RiskHearts:
    """How motion changes along the network's risk, by four methods and in truth; writes ``risk_direction.csv``."""
    n, mesh = inputs.n_vertices, inputs.mesh
    motions = [
        *decoded_motions(inputs.network, inputs.data.X, n_vertices=n),
        regression_motion(inputs.risk.log_risk, inputs.data.X, n_vertices=n),
    ]
    truth = true_risk_motion(
        cohort, n_frames=inputs.data.feature_shape[0] + 1, n_hearts=settings.n_true_hearts, seed=work.seed
    )
    methods = compare_risk_motions(motions, truth)
    write_table(methods, work.folder / "risk_direction.csv", simulated=inputs.data.simulated)
    shown, amount = next(one for one in motions if one.method == SHOWN), settings.risk_sd
    hearts = {LOW: shown.positions_mm(mesh.points, -amount), HIGH: shown.positions_mm(mesh.points, amount)}
    if truth is not None:
        hearts |= {
            TRUE_LOW: truth.positions_mm(mesh.points, -amount),
            TRUE_HIGH: truth.positions_mm(mesh.points, amount),
        }
    return RiskHearts(motions, truth, methods, direction_stability(refitted), hearts, mesh, amount)


def risk_claims(hearts: RiskHearts) -> list[str]:
    """What the hearts show, in sentences made of their own numbers."""
    methods = hearts.methods
    own, fitted = (methods.loc[name, "variance decoded"] for name in (NETWORK_DECODER, LEAST_SQUARES_PATTERN))
    sentences = [
        f"The network's own decoder gives back {own:.0%} of the variance of motion, a decoder fitted to the same codes "
        f"by least squares {fitted:.0%}: "
        + (
            "what the code knows, the network's own decoder cannot say."
            if own < fitted / 2
            else "the network's own decoder says most of what the code knows."
        )
    ]
    away = methods.loc[LEAST_SQUARES_HEAD, "distance per SD"]
    sentences.append(
        f"To raise the log risk by one SD, a step along the risk head leaves the patients' codes by a "
        f"Mahalanobis distance of {away:.1f}; a step along the pattern in which patients differ by "
        f"{methods.loc[LEAST_SQUARES_PATTERN, 'distance per SD']:.1f}."
    )
    if hearts.truth is not None:
        cosines = methods["cosine with truth"]
        sentences.append(
            "Cosine with the true high-risk motion: "
            + "; ".join(f"{name} {value:.2f}" for name, value in cosines.items())
            + "."
        )
    spread = hearts.refits.iloc[0]
    sentences.append(
        f"Between refitted networks the direction agrees with cosine {spread['mean']:.2f} on average "
        f"({spread['least']:.2f} at worst, {spread['refits']:.0f} refits)."
    )
    return sentences if hearts.lacks else [*sentences, *describe_change(hearts.physiology)]


def risk_metrics(hearts: RiskHearts) -> dict[str, float]:
    """Headline numbers of the risk direction."""
    metrics = {"direction_cosine_between_refits": float(hearts.refits["mean"].iloc[0])}
    for name, row in hearts.methods.iterrows():
        key = KEYS[str(name)]
        if name != REGRESSION:
            metrics[f"{key}_variance_decoded"] = row["variance decoded"]
        if "cosine with truth" in row:
            metrics[f"direction_cosine_{key}"] = row["cosine with truth"]
    if not hearts.lacks:
        change = hearts.physiology["change"]
        metrics |= {
            "tapse_change_mm": change["TAPSE"],
            "rvef_change_points": change["RV ejection fraction"],
            "septal_shift_change_mm": change["septal shift to the left at end-systole"],
            "end_systole_change_percent_of_cycle": change["time of end-systole"],
        }
    return metrics
