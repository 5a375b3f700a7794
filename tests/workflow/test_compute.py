"""The same results, in order, whatever the number of workers."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cardiolib.workflow.compute import ENVIRONMENT, Compute
from cardiolib.workflow.stages import STAGES


def scaled_draw(seed: int, *, scale: np.ndarray) -> float:
    return float(scale[seed] * np.random.default_rng(seed).normal())


def fails_at_three(item: int) -> int:
    if item == 3:
        raise ValueError("unit 3 cannot be done")
    return item


def environment(names: list[str]) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in names}


def modules_loaded(names: list[str]) -> bool:
    return all(name in sys.modules for name in names)


@pytest.fixture
def two_workers():
    compute = Compute(2)
    yield compute
    compute.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_two_processes_give_what_one_gives_and_errors_come_back(two_workers: Compute) -> None:
    work = partial(scaled_draw, scale=np.arange(10.0))
    assert list(two_workers(work, range(10))) == list(Compute(1)(work, range(10)))
    with pytest.raises(ValueError, match="unit 3 cannot be done"):
        list(two_workers(fails_at_three, range(6)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_running_workers_are_shared_by_address_prepared_and_left_running(two_workers: Compute, monkeypatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    for started in two_workers.connect().run(environment, list(ENVIRONMENT)).values():
        assert started == ENVIRONMENT
    for future in two_workers.prepare(["wave", "chunk"], first=partial(fails_at_three, 1)):
        future.result()
    assert set(two_workers.connect().run(modules_loaded, ["wave", "chunk"]).values()) == {True}
    guest = Compute(1, two_workers.connect().scheduler.address)
    assert list(guest(fails_at_three, range(3))) == [0, 1, 2]
    assert guest.workers == 2
    assert guest.peak_memory_gib() > 0.05
    guest.close()
    assert list(two_workers(fails_at_three, range(3))) == [0, 1, 2]


def test_serial_work_needs_no_cluster(monkeypatch) -> None:
    monkeypatch.setattr(Compute, "connect", lambda self: pytest.fail("serial work started a cluster"))
    compute = Compute(1)
    assert list(compute(fails_at_three, [1, 2])) == [1, 2]
    with pytest.raises(ValueError, match="unit 3"):
        list(compute(fails_at_three, [1, 3]))


def test_workers_are_counted_from_the_cores_and_not_negative() -> None:
    assert Compute(0).workers >= 1
    with pytest.raises(ValueError, match="0 .one per core. or more"):
        Compute(-1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_workers_have_imported_before_anything_else_is_sent_to_them(two_workers: Compute) -> None:
    """What is called first comes from a package that is being imported: the two may not run at once."""
    modules = sorted({stage.settings.partition(":")[0] for stage in STAGES.values()})
    futures = two_workers.prepare(modules, first=partial(fails_at_three, 1))
    assert all(future.done() for future in futures[:2])
    assert set(two_workers.connect().run(modules_loaded, modules).values()) == {True}
    assert futures[-1].result() == 1


def dies_at_first(item: int, *, folder: Path) -> int:
    """Ends its process at the first try of each of the first two items, which two workers begin with."""
    marker = folder / str(item)
    if item < 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def always_dies(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_work_goes_on_when_all_workers_have_died(two_workers: Compute, tmp_path: Path) -> None:
    assert list(two_workers(partial(dies_at_first, folder=tmp_path), range(4))) == [0, 1, 2, 3]
    assert {path.name for path in tmp_path.iterdir()} == {"0", "1"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_workers_that_die_again_and_again_are_a_sentence(two_workers: Compute) -> None:
    with pytest.raises(RuntimeError, match="worker processes have died.*'always dies', after 0 of 3.*goes on"):
        list(two_workers(always_dies, range(3)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_scheduler_that_ends_is_a_sentence(two_workers: Compute) -> None:
    guest = Compute(1, two_workers.connect().scheduler.address)
    assert list(guest(fails_at_three, [0, 1, 2])) == [0, 1, 2]
    waiting = guest(waits, [0.0, 60.0])
    next(waiting)
    two_workers.close()
    with pytest.raises(RuntimeError, match="scheduler of 'waits' does not answer any more, after 1 of 2"):
        next(waiting)
    guest.close()


def waits(seconds: float) -> None:
    time.sleep(seconds)
