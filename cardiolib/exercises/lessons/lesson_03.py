"""Exercises of notebook 03: the partial likelihood, the hybrid loss, the swarm, and what optimism is."""

from __future__ import annotations

import numpy as np

from cardiolib.exercises.answers import Letters, Number, Numbers
from cardiolib.exercises.exercise import Exercise, Mistake
from cardiolib.exercises.student_cohort import StudentCohort

INERTIA, COGNITIVE, SOCIAL = 0.4, 1.5, 2.0

_NULL = Letters(
    (
        "It is far above 0.5: the network has learnt the patients by heart",
        "It is close to 0.5: there is nothing to learn",
        "It is far below 0.5: the network has learnt the reverse",
        "It cannot be computed, as nobody dies",
    )
)
_PRINT = Letters(
    (
        "The apparent one: it is the higher one, and it says least about new patients",
        "The one out of fold: it is the higher one",
        "Either: they differ by chance only",
        "The apparent one: it rests on more patients, so it is the fairer one",
    )
)


def cox_terms(cohort: StudentCohort, *, everybody: bool = False) -> np.ndarray:
    """Of each death among the four: log of the summed hazards at risk, minus the own log risk."""
    four = cohort.four
    risk, time = four["log_risk"].to_numpy(), four["time"].to_numpy()
    at_risk = [np.ones(4, bool) if everybody else time >= when for when in time]
    terms = [np.log(np.exp(risk[rows]).sum()) - own for rows, own in zip(at_risk, risk, strict=True)]
    return np.array(terms)[four["event"].to_numpy()]


def _gradient(cohort: StudentCohort) -> float:
    four = cohort.four.sort_values("time")
    hazards = np.exp(four["log_risk"].to_numpy())
    return float((hazards[0] / hazards.sum() - 1) / four["event"].sum())


def _hybrid(cohort: StudentCohort, *, swapped: bool = False) -> float:
    clean, decoded, alpha = cohort.reconstruction
    first = 1 - alpha if swapped else alpha
    return float(first * np.mean((decoded - clean) ** 2) + (1 - first) * cox_terms(cohort).mean())


def _step(cohort: StudentCohort) -> list[float]:
    p = cohort.particle
    pull = COGNITIVE * p.r1 * (p.own_best - p.position) + SOCIAL * p.r2 * (p.swarm_best - p.position)
    velocity = INERTIA * p.velocity + pull
    return [velocity, p.position + velocity]


def _c_index(cohort: StudentCohort, risk: str) -> float:
    from cardiolib.validation import concordance

    table, log_risk = cohort.table, cohort.risks[risk].to_numpy()
    return concordance(log_risk, table["event"].to_numpy(), table["time"].to_numpy()).c


