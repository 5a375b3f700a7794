"""The networks that read a cohort: trained here, shipped or given as a file, and trained on with its own labels.

No scan whose errors are reported was read by a network that was trained on it. With ``fine_tune="5"`` five labelled
patients are trained on and left out of every comparison. With ``fine_tune="all"`` the labelled patients are shared out
among a few groups, and each group is read by a network that was trained on the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.digital_heart import SimulatedScan
from cardiolib.imaging import Cine
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.examples import Example, fingerprint, make_examples, split_by_subject
from cardiolib.segmentation.segmented import reference_frames
from cardiolib.segmentation.settings import plain
from cardiolib.segmentation.shipped import shipped_network
from cardiolib.segmentation.simulation import scan_examples, simulate_training_scans
from cardiolib.segmentation.training import fine_tune, train_network
from cardiolib.steps.cohort_networks import CohortNetworks, NamedNetwork
from cardiolib.steps.named_files import load_named_network, located
from cardiolib.steps.segmentation_settings import SHIPPED, TRAINED, SegmentationStageSettings
from cardiolib.work import Work

__all__ = ["drawing_order", "networks_for_cohort", "train_on_simulated"]

REHEARSAL_HEARTS = 40
"""Simulated hearts shown beside a cohort's own scans, so that the network does not forget what those do not label."""

SHOWN_AN_EPOCH = 80
"""Stacks of the cohort's own that an epoch shows at least: a few scans are shown often, each time changed anew."""


def networks_for_cohort(settings: SegmentationStageSettings, cohort: Cohort, work: Work) -> CohortNetworks:
    """Train or load the networks that read a cohort's scans; resumes after an interruption.

    Parameters
    ----------
    settings : SegmentationStageSettings
        ``network``, ``fine_tune`` and the training on simulated hearts.
    cohort : Cohort
    work : Work
        The first scan's network is stored as ``network.pt`` in its folder, others as ``network-<name>.pt``.

    Raises
    ------
    FileNotFoundError, ValueError
        The file of the network is not there or is none; the cohort has fewer labelled patients than asked for.
    """
    ids = cohort.ids_with("images")[: settings.max_scans or None]
    labelled = [] if settings.fine_tune == "0" else _labelled(settings, cohort)  # before training that would be lost
    start, history = _start(settings, cohort, work)
    networks: tuple[NamedNetwork, ...]
    if not labelled:
        networks, reader = (start,), dict.fromkeys(ids, start.name)
    elif settings.n_fine_tuned is not None:
        drawn = tuple(drawing_order(cohort, labelled, seed=work.seed)[: settings.n_fine_tuned])
        networks = (_fine_tuned("fine-tuned", start, drawn, settings, cohort, work),)
        reader = dict.fromkeys(ids, networks[0].name)
    else:
        networks, reader = _shared_out(start, labelled, ids, settings, cohort, work)
    for i, named in enumerate(networks):
        name = f"network-{named.name.replace(' ', '-')}.pt" if i else "network.pt"
        named.network.save(work.folder / name)
    return CohortNetworks(networks, reader, history, shown_only=start.name != "simulated")


def _start(settings: SegmentationStageSettings, cohort: Cohort, work: Work) -> tuple[NamedNetwork, pd.DataFrame]:
    """The network before any of the cohort's labels are used, and its training or the one that is shown."""
    source = settings.network_source(simulated=cohort.simulated)
    if source == TRAINED:
        network, history = train_on_simulated(settings, cohort, work)
        return NamedNetwork("simulated", network, f"{settings.n_training} simulated hearts"), history
    if source == SHIPPED:
        network = shipped_network()
        words = f"{network.provenance['n_hearts']} simulated hearts, before this run (ships with cardiolib)"
        start = NamedNetwork("shipped", network, words)
    else:
        network = load_named_network(
            located(settings.network),
            parameter="segmentation.network",
            given=settings.network,
            instead='"shipped", or "trained" to train a network',
        )
        start = NamedNetwork("given", network, f"not known here: file {Path(settings.network).name}")
    shown = settings.details.shown_hearts
    if not shown:
        return start, pd.DataFrame()
    return start, train_on_simulated(replace(settings, n_training=shown), cohort, work)[1]


def train_on_simulated(
    settings: SegmentationStageSettings, cohort: Cohort, work: Work
) -> tuple[TrainedNetwork, pd.DataFrame]:
    """Simulate scans and train; resumes after an interruption.

    For real scans hearts and scans are as hospitals have them (`simulate_training_scans`), and labels follow the
    convention of ACDC, which leaves the outflow tract out of the right ventricle.

    Returns
    -------
    network : TrainedNetwork
    history : DataFrame
        One row an epoch.
    """
    fraction = settings.details.validation_fraction
    training, validation = split_by_subject(
        scan_examples(_simulated(settings.n_training, work.seed, cohort, work)),
        validation_fraction=fraction,
        rng=np.random.default_rng(work.seed),
    )
    training_settings = settings.network_settings(simulated=cohort.simulated)
    key = {
        "n_training": settings.n_training,
        "validation_fraction": fraction,
        "seed": work.seed,
        "settings": plain(training_settings),
        "real": not cohort.simulated,
    }
    units = work.units("training", key, what="Training of the network")
    network, history = train_network(
        training,
        training_settings,
        seed=work.seed,
        validation=validation,
        checkpoint_path=units / "training.pt",
        progress=True,
    )
    network = replace(network, provenance={**network.provenance, "simulated": True})  # it learnt from no patient
    return network, history


