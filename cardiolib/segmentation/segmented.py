"""What was found in the scans of a cohort: tables, agreement with the reference, cases to look at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.imaging import Cine, LabelMap, ed_es_frames, read_label_map
from cardiolib.segmentation.measures import agreement
from cardiolib.segmentation.quality_tables import GateAgainstTruth, doubtful_scans, verdict_counts

AGREEMENT = {
    f"{side}{measure}": f"{side.upper()} {title}"
    for side in ("lv", "rv")
    for measure, title in (
        ("_edv_ml", "end-diastolic volume"),
        ("_esv_ml", "end-systolic volume"),
        ("ef_percent", "ejection fraction"),
    )
}
"""Measures shown in the agreement figure, and their titles."""
ALL_TRAINED_ON = "Every scan with reference labels was trained on: there is nothing to compare with."
NO_REFERENCE = "This cohort has no reference labels: there is nothing to compare with."


@dataclass(frozen=True)
class SegmentedCohort:
    """What was found in a cohort's scans.

    Attributes
    ----------
    measures : DataFrame
        One row a subject: ed, es (frames), volumes, ejection fractions, masses, read_by (name of the network),
        trained_on (whether that network was trained on this scan), notes.
    reference : DataFrame
        The same measures of the reference label maps; no rows where there are none.
    comparison : DataFrame
        Subject, phase (ED, ES), structure, dice, distances in mm, volumes; no rows without references.
    landmarks : DataFrame
        Subject, phase, landmark, x_mm, y_mm, z_mm (world), placed_by ("network", "geometry", "none"), in_plane_mm and
        slices (distance to the known landmark; not known for real scans).
    quality : DataFrame
        What the quality gate says of each scan, see `SegmentationQuality.as_row`; index ID.
    without : str
        Why there are no references, where there are none (`why_without_reference`).
    """

    measures: pd.DataFrame
    reference: pd.DataFrame
    comparison: pd.DataFrame
    landmarks: pd.DataFrame
    quality: pd.DataFrame = field(default_factory=pd.DataFrame)
    without: str = NO_REFERENCE

    @property
    def verdicts(self) -> pd.DataFrame:
        """How many scans, and structures, got which verdict of the quality gate."""
        return verdict_counts(self.quality)

    @property
    def doubtful(self) -> list[str]:
        """The scans that should be looked at or not be used, with the reasons, the worst first."""
        return doubtful_scans(self.quality)

    @property
    def gate(self) -> GateAgainstTruth:
        """What the gate predicted, against the Dice with the reference."""
        return GateAgainstTruth.of(self.quality, self.comparison, lacks=self.lacks)

    @property
    def lacks(self) -> str:
        """What is missing for a comparison, in a sentence; empty where nothing is."""
        if len(self.comparison):
            return ""
        if len(self.reference):
            return "In none of the scans with reference labels was a structure found: there is nothing to compare."
        return ALL_TRAINED_ON if self.trained_on and self.without == NO_REFERENCE else self.without

    @property
    def trained_on(self) -> list[str]:
        """Subjects that the network which read them was trained on: they enter no comparison."""
        if "trained_on" not in self.measures:
            return []
        return [str(i) for i in self.measures.index[self.measures["trained_on"].astype(bool)]]

    @property
    def unseen(self) -> list[str]:
        """The other subjects, in the order of the table."""
        return [str(i) for i in self.measures.index if str(i) not in set(self.trained_on)]

    @property
    def left_out(self) -> str:
        """Which scans enter no comparison, in a sentence."""
        if not self.trained_on:
            return "No scan was read by a network that was trained on it."
        named = ", ".join(self.trained_on[:8]) + (" and others" if len(self.trained_on) > 8 else "")
        return (
            f"{len(self.trained_on)} of {len(self.measures)} scans were trained on ({named}). They are segmented too, "
            "for the notebooks that follow, but they are left out of every comparison below."
        )

    @property
    def remarks(self) -> list[str]:
        """What reader and network had to say about the scans, the commonest five, with the number of scans."""
        counts = self.measures["notes"].replace("", "no remark").value_counts().head()
        return [f"{note} ({count} scans)" for note, count in counts.items()]

    @property
    def comparison_table(self) -> pd.DataFrame:
        """Mean Dice and distances (mm) by structure and phase; no rows without reference labels."""
        columns = ["dice", "assd_mm", "hausdorff95_mm", "hausdorff_mm"]
        if self.lacks:
            return pd.DataFrame(columns=columns)
        return self.comparison.groupby(["structure", "phase"])[columns].mean()

    @property
    def volume_agreement(self) -> pd.DataFrame:
        """Agreement and correlation of the volumes (mL), ED and ES apart, by structure, see `agreement`."""
        if self.lacks:
            return pd.DataFrame()
        table = self.comparison.assign(what=self.comparison["structure"] + " " + self.comparison["phase"])
        found, truth = (
            table.pivot(index="ID", columns="what", values=name) for name in ("volume_ml", "true_volume_ml")
        )
        return agreement(found, truth)

    @property
    def measured_pairs(self) -> MeasuredPairs:
        """Automated and reference values of the clinical measures, for Bland-Altman plots.

        A measure is left out where fewer than two scans have both values: limits of agreement need two.
        """
        if not len(self.reference):
            return MeasuredPairs({}, {}, self.lacks or self.without)
        found = self.measures.loc[self.reference.index]
        pairs = {
            title: (found[name].to_numpy(float), self.reference[name].to_numpy(float))
            for name, title in AGREEMENT.items()
        }
        pairs = {title: pair for title, pair in pairs.items() if np.isfinite(np.sum(pair, axis=0)).sum() >= 2}
        if pairs:
            return MeasuredPairs(pairs, {title: "%" if "fraction" in title else "mL" for title in pairs})
        return MeasuredPairs(
            {},
            {},
            f"In fewer than two of the {len(self.measures)} scans were both ventricles found, so agreement with the "
            "reference cannot be told. Train longer (`n_training`, `epochs`) or segment more scans (`max_scans`).",
        )


@dataclass(frozen=True, eq=False)
class MeasuredPairs:
    """What was measured, beside its reference.

    Attributes
    ----------
    values : dict of str to (measured, reference)
        Title of the measure -> two (N,) arrays; empty where there is nothing to compare.
    units : dict of str to str
        Title -> unit.
    lacks : str
        Why there is nothing; empty where there is something.
    """

    values: dict[str, tuple[np.ndarray, np.ndarray]]
    units: dict[str, str]
    lacks: str = ""


@dataclass(frozen=True, eq=False)
class SegmentedScan:
    """One scan to look at.

    Attributes
    ----------
    cine : Cine or None
        None where there is no such scan, and `lacks` says why.
    frames : dict of str to int
        What a frame shows ("ED") -> frame of the cine.
    predicted, truth : LabelMap or None
        What was found, and the reference: with as many frames as the cine, or as `frames` in that order.
    subject_id : str
    lacks : str
    """

    cine: Cine | None
    frames: dict[str, int]
    predicted: LabelMap | None = None
    truth: LabelMap | None = None
    subject_id: str = ""
    lacks: str = ""

    @classmethod
    def none(cls, reason: str) -> SegmentedScan:
        """No scan, for this reason."""
        return cls(None, {}, lacks=reason)


def best_and_worst(cohort: Cohort, folder: Path, result: SegmentedCohort) -> tuple[SegmentedScan, SegmentedScan]:
    """The scans of highest and lowest mean Dice; scans that lack everything in a cohort without references."""
    if result.lacks:
        nothing = SegmentedScan.none(result.lacks)
        return nothing, nothing
    mean = result.comparison.assign(dice=result.comparison["dice"].fillna(0.0)).groupby("ID", sort=False)["dice"].mean()
    return (
        example_scan(cohort, folder, str(mean.idxmax()), result),
        example_scan(cohort, folder, str(mean.idxmin()), result),
    )


def example_scan(cohort: Cohort, folder: Path, subject_id: str, result: SegmentedCohort) -> SegmentedScan:
    """One scan at ED and ES: its cine, what was found, and the reference if there is one."""
    cine, found = cohort.image(subject_id), read_label_map(folder / subject_id / "label_sa.nii.gz", "ours")
    row = result.measures.loc[subject_id]
    frames = {"ED": int(row["ed"]), "ES": int(row["es"])}
    truth = None
    pair = reference_frames(subject_id, cohort)
    if pair is not None:
        truth, frames = pair
    predicted = replace(found, labels=found.labels[..., list(frames.values())])
    return SegmentedScan(cine, frames, predicted, truth, subject_id)


def why_without_reference(cohort: Cohort, segmented: Sequence[str], trained_on: Collection[str] = ()) -> str:
    """Why none of the scans could be compared with reference labels: there are none, or they cannot be used.

    Parameters
    ----------
    cohort : Cohort
    segmented : sequence of str
        The scans that were segmented.
    trained_on : collection of str
        Those among them that the network was trained on.
    """
    labelled = cohort.ids_with("labels")
    there = [i for i in segmented if i in labelled and i not in trained_on]
    if not labelled:
        unread = next((note for note in cohort.notes if note.startswith("labels of ") and "not read" in note), "")
        return f"There is nothing to compare with: {unread}." if unread else NO_REFERENCE
    if any(i in labelled for i in segmented) and not there:
        return ALL_TRAINED_ON
    if not there:
        return (
            f"This cohort has reference labels of {len(labelled)} scan(s), and none of these was segmented: there is "
            "nothing to compare with. Segment more scans (`max_scans`)."
        )
    return (
        f"{len(there)} of these scans have reference labels, but it is not known which two frames they label: there is "
        "nothing to compare with. Labels of ED and ES are needed, and their frames must be stated (the columns ED and "
        "ES of a cohort.csv), unless the label map has as many frames as its cine."
    )


def reference_frames(subject_id: str, cohort: Cohort) -> tuple[LabelMap, dict[str, int]] | None:
    """Reference labels at ED and ES, and which frames of the cine these are; None where that is not known."""
    if subject_id not in cohort.ids_with("labels"):
        return None
    truth, frames = cohort.labels(subject_id)
    known = [i for i, frame in enumerate(frames) if frame is not None]
    if len(known) < 2:
        return None
    ed, es = (known[i] for i in ed_es_frames(truth.volume_ml("lv_cavity")[known]))
    pair = replace(truth, labels=truth.labels[..., [ed, es]])
    return pair, {"ED": int(frames[ed]), "ES": int(frames[es])}
