"""The files of one scan: read back by other software, marked, and whole or not there."""

from __future__ import annotations

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import pyvista as pv

from cardiolib.files import file_hash, marked_simulated
from cardiolib.imaging import read_label_map, says_simulated
from cardiolib.meshes import read_vtk
from cardiolib.scan import writing
from cardiolib.scan.writing import finished, remove_unfinished, write_scan

KEY = {"input": "a", "seed": 1}


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "heart"
    write_scan(result, folder, key=KEY)
    return folder


def test_labels_lie_on_the_image(folder, scan) -> None:
    image = nib.load(folder / "label_sa.nii.gz")
    assert np.allclose(image.affine, scan.cine.affine, atol=1e-4)
    assert np.array_equal(np.asarray(image.dataobj), scan.labels.labels)
    assert read_label_map(folder / "label_sa.nii.gz", "ours").simulated


def test_meshes_of_all_phases_are_where_the_heart_was_tracked(folder, result) -> None:
    names = sorted(path.name for path in (folder / "meshes").glob("LV_endo_fr*.vtk"))
    assert len(names) == len(result.motion.positions) == 20
    mesh = pv.read(folder / "meshes" / names[3])
    distance = np.linalg.norm(result.motion.positions[3][:, None] - mesh.points[:5][None], axis=-1).min(axis=0)
    assert distance.max() < 1e-3 and mesh.n_cells > 1000
    assert read_vtk(folder / "meshes" / "RV_fr00.vtk").simulated


def test_tables_name_their_units_and_are_marked(folder, result) -> None:
    tables = {path.name: pd.read_csv(path) for path in folder.glob("*.csv")}
    assert set(tables) == {
        "indices.csv",
        "indices_wide.csv",
        "mesh_volumes.csv",
        "quality.csv",
        "strain.csv",
        "volumes.csv",
    }
    assert all((table["simulated"] == 1).all() for table in tables.values())
    assert all(name.endswith("_ml") for name in tables["volumes.csv"].columns[1:-1])
    long, wide = tables["indices.csv"].set_index("index"), tables["indices_wide.csv"]
    assert long["unit"].notna().all() and (long["ID"] == "heart").all()
    assert wide["lv_ef_mesh_percent"][0] == pytest.approx(long.loc["lv_ef_mesh_percent", "value"], rel=1e-4)
    assert len(tables["strain.csv"]) == 16 * 20 and len(tables["volumes.csv"]) == result.cine.n_frames


def test_the_record_is_json_with_provenance_and_hashes(folder, result) -> None:
    text = (folder / "result.json").read_text()
    record = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert record["simulated"] and record["not_for_clinical_use"] and record["key"] == KEY
    assert record["verdict"] == result.verdict and set(record["verdicts"]) == set(result.verdicts.index)
    assert record["indices"]["lv_edv_labels_ml"]["unit"] == "mL"
    assert record["made_with"]["cardiolib"] and record["labelled_by"]["about"] == "labels that were given"
    assert {"report.html", "label_sa.nii.gz", "meshes/RV_fr19.vtk"} <= set(record["files"])
    assert all(file_hash(folder / name) == digest for name, digest in record["files"].items())


def test_a_real_scan_is_marked_nowhere(result, tmp_path) -> None:
    cine = replace(result.cine, simulated=False)
    labels = replace(result.segmentation.labels, simulated=False)
    real = replace(result, cine=cine, segmentation=replace(result.segmentation, labels=labels), motion=None, lacks="x")
    write_scan(real, tmp_path / "real", key=KEY)
    assert not says_simulated(tmp_path / "real" / "label_sa.nii.gz") and not marked_simulated(tmp_path / "real")
    assert "simulated" not in pd.read_csv(tmp_path / "real" / "volumes.csv")
    page = (tmp_path / "real" / "report.html").read_text()
    assert "SIMULATED" not in page and "simulated controls" in page


def test_the_same_key_is_recognised_and_another_is_not(folder, result, tmp_path) -> None:
    assert finished(folder, KEY)["id"] == "heart" and finished(folder, KEY | {"seed": 2}) is None
    assert finished(tmp_path, KEY) is None
    write_scan(replace(result, motion=None, lacks="x"), tmp_path / "a", key=KEY)
    assert finished(tmp_path / "a", KEY)
    (tmp_path / "a" / "volumes.csv").unlink()
    assert finished(tmp_path / "a", KEY) is None


def test_an_error_in_the_middle_leaves_nothing_behind(result, tmp_path, monkeypatch) -> None:
    still = replace(result, motion=None, lacks="x")

    def broken(*_, **__):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(writing, "scan_page", broken)
        with pytest.raises(RuntimeError, match="disk"):
            write_scan(still, tmp_path / "a", key=KEY)
        assert list(tmp_path.iterdir()) == []
    write_scan(still, tmp_path / "a", key=KEY)
    before = (tmp_path / "a" / "result.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(writing, "scan_page", broken)
        with pytest.raises(RuntimeError, match="disk"):
            write_scan(still, tmp_path / "a", key=KEY | {"seed": 2})
    assert (tmp_path / "a" / "result.json").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_what_lies_there_already_is_never_overwritten(result, tmp_path) -> None:
    still = replace(result, motion=None, lacks="x")
    write_scan(still, tmp_path / "a", key=KEY)
    with pytest.raises(ValueError, match="results of another scan"):
        write_scan(still, tmp_path / "a", key={"input": "b"})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="files that no scan left there"):
        write_scan(still, tmp_path / "mine", key=KEY)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is a file"):
        write_scan(still, tmp_path / "file", key=KEY)


def test_what_a_killed_process_left_is_cleared_and_the_older_result_comes_back(result, tmp_path) -> None:
    write_scan(replace(result, motion=None, lacks="x"), tmp_path / "heart", key=KEY)
    (tmp_path / "heart").rename(tmp_path / ".old-1")
    (tmp_path / ".writing-1").mkdir()
    (tmp_path / ".writing-1" / "half.csv").write_text("half")
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["heart"] and finished(tmp_path / "heart", KEY)
