"""Parameters of notebook 00, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.settings import Settings
from cardiolib.steps.named_files import kept_relative, located
from cardiolib.steps.segmentation_settings import SHIPPED


@dataclass(frozen=True)
class ScanStageSettings(Settings):
    """Parameters of notebook 00.

    Parameters
    ----------
    scan : str
        Your scan: a folder of DICOM files, a zip of one, or a NIfTI file. Empty: the simulated example that the
        notebook writes itself or, in a run on real scans, the first of the cohort. A relative path is one of the
        repository; an absolute one is kept relative to it.
    network : str
        What segments it: "shipped" (the network that comes with cardiolib) or the file of one.
    effort : str
        Of the tracker: "full", or "fast" (fewer points and iterations).

    Examples
    --------
    >>> ScanStageSettings(effort="fast").scan_path is None
    True
    """

    FILES: ClassVar[dict[str, str]] = {"scan": "scan_path", "network": "network_path"}
    CHOICES = {"effort": ("full", "fast")}

    scan: str = ""
    network: str = SHIPPED
    effort: str = "full"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.network:
            self.refuse("network", '"shipped" or the file of a network')
        for name in self.FILES:
            object.__setattr__(self, name, kept_relative(getattr(self, name)))

    @property
    def scan_path(self) -> Path | None:
        """Where the scan lies; None where none is named."""
        return located(self.scan) if self.scan else None

    @property
    def network_path(self) -> Path | None:
        """The file of the network; None for the one that comes with cardiolib."""
        return None if self.network == SHIPPED else located(self.network)

    @property
    def tracking(self) -> TrackingSettings:
        """The tracker's settings."""
        return TrackingSettings.fast() if self.effort == "fast" else TrackingSettings()
