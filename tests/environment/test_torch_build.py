"""Nobody downloads gigabytes of CUDA unasked, and nobody is refused an installation that would work."""

from __future__ import annotations

import io
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from cardiolib.workflow import torch_build
from cardiolib.workflow.stages import REPOSITORY
from cardiolib.workflow.torch_build import TWO_BUILDS, expected_build, go_on, has_cpu_build, main, visible_builds

BOTH, PLAIN, LABELS = ["2.13.0+cpu", "2.13.0"], ["2.13.0"], ["2.13.0+cpu", "2.13.0+cu126"]


class Terminal(io.StringIO):
    """A person who has typed something."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def bare(monkeypatch):
    """A Linux machine without a GPU, with disk enough; its pip sees what the test says."""
    disk = namedtuple("disk", "free")
    monkeypatch.setattr(torch_build, "_kind", lambda: TWO_BUILDS)
    monkeypatch.setattr(torch_build, "has_gpu", lambda: False)
    monkeypatch.setattr(torch_build.shutil, "disk_usage", lambda path: disk(free=50e9))
    monkeypatch.setattr(torch_build.sys, "stdin", io.StringIO())
    return monkeypatch


def sees(monkeypatch, builds: list[str]) -> None:
    monkeypatch.setattr(torch_build, "visible_builds", lambda version: builds)


@pytest.mark.parametrize(
    ("seen", "kind", "build"),
    [
        (BOTH, TWO_BUILDS, "cpu"),
        (PLAIN, TWO_BUILDS, "cuda"),
        (LABELS, TWO_BUILDS, "cuda"),
        ([], TWO_BUILDS, "cpu"),
        (PLAIN, "Darwin arm64", "cpu"),
        (PLAIN, "Linux aarch64", "cpu"),
    ],
)
def test_what_pip_is_about_to_take(seen: list[str], kind: str, build: str) -> None:
    assert expected_build(seen, kind=kind) == build


def test_a_cpu_build_is_seen_or_not() -> None:
    assert has_cpu_build("2.13.0", BOTH, kind=TWO_BUILDS) and not has_cpu_build("2.13.0", PLAIN, kind=TWO_BUILDS)
    assert has_cpu_build("2.13.0", [], kind=TWO_BUILDS)  # pip cannot be asked: it has to try


def test_cuda_draws_a_notice_and_goes_on_where_nobody_can_answer(bare, capsys) -> None:
    sees(bare, PLAIN)
    assert main(["2.13.0"]) == 0
    said = capsys.readouterr().out
    assert "2.8 GB" in said and "no NVIDIA GPU" in said and "TORCH_INDEX" in said and "Go on?" not in said


@pytest.mark.parametrize(
    ("seen", "choice"), [(BOTH, ""), ([], ""), (PLAIN, "cuda"), (BOTH, "cpu"), ([], "cpu")], ids=str
)
def test_nothing_is_said_where_nothing_has_to_be(bare, capsys, seen: list[str], choice: str) -> None:
    sees(bare, seen)
    assert main(["2.13.0", "--choice", choice]) == 0
    assert capsys.readouterr().out == ""


def test_a_gpu_needs_no_notice(bare, capsys) -> None:
    sees(bare, PLAIN)
    bare.setattr(torch_build, "has_gpu", lambda: True)
    assert main(["2.13.0"]) == 0 and capsys.readouterr().out == ""


@pytest.mark.parametrize(("choice", "message"), [("cpu", "sees no CPU build of torch 2.13.0"), ("gpu", "unknown")])
def test_what_cannot_be_had_is_refused_before_a_download(bare, capsys, choice: str, message: str) -> None:
    sees(bare, PLAIN)
    assert main(["2.13.0", "--choice", choice]) == 1
    said = capsys.readouterr().out
    assert message in said and "Nothing has been downloaded" in said


def test_a_disk_that_is_too_small_for_cuda_only(bare, capsys) -> None:
    disk = namedtuple("disk", "free")
    bare.setattr(torch_build.shutil, "disk_usage", lambda path: disk(free=8e9))
    sees(bare, PLAIN)
    assert main(["2.13.0"]) == 1 and "about 12 GB" in capsys.readouterr().out
    sees(bare, BOTH)  # an index of CPU builds is configured: half is enough
    assert main(["2.13.0"]) == 0


@pytest.mark.parametrize(("typed", "goes_on"), [("\n", True), ("y\n", True), ("n\n", False), ("No\n", False)])
def test_a_person_is_asked(monkeypatch, typed: str, goes_on: bool) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(torch_build.select, "select", lambda read, write, other, seconds: (read, [], []))
    said: list[str] = []
    assert go_on(Terminal(typed), said.append) is goes_on
    assert "Go on?" in said[-1]


def test_a_person_who_is_away_is_not_waited_for(monkeypatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    waited: list[float] = []
    monkeypatch.setattr(torch_build.select, "select", lambda read, write, other, s: waited.append(s) or ([], [], []))
    assert go_on(Terminal("n\n"), lambda text: None, patience_s=5.0) and waited == [5.0]


def test_builds_are_read_from_what_pip_says(monkeypatch) -> None:
    told = "torch (2.15.0)\nAvailable versions: 2.15.0, 2.13.0+cpu, 2.13.0, 2.13.0.post1, 2.1.0\n"
    answer = subprocess.CompletedProcess([], 0, stdout=told)
    monkeypatch.setattr(torch_build.subprocess, "run", lambda *given, **options: answer)
    assert visible_builds("2.13.0") == BOTH
    monkeypatch.setattr(torch_build.subprocess, "run", lambda *given, **options: subprocess.CompletedProcess([], 1, ""))
    assert visible_builds("2.13.0") == []


def test_wheels_of_a_folder_are_seen_without_an_index(tmp_path: Path, monkeypatch) -> None:
    """Any version will do: what pip lists of a folder are the names of its wheels."""
    (tmp_path / "torch-2.13.0+cpu-py3-none-any.whl").touch()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert visible_builds("2.13.0") == ["2.13.0+cpu"]


def test_the_file_runs_on_its_own() -> None:
    command = [sys.executable, "-I", "cardiolib/workflow/torch_build.py", "--help"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert run.returncode == 0 and "build of torch" in run.stdout


def dry(*given: str) -> str:
    """What make would do to install and run smoke."""
    command = ["make", "--dry-run", "--no-print-directory", "-W", "pyproject.toml", "smoke", *given]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout


def test_make_asks_before_it_installs() -> None:
    lines = dry().splitlines()
    asked = next(i for i, line in enumerate(lines) if "torch_build.py" in line)
    installed = next(i for i, line in enumerate(lines) if "pip install" in line)
    assert asked < installed and "torch==" not in lines[installed]
    assert '"2.13.0" --choice ""' in lines[asked]


def test_make_adds_an_index_to_those_that_there_are() -> None:
    for line in (
        line for line in dry("TORCH_INDEX=an-index").splitlines() if "pip install" in line or "torch_b" in line
    ):
        assert 'PIP_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL an-index"' in line
    assert 'PIP_FIND_LINKS="$PIP_FIND_LINKS wheels"' in dry("TORCH_WHEELS=wheels")


@pytest.mark.skipif(torch_build._kind() != TWO_BUILDS, reason="only there are two builds of one version")
def test_make_pins_the_cpu_build_when_it_is_asked_for() -> None:
    (line,) = (line for line in dry("TORCH=cpu").splitlines() if "pip install" in line)
    assert '"torch==2.13.0+cpu"' in line
    assert "torch==" not in dry("TORCH=cuda").replace("--choice", "")
