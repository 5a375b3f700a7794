"""Motion, follow-up and volumes of the same patients: who lacks volumes is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort
from cardiolib.files import read_table_by_id, write_table
from cardiolib.steps.validation import sample_size_statement
from cardiolib.survival import SurvivalData

IDS = ("NA", "null", "None", "007")


def a_cohort(ids: tuple[str, ...] = IDS) -> Cohort:
    table = pd.DataFrame({"time": np.arange(1.0, len(ids) + 1), "event": [1, 0] * (len(ids) // 2)}, index=list(ids))
    return Cohort("four", table, motion=np.zeros((len(ids), 114)))


def volumes_of(ids: tuple[str, ...] = IDS) -> pd.DataFrame:
    numbers = {"RVEDV": 200.0, "RVESV": 100.0, "RVEF": 50.0}
    return pd.DataFrame({name: [value] * len(ids) for name, value in numbers.items()}, index=pd.Index(ids, name="ID"))


@pytest.mark.field_fault("K6")
def test_names_that_pandas_takes_for_missing_keep_their_volumes(tmp_path):
    write_table(volumes_of(), tmp_path / "volumes.csv")
    data = SurvivalData.of(a_cohort(), volumes=read_table_by_id(tmp_path / "volumes.csv"))
    assert data.volumes is not None and list(data.volumes.index) == list(IDS)
    assert data.lack_volumes == () and data.volumes_remark == "" and "; with volumes;" in repr(data)


@pytest.mark.field_fault("K6")
@pytest.mark.parametrize("how", ["no row", "an empty cell"])
def test_one_patient_without_volumes_is_named(how):
    volumes = volumes_of().drop(index="None")
    if how == "an empty cell":
        volumes = volumes_of()
        volumes.loc["None", "RVEF"] = np.nan
    data = SurvivalData.of(a_cohort(), volumes=volumes)
    assert data.volumes is None and data.lack_volumes == ("None",)
    assert "without volumes (1 of 4 patients lack them: None)" in repr(data)
    assert data.volumes_remark == (
        "There is no conventional model: 1 of 4 patients have no RVEDV, RVESV and RVEF (None), and models are compared "
        "on the same patients. Give their volumes, or leave these patients out."
    )
    assert data.volumes_remark in sample_size_statement(data)[1]
    with pytest.raises(ValueError, match=r"1 lack them: None.*SurvivalData.of\(cohort, volumes=...\)"):
        data.features("volumes")


@pytest.mark.field_fault("K6")
def test_volumes_of_nobody_or_without_a_column():
    assert SurvivalData.of(a_cohort()).volumes_remark == (
        "There is no conventional model: these patients have no RVEDV, RVESV and RVEF."
    )
    data = SurvivalData.of(a_cohort(), volumes=volumes_of().drop(columns="RVEF"))
    assert data.volumes is None and data.lack_volumes == IDS


def test_whole_numbers_as_ids_of_volumes_are_text():
    data = SurvivalData.of(a_cohort(("1", "2")), volumes=volumes_of(("1", "2")).set_axis([2, 1], axis=0))
    assert data.volumes is not None and list(data.volumes.index) == ["1", "2"]
