"""Containers and the hosted run: CPU torch, one list of dependencies, no registry named, nothing secret."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from cardiolib.workflow.stages import REPOSITORY

BINDER, CONTAINER = REPOSITORY / "binder", REPOSITORY / ".devcontainer"
WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
FILES = [*BINDER.iterdir(), *CONTAINER.iterdir(), WORKFLOW]


def test_binder_takes_python_and_cpu_torch_from_a_channel_and_nothing_else() -> None:
    content = yaml.safe_load((BINDER / "environment.yml").read_text(encoding="utf-8"))
    assert content["channels"] == ["conda-forge"]
    python, pip, torch = content["dependencies"]
    assert (python, pip) == ("python=3.11", "pip") and torch.startswith("pytorch-cpu")


@pytest.mark.parametrize("extras", [[], ["dev"]], ids=["binder", "container"])
def test_the_one_list_is_installed_without_torch(tmp_path: Path, extras: list[str]) -> None:
    """postBuild with a pip that only writes down what it was asked for."""
    asked, stand_in = tmp_path / "asked.txt", tmp_path / "python"
    stand_in.write_text(
        f'#!/usr/bin/env bash\nif [ "$1" = -c ]; then exec {sys.executable} "$@"; fi\n'
        f'echo "$@" >> {asked}\nwhile [ $# -gt 1 ]; do if [ "$1" = -r ]; then cat "$2" >> {asked}; fi; shift; done\n'
    )
    stand_in.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    command = [str(BINDER / "postBuild"), *extras]
    subprocess.run(command, cwd=REPOSITORY, env={**os.environ, "PATH": path}, check=True)
    lines = asked.read_text(encoding="utf-8").splitlines()
    with open(REPOSITORY / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    wanted = {one for one in project["dependencies"] if "torch" not in one}
    if extras:
        wanted |= {one for one in project["optional-dependencies"]["dev"] if "cardiolib" not in one} | {"SimpleITK"}
    assert {line for line in lines if "pip install" not in line} == wanted
    assert "-c constraints.txt" in lines[0] and "--no-deps -e ." in lines[-1]


@pytest.mark.parametrize("script", [BINDER / "postBuild", CONTAINER / "install"], ids=lambda path: path.name)
def test_scripts_can_be_executed_and_stop_at_an_error(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK) and text.startswith("#!/usr/bin/env bash\n") and "set -euo pipefail" in text
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_container_makes_the_environment_where_make_looks_for_it() -> None:
    content = json.loads((CONTAINER / "devcontainer.json").read_text(encoding="utf-8"))
    assert re.fullmatch(r"[\w-]+/[\w-]+:[\w.-]+", content["image"])  # no host of a registry, a version that is named
    assert content["postCreateCommand"] == ".devcontainer/install"
    assert content["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"] == ".venv/bin/python"
    packages = set((BINDER / "apt.txt").read_text(encoding="utf-8").split())
    assert all(package in content["onCreateCommand"] for package in packages)
    assert "--prefix .venv" in (CONTAINER / "install").read_text(encoding="utf-8")


def test_the_hosted_run_calls_what_everybody_calls() -> None:
    content = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "read"}
    (job,) = content["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[\w-]+@v\d+\.\d+\.\d+", name) for name in used)
    assert "secrets" not in WORKFLOW.read_text(encoding="utf-8")
    assert job["env"] == {"TORCH_INDEX": "${{ vars.TORCH_INDEX }}"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_index_and_no_host_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|index-url|\b[\w-]+\.(io|com|org)/", text)
