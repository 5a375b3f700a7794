"""Simulated patients never come back as real: every writer leaves a mark that every reader finds."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cardiolib
from cardiolib.cohorts import (
    Cohort,
    CohortError,
    SimulatedCohortSettings,
    build_simulated_cohort,
    open_cohort,
    write_4dsegment,
    write_matrix,
    write_motion_file,
)
from cardiolib.files import mark_simulated, marked_simulated, read_table_by_id, write_table
from cardiolib.imaging import read_cine, read_label_map, write_cine, write_label_map
from cardiolib.meshes import decimated_mesh, read_vtk, template_mesh, write_motion_folder, write_points_txt, write_vtk
from cardiolib.motion import write_surfaces
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.network import SegmentationNetwork
from cardiolib.survival.network.fitted import load_network
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network
from cardiolib.validation.store import BootstrapStore, read_bootstrap, write_bootstrap


@pytest.fixture(scope="module", params=[True, False], ids=["simulated", "real"])
def cohort(request, tmp_path_factory):
    """A small simulated cohort, and the same numbers given out as a real one."""
    settings = SimulatedCohortSettings(n_subjects=3, n_imaged=1, death_fraction=0.5)
    made = build_simulated_cohort(tmp_path_factory.mktemp("c") / "simulated", settings=settings, seed=3)
    made.simulated = request.param
    made._read_image = lambda name, read=made._read_image: _as(read(name), request.param)
    return made


def _as(read, simulated):
    object.__setattr__(read, "simulated", simulated)
    return read


def _cine(cohort, path):
    write_cine(cohort.image("PH001"), path / "PH001" / "sa.nii.gz", bits=12)
    return read_cine(path / "PH001" / "sa.nii.gz").simulated, open_cohort(path).simulated


def _labels(cohort, path):
    labels = _as(read_label_map(cohort.folder / "images/PH001/label_sa_ED.nii.gz", "ours"), cohort.simulated)
    write_label_map(labels, path / "l.nii.gz")
    return read_label_map(path / "l.nii.gz", "ours").simulated


def _vtk(cohort, path):
    write_vtk(_as(decimated_mesh(), cohort.simulated), path / "a.vtk")
    mesh = read_vtk(path / "a.vtk")
    return mesh.simulated, mesh.region_names == decimated_mesh().region_names and mesh.simulated


def _bootstrap(cohort, path):
    meta = {"simulated": "yes"} if cohort.simulated else {}
    store = BootstrapStore(["a", "b"], [1, 0], [1.0, 2], np.zeros((1, 2), int), np.zeros((1, 2)), meta=meta)
    write_bootstrap(store, path / "b.npz")
    back = read_bootstrap(path / "b.npz")
    return back.simulated, "SIMULATED" in repr(back)


def _foursegment(cohort, path):
    back = open_cohort(write_4dsegment(cohort, path / "out", images=True))
    (path / "out" / "simulated.json").unlink(missing_ok=True)
    return back.simulated, "event" in back.table and open_cohort(path / "out").simulated


def _matrix(cohort, path):
    ids, X = cohort.motion_matrix()
    back = open_cohort(write_matrix(path / "m.npz", X, ids, simulated=cohort.simulated))
    (path / "m.json").unlink()
    return back.simulated, open_cohort(path / "m.npz").simulated


def _motion_folder(cohort, path):
    write_motion_folder(cohort.positions("PH001"), path, simulated=cohort.simulated)
    return marked_simulated(path), marked_simulated(path / "RV_fr00.txt")


def _surfaces(cohort, path):
    write_surfaces(np.stack([template_mesh().points] * 2), path, simulated=cohort.simulated)
    return read_vtk(path / "RV_fr01.vtk").simulated


def _points(cohort, path):
    write_points_txt(cohort.positions("PH001")[0], path / "p.txt", simulated=cohort.simulated)
    return marked_simulated(path / "p.txt")


def _table(cohort, path):
    write_table(cohort.table, path / "t.csv", simulated=cohort.simulated)
    back = read_table_by_id(path / "t.csv")
    assert list(back) == list(cohort.table)
    return back.attrs["simulated"]


def _segmentation_network(cohort, path):
    provenance = {"simulated": True} if cohort.simulated else {}
    TrainedNetwork(SegmentationNetwork((4, 8)), {"widths": [4, 8]}, provenance).save(path / "n.pt")
    return TrainedNetwork.load(path / "n.pt").simulated


def _survival_network(cohort, path):
    rng = np.random.default_rng(0)
    network = fit_network(
        rng.normal(size=(6, 5)),
        np.array([1, 0, 1, 1, 0, 1], bool),
        np.arange(1.0, 7),
        NetworkSettings(epochs=1, hidden=3, latent=2),
        seed=1,
        provenance={"simulated": "yes"} if cohort.simulated else {},
    )
    network.save(path / "n.npz")
    back = load_network(path / "n.npz")
    return back.simulated, "SIMULATED" in repr(back)


WRITERS = {
    "TrainedNetwork.save": _segmentation_network,
    "FittedNetwork.save": _survival_network,
    "write_cine": _cine,
    "write_label_map": _labels,
    "write_vtk": _vtk,
    "write_bootstrap": _bootstrap,
    "write_4dsegment": _foursegment,
    "write_matrix": _matrix,
    "write_motion_file": lambda c, path: open_cohort(write_motion_file(c, path / "m.npz")).simulated,
    "write_motion_folder": _motion_folder,
    "write_surfaces": _surfaces,
    "write_points_txt": _points,
    "write_table": _table,
}


NOT_OF_PATIENTS = {
    "write_json": "settings, and the mark itself",
    "write_matched_points": "numbers of vertices, no patient's",
    "write_gipl": "only called by write_label_map, which marks the file",
    "write_state": "an interrupted search inside a run, keyed by its data; no reader but the search",
    "write_expectation": "expected numbers of a run whose manifest names the cohort",
}


def test_every_writer_of_the_package_is_in_the_table():
    found = set()
    for file in Path(cardiolib.__file__).parent.rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("write_"):
                found.add(node.name)
            if isinstance(node, ast.ClassDef):
                methods = [one.name for one in node.body if isinstance(one, ast.FunctionDef)]
                found |= {f"{node.name}.{name}" for name in methods if name == "save" or name.startswith("write_")}
    assert found == {*WRITERS, *NOT_OF_PATIENTS}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_reader_finds_what_the_writer_said(writer, cohort, tmp_path):
    assert np.all(np.atleast_1d(WRITERS[writer](cohort, tmp_path)) == cohort.simulated)


def test_a_motion_file_of_an_earlier_version_is_still_simulated(tmp_path):
    X = np.zeros((2, 57))
    path = write_matrix(tmp_path / "m.npz", X, ["a", "b"], simulated=False, about={"simulated": True})
    assert open_cohort(path).simulated
    side = json.loads((tmp_path / "m.json").read_text())
    assert side["simulated"] is False


def test_a_simulated_image_is_not_handed_out_as_a_real_patients(cohort):
    if cohort.simulated:
        real = Cohort("real", cohort.table)
        real._has, real._read_image = (lambda *a: True), cohort._read_image
        with pytest.raises(CohortError, match="PH001.*SIMULATED"):
            real.image("PH001")


def test_ids_that_look_like_missing_values_stay_text(tmp_path):
    names = ["NA", "null", "None", "nan", "007"]
    write_table(pd.DataFrame({"x": [1.0, 2, np.nan, 4, 5]}, index=pd.Index(names, name="ID")), tmp_path / "t.csv")
    back = read_table_by_id(tmp_path / "t.csv")
    assert list(back.index) == names and back["x"].isna().tolist() == [False, False, True, False, False]
    mark_simulated(tmp_path / "t.csv", True)
    assert marked_simulated(tmp_path / "t.csv")
