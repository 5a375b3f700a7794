"""Train the network that ships with cardiolib: ``make network`` (``python -m cardiolib.segmentation.make_shipped``).

It learns from simulated hearts alone, so no patient's image and no licence of others is in it. The training state is
kept below ``data/derived/network``: one that was stopped goes on from there. With the same seed, the same versions and
one machine the file has the same bytes. About twenty-five minutes on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cardiolib.last_run import DERIVED
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.examples import Example
from cardiolib.segmentation.settings import SegmentationSettings
from cardiolib.segmentation.shipped import SHIPPED
from cardiolib.segmentation.simulation import scan_examples, simulate_training_scans
from cardiolib.segmentation.training import train_network

SEED = 20190211
N_HEARTS = 360
CONTROL_FRACTION = 0.6
STATE = DERIVED / "network"

SETTINGS = SegmentationSettings.wild(epochs=12, precision="auto", threads=1)
"""bfloat16 where the processor has it; one thread, so that a busy second core does not slow the training."""


def shipped_examples(n_hearts: int = N_HEARTS, *, map_units: Callable = map) -> list[Example]:
    """The simulated scans that the network learns from: hearts and images as hospitals have them."""
    scans = simulate_training_scans(
        n_hearts, seed=SEED, varied=True, control_fraction=CONTROL_FRACTION, map_units=map_units
    )
    return scan_examples(scans)


def train_shipped(
    path: Path = SHIPPED,
    *,
    n_hearts: int = N_HEARTS,
    settings: SegmentationSettings = SETTINGS,
    state: Path = STATE,
    progress: bool = False,
) -> TrainedNetwork:
    """Train the network that ships and write it to `path`.

    Parameters
    ----------
    path : Path
        An ``.npz`` file.
    n_hearts : int
    settings : SegmentationSettings
    state : Path
        Folder of the training state; one of another training is an error that says so.
    progress : bool

    Returns
    -------
    TrainedNetwork
        Its provenance says that it is simulated, on how many hearts it was trained, and how.
    """
    state.mkdir(parents=True, exist_ok=True)
    network, _ = train_network(
        shipped_examples(n_hearts), settings, seed=SEED, checkpoint_path=state / "training.pt", progress=progress
    )
    about = {"simulated": True, "n_hearts": n_hearts, "control_fraction": CONTROL_FRACTION}
    network = replace(network, provenance={**network.provenance, **about})
    network.save(path)
    return network


def main() -> None:
    """Train, write, and say where the file lies."""
    network = train_shipped(progress=True)
    sys.stdout.write(f"{network}\n{SHIPPED.name}: {SHIPPED.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
