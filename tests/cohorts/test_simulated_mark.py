"""Simulated patients never come back as real: every writer leaves a mark that every reader finds."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cardiolib
from cardiolib.cohorts import (
    CohortError,
    SimulatedCohortSettings,
    build_simulated_cohort,
    open_cohort,
    write_4dsegment,
    write_matrix,
    write_motion_file,
)
from cardiolib.cohorts.simulated.imaging import digest_of
from cardiolib.files import mark_simulated, marked_simulated, read_table_by_id, write_table
from cardiolib.imaging import (
    ACDC,
    DenseCine,
    DisplacementField,
    read_cine,
    read_dense,
    read_label_map,
    read_scan,
    says_simulated,
    write_cine,
    write_dense,
    write_displacement,
    write_label_map,
)
from cardiolib.imaging.dicom import write_simulated_study
from cardiolib.meshes import decimated_mesh, read_vtk, template_mesh, write_motion_folder, write_points_txt, write_vtk
from cardiolib.motion import write_surfaces
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.network import SegmentationNetwork
from cardiolib.survival.network.fitted import load_network
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network
from cardiolib.validation.frozen_pipeline import FrozenPipeline, load_pipeline
from cardiolib.validation.store import BootstrapStore, read_bootstrap, write_bootstrap


@pytest.fixture(scope="module", params=[True, False], ids=["simulated", "real"])
def cohort(request, tmp_path_factory):
    """A small simulated cohort, and the same numbers given out as a real one."""
    settings = SimulatedCohortSettings(n_subjects=3, n_imaged=1, death_fraction=0.5)
    made = build_simulated_cohort(tmp_path_factory.mktemp("c") / "simulated", settings=settings, seed=3)
    marked = open_cohort(made.folder)
    made.simulated = request.param
    made.image = lambda name: _as(marked.image(name), request.param)
    return made


def _as(read, simulated):
    object.__setattr__(read, "simulated", simulated)
    return read


def _cine(cohort, path):
    write_cine(cohort.image("PH001"), path / "PH001" / "sa.nii.gz", bits=12)
    return read_cine(path / "PH001" / "sa.nii.gz").simulated, open_cohort(path).simulated


def _dicom(cohort, path):
    cine = cohort.image("PH001")
    if not cohort.simulated:  # there is no writer for a patient's cine
        with pytest.raises(ValueError, match="only a simulated cine"):
            write_simulated_study(cine, path)
        return False
    write_simulated_study(replace(cine, voxels=cine.voxels[::3, ::3, ::3]), path)
    back = open_cohort(path, salt="x")
    return read_scan(path, salt="x").simulated, back.simulated, back.image(back.ids[0]).simulated


def _labels(cohort, path):
    labels = _as(read_label_map(cohort.folder / "images/PH001/label_sa_ED.nii.gz", "ours"), cohort.simulated)
    write_label_map(labels, path / "l.nii.gz")
    return read_label_map(path / "l.nii.gz", "ours").simulated


def _displacement(cohort, path):
    field = DisplacementField(np.zeros((96, 96, 12, 20, 3)), cohort.image("PH001").affine, simulated=cohort.simulated)
    write_displacement(field, path / "PH001" / "displacement_sa.nii.gz")
    write_cine(cohort.image("PH001"), path / "PH001" / "sa.nii.gz", bits=12)
    back = open_cohort(path)
    return back.simulated, back.displacement("PH001").simulated


def _dense(cohort, path):
    still = np.zeros((4, 4, 2, 3, 3))
    magnitude, phase = write_dense(
        DenseCine(still[..., 0], still, np.eye(4), (0.1, 0.1, 0.1), simulated=cohort.simulated), path
    )
    return read_dense(path).simulated, says_simulated(magnitude), says_simulated(phase)


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


def _tiny_network(cohort):
    rng = np.random.default_rng(0)
    return fit_network(
        rng.normal(size=(6, 5)),
        np.array([1, 0, 1, 1, 0, 1], bool),
        np.arange(1.0, 7),
        NetworkSettings(epochs=1, hidden=3, latent=2),
        seed=1,
        provenance={"simulated": "yes"} if cohort.simulated else {},
    )


def _survival_network(cohort, path):
    _tiny_network(cohort).save(path / "n.npz")
    back = load_network(path / "n.npz")
    return back.simulated, "SIMULATED" in repr(back)


def _frozen_pipeline(cohort, path):
    FrozenPipeline(_tiny_network(cohort)).save(path / "p.zip")
    back = load_pipeline(path / "p.zip")
    return back.simulated, "SIMULATED" in repr(back), back.predict(np.zeros((2, 5))).attrs["simulated"]


WRITERS = {
    "FrozenPipeline.save": _frozen_pipeline,
    "TrainedNetwork.save": _segmentation_network,
    "FittedNetwork.save": _survival_network,
    "write_cine": _cine,
    "write_simulated_study": _dicom,
    "write_label_map": _labels,
    "write_displacement": _displacement,
    "write_dense": _dense,
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
    "write_motion_images": "only of simulated cohorts, by writers that mark each file",
    "write_state": "an interrupted search inside a run, keyed by its data; no reader but the search",
    "write_scan": "files of one scan: tests/scan/test_scan_writing.py holds each to the mark",
    "write_overview": "rows of many scans, each with its own mark: tests/scan/test_scan_many.py",
    "write_example_study": "by write_simulated_study, which marks each file",
    "write_model": "shape and motion of the digital heart, which come with cardiolib",
    "write_controls": "simulated controls, which come with cardiolib under that name",
    "write_table_of_grades": "students, no patients",
    "write_page": "the same as a page",
    "write_again": "cells of exercises in the notebooks",
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


def test_every_table_that_is_written_says_whether_its_patients_are_simulated():
    calls, silent = 0, []
    for file in Path(cardiolib.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "write_table":
                calls += 1
                if "simulated" not in {word.arg for word in node.keywords}:
                    silent.append(f"{file.name}:{node.lineno}")
    assert calls > 10 and silent == []


def test_the_tables_of_a_simulated_cohort_say_so_when_they_are_taken_out_of_it(cohort):
    for name in ("cohort.csv", "parameters.csv"):
        assert read_table_by_id(cohort.folder / name).attrs["simulated"]


def _foursegment_with_a_marked_second(cohort, path, how):
    """The cohort written as real patients', the motion of the second marked."""
    cohort.simulated = False
    write_4dsegment(cohort, path)
    cohort.simulated = True
    positions = cohort.positions("PH002")
    if how == "vtk":
        for frame, points in enumerate(positions):
            (path / "PH002/motion" / f"RV_fr{frame:02d}.txt").unlink()
            write_vtk(replace(decimated_mesh(points), simulated=True), path / f"PH002/motion/RV_fr{frame:02d}.vtk")
    else:
        write_points_txt(positions[7], path / "PH002/motion/RV_fr07.txt", simulated=True)


