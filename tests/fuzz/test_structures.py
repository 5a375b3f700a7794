"""Structures that hypothesis makes up: tables of any dialect, JSON of any kind, headers and parameters of any value."""

from __future__ import annotations

import csv
import io
import json
import struct
import tempfile
import unicodedata
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.cases import Expect, Mutant
from benchmarks.fuzz.doors import DOORS, nifti, parameters, side_files
from benchmarks.fuzz.harness import Bench
from cardiolib.files import read_table_by_id

SOME = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6).map(
    partial(unicodedata.normalize, "NFC")
)
"""IDs are compared in this form, and given back in it."""


def _is_plain(word: str) -> bool:
    return not set(word) & set('",;|')


NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: float(f"{number:.6g}"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@SOME
@given(
    rows=st.dictionaries(WORDS, st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    codec=st.sampled_from(["utf-8", "utf-8-sig"]),
    last=st.booleans(),
)
def test_a_table_is_read_as_it_was_written_whatever_the_dialect(
    rows: dict[str, tuple[float, float]], quoting: int, end: str, codec: str, last: bool
) -> None:
    text = _written(rows, lineterminator=end, quoting=quoting)
    frame = _read(text if last else text.removesuffix(end), codec)
    assert list(frame.index) == list(rows)
    np.testing.assert_array_equal(frame[["a", "b"]].to_numpy(float), np.array(list(rows.values())))


@SOME
@given(
    rows=st.dictionaries(WORDS.filter(_is_plain), st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=6),
    separator=st.sampled_from([";", "\t", "|", ","]),
    comma=st.booleans(),
)
def test_a_table_of_another_dialect_is_refused_or_read_right(
    rows: dict[str, tuple[float, float]], separator: str, comma: bool
) -> None:
    text = io.StringIO()
    for row in [("ID", "a", "b"), *((name, *numbers) for name, numbers in rows.items())]:
        cells = [str(cell).replace(".", ",") if comma and isinstance(cell, float) else str(cell) for cell in row]
        text.write(separator.join(cells) + "\n")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as a user runs it: what pandas only warns of must be refused
            frame = _read(text.getvalue(), "utf-8")
    except ValueError as error:
        assert "table.csv" in str(error)
        return
    assert list(frame.index) == list(rows)
    np.testing.assert_array_equal(frame[["a", "b"]].to_numpy(float), np.array(list(rows.values())))


@pytest.fixture(scope="module")
def benches() -> Iterator[dict[str, Bench]]:
    """The doors with their unchanged files."""
    made = {name: Bench(DOORS[name]) for name in ("json", "nifti_plain", "parameters")}
    yield made
    for bench in made.values():
        bench.__exit__(None, None, None)


@SOME
@given(content=JSON, name=st.sampled_from([side_files.archives.SIDE, f"scans/{side_files.STATED}"]))
def test_json_of_any_kind_gives_a_result_or_an_error_of_ours(
    benches: dict[str, Bench], content: object, name: str
) -> None:
    _no_fault(benches["json"], name, json.dumps(content).encode())


@SOME
@given(changed=st.dictionaries(st.sampled_from(["name", "notes", "about", "time_unit", "simulated", "layout"]), JSON))
def test_side_files_with_values_of_any_kind(benches: dict[str, Bench], changed: dict[str, object]) -> None:
    bench = benches["json"]
    own = json.loads(bench.files[side_files.archives.SIDE])
    _no_fault(bench, side_files.archives.SIDE, json.dumps({**own, **changed}).encode())


@SOME
@given(data=st.data(), names=st.sets(st.sampled_from(sorted(nifti.FIELDS)), min_size=1, max_size=4))
def test_headers_of_any_values(benches: dict[str, Bench], data: st.DataObject, names: set[str]) -> None:
    content = bytearray(benches["nifti_plain"].files["cine.nii"])
    for name in sorted(names):
        offset, kind = nifti.FIELDS[name]
        size = struct.calcsize(f"<{kind}")
        content[offset : offset + size] = data.draw(st.binary(min_size=size, max_size=size), label=name)
    _no_fault(benches["nifti_plain"], "cine.nii", bytes(content))


@SOME
@given(
    stage=st.sampled_from(["survival", "motion", "segmentation", "validation", "cohort"]) | st.text(max_size=5),
    name=st.sampled_from(["latent", "epochs", "fixed", "seed", "network"]) | st.text(max_size=5),
    value=JSON.map(json.dumps) | st.text(max_size=12),
)
def test_overrides_of_any_text(benches: dict[str, Bench], stage: str, name: str, value: str) -> None:
    text = f"{stage}.{name}={value}".replace("\n", " ")
    _no_fault(benches["parameters"], parameters.OVERRIDES, text.encode("utf-8", "surrogatepass"))


def _no_fault(bench: Bench, name: str, content: bytes) -> None:
    outcome = bench.try_mutant(Mutant({name: content}, "made up", Expect.FREE))
    assert not outcome.fault, f"{outcome.came}: {outcome.detail}"


def _written(rows: dict[str, tuple[float, float]], *, lineterminator: str, quoting: int) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=lineterminator, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([("ID", "a", "b"), *((name, *numbers) for name, numbers in rows.items())])
    return text.getvalue()


def _read(text: str, codec: str):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(text.encode(codec))
        return read_table_by_id(path)
