"""Damaged and odd files: the same result, or an error of ours that names the file; never anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz.corpus import kept, load
from benchmarks.fuzz.doors import DOORS
from benchmarks.fuzz.harness import Bench, memory_limited, run_door

N_MUTANTS = 500


@pytest.mark.parametrize("name", DOORS)
def test_no_mutant_of_a_door_comes_to_what_must_not_be(name: str) -> None:
    faults = [str(judged) for judged in run_door(DOORS[name], range(N_MUTANTS)) if judged.outcome.fault]
    assert not faults, "\n".join([f"{len(faults)} of {N_MUTANTS}", *faults[:8]])


@pytest.mark.parametrize("name", DOORS)
def test_what_once_went_wrong_is_right_now(name: str) -> None:
    cases = [path for path in kept() if load(path)[0] == name]
    faults = []
    with Bench(DOORS[name]) as bench, memory_limited():
        for path in cases:
            _, mutant = load(path)
            outcome = bench.try_mutant(mutant)
            if outcome.fault:
                faults.append(f"{path.name} {outcome.came} ({mutant.told}): {outcome.detail}")
    assert not faults, "\n".join(faults[:8])


def test_every_kept_file_is_of_a_door() -> None:
    assert {load(path)[0] for path in kept()} <= DOORS.keys()


@pytest.mark.parametrize("name", DOORS)
def test_a_number_gives_the_same_mutant_every_time_and_numbers_differ(name: str) -> None:
    door = DOORS[name]
    files = door.seeds()
    assert files == door.seeds()
    mutants = [door.mutant(files, number) for number in range(20)]
    assert mutants == [door.mutant(files, number) for number in range(20)]
    assert len({mutant.told for mutant in mutants}) > 5
    assert all(Path(file) for mutant in mutants for file in mutant.files)
