"""All files of one scan in a folder of its own, which appears whole or not at all."""

from __future__ import annotations

import math
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cardiolib
from cardiolib.files import file_hash, mark_simulated, read_json, write_json, write_table
from cardiolib.imaging import write_label_map
from cardiolib.motion import write_surfaces
from cardiolib.scan.page import scan_page
from cardiolib.scan.result import ScanResult
from cardiolib.scan.risk import Risk
from cardiolib.segmentation.quality_gate import shipped_gate

FORMAT = "cardiolib-scan-1"
RESULT_FILE, PAGE_FILE = "result.json", "report.html"
LABELS_FILE = "label_sa.nii.gz"
MESHES = "meshes"
WRITING, OLD = ".writing-", ".old-"
_PACKAGES = ("numpy", "torch", "nibabel", "pyvista", "plotly")


def write_scan(
    result: ScanResult, folder: Path, *, risk: Risk | None = None, key: Mapping[str, Any] | None = None
) -> Path:
    """Write labels, meshes, tables, ``result.json`` and the page of one scan.

    Parameters
    ----------
    result : ScanResult
    folder : Path
        Replaced as a whole where it holds this scan's results; see `check_folder`.
    risk : Risk, optional
    key : mapping, optional
        What decided the result; stored with it.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ValueError
        The folder holds another scan's results, or other files.
    """
    key = dict(key or {})
    check_folder(folder, key.get("input"))
    with whole_folder(folder) as new:
        write_label_map(result.segmentation.labels, new / LABELS_FILE)
        _write_tables(result, new)
        if result.motion is not None:
            write_surfaces(result.motion.positions, new / MESHES, meshes="all", simulated=result.simulated)
        mark_simulated(new, result.simulated)
        made_with = provenance()
        page = scan_page(result, risk=risk, made_with=made_with)
        (new / PAGE_FILE).write_text(page, encoding="utf-8")
        files = {str(path.relative_to(new)): file_hash(path) for path in sorted(new.rglob("*")) if path.is_file()}
        write_json(new / RESULT_FILE, _record(result, risk, made_with) | {"key": key, "files": files})
    return folder / PAGE_FILE


def finished(folder: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is stored of a scan, if it was made from this key and its files are all there; else None."""
    record = stored(folder)
    if record is None or record.get("key") != dict(key):
        return None
    return record if all((folder / name).is_file() for name in record["files"]) else None


def stored(folder: Path) -> dict[str, Any] | None:
    """The ``result.json`` of a folder that `write_scan` wrote; None where there is none."""
    path = folder / RESULT_FILE
    if not path.is_file():
        return None
    record = read_json(path)
    return record if isinstance(record, dict) and record.get("format") == FORMAT else None


def check_folder(folder: Path, digest: str | None) -> None:
    """Refuse a folder that is not for this scan.

    Parameters
    ----------
    folder : Path
    digest : str or None
        Of the scan's image; None where it is not known.

    Raises
    ------
    ValueError
        It is a file, holds another scan's results, or files that no scan left there.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; results go to a folder: give another --out")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    record = stored(folder)
    if record is None:
        raise ValueError(f"{folder} holds files that no scan left there; nothing was written. Give another --out")
    if digest != record["key"].get("input"):
        raise ValueError(
            f"{folder} holds the results of another scan of the same name; nothing was written. Give another --out, "
            "or another --id, or remove that folder"
        )


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder beside `folder`; on success it takes its place, on failure it is removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=WRITING, dir=folder.parent))
    old = new.with_name(OLD + new.name.removeprefix(WRITING))
    try:
        yield new
        new.chmod(0o777 & ~_umask())  # mkdtemp lets nobody else in
        if folder.is_dir():
            os.replace(folder, old)
        os.replace(new, folder)
    finally:
        if old.is_dir() and not folder.is_dir():
            os.replace(old, folder)
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)


def remove_unfinished(out: Path) -> None:
    """Take away what killed processes left half-written; what they were replacing comes back."""
    for left in out.glob(f"{WRITING}*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in out.glob(f"{OLD}*"):
        record = stored(left)
        if record is not None and not (out / record["id"]).exists():
            os.replace(left, out / record["id"])
        else:
            shutil.rmtree(left, ignore_errors=True)


def provenance() -> dict[str, Any]:
    """Versions that a result was made with."""
    versions = {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}
    return {"cardiolib": cardiolib.__version__, "quality_gate": shipped_gate().fingerprint(), "versions": versions}


def _write_tables(result: ScanResult, folder: Path) -> None:
    """CSV with the unit in the name of every column, or in a column of its own."""
    one, simulated = result.scan_id, result.simulated
    table = result.indices.copy()
    table.insert(0, "ID", one)
    write_table(table, folder / "indices.csv", simulated=simulated)
    wide = result.indices[["value"]].T.assign(ID=one, verdict=result.verdict).set_index("ID")
    write_table(wide, folder / "indices_wide.csv", simulated=simulated)
    write_table(result.segmentation.volumes, folder / "volumes.csv", simulated=simulated)
    write_table(result.verdicts, folder / "quality.csv", simulated=simulated)
    if result.motion is not None:
        write_table(result.motion.volumes, folder / "mesh_volumes.csv", simulated=simulated)
        strain = result.motion.strain.set_index("segment").rename(columns=lambda name: _strain_column(str(name)))
        write_table(strain, folder / "strain.csv", simulated=simulated)


def _strain_column(name: str) -> str:
    """Strain is a share of the length at end-diastole."""
    return name if name == "phase" else f"{name}_strain"


def _record(result: ScanResult, risk: Risk | None, made_with: Mapping[str, Any]) -> dict[str, Any]:
    cine, found = result.cine, result.segmentation
    numbers = result.indices.drop(columns="words").to_dict(orient="index")
    record = {
        "format": FORMAT,
        "id": result.scan_id,
        "simulated": result.simulated,
        "not_for_clinical_use": True,
        "verdict": result.verdict,
        "verdicts": result.verdicts.to_dict(orient="index"),
        "reasons": list(result.reasons),
        "remarks": list(result.remarks),
        "image": {
            "voxels": list(cine.shape),
            "spacing_mm": [float(mm) for mm in cine.spacing_mm],
            "frames": cine.n_frames,
            "frame_time_ms": cine.frame_time_ms,
        },
        "ed_frame": found.ed if cine.n_frames > 1 else None,
        "es_frame": found.es if cine.n_frames > 1 else None,
        "motion": result.motion is not None,
        "no_motion_because": result.lacks,
        "indices": numbers,
        "indices_compared_with": "true values of 500 simulated controls; they are no reference range of people",
        "labelled_by": dict(result.read_by),
        "risk": None if risk is None else risk.as_record(),
        "made_with": dict(made_with),
    }
    return _without_nan(record)


def _without_nan(content: Any) -> Any:
    """The same with None in place of NaN, which JSON does not know."""
    if isinstance(content, dict):
        return {str(key): _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
