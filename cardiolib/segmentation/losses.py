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

CLASS_WEIGHTS = (0.5, 1.0, 1.0, 1.2, 1.0)
"""Cross-entropy weights. Background is plentiful, but a low weight thickens thin structures: with 0.3 against
1.5 for the right-ventricular wall its mass came out 60 % too high."""


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


def landmark_loss(logits: Tensor, heat: Tensor, *, known: Tensor) -> Tensor:
    """Penalty-reduced focal loss of landmark heat maps.

    Mean squared error lets the empty background win; the focal loss counts confident mistakes near the
    peaks. The variant is that of Law and Deng 2018 (CornerNet, arXiv 1808.01244, eq. 1).

    Parameters
    ----------
    logits : (B, P, H, W) tensor
    heat : (B, P, H, W) tensor in [0, 1]
        Gaussian bumps, 1 at the landmark.
    known : (B, P) bool tensor
        Whether the landmark's place is known in that example; unknown ones cost nothing.

    Returns
    -------
    scalar tensor
        Sum over pixels divided by the total heat (at least 1).
    """
    logits = logits.float()
    p = torch.sigmoid(logits)
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    peak = heat.pow(4)  # how much a pixel counts as "the landmark is here"
    cost = -(peak * (1 - p).pow(2) * log_p + (1 - heat).pow(4) * p.pow(2) * log_q)
    mask = known[:, :, None, None].to(cost.dtype)
    return (cost * mask).sum() / (peak * mask).sum().clamp_min(1.0)
