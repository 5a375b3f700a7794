"""A trained network together with what it was trained for, on disk and in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cardiolib.archives import check_archive
from cardiolib.files import atomic_path, read_arrays
from cardiolib.imaging import Cine
from cardiolib.segmentation.inference import Segmentation, segment_scan
from cardiolib.segmentation.network import CLASSES, SegmentationNetwork
from cardiolib.segmentation.settings import SegmentationSettings, plain

FORMAT = "cardiolib-segmentation-3"
WEIGHTS = "weights/"
"""Before the name of a weight in an ``.npz`` file."""

_SAVE_AGAIN = "Copy it again, or write it again with TrainedNetwork.save."


@dataclass(frozen=True, eq=False, repr=False)
class TrainedNetwork:
    """Network, the settings it was trained with and where it came from.

    Attributes
    ----------
    network : SegmentationNetwork
        In evaluation mode, on the CPU.
    settings : dict
        Plain values of `SegmentationSettings` (pixel size, window, precision ...).
    provenance : dict
        Seed, data fingerprint, best epoch, versions; what the training labelled (`structures`, `places_landmarks`).

    Examples
    --------
    >>> network = TrainedNetwork.untrained(widths=(2, 4))
    >>> network.structures, network.places_landmarks
    (('lv_cavity', 'lv_wall', 'rv_wall', 'rv_cavity'), True)
    """

    network: SegmentationNetwork
    settings: dict
    provenance: dict = field(default_factory=dict)

    @property
    def simulated(self) -> bool:
        """Whether it was trained on simulated hearts alone (entry "simulated" of `provenance`)."""
        return bool(self.provenance.get("simulated", False))

    @property
    def structures(self) -> tuple[str, ...]:
        """Structures that its training labelled; it emits no others (entry "labelled" of `provenance`).

        A file of an earlier version does not say what was labelled. It is read as if all structures had been.
        """
        return tuple(self.provenance.get("labelled", CLASSES[1:]))

    @property
    def labelled(self) -> np.ndarray:
        """Which of the classes it may emit, (5,) bool; background always."""
        return np.array([name == CLASSES[0] or name in self.structures for name in CLASSES])

    @property
    def places_landmarks(self) -> bool:
        """Whether its training had landmarks (entry "landmarks" of `provenance`); in earlier files taken as true."""
        return bool(self.provenance.get("landmarks", True))

    def segment(self, cine: Cine, *, clean: bool = True) -> Segmentation:
        """Label every frame of a cine, see `cardiolib.segmentation.segment_scan`."""
        return segment_scan(self, cine, clean=clean)

    def __repr__(self) -> str:
        known = ", ".join(f"{name} {value}" for name, value in self.provenance.items() if name != "versions")
        widths = " -> ".join(map(str, self.settings["widths"]))
        return f"TrainedNetwork(channels {widths}, pixels of {self.settings['pixel_mm']:g} mm; {known or 'untrained'})"

    def save(self, path: str | Path) -> None:
        """Write weights, settings and provenance to one file, atomically.

        A file whose name ends in ``.npz`` holds plain arrays and JSON, as what ships with cardiolib does. Any other is
        one of torch's.
        """
        if Path(path).suffix == ".npz":
            about = json.dumps({"format": FORMAT, "settings": self.settings, "provenance": self.provenance})
            weights = {f"{WEIGHTS}{name}": value.numpy() for name, value in self.network.state_dict().items()}
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                np.savez_compressed(file, about=np.array(about), **weights)  # type: ignore[arg-type]
            return
        content = {
            "format": FORMAT,
            "settings": self.settings,
            "provenance": self.provenance,
            "weights": self.network.state_dict(),
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    def fingerprint(self) -> str:
        """Short hash of the weights and of what the network emits, for provenance."""
        digest = hashlib.sha256()
        for name, value in self.network.state_dict().items():
            digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
        if not (self.labelled.all() and self.places_landmarks):  # the same weights may be read with less
            digest.update(f"{self.structures} {self.places_landmarks}".encode())
        return digest.hexdigest()[:16]

    def about(self) -> dict[str, Any]:
        """What a reader of its labels should know, in plain values: fingerprint, what it learnt from, provenance."""
        return {
            "network": self.fingerprint(),
            "about": "a network trained on simulated hearts only" if self.simulated else "a trained network",
            "trained_on_simulated_only": self.simulated,
            "structures": list(self.structures),
            "provenance": {
                name: value for name, value in self.provenance.items() if isinstance(value, str | int | float)
            },
        }

    @classmethod
    def untrained(cls, settings: SegmentationSettings | None = None, **changes: object) -> TrainedNetwork:
        """A network with random weights, for trying out the calls; `changes` are fields of `SegmentationSettings`."""
        settings = replace(settings or SegmentationSettings(), **changes)
        return cls(SegmentationNetwork(settings.widths).eval(), plain(settings))

    @classmethod
    def load(cls, path: str | Path) -> TrainedNetwork:
        """Read what `save` wrote. Nothing but tensors and plain values is unpickled.

        Raises
        ------
        ValueError
            When the file is not of this format, or is damaged.
        """
        is_npz = Path(path).suffix == ".npz"
        content = _plain_content(Path(path)) if is_npz else read_tensors(path, what="network", remedy=_SAVE_AGAIN)
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"{path} is not a {FORMAT} file; write one with TrainedNetwork.save")
        try:
            network = SegmentationNetwork(tuple(content["settings"]["widths"]))
            network.load_state_dict(content["weights"])
            return cls(network.eval(), content["settings"], content["provenance"])
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"{path}: what it holds does not make a network ({type(error).__name__}: {error}). {_SAVE_AGAIN}"
            ) from error


def read_tensors(path: str | Path, *, what: str, remedy: str) -> Any:
    """What `torch.save` wrote: tensors and plain values, each compared with its checksum (torch itself does not).

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is damaged or no such file; file and `remedy` are named.
    """
    check_archive(path, what=what, remedy=remedy)
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # of a foreign archive torch makes nearly anything
        first = str(error).strip().splitlines()[:1]
        raise ValueError(f"{path}: is not a readable {what} ({type(error).__name__}: {first}). {remedy}") from error


def _plain_content(path: Path) -> dict[str, Any]:
    """What `TrainedNetwork.save` put into an ``.npz`` file; empty for the file of somebody else."""
    arrays = read_arrays(path, what="network", remedy=_SAVE_AGAIN)
    odd = next(
        (name for name, array in arrays.items() if name.startswith(WEIGHTS) and array.dtype.kind not in "fiu"), ""
    )
    if odd:
        raise ValueError(f"{path}: {odd} holds {arrays[odd].dtype}, not numbers. {_SAVE_AGAIN}")
    weights = {
        name.removeprefix(WEIGHTS): torch.from_numpy(array)
        for name, array in arrays.items()
        if name.startswith(WEIGHTS)
    }
    try:
        return {**json.loads(str(arrays["about"])), "weights": weights}
    except (KeyError, TypeError, ValueError):
        return {}
