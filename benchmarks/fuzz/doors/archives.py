"""Arrays in ``.npz`` files: the motion matrix and both kinds of network; a zip has a checksum for every member."""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import KINDS, damaged, flip_bit
from cardiolib.cohorts import open_cohort, write_matrix
from cardiolib.segmentation import TrainedNetwork
from cardiolib.survival.network.fitted import load_network
from cardiolib.validation import NoveltyAlarm
from cardiolib.validation.frozen_pipeline import FrozenPipeline, load_pipeline

FILE, SIDE = "motion.npz", "motion.json"
_ODD: tuple[Callable[[np.ndarray], Any], ...] = (
    lambda array: np.atleast_1d(array)[:0],
    lambda array: np.atleast_1d(array)[:-1],
    lambda array: array.reshape(-1)[:1],
    lambda array: np.array(array.reshape(-1)[0] if array.size else 0),
    lambda array: array[None],
    lambda array: np.full(array.shape, "x"),
    lambda array: np.full(array.shape, None, object),
    lambda array: np.full(array.shape, np.nan),
    lambda array: np.full(array.shape, 1 + 2j),
    lambda array: np.full(array.shape, np.datetime64("2019-02-11")),
    lambda array: np.full(array.shape, b"\xff"),
    lambda array: np.zeros(array.shape, [("a", "i4")]),
)


