"""A small run is killed at seeded moments and started again: it ends as if undisturbed, and nothing stays behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.safety_kills import VICTIMS, Kill, half_written, kills, left_behind, results_of, what_kills_cost

SEED = int(os.environ.get("CARDIOLIB_KILLS_SEED", "1"))
N_KILLS = int(os.environ.get("CARDIOLIB_KILLS", "4"))
"""More of them: CARDIOLIB_KILLS=40 CARDIOLIB_KILLS_SEED=7 pytest -m slow tests/crash."""


@pytest.mark.slow
def test_nothing_is_lost_by_a_kill() -> None:
    lost = {kill: reason for kill, reason in what_kills_cost(kills(N_KILLS, seed=SEED)) if reason}
    assert lost == {}


def test_kills_are_seeded_and_dealt_to_all_victims() -> None:
    planned = kills(8, seed=3)
    assert planned == kills(8, seed=3) != kills(8, seed=4)
    assert [one.victim for one in planned] == [*VICTIMS, *VICTIMS]
    assert all(0 < one.moment < 1 for one in planned) and planned[0] == Kill("runner", planned[0].moment)


def test_what_is_compared_leaves_out_clocks_and_nothing_else(tmp_path: Path) -> None:
    for name, seconds, c in (("one", 3, 0.7), ("two", 5, 0.7), ("three", 3, 0.8)):
        (tmp_path / name).mkdir()
        duration = f"<button data-source='manifest.total_seconds'>{seconds}</button><b>total_seconds</b> = {seconds}.1"
        page = f"<td>complete</td>{duration}<td class='number'>{c}</td> {tmp_path / name}"
        (tmp_path / name / "index.html").write_text(page)
        (tmp_path / name / "run.lock").write_text(name)
    one, two, three = (results_of(tmp_path / name) for name in ("one", "two", "three"))
    assert list(one) == ["index.html"] and one == two != three


def test_what_a_kill_leaves_is_seen(tmp_path: Path) -> None:
    (tmp_path / "reports" / ".writing-abc").mkdir(parents=True)
    (tmp_path / "reports" / ".writing-abc" / "index.html").write_text("<ht")
    (tmp_path / "reports" / "metrics.json").write_text("{")
    assert left_behind(tmp_path) == ["reports/.writing-abc"]
    assert half_written(tmp_path, {"reports/metrics.json": b"{}"}) == ["reports/metrics.json"]
