"""What makes two computations the same one: a hash of data and settings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np


def fingerprint(X: np.ndarray, event: np.ndarray, time: np.ndarray, fold: np.ndarray, *settings: Any) -> str:
    """Hash of everything that decides how a search runs: data, folds, settings, seed."""
    digest = hashlib.sha256()
    for array in (X, event, time, fold):
        digest.update(str((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    for item in settings:
        digest.update(
            json.dumps(asdict(item) if hasattr(item, "__dataclass_fields__") else item, sort_keys=True).encode()
        )
    return digest.hexdigest()
