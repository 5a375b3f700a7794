"""What pages say of a run, and two runs side by side."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from cardiolib.files import write_json
from cardiolib.workflow.notebooks import neighbours, page
from cardiolib.workflow.report.compare import comparison
from cardiolib.workflow.report.runs_page import latest_page, published_runs, runs_page
from cardiolib.workflow.report.worth import banner_templates, banners, says_nothing, small_banner
from cardiolib.workflow.run_plan import Run


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
    for part in ("200 patients", "30 bootstrap bags", "teaching"):
        assert part in said
    assert "mean little" not in said


def test_a_run_for_a_lecture_is_small_and_says_something() -> None:
    assert says_nothing(a_run(profile="smoke"))
    assert not says_nothing(a_run(profile="default"))
    lecture = a_run(profile="lecture")
    assert not says_nothing(lecture) and "made for teaching" in small_banner(lecture, {})


def test_the_templates_of_the_banners_hold_no_number_themselves() -> None:
    metrics = {"motion": {"endpoint_es_mm": 8.0, "zero_motion_es_mm": 10.7}}
    run = a_run(overrides=("segmentation.n_training=10",))
    templates = banner_templates(run, metrics)
    outside = [re.sub(r"{.*?}", "", text) for text in templates]
    assert len(templates) == 2 and not any(letter.isdigit() for text in outside for letter in text)
    assert "{manifest.stages.segmentation.parameters.n_training}" in templates[1]


def test_a_tracker_that_has_learnt_little_is_named_with_its_numbers() -> None:
    metrics = {"motion": {"endpoint_es_mm": 8.0, "zero_motion_es_mm": 10.7}}
    brief = a_run(overrides=("segmentation.n_training=10",))
    assert "8.0 mm off" in small_banner(brief, metrics)
    assert "mm off" not in small_banner(a_run(profile="smoke"), metrics)  # its network was not trained briefly
    metrics["motion"]["endpoint_es_mm"] = 1.2
    assert "mm off" not in small_banner(brief, metrics)


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
