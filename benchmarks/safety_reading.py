"""What it costs to read safely: checksum, length and plausibility of an image, against nibabel without them.

``python -m benchmarks safety`` calls `read_overhead`. A minute.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cardiolib.imaging import Cine, read_cine, write_cine

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 40


def read_overhead() -> dict[str, Any]:
    """The row ``safe.read_overhead_pct``: CPU time of `read_cine` over that of nibabel alone, on an ACDC frame."""
    with tempfile.TemporaryDirectory() as folder:
        path, what = _frame(Path(folder))
        ratios = [_seconds(read_cine, path) / _seconds(plainly, path) for _ in range(ROUNDS)]
    return {
        "id": "safe.read_overhead_pct",
        "value": round(100 * (float(np.median(ratios)) - 1), 1),
        "unit": "%",
        "reach": 8,
        "aim": 3,
        "better": "lower",
        "how": "CPU time of read_cine, with checksum, length and plausibility, over nibabel's load, scaling, float32 "
        f"and a look for NaN; median ratio of {ROUNDS} pairs, read by turns, of {what}; negative: faster than nibabel",
    }


def plainly(path: Path) -> Cine:
    """The same image by nibabel alone, which compares no checksum."""
    image = nib.Nifti1Image.from_filename(path)
    return Cine(np.asanyarray(image.dataobj).astype(np.float32), image.affine)


def _seconds(read: Callable[[Path], object], path: Path) -> float:
    begin = time.process_time()
    read(path)
    return time.process_time() - begin


def _frame(folder: Path) -> tuple[Path, str]:
    """A real frame where ACDC is at hand, else one of noise of its size."""
    home = Path(os.environ.get("CARDIOLIB_ACDC", ROOT.parent / "shared" / "data" / "acdc" / "training"))
    real = home / "patient001" / "patient001_frame01.nii.gz"
    if real.is_file():
        return real, "an ACDC frame (patient001)"
    noise = np.random.default_rng(0).integers(0, 400, (216, 256, 10))
    write_cine(Cine(noise, np.diag([1.56, 1.56, 10, 1])), folder / "frame.nii.gz", bits=12)
    return folder / "frame.nii.gz", "a frame of noise of the size of ACDC's (ACDC is not at hand)"
