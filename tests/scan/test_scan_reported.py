"""The same by a library call."""

from __future__ import annotations

import pytest
from made_scans import part

import cardiolib as cl
from cardiolib.files import read_json


def test_a_report_is_written_and_shows_itself(scan, found, result, tmp_path) -> None:
    done = cl.report(scan.cine, found, result.motion, folder=tmp_path / "heart")
    assert done.path == tmp_path / "heart" / "report.html" and done.path.stat().st_size > 1e6
    assert repr(done).startswith("Report of simulated scan heart: ") and str(done.path) in repr(done)
    html = done._repr_html_()
    assert html.startswith("<div><b>Report of simulated scan") and "LV ejection fraction" in html
    assert set(read_json(done.folder / "result.json")["indices"]) == set(result.indices.index)
    again = cl.report(scan.cine, found, result.motion, folder=tmp_path / "heart", scan_id="other name")
    assert read_json(again.folder / "result.json")["id"] == "other name"


def test_without_motion_it_says_so(scan, found, tmp_path) -> None:
    done = cl.report(scan.cine, found, folder=tmp_path / "heart")
    assert "no motion was given" in done.result.lacks and not (done.folder / "meshes").exists()


def test_labels_of_another_scan_are_refused(scan, found, tmp_path) -> None:
    cine, _ = part(scan, frames=[0, 1])
    with pytest.raises(ValueError, match="do not belong together"):
        cl.report(cine, found, folder=tmp_path / "heart")
    assert list(tmp_path.iterdir()) == []
