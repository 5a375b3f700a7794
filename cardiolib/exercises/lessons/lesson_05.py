"""Exercises of notebook 05: maps of risk, what chance gives, and what goes with what."""

from __future__ import annotations

import numpy as np

from cardiolib.exercises.answers import Letters, Number
from cardiolib.exercises.exercise import Exercise, Mistake
from cardiolib.exercises.student_cohort import StudentCohort

PHASE, FIRST = 8, 8

DIFFERS = "Correlation of each vertex's motion with the predicted risk, over the patients"
READS = "Saliency: the derivative of the predicted risk by each number that goes in"
CHANGES = "The heart decoded at high risk minus the heart decoded at low risk"
_MAPS = Letters((DIFFERS, READS, CHANGES), example='three letters in quotes, such as "abc"')
_STAYS = Letters(
    (
        "What stays when the number of neighbours and the sample change",
        "What is seen in the prettiest of several maps",
        "The distance between two groups far apart on the map",
        "The direction of the first axis",
    )
)


def moved_mm(cohort: StudentCohort) -> np.ndarray:
    """(N, V) distance of each vertex from its place at ED, in phase 8."""
    return np.linalg.norm(cohort.motion[:, PHASE] - cohort.motion[:, 0], axis=-1)


def largest_correlation(moved: np.ndarray, risk: np.ndarray) -> float:
    """Largest |r| of a risk with any vertex."""
    return float(max(abs(np.corrcoef(column, risk)[0, 1]) for column in moved.T))


def _risk(cohort: StudentCohort) -> np.ndarray:
    return cohort.risks["network"].to_numpy()


def _fifths(cohort: StudentCohort, sign: int = 1) -> float:
    order = np.argsort(_risk(cohort))
    mean, n = moved_mm(cohort).mean(axis=1), len(order) // 5
    return float(sign * (mean[order[-n:]].mean() - mean[order[:n]].mean()))


def _long_axis_mm(cohort: StudentCohort) -> np.ndarray:
    return np.abs(cohort.motion[:, PHASE, :, 2] - cohort.motion[:, 0, :, 2]).mean(axis=1)


def _plain_correlation(cohort: StudentCohort) -> float:
    return float(np.corrcoef(_risk(cohort), cohort.table["RVEF"])[0, 1])


def _partial(cohort: StudentCohort) -> float:
    a, b, c = _risk(cohort), cohort.table["RVEF"].to_numpy(), _long_axis_mm(cohort)
    r = np.corrcoef([a, b, c])
    return float((r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2)))


def _eigenvalue(cohort: StudentCohort, *, normalised: bool = True) -> float:
    code = cohort.code[:FIRST]
    squared = ((code[:, None] - code[None]) ** 2).sum(axis=-1)
    weights = np.exp(-squared / 4)
    degree = weights.sum(axis=1)
    laplacian = np.diag(degree) - weights
    if normalised:
        laplacian = laplacian / np.sqrt(degree[:, None] * degree[None])
    return float(np.linalg.eigvalsh(laplacian)[1])


