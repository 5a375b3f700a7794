"""One small interface for work that splits by subject or by replicate: serial, local processes, or a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tqdm import tqdm


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
        self.workers = workers or (os.cpu_count() or 1)
        self.address = address
        self._client: Any = None
        self._cluster: Any = None

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], label: str = "") -> Iterator[Any]:
        """Yield ``function(item)`` for every item, in the order of the items."""
        items = list(items)
        bar = {"total": len(items), "desc": label or _name_of(function), "mininterval": 1.0}
        if len(items) < 2 or (self.workers == 1 and not self.address):
            yield from tqdm(map(function, items), **bar)
            return
        client = self._connect()
        # the function may carry arrays (a cohort's motion): send it to the workers once, not per item
        shared = client.scatter(function, broadcast=True, hash=False)
        futures = [client.submit(_apply, shared, item, pure=False) for item in items]
        try:
            for future in tqdm(futures, **bar):
                yield future.result()
        finally:
            client.cancel(futures)

    def close(self) -> None:
        """Stop the workers that this object started."""
        if self._client is not None:
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()
        self._client = self._cluster = None

    def _connect(self) -> Any:
        if self._client is None:
            import logging

            from distributed import Client, LocalCluster

            if self.address:
                self._client = Client(self.address)
            else:
                self._cluster = LocalCluster(
                    n_workers=self.workers, threads_per_worker=1, processes=True, dashboard_address=":0",
                    memory_limit=0, silence_logs=logging.ERROR,
                )
                self._client = Client(self._cluster)
        return self._client


def _name_of(function: Callable[[Any], Any]) -> str:
    """``partial(_segment_one, ...)`` to ``segment one``: what a progress bar is about."""
    named = getattr(function, "func", function)
    return getattr(named, "__name__", "units").strip("_").replace("_", " ")


def _apply(function: Callable[[Any], Any], item: Any) -> Any:
    return function(item)
