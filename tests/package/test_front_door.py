"""``import cardiolib as cl``: what it costs, what it gives, and that every example in it runs."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest

import cardiolib as cl
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.motion import TrackingSettings
from cardiolib.segmentation import TrainedNetwork, shipped

REPOSITORY = Path(cl.__file__).resolve().parents[1]
NAMES = sorted(cl.__all__)


def run(code: str, **settings: object) -> str:
    command = [sys.executable, "-W", "error::ImportWarning", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, **settings).stdout


def test_the_import_loads_nothing_heavy() -> None:
    code = "import json, sys, cardiolib; print(json.dumps(sorted(sys.modules)))"
    loaded = {name.split(".")[0] for name in json.loads(run(code, cwd=REPOSITORY))}
    assert not loaded & {"torch", "pandas", "scipy", "matplotlib", "sklearn", "lifelines", "pyvista", "numpy"}


def test_every_name_is_there_and_none_is_hidden_by_a_module() -> None:
    assert 22 <= len(NAMES) <= 32
    for name in NAMES:
        assert isinstance(getattr(cl, name), types.ModuleType) == (name == "figures"), name
    beside = {path.stem for path in (REPOSITORY / "cardiolib").iterdir()}
    assert beside & set(NAMES) == {"figures"}


def test_a_name_survives_the_import_of_all_packages_first() -> None:
    code = (
        "import cardiolib.validation.concordance, cardiolib.interpretation.saliency, cardiolib.survival;"
        "import cardiolib as c;"
        "print(callable(c.concordance), callable(c.saliency), callable(c.cross_validate), c.__version__)"
    )
    assert run(code, cwd=REPOSITORY).split() == ["True", "True", "True", cl.__version__]


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name: str) -> None:
    found = doctest.DocTestFinder(recurse=False).find(getattr(cl, name), name)
    runner = doctest.DocTestRunner()
    for example in found:
        runner.run(example)
    assert runner.tries > 0 and runner.failures == 0


def test_the_quick_start_of_the_readme_runs_as_written(tmp_path: Path) -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## From Python.*?```python\n(.*?)```", text, re.S)
    assert block
    run(block[1], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})


@pytest.fixture(scope="module")
def scan():
    coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    return cl.acquire(cl.DigitalHeart(), coarse, phases=np.arange(0, 1, 0.2), rng=np.random.default_rng(1))


def test_a_tracked_heart_holds_its_true_volume_and_says_so(scan) -> None:
    motion = cl.track(scan.cine, scan.labels, settings=TrackingSettings.fast())
    truth = cl.DigitalHeart().volumes_ml([0.0])["lv_cavity"][0]
    assert abs(motion.volumes["lv_cavity_ml"].iloc[0] / truth - 1) < 0.15
    assert np.asarray(motion).shape == motion.positions.shape == (20, 3683, 3)
    assert motion.motion.shape == (11514,) and set(motion.strain["segment"]) == set(range(1, 17))
    assert "ejection fraction" in repr(motion) and "<table" in motion._repr_html_()


def test_tracking_says_what_is_wrong(scan) -> None:
    with pytest.raises(ValueError, match="found.labels"):
        cl.track(scan.cine, scan)
    empty = cl.LabelMap(np.zeros_like(scan.labels.labels), scan.labels.affine, scan.labels.scheme)
    with pytest.raises(ValueError, match="heart cannot be tracked"):
        cl.track(scan.cine, empty)


def test_segment_takes_the_network_given_or_named_or_shipped(scan, tmp_path, monkeypatch) -> None:
    network = TrainedNetwork.untrained(widths=(2, 4))
    expected = network.segment(scan.cine).labels.labels
    monkeypatch.delenv(shipped.NETWORK, raising=False)
    default = cl.segment(scan.cine)
    assert np.array_equal(default.labels.labels, shipped.shipped_network().segment(scan.cine).labels.labels)
    assert not np.array_equal(default.labels.labels, expected)
    network.save(tmp_path / "network.pt")
    monkeypatch.setenv(shipped.NETWORK, str(tmp_path / "network.pt"))
    assert np.array_equal(cl.segment(scan.cine).labels.labels, expected)
    monkeypatch.setenv(shipped.NETWORK, str(tmp_path / "absent.pt"))
    with pytest.raises(FileNotFoundError, match=r"absent\.pt"):
        cl.segment(scan.cine)
    found = cl.segment(scan.cine, tmp_path / "network.pt")
    assert np.array_equal(found.labels.labels, expected)
    assert "ED is frame" in repr(found) and "lv_cavity_ml" in found._repr_html_()


_SESSION = """
import numpy as np, pandas as pd
import cardiolib as cl
from cardiolib.cohorts import Cohort, write_motion_file
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.motion import TrackingSettings
from cardiolib.segmentation import TrainedNetwork
assert "site" in cl.__file__, cl.__file__
coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
scan = cl.acquire(cl.DigitalHeart(), coarse, phases=np.arange(0, 1, .2), rng=np.random.default_rng(1))
found = cl.segment(scan.cine, TrainedNetwork.untrained(widths=(2, 4)))
motion = cl.track(scan.cine, scan.labels, settings=TrackingSettings.fast())
rng = np.random.default_rng(1)
X = rng.normal(size=(30, 11514))
time = rng.exponential(np.exp(-X[:, 0]))
table = pd.DataFrame({"time": time.clip(max=2), "event": time < 2}, index=[f"p{i}" for i in range(30)])
write_motion_file(Cohort("thirty", table, motion=X), "thirty.npz")
data = cl.SurvivalData.of(cl.open_cohort("thirty.npz"))
quick = cl.NetworkSettings(hidden=8, latent=2, epochs=3)
model = cl.fit_network(data, settings=quick, seed=1)
boot = cl.bootstrap(cl.NetworkRecipe(quick), data, n=6, seed=1)
print(model, boot, boot._repr_html_())
cl.figures.kaplan_meier(boot)
"""


@pytest.mark.slow
def test_the_session_works_from_a_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = subprocess.run(
        ["git", "ls-files", "cardiolib", "pyproject.toml", "README.md", "LICENSE"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((REPOSITORY / name).read_bytes())
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(source)]
    subprocess.run([sys.executable, *build], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        archive.extractall(tmp_path / "site")
    assert {name for name in files if name.startswith("cardiolib/")} <= inside
    run(_SESSION, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "MPLBACKEND": "agg"})
