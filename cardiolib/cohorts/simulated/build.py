"""Building a simulated cohort on disk: tables and true motion of all, images of some.

Every subject has its own random stream, made from the seed and its ID, so that nothing depends on the
order or number of workers. Each imaged subject appears complete in its own folder; a build that is stopped
goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.measurements import volumes_row
from cardiolib.cohorts.simulated.habits.patients import HabitPatients, simulate_habits
from cardiolib.cohorts.simulated.imaging import (
    ImagingUnit,
    code_digest,
    cycle_phases,
    image_subject,
    subject_generator,
    subject_protocol,
)
from cardiolib.cohorts.simulated.settings import SimulatedCohortSettings
from cardiolib.cohorts.simulated.simulated_cohort import (
    HABITS_FILE,
    LAYOUT,
    SimulatedCohort,
    declaration,
    open_simulated,
)
from cardiolib.cohorts.table import CohortError
from cardiolib.digital_heart import (
    DigitalHeart,
    parameters_from_row,
    simulate_centre_outcomes,
    simulate_outcomes,
    simulate_population,
)
from cardiolib.digital_heart.population import draw_hearts, population_table
from cardiolib.files import atomic_path, write_json, write_table

ABOUT = (
    "SIMULATED: every subject is a digital heart, no patient is behind it, and how strongly motion predicts "
    "survival was built in; results on it show that methods work, not what is true of patients"
)
MYOCARDIAL_DENSITY_G_PER_ML = 1.05
COLUMNS = {
    "time": "years from imaging to death or censoring",
    "event": "1 death observed, 0 censored",
    "age": "years",
    "male": "1 male, 0 female",
    "bsa_m2": "body surface area",
    "who_class": "functional class, 1 to 4",
    "six_minute_walk_m": "metres walked in six minutes",
    "mpap_mmhg": "mean pulmonary artery pressure",
    "RVEDV": "mL, true volume of the simulated right ventricle in frame 0, no measurement error",
    "RVESV": "mL, true least volume over the frames",
    "RVEF": "percent, from the two",
    "LVEDV": "mL, as RVEDV",
    "LVESV": "mL, as RVESV",
    "LVEF": "percent, as RVEF",
    "LVM": "g, true volume of the LV wall times 1.05 g/mL",
}
TREATED = {"treated": "1 treated in a way that the home centre did not know, 0 not"}

ABOUT_HABITS = (
    "; what every habit does was built in and invented: it shows whether a method finds what is there, and is no advice"
)
HABIT_COLUMNS = {
    "exercise": "1 says to have exercised and to go on, 0 not; by coin in the randomised cohort; so the other three",
    "low_salt": "as exercise",
    "low_fat": "as exercise",
    "no_smoking": "as exercise",
    "health_consciousness": "in standard deviations; absent where it is the hidden confounder",
    "control_outcome": "1 an injury that no habit changes, for a negative control",
}


def build_simulated_cohort(
    folder: str | os.PathLike[str],
    *,
    settings: SimulatedCohortSettings | None = None,
    seed: int,
    map_units: Callable[[Callable, Iterable], Iterable] = map,
) -> SimulatedCohort:
    """Simulate a cohort into a folder and open it.

    Parameters
    ----------
    folder : path-like
        Made when absent. It may hold other files; a cohort of other settings or seed in it is an error.
    settings : SimulatedCohortSettings, optional
    seed : int
        The same seed and settings give the same files, byte for byte, whatever `map_units`.
    map_units : callable
        ``map_units(function, items)``: results in order; a worker pool for example.

    Returns
    -------
    SimulatedCohort
        ``cohort.json`` (what this is), ``cohort.csv`` (follow-up, covariates, volumes), ``parameters.csv``
        (every heart), ``truth.npz`` (motion (N, T, 202, 3) and landmarks (N, T, 6, 3) in mm in the heart
        frame, log hazard, times of death and censoring), and for imaged subjects ``images/<ID>/`` in UK
        Biobank naming (``sa``, ``label_sa``, ``label_sa_ED``, ``label_sa_ES``, codes of the scheme "ours")
        with its own ``truth.npz``. A cohort with habits has them in ``cohort.csv``, and every patient's fates in
        ``habits.csv``.

    Raises
    ------
    CohortError
        The folder holds a cohort of other settings or another seed.

    Notes
    -----
    Subjects already imaged with the same settings, seed and code are not imaged again: ``units/`` keeps a key
    for each. It may be deleted; they are then simulated anew.
    """
    settings = settings or SimulatedCohortSettings()
    root = Path(folder).resolve()
    request = {"settings": asdict(settings), "seed": int(seed)}
    _refuse_other_cohort(root, request)
    _declare(root, request, settings, complete=False)
    for leftover in (root / "images").glob(".writing-*"):  # of a build that was killed
        shutil.rmtree(leftover)
    population, outcomes, patients = _draw(settings, seed)
    _write_parameters(population, root)
    questionnaire = None if patients is None else patients.questionnaire.set_axis(population.index)
    if patients is not None:
        fates = patients.fates.table().set_axis(population.index)
        write_table(fates, root / HABITS_FILE, simulated=True, digits=None)
    _write_tables(population, outcomes, questionnaire, settings, root, map_units)
    units = []
    for subject_id in settings.ids[: settings.n_imaged]:
        acquisition, n_frames = subject_protocol(settings, seed, subject_id)
        items = _heart_items(population.loc[subject_id])
        units.append(ImagingUnit(str(root), subject_id, items, n_frames, acquisition, seed))
    for _ in map_units(image_subject, units):
        pass
    _declare(root, request, settings, complete=True)
    return open_simulated(root)


def move_subject(item: tuple[tuple[tuple[str, float], ...], int]) -> dict[str, Any]:
    """True motion, landmarks and volumes of one heart; `item` is its parameters and the number of phases."""
    parameters, n_phases = item
    heart, phases = DigitalHeart(parameters_from_row(dict(parameters))), cycle_phases(n_phases)
    volumes = heart.volumes_ml(phases)
    lv, rv = volumes["lv_cavity"], volumes["rv_cavity"]
    row = volumes_row({"RV": (rv[0], rv.min()), "LV": (lv[0], lv.min())})
    row["LVM"] = float(volumes["lv_wall"][0]) * MYOCARDIAL_DENSITY_G_PER_ML
    return {
        "motion": heart.points202(phases).astype(np.float32),
        "landmarks": heart.landmarks(phases).astype(np.float32),
        "volumes": row,
    }


def _draw(settings: SimulatedCohortSettings, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, HabitPatients | None]:
    """Population and outcomes, both indexed by ID, and the patients with habits where they have any."""
    index = pd.Index(settings.ids, name="ID")
    if settings.habits is not None:
        patients = _patients_with_habits(settings, seed)
        rng = subject_generator(seed, "population")
        hearts = draw_hearts(patients.physiology, settings.population, settings.separate_shape, rng)
        population = population_table(settings.population, patients.physiology, hearts, patients.covariates)
        return population.set_axis(index), patients.outcomes.set_axis(index), patients
    centre = settings.centre
    population = simulate_population(
        settings.n_subjects,
        kind=settings.population,
        rng=subject_generator(seed, "population"),
        separate_shape=settings.separate_shape,
        case_mix=None if centre is None else centre.case_mix,
    )
    drawing: dict[str, Any] = {
        "hazard": settings.hazard,
        "b": settings.hazard_strength,
        "rng": subject_generator(seed, "outcomes"),
    }
    if centre is None:
        outcomes = simulate_outcomes(population, death_fraction=settings.death_fraction, **drawing)
    else:
        outcomes = simulate_centre_outcomes(
            population,
            hazard_ratio=centre.hazard_ratio,
            follow_up=centre.follow_up,
            treated_share=centre.treated_share,
            treatment_log_hazard=centre.treatment_log_hazard,
            **drawing,
        )
    return population.set_axis(index), outcomes.set_axis(index), None


def _patients_with_habits(settings: SimulatedCohortSettings, seed: int) -> HabitPatients:
    return simulate_habits(
        settings.n_subjects,
        settings.habits,
        seed=seed,
        death_fraction=settings.death_fraction,
        hazard_strength=settings.hazard_strength,
        hazard=settings.hazard,
    )


def _write_parameters(population: pd.DataFrame, root: Path) -> None:
    # the shortest text that reads back as the same number: the same hearts can be rebuilt
    write_table(population, root / "parameters.csv", simulated=True, digits=None)


def _write_tables(
    population: pd.DataFrame,
    outcomes: pd.DataFrame,
    questionnaire: pd.DataFrame | None,
    settings: SimulatedCohortSettings,
    root: Path,
    map_units: Callable,
) -> None:
    marker, key = root / "units" / "tables.txt", _tables_key(population, outcomes, settings)
    done = all((root / name).is_file() for name in ("cohort.csv", "truth.npz"))
    if done and marker.is_file() and marker.read_text(encoding="utf-8") == key:
        return
    items = [(_heart_items(row), settings.n_phases) for _, row in population.iterrows()]
    moved = list(map_units(move_subject, items))
    volumes = pd.DataFrame([subject["volumes"] for subject in moved], index=population.index)
    table = pd.DataFrame(
        {
            "time": outcomes["time_years"],
            "event": outcomes["event"].astype(int),
            "age": population["age"],
            "male": (population["sex"] == "M").astype(int),
            **{name: population[name] for name in ("bsa_m2", "who_class", "six_minute_walk_m", "mpap_mmhg")},
            **({"treated": outcomes["treated"].astype(int)} if _treats(settings) else {}),
        }
    ).join(volumes)
    if questionnaire is not None:
        table = table.join(questionnaire)
    write_table(table, root / "cohort.csv", simulated=True, digits=None)
    with atomic_path(root / "truth.npz") as temporary:
        np.savez(
            temporary,
            ids=np.array(population.index, dtype=str),
            motion=np.stack([subject["motion"] for subject in moved]),
            landmarks=np.stack([subject["landmarks"] for subject in moved]),
            log_hazard=outcomes["log_hazard"].to_numpy(),
            event_time=outcomes["event_time_years"].to_numpy(),
            censoring_time=outcomes["censoring_time_years"].to_numpy(),
        )
    with atomic_path(marker) as temporary:
        temporary.write_text(key, encoding="utf-8")


def _treats(settings: SimulatedCohortSettings) -> bool:
    return settings.centre is not None and settings.centre.treated_share > 0


def _tables_key(population: pd.DataFrame, outcomes: pd.DataFrame, settings: SimulatedCohortSettings) -> str:
    text = population.to_csv() + outcomes.to_csv() + str(settings.n_phases) + code_digest()
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse_other_cohort(root: Path, request: dict[str, Any]) -> None:
    declared = declaration(root) if root.is_dir() else None
    if declared is None or declared.get("request") == json.loads(json.dumps(request)):
        return
    old = {**declared["request"]["settings"], "seed": declared["request"]["seed"]}
    new = {**request["settings"], "seed": request["seed"]}
    changed = [f"{k}: {old.get(k)!r} there, {new.get(k)!r} asked for" for k in new if old.get(k) != new.get(k)]
    raise CohortError(
        f"{root} holds another simulated cohort ({'; '.join(changed)}). Give another folder, or delete this one."
    )


def _declare(root: Path, request: dict[str, Any], settings: SimulatedCohortSettings, *, complete: bool) -> None:
    content = {
        "layout": LAYOUT,
        "name": settings.kind,
        "simulated": True,
        "about": ABOUT,
        "complete": complete,
        "time_unit": "years",
        "label_scheme": "ours",
        "request": request,
        "imaged": list(settings.ids[: settings.n_imaged]),
        "columns": COLUMNS | (TREATED if _treats(settings) else {}),
    }
    if settings.habits is not None:
        content["about"] = ABOUT + ABOUT_HABITS
        content["columns"] = COLUMNS | HABIT_COLUMNS
        content["habits"] = asdict(settings.habits)
    write_json(root / "cohort.json", content)
    if settings.n_imaged:  # so that images/, opened alone as a folder in UK Biobank layout, still says what it is
        kept = ("name", "simulated", "about", "label_scheme")
        write_json(root / "images" / "cohort.json", {name: content[name] for name in kept})


def _heart_items(row: pd.Series) -> tuple[tuple[str, float], ...]:
    """The numbers of a population row as a hashable, picklable sequence."""
    return tuple((name, float(value)) for name, value in row.items() if not isinstance(value, str))
