"""Numbers in README come from committed files, and a number that does not is found out."""

from __future__ import annotations

import pytest

from benchmarks.orphans import readme_orphans
from cardiolib.workflow.stages import REPOSITORY


def test_every_result_in_readme_has_a_source_that_holds_it() -> None:
    assert readme_orphans((REPOSITORY / "README.md").read_text(encoding="utf-8")) == []


ROW = "## Results\n\n| a | b |\n|---|---|\n| C-index | {} |\n"


@pytest.mark.parametrize(
    ("cell", "orphans"),
    [
        ("0.75", 1),
        ("0.75 <!-- from paper: c_network -->", 0),
        ("0.74 <!-- from paper: c_network -->", 1),
        ("11,514 <!-- from paper: inputs -->", 0),
        ("302 <!-- from default: cohort.subjects_count -->", 0),
        ("303 <!-- from default: cohort.subjects_count -->", 1),
        ("no number", 0),
        ("[a](http://x/1) `2` .632+ with a 95 % interval", 0),
    ],
)
def test_rows_of_tables(cell: str, orphans: int) -> None:
    assert len(readme_orphans(ROW.format(cell))) == orphans


def test_sentences_that_state_results_need_a_source_and_others_do_not() -> None:
    assert len(readme_orphans("## Limits\n\nIt is 5 off.\n\n- And 6.\n")) == 2
    assert readme_orphans("## Limits\n\nIt is 5 off.\n<!-- from given: 5 -->\n") == []
    assert readme_orphans("## Other\n\nIt takes 5 minutes.\n") == []
    quoted = "## Limits\n\nIt is {} points off.\n<!-- from doc: docs/network_card.md LVEF is 5.4 points off -->\n"
    assert readme_orphans(quoted.format("5.4")) == [] and len(readme_orphans(quoted.format("6"))) == 1


@pytest.mark.parametrize("source", ["hearsay: 0.75", "doc: docs/network_card.md words that are not there"])
def test_a_source_that_does_not_exist_is_an_error(source: str) -> None:
    with pytest.raises(ValueError, match="README"):
        readme_orphans(ROW.format(f"0.75 <!-- from {source} -->"))
