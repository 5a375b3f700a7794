"""Which network reads which scan: no reported scan is read by a network that was trained on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort
from cardiolib.imaging import ACDC, Cine, LabelMap
from cardiolib.segmentation import TrainedNetwork
from cardiolib.segmentation.segmented import SegmentedCohort
from cardiolib.steps import trained_networks
from cardiolib.steps.named_files import REPOSITORY
from cardiolib.steps.segmentation_settings import SegmentationStageSettings, TrainingDetails
from cardiolib.steps.trained_networks import drawing_order, networks_for_cohort
from cardiolib.work import Work

AFFINE = np.diag([1.6, 1.6, 10.0, 1.0])


class Patients(Cohort):
    """Nine patients of three groups; the last two have no labels."""

    def __init__(self) -> None:
        ids = [f"p{i}" for i in range(9)]
        super().__init__("nine", pd.DataFrame({"group": ["DCM", "HCM", "NOR"] * 3}, index=ids))

    def _has(self, subject_id: str, what: str) -> bool:
        return what == "images" or (what == "labels" and subject_id not in ("p7", "p8"))

    def _read_image(self, subject_id: str) -> Cine:
        return Cine(np.random.default_rng(int(subject_id[1])).uniform(size=(32, 32, 3, 2)), AFFINE)

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int, int]]:
        labels = np.zeros((32, 32, 3, 2), np.uint8)
        labels[10:20, 10:20, :, 0] = labels[12:18, 12:18, :, 1] = ACDC.codes["lv_cavity"]
        return LabelMap(labels, AFFINE, ACDC), (0, 1)


@pytest.fixture
def learnt(monkeypatch, tmp_path) -> list[set[str]]:
    """Patients of every training on; nothing is simulated or trained."""
    seen: list[set[str]] = []

    def record(network: TrainedNetwork, examples: list, **options: object) -> tuple[TrainedNetwork, pd.DataFrame]:
        seen.append({example.subject for example in examples})
        other = TrainedNetwork.untrained(widths=(2, 4))
        next(other.network.parameters()).data.fill_(float(len(seen)))
        return other, pd.DataFrame()

    monkeypatch.setattr(trained_networks, "fine_tune", record)
    monkeypatch.setattr(trained_networks, "_simulated", lambda *_: [])
    TrainedNetwork.untrained(widths=(2, 4)).save(tmp_path / "given.pt")
    return seen


def networks(folder: Path, **parameters: object) -> trained_networks.CohortNetworks:
    settings = SegmentationStageSettings(network=str(folder / "given.pt"), **parameters)
    return networks_for_cohort(settings, Patients(), Work(seed=3, folder=folder))


def test_a_given_network_reads_every_scan_and_nothing_is_trained(learnt, tmp_path):
    found = networks(tmp_path)
    assert not learnt and set(found.reader) == {f"p{i}" for i in range(9)} and set(found.reader.values()) == {"given"}
    assert found.lacks and not any(found.trained_on(i) for i in found.reader)
    assert found.table.loc["given", "trained on"] == "not known here: file given.pt"
    assert TrainedNetwork.load(tmp_path / "network.pt").fingerprint() == found.networks[0].fingerprint


def test_with_a_number_so_many_patients_are_trained_on_one_of_each_group(learnt, tmp_path):
    found = networks(tmp_path, fine_tune="3")
    [patients] = learnt
    assert len(patients) == 3 and {found.trained_on(i) for i in patients} == {True}
    assert sum(found.trained_on(i) for i in found.reader) == 3
    assert set(Patients().table.loc[sorted(patients), "group"]) == {"DCM", "HCM", "NOR"}
    assert found.table.loc["fine-tuned", ["scans read", "of these trained on"]].tolist() == [9, 3]


@pytest.mark.parametrize("n_folds", [2, 3, 7])
def test_with_all_no_labelled_scan_is_read_by_a_network_that_knew_it(learnt, tmp_path, n_folds):
    found = networks(tmp_path, fine_tune="all", training={"fine_tune_folds": n_folds})
    labelled = {f"p{i}" for i in range(7)}
    assert not any(found.trained_on(i) for i in found.reader) and len(learnt) == n_folds + 1
    for named, patients in zip(found.networks, learnt, strict=True):
        assert patients == set(named.patients)
        read = {i for i, name in found.reader.items() if name == named.name}
        assert read.isdisjoint(patients) and (read | patients == labelled or named.name == "all labelled")
    assert found.reader["p7"] == found.reader["p8"] == "all labelled"
    assert set(found.of("p7").patients) == labelled
    assert len(set(found.table["fingerprint"])) == n_folds + 1


def test_only_networks_that_read_a_scan_are_trained(learnt, tmp_path):
    found = networks(tmp_path, fine_tune="all", max_scans=1)
    assert len(learnt) == len(found.networks) == 1 and list(found.reader) == ["p0"]


def test_the_key_of_the_scans_knows_network_and_what_was_trained_on(learnt, tmp_path):
    plain, tuned = networks(tmp_path), networks(tmp_path, fine_tune="2")
    assert plain.key() != tuned.key()
    assert sum(name.endswith("(trained on)") for names in tuned.key().values() for name in names) == 2


def test_more_patients_than_are_labelled_are_refused_before_any_training(learnt, tmp_path):
    with pytest.raises(ValueError, match=r"fine_tune = '8' needs 8 labelled patients, and 7 of the 9"):
        networks(tmp_path, fine_tune="8")
    assert not learnt


def test_the_order_of_drawing_follows_the_seed_and_is_even_over_groups():
    cohort = Patients()
    orders = [drawing_order(cohort, list(cohort.ids), seed=seed) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2] and sorted(orders[0]) == sorted(cohort.ids)
    for start in (0, 3, 6):
        assert set(cohort.table.loc[orders[0][start : start + 3], "group"]) == {"DCM", "HCM", "NOR"}


def test_a_file_that_is_no_network_is_named(learnt, tmp_path):
    settings = SegmentationStageSettings(network=str(tmp_path / "absent.pt"))
    with pytest.raises(FileNotFoundError, match=r"segmentation.network = .*absent.pt.*no such file"):
        networks_for_cohort(settings, Patients(), Work(seed=3, folder=tmp_path))
    (tmp_path / "given.pt").write_text("not a network")
    with pytest.raises(ValueError, match=r"given.pt' cannot be read as a network"):
        networks(tmp_path)


def test_no_folder_of_this_machine_stands_in_the_parameters(tmp_path):
    settings = SegmentationStageSettings(network=str(tmp_path / "n.pt"))
    assert not Path(settings.network).is_absolute() and settings.network_path == (tmp_path / "n.pt").resolve()
    assert SegmentationStageSettings(network="data/n.pt").network_path == REPOSITORY.resolve() / "data" / "n.pt"
    assert SegmentationStageSettings().network_path is None


@pytest.mark.parametrize("value", ["five", "-1", "1.5", "", True])
def test_a_fine_tune_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="fine_tune"):
        SegmentationStageSettings(fine_tune=value)


@pytest.mark.parametrize("training", [{"validation_fraction": 1.0}, {"fine_tune_folds": 1}])
def test_details_are_checked_with_the_rest(training):
    with pytest.raises(ValueError, match=next(iter(training))):
        SegmentationStageSettings(training=training)
    assert SegmentationStageSettings(fine_tune=5).fine_tune == "5" and TrainingDetails().fine_tune_folds == 3


def test_scans_trained_on_are_left_out_and_that_is_said():
    measures = pd.DataFrame({"trained_on": [True, False, True], "notes": ""}, index=["a", "b", "c"])
    empty = pd.DataFrame()
    found = SegmentedCohort(measures, empty, empty, empty)
    assert (found.trained_on, found.unseen) == (["a", "c"], ["b"])
    assert found.left_out.startswith("2 of 3 scans were trained on (a, c).")
    assert found.lacks.startswith("Every scan with reference labels was trained on")
    assert SegmentedCohort(measures.assign(trained_on=False), empty, empty, empty).left_out.startswith("No scan")
