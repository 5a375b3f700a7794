"""Comparison of metrics with the committed expectation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cardiolib.files import file_hash, write_json
from cardiolib.workflow.report.expectation import largest_relative, tolerance, write_expectation
from cardiolib.workflow.report.runs_page import PublishedRun, published_run
from cardiolib.workflow.report.verify import compare_metrics, flatten, verify

WANTED = {
    "seed": 1,
    "metrics": {"a": {"c_index": 0.75, "n": 302, "layout": "simulated"}, "b": None},
    "tolerances": {"a.c_index": 0.03},
    "relative_tolerance": 1e-4,
    "absolute_tolerance": 1e-6,
}


def test_flatten_names_nested_values() -> None:
    assert flatten({"a": {"b": [1, {"c": 2}]}, "d": None}) == {"a.b.0": 1, "a.b.1.c": 2, "d": None}


def test_values_within_their_own_tolerance_agree() -> None:
    found = {"a": {"c_index": 0.779, "n": 302, "layout": "simulated"}, "b": None}
    assert compare_metrics(found, WANTED) == ([], 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c_index": 0.79}, "expected 0.75, found 0.79"),
        ({"n": 301}, "expected 302"),
        ({"layout": "acdc"}, "layout"),
        ({"extra": 1}, "a.extra is not in the expectation"),
    ],
)
def test_a_difference_is_named(change: dict, message: str) -> None:
    found = {"a": {"c_index": 0.75, "n": 302, "layout": "simulated", **change}, "b": None}
    problems, _ = compare_metrics(found, WANTED)
    assert len(problems) == 1 and message in problems[0]


def test_a_missing_metric_is_named() -> None:
    problems, _ = compare_metrics({"a": {"c_index": 0.75, "n": 302}, "b": None}, WANTED)
    assert problems == ["metric a.layout is missing"]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    figures, reports = tmp_path / "figures" / "smoke-1", tmp_path / "reports" / "smoke-1"
    figures.mkdir(parents=True)
    (figures / "01_x.png").write_bytes(b"picture")
    stage = {
        "status": "complete",
        "declared_figures": ["01_x.png"],
        "outputs": {},
        "figures": {"01_x.png": file_hash(figures / "01_x.png")},
    }
    write_json(
        reports / "manifest.json",
        {
            "profile": "smoke",
            "cohort": "simulated",
            "named_simulation": True,
            "simulated": True,
            "overrides": [],
            "seed": 1,
            "run_folder": "data/derived/none",
            "stages": {"a": stage, "b": {"status": "nothing to do", "reason": "no follow-up"}},
        },
    )
    write_json(reports / "metrics.json", {"a": {"c_index": 0.75, "n": 302, "layout": "simulated"}, "b": None})
    write_json(tmp_path / "reports" / "expected" / "smoke.json", WANTED)
    return tmp_path


def verified(root: Path) -> tuple[list[str], list[str]]:
    return verify(published_run(root=root), root=root)


def test_a_published_run_is_verified_and_named(published: Path) -> None:
    problems, remarks = verified(published)
    assert problems == [] and remarks[0] == "run smoke-1"
    assert "4 metrics compared with reports/expected/smoke.json" in remarks


def test_a_missing_declared_figure_fails(published: Path) -> None:
    (published / "figures" / "smoke-1" / "01_x.png").unlink()
    assert "declared figure figures/smoke-1/01_x.png is missing" in verified(published)[0]


def test_a_changed_figure_fails(published: Path) -> None:
    (published / "figures" / "smoke-1" / "01_x.png").write_bytes(b"another picture")
    assert verified(published)[0] == ["figures/smoke-1/01_x.png differs from the recorded hash"]


def test_changed_metrics_fail(published: Path) -> None:
    path = published / "reports" / "smoke-1" / "metrics.json"
    write_json(path, json.loads('{"a": {"c_index": 0.5, "n": 302}}'))
    assert any("c_index" in problem for problem in verified(published)[0])


def test_another_seed_is_not_compared(published: Path) -> None:
    path = published / "reports" / "smoke-1" / "manifest.json"
    write_json(path, {**json.loads(path.read_text()), "seed": 2})
    problems, remarks = verified(published)
    assert problems == [] and any("not compared: seed 2" in remark for remark in remarks)


def test_nothing_published_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make reproduce"):
        published_run(root=tmp_path)


def test_an_unknown_run_is_answered_with_those_that_there_are(published: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no run named 'smoke-2'.*smoke-1"):
        published_run("smoke-2", root=published)


@pytest.mark.parametrize(
    ("name", "value", "spread", "expected"),
    [
        ("segmentation.dice_lv_wall", 0.8, 0.0, 0.005),
        ("segmentation.dice_lv_wall", 0.8, 0.01, 0.02),
        ("scan.lv_ef_labels_percent", 65.0, 0.1, 0.5),
        ("segmentation.lvef_bias_points", -0.1, 0.4, 0.8),
        ("motion.tracking_lv_es_mm", 4.0, 0.0, 0.02),
        ("motion.tracking_lv_es_mm", 0.2, 0.1, 0.2),
        ("survival.network_cv_c_index", 0.7, 0.0, 0.005),
        ("motion.flagged_subjects_count", 1, 0.0, None),
        ("motion.flagged_subjects_count", 1, 1.0, 1.0),
        ("cohort.median_follow_up_years", 2.6, 0.0, None),
    ],
)
def test_tolerances_follow_what_other_kernels_differed_by(name, value, spread, expected) -> None:
    assert tolerance(name, value, spread) == (expected if expected is None else pytest.approx(expected))


KERNELS = ("torch AVX512", "torch AVX2", "torch DEFAULT")


def run_on(kernel: str, c_index: float, *, n: int = 302, seed: int = 1, profile: str = "smoke") -> PublishedRun:
    manifest = {
        "cohort": "simulated",
        "overrides": [],
        "profile": profile,
        "seed": seed,
        "stages": {"survival": {"kernels": kernel}},
    }
    metrics = {"survival": {"c_index": c_index, "n_count": n, "layout": "simulated"}}
    return PublishedRun(f"on {kernel}", Path(), manifest, metrics, 0.0)


def test_an_expectation_holds_the_spread_between_kernels(tmp_path: Path) -> None:
    runs = [run_on(kernel, c) for kernel, c in zip(KERNELS, (0.75, 0.76, 0.74), strict=True)]
    path = write_expectation(runs[0], runs[1:], root=tmp_path)
    wanted = json.loads(path.read_text())
    assert wanted["kernels"] == list(KERNELS)
    assert wanted["spread"] == {"survival.c_index": pytest.approx(0.01)}
    assert wanted["tolerances"] == {"survival.c_index": pytest.approx(0.02)}
    assert all(compare_metrics(run.metrics, wanted)[0] == [] for run in runs)
    assert compare_metrics(run_on("torch NEON", 0.775).metrics, wanted)[0]
    assert largest_relative(wanted) == (pytest.approx(0.02), "survival.c_index")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (run_on(KERNELS[0], 0.75), "made with the same kernels"),
        (run_on(KERNELS[1], 0.75, seed=2), "seed"),
        (run_on(KERNELS[1], 0.75, profile="default"), "profile"),
    ],
)
def test_runs_that_say_nothing_about_processors_are_refused(other: PublishedRun, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        write_expectation(run_on(KERNELS[0], 0.75), [other], root=tmp_path)
    assert not list(tmp_path.iterdir())


def test_runs_that_record_other_numbers_are_refused(tmp_path: Path) -> None:
    other = run_on(KERNELS[1], 0.75)
    other.metrics["survival"]["more"] = 1.0
    with pytest.raises(ValueError, match="survival.more"):
        write_expectation(run_on(KERNELS[0], 0.75), [other], root=tmp_path)
