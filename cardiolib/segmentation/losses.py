"""Losses that know which structures an example has labels for.

Public data sets label different structures: ACDC and M&Ms have no right-ventricular wall. Telling the
network that those pixels are background would teach it to see no wall anywhere. Instead, wherever a
structure is unlabelled, its probability is *added to the background's* before the loss is taken: the
network may call such a pixel wall or background, as it likes, and nothing is learnt either way. (The same
idea trains on any mixture of label schemes.)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORE = 255
"""Label code of pixels that nobody has labelled; they take no part in any loss."""

CLASS_WEIGHTS = (1.0, 1.0, 1.0, 1.0, 1.0)
"""Cross-entropy weights, all equal. Background is plentiful, but a low weight of it thickens thin structures: with 0.3
against 1.5 for the right-ventricular wall its mass came out 60 % too high."""


def merge_unlabelled(logits: Tensor, labelled: Tensor) -> Tensor:
    """Log probabilities in which unlabelled structures count as background.

    Parameters
    ----------
    logits : (B, C, H, W) tensor
    labelled : (B, C) bool tensor
        Whether structure c is labelled in example b. Column 0 (background) must be True.

    Returns
    -------
    (B, C, H, W) tensor
        log(p_background + sum of p over unlabelled structures) in channel 0; unchanged log p for
        labelled structures; a large negative number for unlabelled ones.
    """
    if labelled.shape != logits.shape[:2] or labelled.dtype != torch.bool:
        raise ValueError(
            f"labelled must be a bool tensor of shape {tuple(logits.shape[:2])}, "
            f"got {labelled.dtype} {tuple(labelled.shape)}"
        )
    log_p = F.log_softmax(logits.float(), dim=1)
    keep = labelled[:, :, None, None]
    absent = torch.finfo(log_p.dtype).min / 4
    to_background = ~keep
    to_background = torch.cat([torch.ones_like(keep[:, :1]), to_background[:, 1:]], dim=1)
    background = torch.logsumexp(log_p.masked_fill(~to_background, absent), dim=1, keepdim=True)
    return torch.cat([background, log_p[:, 1:].masked_fill(~keep[:, 1:], absent)], dim=1)


def segmentation_loss(
    logits: Tensor,
    target: Tensor,
    *,
    labelled: Tensor,
    class_weights: tuple[float, ...] = CLASS_WEIGHTS,
    dice_weight: float = 1.0,
) -> Tensor:
    """Weighted cross-entropy plus soft Dice, blind to whatever is unlabelled.

    Parameters
    ----------
    logits : (B, C, H, W) tensor
    target : (B, H, W) int64 tensor
        Class codes; `IGNORE` where a pixel is unlabelled. A pixel labelled with a structure that
        `labelled` says is unlabelled is an error.
    labelled : (B, C) bool tensor
    class_weights : tuple of C floats
        Weights of the cross-entropy (weighted mean over pixels).
    dice_weight : float
        loss = cross-entropy + dice_weight * (1 - mean soft Dice over labelled foreground structures).

    Returns
    -------
    scalar tensor
    """
    if target.shape != logits.shape[:1] + logits.shape[2:]:
        raise ValueError(f"target {tuple(target.shape)} does not belong to logits {tuple(logits.shape)}")
    log_p = merge_unlabelled(logits, labelled)
    known = target != IGNORE
    index = target.masked_fill(~known, 0)
    if not bool(labelled.gather(1, index.flatten(1)).all()):
        raise ValueError("a pixel is labelled with a structure that `labelled` declares unlabelled")
    weights = torch.as_tensor(class_weights, dtype=log_p.dtype, device=log_p.device)
    pixel_weight = weights[index] * known
    picked = log_p.gather(1, index[:, None])[:, 0]
    cross_entropy = -(pixel_weight * picked).sum() / pixel_weight.sum().clamp_min(1e-6)
    truth = F.one_hot(index, logits.shape[1]).movedim(-1, 1) * known[:, None]
    dice = soft_dice(log_p.exp() * known[:, None], truth.to(log_p.dtype), labelled=labelled)
    return cross_entropy + dice_weight * (1 - dice)


def soft_dice(probability: Tensor, truth: Tensor, *, labelled: Tensor, smooth: float = 1.0) -> Tensor:
    """Mean soft Dice of the foreground structures, pooled over the batch.

    Pooling sums pixels over the batch before dividing, so that a slice without a structure does not
    contribute an all-or-nothing term. Only examples that label a structure enter its Dice; structures
    labelled by nobody in the batch are left out of the mean (1 is returned when none is left).

    Parameters
    ----------
    probability, truth : (B, C, H, W) tensors
    labelled : (B, C) bool tensor
    smooth : float
        Added to numerator and denominator, in pixels.
    """
    mask = labelled[:, :, None, None].to(probability.dtype)
    both = (probability * truth * mask).sum(dim=(0, 2, 3))
    total = ((probability + truth) * mask).sum(dim=(0, 2, 3))
    dice = (2 * both + smooth) / (total + smooth)  # (C,)
    present = labelled.any(dim=0)
    present = torch.cat([torch.zeros_like(present[:1]), present[1:]])
    if not bool(present.any()):
        return probability.sum() * 0 + 1
    return dice[present].mean()


def landmark_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy between where a landmark is and where the network puts it, over all places of a stack.

    One softmax over the whole stack makes the six maps probability distributions over places: slices and pixels
    compete, so the level along the heart is learnt together with the place in the plane. (Heat maps judged pixel by
    pixel, in each slice by itself, let the empty background win.)

    Parameters
    ----------
    logits : (P, K, h, w) tensor
    target : (P, K, h, w) tensor
        Probabilities that sum to 1 over a stack; all zero where the landmark's place is unknown, which costs nothing.

    Returns
    -------
    scalar tensor
        Mean over the known landmarks; 0 when none is known.
    """
    log_p = F.log_softmax(logits.float().flatten(1), dim=1)
    cost = -(target.flatten(1) * log_p).sum(dim=1)  # (P,)
    known = target.flatten(1).sum(dim=1) > 0
    return (cost * known).sum() / known.sum().clamp_min(1)


