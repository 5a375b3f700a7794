"""Notebook 01's steps: settings for simulated and real cohorts, landmark table, best and worst case."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort, CohortError
from cardiolib.digital_heart import LANDMARKS
from cardiolib.imaging import OURS, Cine, LabelMap
from cardiolib.segmentation import Segmentation, SegmentationSettings
from cardiolib.segmentation.quality_gate import assess_segmentation
from cardiolib.segmentation.segmented import SegmentedCohort, SegmentedScan
from cardiolib.shape import SurfaceErrors
from cardiolib.steps import segmentation as stage
from cardiolib.steps.segmentation import (
    SegmentationStageSettings,
    _landmark_rows,
    best_and_worst,
    segmentation_metrics,
    simulated_beside,
    surface_errors,
)
from cardiolib.work import Work

AFFINE = np.array([[1.5, 0, 0, -10], [0, 1.5, 0, 3], [0, 0, 8.0, 20], [0, 0, 0, 1]])


class OneHeart:
    """A cohort of one subject whose landmarks are known, or not."""

    def __init__(self, landmarks: np.ndarray | None) -> None:
        self._landmarks = landmarks

    def ids_with(self, what: str) -> list[str]:
        return ["a"] if what == "landmarks" and self._landmarks is not None else []

    def landmarks(self, subject_id: str) -> np.ndarray:
        return self._landmarks


def found(places: np.ndarray) -> Segmentation:
    source = np.full((2, 6), "network", dtype="<U8")
    source[1, 5] = "geometry"
    labels = LabelMap(np.zeros((4, 4, 3, 2), np.uint8), AFFINE, OURS)
    return Segmentation(labels, 0, 1, pd.DataFrame(), places, source, (), assess_segmentation(labels, ed=0, es=1))


@pytest.mark.parametrize(
    ("augmentation", "simulated", "wild"),
    [("auto", True, False), ("auto", False, True), ("plain", False, False), ("wild", True, True)],
)
def test_augmentation_follows_the_cohort_unless_it_is_said(augmentation, simulated, wild):
    settings = SegmentationStageSettings(augmentation=augmentation, epochs=3).network_settings(simulated=simulated)
    assert settings == (SegmentationSettings.wild if wild else SegmentationSettings)(epochs=3)


@pytest.mark.parametrize(("field", "value"), [("augmentation", "strong"), ("width", 0), ("n_training", 1)])
def test_bad_stage_settings_name_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        SegmentationStageSettings(**{field: value})


def test_landmark_errors_are_split_into_the_plane_and_along_it():
    truth = np.random.default_rng(0).normal(size=(2, 6, 3)) * 20
    rows = _landmark_rows("a", found(truth + [3.0, 4.0, 16.0]), OneHeart(truth))
    assert list(rows["landmark"]) == 2 * list(LANDMARKS) and list(rows["phase"]) == ["ED"] * 6 + ["ES"] * 6
    assert np.allclose(rows["in_plane_mm"], 5.0) and np.allclose(rows["slices"], 2.0)
    assert rows["placed_by"].tolist() == ["network"] * 11 + ["geometry"]
    assert np.allclose(rows[["x_mm", "y_mm", "z_mm"]].iloc[0], truth[0, 0] + [3.0, 4.0, 16.0])


def test_landmarks_of_real_scans_are_listed_without_errors():
    rows = _landmark_rows("a", found(np.ones((2, 6, 3))), OneHeart(None))
    assert rows["x_mm"].notna().all() and rows[["in_plane_mm", "slices"]].isna().all(axis=None)
    empty = pd.DataFrame()
    metrics = segmentation_metrics(
        SegmentedCohort(pd.DataFrame(index=["a"]), empty, empty, rows),
        SurfaceErrors(pd.DataFrame(columns=["method", "surface", "assd_mm"])),
    )
    assert metrics["landmarks_by_network_percent"] == pytest.approx(100 * 11 / 12)
    assert "landmark_in_plane_mm" not in metrics


def test_volumes_agree_by_structure_and_phase():
    rows = [
        ("a", "ED", "lv_cavity", 100.0, 90.0),
        ("b", "ED", "lv_cavity", 120.0, 126.0),
        ("a", "ES", "lv_cavity", 50.0, 50.0),
        ("b", "ES", "lv_cavity", 40.0, 44.0),
    ]
    comparison = pd.DataFrame(rows, columns=["ID", "phase", "structure", "volume_ml", "true_volume_ml"])
    empty = pd.DataFrame()
    table = SegmentedCohort(empty, empty, comparison, empty).volume_agreement
    assert table.loc["lv_cavity ED", "bias"] == pytest.approx(2.0) and table.loc["lv_cavity ED", "mae"] == 8.0
    assert table.loc["lv_cavity ES", "bias"] == -2.0 and table.loc["lv_cavity ES", "n"] == 2


def test_a_cohort_without_references_says_so_everywhere():
    empty = pd.DataFrame()
    bare = SegmentedCohort(pd.DataFrame({"notes": ["", "", "cropped"]}), empty, empty, empty)
    assert bare.lacks.startswith("This cohort has no reference labels")
    assert bare.comparison_table.empty and bare.volume_agreement.empty
    assert bare.measured_pairs.lacks == bare.lacks and not bare.measured_pairs.values
    assert bare.remarks == ["no remark (2 scans)", "cropped (1 scans)"]


def test_measures_that_two_scans_do_not_share_are_no_pairs():
    columns = ["lv_edv_ml", "lv_esv_ml", "lvef_percent", "rv_edv_ml", "rv_esv_ml", "rvef_percent"]
    reference = pd.DataFrame(np.ones((3, 6)), index=["a", "b", "c"], columns=columns)
    measures = reference.assign(rvef_percent=[50.0, np.nan, np.nan], lvef_percent=[50.0, 60.0, np.nan])
    rows = pd.DataFrame([("a", 0.9)], columns=["ID", "dice"])
    pairs = SegmentedCohort(measures, reference, rows, pd.DataFrame()).measured_pairs
    assert "RV ejection fraction" not in pairs.values and len(pairs.values) == 5 and not pairs.lacks
    assert (pairs.units["LV ejection fraction"], pairs.units["LV end-diastolic volume"]) == ("%", "mL")
    none = SegmentedCohort(measures * np.nan, reference, rows, pd.DataFrame()).measured_pairs
    assert "fewer than two of the 3 scans" in none.lacks


def test_nobody_knows_the_true_surface_of_a_patient(tmp_path):
    errors = surface_errors(type("Real", (), {"provides": frozenset()})(), tmp_path, ["a"])
    assert errors.table.empty and errors.means.empty and errors.lacks.startswith("Real hearts")


def test_surfaces_of_both_methods_have_their_own_metrics():
    surfaces = pd.DataFrame(
        [("a", "model", "lv_endo", 0.5), ("b", "model", "lv_endo", 0.7), ("a", "interpolation", "lv_endo", 1.0)],
        columns=["ID", "method", "surface", "assd_mm"],
    )
    surfaces = SurfaceErrors(surfaces)
    empty = pd.DataFrame()
    metrics = segmentation_metrics(SegmentedCohort(pd.DataFrame(index=["a"]), empty, empty, empty), surfaces)
    assert metrics["surface_lv_endo_assd_mm"] == pytest.approx(0.6)
    assert metrics["surface_interpolation_lv_endo_assd_mm"] == 1.0


class SimulatedCohort:
    simulated = True


def test_a_simulated_heart_stands_beside_real_ones_only():
    beside = simulated_beside(None, SimulatedCohort(), Work(seed=0, folder=Path()))
    assert beside.cine is None and beside.lacks


def test_a_cohort_without_references_has_no_best_case(tmp_path):
    empty = pd.DataFrame()
    best, worst = best_and_worst(OneHeart(None), tmp_path, SegmentedCohort(empty, empty, empty, empty))
    assert best is worst and best.cine is None and "no reference" in best.lacks


def test_a_structure_that_was_not_found_counts_as_worst(tmp_path, monkeypatch):
    from cardiolib.segmentation import segmented

    rows = [("a", 0.9), ("a", 0.8), ("b", np.nan), ("b", 0.95), ("c", 0.99), ("c", 0.9)]
    comparison = pd.DataFrame(rows, columns=["ID", "dice"])
    monkeypatch.setattr(
        segmented, "example_scan", lambda cohort, folder, subject, result: SegmentedScan(None, {}, subject_id=subject)
    )
    empty = pd.DataFrame()
    best, worst = best_and_worst(OneHeart(None), tmp_path, SegmentedCohort(empty, empty, comparison, empty))
    assert (best.subject_id, worst.subject_id) == ("c", "b")


@pytest.mark.field_fault("K2")
def test_a_reference_that_lies_elsewhere_is_refused_before_anything_is_segmented(tmp_path, monkeypatch):
    class Mislaid(Cohort):
        """Its labels have lost their place."""

        def _has(self, subject_id, what):
            return what in ("images", "labels")

        def _read_image(self, subject_id):
            return Cine(np.random.default_rng(0).uniform(size=(20, 20, 4, 2)), AFFINE)

        def _read_labels(self, subject_id):
            codes = np.zeros((20, 20, 4, 2), np.uint8)
            codes[8:14, 8:14, :, 0] = codes[9:12, 9:12, :, 1] = OURS.code("lv_cavity")
            return LabelMap(codes, np.eye(4), OURS), (0, 1)

    monkeypatch.setattr(stage, "segment_scan", lambda *args, **kwargs: pytest.fail("it was segmented"))
    cohort = Mislaid("mislaid", pd.DataFrame(index=["p1"]))
    networks = SimpleNamespace(key=list, reader={"p1": "none"}, trained_on=lambda subject_id: False)
    with pytest.raises(CohortError, match="labels of subject 'p1' of cohort 'mislaid'.*lies elsewhere than the image"):
        stage.segment_cohort(networks, cohort, Work(folder=tmp_path, seed=1))
    assert not list(tmp_path.rglob("*.nii.gz"))
