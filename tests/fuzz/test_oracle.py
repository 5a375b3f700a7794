"""The judge of the fuzzing finds what it is there to find."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.fuzz import oracle
from benchmarks.fuzz.cases import Door, Expect, Mutant, Reading
from benchmarks.fuzz.harness import Bench
from benchmarks.fuzz.oracle import Came
from cardiolib.files import read_json
from cardiolib.meshes import read_points_txt

FILE = "a.txt"
SEED = b"1 2 3\n4 5 6\n"


def _came(read, content: bytes, expect: Expect, *, seed: bytes = SEED) -> Came:
    door = Door("one", lambda: {FILE: seed}, read, lambda files, rng: Mutant({}, "", Expect.FREE))
    with Bench(door) as bench:
        outcome = bench.try_mutant(Mutant({FILE: content}, "changed", expect))
        assert (bench.folder / FILE).read_bytes() == seed
    return outcome.came


def _numbers(folder: Path) -> Reading:
    """A reader that believes anything."""
    return Reading({"numbers": [float(word) for word in (folder / FILE).read_text().split()]})


def _points(folder: Path) -> Reading:
    return Reading({"points": read_points_txt(folder / FILE)})


@pytest.mark.parametrize(
    ("content", "expect", "came"),
    [
        (b"1 2 3\n4 5 6", Expect.SAME, Came.SAME),
        (b"1 2 3\n4 5 7\n", Expect.FREE, Came.OTHER),
        (b"1 2 3\n4 5 7\n", Expect.NOTICED, Came.SILENT),
        (b"1 2 3\n4 5\n", Expect.NOTICED, Came.REFUSED),
        (b"1 2 3\n4 5\n", Expect.REFUSED, Came.REFUSED),
        (b"1 2 3\n4 5\n", Expect.SAME, Came.RIGHT_REFUSED),
        (b"1 2 3\n4 5 7\n", Expect.REFUSED, Came.SILENT),
    ],
)
def test_each_outcome_of_a_reader(content: bytes, expect: Expect, came: Came) -> None:
    assert _came(_points, content, expect) is came


def test_an_error_of_a_library_is_a_traceback_also_where_its_kind_is_ours() -> None:
    assert _came(_numbers, b"x", Expect.FREE) is Came.TRACEBACK


def test_an_error_of_ours_without_the_name_of_the_file_is_a_traceback() -> None:
    def read(folder: Path) -> Reading:
        if (folder / FILE).read_bytes() != SEED:
            read_json(folder / "other.json")
        return Reading({})

    assert _came(read, b"x", Expect.FREE) is Came.TRACEBACK


def test_a_note_excuses_another_result() -> None:
    def read(folder: Path) -> Reading:
        numbers = _numbers(folder).values["numbers"]
        return Reading({"sum": sum(numbers)}, () if len(numbers) == 6 else ("one is missing",))

    assert _came(read, b"1 2 3 4 5", Expect.NOTICED) is Came.NOTED


def test_a_reader_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "HANG_S", 0.1)

    def read(folder: Path) -> Reading:
        while (folder / FILE).read_bytes() != SEED:
            try:
                time.monotonic()
            except Exception:
                continue
        return Reading({})

    assert _came(read, b"x", Expect.FREE) is Came.HANG


def test_memory_that_runs_out_is_seen_also_behind_another_error() -> None:
    def read(folder: Path) -> Reading:
        try:
            if (folder / FILE).read_bytes() != SEED:
                raise MemoryError
        except MemoryError:
            read_points_txt(folder / "missing.txt")
        return Reading({})

    assert _came(read, b"x", Expect.FREE) is Came.MEMORY


def test_values_are_compared_by_name_shape_and_number() -> None:
    door = Door("one", dict, lambda folder: Reading({}), lambda files, rng: Mutant({}, "", Expect.FREE), {"a": 0.1})
    usual = Reading({"a": [1.0, float("nan")], "b": "text"})
    assert not oracle.first_difference(usual, Reading({"a": [1.05, float("nan")], "b": "text"}), door)
    assert "a differs" in oracle.first_difference(usual, Reading({"a": [1.2, float("nan")], "b": "text"}), door)
    assert "a differs" in oracle.first_difference(usual, Reading({"a": [1.0], "b": "text"}), door)
    assert "b is missing" in oracle.first_difference(usual, Reading({"a": [1.0, float("nan")]}), door)
