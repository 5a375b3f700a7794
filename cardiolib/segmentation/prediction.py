"""One volume through a trained network: class probabilities and places of landmarks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from cardiolib.segmentation.device import autocast, pick_device
from cardiolib.segmentation.losses import merge_unlabelled
from cardiolib.segmentation.network import CLASSES, N_LANDMARKS, SegmentationNetwork
from cardiolib.segmentation.plane import stack_slices

if TYPE_CHECKING:
    from cardiolib.segmentation.checkpoint import TrainedNetwork


class StackPrediction(NamedTuple):
    """What the network sees in one volume on its own grid."""

    classes: np.ndarray  # (K, 5, H, W) class probabilities
    landmarks: np.ndarray  # (6, K, H/2, W/2) where each landmark is: probabilities, 1 in sum over the volume (or all 0)


@torch.no_grad()
def predict_stack(trained: TrainedNetwork, stack: np.ndarray, *, slice_step_mm: float) -> StackPrediction:
    """Run the network over one volume on its grid.

    Classes that the training did not label are added to the background, as the loss added them (`losses`). Landmarks
    of a training without landmarks are 0 everywhere: the network claims no place.

    Parameters
    ----------
    stack : (K, H, W) float32 array in [-0.5, 0.5]
    slice_step_mm : float
        Distance of neighbouring slices; thin ones are shared out among several stacks, see `plane.stack_slices`.
    """
    settings = trained.settings
    network, device = in_place(trained)
    labelled = torch.from_numpy(trained.labelled)
    shared_out = stack_slices(len(stack), slice_step_mm=slice_step_mm, neighbour_mm=settings["neighbour_mm"])
    classes = np.empty((len(stack), len(CLASSES), *stack.shape[1:]), np.float32)
    landmarks = np.empty((N_LANDMARKS, len(stack), stack.shape[1] // 2, stack.shape[2] // 2), np.float32)
    for slices in shared_out:
        with autocast(device, settings["precision"]):
            output = network(torch.from_numpy(stack[slices]).to(device))
        classes[slices] = _class_shares(output.labels, labelled).cpu().contiguous().numpy()
        if not trained.places_landmarks:
            landmarks[:, slices] = 0
            continue
        places = output.landmarks.float()
        shares = torch.softmax(places.flatten(1), dim=1).reshape(places.shape)
        landmarks[:, slices] = shares.cpu().numpy() / len(shared_out)
    return StackPrediction(classes, landmarks)


def in_place(trained: TrainedNetwork) -> tuple[SegmentationNetwork, torch.device]:
    """The network on its device, ready to predict."""
    device = pick_device(trained.settings["device"])
    network = trained.network
    if network.training or next(network.parameters()).device.type != device.type:
        network.to(device, memory_format=torch.channels_last).eval()
    return network, device


def side_by_side(function: Callable[[np.ndarray], Any], stacks: np.ndarray) -> list[Any]:
    """``function`` of every stack, on as many threads as torch has: one stack a thread is faster than all on one."""
    threads = torch.get_num_threads()
    if threads == 1 or len(stacks) == 1:
        return [function(stack) for stack in stacks]
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(function, stacks))
    finally:
        torch.set_num_threads(threads)


def _class_shares(logits: torch.Tensor, labelled: torch.Tensor) -> torch.Tensor:
    """Class probabilities, 0 for what is not labelled."""
    if bool(labelled.all()):
        return torch.softmax(logits.float(), dim=1)
    return merge_unlabelled(logits, labelled.to(logits.device).expand(len(logits), -1)).exp()
