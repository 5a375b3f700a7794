"""The command ``cardiolib``: what it takes, how it ends, and what it prints where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cardiolib as cl
from cardiolib.__main__ import command_parser, main
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.imaging import write_cine
from cardiolib.segmentation import TrainedNetwork, segmentation_from_labels

REPOSITORY = Path(cl.__file__).resolve().parents[1]


def run(*words: str, **settings: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "cardiolib", *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, **settings)


@pytest.fixture(scope="module")
def frame() -> tuple[cl.Cine, cl.LabelMap]:
    """One frame of a simulated heart and its labels: it is not tracked, so a scan takes a moment."""
    coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    scan = cl.acquire(cl.DigitalHeart(), coarse, phases=[0.0])
    return scan.cine, scan.labels


@pytest.fixture
def given(frame, tmp_path, monkeypatch) -> Path:
    """A folder with an image and a network; whatever is asked to segment gives the known labels."""
    cine, labels = frame
    write_cine(cine, tmp_path / "heart.nii.gz")
    TrainedNetwork.untrained(widths=(2, 4)).save(tmp_path / "network.pt")
    monkeypatch.setattr("cardiolib.scan.result.segment", lambda one, _: segmentation_from_labels(labels, one))
    return tmp_path


def scan(folder: Path, *words: str, image: str = "heart.nii.gz") -> int:
    where = ["--out", str(folder / "out"), "--network", str(folder / "network.pt")]
    return main(["scan", str(folder / image), *where, *words])


def test_help_is_quick_and_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name in ("run", "prepare", "status", "verify", "compare", "scan", "exercise", "grade", "completion"):
        assert f"\n    {name}" in done.stdout
    code = "import sys, cardiolib.__main__ as m; m.command_parser(); print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert not {"torch", "pandas", "scipy", "matplotlib", "plotly", "nibabel"} & set(eval(loaded.stdout))
    assert run("--version").stdout == f"cardiolib {cl.__version__}\n"


def test_the_entry_point_is_this_function() -> None:
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"cardiolib": "cardiolib.__main__:main"}


def test_exit_statuses_are_documented() -> None:
    text = run("scan", "--help").stdout
    assert all(f"\n  {status:<5}" in text for status in (0, 1, 2, 3, 130)) and "Not for clinical use" in text


@pytest.mark.parametrize("words", [[], ["scan"], ["scan", "a.nii.gz"], ["sacn"], ["completion", "fish"]])
def test_a_wrong_command_line_ends_with_2(words, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2 and "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_prints_a_script_with_the_options(shell, capsys) -> None:
    assert main(["completion", shell]) == 0
    assert "--risk-model" in capsys.readouterr().out


def test_commands_of_the_workflow_are_the_same() -> None:
    words = ["status", "--profile", "smoke", "--set", "survival.latent=8"]
    options = command_parser().parse_args(words)
    assert options.profile == "smoke" and options.set == ["survival.latent=8"]
    done = run("verify", "--run", "no-such-run")
    assert done.returncode == 1 and done.stdout.startswith("error: ")


def test_a_scan_of_one_frame_ends_with_3_and_is_kept_the_second_time(given, capsys) -> None:
    assert scan(given) == 3
    told = capsys.readouterr()
    assert "heart: do not use: motion: the scan has one frame" in told.out and "scans" in told.err
    assert (given / "out" / "heart" / "report.html").is_file()
    assert scan(given) == 3
    assert "finished before, nothing has changed" in capsys.readouterr().out


def test_json_stands_alone_on_stdout(given, capsys) -> None:
    assert scan(given, "--json") == 3
    told = capsys.readouterr()
    content = json.loads(told.out)
    assert content["exit_status"] == 3 and content["not_for_clinical_use"]
    (one,) = content["scans"]
    assert one["id"] == "heart" and one["simulated"] and one["verdicts"]["motion"]["verdict"] == "do not use"
    assert one["indices"]["lv_cavity_volume_ml"]["unit"] == "mL" and Path(one["page"]).is_file()
    assert "overview:" in told.err


def test_an_error_is_a_sentence_on_stderr_and_ends_with_1(given, capsys) -> None:
    assert scan(given, image="absent.nii.gz") == 1
    assert "there is nothing at" in capsys.readouterr().err
    assert scan(given, "--json", image="absent.nii.gz") == 1
    assert "there is nothing at" in json.loads(capsys.readouterr().out)["error"]
    assert scan(given, "--risk-model", str(given / "none.npz")) == 1
    assert "there is no risk model" in capsys.readouterr().err
    (given / "file").write_text("in the way")
    assert main(["scan", str(given / "heart.nii.gz"), "--out", str(given / "file")]) == 1
    assert "cannot be written to" in capsys.readouterr().err


def test_a_scan_that_cannot_be_processed_ends_with_1(given, frame, capsys) -> None:
    cine, _ = frame
    write_cine(replace(cine, voxels=cine.voxels[:, :, :1]), given / "flat.nii.gz")
    assert scan(given, image="flat.nii.gz") == 1
    assert "NOT PROCESSED flat: the image has one slice" in capsys.readouterr().out


def test_a_name_is_for_a_single_scan(given, frame, capsys) -> None:
    assert scan(given, "--id", "mine") == 3 and (given / "out" / "mine" / "result.json").is_file()
    write_cine(frame[0], given / "other.nii.gz")
    both = [str(given / "heart.nii.gz"), str(given / "other.nii.gz")]
    assert main(["scan", *both, "--out", str(given / "out"), "--id", "mine"]) == 2
    assert "names a single scan" in capsys.readouterr().err
    assert scan(given, "--id", "../mine") == 2 and scan(given, "--workers", "-1") == 2


def test_ctrl_c_ends_with_130(given, monkeypatch, capsys) -> None:
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cardiolib.scan.many.analyse_scan", stopped)
    assert scan(given, "--json") == 130
    told = capsys.readouterr()
    assert told.out == "" and "half-written" in told.err
    assert {path.name for path in (given / "out").iterdir()} <= {"run.lock"}


@pytest.mark.slow
def test_two_scans_are_shared_by_workers_of_the_real_network(tmp_path) -> None:
    coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    paths = []
    for i in range(2):
        one = cl.acquire(cl.DigitalHeart(), coarse, phases=[0.0], rng=np.random.default_rng(i))
        paths.append(str(tmp_path / f"heart{i}.nii.gz"))
        write_cine(one.cine, paths[-1])
    TrainedNetwork.untrained(widths=(2, 4)).save(tmp_path / "network.pt")
    where = ["--out", str(tmp_path / "out"), "--network", str(tmp_path / "network.pt"), "--workers", "2", "--json"]
    done = run("scan", *paths, *where, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert len(json.loads(done.stdout)["scans"]) == 2, done.stderr
