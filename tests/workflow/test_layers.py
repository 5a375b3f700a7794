"""Data flow one way: a package imports only from packages before it in the list of layers."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.stages import LAYERS, REPOSITORY, STAGES

PACKAGE = REPOSITORY / "cardiolib"
MODULES = sorted(PACKAGE.rglob("*.py"))


BESIDE = {
    "archives",
    "delimited",
    "files",
    "last_run",
    "plain_text",
    "printed",
    "progress",
    "settings",
    "verdicts",
    "work",
}
"""Modules beside the layers, for all of them."""


def imported_layers(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level != 1:  # level 1 stays within the package
            module = ".".join(filter(None, ["cardiolib" if node.level else "", node.module]))
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("cardiolib.")}


def test_every_folder_of_the_package_is_a_layer() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_from_layers_before_it(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0]
    if layer == "__main__.py":  # the command line stands above all layers
        return
    if layer not in LAYERS:  # a module of the package itself: what all layers may use imports none of them
        assert imported_layers(path) <= BESIDE
        return
    allowed = BESIDE | set(LAYERS[: LAYERS.index(layer) + 1])
    assert imported_layers(path) <= allowed, f"{layer} may import from {sorted(allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_is_short_and_does_not_print(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def test_every_declared_figure_has_a_caption() -> None:
    declared = {name for stage in STAGES.values() for name in (*stage.figures, *stage.interactive, *stage.pages)}
    assert {name for name in declared if not name.startswith("02_beating")} <= set(CAPTIONS)
