"""Content hashes, the key that decides whether a stage is stale, and what a run was made with."""

from __future__ import annotations

import ast
import dataclasses
import importlib.metadata
import json
import platform
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cardiolib.file_tree import files_below
from cardiolib.files import file_hash, read_json, text_hash
from cardiolib.workflow.closure import stage_packages
from cardiolib.workflow.sources import combined_hash, source_hash
from cardiolib.workflow.stages import REPOSITORY, Stage

RECORDED_PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "scikit-image",
    "nibabel",
    "lifelines",
    "pyswarms",
    "umap-learn",
    "numba",
    "matplotlib",
    "plotly",
    "pyvista",
    "vtk",
    "papermill",
    "nbconvert",
    "doit",
    "dask",
)

_SESSION_FILES = ("session.py", "shown.py", "compute.py", "stages.py")
"""The part of the workflow that runs inside a notebook; the rest cannot change a stage's outputs."""


def tree_hashes(folder: Path, *, skip: Iterable[str] = ()) -> dict[str, str]:
    """Relative path to SHA-256 of every file below a folder of outputs, leaving out top-level names in `skip`."""
    skipped = set(skip)
    named = {path.relative_to(folder): path for path in files_below(folder).files} if folder.is_dir() else {}
    return {str(name): file_hash(path) for name, path in sorted(named.items()) if name.parts[0] not in skipped}


def notebook_hash(path: Path) -> str:
    """Hash of what a notebook computes: its code cells, blind to comments, whitespace, prose and outputs.

    The cell tagged ``parameters`` is left out: a stage's key holds the values themselves.
    """
    cells = read_json(path)["cells"]
    code = [
        _code_only("".join(cell["source"]))
        for cell in cells
        if cell["cell_type"] == "code" and "parameters" not in cell.get("metadata", {}).get("tags", [])
    ]
    return text_hash(json.dumps([text for text in code if text]))


def _code_only(source: str) -> str:
    """Code as the parser sees it: without comments and whitespace; as it stands where it is no Python (a magic)."""
    try:
        return ast.unparse(ast.parse(source))
    except SyntaxError:
        return source.strip()


def environment_hash() -> str:
    """Hash of the locked environment: Python's minor version, the dependency list, the pinned versions."""
    with open(REPOSITORY / "pyproject.toml", "rb") as file:
        dependencies = tomllib.load(file)["project"]["dependencies"]
    pins = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8")
    return text_hash(json.dumps([platform.python_version_tuple()[:2], dependencies, pins]))


def stage_key(
    stage: Stage, *, settings: Any, seed: int, inputs: dict[str, str], by_hand: bool = False
) -> dict[str, Any]:
    """Everything that decides a stage's outputs, by content.

    Parameters
    ----------
    stage : Stage
    settings : dataclass instance
        The stage's parameters.
    seed : int
        The run's seed.
    inputs : dict
        Name of an upstream stage (or of the cohort's source) to the hash of its outputs.
    by_hand : bool
        Leave out the notebook: what is run by hand is what stands in its cells, whatever the file says. Units that
        cells store are keyed by all that they are computed from (`cardiolib.work.keyed_folder`).
    """
    session = REPOSITORY / "cardiolib" / "workflow"
    key: dict[str, Any] = {
        "environment": environment_hash(),
        "seed": seed,
        "parameters": json.loads(json.dumps(dataclasses.asdict(settings))),
        "inputs": {**inputs, **_named_files(settings)},
        "layers": {
            package: combined_hash({str(path.relative_to(REPOSITORY)): file_hash(path) for path in files})
            for package, files in stage_packages(stage).items()
        },
    }
    key["layers"]["workflow"] = combined_hash({name: file_hash(session / name) for name in _SESSION_FILES})
    if stage.notebook and not by_hand:
        key["notebook"] = notebook_hash(stage.notebook_path)
    return key


def _named_files(settings: Any) -> dict[str, str]:
    """Hash of each file or folder that a parameter names (`FILES` of the settings: parameter -> property)."""
    paths = {name: getattr(settings, where) for name, where in getattr(settings, "FILES", {}).items()}
    return {f"file {name}": source_hash(path) for name, path in paths.items() if path is not None}


def differences(old: dict[str, Any] | None, new: dict[str, Any]) -> list[str]:
    """Why a stage with key `old` is stale under key `new`, in words; empty when it is not."""
    if old is None:
        return ["it has never run"]
    reasons = []
    for part in ("environment", "notebook", "seed"):
        if old.get(part) != new.get(part):
            change = f": {old.get(part)} -> {new.get(part)}" if part == "seed" else ""
            reasons.append(f"the {part} changed{change}")
    for part, word in (("parameters", "parameter"), ("layers", "layer"), ("inputs", "input")):
        before, after = old.get(part, {}), new.get(part, {})
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                change = f": {before.get(name)} -> {after.get(name)}" if part == "parameters" else ""
                reasons.append(f"{word} {name} changed{change}")
    return reasons


def versions() -> dict[str, str]:
    """Python, platform and the versions of the packages that matter."""
    found = {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    for name in RECORDED_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def git_state() -> dict[str, Any]:
    """Commit and dirty flag of the checkout; recorded, never part of a key."""
    try:
        commit = _git("rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": None}


def _git(*arguments: str) -> str:
    run = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return run.stdout.strip()
