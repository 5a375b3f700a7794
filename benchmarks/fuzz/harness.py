"""Runs the mutants of a door in this process, one after the other."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.fuzz.cases import Door, Mutant, Reading
from benchmarks.fuzz.oracle import Outcome, judge

MEMORY_LIMIT_GIB = 3.0
"""So much more than it has may a process take while a small file is read; more is refused by the system."""


@dataclass(frozen=True)
class Judged:
    """One mutant of a door and what came of it."""

    door: str
    number: int
    mutant: Mutant
    outcome: Outcome
    peak_gib: float

    def __str__(self) -> str:
        return f"{self.door}:{self.number} {self.outcome.came} ({self.mutant.told}): {self.outcome.detail}"


class Bench:
    """The unchanged files of a door in a folder, into which one mutant after the other is laid.

    Examples
    --------
    >>> from benchmarks.fuzz.doors import DOORS
    >>> with Bench(DOORS["points_text"]) as bench:
    ...     bench.try_mutant(bench.door.mutant(bench.files, 1)).fault
    False
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        self.files = door.seeds()
        self._temporary = tempfile.TemporaryDirectory(prefix="fuzz-")
        self.folder = Path(self._temporary.name)
        for name, content in self.files.items():
            self._lay(name, content)
        self.usual: Reading = door.read(self.folder)

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._temporary.cleanup()

    def try_mutant(self, mutant: Mutant) -> Outcome:
        """What comes of one mutant; the files are as they were afterwards."""
        try:
            for name, content in mutant.files.items():
                self._lay(name, content)
            return judge(self.door, self.folder, mutant, self.usual)
        finally:
            for name in mutant.files:
                self._lay(name, self.files.get(name))

    def _lay(self, name: str, content: bytes | None) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)  # some file systems write a file to the disk when it is cut and written anew
        if content is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def run_door(door: Door, numbers: Iterable[int]) -> Iterator[Judged]:
    """Judge the mutants of these numbers, under a limit of memory."""
    with Bench(door) as bench, memory_limited():
        for number in numbers:
            mutant = door.mutant(bench.files, number)
            before = peak_gib()
            outcome = bench.try_mutant(mutant)
            yield Judged(door.name, number, mutant, outcome, peak_gib() - before)


def peak_gib() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@contextmanager
def memory_limited(more_gib: float = MEMORY_LIMIT_GIB) -> Iterator[None]:
    """This process may take `more_gib` more address space than it has now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:  # no such file, no such limit: not Linux
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + int(more_gib * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (limit if soft < 0 else min(limit, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
