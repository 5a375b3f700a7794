"""A person's own scan: are all arrangements of DICOM files read right, and does anything identifying come out?

``python -m benchmarks own_scan``. Everything is synthetic, written by `benchmarks.dicom_arrangements`. A minute or two.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.dicom_arrangements import ARRANGEMENTS, Arrangement
from benchmarks.dicom_identifiers import found_in, outputs_of, plant, secrets_of
from benchmarks.dicom_making import worst_difference
from cardiolib.imaging import read_scan


def measure() -> list[dict[str, Any]]:
    """Rows ``own.dicom_layouts`` and ``own.identifiers_left``."""
    return [*dicom_layouts(), *identifiers_left()]


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
