"""Writing the 4Dsegment layout, and reading it back as our reader and as the authors' script would."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort, CohortError, open_cohort, write_4dsegment


class Moving(Cohort):
    """A cohort in memory that knows positions: what a reader of any layout overrides is all that gives it these."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        rng = np.random.default_rng(5)
        self.moves = {i: rng.normal(scale=30, size=(20, 4, 3)) for i in self.ids}

    def _has(self, subject_id, what):
        return subject_id in self.moves if what == "motion" else super()._has(subject_id, what)

    def _read_positions(self, subject_id):
        return self.moves[subject_id]


def make_cohort(ids=("PH010", "PH002", "PH001"), **kwargs):
    n = len(ids)
    table = pd.DataFrame(
        {"time": np.arange(1, n + 1) / 7, "event": np.arange(n) % 2, "age": np.arange(n) + 50.5}, index=list(ids)
    )
    volumes = pd.DataFrame(
        {"RVEDV": 200.0, "RVESV": 120.5, "LVEDV": 150.0, "LVESV": 60.0, "LVM": 99.5}, index=list(ids)
    )
    return Moving("memory", table, time_unit="years", volumes=volumes, **kwargs)


def test_round_trip(tmp_path):
    cohort = make_cohort()
    back = open_cohort(write_4dsegment(cohort, tmp_path / "out"))
    assert back.ids == cohort.ids and back.provides == {"motion", "outcomes", "volumes"}
    for subject_id in cohort.ids:
        np.testing.assert_allclose(back.positions(subject_id), cohort.positions(subject_id), atol=1e-6)
    np.testing.assert_allclose(back.motion_matrix()[1], cohort.motion_matrix()[1], atol=2e-6)
    np.testing.assert_allclose(back.table["time"] / 365.25, cohort.table["time"], rtol=1e-12)
    assert back.table["event"].tolist() == cohort.table["event"].tolist()
    assert back.table["age"].tolist() == cohort.table["age"].tolist()
    for column in cohort.volumes():
        np.testing.assert_allclose(back.volumes()[column], cohort.volumes()[column])


def test_the_authors_script_would_pair_the_right_rows(tmp_path):
    """Their script takes motion in the order of subjnames.txt and outcomes in the order of the CSV."""
    cohort, folder = make_cohort(), tmp_path / "out"
    write_4dsegment(cohort, folder)
    names = (folder / "subjnames.txt").read_text().splitlines()
    outcomes = pd.read_csv(folder / "surv_outcomes.csv")
    assert names == outcomes["ID"].tolist() == list(cohort.ids)
    assert outcomes.columns.tolist() == ["ID", "status", "time"]
    point = np.loadtxt(folder / "matchedpointsnew.txt", dtype=int)
    assert point.tolist() == [[i, i] for i in range(4)]
    files = sorted((folder / names[0] / "motion").iterdir())
    assert [file.name for file in files] == [f"RV_fr{t:02d}.txt" for t in range(20)]
    frame0, frame7 = (np.genfromtxt(files[t]) for t in (0, 7))
    expected = cohort.motion_matrix()[1][0].reshape(19, 4, 3)[6]
    np.testing.assert_allclose((frame7 - frame0)[point[:, 1]], expected, atol=2e-6)


def test_an_existing_folder_is_never_written_into(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="exists already"):
        write_4dsegment(make_cohort(), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failed_write_leaves_nothing_behind(tmp_path):
    cohort = make_cohort()
    cohort.moves["PH001"] = cohort.moves["PH001"][:19]
    with pytest.raises(CohortError, match=r"'PH001' has positions of shape \(19, 4, 3\)"):
        write_4dsegment(cohort, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_the_layout_cannot_hold_is_said(tmp_path):
    cohort = make_cohort()
    cohort.table["sex"] = ["F", "M", "F"]
    cohort.table["walk"] = [1.0, np.nan, 2.0]
    with pytest.warns(UserWarning, match="left out sex, walk"):
        write_4dsegment(cohort, tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "covariates.csv").columns.tolist() == ["ID", "age"]


@pytest.mark.field_fault("K15")
@pytest.mark.parametrize(
    "name", ["NA", "None", "True", "nan", "null", "N/A", "#N/A", "FALSE", "-inf", "007", "1.50", "<NA>"]
)
def test_ids_that_pandas_reads_as_something_else_are_refused(tmp_path, name):
    if "/" not in name:
        with pytest.raises(CohortError, match="drops these subjects"):
            write_4dsegment(make_cohort(ids=(name, "PH1", "PH2")), tmp_path / "out")
        assert not list(tmp_path.iterdir())


def test_ids_that_only_resemble_such_words_are_written(tmp_path):
    ids = ("NAN01", "True love", "1a", "Null-3", "e5", "Jäger", "a,b", 'say "x"')
    cohort = make_cohort(ids=ids)
    write_4dsegment(cohort, tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "surv_outcomes.csv")["ID"].tolist() == list(ids)


def test_ids_that_the_authors_script_would_lose_are_refused(tmp_path):
    with pytest.raises(CohortError, match="reads IDs such as 12, 1e5 as numbers"):
        write_4dsegment(make_cohort(ids=("12", "1e5", "PH1")), tmp_path / "out")
    with pytest.raises(CohortError, match="these cannot: a/b"):
        write_4dsegment(make_cohort(ids=("a/b", "PH1")), tmp_path / "out")


def test_a_cohort_without_motion_or_with_an_unknown_time_unit_is_refused(tmp_path):
    table = pd.DataFrame({"time": [1.0], "event": [1]}, index=["a"])
    with pytest.raises(CohortError, match="has no motion"):
        write_4dsegment(Cohort("x", table), tmp_path / "out")
    cohort = make_cohort()
    cohort.time_unit = "heartbeats"
    with pytest.raises(CohortError, match="'heartbeats'. Known units: days, years, months"):
        write_4dsegment(cohort, tmp_path / "out")


def test_some_subjects_only(tmp_path):
    back = open_cohort(write_4dsegment(make_cohort(), tmp_path / "out", ids=["PH001", "PH010"]))
    assert back.ids == ("PH001", "PH010")