@pytest.mark.parametrize("how", ["vtk", "text"])
def test_marked_motion_of_a_later_subject_is_not_handed_out_as_a_real_patients(cohort, how, tmp_path):
    if not cohort.simulated:
        pytest.skip("the files are made of the simulated cohort")
    folder = tmp_path / "out"
    _foursegment_with_a_marked_second(cohort, folder, how)
    opened = open_cohort(folder)
    assert not opened.simulated and len(opened.positions("PH001")) == 20
    for ask in (lambda: opened.positions("PH002"), opened.motion_matrix):
        with pytest.raises(CohortError, match="motion of subject 'PH002' says that it is SIMULATED"):
            ask()
    mark_simulated(folder, True)
    assert open_cohort(folder).simulated and len(open_cohort(folder).motion_matrix()[0]) == 3


def _uk_biobank(cohort, folder, name, simulated):
    whole = read_label_map(cohort.folder / "images/PH001/label_sa.nii.gz", "ours")
    write_cine(_as(cohort.image("PH001"), simulated), folder / name / "sa.nii.gz", bits=12)
    write_label_map(_as(whole, simulated), folder / name / "label_sa.nii.gz")


def _acdc(cohort, folder, name, simulated):
    whole = read_label_map(cohort.folder / "images/PH001/label_sa.nii.gz", "ours")
    codes = whole.to_scheme(ACDC, drop=whole.scheme.codes)
    for frame in (0, 7):
        stem = folder / name / f"{name}_frame{frame + 1:02d}"
        image = cohort.image("PH001")
        one = replace(image, voxels=image.voxels[..., frame : frame + 1], frame_time_ms=None, simulated=simulated)
        labels = replace(codes, labels=codes.labels[..., frame : frame + 1], simulated=simulated)
        write_cine(one, stem.with_name(stem.name + ".nii.gz"), bits=12)
        write_label_map(labels, stem.with_name(stem.name + "_gt.nii.gz"))
    (folder / name / "Info.cfg").write_text("ED: 1\nES: 8\nGroup: DCM\nHeight: 1\nWeight: 1\nNbFrame: 20\n")


@pytest.mark.parametrize("layout", [_uk_biobank, _acdc], ids=["UK Biobank", "ACDC"])
def test_volumes_and_image_of_a_later_marked_subject_are_not_a_real_patients(layout, cohort, tmp_path):
    layout(cohort, tmp_path, "patient001", False)
    layout(cohort, tmp_path, "patient002", True)
    opened = open_cohort(tmp_path)
    assert not opened.simulated and len(opened.subset(["patient001"]).volumes()) == 1
    with pytest.raises(CohortError, match="patient002.*SIMULATED"):
        opened.volumes()
    assert not opened.image("patient001").simulated
    with pytest.raises(CohortError, match="image of subject 'patient002' says that it is SIMULATED"):
        opened.image("patient002")


def test_the_key_of_a_simulated_cohort_changes_with_every_file_that_decides_it(tmp_path):
    package = tmp_path / "cardiolib"
    for name in ("files.py", "meshes/template.npz", "imaging/cine.py", "survival/cox.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_bytes(b"1")
    before = digest_of(package)
    for name, decides in {"files.py": True, "meshes/template.npz": True, "survival/cox.py": False}.items():
        (package / name).write_bytes(b"2")
        assert (digest_of(package) != before) == decides, name
        (package / name).write_bytes(b"1")


def test_a_motion_file_of_an_earlier_version_is_still_simulated(tmp_path):
    X = np.zeros((2, 57))
    path = write_matrix(tmp_path / "m.npz", X, ["a", "b"], simulated=False, about={"simulated": True})
    assert open_cohort(path).simulated
    side = json.loads((tmp_path / "m.json").read_text())
    assert side["simulated"] is False


def test_ids_that_look_like_missing_values_stay_text(tmp_path):
    names = ["NA", "null", "None", "nan", "007"]
    write_table(pd.DataFrame({"x": [1.0, 2, np.nan, 4, 5]}, index=pd.Index(names, name="ID")), tmp_path / "t.csv")
    back = read_table_by_id(tmp_path / "t.csv")
    assert list(back.index) == names and back["x"].isna().tolist() == [False, False, True, False, False]
    mark_simulated(tmp_path / "t.csv", True)
    assert marked_simulated(tmp_path / "t.csv")
