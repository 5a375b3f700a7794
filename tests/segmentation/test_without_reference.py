"""Why there is nothing to compare with: no references, or references that cannot be used."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from cardiolib.segmentation.segmented import (
    ALL_TRAINED_ON,
    NO_REFERENCE,
    SegmentedCohort,
    why_without_reference,
)

pytestmark = pytest.mark.field_fault("K14")


def cohort(*labelled: str, notes: tuple[str, ...] = ()) -> SimpleNamespace:
    return SimpleNamespace(ids_with=lambda what: labelled, notes=notes)


@pytest.mark.parametrize(
    ("given", "trained_on", "told"),
    [
        (cohort(), (), NO_REFERENCE),
        (cohort(notes=("labels of a, b are not read: name the scheme",)), (), "labels of a, b are not read: name the"),
        (cohort("a", "b"), (), "2 of these scans have reference labels, but it is not known which two frames"),
        (cohort("c"), (), "reference labels of 1 scan\\(s\\), and none of these was segmented.*max_scans"),
        (cohort("a", "b"), ("a", "b"), ALL_TRAINED_ON),
    ],
)
def test_the_reason_is_the_cohorts(given: SimpleNamespace, trained_on: tuple[str, ...], told: str) -> None:
    why = why_without_reference(given, ["a", "b"], trained_on)
    pd.testing.assert_series_equal(pd.Series([why]).str.contains(told), pd.Series([True]))
    result = SegmentedCohort(
        pd.DataFrame({"trained_on": [i in trained_on for i in "ab"]}, index=["a", "b"]),
        *(pd.DataFrame() for _ in range(4)),
        without=why,
    )
    assert result.lacks == result.measured_pairs.lacks == why


def test_references_without_a_structure_to_compare_are_not_denied() -> None:
    reference = pd.DataFrame({"lvef_percent": [50.0]}, index=["a"])
    result = SegmentedCohort(pd.DataFrame(index=["a"]), reference, *(pd.DataFrame() for _ in range(3)))
    assert "In none of the scans with reference labels was a structure found" in result.lacks
