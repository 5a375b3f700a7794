"""Outcomes and covariates beside the subjects: one column for one thing, IDs in one form, decimals that are plain."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort, CohortError, join_by_id, open_cohort
from cardiolib.cohorts.foursegment.volume_files import read_volume_file
from cardiolib.cohorts.table import numeric
from cardiolib.imaging import Cine, write_cine

IDS = ("A1", "A2", "A3")
OUTCOMES = "ID,status,time\nA1,1,3.5\nA2,0,4.25\nA3,1,7.75\n"
JAEGER = unicodedata.normalize("NFC", "Jäger")
APART = unicodedata.normalize("NFD", JAEGER)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "subjnames.txt").write_text("\n".join(IDS) + "\n")
    (tmp_path / "surv_outcomes.csv").write_text(OUTCOMES)
    return tmp_path


@pytest.fixture
def biobank(tmp_path):
    for name in IDS:
        write_cine(Cine(np.ones((4, 4, 2, 3), np.float32), np.eye(4)), tmp_path / name / "sa.nii.gz")
    (tmp_path / "surv_outcomes.csv").write_text(OUTCOMES)
    return tmp_path


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize("layout", ["folder", "biobank"])
def test_decimal_commas_are_never_read_as_other_numbers(request, layout):
    place = request.getfixturevalue(layout)
    (place / "surv_outcomes.csv").write_text("ID,status,time\nA1,1,3,5\nA2,0,4,25\nA3,1,7,75\n")
    with pytest.raises(CohortError, match=r"surv_outcomes.csv.*line 2 \(A1\) has 4"):
        open_cohort(place)
    (place / "surv_outcomes.csv").write_text("ID;status;time\nA1;1;3,5\nA2;0;4,25\nA3;1;7,75\n")
    cohort = open_cohort(place)
    assert cohort.table["time"].tolist() == [3.5, 4.25, 7.75]
    assert "surv_outcomes.csv: the commas in time are read as decimal points" in cohort.notes


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize("layout", ["folder", "biobank"])
def test_outcomes_among_the_covariates(request, layout):
    place = request.getfixturevalue(layout)
    (place / "covariates.csv").write_text("ID,age,time,status\nA1,50,3.50,1\nA2,51,4.25,0\nA3,52,7.75,1\n")
    cohort = open_cohort(place)
    assert list(cohort.covariates) == ["age"] and cohort.table["time"].tolist() == [3.5, 4.25, 7.75]
    assert any("time, status left out, as in the table of outcomes" in note for note in cohort.notes)
    (place / "covariates.csv").write_text("ID,age,time\nA1,50,3.5\nA2,51,9\nA3,52,7.75\n")
    with pytest.raises(CohortError, match="covariates.csv: the column time is about the outcome.* differs .* for A2"):
        open_cohort(place)


@pytest.mark.field_fault("K8")
def test_status_and_event_that_differ(folder):
    (folder / "surv_outcomes.csv").write_text("ID,status,event,time\nA1,1,1,1\nA2,0,1,2\nA3,1,1,3\n")
    with pytest.raises(CohortError, match="status and event both say who died, and differ for A2"):
        open_cohort(folder)
    (folder / "surv_outcomes.csv").write_text("ID,status,event,time\nA1,1,True,1\nA2,0,False,2\nA3,1,1.0,3\n")
    assert open_cohort(folder).table["event"].tolist() == [True, False, True]


@pytest.mark.field_fault("K11")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_names_of_subjects_in_other_encodings(folder, encoding):
    (folder / "subjnames.txt").write_text("\n".join(IDS), encoding=encoding)
    assert open_cohort(folder).ids == IDS


@pytest.mark.field_fault("K11")
def test_names_of_subjects_in_latin1_are_refused_by_file_and_line(folder):
    (folder / "subjnames.txt").write_bytes(b"A1\nJ\xe4ger\n")
    with pytest.raises(CohortError, match=r"subjnames.txt: line 2 is not UTF-8 .*save it again as UTF-8"):
        open_cohort(folder)


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize(
    ("text", "values", "commas"),
    [
        ("65,2 110,4 80,1 40,0\n", (65.2, 110.4, 80.1, 40.0), True),
        ("60,1 1,5 2,5 3,5\n65,2 110,4 80,1 40,0\n", (65.2, 110.4, 80.1, 40.0), True),
        ("65,2;110,4;80,1;40,0\n", (65.2, 110.4, 80.1, 40.0), True),
        ("65.2,110.4,80.1,40.0\n", (65.2, 110.4, 80.1, 40.0), False),
        ("65.2, 110.4, 80.1, 40.0", (65.2, 110.4, 80.1, 40.0), False),
        ("65,110,80,40\n", (65.0, 110.0, 80.0, 40.0), False),
        ("65.2\n110.4\n80.1\n40.0\n", (65.2, 110.4, 80.1, 40.0), False),
    ],
)
def test_volumes_with_commas(tmp_path, text, values, commas):
    path = tmp_path / "A1_ES.txt"
    path.write_text(text)
    assert read_volume_file(path) == (values, commas)


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize(
    "text",
    ["1.065,2 110,4 80,1 40,0", "1,065.2 110.4 80.1 40.0", "65,110\n80,40\n66,111\n81,41\n", "65,2 110.4 80.1 40,0 7"],
)
def test_volumes_whose_commas_may_be_either_are_refused(tmp_path, text):
    path = tmp_path / "A1_ES.txt"
    path.write_text(text)
    with pytest.raises(CohortError, match="A1_ES.txt") as caught:
        read_volume_file(path)
    assert "decimals with a point" in str(caught.value) or "expected four" in str(caught.value)


@pytest.mark.field_fault("K3")
def test_the_cohort_notes_decimal_commas_of_its_volumes(folder):
    for name in IDS:
        (folder / f"{name}_ED.txt").write_text("150,5 110,4 160,5 40,0\n")
        (folder / f"{name}_ES.txt").write_text("65,25 110,4 80,1 40,0\n")
    cohort = open_cohort(folder)
    assert any("read as decimal points" in note for note in cohort.notes)
    assert cohort.volumes()["LVESV"].tolist() == [65.25] * 3


@pytest.mark.field_fault("K12")
def test_one_person_in_two_unicode_forms(folder):
    (folder / "subjnames.txt").write_text(f"A1\n{APART}\n", encoding="utf-8")
    (folder / "surv_outcomes.csv").write_text(f"ID,status,time\n{JAEGER},1,3.5\nA1,0,4\n", encoding="utf-8")
    for phase in ("ED", "ES"):
        (folder / f"{APART}_{phase}.txt").write_text("100 90 80 30\n")
    cohort = open_cohort(folder)
    assert cohort.ids == ("A1", JAEGER) and cohort.table.at[JAEGER, "time"] == 3.5
    assert cohort.ids_with("volumes") == (JAEGER,) and cohort.subset([APART]).ids == (JAEGER,)


@pytest.mark.field_fault("K12")
def test_a_folder_made_on_macos_and_a_table_made_on_windows(biobank):
    (biobank / "A3").rename(biobank / APART)
    (biobank / "surv_outcomes.csv").write_text(OUTCOMES.replace("A3", JAEGER), encoding="utf-8")
    cohort = open_cohort(biobank)
    assert cohort.ids_with("images") == ("A1", "A2", JAEGER)
    assert cohort.image(JAEGER).n_frames == cohort.image(APART).n_frames == 3


@pytest.mark.field_fault("K12")
def test_what_differs_is_printed_where_nothing_can_be_done():
    frame = pd.DataFrame({"x": [1, 2]}, index=["P-1", "А2"])  # the second begins with a Cyrillic letter
    with pytest.raises(CohortError, match=r"P–1 \(with U\+2013 EN DASH\).*CYRILLIC CAPITAL LETTER A"):
        join_by_id(["P–1", "A2"], frame, source="table")
    with pytest.raises(CohortError, match="no subject 'A1.*U\\+200B ZERO WIDTH SPACE"):
        Cohort("one", pd.DataFrame(index=["A1"])).image("A1\u200b")


def test_join_keeps_order_and_values_of_ordinary_ids():
    frame = pd.DataFrame({"x": [1, 2, 3]}, index=pd.Index(["c", "a", "b"], name="ID"))
    rows, left_out = join_by_id(["a", "c"], frame, source="table", extra="leave out")
    assert rows["x"].to_dict() == {"a": 2, "c": 1} and rows.index.name == "ID" and left_out == ("b",)


@pytest.mark.parametrize("word", ["inf", "-inf", "nan", "NA", ""])
def test_a_covariate_is_a_finite_number(word):
    with pytest.raises(CohortError, match=r"must be a number in every row; it is not for b \("):
        numeric(pd.DataFrame({"x": ["1", word]}, index=["a", "b"]), source="table")
