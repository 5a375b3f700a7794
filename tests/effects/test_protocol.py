"""Real patients need a complete protocol and overlap; the example of data/README.md is one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest

import cardiolib as cl
from cardiolib.cohorts import Cohort, CohortError, simulate_habits
from cardiolib.effects import read_protocol, study_of
from cardiolib.effects.protocol import FIELDS

README = Path(__file__).resolve().parents[2] / "data" / "README.md"
EXAMPLE = re.search(r"```toml\n(# protocol\.toml.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.fixture
def example(tmp_path):
    path = tmp_path / "protocol.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return path


def real_cohort(n: int = 600, *, seed: int = 1, exercise_of_all: bool = False) -> Cohort:
    """The columns of the example, with numbers of the simulator under a flag that says real: only for these tests."""
    patients = simulate_habits(n, seed=seed)
    age = patients.covariates["age"]
    said = patients.questionnaire
    exercise = (age < 55).astype(int) if exercise_of_all else said["exercise"]
    table = pd.DataFrame(
        {
            "time": patients.outcomes["time_years"],
            "event": patients.outcomes["event"],
            "age": age,
            "male": (patients.covariates["sex"] == "M").astype(int),
            "who_class": patients.covariates["who_class"],
            "six_minute_walk_m": patients.covariates["six_minute_walk_m"],
            "exercises_weekly": exercise,
            "eats_little_salt": said["low_salt"],
            "injured": said["control_outcome"],
        }
    )
    return Cohort("ours", table.set_axis([f"p{i}" for i in range(n)]), time_unit="years")


def test_the_example_is_complete_and_opens_a_study(example):
    protocol = read_protocol(example)
    assert protocol.habits == ("exercises_weekly", "eats_little_salt") and protocol.horizon == 5.0
    assert len(protocol.untestable) >= 4 and "no confounder is hidden" in protocol.untestable[0]
    cohort = real_cohort()
    motion = pd.DataFrame({"motion_1": range(len(cohort))}, index=cohort.ids).sample(frac=1, random_state=0)
    study = study_of(cohort, features=motion, protocol=protocol)
    assert not study.simulated and study.fates is None and study.control_outcome is not None
    assert list(study.features) == ["motion_1", "age", "male", "who_class", "six_minute_walk_m"]
    assert study.features["motion_1"].tolist() == list(range(len(cohort)))  # joined by ID, in the cohort's order
    assert "untestable" not in repr(protocol) and "not testable" in protocol._repr_html_()


@pytest.mark.parametrize(("section", "name"), [(s, n) for s, fields in FIELDS.items() for n in fields])
def test_each_field_is_needed(example, section, name):
    content = tomllib.loads(EXAMPLE)
    value = content[section][name]
    lines = EXAMPLE.splitlines()
    start = lines.index(f"[{section}]")
    row = next(i for i in range(start, len(lines)) if lines[i].startswith(f"{name} ="))
    example.write_text("\n".join(lines[:row] + lines[row + 1 :]), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"not complete.*{section}.{name} is missing"):
        read_protocol(example)
    if isinstance(value, str):
        example.write_text("\n".join([*lines[:row], f'{name} = "TODO"', *lines[row + 1 :]]), encoding="utf-8")
        with pytest.raises(ValueError, match=rf"{section}.{name} says nothing, 'TODO'"):
            read_protocol(example)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("horizon = 5.0", "horizon = -1", "horizon must be a positive number"),
        ("horizon = 5.0", 'horizon = "five"', "horizon must be a positive number"),
        ("on = 2026-01-31", 'on = "soon"', "decided.on must be a date"),
        ("eligibility =", "eligibilty =", "did you mean 'eligibility'"),
        ("[decided]", "[agreed]", "section 'agreed' is unknown"),
        ('columns = ["exercises_weekly", "eats_little_salt"]', "columns = []", "habits.columns must be a list"),
        ('columns = ["age",', 'columns = ["exercises_weekly",', "cannot be both a habit and adjusted for"),
        ('"gain in restricted mean survival"', '"hazard ratio"', "measure must be"),
        ("[trial]", "[trial", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(example, old, new, said):
    assert old in EXAMPLE
    example.write_text(EXAMPLE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_protocol(example)


def test_all_faults_are_named_at_once(example):
    example.write_text('[trial]\neligibility = "adults"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"trial.time_zero is missing.*adjustment.columns is missing.*decided.by is"):
        read_protocol(example)


def test_real_patients_without_a_protocol_are_refused():
    with pytest.raises(ValueError, match="holds real patients.*needs a protocol"):
        study_of(real_cohort(50))


def test_columns_units_and_follow_up_must_be_there(example):
    protocol, cohort = read_protocol(example), real_cohort(80)
    fewer = Cohort("ours", cohort.table.drop(columns=["age"]), time_unit="years")
    with pytest.raises(CohortError, match="lacks age"):
        study_of(fewer, protocol=protocol)
    with pytest.raises(ValueError, match="counts in 'years', and cohort 'ours' in 'days'"):
        study_of(Cohort("ours", cohort.table, time_unit="days"), protocol=protocol)
    with pytest.raises(CohortError, match="no follow-up"):
        study_of(Cohort("ours", cohort.table.drop(columns=["time", "event"])), protocol=protocol)
    with pytest.raises(ValueError, match="the horizon stands in protocol.toml"):
        study_of(cohort, protocol=protocol, horizon=3.0)
    with pytest.raises(ValueError, match="not finite"):
        study_of(Cohort("ours", cohort.table.assign(age=float("nan")), time_unit="years"), protocol=protocol)


def test_real_patients_without_overlap_are_refused(example):
    with pytest.raises(ValueError, match="no overlap in exercises_weekly"):
        study_of(real_cohort(exercise_of_all=True), protocol=read_protocol(example))


def test_a_named_cohort_opens_without_a_protocol_and_with_its_truth(tmp_path):
    cohort = cl.open_cohort("simulated-habits-hidden-confounder", n_subjects=30, n_imaged=0, root=tmp_path)
    study = study_of(cohort, features=cohort.parameters[["x_long", "x_lag"]])
    assert list(study.features) == ["x_long", "x_lag", "age"] and study.simulated
    assert study.truth().shape == (30, 4) and "built in and invented" in repr(study)
    with pytest.raises(ValueError, match="nothing to adjust for"):
        table = cohort.table.drop(columns=["age"])
        study_of(Cohort("c", table, time_unit="years", simulated=True))
