"""Random changes of a batch of training slices, in torch, reproducible from a generator.

Slices are turned to the usual display before the network sees them (see `orientation`), so rotations stay
moderate; the order of slices, which headers often state wrongly, is reversed at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from cardiolib.segmentation.losses import IGNORE


@dataclass(frozen=True)
class AugmentationSettings:
    """How far training images are changed; every draw is uniform within plus/minus the value.

    Attributes
    ----------
    rotation_rad : float
        In-plane rotation.
    mirror_probability : float
        Chance of a mirror image (left and right exchanged).
    reverse_probability : float
        Chance that the neighbours k-1 and k+1 are exchanged (stack read from the other end).
    log_scale : float
        Size, as a natural logarithm: 0.15 means 0.86 to 1.16.
    shift_px : float
        In-plane shift, pixels.
    log_gamma, gain, noise : float
        Gamma curve (logarithm), gain (fraction), standard deviation of added noise (of the intensity
        range).
    log_shading : float
        Coefficients of a smooth shading over the image: the logarithm of the gain is a second-degree
        polynomial of the position (-1 to 1 along either side).
    """

    rotation_rad: float = 0.6
    mirror_probability: float = 0.0
    reverse_probability: float = 0.5
    log_scale: float = 0.15
    shift_px: float = 7.0
    log_gamma: float = 0.3
    gain: float = 0.15
    noise: float = 0.03
    log_shading: float = 0.3

    def __post_init__(self) -> None:
        for name in ("rotation_rad", "log_scale", "shift_px", "log_gamma", "gain", "noise", "log_shading"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 100:
                raise ValueError(f"{name} must be a number >= 0, got {value!r}")
        for name in ("mirror_probability", "reverse_probability"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
                raise ValueError(f"{name} must be a probability, got {value!r}")


def augment_batch(
    images: Tensor,
    labels: Tensor,
    points: Tensor,
    *,
    settings: AugmentationSettings,
    generator: torch.Generator,
    size_px: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Change a batch at random, images, labels and landmarks alike.

    Parameters
    ----------
    images : (B, 3, H, W) float tensor, about [-0.5, 0.5]
    labels : (B, H, W) uint8 or int64 tensor
    points : (B, P, 2) tensor
        In-plane landmark positions (row, column) in pixels; NaN where unknown.
    size_px : int, optional
        Side of the square, central part that is returned; by default all.

    Returns
    -------
    images, labels (int64), points : tensors, (B, 3, h, w), (B, h, w), (B, P, 2)
        Pixels that come from outside are `IGNORE` in the labels and dark in the image.
    """
    images, labels, points = _change_geometry(images, labels, points, settings, generator, size_px)
    images = _change_intensity(images, settings, generator)
    flip = torch.rand(len(images), generator=generator) < settings.reverse_probability
    flip = flip.to(images.device)[:, None, None, None]
    return torch.where(flip, images.flip(1), images), labels, points


def _change_geometry(
    images: Tensor,
    labels: Tensor,
    points: Tensor,
    settings: AugmentationSettings,
    generator: torch.Generator,
    size_px: int | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotation, scale, mirror and shift, by one affine map a slice."""
    n, _, height, width = images.shape
    new_height, new_width = (height, width) if size_px is None else (size_px, size_px)
    angle = _uniform(n, settings.rotation_rad, generator)
    scale = torch.exp(_uniform(n, settings.log_scale, generator))
    mirror = torch.where(torch.rand(n, generator=generator) < settings.mirror_probability, -1.0, 1.0)
    shift = torch.stack([_uniform(n, settings.shift_px, generator) for _ in range(2)], dim=1)  # (B, 2) x, y
    cos, sin = torch.cos(angle), torch.sin(angle)
    forward = torch.stack([cos * mirror, -sin, sin * mirror, cos], dim=1).reshape(n, 2, 2)
    forward = forward * scale[:, None, None]  # old (x, y) about the centre -> new (x, y), pixels
    backward = torch.linalg.inv(forward)
    half = torch.tensor([width / 2, height / 2])
    new_half = torch.tensor([new_width / 2, new_height / 2])
    # affine_grid wants new -> old in units where each half side is 1
    theta = torch.cat([backward * new_half[None, None, :] / half[None, :, None],
                       -(backward @ shift[:, :, None]) / half[None, :, None]], dim=2)
    grid = F.affine_grid(theta.to(images.device), [n, 1, new_height, new_width], align_corners=False)
    moved = F.grid_sample(images + 0.5, grid, mode="bilinear", align_corners=False) - 0.5
    codes = F.grid_sample(labels[:, None].float() - IGNORE, grid, mode="nearest", align_corners=False)[:, 0]
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    xy = points.flip(-1).cpu() - centre
    new_centre = torch.tensor([(new_width - 1) / 2, (new_height - 1) / 2])
    xy = (forward[:, None] @ xy[..., None])[..., 0] + shift[:, None] + new_centre
    return moved, (codes + IGNORE).round().long(), xy.flip(-1).to(points)


def _change_intensity(images: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Gamma, gain, shading and noise; all but the noise are the same for the three neighbours of a slice."""
    n = len(images)
    gamma = torch.exp(_uniform(n, settings.log_gamma, generator)).to(images)[:, None, None, None]
    gain = 1 + _uniform(n, settings.gain, generator).to(images)[:, None, None, None]
    noise = settings.noise * torch.rand(n, generator=generator).to(images)[:, None, None, None]
    shading = torch.exp(_shading(n, images.shape[2:], settings.log_shading, generator)).to(images)
    curved = (images + 0.5).clamp_min(1e-4) ** gamma * gain * shading - 0.5
    return curved + noise * torch.randn(images.shape, generator=generator).to(images)


def _shading(n: int, shape: tuple[int, ...], size: float, generator: torch.Generator) -> Tensor:
    """(n, 1, H, W) random polynomials of second degree without a constant term."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in shape), indexing="ij")
    terms = torch.stack([x, y, x * y, x * x - 1 / 3, y * y - 1 / 3])  # (5, H, W), each of mean about 0
    weights = size * (2 * torch.rand(n, len(terms), generator=generator) - 1)
    return torch.einsum("nt,thw->nhw", weights, terms)[:, None]


def _uniform(n: int, half_width: float, generator: torch.Generator) -> Tensor:
    return half_width * (2 * torch.rand(n, generator=generator) - 1)


def heat_maps(points: Tensor, levels: Tensor, *, shape: tuple[int, int], sigma_px: float = 2.5,
              sigma_slices: float = 0.6) -> Tensor:
    """Gaussian bumps at landmarks, as the landmark head should predict them.

    Parameters
    ----------
    points : (B, P, 2) tensor
        Row and column, pixels; NaN gives an empty map.
    levels : (B, P) tensor
        Distance of the slice from the landmark's slice, in slices; NaN gives an empty map.

    Returns
    -------
    (B, P, H, W) tensor in [0, 1]
    """
    rows = torch.arange(shape[0], dtype=points.dtype, device=points.device)
    columns = torch.arange(shape[1], dtype=points.dtype, device=points.device)
    along_rows = torch.exp(-0.5 * ((rows - points[..., :1]) / sigma_px) ** 2)  # (B, P, H)
    along_columns = torch.exp(-0.5 * ((columns - points[..., 1:]) / sigma_px) ** 2)  # (B, P, W)
    through = torch.exp(-0.5 * (levels / sigma_slices) ** 2)
    heat = along_rows[..., :, None] * along_columns[..., None, :] * through[..., None, None]
    return torch.nan_to_num(heat, nan=0.0)
