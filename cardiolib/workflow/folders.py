"""Names of runs and where their results lie: one folder a run, below ``data/derived``, ``reports`` and ``figures``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from cardiolib.files import text_hash
from cardiolib.last_run import DERIVED, NEWEST_FILE, RUN_FILE, newest_run
from cardiolib.workflow.stages import REPOSITORY

__all__ = [
    "DERIVED",
    "NEWEST_FILE",
    "RUN_FILE",
    "cohort_slug",
    "located",
    "located_cohort",
    "newest_run",
    "relative",
    "run_name",
]


def run_name(profile: str, cohort: str, seed: int, overrides: Sequence[str] = ()) -> str:
    """Name of a run's folders: profile, cohort, seed, and a short hash of the changed parameters.

    Examples
    --------
    >>> run_name("smoke", "simulated", 7)
    'smoke-simulated-7'
    """
    name = f"{profile}-{cohort_slug(cohort)}-{seed}"
    changed = sorted(re.sub(r"\s*=\s*", "=", text.strip()) for text in overrides)
    return f"{name}-{text_hash(json.dumps(changed))[:6]}" if changed else name


def cohort_slug(cohort: str) -> str:
    """A cohort's name as part of a folder's name; of a path, its last part and a short hash of the whole."""
    if re.fullmatch(r"[\w-]+", cohort):
        return cohort
    path = Path(cohort).resolve()
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', path.name).strip('-')}-{text_hash(str(path))[:6]}"


def located_cohort(cohort: str | Path, *, base: Path | None = None) -> str:
    """Absolute path of somebody's data; links are not followed, as what lies beside a link belongs to it.

    Parameters
    ----------
    cohort : str or Path
        Folder or file; ``~`` is the user's home.
    base : Path, optional
        What a relative path is relative to, by default the folder in which the command was given.
    """
    return os.path.abspath((base or Path()) / Path(cohort).expanduser())


def located(folder: str | Path, *, derived: Path | None = None) -> Path:
    """A run's folder from what a notebook was given, wherever the notebook runs.

    Parameters
    ----------
    folder : str or Path
        An absolute folder; a folder relative to the repository; the bare name of a run below ``data/derived``; or
        nothing, for the newest run.
    derived : Path, optional
        Where runs lie, by default ``data/derived`` of the repository.
    """
    derived = derived or DERIVED
    if not str(folder):
        return newest_run(derived) or derived / run_name("default", "simulated", _default_seed())
    path = Path(folder)
    if not path.is_absolute():
        path = derived / path if len(path.parts) == 1 else REPOSITORY / path
    return path.resolve()


def relative(folder: Path) -> str:
    """A folder as it may be printed: relative to the repository, or its last part where it lies elsewhere."""
    return str(folder.relative_to(REPOSITORY)) if folder.is_relative_to(REPOSITORY) else folder.name


def _default_seed() -> int:
    from cardiolib.work import DEFAULT_SEED

    return DEFAULT_SEED