EXERCISES = (
    Exercise(
        id="03.1",
        title="The partial likelihood of four patients",
        minutes=15,
        question=(
            "Print `mine.four`: time, event and log risk of four patients. At each death, the model says how likely it "
            "was that just this patient died, of all who were still observed (time at least that of the death): "
            "exp(own log risk) / sum of exp(log risk) of those. What is the mean over the deaths of **minus** the "
            "logarithm of this? (`np.log` is the natural logarithm.) It is the Cox term of the network's loss."
        ),
        kind=Number(0.003),
        truth=lambda mine: cox_terms(mine).mean(),
        hint="There are two deaths. Who has left before the second one? Then take the mean of two numbers.",
        mistakes=(
            Mistake(lambda mine: cox_terms(mine).sum(), "That is the sum over the deaths. The mean is asked for."),
            Mistake(lambda mine: cox_terms(mine, everybody=True).mean(), "Whoever left before is no longer at risk."),
            Mistake(lambda mine: -cox_terms(mine).mean(), "Mind the sign: a loss is minus the logarithm."),
        ),
        stub=("four = mine.four",),
        shows="The loss needs no time, only who was still there: times enter by their order.",
    ),
    Exercise(
        id="03.2",
        title="Its gradient",
        minutes=10,
        question=(
            "Which way does training push the patient who died first? The derivative of the loss of 03.1 by this "
            "patient's log risk is (share - 1) / number of deaths, where the share is exp(own log risk) / sum of "
            "exp(log risk) of all four: the patient has left before the second death. What is it?"
        ),
        kind=Number(0.003, absolute=0.0003),
        truth=_gradient,
        hint="Sort by time, take exp of the four log risks; the first is the one. The result is negative.",
        mistakes=(
            Mistake(lambda mine: 2 * _gradient(mine), "Divide by the number of deaths: the loss is a mean."),
            Mistake(lambda mine: -_gradient(mine), "A negative derivative: a step against it raises the log risk."),
        ),
        stub=('four = mine.four.sort_values("time")',),
        shows="The gradient is what the model believed minus what happened.",
    ),
    Exercise(
        id="03.3",
        title="The hybrid loss",
        minutes=8,
        question=(
            "`clean, decoded, alpha = mine.reconstruction` gives six numbers of the motion of the four patients, what "
            "the decoder made of them, and alpha. The loss is alpha x (mean of the squared differences) + (1 - alpha) "
            "x (Cox term of 03.1). What is it?"
        ),
        kind=Number(0.003),
        truth=_hybrid,
        hint="The mean is over all 24 numbers. Take the Cox term from 03.1, which is a mean over deaths.",
        mistakes=(Mistake(lambda mine: _hybrid(mine, swapped=True), "alpha is the weight of the reconstruction."),),
        stub=("clean, decoded, alpha = mine.reconstruction",),
        shows="One number trades what the code keeps of the heart against what it says of survival.",
    ),
    Exercise(
        id="03.4",
        title="One step of the swarm",
        minutes=8,
        question=(
            "`mine.particle` has a position x, a velocity v, the best position of its own and of the swarm, and two "
            f"random numbers. The new velocity is {INERTIA} v + {COGNITIVE} r1 (own_best - x) + {SOCIAL} r2 "
            "(swarm_best - x); the new position is x plus the new velocity. The answer is a list: new velocity, new "
            "position. (Without the limit that the search puts on the velocity.)"
        ),
        kind=Numbers(0.003, absolute=0.0005),
        truth=_step,
        hint="Three terms make the velocity. The position moves by the new velocity, not by the old one.",
        mistakes=(Mistake(lambda mine: _step(mine)[::-1], "First the velocity, then the position."),),
        stub=("particle = mine.particle",),
        shows="The search is memory and chance; no gradient of the settings is needed.",
    ),
    Exercise(
        id="03.5",
        title="Optimism",
        minutes=8,
        question=(
            "`mine.risks` has two log risks a patient: `network`, by a network that had not seen the patient, and "
            "`apparent`, by one that had. Compute the C-index of both with `cl.concordance(log_risk, event, time)` and "
            "its `.c`; event and time are columns of `mine.table`. How much higher is the apparent one?"
        ),
        kind=Number(0.0, absolute=0.001),
        truth=lambda mine: _c_index(mine, "apparent") - _c_index(mine, "network"),
        hint="The order of the arguments is log risk, event, time. Apparent minus network.",
        mistakes=(
            Mistake(lambda mine: _c_index(mine, "network") - _c_index(mine, "apparent"), "Apparent minus network."),
            Mistake(lambda mine: _c_index(mine, "apparent"), "That is one of the two. The difference is asked for."),
        ),
        stub=("table, risks = mine.table, mine.risks",),
        shows="A network knows its own patients; the difference is what a paper must not print.",
    ),
    Exercise(
        id="03.6",
        title="A cohort in which nothing predicts death",
        minutes=3,
        question=(
            "A network with many weights is trained on a cohort in which the motion has nothing to do with survival. "
            "What is its C-index on the patients that it was trained on?"
        ),
        kind=_NULL,
        truth="7caa0fd766bb9481",
        hint="11,514 numbers a patient, and 302 patients.",
        shows="Training performance says what a model can store, and nothing of what there is to know.",
    ),
    Exercise(
        id="03.7",
        title="Which of the two would be printed?",
        minutes=2,
        question="Of the two C-indices of 03.5, which would a careless paper print, and why?",
        kind=_PRINT,
        truth="ad582169495b6899",
        hint="Look at the sign of your answer to 03.5.",
        shows="Optimism has a direction.",
    ),
)
