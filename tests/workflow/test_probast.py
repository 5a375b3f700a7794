"""PROBAST+AI page: the inventory of the tool, evidence from the run, nothing judged, nothing unconfirmed as a fact."""

from __future__ import annotations

import html
import re

import pytest
from reported_run import METRICS, manifest

from cardiolib.workflow.report.probast import NOTHING, probast_evidence, probast_page
from cardiolib.workflow.report.probast_items import DEVELOPMENT, EVALUATION, UNCHECKED, questions

SOURCES = ("(abstract)", "(released code)", "(authors' wiki)")
VALIDATION = METRICS["validation"] | {
    "network_c_harrell": 0.86,
    "network_c_oob": 0.81,
    "network_c_oob_low": 0.76,
    "network_c_oob_high": 0.86,
    "network_calibration_slope": 1.02,
}
WHOLE = METRICS | {
    "validation": VALIDATION,
    "cohort": METRICS["cohort"] | {"deaths_count": 85},
    "motion": METRICS["motion"] | {"tracked_subjects_count": 8},
}


def test_inventory_is_that_of_the_tool() -> None:
    for part, last in ((DEVELOPMENT, 5), (EVALUATION, 7)):
        numbers = [question.number for question in questions() if question.part == part]
        wanted = [(1, 3), (2, 4), (3, 4), (4, last)]
        assert numbers == [f"{domain}.{i}" for domain, count in wanted for i in range(1, count + 1)]
    assert len(questions()) == 16 + 18


def test_every_question_gets_evidence_from_a_whole_run() -> None:
    evidence = probast_evidence(WHOLE, manifest())
    assert all(one.from_run and "{" not in one.run for one in evidence)
    said = {(one.question.part, one.question.number): one.run for one in evidence}
    assert "0.888 on the training patients and 0.810 out of bag" in said[DEVELOPMENT, "4.5"]
    assert "0.760 to 0.860" in said[EVALUATION, "4.2"]
    assert "same 302 patients: see development 2.3" in said[EVALUATION, "2.3"]
    assert "Simulated patients represent nobody" in said[DEVELOPMENT, "1.3"]


def test_a_real_cohort_is_not_called_simulated() -> None:
    evidence = probast_evidence(WHOLE, manifest(simulated=False))
    assert not [one for one in evidence if "simulat" in one.run.replace("cohort is simulated, read as simulated", "")]
    by_number = {one.question.number: one for one in evidence if one.question.part == DEVELOPMENT}
    assert by_number["3.3"].run == NOTHING and not by_number["3.3"].from_run


def test_what_the_run_did_not_compute_is_said() -> None:
    evidence = probast_evidence(WHOLE | {"validation": None}, manifest())
    without = [one.question.number for one in evidence if not one.from_run]
    assert {"4.1", "4.2", "4.5", "4.6", "4.7"} <= set(without)
    assert all("did not compute" in one.run for one in evidence if not one.from_run)


@pytest.mark.parametrize("question", questions(), ids=lambda question: f"{question.part}-{question.number}")
def test_what_is_said_of_the_paper_has_a_source_or_is_not_checked(question) -> None:
    assert question.paper == UNCHECKED or any(source in question.paper for source in SOURCES)


def test_numbers_of_the_paper_are_those_that_were_confirmed() -> None:
    text = " ".join(question.paper for question in questions())
    allowed = {"302", "202", "11,514", "16", "6", "100", "0.75", "95", "0.70", "0.79"}
    bare = re.sub(r"CTEPH302|see development \d\.\d", "", text)
    assert set(re.findall(r"\d[\d,.]*\d|\d", bare)) <= allowed


def test_page_leaves_the_judgement_open_and_escapes() -> None:
    text = probast_page(WHOLE, manifest() | {"cohort": "x<script>y"}, banner="Simulated cohort")
    assert "x<script>y" not in text and html.escape("x<script>y") in text
    assert text.count("<tr id='development-") == 16 and text.count("<tr id='evaluation-") == 18
    answers = re.findall(r"<tr id='(?:development|evaluation)-[\d.]+'>.*?<td>([^<]*)</td></tr>", text)
    assert answers == [""] * 34
    assert "applies to no clinical question" in text and "http" not in text
    assert "applies to no clinical question" not in probast_page(WHOLE, manifest(simulated=False), banner="")
