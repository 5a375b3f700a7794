"""Tables of the gate's verdicts: counts, the doubtful, and the gate against the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib.segmentation.quality_features import JUDGED
from cardiolib.segmentation.quality_tables import GateAgainstTruth, doubtful_scans, roc_auc, verdict_counts
from cardiolib.verdicts import DO_NOT_USE, LOOK, NOT_JUDGED, OK, verdict_sentence, verdicts_of


def quality(**verdicts: str) -> pd.DataFrame:
    """One row a scan; the RV decides."""
    score = {OK: 0.9, LOOK: 0.7, DO_NOT_USE: 0.3}
    rows = []
    for name, verdict in verdicts.items():
        row = {"ID": name, "verdict": verdict, "predicted_dice": score[verdict], "reasons": ""}
        row |= {f"{one}_dice": 0.9 for one in JUDGED} | {f"{one}_verdict": OK for one in JUDGED}
        row |= {"rv_cavity_dice": score[verdict], "rv_cavity_verdict": verdict}
        rows.append(row | {"reasons": "" if verdict == OK else "rv_cavity: torn"})
    return pd.DataFrame(rows).set_index("ID")


def compared(**dice: float) -> pd.DataFrame:
    """True Dice: of the RV at ES as given, all else .9."""
    rows = [
        (name, phase, structure, value if (structure, phase) == ("rv_cavity", "ES") else 0.9)
        for name, value in dice.items()
        for structure in JUDGED
        for phase in ("ED", "ES")
    ]
    return pd.DataFrame(rows, columns=["ID", "phase", "structure", "dice"])


def test_scans_and_structures_are_counted():
    counts = verdict_counts(quality(a=OK, b=LOOK, c=DO_NOT_USE, d=OK))
    assert counts["scan"].tolist() == [2, 1, 1] and counts["lv_cavity"].tolist() == [4, 0, 0]
    assert counts["rv_cavity"].tolist() == [2, 1, 1]


def test_the_doubtful_come_worst_first_and_the_rest_is_counted():
    table = quality(a=LOOK, b=OK, c=DO_NOT_USE)
    assert doubtful_scans(table) == ["c, do not use: rv_cavity: torn", "a, look at it: rv_cavity: torn"]
    assert doubtful_scans(table, at_most=1)[1] == "1 more stand in quality.csv."
    assert doubtful_scans(table[table["verdict"] == OK]) == ["The gate has nothing against any of the 1 scans."]


def test_the_gate_is_compared_with_the_worse_of_ed_and_es():
    gate = GateAgainstTruth.of(quality(a=OK, b=DO_NOT_USE, c=LOOK), compared(a=0.85, b=0.2, c=0.75))
    assert not gate.lacks and len(gate.table) == 9
    assert gate.table.set_index(["ID", "structure"]).loc[("b", "rv_cavity"), "dice"] == 0.2
    assert gate.auc == 1.0 and gate.missed_percent == 0.0
    missed = GateAgainstTruth.of(quality(a=OK, b=DO_NOT_USE), compared(a=0.1, b=np.nan))
    assert missed.missed_percent == 50.0 and np.isnan(missed.auc)
    none = GateAgainstTruth.of(quality(a=OK), compared(), lacks="No reference.")
    assert none.lacks == "No reference." and none.table.empty
    assert np.isnan(GateAgainstTruth.of(quality(a=OK), compared(a=0.9)).missed_percent)


def test_auc_by_hand():
    assert roc_auc(np.array([3.0, 2, 2, 1]), np.array([1, 1, 0, 0])) == pytest.approx((2 + 1 + 0.5) / 4)
    assert np.isnan(roc_auc(np.array([1.0, 2]), np.array([0, 0])))


def test_verdicts_are_found_by_id_and_never_made_up(tmp_path):
    quality(a=OK, b=DO_NOT_USE).to_csv(tmp_path / "quality.csv")
    found = verdicts_of(tmp_path / "quality.csv", ["b", "x"])
    assert found["verdict"].tolist() == [DO_NOT_USE, NOT_JUDGED] and found.loc["b", "reasons"] == "rv_cavity: torn"
    sentence = verdict_sentence(found["verdict"], of="patients")
    assert "1 of 2 patients should not be used (b)" in sentence and sentence.endswith("1 were not judged.")
    none = verdicts_of(tmp_path / "absent.csv", ["b"])["verdict"]
    assert verdict_sentence(none, of="patients").startswith("The segmentations of these 1 patients were not judged")
