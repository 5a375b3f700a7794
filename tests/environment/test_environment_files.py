"""One list of dependencies, everything pinned but torch, no GPL package at run time, no machine or registry named."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cardiolib.workflow.stages import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES = [Requirement(text) for text in PROJECT["dependencies"]]
PINS = {
    canonicalize_name(name): version
    for line in (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
    for name, version in [line.split("==")]
}


def test_torch_is_exactly_pinned_in_the_list_and_absent_from_the_constraints() -> None:
    torch = next(requirement for requirement in DEPENDENCIES if requirement.name == "torch")
    assert str(torch.specifier) == "==2.13.0"
    assert "torch" not in PINS
    assert not [name for name in PINS if name.startswith(("nvidia", "triton", "cuda"))]


def test_every_other_dependency_is_pinned() -> None:
    extras = [Requirement(text) for texts in PROJECT["optional-dependencies"].values() for text in texts]
    names = {canonicalize_name(requirement.name) for requirement in DEPENDENCIES + extras} - {"torch", "cardiolib"}
    assert names <= PINS.keys()


def test_what_is_installed_is_what_is_pinned() -> None:
    found = {name: importlib.metadata.version(name) for name in ("numpy", "pandas", "lifelines", "plotly", "papermill")}
    assert found == {name: PINS[name] for name in found}


def test_environment_yml_holds_python_pip_and_the_project_and_nothing_else() -> None:
    content = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    assert content["dependencies"] == ["python=3.11", "pip", {"pip": ["-c constraints.txt", "-e .[dev]"]}]
    assert PROJECT["requires-python"].startswith(">=3.11")


def runtime_closure() -> set[str]:
    """Names of every installed distribution that the run-time dependencies pull in."""
    todo, seen = [(requirement.name, requirement.extras) for requirement in DEPENDENCIES], set()
    while todo:
        name, extras = todo.pop()
        key = canonicalize_name(name)
        if key in seen:
            continue
        try:
            needed = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # for another platform
            continue
        seen.add(key)
        for text in needed:
            requirement = Requirement(text)
            marked = requirement.marker
            if marked is None or any(marked.evaluate({"extra": extra}) for extra in ("", *extras)):
                todo.append((requirement.name, requirement.extras))
    return seen


@pytest.mark.parametrize("name", sorted(runtime_closure()))
def test_no_gpl_package_at_run_time(name: str) -> None:
    metadata = importlib.metadata.metadata(name)
    stated = " ".join(
        [
            metadata.get("License-Expression") or "",
            *(metadata.get_all("Classifier") or []),
            (metadata.get("License") or "").splitlines()[0] if metadata.get("License") else "",
        ]
    )
    gpl = re.search(r"\b(A?GPL|GNU (Affero )?General Public)", stated)
    # docutils ships one GPL file (an Emacs mode) beside public-domain and BSD code that is all Python imports
    assert not gpl or name == "docutils", stated


def test_no_registry_or_machine_is_named() -> None:
    names = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True).stdout.split()
    hosts = r"--(extra-)?index-url|https?://[\w.]*pypi|download\.pytorch|file://" + "/"
    forbidden = re.compile(rf"({hosts}|/(home|root|work)/)")
    found = []
    for name in names:
        path = REPOSITORY / name
        if path.suffix in {".py", ".txt", ".toml", ".yml", ".md", ".ipynb", ".cff", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="ignore")
            found += [f"{name}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []


def test_what_is_sensitive_to_the_processor_is_repeated_on_two_other_kernels() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    target = makefile.partition("\ntest-kernels:")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in target.splitlines()[1:]] == ["$(AVX2)", "$(PLAIN)"]
    assert target.count("-m processor") == 2
    assert "ATEN_CPU_CAPABILITY=avx2" in makefile and "ATEN_CPU_CAPABILITY=default" in makefile
    marked = [
        path.name
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        if "pytestmark = pytest.mark.processor" in path.read_text(encoding="utf-8")
    ]
    assert {"test_segmentation_training.py", "test_network_training.py", "test_saliency_maps.py"} <= set(marked)


def test_the_statistics_are_typed_in_full_and_checked() -> None:
    with open(REPOSITORY / "pyproject.toml", "rb") as file:
        overrides = tomllib.load(file)["tool"]["mypy"]["overrides"]
    strict = {name for part in overrides if part.get("disallow_untyped_defs") for name in part["module"]}
    left_out = {name for part in overrides if part.get("ignore_errors") for name in part["module"]}
    layers = ("survival", "validation", "interpretation")
    assert {f"cardiolib.{layer}.*" for layer in layers} <= strict
    assert not [name for name in left_out if name.split(".")[1] in (*layers, "meshes", "files", "work")]
    assert all((REPOSITORY / f"{name.replace('.', '/')}.py").is_file() for name in left_out)
