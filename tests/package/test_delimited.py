"""Tables of text: rows are counted, and commas are decimals only where they can be nothing else."""

from __future__ import annotations

import pytest

from cardiolib.delimited import column_names, read_columns
from cardiolib.files import read_table_by_id


def written(folder, content: str | bytes):
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize(
    "content",
    [
        "ID,status,time\nA1,1,3,5\nA2,0,4,25\nA3,1,7,75\n",
        "ID,time,status\nA1,3,0,1\nA2,4,5,0\n",
        "ID,status,time\nA1,1,3.5\nA2,0\n",
        "ID,status,time\n1,A1,1,3.5\n2,A2,0,4\n",  # R's row names
        "ID,status,time\nA1;1;3,5\n",
        "ID,status,time\nA1,1,3.5,\nA2,0,4\n",  # one row only ends in a comma
    ],
)
def test_a_row_with_other_cells_than_the_header_names_is_refused(tmp_path, content):
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=r"names 3 columns \(ID, .*line \d \(.*\) has \d.*decimals") as caught:
        read_table_by_id(path)
    assert str(path) in str(caught.value)


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize("header", ["ID,time,time,status", "ID,time , time,status", "ID,status,ID,time"])
def test_a_name_that_is_there_twice_is_refused(tmp_path, header):
    with pytest.raises(ValueError, match=r"more than once \((time: columns 2, 3|ID: columns 1, 3)\)"):
        read_table_by_id(written(tmp_path, f"{header}\nA1,1,2,1\n"))


@pytest.mark.field_fault("K1")
def test_a_nul_byte_is_refused(tmp_path):
    with pytest.raises(ValueError, match="line 2 holds a NUL character"):
        read_table_by_id(written(tmp_path, b"ID,status,time\nA1,1,3\x00.5\n"))


@pytest.mark.field_fault("K1")
def test_semicolons_with_decimal_commas_are_read_and_noted(tmp_path):
    table = read_table_by_id(written(tmp_path, "ID;status;time\nA1;1;3,5\nA2;0;1.234,25\nA3;1;12\n"))
    assert table["time"].tolist() == [3.5, 1234.25, 12.0] and table["status"].tolist() == [1, 0, 1]
    assert table.attrs["notes"] == (
        "table.csv: cells are separated by a semicolon",
        "table.csv: the commas in time are read as decimal points",
    )


def test_quoted_decimal_commas_are_read(tmp_path):
    assert read_table_by_id(written(tmp_path, 'ID,time\nA1,"3,5"\nA2,"0,125"\n'))["time"].tolist() == [3.5, 0.125]


@pytest.mark.parametrize("cells", [("1,234", "2,345"), ("3,5", "late"), ("3,5", "4.25"), ("1,234.5", "2")])
def test_commas_that_may_be_something_else_stay_text(tmp_path, cells):
    columns, notes = read_columns(written(tmp_path, "ID;x\n" + "".join(f"A{c};{c}\n" for c in cells)), id_column="ID")
    assert columns["x"] == list(cells) and len(notes) == 1


def test_points_beside_decimal_commas_must_be_plain(tmp_path):
    with pytest.raises(ValueError, match="comma in time, so that the points in walk may"):
        read_table_by_id(written(tmp_path, "ID;time;walk\nA1;3,5;1.250\nA2;4,5;2.125\n"))
    assert read_table_by_id(written(tmp_path, "ID;time;bmi\nA1;3,5;22.5\n"))["bmi"].tolist() == [22.5]


@pytest.mark.parametrize(
    "content",
    [
        "ID,status,time\r\nA1,1,3.5\r\nA2,0,4.25\r\n",
        "ID,status,time\rA1,1,3.5\rA2,0,4.25\r",
        "\ufeffID,status,time\nA1,1,3.5\n\nA2,0,4.25\n,,\n",
        "ID,status,time,,\nA1,1,3.5,,\nA2,0,4.25,,\n",
        "ID,status,time\nA1,1,3.5,,\nA2,0,4.25,,\n",
        'sep=;\n"ID";"status";"time"\nA1;1;3.5\nA2;0;4.25\n',
        "ID\tstatus\ttime\nA1\t1\t3.5\nA2\t0\t4.25\n",
        'ID, status , time\nA1, "1", 3.5\nA2 ,0,4.25',
    ],
)
def test_harmless_oddities_are_read(tmp_path, content):
    table = read_table_by_id(written(tmp_path, content))
    assert list(table.index) == ["A1", "A2"] and list(table) == ["status", "time"]
    assert table["time"].tolist() == [3.5, 4.25] and table["status"].tolist() == [1, 0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encodings(tmp_path, encoding):
    path = written(tmp_path, "ID;Größe\nJäger;1,75\n".encode(encoding))
    assert read_table_by_id(path).loc["Jäger", "Größe"] == 1.75
    assert column_names(path) == ["ID", "Größe"]


def test_cells_with_separators_and_line_ends_stay_whole(tmp_path):
    table = read_table_by_id(written(tmp_path, 'ID,note,x\nA1,"one, two\nthree",1\nA2,"say ""so""",2\n'))
    assert table["note"].tolist() == ["one, two\nthree", 'say "so"'] and table["x"].tolist() == [1, 2]


@pytest.mark.parametrize("content", ['ID,note\nA1,"open\nA2,x\n', 'ID,note\nA1,"a"b\n'])
def test_quotes_that_do_not_close_are_refused(tmp_path, content):
    with pytest.raises(ValueError, match="cannot be read as a comma-separated table: line .*[Cc]lose every quote"):
        read_table_by_id(written(tmp_path, content))


def test_a_table_that_may_be_cut_within_its_last_number_says_so(tmp_path):
    assert (
        "if the file is cut, 4.2 lacks digits" in read_table_by_id(written(tmp_path, "ID,x\nA1,4.2")).attrs["notes"][0]
    )
    assert not read_table_by_id(written(tmp_path, "ID,x\nA1,4.2\n")).attrs["notes"]


@pytest.mark.field_fault("K6")
def test_words_of_pandas_stay_ids_and_text(tmp_path):
    ids = ["NA", "null", "None", "nan", "N/A", "<NA>", "-inf", "True", "007", "1e5"]
    table = read_table_by_id(written(tmp_path, "ID,word,x\n" + "".join(f"{i},{i},1.5\n" for i in ids)))
    assert list(table.index) == table["word"].tolist() == ids and table["x"].tolist() == [1.5] * len(ids)
