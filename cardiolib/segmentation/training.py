"""Training the segmentation network: deterministic for a seed, resumable, small enough for a laptop."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from cardiolib.files import atomic_path
from cardiolib.progress import progress as progress_bar
from cardiolib.segmentation.augment import augment_batch, change_stack
from cardiolib.segmentation.checkpoint import TrainedNetwork, read_tensors
from cardiolib.segmentation.device import autocast, pick_device, threads
from cardiolib.segmentation.examples import Example, check_one_size, fingerprint, what_is_labelled
from cardiolib.segmentation.losses import IGNORE, landmark_loss, landmark_targets, merge_unlabelled, segmentation_loss
from cardiolib.segmentation.network import CLASSES, SegmentationNetwork
from cardiolib.segmentation.optimiser import Muon
from cardiolib.segmentation.settings import SegmentationSettings, plain


def train_network(
    examples: Sequence[Example],
    settings: SegmentationSettings,
    *,
    seed: int,
    validation: Sequence[Example] = (),
    start_from: TrainedNetwork | None = None,
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
    start_from : TrainedNetwork, optional
        A network of the same widths whose weights training begins with; by default they are drawn anew.
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
    identity = {"settings": plain(settings), "seed": int(seed), "data": fingerprint([*examples, *validation])}
    if start_from is not None:
        identity["start_from"] = start_from.fingerprint()
    with threads(settings.threads):
        run = _Run(examples, settings, seed, start_from)
        if checkpoint_path is not None and Path(checkpoint_path).exists():
            run.restore(checkpoint_path, identity)
        left = range(len(run.history), settings.epochs)
        with progress_bar(label="training", total=run.steps_per_epoch * len(left), shown=progress) as bar:
            for _ in left:
                if run.should_stop():
                    break
                run.one_epoch(validation, step_done=bar.update)
                if checkpoint_path is not None:
                    run.store(checkpoint_path, identity)
    history = pd.DataFrame(run.history)
    provenance = {
        **identity,
        "n_training": len(examples),
        "n_validation": len(validation),
        **what_is_labelled(examples),
        "best_epoch": int(run.best["epoch"]),
        "torch": str(torch.__version__),
    }
    del provenance["settings"]
    network = SegmentationNetwork(settings.widths)
    network.load_state_dict(run.best["weights"])
    return TrainedNetwork(network.eval(), plain(settings), provenance), history


def fine_tune(
    trained: TrainedNetwork,
    examples: Sequence[Example],
    *,
    seed: int,
    rehearsal: Sequence[Example] = (),
    repeats: int = 8,
    epochs: int = 4,
    validation: Sequence[Example] = (),
    checkpoint_path: str | Path | None = None,
    progress: bool = False,
) -> tuple[TrainedNetwork, pd.DataFrame]:
    """Train a network on with a few cases of another kind, for example five labelled real patients.

    Parameters
    ----------
    trained : TrainedNetwork
        Its settings are kept, but for a learning rate a third as high and the number of epochs.
    examples : sequence of Example
        The new cases. Structures that they do not label cost nothing (see `losses`).
    seed : int
    rehearsal : sequence of Example
        Cases of the old kind, trained on beside the new ones so that the network does not forget them, nor the
        structures that the new cases do not label. What neither new cases nor rehearsal label, the network no longer
        emits.
    repeats : int
        How often each new case is shown an epoch, each time changed anew; every rehearsal case is shown once.
    epochs, validation, checkpoint_path, progress
        As for `train_network`.

    Returns
    -------
    trained : TrainedNetwork
    history : DataFrame
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    before = SegmentationSettings(**trained.settings)
    settings = replace(
        before, epochs=epochs, learning_rate=before.learning_rate / 3, adam_learning_rate=before.adam_learning_rate / 3
    )
    return train_network(
        [*list(examples) * repeats, *rehearsal],
        settings,
        seed=seed,
        validation=validation,
        start_from=trained,
        checkpoint_path=checkpoint_path,
        progress=progress,
    )


class _Run:
    """The changing state of one training run."""

    def __init__(
        self, examples: Sequence[Example], settings: SegmentationSettings, seed: int, start_from: TrainedNetwork | None
    ) -> None:
        if not examples:
            raise ValueError("no examples were given")
        check_one_size(examples)
        self.examples, self.settings = list(examples), settings
        self.device = pick_device(settings.device)
        self.generator = torch.Generator().manual_seed(int(seed))
        network = SegmentationNetwork(settings.widths).initialise(self.generator)
        if start_from is not None:
            if start_from.network.widths != network.widths:
                raise ValueError(
                    f"a network of widths {start_from.network.widths} cannot be trained on with settings "
                    f"of widths {network.widths}; give the same widths"
                )
            network.load_state_dict(start_from.network.state_dict())
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = Muon(
            self.network,
            learning_rate=settings.learning_rate,
            adam_learning_rate=settings.adam_learning_rate,
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

    def one_epoch(self, held_out: Sequence[Example], *, step_done: Callable[[], object]) -> None:
        order = torch.randperm(len(self.examples), generator=self.generator).tolist()
        size = min(self.settings.batch_size, len(order))
        steps = [order[i * size : (i + 1) * size] for i in range(self.steps_per_epoch)]
        found = []
        for rows in steps:
            found.append(self._one_step([self.examples[i] for i in rows]))
            step_done()
        losses = np.mean(found, axis=0)
        row = {
            "epoch": len(self.history) + 1,
            "loss": float(losses[0]),
            "landmark_loss": float(losses[1]),
            "learning_rate": float(self.schedule.get_last_lr()[0]),
        }
        dice = np.nan
        if held_out:
            scores = validation_dice(self.average, held_out, settings=self.settings)
            row.update({f"dice_{name}": score for name, score in scores.items()})
            dice = row["dice_mean"] = float(np.nanmean(list(scores.values())))
        self.history.append(row)
        if not held_out or dice > self.best["dice"]:
            weights = {
                name: value.detach().cpu().contiguous().clone() for name, value in self.average.state_dict().items()
            }
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
            torch.from_numpy(example.stack.copy())[None],
            torch.from_numpy(example.labels.copy())[None],
            torch.from_numpy(example.landmarks).float()[None],
            settings=settings,
            generator=self.generator,
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
            "identity": identity,
            "step": self.step,
            "history": self.history,
            "best": self.best,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def restore(self, path: str | Path, identity: dict) -> None:
        again = "Delete it to begin the training anew, or give another path."
        state = read_tensors(path, what="checkpoint of a training", remedy=again)
        if not isinstance(state, dict) or not isinstance(state.get("identity"), dict):
            raise ValueError(f"{path} is not a checkpoint of a training. {again}")
        if state["identity"] != identity:
            changed = sorted(key for key in identity if state["identity"].get(key) != identity[key])
            raise ValueError(
                f"{path} is a checkpoint of another run (other {', '.join(changed)}); delete it or give another path"
            )
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