def drawing_order(cohort: Cohort, labelled: Sequence[str], *, seed: int) -> list[str]:
    """The labelled patients in the order in which they are drawn to train on: by seed, one of each group in turn.

    Groups are those of the table's column ``group``; without one all patients are one group.

    Examples
    --------
    >>> table = pd.DataFrame({"group": ["DCM", "DCM", "HCM", "HCM"]}, index=["a", "b", "c", "d"])
    >>> order = drawing_order(Cohort("four", table), ["a", "b", "c", "d"], seed=1)
    >>> sorted(table.loc[order[:2], "group"])
    ['DCM', 'HCM']
    """
    order = pd.Series([labelled[i] for i in np.random.default_rng([int(seed), 5]).permutation(len(labelled))])
    if "group" not in cohort.table:
        return order.tolist()
    groups = cohort.table["group"].astype(str).reindex(order).to_numpy()
    place = order.groupby(groups).cumcount()  # the first of each group, then the second of each ...
    return order[np.argsort(place.to_numpy(), kind="stable")].tolist()


def _shared_out(
    start: NamedNetwork,
    labelled: list[str],
    ids: Sequence[str],
    settings: SegmentationStageSettings,
    cohort: Cohort,
    work: Work,
) -> tuple[tuple[NamedNetwork, ...], dict[str, str]]:
    """Networks of a cross-fit: a labelled scan is read by one trained on other groups, the rest by one that saw all."""
    n_folds = min(settings.details.fine_tune_folds, len(labelled))
    dealt = {i: n % n_folds for n, i in enumerate(drawing_order(cohort, labelled, seed=work.seed))}
    reader = {i: f"fold {dealt[i] + 1}" if i in dealt else "all labelled" for i in ids}
    networks = []
    for name in dict.fromkeys(reader.values()):
        patients = tuple(i for i in labelled if name != f"fold {dealt[i] + 1}")
        networks.append(_fine_tuned(name, start, patients, settings, cohort, work))
    return tuple(networks), reader


def _fine_tuned(
    name: str,
    start: NamedNetwork,
    patients: tuple[str, ...],
    settings: SegmentationStageSettings,
    cohort: Cohort,
    work: Work,
) -> NamedNetwork:
    """The network trained on with patients of the cohort, beside simulated hearts."""
    grid = {entry: start.network.settings[entry] for entry in ("pixel_mm", "size_px", "neighbour_mm")}
    examples = [example for i in patients for example in _own_examples(cohort, i, grid)]
    n_rehearsed = min(REHEARSAL_HEARTS, settings.n_training)
    # a seed of its own: the network may have been trained on the hearts of the run's
    rehearsal = [
        example
        for subject, scan in _simulated(n_rehearsed, work.seed + 2, cohort, work)
        for example in make_examples(
            scan.cine, scan.labels, subject=subject, landmarks_world_mm=scan.as_imaged(scan.landmarks_world_mm), **grid
        )
    ]
    repeats = max(2, round(SHOWN_AN_EPOCH / len(examples)))
    key = {
        "start": start.fingerprint,
        "cohort": cohort.name,
        "patients": list(patients),
        "data": fingerprint(examples),
        "rehearsal": n_rehearsed,
        "repeats": repeats,
        "seed": work.seed,
    }
    units = work.units(f"fine-tuning-{name.replace(' ', '-')}", key, what=f"Training of the network {name!r}")
    network, _ = fine_tune(
        start.network,
        examples,
        seed=work.seed,
        rehearsal=rehearsal,
        repeats=repeats,
        checkpoint_path=units / "training.pt",
        progress=True,
    )
    if cohort.simulated and start.network.simulated:
        network = replace(network, provenance={**network.provenance, "simulated": True})
    words = f"{start.trained_on}, then {len(patients)} patients of this cohort beside {n_rehearsed} simulated hearts"
    return NamedNetwork(name, network, words, patients)


def _labelled(settings: SegmentationStageSettings, cohort: Cohort) -> list[str]:
    """Patients whose image and labels at ED and ES are there, as many as asked for at least."""
    with_images = set(cohort.ids_with("images"))
    labelled = [i for i in cohort.ids_with("labels") if i in with_images]
    least = 2 if settings.n_fine_tuned is None else settings.n_fine_tuned
    if len(labelled) < least:
        raise ValueError(
            f"segmentation.fine_tune = {settings.fine_tune!r} needs {least} labelled patients, and {len(labelled)} of "
            f"the {len(cohort)} of cohort {cohort.name!r} have image and labels. Ask for fewer, or for 0."
        )
    return labelled


def _own_examples(cohort: Cohort, subject_id: str, grid: Mapping[str, Any]) -> list[Example]:
    """A patient's labelled ED and ES on the network's grid."""
    reference = reference_frames(subject_id, cohort)
    if reference is None:
        raise ValueError(
            f"the labels of {subject_id!r} do not say which frames of its cine they belong to: it cannot be trained on"
        )
    truth, frames = reference
    cine = cohort.image(subject_id)
    pair = Cine(cine.voxels[..., list(frames.values())], cine.affine)
    known = cohort.landmarks(subject_id) if subject_id in cohort.ids_with("landmarks") else None
    marks = None if known is None else known[list(frames.values())]
    return make_examples(pair, truth, subject=subject_id, landmarks_world_mm=marks, **grid)


def _simulated(n: int, seed: int, cohort: Cohort, work: Work) -> list[tuple[str, SimulatedScan]]:
    """Scans to train on, of the kind that suits the cohort."""
    real = not cohort.simulated
    return simulate_training_scans(
        n,
        seed=seed,
        varied=real,
        control_fraction=0.6 if real else 0.3,
        map_units=work.map_units,
    )