@lru_cache(maxsize=1)
def motion_files() -> dict[str, bytes]:
    """Three subjects, two vertices, with follow-up."""
    import pandas as pd

    rng = np.random.default_rng(4)
    outcomes = pd.DataFrame({"event": [True, False, True], "time": [5.5, 7.0, 9.25]}, index=["a", "b", "c"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        write_matrix(path, rng.normal(size=(3, 19 * 2 * 3)), ["a", "b", "c"], simulated=True, outcomes=outcomes)
        return {FILE: path.read_bytes(), SIDE: path.with_suffix(".json").read_bytes()}


def read_motion(folder: Path) -> Reading:
    """Motion and follow-up of the cohort in the file."""
    cohort = open_cohort(folder / FILE)
    ids, matrix = cohort.motion_matrix()
    values = {name: cohort.table[name].to_numpy() for name in cohort.table}
    values |= {"ids": list(ids), "X": matrix, "simulated": cohort.simulated, "unit": cohort.time_unit}
    return Reading(values, (*map(str, cohort.notes), cohort.name))


def mutate(files: Files, rng: random.Random, *, name: str) -> Mutant:
    """Damage to the bytes (half of it within 400 bytes: the header of a member), or members of another kind."""
    before = files[name]
    roll = rng.random()
    if roll < 0.35:
        head = min(400, len(before))
        start = rng.choice((0, rng.randrange(max(1, len(before) - head)), len(before) - head))
        part, told = damaged(before[start : start + head], rng, kinds=(flip_bit,))
        return Mutant({name: before[:start] + part + before[start + head :]}, f"from {start}: {told}", Expect.NOTICED)
    if roll < 0.6 and zipfile.is_zipfile(io.BytesIO(before)):
        return _other_members(before, rng, name)
    after, told = damaged(before, rng, kinds=KINDS)
    return Mutant({name: after}, told, Expect.NOTICED)


def _other_members(content: bytes, rng: random.Random, name: str) -> Mutant:
    """The archive written anew with one member gone, twice, of another kind, or with a header that lies."""
    members = _members(content)
    chosen = rng.choice(sorted(members))
    roll = rng.random()
    if roll < 0.2:
        del members[chosen]
        return Mutant({name: _archive(members)}, f"{chosen} is missing", Expect.FREE)
    if roll < 0.35:
        claimed = members[chosen].replace(b"'shape': (", b"'shape': (90000000000,", 1)
        shorter = claimed.replace(b"), }" + b" " * 12, b"), }", 1) if claimed != members[chosen] else claimed
        return Mutant({name: _archive({**members, chosen: shorter})}, f"{chosen} claims to be huge", Expect.NOTICED)
    if roll < 0.5:
        return Mutant({name: _archive({**members, chosen: rng.randbytes(80)})}, f"{chosen} is noise", Expect.NOTICED)
    if roll < 0.6:
        return Mutant({name: _archive({**members, "more.npy": members[chosen]})}, f"{chosen} twice", Expect.FREE)
    if not chosen.endswith(".npy"):
        return Mutant({name: _archive({**members, chosen: b""})}, f"{chosen} is empty", Expect.NOTICED)
    which = rng.randrange(len(_ODD))
    array = _ODD[which](np.load(io.BytesIO(members[chosen]), allow_pickle=False))
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return Mutant({name: _archive({**members, chosen: stream.getvalue()})}, f"{chosen} is of kind {which}", Expect.FREE)


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


@lru_cache(maxsize=1)
def survival_network() -> bytes:
    """A small fitted network."""
    from cardiolib.survival.network.settings import NetworkSettings
    from cardiolib.survival.network.training import fit_network

    X = np.random.default_rng(5).normal(size=(12, 4))
    model = fit_network(X, np.ones(12), np.arange(12.0), NetworkSettings(hidden=3, latent=2, epochs=1), seed=1)
    return _saved(model.save, "network.npz")


def read_survival_network(folder: Path) -> Reading:
    """Log risks of a few patients."""

    model = load_network(folder / "network.npz")
    X = np.random.default_rng(6).normal(size=(3, 4))
    values = {"log_risk": model.predict_log_risk(X), "n": model.n_patients, "latent": model.settings.latent}
    return Reading(values, (str(model.provenance), str(model.history.shape), str(model.baseline is None)))


@lru_cache(maxsize=1)
def frozen_pipeline() -> bytes:
    """A pipeline from motion to risk, with its alarm."""
    from cardiolib.survival.network.settings import NetworkSettings
    from cardiolib.survival.network.training import fit_network

    X = np.random.default_rng(5).normal(size=(12, 4))
    model = fit_network(X, np.ones(12), np.arange(12.0), NetworkSettings(hidden=3, latent=2, epochs=1), seed=1)
    return _saved(FrozenPipeline(model, alarm=NoveltyAlarm.of(model, X)).save, "pipeline.zip")


def read_pipeline(folder: Path) -> Reading:
    """What it says of a few patients."""
    pipeline = load_pipeline(folder / "pipeline.zip")
    table = pipeline.predict(np.random.default_rng(6).normal(size=(3, 4)), times=[2.0])
    return Reading({name: table[name].to_numpy() for name in table}, (repr(pipeline),))


@lru_cache(maxsize=2)
def segmentation_network(name: str) -> bytes:
    """A network of two small levels, in either format."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = TrainedNetwork.untrained(widths=(2, 3))
    return _saved(network.save, name)


def read_segmentation_network(folder: Path, *, name: str) -> Reading:
    """Its weights and settings."""

    network = TrainedNetwork.load(folder / name)
    values: dict[str, Any] = {"settings": json.dumps(network.settings, sort_keys=True, default=str)}
    values |= {key: value.numpy() for key, value in network.network.state_dict().items()}
    return Reading(values, (str(sorted(network.provenance.items())),))


def _saved(save: Callable[[Path], object], name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def _door(name: str, file: str, seed: Callable[[], bytes], read: Callable[[Path], Reading]) -> Door:
    return Door(name, lambda: {file: seed()}, read, partial(mutate, name=file))


MOTION = Door("motion_npz", motion_files, read_motion, partial(mutate, name=FILE))
SURVIVAL = _door("network_npz", "network.npz", survival_network, read_survival_network)
SEGMENTATION = _door(
    "segmentation_npz",
    "segmentation.npz",
    lambda: segmentation_network("segmentation.npz"),
    partial(read_segmentation_network, name="segmentation.npz"),
)
TORCH = _door(
    "segmentation_pt",
    "segmentation.pt",
    lambda: segmentation_network("segmentation.pt"),
    partial(read_segmentation_network, name="segmentation.pt"),
)
PIPELINE = _door("pipeline_zip", "pipeline.zip", frozen_pipeline, read_pipeline)
