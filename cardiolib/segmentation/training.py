"""Training the segmentation network: deterministic for a seed, resumable, small enough for a laptop."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from cardiolib.imaging.files import atomic_path
from cardiolib.segmentation.augment import AugmentationSettings, augment_batch, change_stack
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.examples import Example, check_one_size, fingerprint
from cardiolib.segmentation.losses import IGNORE, landmark_loss, landmark_targets, merge_unlabelled, segmentation_loss
from cardiolib.segmentation.network import CLASSES, SegmentationNetwork
from cardiolib.segmentation.optimiser import Muon


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
            ("warmup_fraction", 0.01, 0.99), ("weight_decay", 0, np.inf), ("averaging", 0, 1),
            ("dice_weight", 0, np.inf), ("landmark_weight", 0, np.inf),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
        for name, low in (("size_px", 16), ("training_px", 16), ("epochs", 1), ("batch_size", 1), ("threads", 1),
                          ("patience", 0)):
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


def train_network(
    examples: Sequence[Example],
    settings: SegmentationSettings,
    *,
    seed: int,
    validation: Sequence[Example] = (),
    checkpoint_path: str | Path | None = None,
    progress: bool = False,
) -> tuple[TrainedNetwork, pd.DataFrame]:
    """Train a network on labelled examples.

    Parameters
    ----------
    examples : sequence of Example
        Training volumes, of one in-plane size; schemes may differ from example to example.
    settings : SegmentationSettings
    seed : int
        Fixes the initial weights, the order of slices and the augmentation. With precision "fp32", one
        machine and one number of threads, the same seed gives the same weights bit for bit.
    validation : sequence of Example
        Unseen subjects; the epoch with the highest mean foreground Dice on them is kept. When empty, the
        last epoch is kept.
    checkpoint_path : path, optional
        Training state is stored there after each epoch; when the file exists and belongs to the same
        settings, seed and data, training continues from it with the same result as an unbroken run.
    progress : bool
        Show a progress bar.

    Returns
    -------
    trained : TrainedNetwork
    history : DataFrame
        One row an epoch: loss, learning_rate, validation Dice of each structure and their mean.

    Raises
    ------
    ValueError
        For empty or ill-matched examples, a subject on both sides, or a checkpoint of another run.
    """
    shared = {e.subject for e in examples} & {e.subject for e in validation}
    if shared:
        raise ValueError(f"subjects {sorted(shared)[:5]} are in training and validation: split by subject")
    identity = {"settings": _plain(settings), "seed": int(seed), "data": fingerprint([*examples, *validation])}
    with _threads(settings.threads):
        run = _Run(examples, settings, seed)
        if checkpoint_path is not None and Path(checkpoint_path).exists():
            run.restore(checkpoint_path, identity)
        for _ in tqdm(range(len(run.history), settings.epochs), desc="training", disable=not progress):
            if run.should_stop():
                break
            run.one_epoch(validation)
            if checkpoint_path is not None:
                run.store(checkpoint_path, identity)
    history = pd.DataFrame(run.history)
    provenance = {**identity, "n_training": len(examples), "n_validation": len(validation),
                  "best_epoch": int(run.best["epoch"]), "torch": str(torch.__version__)}
    del provenance["settings"]
    network = SegmentationNetwork(settings.widths)
    network.load_state_dict(run.best["weights"])
    return TrainedNetwork(network.eval(), _plain(settings), provenance), history


class _Run:
    """The changing state of one training run."""

    def __init__(self, examples: Sequence[Example], settings: SegmentationSettings, seed: int) -> None:
        if not examples:
            raise ValueError("no examples were given")
        check_one_size(examples)
        self.examples, self.settings = list(examples), settings
        self.device = pick_device(settings.device)
        self.generator = torch.Generator().manual_seed(int(seed))
        network = SegmentationNetwork(settings.widths).initialise(self.generator)
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = Muon(
            self.network, learning_rate=settings.learning_rate, adam_learning_rate=settings.adam_learning_rate,
            weight_decay=settings.weight_decay,
        )
        self.steps_per_epoch = max(1, len(examples) // settings.batch_size)
        self.n_steps = settings.epochs * self.steps_per_epoch
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimiser, self._share_of_rate)
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.best: dict = {"dice": -1.0, "epoch": 0, "weights": {}}

    def _share_of_rate(self, step: int) -> float:
        """The rate rises linearly from 0 while warming up, then falls linearly to 0."""
        warmup = self.settings.warmup_fraction * self.n_steps
        return min((step + 1) / max(warmup, 1), (self.n_steps - step) / max(self.n_steps - warmup, 1), 1.0)

    def should_stop(self) -> bool:
        waited = len(self.history) - self.best["epoch"]
        return 0 < self.settings.patience <= waited and bool(self.history)

    def one_epoch(self, held_out: Sequence[Example]) -> None:
        order = torch.randperm(len(self.examples), generator=self.generator).tolist()
        size = min(self.settings.batch_size, len(order))
        steps = [order[i * size : (i + 1) * size] for i in range(self.steps_per_epoch)]
        losses = np.mean([self._one_step([self.examples[i] for i in rows]) for rows in steps], axis=0)
        row = {"epoch": len(self.history) + 1, "loss": float(losses[0]), "landmark_loss": float(losses[1]),
               "learning_rate": float(self.schedule.get_last_lr()[0])}
        dice = np.nan
        if held_out:
            scores = validation_dice(self.average, held_out, settings=self.settings)
            row.update({f"dice_{name}": score for name, score in scores.items()})
            dice = row["dice_mean"] = float(np.nanmean(list(scores.values())))
        self.history.append(row)
        if not held_out or dice > self.best["dice"]:
            weights = {name: value.detach().cpu().contiguous().clone()
                       for name, value in self.average.state_dict().items()}
            self.best = {"dice": dice, "epoch": len(self.history), "weights": weights}

    def _one_step(self, examples: list[Example]) -> np.ndarray:
        """One step along the mean gradient of some stacks; their mean loss, and its landmark part."""
        self.network.train()
        self.optimiser.zero_grad(set_to_none=True)
        losses = np.mean([self._add_gradient(example, 1 / len(examples)) for example in examples], axis=0)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.schedule.step()
        self._update_average()
        self.step += 1
        return losses

    def _add_gradient(self, example: Example, weight: float) -> tuple[float, float]:
        settings, device = self.settings, self.device
        example = change_stack(example, settings, self.generator)
        images, labels, points = augment_batch(
            torch.from_numpy(example.stack.copy())[None], torch.from_numpy(example.labels.copy())[None],
            torch.from_numpy(example.landmarks).float()[None], settings=settings, generator=self.generator,
            size_px=min(settings.training_px, settings.size_px),
        )
        with autocast(device, settings.precision):
            output = self.network(images[0].to(device))
        labelled = torch.from_numpy(example.labelled).expand(len(example.stack), -1)
        loss = segmentation_loss(
            output.labels, labels[0].to(device), labelled=labelled.to(device), dice_weight=settings.dice_weight
        )
        placing = loss.new_zeros(())
        if settings.landmark_weight > 0:
            target = landmark_targets(points[0], shape=tuple(output.landmarks.shape[1:]))
            placing = landmark_loss(output.landmarks, target.to(device))
            loss = loss + settings.landmark_weight * placing
        (weight * loss).backward()
        return float(loss.detach()), float(placing.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        """Running average of the weights; the decay starts low so that early noise is forgotten."""
        window = self.settings.averaging * self.n_steps
        decay = min(1 - 1 / max(window, 1), (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), 1 - decay)

    def store(self, path: str | Path, identity: dict) -> None:
        state = {
            "identity": identity, "step": self.step, "history": self.history, "best": self.best,
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(), "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def restore(self, path: str | Path, identity: dict) -> None:
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["identity"] != identity:
            changed = sorted(key for key in identity if state["identity"].get(key) != identity[key])
            raise ValueError(f"{path} is a checkpoint of another run (other {', '.join(changed)}); delete it "
                             "or give another path")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])
        self.step, self.history, self.best = state["step"], state["history"], state["best"]


@torch.no_grad()
def validation_dice(
    network: SegmentationNetwork, examples: Sequence[Example], *, settings: SegmentationSettings
) -> dict[str, float]:
    """Mean over volumes of the Dice of each structure, on the network's own grid.

    Structures that an example does not label, or that are absent from truth and prediction, do not count
    (NaN when that leaves nothing).
    """
    device = next(network.parameters()).device
    dice = torch.full((len(examples), len(CLASSES)), torch.nan)
    for row, example in enumerate(examples):
        with autocast(device, settings.precision):
            logits = network(torch.from_numpy(example.stack).to(device)).labels.float()
        labelled = torch.from_numpy(example.labelled)
        found = merge_unlabelled(logits, labelled.expand(len(logits), -1).to(device)).argmax(dim=1).cpu()
        truth = torch.from_numpy(example.labels)
        for c in torch.nonzero(labelled)[1:, 0].tolist():
            here, there = (found == c) & (truth != IGNORE), truth == c
            total = here.sum() + there.sum()
            dice[row, c] = 2 * (here & there).sum() / total if total else torch.nan
    return {name: float(torch.nanmean(dice[:, c])) for c, name in enumerate(CLASSES) if c > 0}


@contextmanager
def _threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu" or "cuda"; "auto" takes a CUDA device when there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError('device "cuda" was asked for, but torch sees none; use "auto" or "cpu"')
    return torch.device(name)


def autocast(device: torch.device, precision: str):
    """Context in which convolutions run in bfloat16 when `precision` is "auto" and the hardware has it."""
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_has_bfloat16()
        if fast:
            return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def _cpu_has_bfloat16() -> bool:
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(probe()) if probe is not None else False


def _plain(settings: SegmentationSettings) -> dict:
    """Settings as a dictionary of numbers, text and lists, as checkpoints and manifests hold them."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(settings).items()}
