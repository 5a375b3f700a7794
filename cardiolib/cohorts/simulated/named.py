"""Simulated cohorts by name: built once, kept in one place, found again by name, seed, settings and code."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cardiolib.cohorts.simulated.build import build_simulated_cohort
from cardiolib.cohorts.simulated.imaging import code_digest
from cardiolib.cohorts.simulated.settings import SimulatedCohortSettings
from cardiolib.cohorts.simulated.simulated_cohort import SimulatedCohort, open_simulated
from cardiolib.files import data_folder, text_hash
from cardiolib.progress import progress
from cardiolib.work import DEFAULT_SEED

_log = logging.getLogger(__name__)


def open_named(
    settings: SimulatedCohortSettings, *, seed: int = DEFAULT_SEED, root: Path | None = None
) -> SimulatedCohort:
    """Open a simulated cohort, building it first where it is not there yet.

    Parameters
    ----------
    settings : SimulatedCohortSettings
    seed : int
    root : Path, optional
        By default ``cohorts`` in `data_folder`.

    Returns
    -------
    SimulatedCohort
        Of the folder ``<root>/<name>-<seed>-<hash of settings and code>``: a changed simulator never hands back an old
        cohort. The folder appears complete or not at all; of two that build at once, the first to finish is kept.
    """
    root = data_folder() / "cohorts" if root is None else root
    key = text_hash(json.dumps([asdict(settings), int(seed), code_digest()], sort_keys=True))[:12]
    folder = root / f"{settings.kind}-{seed}-{key}"
    if not folder.is_dir():
        _build(folder, settings, seed)
    return open_simulated(folder)


def _build(folder: Path, settings: SimulatedCohortSettings, seed: int) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _log.warning("building the cohort %r of %d subjects in %s", settings.kind, settings.n_subjects, folder)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as work:
        building = Path(work) / folder.name
        build_simulated_cohort(building, settings=settings, seed=seed, map_units=_with_bar)
        try:
            os.rename(building, folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same files
                raise


def _with_bar(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterable[Any]:
    listed = list(items)
    return progress(map(function, listed), total=len(listed), label=function.__name__.replace("_", " "))
