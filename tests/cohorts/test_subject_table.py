"""The table of subjects: what is accepted, and that every refusal names the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.cohorts.table import CohortError, join_by_id, named, numeric, read_csv_by_id, subject_table, text_ids

IDS = st.lists(st.text("abcXYZ0123_", min_size=1, max_size=8), min_size=2, max_size=12, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    ids = draw(IDS)
    time = draw(st.lists(st.floats(0, 5000), min_size=len(ids), max_size=len(ids)))
    events = st.sampled_from([0, 1, True, False, 1.0, 0.0, "0", "1"])
    event = draw(st.lists(events, min_size=len(ids), max_size=len(ids)))
    return pd.DataFrame({"time": time, "event": pd.Series(event, dtype=object).to_numpy()}, index=ids)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_a_valid_table_keeps_its_rows_and_gets_fixed_types(frame):
    table = subject_table(frame)
    assert list(table.index) == list(frame.index)
    assert table["time"].dtype == np.float64 and table["event"].dtype == bool
    assert table["event"].tolist() == [float(value) == 1 for value in frame["event"]]
    assert table["time"].tolist() == frame["time"].tolist()


@settings(max_examples=40, deadline=None)
@given(tables(), st.data())
def test_a_wrong_time_or_event_is_refused_and_its_row_is_named(frame, data):
    row = data.draw(st.sampled_from(list(frame.index)))
    column, value = data.draw(
        st.sampled_from(
            [
                ("time", -0.5),
                ("time", np.nan),
                ("time", np.inf),
                ("time", None),
                ("time", "late"),
                ("event", 2),
                ("event", -1),
                ("event", np.nan),
                ("event", 0.5),
                ("event", "dead"),
                ("event", ""),
            ]
        )
    )
    frame = frame.astype(object)
    frame.at[row, column] = value
    with pytest.raises(CohortError, match=column) as caught:
        subject_table(frame)
    assert f"{row} (" in str(caught.value)


@settings(max_examples=30, deadline=None)
@given(tables(), st.data())
def test_a_repeated_id_is_refused_and_named(frame, data):
    row = data.draw(st.sampled_from(list(frame.index)))
    with pytest.raises(CohortError, match="more than once") as caught:
        subject_table(pd.concat([frame, frame.loc[[row]]]))
    assert row in str(caught.value)


@settings(max_examples=30, deadline=None)
@given(IDS, st.randoms(use_true_random=False))
def test_join_by_id_undoes_any_order_of_rows(ids, random):
    frame = pd.DataFrame({"place": range(len(ids))}, index=ids)
    shuffled = list(ids)
    random.shuffle(shuffled)
    rows, left_out = join_by_id(ids, frame.loc[shuffled], source="table")
    assert rows["place"].tolist() == list(range(len(ids))) and left_out == ()


def test_join_names_missing_and_extra_ids():
    frame = pd.DataFrame({"x": [1, 2]}, index=["a", "stranger"])
    with pytest.raises(CohortError, match=r"no row for subject\(s\) b .*unknown subject\(s\) stranger"):
        join_by_id(["a", "b"], frame, source="outcomes.csv")
    rows, left_out = join_by_id(["a"], frame, source="outcomes.csv", extra="leave out")
    assert rows.index.tolist() == ["a"] and left_out == ("stranger",)
    with pytest.raises(ValueError, match="'refuse' or 'leave out'"):
        join_by_id(["a"], frame, source="x", extra="ignore")


def test_ids_are_text_integers_become_text_and_decimals_are_refused():
    assert text_ids([" a1 ", 7, np.int64(8)], source="x") == ("a1", "7", "8")
    with pytest.raises(CohortError, match=r"row 2 is 1\.0"):
        text_ids(["a", 1.0], source="x")
    with pytest.raises(CohortError, match="row 1 is True"):
        text_ids([True], source="x")
    with pytest.raises(CohortError, match=r"row\(s\) 2 have no ID"):
        text_ids(["a", "  "], source="x")
    with pytest.raises(CohortError, match="1 appear more than once"):
        text_ids(["1", 1], source="x")


def test_time_without_event_and_repeated_columns_are_refused():
    with pytest.raises(CohortError, match="'time' but not 'event'"):
        subject_table(pd.DataFrame({"time": [1.0]}, index=["a"]))
    with pytest.raises(CohortError, match="'event' but not 'time'"):
        subject_table(pd.DataFrame({"event": [1]}, index=["a"]))
    with pytest.raises(CohortError, match=r"column\(s\) age appear"):
        subject_table(pd.DataFrame([[1, 2]], columns=["age", "age"], index=["a"]))


def test_subject_table_leaves_its_argument_alone():
    frame = pd.DataFrame({"time": ["3"], "event": ["1"]}, index=[12])
    subject_table(frame)
    assert frame.index.tolist() == [12] and frame["time"].tolist() == ["3"]


def test_csv_ids_stay_text_with_crlf_byte_order_mark_and_spaces(tmp_path):
    path = tmp_path / "covariates.csv"
    path.write_bytes(b"\xef\xbb\xbfID, age\r\n007,42\r\nNA, 50 \r\n")
    frame = read_csv_by_id(path)
    assert frame.index.tolist() == ["007", "NA"] and frame["age"].tolist() == ["42", "50"]
    assert numeric(frame, source="x")["age"].tolist() == [42.0, 50.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be read"),
        ("name,age\na,1\n", "no column 'ID'; its columns are name, age"),
        ("ID,age\na,1\na,2\n", "more than once"),
        ("ID,age\n,1\n", "have no ID"),
        ("ID,age\na,1\nb,1,2,3\n", "cannot be read"),
        ('ID,age\n"a,1\n', "cannot be read|no ID|age"),
    ],
)
def test_a_damaged_csv_is_refused_with_its_name(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CohortError, match=message) as caught:
        numeric(read_csv_by_id(path), source=str(path))
    assert "table.csv" in str(caught.value)


def test_a_cell_that_is_no_number_is_named_with_its_row():
    frame = pd.DataFrame({"age": ["42", "", "old"]}, index=["a", "b", "c"])
    with pytest.raises(CohortError, match=r"column 'age'.*b \(''\), c \('old'\)"):
        numeric(frame, source="covariates.csv")


def test_long_lists_are_cut_and_counted():
    assert named(["a", "b"]) == "a, b"
    assert named(range(20)).endswith("7 and 12 more")
