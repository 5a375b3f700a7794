"""TRIPOD+AI report: the inventory of the guideline, every item accounted for, nothing invented."""

from __future__ import annotations

import html
import re

import pytest
from reported_run import METRICS, manifest

from cardiolib.workflow.report.tripod import ANSWERED, BY_AUTHORS, NOT_APPLICABLE, tripod_answers, tripod_page
from cardiolib.workflow.report.tripod_items import ITEMS


def test_inventory_is_that_of_tripod_ai_and_not_of_tripod_2015():
    numbers = [item.number for item in ITEMS]
    assert len(numbers) == len(set(numbers)) == 52
    main = [int(re.match(r"\d+", number).group()) for number in numbers]
    assert sorted(set(main)) == list(range(1, 28)) and main == sorted(main)
    by_number = {item.number: item for item in ITEMS}
    assert by_number["18f"].section == "Open science"
    assert by_number["19"].section == "Patient and public involvement"
    letters = {n: [m[len(str(n)) :] for m in numbers if re.match(r"\d+", m).group() == str(n)] for n in set(main)}
    assert letters[12] == list("abcdefg") and letters[18] == list("abcdef") and letters[27] == list("abc")


def test_every_item_is_answered_or_marked():
    answers = tripod_answers(METRICS, manifest())
    assert len(answers) == 52
    assert {answer.status for answer in answers} == {ANSWERED, BY_AUTHORS, NOT_APPLICABLE}
    for answer in answers:
        assert "{" not in answer.text
        assert bool(answer.text) == (answer.status == ANSWERED)
        if answer.status == NOT_APPLICABLE:
            assert not answer.item.simulated


def test_numbers_come_from_the_run():
    texts = {answer.item.number: answer.text for answer in tripod_answers(METRICS, manifest())}
    assert "0.793 (95 % interval 0.742 to 0.836)" in texts["23a"]
    assert "302 patients with 85 deaths are enough for about 4 of a model's parameters" in texts["10"]
    assert "100 bootstrap bags" in texts["12a"] and "2 times 6 folds" in texts["12a"]
    assert "abc1234" in texts["18f"]
    assert "median follow-up is 2.99 years" in texts["8a"]
    assert "at 3y" in texts["15"]
    assert "Search repeated in each bag: no" in texts["12c"]


def test_what_the_run_did_not_compute_is_left_to_the_authors():
    short = METRICS | {"validation": None}
    answers = {answer.item.number: answer for answer in tripod_answers(short, manifest())}
    assert answers["23a"].status == BY_AUTHORS
    assert answers["23a"].text == "This run did not compute what the answer needs."
    assert answers["4"].status == ANSWERED
    nothing = {answer.item.number: answer for answer in tripod_answers(METRICS | {"survival": None}, manifest())}
    assert nothing["4"].status == nothing["12b"].status == BY_AUTHORS


def test_a_real_cohort_leaves_nothing_out_as_simulated():
    answers = tripod_answers(METRICS, manifest(simulated=False))
    assert NOT_APPLICABLE not in {answer.status for answer in answers}
    by_number = {answer.item.number: answer for answer in answers}
    assert by_number["17"].status == by_number["18e"].status == BY_AUTHORS


@pytest.mark.parametrize("text", ["<script>", "&"])
def test_page_is_html_and_escapes(text):
    made = tripod_page(METRICS, manifest() | {"cohort": f"x{text}y"}, banner="b")
    assert f"cohort is x{text}y" not in made and f"cohort is x{html.escape(text)}y" in made
    assert "not applicable to a simulated cohort" in made and "for the authors to write" in made
    assert made.count("<tr id='item-") == 52
