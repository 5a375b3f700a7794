"""Everything that decides what a trained segmentation network is, besides data and seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from cardiolib.segmentation.augment import AugmentationSettings


@dataclass(frozen=True)
class SegmentationSettings(AugmentationSettings):
    """Everything that decides what the trained network is, besides data and seed.

    Attributes
    ----------
    widths : tuple of int
        Channels per resolution level.
    pixel_mm, size_px, neighbour_mm
        The network's grid: pixel size, window side, distance of neighbouring slices (about).
    training_px : int
        Side of the part of the window that a training step sees (at most size_px); smaller is faster.
    epochs, batch_size : int
        One epoch shows every training stack (one phase of one heart) once; stacks whose gradients are averaged for a
        step.
    learning_rate, adam_learning_rate, weight_decay : float
        Of `Muon`, at their highest.
    warmup_fraction : float
        Share of the steps in which the rates rise; in the rest they fall to 0.
    averaging : float
        The network kept is a running average of the trained one that looks back over about this share of
        all steps; 0 switches it off.
    dice_weight, landmark_weight : float
        Weights of the soft Dice and landmark losses beside the cross-entropy.
    patience : int
        Stop after so many epochs without a better validation Dice; 0 = never. The best epoch is kept in
        any case.
    precision : {"fp32", "auto"}
        "auto" computes in bfloat16 where the processor has it: about twice as fast, not bit-stable
        between machines.
    threads : int
        Of torch, while training on the CPU; part of what fixes the result, so it is not the number of cores.
    device : {"auto", "cpu", "cuda"}
    """

    widths: tuple[int, ...] = (16, 32, 64, 128)
    pixel_mm: float = 1.6
    size_px: int = 96
    training_px: int = 80
    neighbour_mm: float = 10.0
    epochs: int = 6
    batch_size: int = 1
    learning_rate: float = 0.02
    adam_learning_rate: float = 0.012
    warmup_fraction: float = 0.1
    weight_decay: float = 0.0
    averaging: float = 0.05
    dice_weight: float = 3.0
    landmark_weight: float = 0.03
    patience: int = 0
    precision: str = "fp32"
    threads: int = 2
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "widths", tuple(self.widths))  # a list after a trip through YAML
        positive = ("pixel_mm", "neighbour_mm", "learning_rate", "adam_learning_rate")
        for name, low, high in (
            *((name, 1e-12, np.inf) for name in positive),
            ("warmup_fraction", 0.01, 0.99),
            ("weight_decay", 0, np.inf),
            ("averaging", 0, 1),
            ("dice_weight", 0, np.inf),
            ("landmark_weight", 0, np.inf),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
        for name, low in (
            ("size_px", 16),
            ("training_px", 16),
            ("epochs", 1),
            ("batch_size", 1),
            ("threads", 1),
            ("patience", 0),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < low:
                raise ValueError(f"{name} must be an integer of at least {low}, got {value!r}")
        if not self.widths or any(not isinstance(w, int) or w < 1 for w in self.widths):
            raise ValueError(f"widths must be positive integers, got {self.widths!r}")
        for name in ("size_px", "training_px"):
            if getattr(self, name) % 2 ** (len(self.widths) - 1):
                raise ValueError(
                    f"{name} must be a multiple of {2 ** (len(self.widths) - 1)}, got {getattr(self, name)}"
                )
        for name, allowed in (("precision", ("fp32", "auto")), ("device", ("auto", "cpu", "cuda"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")


def plain(settings: SegmentationSettings) -> dict:
    """Settings as a dictionary of numbers, text and lists, as checkpoints and manifests hold them."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()}
