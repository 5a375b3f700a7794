"""What came from a file is text on the page of a scan, whatever is in it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cardiolib.imaging import Scan
from cardiolib.scan.overview import _page, _table
from cardiolib.scan.page import scan_page
from cardiolib.scan.risk import Risk
from cardiolib.scan.writing import provenance
from cardiolib.verdicts import LOOK

HOSTILE = """</style></script><script>alert(1)</script>"'><img src=x onerror=alert(2)>&lt;"""


def refuse_markup(text: str) -> None:
    """No script that is ours alone, no picture from elsewhere, no attribute that was broken out of."""
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.S)  # programs that the page brings along
    for part in (own, *re.findall(r"<script>(.*?)</script>", text, re.S)):
        assert "alert(1)</script>" not in part
    assert "<script>alert" not in text and "<img src=x" not in text and "onerror=alert(2)>" not in text


@pytest.fixture(scope="module")
def hostile(result):
    """A scan all of whose texts are hostile."""
    found = result.segmentation
    cine = Scan(
        result.cine.voxels,
        result.cine.affine,
        result.cine.frame_time_ms,
        notes=(HOSTILE,),
        simulated=True,
        subject_id=HOSTILE,
        series=pd.DataFrame({HOSTILE: [HOSTILE], "description": [HOSTILE]}, index=[HOSTILE]),
    )
    found = replace(found, notes=(*found.notes, HOSTILE), read_by={"about": HOSTILE, "network": HOSTILE})
    return replace(result, scan_id=HOSTILE, cine=cine, segmentation=found, lacks=HOSTILE)


def test_names_notes_and_descriptions_are_text_on_the_page(hostile) -> None:
    risk = Risk(0.1, 50.0, HOSTILE, (HOSTILE,), usable=True)
    text = scan_page(hostile, risk=risk, made_with=provenance())
    refuse_markup(text)
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert text.count(escaped) >= 8  # title, heading, what is lacking, remarks, reader, series, risk


def test_names_and_reasons_are_text_in_the_overview(tmp_path: Path) -> None:
    record = {
        "verdict": LOOK,
        "verdicts": {},
        "reasons": [HOSTILE],
        "indices": {},
        "simulated": False,
    }
    text = _page({HOSTILE: record}, {"other": HOSTILE})
    refuse_markup(text)
    assert text.count("&lt;script&gt;alert(1)") >= 2 and re.search(r"href='[^'<>\"]*/report.html'", text)
    assert list(_table({HOSTILE: record}, {}).index) == [HOSTILE]
