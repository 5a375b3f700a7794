"""A certificate says what was found, number by number, and does not outlive the run that it is about."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cardiolib.files import read_json, write_json
from cardiolib.workflow.__main__ import main
from cardiolib.workflow.certificate.issuing import certify, withdraw
from cardiolib.workflow.report.runs_page import PublishedRun, published_run


def cells(page: str, name: str) -> list[str]:
    row = re.search(rf"<tr><td>{re.escape(name)}</td>(.*?)</tr>", page)
    assert row
    return [re.sub(r"<[^>]+>", "", cell) for cell in row.group(1).split("</td>") if cell]


def test_a_run_that_agrees_is_certified_number_by_number(root: Path, run: PublishedRun) -> None:
    made = certify(run, root=root)
    assert made.problems == ()
    page = made.page.read_text(encoding="utf-8")
    assert "All 2 values agree with reports/expected/smoke.json" in page
    assert cells(page, "c_index") == ["0.76", "0.75", "+0.01", "0.03", "agrees"]
    assert cells(page, "subjects_count") == ["80", "80", "0", "0.008", "agrees"]
    assert "All 2 values agree" in repr(made) and "problem" not in repr(made)


def test_the_page_says_on_what_and_simulated_and_loads_nothing(root: Path, run: PublishedRun) -> None:
    page = certify(run, root=root).page.read_text(encoding="utf-8")
    for part in ("A Processor, 2 cores, 7.5 GiB of memory", "torch AVX2", "torch 2.13.0", "abc123", "Simulated cohort"):
        assert part in page
    assert "no CODECHECK certificate" in page and "on simulated patients" in page
    assert not re.search(r"(src|href)=['\"]https?:|<script|@import|url\(", page)
    assert str(root) not in page
    digest = run.manifest["stages"]["survival"]["figures"]["03_search.png"]
    assert f"<td>as recorded</td><td><code>{digest}</code>" in page


@pytest.mark.parametrize(("value", "verdict"), [(0.79, "differs"), (None, "missing")])
def test_what_differs_is_named_and_still_written(root: Path, run: PublishedRun, value, verdict: str) -> None:
    run.metrics["survival"] = {} if value is None else {"c_index": value}
    made = certify(run, root=root)
    page = made.page.read_text(encoding="utf-8")
    assert len(made.problems) == 1 and "survival.c_index" in made.problems[0]
    assert "1 of 2 values do not agree" in page
    assert cells(page, "survival.c_index")[-1] == verdict


def test_a_changed_figure_is_named(root: Path, run: PublishedRun) -> None:
    (root / "figures" / run.name / "03_search.png").write_bytes(b"another")
    made = certify(run, root=root)
    assert any("03_search.png differs" in problem for problem in made.problems)
    assert "<b>differs</b>" in made.page.read_text(encoding="utf-8")


def test_a_run_without_an_expectation_says_why(root: Path, run: PublishedRun) -> None:
    run.manifest["overrides"] = ["survival.latent=8"]
    made = certify(run, root=root)
    assert made.problems == ()
    page = made.page.read_text(encoding="utf-8")
    assert "No number was compared" in page and "survival.latent=8" in page


def test_the_newest_certificate_is_opened_from_the_reports(root: Path, run: PublishedRun) -> None:
    certify(run, root=root)
    page = (root / "reports" / "certificate.html").read_text(encoding="utf-8")
    assert f"{run.name}/certificate.html" in page
    assert (root / "codecheck.yml").is_file()


def test_a_certificate_goes_when_the_run_is_another(root: Path, run: PublishedRun) -> None:
    assert not withdraw(run.folder)
    made = certify(run, root=root)
    assert not withdraw(run.folder) and made.page.is_file()  # published again, the same
    write_json(run.folder / "metrics.json", {**run.metrics, "more": {"x": 1}})
    assert withdraw(run.folder)
    left = {path.name for path in run.folder.iterdir()}
    assert left == {"manifest.json", "metrics.json", "index.html", "tripod.html", "03_dae_survival.html"}
    assert not (root / "reports" / "certificate.html").exists()
    assert (root / "figures" / run.name / "03_search.png").is_file()


def test_what_is_left_is_opened_after_a_withdrawal(root: Path, run: PublishedRun) -> None:
    other = run.folder.with_name("smoke-simulated-2")
    for name in ("manifest.json", "metrics.json"):
        write_json(other / name, read_json(run.folder / name))
    certify(published_run(other.name, root=root), root=root)
    certify(run, root=root)
    write_json(run.folder / "metrics.json", {})
    assert withdraw(run.folder)
    assert "smoke-simulated-2/certificate.html" in (root / "reports" / "certificate.html").read_text(encoding="utf-8")


def test_the_command_says_and_writes(root: Path, run: PublishedRun, monkeypatch, capsys) -> None:
    from cardiolib.workflow.certificate import issuing
    from cardiolib.workflow.report import runs_page

    monkeypatch.setattr(runs_page, "published_run", lambda name: published_run(name, root=root))
    monkeypatch.setattr(issuing, "certify", lambda found: certify(found, root=root))
    assert main(["certificate", "--run", run.name]) == 0
    said = capsys.readouterr().out
    assert "All 2 values agree" in said and "wrote certificate.html" in said
    assert main(["certificate", "--run", "no-such-run"]) == 1
