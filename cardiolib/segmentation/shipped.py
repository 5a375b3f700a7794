"""Segmenting a cine in one call, with the network that is at hand."""

from __future__ import annotations

import os
from pathlib import Path

from cardiolib.imaging import Cine
from cardiolib.last_run import DERIVED, newest_run
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.inference import Segmentation

NETWORK = "CARDIOLIB_NETWORK"
"""Environment variable: the file of the network that `segment` uses where none is given."""

_OF_A_RUN = Path("segmentation") / "network.pt"


def segment(
    cine: Cine, network: TrainedNetwork | str | os.PathLike[str] | None = None, *, clean: bool = True
) -> Segmentation:
    """Find both ventricles in every frame of a short-axis cine.

    Parameters
    ----------
    cine : Cine
        Any in-plane size and spacing, any number of slices and frames.
    network : TrainedNetwork or path, optional
        By default the file that the environment variable ``CARDIOLIB_NETWORK`` names, else the network of the last
        finished run (`default_network`).
    clean : bool
        Remove stray islands.

    Returns
    -------
    Segmentation
        Label map on the image's own voxels, frames of end-diastole and end-systole, volumes, landmarks, notes.

    Raises
    ------
    FileNotFoundError
        If no network is given and there is none; the message says how to make one.

    Examples
    --------
    The call with an untrained network, which labels nothing sensible; leave it out to use that of your last run.

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.segmentation import TrainedNetwork
    >>> cine = cl.Cine(np.zeros((32, 32, 3, 2)), np.diag([1.6, 1.6, 10, 1]))
    >>> found = cl.segment(cine, TrainedNetwork.untrained(widths=(2, 4)))
    >>> found.labels.shape, found.labels.n_frames
    ((32, 32, 3), 2)
    """
    if network is None:
        network = default_network()
    elif not isinstance(network, TrainedNetwork):
        network = TrainedNetwork.load(Path(network))
    return network.segment(cine, clean=clean)


def default_network() -> TrainedNetwork:
    """The network of ``CARDIOLIB_NETWORK``, else of the last finished run.

    Runs are looked for below ``data/derived`` of the repository that holds this package, then of the working folder.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    named = os.environ.get(NETWORK)
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"{NETWORK} names {named}, but there is no such file; correct it or unset it")
        return TrainedNetwork.load(named)
    places = list(dict.fromkeys((DERIVED, Path.cwd() / "data" / "derived")))
    for derived in places:
        run = newest_run(derived)
        if run is not None and (run / _OF_A_RUN).is_file():
            return TrainedNetwork.load(run / _OF_A_RUN)
    looked = " or ".join(str(place) for place in places)
    raise FileNotFoundError(
        f"there is no segmentation network: none was given, {NETWORK} is not set, and no finished run with one lies in "
        f"{looked}. `make smoke` trains a small one and `make reproduce` a good one, or give network= a file that "
        "TrainedNetwork.save wrote."
    )
