"""Parameters of notebook 01, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from cardiolib.segmentation.settings import SegmentationSettings
from cardiolib.settings import Settings
from cardiolib.steps.named_files import kept_relative, located

__all__ = ["SegmentationStageSettings", "TrainingDetails"]

ALL = "all"
"""Value of `fine_tune` that shares out every labelled patient."""

AUTO, TRAINED, SHIPPED = "auto", "trained", "shipped"
"""Values of `network` that are no file."""


@dataclass(frozen=True)
class TrainingDetails(Settings):
    """What few readers of notebook 01 change.

    Parameters
    ----------
    validation_fraction : float
        Share of the simulated hearts kept aside to choose the best epoch.
    precision : str
        "fp32" (bit-stable) or "auto" (bfloat16 where the processor has it: faster).
    shown_hearts : int
        Where the network is not trained in this run: simulated hearts on which a training is shown all the same, of
        which nothing is used. 0 shows none.
    fine_tune_folds : int
        Groups into which ``fine_tune="all"`` shares out the labelled patients; one network is trained for each.

    Examples
    --------
    >>> TrainingDetails(fine_tune_folds=5).precision
    'fp32'
    """

    validation_fraction: float = 0.1
    precision: str = "fp32"
    shown_hearts: int = 0
    fine_tune_folds: int = 3

    RANGES = {"validation_fraction": (0.0, 1.0), "shown_hearts": (0, np.inf), "fine_tune_folds": (2, np.inf)}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.validation_fraction in (0, 1):
            self.refuse("validation_fraction", "between 0 and 1, both left out")


@dataclass(frozen=True)
class SegmentationStageSettings(Settings):
    """Parameters of notebook 01.

    Parameters
    ----------
    n_training : int
        Simulated hearts to train on, imaged at ED and ES with randomised contrast. None of them belongs to
        the cohort.
    epochs : int
        Each shows every training heart once at ED and once at ES.
    width : int
        Channels of the network's finest level; each of its four levels has twice as many as the one before.
    augmentation : str
        How strongly training images are changed: "plain", "wild" (randomised surroundings, contrast and shape), or
        "auto": plain for a simulated cohort, wild for real scans.
    network : str
        What reads the scans: "trained" (in this run, on simulated hearts), "shipped" (the one that comes with
        cardiolib, trained on simulated hearts too), "auto" (trained for a simulated cohort, shipped for real scans), or
        the file of a network (``TrainedNetwork.save``). A relative path is one of the repository; an absolute one is
        kept relative to it.
    fine_tune : str
        Train the network on with the cohort's own labels: "0" not at all, "5" with five labelled patients, "all" with
        every labelled patient, where each scan is read by a network that was trained on others.
    max_scans : int
        Segment at most so many of the cohort's scans; 0 for all.
    training : dict
        What few change, see `TrainingDetails`, for example ``{"precision": "auto"}``.

    Examples
    --------
    >>> SegmentationStageSettings(fine_tune="5").n_fine_tuned
    5
    >>> SegmentationStageSettings(fine_tune="five")
    Traceback (most recent call last):
    ValueError: SegmentationStageSettings.fine_tune must be a number of patients or "all", got 'five'
    """

    NESTED: ClassVar[dict[str, type]] = {"training": TrainingDetails}
    FILES: ClassVar[dict[str, str]] = {"network": "network_path"}

    n_training: int = 160
    epochs: int = 7
    width: int = 16
    augmentation: str = "auto"
    network: str = AUTO
    fine_tune: str = "0"
    max_scans: int = 0
    training: dict = field(default_factory=dict)

    RANGES = {"n_training": (2, np.inf), "width": (1, np.inf), "max_scans": (0, np.inf)}
    CHOICES = {"augmentation": ("auto", "plain", "wild")}

    def __post_init__(self) -> None:
        if isinstance(self.fine_tune, int) and not isinstance(self.fine_tune, bool):
            object.__setattr__(self, "fine_tune", str(self.fine_tune))  # a number is what a reader types
        super().__post_init__()
        if self.fine_tune != ALL and not self.fine_tune.isdecimal():
            self.refuse("fine_tune", 'a number of patients or "all"')
        if not self.network:
            self.refuse("network", '"auto", "trained", "shipped" or the file of a network')
        object.__setattr__(self, "network", kept_relative(self.network))
        if not isinstance(self.training, dict):
            self.refuse("training", "a table of names and values")
        self.network_settings(simulated=True)

    @property
    def details(self) -> TrainingDetails:
        """The rest of the parameters, checked."""
        return TrainingDetails(**self.training)

    @property
    def network_path(self) -> Path | None:
        """The file of `network`; None where it names none."""
        return None if self.network in (AUTO, TRAINED, SHIPPED) else located(self.network)

    def network_source(self, *, simulated: bool) -> str:
        """Where the network of a simulated cohort, or of real scans, comes from: "trained", "shipped" or "file".

        >>> SegmentationStageSettings().network_source(simulated=False)
        'shipped'
        """
        if self.network == AUTO:
            return TRAINED if simulated else SHIPPED
        return self.network if self.network in (TRAINED, SHIPPED) else "file"

    @property
    def n_fine_tuned(self) -> int | None:
        """Patients to train on; None stands for "all"."""
        return None if self.fine_tune == ALL else int(self.fine_tune)

    def network_settings(self, *, simulated: bool) -> SegmentationSettings:
        """The settings of the network's training, for a simulated cohort or for real scans."""
        wild = self.augmentation == "wild" or (self.augmentation == "auto" and not simulated)
        make = SegmentationSettings.wild if wild else SegmentationSettings
        widths = tuple(self.width * 2**level for level in range(4))
        return make(epochs=self.epochs, widths=widths, precision=self.details.precision)
