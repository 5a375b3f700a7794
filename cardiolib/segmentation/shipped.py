"""Segmenting a cine in one call, with the network that ships with cardiolib."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from cardiolib.imaging import Cine
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.inference import Segmentation

NETWORK = "CARDIOLIB_NETWORK"
"""Environment variable: the file of the network that `segment` uses where none is given."""

SHIPPED = Path(__file__).with_name("network.npz")
"""The network that ships with cardiolib, made by ``make network``."""


def segment(
    cine: Cine, network: TrainedNetwork | str | os.PathLike[str] | None = None, *, clean: bool = True
) -> Segmentation:
    """Find both ventricles in every frame of a short-axis cine.

    Parameters
    ----------
    cine : Cine
        Any in-plane size and spacing, any number of slices and frames.
    network : TrainedNetwork or path, optional
        By default the file that the environment variable ``CARDIOLIB_NETWORK`` names, else the network that ships with
        cardiolib (`shipped_network`). That one was trained on simulated hearts only.
    clean : bool
        Remove stray islands.

    Returns
    -------
    Segmentation
        Label map on the image's own voxels, frames of end-diastole and end-systole, volumes, landmarks, notes.

    Raises
    ------
    FileNotFoundError
        If the file that is named is not there.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> heart = cl.DigitalHeart()
    >>> scan = cl.acquire(heart, phases=[0.0, heart.es_phase], rng=np.random.default_rng(1))
    >>> found = cl.segment(scan.cine)
    >>> found.labels.n_frames, found.ed, found.es
    (2, 0, 1)
    """
    if network is None:
        network = default_network()
    elif not isinstance(network, TrainedNetwork):
        network = TrainedNetwork.load(Path(network))
    return network.segment(cine, clean=clean)


def default_network() -> TrainedNetwork:
    """The network of the file that ``CARDIOLIB_NETWORK`` names, else the one that ships with cardiolib.

    Raises
    ------
    FileNotFoundError
        If there is no file of that name.
    """
    named = os.environ.get(NETWORK)
    if not named:
        return shipped_network()
    if not Path(named).is_file():
        raise FileNotFoundError(f"{NETWORK} names {named}, but there is no such file; correct it or unset it")
    return TrainedNetwork.load(named)


@lru_cache(maxsize=1)
def shipped_network() -> TrainedNetwork:
    """The network that ships with cardiolib: trained on simulated hearts only, for real scans.

    `docs/network_card.md` says what it was trained on, how it was measured, and where it fails.

    Examples
    --------
    >>> network = shipped_network()
    >>> network.simulated, network.places_landmarks
    (True, True)
    """
    return TrainedNetwork.load(SHIPPED)
