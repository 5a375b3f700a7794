"""A person's own scan: are all arrangements of DICOM files read right, and does anything identifying come out?

``python -m benchmarks own_scan``. Arrangements and identifiers are synthetic, written by
`benchmarks.dicom_arrangements`. One real study, that of biv-me, is read where it is at hand. How long a study takes is
measured by the command itself. Some minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv

from benchmarks.dicom_arrangements import ARRANGEMENTS, Arrangement
from benchmarks.dicom_identifiers import found_in, outputs_of, plant, secrets_of
from benchmarks.dicom_making import worst_difference
from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, acquire
from cardiolib.imaging import read_scan
from cardiolib.imaging.dicom import write_simulated_study
from cardiolib.scan import analyse_scan

ROOT = Path(__file__).resolve().parents[1]


def measure() -> list[dict[str, Any]]:
    """Rows ``own.*``, but for those of the quality gate."""
    return [*dicom_layouts(), *identifiers_left(), *installed(), *seconds_taken(), *bivme_ejection_fraction()]


def dicom_layouts() -> list[dict[str, Any]]:
    """Share of the arrangements that are read, or refused, as they should be."""
    wrong = {}
    for name, make in ARRANGEMENTS.items():
        with tempfile.TemporaryDirectory() as folder:
            reason = what_is_wrong(make, Path(folder))
        if reason:
            wrong[name] = reason
    n = len(ARRANGEMENTS)
    return [
        {
            "id": "own.dicom_layouts",
            "value": round(100 * (n - len(wrong)) / n, 2),
            "unit": "%",
            "reach": 100,
            "aim": 100,
            "better": "higher",
            "how": f"{n} synthetic arrangements, voxel by voxel through the affine, or refused with the right words; "
            f"wrong: {', '.join(wrong) or 'none'}",
        }
    ]


def identifiers_left() -> list[dict[str, Any]]:
    """Planted identifying strings found in anything that a study leads to."""
    found: list[str] = []
    for make in ARRANGEMENTS.values():
        with tempfile.TemporaryDirectory() as folder:
            plain, planted, out = (Path(folder) / part for part in ("plain", "planted", "out"))
            for part in (plain, out):
                part.mkdir()
            make(plain)
            home = plant(plain, planted)
            found += found_in(outputs_of(home, out, salt="a secret"), secrets_of(home))
    return [
        {
            "id": "own.identifiers_left",
            "value": len(found),
            "unit": "strings",
            "reach": 0,
            "aim": 0,
            "better": "lower",
            "how": f"texts planted in every text tag, file and folder name of {len(ARRANGEMENTS)} arrangements, "
            "UIDs and dates; looked for in prints, tables, NIfTI, errors, warnings, logs and bars; found: "
            f"{', '.join(sorted(set(found))[:5]) or 'none'}",
        }
    ]


def what_is_wrong(make: Arrangement, folder: Path) -> str:
    """Why an arrangement is not read as it should be; empty where it is."""
    known = make(folder)
    options: dict[str, Any] = dict(known.options)
    archive = options.pop("archive", None)
    try:
        scan = read_scan(folder / archive if archive else folder, salt="a secret", bar=False, **options)
    except ValueError as error:
        lacking = [words for words in known.says if words not in str(error)]
        right = known.voxels is None and not lacking
        return "" if right else f"refused: {error}"
    if known.voxels is None:
        return "read, and should be refused"
    lacking = [words for words in known.says if not any(words in note for note in scan.notes)]
    worst = worst_difference(scan, known)
    if worst > known.tolerance:
        return f"grey values differ by {worst:.4g}"
    return f"notes lack {', '.join(lacking)}" if lacking else ""


def installed() -> list[dict[str, Any]]:
    """Size of the weights and other data in the package."""
    package = ROOT / "cardiolib"
    files = [path for path in package.rglob("*") if path.suffix in (".npz", ".json", ".csv")]
    largest = ", ".join(path.name for path in sorted(files, key=lambda path: -path.stat().st_size)[:4])
    return [
        {
            "id": "own.install_mb",
            "value": round(sum(path.stat().st_size for path in files) / 1e6, 2),
            "unit": "MB",
            "reach": 8,
            "aim": 5,
            "better": "lower",
            "how": f"weights and data in the package: {len(files)} files, the largest {largest}",
        }
    ]


def seconds_taken() -> list[dict[str, Any]]:
    """Wall seconds of the command: one study from DICOM to its page, and the example of ``make scan``."""
    heart, phases = DigitalHeart(), np.arange(25) / 25
    cine = acquire(heart, AcquisitionSettings(detailed=True), phases=phases, rng=np.random.default_rng(1)).cine
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        files = write_simulated_study(cine, study, scouts=True, four_chamber=True)
        for name, scan, how, reach, aim in (
            ("scan_s", str(study), f"{cine.shape[2]} slices x {cine.n_frames} phases in {files} files", 60, 20),
            ("first_result_s", "example", "the simulated example of make scan", 120, 45),
        ):
            out = Path(folder) / name
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "cardiolib", "scan", scan, "--out", str(out)], cwd=ROOT, capture_output=True
            )
            seconds = time.perf_counter() - begin
            if done.returncode not in (0, 3):
                raise RuntimeError(done.stderr.decode()[-2000:])
            rows.append(
                {
                    "id": f"own.{name}",
                    "value": round(seconds, 1),
                    "unit": "s",
                    "reach": reach,
                    "aim": aim,
                    "better": "lower",
                    "how": f"{how}, to page, meshes and tables, in a new process; wall time, one scan is one process",
                }
            )
    return rows


def bivme_ejection_fraction() -> list[dict[str, Any]]:
    """LV ejection fraction of biv-me's DICOM study against that of the meshes that its authors fitted."""
    home = Path(os.environ.get("CARDIOLIB_BIVME", ROOT.parent / "shared" / "data" / "bivme"))
    if not home.is_dir():
        return []
    curves = {
        side: [_closed_ml(home / "patient1_vtk" / f"patient1_{side}_ENDOCARDIAL_{t:03d}.vtk") for t in range(25)]
        for side in ("LV", "RV")
    }
    fitted = {side: 100 * (1 - min(curve) / max(curve)) for side, curve in curves.items()}
    result = analyse_scan(read_scan(home / "dicoms" / "patient1", salt="a secret", bar=False), scan_id="bivme")
    found = {
        (side, source): float(result.indices["value"][f"{side.lower()}_ef_{source}_percent"])
        for side in fitted
        for source in ("labels", "mesh")
    }
    return [
        {
            "id": "own.bivme_ef_points",
            "value": round(abs(found["LV", "mesh"] - fitted["LV"]), 1),
            "unit": "points",
            "reach": 4,
            "aim": 2,
            "better": "lower",
            "how": f"one study, six slices 17.7 mm apart, network that ships: LVEF of the tracked mesh "
            f"{found['LV', 'mesh']:.1f}, of the labels {found['LV', 'labels']:.1f}, fitted {fitted['LV']:.1f}; RVEF "
            f"{found['RV', 'mesh']:.1f}, {found['RV', 'labels']:.1f}, {fitted['RV']:.1f}; verdict: {result.verdict}",
        }
    ]


def _closed_ml(path: Path) -> float:
    """Volume within a surface whose openings are closed, mL."""
    closed = pv.read(path).triangulate().fill_holes(1000.0)
    return abs(float(closed.compute_normals(auto_orient_normals=True).volume)) / 1000
