"""One small interface for work that splits by subject or by replicate: serial, local processes, or a cluster."""

from __future__ import annotations

import importlib
import logging
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from cardiolib.progress import progress

SCHEDULER = "CARDIOLIB_SCHEDULER"
"""Environment variable with the address of a running Dask scheduler, for the notebooks of one run to share."""

ATTEMPTS = 4
"""So often work is sent out anew when all workers have died at once; Dask itself looks after single ones."""

RESTART_S = 300.0
"""How long a worker that has died may take to come back."""

_Warned = tuple[str, type[Warning], str, int]
"""Message, category, file and line of a warning."""

ENVIRONMENT = {
    # Idle OpenMP threads wait awake for some microseconds only: sleeping at once makes training 1.4 times slower, and
    # waiting awake for long costs a factor of ten where other work shares the cores.
    "GOMP_SPINCOUNT": "10000",
    # glibc keeps the memory that a step of training gives back, for the next step: asking the system for fresh pages
    # each time took half of the training time on a virtual machine.
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
    "MALLOC_TOP_PAD_": str(2**26),
    # numba would give torch's OpenMP as many threads as there are cores; results must not depend on their number
    "NUMBA_NUM_THREADS": "1",
}
"""What notebook kernels and workers start with, unless the caller has set it (Linux; of no effect elsewhere)."""


class Compute:
    """Maps a function over units of work, in order, with a progress bar.

    Parameters
    ----------
    workers : int
        Processes to use on this machine; 1 runs in this process. 0 means one per core.
    address : str
        Address of a running Dask scheduler (SLURM, Kubernetes, cloud); empty for this machine.

    Notes
    -----
    Each worker computes with one thread: many single-threaded processes are faster than few
    many-threaded ones at the sizes met here, and the result does not depend on their number because
    every unit carries its own seed.
    """

    def __init__(self, workers: int = 1, address: str = "") -> None:
        if workers < 0:
            raise ValueError(f"workers must be 0 (one per core) or more, got {workers}")
        self.workers = workers or cores_count()
        self.address = address
        self._client: Any = None
        self._cluster: Any = None

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], label: str = "") -> Iterator[Any]:
        """Yield ``function(item)`` for every item, in the order of the items."""
        items = list(items)
        label = label or _name_of(function)
        if len(items) < 2 or (self.workers == 1 and not self.address):
            yield from progress(map(function, items), label=label, total=len(items))
            return
        yield from progress(self._spread(function, items, label), label=label, total=len(items))

    def _spread(self, function: Callable[[Any], Any], items: list[Any], label: str) -> Iterator[Any]:
        """Results from the workers, in order; where all workers have died at once, what is left is sent again."""
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        done = 0
        for _ in range(ATTEMPTS):
            client = self.connect()
            futures: list[Any] = []
            try:
                client.wait_for_workers(1, timeout=RESTART_S)
                # the function may carry arrays (a cohort's motion): send it to the workers once, not per item
                shared = client.scatter(function, broadcast=True, hash=False)
                futures += [client.submit(_apply, shared, item, pure=False) for item in items[done:]]
                for future in futures:
                    result, told = future.result()
                    _warn_here(told)
                    done += 1
                    yield result
                return
            except FutureCancelledError as lost:  # with all workers gone, what had been sent to them is gone too
                if client.status != "running":
                    raise RuntimeError(
                        f"the Dask scheduler of {label!r} does not answer any more, after {done} of {len(items)} "
                        "units. The same command goes on from what has been stored."
                    ) from lost
            except KilledWorker as killed:
                raise RuntimeError(_died(label, done, len(items))) from killed
            finally:
                if client.status == "running":
                    client.cancel(futures)
        raise RuntimeError(_died(label, done, len(items)))

    def connect(self) -> Any:
        """The Dask client, started or connected at the first call.

        Raises
        ------
        OSError
            If no scheduler answers at the given address.
        """
        if self._client is None:
            import dask
            from distributed import Client, LocalCluster

            if self.address:
                self._client = Client(self.address)
                self.workers = len(self._client.scheduler_info(n_workers=-1)["workers"]) or self.workers
            else:
                # Dask's own setting gives memory back after every array, which makes imaging five times slower
                start = {**dask.config.get("distributed.nanny.pre-spawn-environ"), **ENVIRONMENT}
                with _interrupts_ignored(), dask.config.set({"distributed.nanny.pre-spawn-environ": start}):
                    self._cluster = LocalCluster(
                        n_workers=self.workers,
                        threads_per_worker=1,
                        processes=True,
                        dashboard_address=":0",
                        memory_limit=0,
                        silence_logs=logging.ERROR,
                    )
                self._client = Client(self._cluster)
        return self._client

    def peak_memory_gib(self) -> float:
        """Largest memory that this process, a process it started, or a worker has held since it started."""
        peaks = [_peak_memory_gib()]
        if self._client is not None:
            peaks += self._client.run(_peak_memory_gib, on_error="ignore").values()
        return max(peaks)

    def prepare(self, modules: Sequence[str], first: Callable[[], Any] | None = None) -> list[Any]:
        """Let idle workers import what they will need, and one of them call `first`.

        The imports are waited for. A worker reads what it is sent in a second thread, and two threads that import
        modules of one package at once may each meet the other's half-imported module.

        Returns
        -------
        list of distributed.Future
            The last is that of `first`, if there is one: nobody has to wait for it.
        """
        from distributed import fire_and_forget

        client = self.connect()
        names = sorted(client.scheduler_info(n_workers=-1)["workers"])
        futures = [client.submit(_import, modules, workers=[name], pure=False) for name in names]
        client.gather(futures)
        if first is not None:
            futures.append(client.submit(first, pure=False))
            fire_and_forget(futures[-1])
        return futures

    def close(self) -> None:
        """Stop the workers that this object started."""
        # a machine that is too busy to answer in time: the work is done, and the workers end with this process
        with suppress(TimeoutError):
            if self._client is not None:
                self._client.close()
            if self._cluster is not None:
                self._cluster.close()
        self._client = self._cluster = None


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """What starts here does not hear Ctrl-C, which a terminal sends to all: this process alone stops its workers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _name_of(function: Callable[[Any], Any]) -> str:
    """``partial(_segment_one, ...)`` to ``segment one``: what a progress bar is about."""
    named = getattr(function, "func", function)
    return getattr(named, "__name__", "units").strip("_").replace("_", " ")


def _died(label: str, done: int, total: int) -> str:
    return (
        f"worker processes have died again and again during {label!r}, after {done} of {total} units. Most often the "
        "memory is too small: WORKERS=1 needs the least. The same command goes on from what has been stored."
    )


def _apply(function: Callable[[Any], Any], item: Any) -> tuple[Any, list[_Warned]]:
    """The result in a worker, and what was warned of: a worker's own error output is nowhere in a report."""
    with warnings.catch_warnings(record=True) as caught:
        result = function(item)
    told = {(str(one.message), one.category, one.filename, one.lineno): None for one in caught}
    return result, list(told)


def _warn_here(told: Iterable[_Warned]) -> None:
    """Issue a worker's warnings in this process, where a notebook shows them."""
    for message, category, file, line in told:
        warnings.warn_explicit(message, category, file, line)


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)


def cores_count() -> int:
    """Cores that this process may use: fewer than there are in a container or on a shared machine."""
    from dask.system import cpu_count

    return int(cpu_count())


def _peak_memory_gib() -> float:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak * (1 if sys.platform == "darwin" else 1024) / 2**30
