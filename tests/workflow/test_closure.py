"""What a stage can depend on, read from the source, and the same found by running it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from benchmarks.house import loaded_modules
from cardiolib.workflow import closure
from cardiolib.workflow.closure import (
    LEFT_OUT,
    import_closure,
    imported_by,
    is_lazy,
    module_path,
    stage_modules,
    stage_packages,
)
from cardiolib.workflow.stages import STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_the_closure_holds_every_module_that_a_stage_loads(stage: str) -> None:
    wanted = loaded_modules(stage)
    assert len(wanted) > 20
    assert wanted <= set(stage_modules(STAGES[stage]))


def test_a_figure_draws_its_own_module_into_the_closure_and_no_other() -> None:
    drawn = set(stage_modules(STAGES["segmentation"]))
    assert "cardiolib.figures.agreement" in drawn
    assert "cardiolib.figures.risk_groups" not in drawn
    assert "cardiolib.figures.risk_groups" in stage_modules(STAGES["validation"])


def test_data_beside_modules_belong_to_a_stage() -> None:
    assert any(path.name == "template.npz" for path in stage_packages(STAGES["motion"])["meshes"])


def test_workflow_and_bars_are_left_out() -> None:
    for stage in STAGES.values():
        assert not [name for name in stage_modules(stage) if name.startswith(LEFT_OUT)]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package "cardiolib" of our own, one sub-package of which imports its names when they are used."""
    files = {
        "cardiolib/__init__.py": "",
        "cardiolib/plain.py": "from .deep.inner import value",
        "cardiolib/deep/__init__.py": "from cardiolib.deep import other",
        "cardiolib/deep/inner.py": "value = 1",
        "cardiolib/deep/other.py": "def later():\n    import cardiolib.late",
        "cardiolib/late.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cardiolib.types_only",
        "cardiolib/types_only.py": "",
        "cardiolib/lazy/__init__.py": "",
        "cardiolib/lazy/__init__.pyi": "from .one import a as a\nfrom .two import b\nfrom . import nested as nested",
        "cardiolib/lazy/one.py": "",
        "cardiolib/lazy/two.py": "",
        "cardiolib/lazy/nested/__init__.py": "",
        "cardiolib/lazy/nested/__init__.pyi": "from .three import c as c\nfrom .four import d as d",
        "cardiolib/lazy/nested/three.py": "",
        "cardiolib/lazy/nested/four.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(closure, "REPOSITORY", tmp_path)
    return tmp_path


def short(names: set[str]) -> set[str]:
    return {name.removeprefix("cardiolib.") for name in names} - {"cardiolib"}


def test_imports_are_followed_into_functions_but_not_for_types(package: Path) -> None:
    assert short(import_closure(["cardiolib.plain"])) == {"plain", "deep", "deep.inner", "deep.other", "late"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from cardiolib.lazy import a", {"lazy", "lazy.one"}),
        ("from cardiolib import lazy\nlazy.b()", {"lazy", "lazy.two"}),
        ("from cardiolib import lazy as l\nl.nested.c", {"lazy", "lazy.nested", "lazy.nested.three"}),
        ("import cardiolib.lazy as l\nprint(l.a, l.b)", {"lazy", "lazy.one", "lazy.two"}),
        ("from cardiolib import lazy\nuse(lazy)", {"lazy", "lazy.one", "lazy.two", "lazy.nested"}),
        (
            "from cardiolib import lazy\nuse(lazy.nested)",
            {"lazy", "lazy.nested", "lazy.nested.three", "lazy.nested.four"},
        ),
        ("import numpy", set()),
    ],
)
def test_a_lazy_package_leads_to_the_names_that_are_used(package: Path, code: str, expected: set[str]) -> None:
    assert is_lazy("cardiolib.lazy") and module_path("cardiolib.nowhere") is None
    assert short(import_closure(imported_by(ast.parse(code)))) == expected
