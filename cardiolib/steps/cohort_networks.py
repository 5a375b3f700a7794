"""Which network reads which scan of a cohort."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from cardiolib.segmentation.checkpoint import TrainedNetwork

NOT_TRAINED_HERE = "The network was not trained in this run: there is no training to draw."
TRAINED_HERE = "The scans were read by the network of this training, or by networks that were trained on from it."
SHOWN_ONLY = (
    "The network that reads the scans was not trained in this run. What is drawn is a short training on a few "
    "simulated hearts, for show: nothing of it is used."
)


@dataclass(frozen=True, eq=False)
class NamedNetwork:
    """A network that reads scans of a cohort.

    Attributes
    ----------
    name : str
        For tables: "simulated", "shipped", "given", "fine-tuned", "fold 1" ...
    network : TrainedNetwork
    trained_on : str
        In words.
    patients : tuple of str
        Of this cohort, that it was trained on.
    """

    name: str
    network: TrainedNetwork
    trained_on: str
    patients: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """Of its weights."""
        return self.network.fingerprint()


@dataclass(frozen=True, eq=False)
class CohortNetworks:
    """Which network reads which scan.

    Attributes
    ----------
    networks : tuple of NamedNetwork
        Each reads at least one scan.
    reader : dict of str to str
        ID -> name of the network that reads it.
    history : DataFrame
        One row an epoch of the training on simulated hearts; no row where there was none in this run.
    shown_only : bool
        The network of that training reads nothing: it only shows how a training goes.
    """

    networks: tuple[NamedNetwork, ...]
    reader: dict[str, str]
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    shown_only: bool = False

    @property
    def training_remark(self) -> str:
        """What is to be known about the training that is drawn."""
        if self.lacks:
            return self.lacks
        return SHOWN_ONLY if self.shown_only else TRAINED_HERE

    @property
    def first(self) -> TrainedNetwork:
        """The network of the first scan."""
        return self.networks[0].network

    @property
    def lacks(self) -> str:
        """Why there is no training to draw; empty where there is."""
        return "" if len(self.history) else NOT_TRAINED_HERE

    def of(self, subject_id: str) -> NamedNetwork:
        """The network that reads a scan."""
        return next(named for named in self.networks if named.name == self.reader[subject_id])

    def trained_on(self, subject_id: str) -> bool:
        """Whether the network that reads a scan was trained on it."""
        return subject_id in self.of(subject_id).patients

    @property
    def table(self) -> pd.DataFrame:
        """One row a network: fingerprint, what it was trained on, scans read, and scans of these trained on."""
        rows = []
        for named in self.networks:
            read = [subject_id for subject_id, name in self.reader.items() if name == named.name]
            rows.append(
                {
                    "network": named.name,
                    "fingerprint": named.fingerprint,
                    "trained on": named.trained_on,
                    "scans read": len(read),
                    "of these trained on": len(set(read) & set(named.patients)),
                }
            )
        return pd.DataFrame(rows).set_index("network")

    def key(self) -> dict[str, list[str]]:
        """What decides which labels are found, for `Work.units`: fingerprint -> scans read, those trained on marked."""
        read: dict[str, list[str]] = {}
        for subject_id in self.reader:
            mark = " (trained on)" if self.trained_on(subject_id) else ""
            read.setdefault(self.of(subject_id).fingerprint, []).append(subject_id + mark)
        return read
