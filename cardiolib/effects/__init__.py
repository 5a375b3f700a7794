"""What a change of habit would do: estimands, adjusted averages, individual gains, scores with and without the truth.

In simulated patients every effect is built in and invented. Of real patients a protocol comes first, and nothing is
said about one person.
"""

from cardiolib.effects.averages import AverageEffects, average_effects, kaplan_meier_difference
from cardiolib.effects.comparability import Overlap, balance, inverse_weights, overlap
from cardiolib.effects.counterfactual import CounterfactualPerformance, counterfactual_performance, weighted_performance
from cardiolib.effects.cox_learners import (
    ConstantLearner,
    FittedLearner,
    InteractionLearner,
    Learner,
    RatioLearner,
    TwoModelLearner,
)
from cardiolib.effects.gains import Gains
from cardiolib.effects.joining import study_of
from cardiolib.effects.modification import ModificationTest, modification_test
from cardiolib.effects.orthogonal import OrthogonalScores, orthogonal_scores
from cardiolib.effects.penalised_cox import GroupedCox, fit_grouped_cox
from cardiolib.effects.protocol import Protocol, read_protocol
from cardiolib.effects.restricted_means import RestrictedMean, YearsOfRisk, restricted_mean
from cardiolib.effects.robust_learners import DoublyRobustLearner, HonestForestLearner
from cardiolib.effects.sensitivity import EValue, e_value, hidden_confounder_dial, negative_control
from cardiolib.effects.study import HabitStudy
from cardiolib.effects.targeting import TargetingCurve, targeting_curve
from cardiolib.effects.truth_scores import TruthScores, score_gains

LEARNERS: tuple[Learner, ...] = (
    ConstantLearner(),
    RatioLearner(),
    TwoModelLearner(),
    InteractionLearner(),
    DoublyRobustLearner(),
    HonestForestLearner(),
)
"""The learners with their default settings, in order of humility but for the last two."""

__all__ = [
    "LEARNERS",
    "AverageEffects",
    "ConstantLearner",
    "CounterfactualPerformance",
    "DoublyRobustLearner",
    "EValue",
    "FittedLearner",
    "Gains",
    "GroupedCox",
    "HabitStudy",
    "HonestForestLearner",
    "InteractionLearner",
    "Learner",
    "ModificationTest",
    "OrthogonalScores",
    "Overlap",
    "Protocol",
    "RatioLearner",
    "RestrictedMean",
    "TargetingCurve",
    "TruthScores",
    "TwoModelLearner",
    "YearsOfRisk",
    "average_effects",
    "balance",
    "counterfactual_performance",
    "e_value",
    "fit_grouped_cox",
    "hidden_confounder_dial",
    "inverse_weights",
    "kaplan_meier_difference",
    "modification_test",
    "negative_control",
    "orthogonal_scores",
    "overlap",
    "read_protocol",
    "restricted_mean",
    "score_gains",
    "study_of",
    "targeting_curve",
    "weighted_performance",
]