EXERCISES = (
    Exercise(
        id="05.1",
        title="Where does motion go with risk?",
        minutes=12,
        question=(
            f"How far is each of the 202 vertices of each patient from its place at ED in phase {PHASE}? The positions "
            "are `mine.motion`, (80, 20, 202, 3) in mm. Correlate these distances, vertex by vertex, with the log risk "
            '`mine.risks["network"]` over the 80 patients (`np.corrcoef(a, b)[0, 1]`). What is the largest |r|?'
        ),
        kind=Number(0.0, absolute=0.001),
        truth=lambda mine: largest_correlation(moved_mm(mine), _risk(mine)),
        hint="Distances first: (80, 202). Then a loop over the 202 columns; take abs() before the largest.",
        mistakes=(
            Mistake(
                lambda mine: max(np.corrcoef(one, _risk(mine))[0, 1] for one in moved_mm(mine).T),
                "That is the largest r. Motion goes down where risk goes up: take |r|.",
            ),
        ),
        stub=(f"moved = mine.motion[:, {PHASE}] - mine.motion[:, 0]",),
        shows="A map of a heart is 202 tests, drawn at once.",
    ),
    Exercise(
        id="05.2",
        title="The same with a shuffled risk",
        minutes=5,
        question=(
            "`mine.shuffled_risk` gives the log risks to the wrong patients, so nothing is left to be found. What is "
            "the largest |r| of 05.1 now? Compare it with 0."
        ),
        kind=Number(0.0, absolute=0.001),
        truth=lambda mine: largest_correlation(moved_mm(mine), mine.shuffled_risk),
        hint="The same loop; only the risk is another.",
        mistakes=(
            Mistake(
                lambda mine: largest_correlation(moved_mm(mine), _risk(mine)), "That is the true order of patients."
            ),
        ),
        stub=(f"moved = mine.motion[:, {PHASE}] - mine.motion[:, 0]",),
        shows="The largest of 202 is far from 0 by chance alone; a map needs a threshold that knows this.",
    ),
    Exercise(
        id="05.3",
        title="Three maps, three questions",
        minutes=5,
        question=(
            "Three questions: (1) Where does motion differ between patients at high and at low risk? (2) What does the "
            "network read? (3) By how much does motion change from low to high risk? Which map answers which? The "
            "answer is three letters, in the order of the questions."
        ),
        kind=_MAPS,
        truth="1341409582c6c397",
        hint="Which map needs patients, which the network's weights, and which has the unit mm?",
        shows="A map is an answer; ask for the question first.",
    ),
    Exercise(
        id="05.4",
        title="A Laplacian eigenmap of eight patients",
        minutes=20,
        question=(
            f"Take the first {FIRST} rows of the code, `mine.code[:{FIRST}]`. The affinity of patients i and j is W_ij "
            "= exp(-|z_i - z_j|^2 / 4), also for i = j. With D the sums of the rows of W, the normalised Laplacian is "
            "L_ij = (D_i delta_ij - W_ij) / sqrt(D_i D_j), where delta_ij is 1 for i = j and else 0. "
            "`np.linalg.eigvalsh(L)` gives its eigenvalues in rising order. The first is 0. What is the second?"
        ),
        kind=Number(0.003),
        truth=_eigenvalue,
        hint="Ten lines: distances by `code[:, None] - code[None]`, W, D = W.sum(axis=1), L, eigvalsh(L)[1].",
        mistakes=(
            Mistake(
                lambda mine: _eigenvalue(mine, normalised=False), "That is D - W. Divide by the roots of the row sums."
            ),
        ),
        stub=(f"code = mine.code[:{FIRST}]",),
        shows="The map of patients is an eigenvector; a small eigenvalue says that the patients fall into groups.",
    ),
    Exercise(
        id="05.5",
        title="What goes with what",
        minutes=12,
        question=(
            "RV ejection fraction (`RVEF` in `mine.table`) does not enter the hazard of these patients; motion along "
            f"the long axis does. Let l be the mean over the vertices of |z in phase {PHASE} - z at ED|. With the "
            "correlations r_ab of risk and RVEF, r_al of risk and l, r_bl of RVEF and l, the partial correlation is "
            "(r_ab - r_al r_bl) / sqrt((1 - r_al^2) (1 - r_bl^2)). What is it? Compare it with r_ab."
        ),
        kind=Number(0.0, absolute=0.001),
        truth=_partial,
        hint="Three correlations, then the formula. The risk is mine.risks['network'].",
        mistakes=(Mistake(_plain_correlation, "That is r_ab itself. Now take out what both share with l."),),
        stub=(f"along = abs(mine.motion[:, {PHASE}, :, 2] - mine.motion[:, 0, :, 2]).mean(axis=1)",),
        shows="A number can go with risk without causing it, because it goes with something that does.",
    ),
    Exercise(
        id="05.6",
        title="High risk minus low risk",
        minutes=10,
        question=(
            f"Take the mean distance of the 202 vertices from ED in phase {PHASE}, one number a patient. What is its "
            'mean in the 16 patients at highest risk (`mine.risks["network"]`) minus that in the 16 at lowest, in mm?'
        ),
        kind=Number(0.003, absolute=0.002, unit="mm"),
        truth=_fifths,
        hint="`np.argsort(risk)` sorts from low to high: the first 16 and the last 16.",
        mistakes=(Mistake(lambda mine: _fifths(mine, -1), "The size is right. High minus low."),),
        stub=(f"moved = mine.motion[:, {PHASE}] - mine.motion[:, 0]",),
        shows="Risk has an amplitude in mm, and a sign.",
    ),
    Exercise(
        id="05.7",
        title="What to believe of a map",
        minutes=2,
        question="Maps of patients change with their settings. Which of their features may be believed?",
        kind=_STAYS,
        truth="25f90ed3eb1d9bb8",
        hint="Change n_neighbours to 5 and to 60 in the notebook above, if you have a run.",
        shows="One picture is no evidence; what survives a change of settings may be.",
    ),
)
