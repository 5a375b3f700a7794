"""One reader of text: byte-order marks, UTF-16, and what is no text."""

from __future__ import annotations

import unicodedata

import pytest

from cardiolib.files import read_json, read_json_object
from cardiolib.plain_text import entry_named, plain_form, read_plain_text, spelt

WORDS = "Jäger\nÅström\n"


@pytest.mark.field_fault("K11")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_with_a_mark_are_read(tmp_path, encoding):
    (tmp_path / "names.txt").write_text(WORDS, encoding=encoding)
    assert read_plain_text(tmp_path / "names.txt") == WORDS


@pytest.mark.field_fault("K11")
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_read(tmp_path, encoding):
    (tmp_path / "names.txt").write_bytes("subject_1\nsubject_2\n".encode(encoding))
    assert read_plain_text(tmp_path / "names.txt").split() == ["subject_1", "subject_2"]


@pytest.mark.field_fault("K11")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"A1\nJ\xe4ger\n", r"line 2 is not UTF-8 \(byte e4.*save it again as UTF-8"),
        (b"A1\nA\x002\n", "line 2 holds a NUL character.*[Cc]opy"),
        ("Jäger".encode("utf-16")[:-1], "is not UTF-16"),
        (b"PK\x03\x04rest", "Excel workbook, not text"),
        (b"\x1f\x8brest", "gzip archive, not text"),
    ],
)
def test_what_is_no_text_is_refused_by_file_and_line(tmp_path, content, message):
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_plain_text(path)
    assert str(path) in str(caught.value)


def test_where_only_english_words_count_other_bytes_are_replaced(tmp_path):
    (tmp_path / "Info.cfg").write_bytes(b"ED: 1\nName: J\xe4ger\n")
    assert read_plain_text(tmp_path / "Info.cfg", strict=False) == "ED: 1\nName: J\ufffdger\n"


@pytest.mark.field_fault("K12")
def test_names_that_look_alike_are_alike_or_told_apart(tmp_path):
    composed, apart = (unicodedata.normalize(form, "Jäger") for form in ("NFC", "NFD"))
    assert plain_form(apart) == plain_form(composed) == composed != apart
    assert "U+200B ZERO WIDTH SPACE" in spelt("A1\u200b") and spelt("A1") == "A1"
    (tmp_path / apart / "motion").mkdir(parents=True)
    assert entry_named(tmp_path, f"{composed}/motion").is_dir()
    assert entry_named(tmp_path, "Müller") == tmp_path / "Müller"  # not there: the name as it was given


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not valid JSON"),
        (b"", "is not valid JSON"),
        (b'{"scheme": "acdc", "scheme": "mms"}', "gives scheme twice"),
        (b"\xff\xfe{", "is not UTF-16"),
        (b"[" * 100_000, "is not valid JSON"),
    ],
)
def test_broken_json_names_its_file(tmp_path, content, message):
    path = tmp_path / "side.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_json_in_utf16_and_json_that_is_no_object(tmp_path):
    path = tmp_path / "side.json"
    path.write_text('{"name": "Jäger", "name": "Jäger"}', encoding="utf-16")
    assert read_json_object(path, what="side file") == {"name": "Jäger"}
    path.write_text("[1]")
    with pytest.raises(ValueError, match="a side file holds one JSON object.*found list"):
        read_json_object(path, what="side file")