def landmark_targets(
    points: Tensor, *, shape: tuple[int, int, int], sigma_px: float = 1.25, sigma_slices: float = 0.5
) -> Tensor:
    """Where landmarks are, as Gaussian bumps on the grid of the landmark head (half the resolution).

    Parameters
    ----------
    points : (P, 3) tensor
        (slice, row, column) in full-resolution pixels; NaN where unknown.
    shape : (int, int, int)
        (K, h, w) of the head.

    Returns
    -------
    (P, K, h, w) tensor
        Sums to 1 over a stack; zero for a landmark that is unknown, outside the window or a slice or more outside the
        stack.
    """
    at = torch.cat([points[:, :1], (points[:, 1:] - 0.5) / 2], dim=1)  # pixel 0 of the head covers pixels 0 and 1
    size = torch.tensor(shape, dtype=at.dtype, device=at.device)
    reach = torch.tensor([1.0, 0.5, 0.5], dtype=at.dtype, device=at.device)
    inside = ((at > -reach) & (at < size - 1 + reach)).all(dim=1)
    at = torch.where(inside[:, None], at, 0)
    along, rows, columns = (
        torch.exp(-0.5 * ((torch.arange(n, dtype=at.dtype, device=at.device) - at[:, axis, None]) / sigma) ** 2)
        for axis, (n, sigma) in enumerate(zip(shape, (sigma_slices, sigma_px, sigma_px), strict=True))
    )
    target = torch.einsum("pk,ph,pw->pkhw", along, rows, columns)
    return target / target.sum(dim=(1, 2, 3), keepdim=True) * inside[:, None, None, None]
