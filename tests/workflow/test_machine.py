"""What a run was computed on: words that name no host, no path and no user."""

from __future__ import annotations

import getpass
import json
import platform
from pathlib import Path

from cardiolib.workflow import machine as module
from cardiolib.workflow.machine import machine, machine_words


def test_no_host_no_path_no_user() -> None:
    text = json.dumps(machine())
    assert platform.node() not in text.split('"') and "/" not in text.replace("w/", "")
    assert getpass.getuser() not in text.split()


def test_the_processor_is_the_one_that_linux_names(tmp_path: Path, monkeypatch) -> None:
    told = tmp_path / "cpuinfo"
    told.write_text("processor\t: 0\nmodel name\t: A  Processor   3000\nmodel name\t: another\n")
    monkeypatch.setattr(module, "CPU_INFORMATION", told)
    monkeypatch.setattr(module.sys, "platform", "linux")
    assert machine()["processor"] == "A Processor 3000"
    told.write_text("Features\t: fp asimd\n")  # processors of other makes have no name there
    assert machine()["processor"]


def test_one_core_is_one_core_and_an_older_run_says_so() -> None:
    found = {"processor": "P", "cores_count": 1, "memory_gib": 2.0, "system": "Linux x86_64"}
    assert machine_words(found) == "P, 1 core, 2.0 GiB of memory, Linux x86_64"
    assert machine_words(None) == "not recorded by this run"
