"""Nothing that identifies a patient leaves the reader; IDs come from a table or a salted hash."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.dicom_arrangements import ARRANGEMENTS
from benchmarks.dicom_identifiers import MARK, PATIENT, found_in, outputs_of, plant, secrets_of
from benchmarks.dicom_making import flat, study_of, truth
from cardiolib.imaging import read_scan
from cardiolib.imaging.dicom import DicomError, GivenFiles, Pseudonyms, files_given
from cardiolib.imaging.dicom.headers import read_headers
from cardiolib.imaging.dicom.words import safe_words, vendor


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CARDIOLIB_DATA", str(folder))
    return folder


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "plain").mkdir()
    ARRANGEMENTS["one_series_a_slice"](folder / "plain")
    return plant(folder / "plain", folder / "new")


@pytest.mark.parametrize(
    "name", ["among_other_files", "enhanced_one_file", "a_slice_is_missing", "compressed", "two_patients", "one_slice"]
)
def test_nothing_planted_is_found_in_any_output(name: str, tmp_path: Path) -> None:
    for part in ("plain", "out"):
        (tmp_path / part).mkdir()
    ARRANGEMENTS[name](tmp_path / "plain")
    home = plant(tmp_path / "plain", tmp_path / "new")
    assert any(MARK.upper() in str(path) for path in home.rglob("*"))
    outputs = list(outputs_of(home, tmp_path / "out"))
    assert len(outputs) >= 5
    assert found_in(iter(outputs), secrets_of(home)) == []


def test_the_search_finds_what_stands_there(planted: Path) -> None:
    secrets = secrets_of(planted)
    uid = pydicom.dcmread(next(path for path in planted.rglob("*") if path.is_file())).SOPInstanceUID
    for text in (f"of {PATIENT}", "19410913", str(uid), "Doe, John"):
        assert found_in(iter([("print", text.encode())]), secrets)
    assert found_in(iter([("print", b"cine sax")]), secrets) == []


def test_headers_in_memory_hold_no_text_of_the_files(planted: Path) -> None:
    files = GivenFiles(planted)
    (frame,) = read_headers(files, 1, Pseudonyms(salt="x")).frames
    held = str(vars(frame)).lower()
    assert [secret for secret in secrets_of(planted) if secret.lower() in held] == []
    assert MARK not in repr(files) + repr(frame)


def test_a_table_gives_the_ids_and_never_shows_itself(planted: Path, tmp_path: Path) -> None:
    name = pydicom.dcmread(next(path for path in planted.rglob("*") if path.is_file())).PatientID
    assert read_scan(planted, ids={name: "case-07"}).subject_id == "case-07"
    (tmp_path / "ids.csv").write_text(f"PatientID,ID\n{name},case-08\n")
    assert read_scan(planted, ids=tmp_path / "ids.csv").subject_id == "case-08"
    bad = {"ids.csv": f"PatientID,ID\n{name},a\n{name},b\n", "other.csv": f"Patient,ID\n{name},a\n", "empty.csv": ""}
    for file, text in bad.items():
        (tmp_path / file).write_text(text)
        with pytest.raises(ValueError, match="columns PatientID and ID") as caught:
            read_scan(planted, ids=tmp_path / file)
        assert MARK not in str(caught.value)
    with pytest.raises(ValueError, match="lacks a patient.*file 1, 2") as caught:
        read_scan(planted, ids={"somebody": "case-01"})
    assert MARK not in str(caught.value)


def test_a_salt_makes_ids_stable_and_without_one_they_belong_to_a_folder(own_cache: Path) -> None:
    assert Pseudonyms(salt="a").patient("4711") == Pseudonyms(salt="a").patient("4711")
    assert Pseudonyms(salt="a").patient("4711") != Pseudonyms(salt="b").patient("4711")
    here, again, there = (Pseudonyms(place=place).patient("4711") for place in ("x", "x", "y"))
    assert here == again != there
    kept = own_cache / "salt"
    assert kept.stat().st_mode & 0o777 == 0o600 and len(kept.read_bytes()) == 32
    kept.unlink()
    assert Pseudonyms(place="x").patient("4711") != here


def test_ids_are_stable_where_the_cache_cannot_be_written_to(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CARDIOLIB_DATA", str(tmp_path / "file" / "below"))
    assert Pseudonyms(place="x").patient("4711") == Pseudonyms(place="x").patient("4711")


def test_words_are_of_the_list_and_not_of_the_name() -> None:
    assert safe_words(["SAX_cine Smith stack", "cine"]) == ("sax", "cine", "stack")
    assert safe_words(["Flow of Mrs Flow"], names=["FLOW^MARY"]) == ()
    assert (vendor("Philips Medical Systems"), vendor("Smith"), vendor("")) == ("Philips", "other", "not stated")


@pytest.mark.parametrize("name", ["../out.dcm", "/abs/out.dcm", "a/../../out.dcm", "..\\out.dcm", "C:/out.dcm"])
def test_a_zip_that_leads_out_of_itself_is_refused(name: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        archive.writestr(name, b"\0" * 128 + b"DICM")
    with pytest.raises(ValueError, match="leads out of it"):
        read_scan(tmp_path / "study.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["study.zip"]


def test_a_zip_that_is_too_large_or_damaged_is_refused(tmp_path: Path, monkeypatch) -> None:
    with zipfile.ZipFile(tmp_path / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(5_000_000))
    monkeypatch.setattr(files_given, "ZIP_LIMIT_GB", 0.004)
    with pytest.raises(ValueError, match="would unpack to 0.0 GB, more than 0.004"):
        read_scan(tmp_path / "study.zip")
    whole = (tmp_path / "study.zip").read_bytes()
    (tmp_path / "study.zip").write_bytes(whole[:100] + whole[-22:])
    with pytest.raises(ValueError, match="damaged or incomplete"):
        read_scan(tmp_path / "study.zip")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 5, 60]), st.booleans())
def test_damage_of_any_kind_ends_in_a_scan_or_a_plain_refusal(
    small: dict[Path, bytes], seed: int, n_files: int, cut: bool
) -> None:
    rng = np.random.default_rng(seed)
    home = next(iter(small)).parent
    for path in rng.permutation(list(small))[:n_files]:
        content = bytearray(small[path])
        if cut:
            content = content[: rng.integers(140, len(content))]
        else:
            for place in rng.integers(132, len(content), 8):
                content[place] = rng.integers(256)
        path.write_bytes(content)
    try:
        said = repr(read_scan(home, salt="x"))
    except DicomError as error:
        said = str(error)
    finally:
        for path, content in small.items():
            path.write_bytes(content)
    assert "john" not in said.lower() and PATIENT not in said


@pytest.fixture
def small(tmp_path: Path) -> dict[Path, bytes]:
    """A small study with a telling name, its files and what they hold."""
    for number, frame in enumerate(flat(study_of(truth((6, 5, 4), 10)))):
        frame.PatientName, frame.PatientID = "DOE^JOHN", PATIENT
        frame.save_as(tmp_path / f"{number:03d}", enforce_file_format=True)
    return {path: path.read_bytes() for path in sorted(tmp_path.iterdir())}


def test_what_is_damaged_is_named_with_the_refusal(tmp_path: Path) -> None:
    for k, frames in enumerate(study_of(truth())):
        for t, frame in enumerate(frames):
            frame.save_as(tmp_path / f"{k}{t:02d}", enforce_file_format=True)
    for path in sorted(tmp_path.iterdir())[12:24]:
        path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DicomError, match="1 slice is missing between slices 1 and 2") as caught:
        read_scan(tmp_path, salt="x")
    assert "12 file(s) with a damaged header were left out (file 13, 14, 15" in str(caught.value)
