"""A whole pipeline in one file, from images to risk, so that another centre applies exactly what home fitted.

The file is a zip archive of what was fitted: the survival network with its scaling and baseline hazard
(``survival.npz``), the segmentation network (``segmentation.npz``), the alarm for unfamiliar hearts (``alarm.npz``),
and ``about.json``: settings of tracking, the hash of the model of motion, the hash of each part. This module is
imported by its name, because it needs the packages of images, which the rest of validation does not.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.archives import check_archive
from cardiolib.cohorts.cohort import Cohort
from cardiolib.files import atomic_path, file_hash, read_arrays
from cardiolib.imaging import Cine
from cardiolib.motion.heart_motion import track
from cardiolib.motion.tracking.population import SHIPPED
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.printed import as_html
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.survival.network.fitted import FittedNetwork, load_network
from cardiolib.validation.alarms import NoveltyAlarm

FORMAT = "cardiolib frozen pipeline 1"
_DATE = (1980, 1, 1, 0, 0, 0)  # of every part: the bytes depend on the content alone


@dataclass(frozen=True, eq=False, repr=False)
class FrozenPipeline:
    """Everything that was fitted at home.

    Attributes
    ----------
    model : FittedNetwork
        With its baseline hazard.
    segmentation : TrainedNetwork or None
        None where the pipeline starts from motion.
    alarm : NoveltyAlarm or None
    tracking : TrackingSettings

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(40, 6))
    >>> quick = cl.NetworkSettings(hidden=4, latent=2, epochs=3)
    >>> model = cl.fit_network(X, np.ones(40), rng.exponential(np.exp(-X[:, 0])), quick)
    >>> pipeline = FrozenPipeline(model, alarm=NoveltyAlarm.of(model, X))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fingerprint = pipeline.save(f"{folder}/home.zip")
    ...     again = load_pipeline(f"{folder}/home.zip", sha256=fingerprint)
    >>> again.predict(X, times=[1.0]).equals(pipeline.predict(X, times=[1.0]))
    True
    """

    model: FittedNetwork
    segmentation: TrainedNetwork | None = None
    alarm: NoveltyAlarm | None = None
    tracking: TrackingSettings = TrackingSettings()

    def __post_init__(self) -> None:
        if self.model.baseline is None:
            raise ValueError("a frozen pipeline predicts probabilities: give the model a baseline hazard first")

    @property
    def simulated(self) -> bool:
        """Whether its risk was learnt from simulated patients."""
        return self.model.simulated

    def motion(self, cine: Cine, *, seed: int = 0) -> np.ndarray:
        """(D,) motion in mm of one heart, from its cine: segmented and tracked as at home.

        Raises
        ------
        ValueError
            The pipeline holds no segmentation network, or the heart cannot be tracked.
        """
        if self.segmentation is None:
            raise ValueError("this pipeline starts from motion: freeze it with its segmentation network")
        return track(cine, self.segmentation.segment(cine).labels, settings=self.tracking, seed=seed).motion

    def predict(
        self, given: ArrayLike | Cohort, *, times: Sequence[float] = (), start: str = "motion", seed: int = 0
    ) -> pd.DataFrame:
        """Log risk, probability of death by each time and alarms of every patient.

        Parameters
        ----------
        given : (N, D) array or Cohort
            Motion in mm, or a cohort.
        times : sequence of float
            In the unit of training.
        start : {"motion", "images"}
            Of a cohort: from its motion, or from its images by `motion` (subjects without images are left out).
        seed : int
            Of tracking.

        Returns
        -------
        DataFrame
            ``log_risk`` (higher is worse), ``death_<time>``, and the columns of `NoveltyAlarm.scores`; index the
            subjects' IDs, or 0 to N - 1. ``attrs["simulated"]``: the model or the cohort is simulated.

        Raises
        ------
        ValueError
            For another number of columns than the model was trained on, or an unknown `start`.
        """
        if start not in ("motion", "images"):
            raise ValueError(f"start must be 'motion' or 'images', got {start!r}")
        if not isinstance(given, Cohort):
            X = np.asarray(given)
            index: pd.Index = pd.RangeIndex(len(X))
        elif start == "motion":
            ids, X = given.motion_matrix()
            index = pd.Index(ids, name="ID")
        else:
            ids = given.ids_with("images")
            X = np.stack([self.motion(given.image(one), seed=seed) for one in ids])
            index = pd.Index(ids, name="ID")
        table = pd.DataFrame({"log_risk": self.model.predict_log_risk(X)}, index=index)
        if len(times):
            died = 1 - self.model.survival_curve(X, np.asarray(times, float))
            table = table.assign(**{f"death_{t:g}": column for t, column in zip(times, died.T, strict=True)})
        if self.alarm is not None:
            table = table.join(self.alarm.scores(self.model, X).set_axis(index))
        table.attrs["simulated"] = self.simulated or bool(getattr(given, "simulated", False))
        return table

    def save(self, path: str | os.PathLike[str]) -> str:
        """Write one file, whole or not at all, and return the SHA-256 of its bytes; they depend on the parts alone."""
        parts = {"survival.npz": _bytes_of(self.model)}
        if self.segmentation is not None:
            parts["segmentation.npz"] = _bytes_of(self.segmentation)
        if self.alarm is not None:
            parts["alarm.npz"] = self.alarm.to_bytes()
        about = {
            "format": FORMAT,
            "simulated": self.simulated,
            "tracking": asdict(self.tracking),
            "motion_model_sha256": file_hash(SHIPPED),
            "parts": {name: sha256(content).hexdigest() for name, content in parts.items()},
        }
        parts["about.json"] = (json.dumps(about, indent=1, sort_keys=True) + "\n").encode()
        with atomic_path(path) as temporary:
            with zipfile.ZipFile(temporary, "w") as archive:
                for name in sorted(parts):
                    archive.writestr(zipfile.ZipInfo(name, _DATE), parts[name])
            return file_hash(temporary)

    def __repr__(self) -> str:
        start = "motion" if self.segmentation is None else "images"
        watched = "without an alarm" if self.alarm is None else "with an alarm for unfamiliar hearts"
        kind = "SIMULATED frozen" if self.simulated else "Frozen"
        return f"{kind} pipeline from {start} to risk, {watched}: {self.model!r}"

    def _repr_html_(self) -> str:
        return as_html(repr(self))


def load_pipeline(path: str | os.PathLike[str], *, sha256: str | None = None) -> FrozenPipeline:
    """Read what `FrozenPipeline.save` wrote.

    Parameters
    ----------
    path : path-like
    sha256 : str, optional
        Hash that the file must have.

    Raises
    ------
    ValueError
        Another hash, a file that is none of these or is damaged, or a pipeline that was frozen with another model of
        motion than the one installed: it would not give the same motion.
    """
    path = Path(path)
    if sha256 is not None and file_hash(path) != sha256:
        raise ValueError(f"{path}: its SHA-256 is {file_hash(path)}, not {sha256}: this is another pipeline")
    check_archive(path, what="frozen pipeline")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        about = json.loads(parts.pop("about.json"))
        known = about["format"] == FORMAT and set(about["parts"]) == set(parts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: no frozen pipeline ({error}). Write it with FrozenPipeline.save.") from error
    if not known or any(_digest(parts[name]) != wanted for name, wanted in about["parts"].items()):
        raise ValueError(f"{path}: no frozen pipeline of {FORMAT!r}, or a damaged one. Copy it again.")
    if "segmentation.npz" in parts and about["motion_model_sha256"] != file_hash(SHIPPED):
        raise ValueError(
            f"{path}: it was frozen with another model of motion than the one installed, so that images would give "
            "other motion. Install the version of cardiolib that wrote it."
        )
    try:
        return _assembled(parts, about)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: what it holds does not make a pipeline ({error}). Freeze it again.") from error


def _assembled(parts: dict[str, bytes], about: dict[str, Any]) -> FrozenPipeline:
    with tempfile.TemporaryDirectory(prefix="cardiolib-") as folder:
        files = {name: Path(folder) / name for name in parts}
        for name, content in parts.items():
            files[name].write_bytes(content)
        alarm = None
        if "alarm.npz" in parts:
            arrays = read_arrays(files["alarm.npz"], what="alarm", remedy="Copy the pipeline again.")
            alarm = NoveltyAlarm(**{name: value for name, value in arrays.items() if name != "about"})
        segmentation = TrainedNetwork.load(files["segmentation.npz"]) if "segmentation.npz" in parts else None
        return FrozenPipeline(
            load_network(files["survival.npz"]), segmentation, alarm, TrackingSettings(**about["tracking"])
        )


def _bytes_of(part: Any) -> bytes:
    with tempfile.TemporaryDirectory(prefix="cardiolib-") as folder:
        file = Path(folder) / "part.npz"
        part.save(file)
        return file.read_bytes()


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()
