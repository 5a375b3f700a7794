"""What pages say of a run, and two runs side by side."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardiolib.files import write_json
from cardiolib.workflow.notebooks import neighbours, page
from cardiolib.workflow.report.compare import comparison
from cardiolib.workflow.report.index_page import index_page
from cardiolib.workflow.report.runs_page import latest_page, published_runs, runs_page
from cardiolib.workflow.report.worth import banners, small_banner
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES


def a_run(**given: object) -> Run:
    run = Run(**given)
    run.__dict__["opened"] = SimpleNamespace(name="x", layout="test", simulated=True, table=range(80))
    return run


def test_a_small_run_says_so_and_a_whole_one_does_not() -> None:
    said = small_banner(a_run(profile="smoke"), {})
    for part in ("80 patients", "25 epochs", "8 bootstrap bags", "mean little"):
        assert part in said
    assert "segmentation network" not in said  # the one that ships reads the scans
    assert small_banner(a_run(profile="default"), {}) == ""
    assert len(banners(a_run(profile="default"), {})) == 1
    assert "10 hearts" in small_banner(a_run(overrides=("segmentation.n_training=10",)), {})


def test_a_run_for_teaching_says_what_it_is_for() -> None:
    said = small_banner(a_run(profile="lecture"), {})
    assert "40 bootstrap bags" in said and "teaching" in said and "mean little" not in said
    assert "302 patients" not in said  # as many as the default has


def test_a_tracker_that_has_learnt_little_is_named_with_its_numbers() -> None:
    metrics = {"motion": {"endpoint_es_mm": 8.0, "zero_motion_es_mm": 10.7}}
    brief = a_run(overrides=("segmentation.n_training=10",))
    assert "8.0 mm off" in small_banner(brief, metrics)
    assert "mm off" not in small_banner(a_run(profile="smoke"), metrics)  # its network was not trained briefly
    metrics["motion"]["endpoint_es_mm"] = 1.2
    assert "mm off" not in small_banner(brief, metrics)


def conclusion(metrics: dict) -> str:
    """What the page of a run says to the paper's claim; of its stages only the cohort has run."""
    versions = dict.fromkeys(("python", "torch", "numpy", "scikit-learn", "lifelines", "pyswarms", "umap-learn"), "1")
    stages = {name: {"status": "nothing to do", "reason": "not asked for"} for name in STAGES}
    stages["cohort"] = {
        "status": "complete",
        "seconds": 1.0,
        "figures": [],
        "versions": versions,
        "git": {"commit": "abc", "dirty": False},
    }
    manifest = {"stages": stages, "motion_source": "none", "profile": "smoke", "cohort": "x", "overrides": []}
    text = index_page(a_run(profile="smoke"), metrics, {**manifest, "seed": 1, "total_seconds": 1.0}, banner="")
    return text.partition("<h3>What this run says</h3>")[2].partition("<h2>")[0]


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.02, 0.2, "better than the volumes do"),
        (-0.2, -0.02, "against the paper"),
        (-0.1, 0.1, "does not show which"),
    ],
)
def test_the_conclusion_follows_the_interval(low: float, high: float, verdict: str) -> None:
    validation = {
        "c_difference": (low + high) / 2,
        "c_difference_low": low,
        "c_difference_high": high,
        "network_c_oob": 0.79,
        "linear_c_oob": 0.78,
    }
    said = conclusion({"validation": validation, "cohort": {"simulated": True}})
    assert verdict in said and "0.78" in said and "says nothing about patients" in said
    assert "simulated" not in conclusion({"validation": validation, "cohort": {"simulated": False}})
    assert conclusion({"validation": {"network_c_oob": 0.7}}) == ""


def test_neighbours_of_the_first_and_the_last_page() -> None:
    pages = [("1.html", "One"), ("2.html", "Two")]
    assert "prev" not in neighbours(pages, "1.html") and "2.html" in neighbours(pages, "1.html")
    assert "next" not in neighbours(pages, "2.html") and "1.html" in neighbours(pages, "2.html")


def test_a_page_carries_all_its_banners_escaped() -> None:
    text = page("T", "<p>b</p>", banner=["one & two", "", "three"])
    assert text.count("class='banner'") == 2 and "one &amp; two" in text


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, seed, latent, c in (("smoke-a", 1, None, 0.71), ("smoke-b", 2, 8, 0.75)):
        fixed = {} if latent is None else {"latent": latent}
        write_json(
            tmp_path / "reports" / name / "manifest.json",
            {
                "profile": "smoke",
                "cohort": "simulated",
                "simulated": True,
                "seed": seed,
                "overrides": ["survival.latent=8"] if fixed else [],
                "stages": {"survival": {"status": "complete", "parameters": {"epochs": 25, "fixed": fixed}}},
            },
        )
        write_json(
            tmp_path / "reports" / name / "metrics.json",
            {"cohort": {"subjects_count": 80}, "validation": {"network_c_oob": c}, "interpretation": None},
        )
    return tmp_path


def test_two_runs_side_by_side(root: Path) -> None:
    a, b = sorted(published_runs(root), key=lambda run: run.name)
    lines = comparison(a, b)
    asked, found = lines[: lines.index("Found")], lines[lines.index("Found") :]
    assert any(line.split()[:3] == ["seed", "1", "2"] for line in asked)
    assert any("survival.fixed" in line and json.dumps({"latent": 8}) in line for line in asked)
    assert not any("survival.epochs" in line for line in asked)
    assert any(line.split() == ["validation.network_c_oob", "0.71", "0.75", "+0.04"] for line in found)
    assert any("subjects_count" in line and line.endswith("the same") for line in found)
    assert "  nothing: the same profile, cohort, seed and parameters" in comparison(a, a)


def test_the_list_of_runs_names_cohort_and_parameters(root: Path) -> None:
    text = runs_page(published_runs(root))
    for part in ("smoke-a/index.html", "smoke-b/index.html", "simulated (simulated)", "survival.latent=8", "0.75"):
        assert part in text
    assert "not computed" in text
    assert "url=smoke-b/index.html" in latest_page("smoke-b")
