"""The small cohort of one student: simulated patients whose motion, volumes and outcomes are known."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.digital_heart import (
    PHASES,
    DigitalHeart,
    parameters_from_row,
    simulate_outcomes,
    simulate_population,
)
from cardiolib.exercises.stand_ins import Particle, Split, Turn, code_of, replicates, risks, tracked
from cardiolib.exercises.student_scan import StudentScan, student_scan
from cardiolib.exercises.students import generator, student_id
from cardiolib.printed import as_html

N_PATIENTS = 80
DEATH_FRACTION = 0.35


class StudentCohort:
    """Patients, scan and results that belong to one student. Everything is SIMULATED and follows from the id.

    Parameters
    ----------
    student : str
        The student's id.

    Attributes
    ----------
    patient : str
        ID of the patient whose heart is looked at in the exercises about one heart.

    Notes
    -----
    Hearts, motion, volumes and outcomes come from the digital heart. What a pipeline would find by long work (tracked
    motion, log risks, bootstrap replicates) is drawn around the truth, so that a lesson needs seconds: see `stand_ins`.

    Examples
    --------
    >>> mine = StudentCohort("self-study")
    >>> mine.motion.shape
    (80, 20, 202, 3)
    >>> StudentCohort("anna").table.equals(mine.table)
    False
    """

    def __init__(self, student: str) -> None:
        self.student = student_id(student)

    @cached_property
    def _made(self) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
        """Table, motion (N, T, V, 3), RV volumes (N, T) and true log hazard (N,)."""
        rng = generator(self.student, "patients")
        population = simulate_population(N_PATIENTS, rng=rng)
        outcomes = simulate_outcomes(population, death_fraction=DEATH_FRACTION, rng=rng)
        hearts = [DigitalHeart(parameters_from_row(row)) for _, row in population.iterrows()]
        motion = _fixed(np.stack([heart.points202(PHASES) for heart in hearts]))
        volumes = [heart.volumes_ml(PHASES) for heart in hearts]
        rv, lv = (_fixed(np.stack([one[name] for one in volumes])) for name in ("rv_cavity", "lv_cavity"))
        table = pd.DataFrame(
            {
                "time": outcomes["time_years"].to_numpy(),
                "event": outcomes["event"].to_numpy(),
                "age": population["age"].to_numpy(),
                **_volumes("RV", rv),
                **_volumes("LV", lv),
            },
            index=pd.Index([f"PH{i + 1:03d}" for i in range(N_PATIENTS)], name="ID"),
        )
        return table, motion, rv, outcomes["log_hazard"].to_numpy()

    @property
    def table(self) -> pd.DataFrame:
        """One row a patient: time (years), event, age, volumes (mL) and ejection fractions (percent)."""
        return self._made[0].copy()

    @property
    def motion(self) -> np.ndarray:
        """(N, T, V, 3) positions of the 202 vertices over 20 phases, mm, heart frame, read-only; z is the long axis."""
        return self._made[1]

    @property
    def rv_volumes(self) -> np.ndarray:
        """(N, T) volumes of the RV cavity, mL, read-only."""
        return self._made[2]

    @cached_property
    def patient(self) -> str:
        return f"PH{int(generator(self.student, 'patient').integers(N_PATIENTS)) + 1:03d}"

    @property
    def row(self) -> int:
        """Row of `patient`, counted from 0."""
        return int(self.patient[2:]) - 1

    @property
    def true(self) -> np.ndarray:
        """(T, V, 3) true positions of `patient`, mm."""
        return self.motion[self.row]

    @cached_property
    def tracked(self) -> np.ndarray:
        """(T, V, 3) positions of `patient` as a tracker with a fault found them, mm."""
        return _fixed(tracked(self.true, generator(self.student, "tracked")))

    @cached_property
    def turn(self) -> Turn:
        """A ring that turns: radius and angle."""
        return Turn.drawn(generator(self.student, "turn"))

    @cached_property
    def scan(self) -> StudentScan:
        """Scan of one heart at ED (frame 0) and ES (frame 1), its true labels, and those that a network found."""
        return student_scan(self.student)

    @cached_property
    def _risks(self) -> pd.DataFrame:
        return risks(self._made[0], self._made[3], generator(self.student, "risks"))

    @property
    def risks(self) -> pd.DataFrame:
        """Log risks: of the network for patients it was not trained on, and for those it was trained on (apparent)."""
        return self._risks.copy()

    @cached_property
    def four(self) -> pd.DataFrame:
        """Four patients (time, event, log_risk), of whom the first to leave has died."""
        return _four(self._made[0], self._risks["network"], generator(self.student, "four"))

    @cached_property
    def reconstruction(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Features of the four patients (4, 6), what the decoder made of them (4, 6), and alpha."""
        rng = generator(self.student, "reconstruction")
        clean = np.round(rng.normal(size=(4, 6)), 2)
        return _fixed(clean), _fixed(np.round(clean + rng.normal(0, 0.6, (4, 6)), 2)), round(rng.uniform(0.15, 0.4), 2)

    @cached_property
    def particle(self) -> Particle:
        """One particle of the swarm, in one dimension."""
        return Particle.drawn(generator(self.student, "particle"))

    @cached_property
    def replicates(self) -> pd.DataFrame:
        """C-index of 40 bootstrap models: on their own bag, and on all patients (original)."""
        return replicates(generator(self.student, "replicates"))

    @cached_property
    def split(self) -> Split:
        """Hazard ratio between the halves of high and low risk, and the number of deaths behind it."""
        return Split.drawn(generator(self.student, "split"))

    @cached_property
    def shuffled_risk(self) -> np.ndarray:
        """(N,) the network's log risks, given to the wrong patients."""
        return _fixed(generator(self.student, "shuffled").permutation(self._risks["network"].to_numpy()))

    @cached_property
    def code(self) -> np.ndarray:
        """(N, 4) a code of the motion: four principal components, each with variance 1."""
        return _fixed(code_of(self.motion))

    def __repr__(self) -> str:
        deaths = int(self._made[0]["event"].sum())
        return f"Exercises of {self.student!r}: {N_PATIENTS} SIMULATED patients, {deaths} deaths"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self._made[0].head(4), decimals=2)


@lru_cache(maxsize=4)
def checked_cohort(student: str) -> StudentCohort:
    """A cohort that no student's cell has in its hands; what a check computes comes from here."""
    return StudentCohort(student)


def _volumes(side: str, curves: np.ndarray) -> dict[str, Any]:
    ed, es = curves[:, 0], curves.min(axis=1)
    return {f"{side}EDV": ed, f"{side}ESV": es, f"{side}EF": 100 * (1 - es / ed)}


def _four(table: pd.DataFrame, log_risk: pd.Series, rng: np.random.Generator) -> pd.DataFrame:
    """Two or three deaths and as many others as make four; the first to leave died, somebody leaves between deaths."""
    dead, alive = (table.index[table["event"] == died] for died in (True, False))
    while True:
        chosen = [*rng.choice(dead, 2, replace=False), *rng.choice(alive, 2, replace=False)]
        four = table.loc[rng.permutation(chosen), ["time", "event"]]
        order = four.sort_values("time")["event"].tolist()
        if order == [True, False, True, False]:
            return four.assign(time=four["time"].round(2), log_risk=log_risk.loc[four.index].round(2))


def _fixed(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
