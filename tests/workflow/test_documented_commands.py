"""Every command in README, `make help` and the library's messages is one that can be given as it is written."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from cardiolib.__main__ import command_parser as whole_command_parser
from cardiolib.workflow.__main__ import command_parser, planned_run
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import REPOSITORY

TARGET = r"make(?: (?:[a-z-]+|[A-Z_]+=(?:'[^']*'|\S+)))+"
STAND_INS = {"<run>": "smoke-simulated-1", "<index>": "wheels", "<folder>": "wheels", "path/to/": "elsewhere/"}
"""What placeholders are replaced by."""


def blocks(text: str) -> list[str]:
    """Lines of the fenced shell blocks of a Markdown text, without comments."""
    fenced = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [re.split(r"\s#", line)[0].strip() for block in fenced for line in block.splitlines()]
    return [line for line in lines if line]


def documented() -> list[str]:
    """Every make line and every line of a shell block, from README, data/README, `make help` and error texts."""
    readme = "\n".join(
        (REPOSITORY / name).read_text(encoding="utf-8")
        for name in ("README.md", "data/README.md", "docs/scan.md", "docs/teaching.md")
    )
    help_text = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    found = blocks(readme) + re.findall(rf"`({TARGET})`", readme) + re.findall(rf"\b({TARGET})", help_text)
    found += [f"make reproduce {text}" for text in re.findall(r"PARAMS='[a-z_.]+=[^']+'", readme + help_text)]
    for path in sorted((REPOSITORY / "cardiolib").rglob("*.py")):
        found += re.findall(rf"`({TARGET})`", path.read_text(encoding="utf-8"))
    for path in sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8").replace('\\"', '"')
        found += [f"make reproduce {part}" for part in re.findall(r"`((?:PARAMS|COHORT)='?[^`]+)`", text)]
    return sorted({line for line in found if "stage.name" not in line})


def expanded(line: str) -> str:
    for placeholder, value in STAND_INS.items():
        line = line.replace(placeholder, value)
    return line


def dry(line: str) -> list[str]:
    """The commands that make would give, one a line."""
    run = subprocess.run(
        [*shlex.split(expanded(line)), "--dry-run", "--no-print-directory"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.mark.parametrize("line", [line for line in documented() if line.startswith("make")])
def test_a_make_line_is_one_that_the_workflow_takes(line: str) -> None:
    commands = [shlex.split(text) for text in dry(line) if " -m cardiolib.workflow " in text]
    for words in commands:
        options = command_parser().parse_args(words[words.index("cardiolib.workflow") + 1 :])
        if hasattr(options, "set"):
            run = planned_run(options)  # every parameter is checked here, as before a run
            assert isinstance(run, Run)


@pytest.mark.parametrize("line", [line for line in documented() if line.startswith("papermill")])
def test_a_papermill_line_names_parameters_that_there_are(line: str) -> None:
    words = shlex.split(line)
    notebook = next(REPOSITORY / word for word in words if word.startswith("notebooks/"))
    known = notebook_parameters(notebook)
    named = [words[i + 1] for i, word in enumerate(words) if word == "-p"]
    named += [words[i + 1].partition(":")[0] for i, word in enumerate(words) if word == "-y"]
    assert set(named) <= known.keys()


@pytest.mark.parametrize("line", [line for line in documented() if line.startswith("cardiolib ")])
def test_a_line_of_the_command_is_one_that_it_takes(line: str) -> None:
    options = whole_command_parser().parse_args(shlex.split(expanded(line))[1:])
    assert callable(options.command)


def test_make_scan_gives_the_scan_and_the_folder_to_the_command() -> None:
    (command,) = (text for text in dry("make scan SCAN=a/cine.nii.gz OUT=b") if " -m cardiolib scan " in text)
    words = shlex.split(command)
    options = whole_command_parser().parse_args(words[words.index("cardiolib") + 1 :])
    assert (options.paths, options.out) == (["a/cine.nii.gz"], "b")


def test_every_other_line_of_a_shell_block_is_known_here() -> None:
    others = [line for line in documented() if not line.startswith(("make", "papermill", "cardiolib "))]
    assert others == []


def test_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line for line in documented() if line.startswith("make")]
    named = {word for line in lines for word in shlex.split(line)[1:] if "=" not in word}
    assert named <= targets


def test_make_says_what_is_wrong_with_python_before_it_downloads(tmp_path: Path) -> None:
    for file in ("Makefile", "pyproject.toml", "constraints.txt"):
        (tmp_path / file).write_bytes((REPOSITORY / file).read_bytes())
    wrong = tmp_path / "python3.10"
    wrong.write_text('#!/bin/sh\ncase "$1" in --version) echo Python 3.10.1;; *) exit 1;; esac\n')
    wrong.chmod(0o755)
    for python, message in (("no-such-python", "no-such-python was not found"), (str(wrong), "is Python 3.10.1")):
        run = subprocess.run(["make", "status", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode != 0 and message in run.stdout
        assert not (tmp_path / ".venv").exists()
