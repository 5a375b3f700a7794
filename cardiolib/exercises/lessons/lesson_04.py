"""Exercises of notebook 04: pairs, survival curves, the bootstrap, and what few deaths cost."""

from __future__ import annotations

import numpy as np

from cardiolib.exercises.answers import Letters, Number
from cardiolib.exercises.exercise import Exercise, Mistake
from cardiolib.exercises.student_cohort import StudentCohort

YEARS, READ_AT, FIRST = 3.0, 0.8, 10

_WINNER = Letters(
    (
        "The Cox model on volumes: the one number that matters is among the few that it reads",
        "The network: 11,514 numbers hold more than three",
        "Neither: nothing predicts death in it",
        "The network: it finds the ejection fraction exactly, as it is a function of the motion",
    )
)


def survival_curve(event: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kaplan and Meier's estimate: times of death, ascending, and the part alive after each."""
    deaths = np.unique(time[event])
    steps = [1 - (event & (time == when)).sum() / (time >= when).sum() for when in deaths]
    return deaths, np.cumprod(steps)


def _follow_up(cohort: StudentCohort, *, high_risk: bool = False) -> tuple[np.ndarray, np.ndarray]:
    table, risk = cohort.table, cohort.risks["network"]
    if high_risk:
        table = table[risk > risk.median()]
    return table["event"].to_numpy(), table["time"].to_numpy()


def _pairs(cohort: StudentCohort) -> int:
    event, time = _follow_up(cohort)
    return sum(int((time > when).sum()) for when in time[event])


def _alive(cohort: StudentCohort, *, high_risk: bool = True) -> float:
    deaths, alive = survival_curve(*_follow_up(cohort, high_risk=high_risk))
    return float(alive[deaths <= YEARS][-1]) if (deaths <= YEARS).any() else 1.0


def _naive(cohort: StudentCohort) -> float:
    event, time = _follow_up(cohort, high_risk=True)
    return float(1 - (event & (time <= YEARS)).mean())


def _read_off(cohort: StudentCohort) -> float:
    deaths, alive = survival_curve(*_follow_up(cohort))
    return float(deaths[np.argmax(alive < READ_AT)])


def _corrected(cohort: StudentCohort, sign: int = -1) -> float:
    apparent, found = cohort.replicates["bag"].iloc[0], cohort.replicates.iloc[1:]
    return float(apparent + sign * (found["bag"] - found["original"]).mean())


def _standard_error(cohort: StudentCohort, n: int) -> float:
    found = cohort.replicates.iloc[1 : n + 1]
    return float((found["bag"] - found["original"]).std(ddof=1) / np.sqrt(n))


def _upper_end(cohort: StudentCohort, part: float = 0.5) -> float:
    half_width = 1.96 * np.sqrt(4 / (part * cohort.split.deaths))
    return float(cohort.split.hazard_ratio * np.exp(half_width))


EXERCISES = (
    Exercise(
        id="04.1",
        title="Comparable pairs",
        minutes=10,
        question=(
            "A pair of patients can be compared if it is known who died first: one of them died, and the other was "
            "still observed later. How many such pairs are there in `mine.table`? Use `event` and `time`. For each "
            "death, count the patients whose time is longer."
        ),
        kind=Number(0.0, absolute=0.1, example="a whole number"),
        truth=_pairs,
        hint="A loop over the times of those who died, and a sum: (time > that time).sum().",
        mistakes=(
            Mistake(lambda mine: 80 * 79 / 2, "Those are all pairs. Of two who were censored, nobody knows."),
            Mistake(
                lambda mine: int(mine.table["event"].sum() * (mine.table["event"].sum() - 1) / 2),
                "Those are the pairs of deaths. A death and a longer follow-up can be compared too.",
            ),
        ),
        stub=('time, event = mine.table["time"], mine.table["event"]',),
        shows="Few deaths leave few pairs, and the C-index rests on these alone.",
    ),
    Exercise(
        id="04.2",
        title="Kaplan and Meier by hand",
        minutes=15,
        question=(
            'Take the patients whose log risk `mine.risks["network"]` is above its median. At each death the part '
            "alive is multiplied by 1 - deaths / patients whose time is at least that one. What part is alive at "
            f"{YEARS:g} years: the product over the deaths up to then?"
        ),
        kind=Number(0.0, absolute=0.002),
        truth=_alive,
        hint="Sort the times of death up to 3 years; at each, count those still observed, then multiply.",
        mistakes=(
            Mistake(
                _naive, "Whoever was censored before 3 years counts as alive there. Those at risk shrink with time."
            ),
            Mistake(lambda mine: _alive(mine, high_risk=False), "Those are all patients. Take the half at high risk."),
            Mistake(lambda mine: 1 - _alive(mine), "That is the part that has died."),
        ),
        stub=(
            'risk = mine.risks["network"]',
            "high = mine.table[risk > risk.median()]",
        ),
        shows="A patient who leaves takes part until then, and makes each later death weigh more.",
    ),
    Exercise(
        id="04.3",
        title="Read a survival curve",
        minutes=3,
        question=(
            'Call `mine.figure("04.3")` in a cell of its own: the survival of all your patients. After how many years '
            f"does the curve fall below {READ_AT}? A reading within 0.15 years is right."
        ),
        kind=Number(0.0, absolute=0.15, unit="years"),
        truth=_read_off,
        hint=f"Go from {READ_AT} on the left to the curve, and down to the axis.",
        shows="Times are read across, probabilities up.",
    ),
    Exercise(
        id="04.4",
        title="Harrell's correction",
        minutes=8,
        question=(
            "`mine.replicates` has the C-index of bootstrap models on their own bag and on all patients (`original`). "
            "Let row 0 be the apparent model: its `bag` is the apparent C-index. The other rows are the replicates. "
            "The optimism of a replicate is bag - original. What is the corrected C-index: apparent minus the mean "
            "optimism of rows 1 to 39?"
        ),
        kind=Number(0.0, absolute=0.0005),
        truth=_corrected,
        hint="`.iloc[1:]` leaves the first row out. Take the mean of bag - original, and subtract it.",
        mistakes=(
            Mistake(lambda mine: _corrected(mine, 1), "Optimism has to be taken away, not added."),
            Mistake(lambda mine: mine.replicates["original"].iloc[1:].mean(), "That is the mean on all patients."),
        ),
        stub=('apparent = mine.replicates["bag"].iloc[0]', "replicates = mine.replicates.iloc[1:]"),
        shows="The bootstrap measures how much a model flatters itself, and takes that away.",
    ),
    Exercise(
        id="04.5",
        title="Ten replicates",
        minutes=8,
        question=(
            f"With only the first {FIRST} replicates (rows 1 to {FIRST}), the mean optimism of 04.4 is less certain. "
            "Its standard error is std / sqrt(n), where std is the standard deviation over replicates (`.std()`) and n "
            f"their number. How large is it with {FIRST} replicates?"
        ),
        kind=Number(0.005),
        truth=lambda mine: _standard_error(mine, FIRST),
        hint=f"Rows 1 to {FIRST} are `.iloc[1:{FIRST + 1}]`: the end does not count.",
        mistakes=(
            Mistake(lambda mine: _standard_error(mine, 39), f"That is with all 39. Use the first {FIRST}."),
            Mistake(lambda mine: _standard_error(mine, FIRST) * np.sqrt(FIRST), "Divide by the root of n."),
            Mistake(
                lambda mine: _standard_error(mine, FIRST) * np.sqrt((FIRST - 1) / FIRST),
                "numpy's std divides by n. Use that of pandas, or ddof=1.",
            ),
        ),
        stub=('optimism = mine.replicates["bag"] - mine.replicates["original"]',),
        shows="More replicates make the correction certain; they do not make the cohort larger.",
    ),
    Exercise(
        id="04.6",
        title="Half the deaths",
        minutes=8,
        question=(
            "A cohort was split at its median risk: `mine.split` has the hazard ratio between the halves and the "
            "number of deaths d. The logarithm of a hazard ratio has a standard error of about sqrt(4 / d). The 95 % "
            "interval ends at hazard_ratio x exp(1.96 x standard error). Where would the upper end lie with **half** "
            "the deaths?"
        ),
        kind=Number(0.003),
        truth=_upper_end,
        hint="Put d / 2 in place of d.",
        mistakes=(
            Mistake(lambda mine: _upper_end(mine, 1.0), "That is with all the deaths."),
            Mistake(lambda mine: _upper_end(mine, 2.0), "That is with twice the deaths."),
            Mistake(
                lambda mine: mine.split.hazard_ratio + 1.96 * np.sqrt(8 / mine.split.deaths),
                "The interval lies around the logarithm: multiply by exp(...).",
            ),
        ),
        stub=("split = mine.split",),
        shows="Deaths, not patients, decide how much a survival study can say.",
    ),
    Exercise(
        id="04.7",
        title="The negative control",
        minutes=3,
        question=(
            "In the cohort `simulated-volume-hazard` only the ejection fraction of the right ventricle carries risk. "
            "Which model has the higher C-index on new patients?"
        ),
        kind=_WINNER,
        truth="00f119c48d1cd5c6",
        hint="What does each model have to find out, and from how many deaths?",
        shows="A model wins where its assumptions hold; a fair comparison shows a case in which it loses.",
    ),
)
