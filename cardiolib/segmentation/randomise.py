"""Making simulated stacks less like one another, and less like the simulator: domain randomisation in torch.

A network that has only seen one simulator's chest, contrast and contours fails on a real scan, where the surroundings
hold bright vessels and atria that are nobody's ventricle. Here the surroundings are painted over with random tissue,
every structure's brightness is shifted by itself, the grey scale is bent and the picture blurred [1]_ [2]_. All draws
come from a generator that is passed in.

References
----------
.. [1] Billot et al. 2023, Medical Image Analysis 86:102789 (SynthSeg).
.. [2] Tobin et al. 2017, IROS (arXiv 1703.06907).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

N_TISSUES = 5
_CURVE_POINTS = 6


def randomise_contrast(images: Tensor, labels: Tensor, size: float, generator: torch.Generator) -> Tensor:
    """Shift the brightness of every labelled structure by a draw of its own, uniform within plus/minus `size`.

    Parameters
    ----------
    images : (B, K, H, W) tensor, about [-0.5, 0.5]
    labels : (B, K, H, W) int64 tensor
    """
    shifts = size * (2 * torch.rand(len(images), 4, generator=generator) - 1)
    change = torch.zeros_like(images)
    for code in range(1, 5):
        change += (labels == code) * shifts[:, code - 1, None, None, None].to(images)
    return images + F.avg_pool2d(change, kernel_size=3, stride=1, padding=1)


def randomise_surroundings(images: Tensor, labels: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Paint random tissue over what is not heart, in a share of the stacks, more or less opaque.

    The tissue is a few smooth, blob-like regions of random brightness that run on from slice to slice. A rim of random
    width about the heart is left as it is.
    """
    n, k, height, width = images.shape
    painted = torch.rand(n, generator=generator) < share
    opacity = torch.where(painted, 0.4 + 0.6 * torch.rand(n, generator=generator), 0.0)
    rim = int(torch.randint(0, 4, (), generator=generator))
    heart = ((labels > 0) & (labels < 5)).to(images)
    near = F.max_pool2d(heart, kernel_size=2 * rim + 1, stride=1, padding=rim)
    weight = opacity.to(images)[:, None, None, None] * F.avg_pool2d(1 - near, kernel_size=3, stride=1, padding=1)
    tissue = _random_tissue(n, (k, height, width), generator).to(images)
    return images + weight * (tissue - images)


def bend_grey_scale(images: Tensor, size: float, generator: torch.Generator) -> Tensor:
    """Send grey values through a random curve: straight from black to white plus random bends of up to `size`."""
    n = len(images)
    bends = size * (2 * torch.rand(n, _CURVE_POINTS, generator=generator) - 1)
    bends[:, 0] = 0
    levels = torch.linspace(0, 1, _CURVE_POINTS) + bends  # (B, P)
    at = (images + 0.5).clamp(0, 1) * (_CURVE_POINTS - 1)
    below = at.floor().clamp_max(_CURVE_POINTS - 2)
    low = torch.gather(levels.to(images), 1, below.long().flatten(1)).reshape(images.shape)
    high = torch.gather(levels.to(images), 1, below.long().flatten(1) + 1).reshape(images.shape)
    bent = low + (at - below) * (high - low)
    return bent + (images + 0.5 - (images + 0.5).clamp(0, 1)) - 0.5


def blur(images: Tensor, size_px: float, generator: torch.Generator) -> Tensor:
    """Blur half of the stacks with a Gaussian of up to `size_px` SD."""
    chosen = torch.rand(len(images), generator=generator) < 0.5
    sd = torch.where(chosen, size_px * torch.rand(len(images), generator=generator), 0.0).clamp_min(1e-3)
    offsets = torch.arange(-3, 4, dtype=torch.float32)
    kernels = torch.exp(-0.5 * (offsets / sd[:, None]) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).to(images)
    rows = []
    for image, kernel in zip(images, kernels, strict=True):
        padded = F.pad(image[:, None], (3, 3, 3, 3), mode="replicate")
        rows.append(F.conv2d(F.conv2d(padded, kernel.view(1, 1, 7, 1)), kernel.view(1, 1, 1, 7))[:, 0])
    return torch.stack(rows)


def random_displacement(n: int, shape: tuple[int, int], size_px: float, generator: torch.Generator) -> Tensor:
    """(n, 2, H, W) smooth displacement fields (x, y) in pixels; the control values are uniform within `size_px`."""
    control = size_px * (2 * torch.rand(n, 2, 6, 6, generator=generator) - 1)
    return F.interpolate(control, size=shape, mode="bicubic", align_corners=True)


def _random_tissue(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    field = torch.zeros(n, 1, *shape)
    for coarse, size in (((2, 4, 4), 1.0), ((3, 8, 8), 0.7), ((4, 16, 16), 0.35)):
        noise = size * torch.randn(n, 1, *coarse, generator=generator)
        field += F.interpolate(noise, size=shape, mode="trilinear", align_corners=True)
    rank = ((0.5 + 0.5 * torch.erf(field / 1.4)) * N_TISSUES).long().clamp(0, N_TISSUES - 1)[:, 0]  # (n, K, H, W)
    grey = 1.1 * torch.rand(n, N_TISSUES, generator=generator) - 0.55
    tissue = torch.gather(grey, 1, rank.flatten(1)).reshape(rank.shape)
    tissue = tissue + 0.05 * field[:, 0]
    return F.avg_pool2d(tissue, kernel_size=3, stride=1, padding=1)
