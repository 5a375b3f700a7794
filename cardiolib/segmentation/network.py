"""The whole network in one file: a 2.5-D U-Net over a stack of slices, with two heads.

Every slice enters together with its two neighbours (as three channels, the way a colour image has three), which is
what the paper's network calls 2.5-D [1]_, and passes a plain U-Net [2]_. It enters twice: as it is, and with the
histogram of the stack equalised, so that muscle and blood that differ little beside a bright lung can be told apart. At
the coarsest level the slices of a stack also speak to one another: convolutions along the stack tell each slice how far
it lies from the apex and from the base, which three neighbouring slices cannot show. Labels and landmarks are learnt
together.

References
----------
.. [1] Duan et al. 2019, IEEE TMI (arXiv 1808.08578).
.. [2] Ronneberger et al. 2015, MICCAI (arXiv 1505.04597).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CLASSES = ("background", "lv_cavity", "lv_wall", "rv_wall", "rv_cavity")
"""What the five output channels mean; the order is that of the OURS label scheme (codes 0 to 4)."""

N_LANDMARKS = 6

MIXING_STEPS = (1, 2, 4)
"""Distances, in slices, over which the convolutions along the stack look; together they span 15 slices."""


GREY_LEVELS = 1024
"""Of the equalised image."""


class NetworkOutput(NamedTuple):
    """What the network returns for a stack of K slices of H x W pixels."""

    labels: Tensor  # (K, 5, H, W) logits; softmax over dim 1 gives class probabilities
    landmarks: Tensor  # (6, K, H/2, W/2) logits; softmax over the last three dims places a landmark in the stack


class SegmentationNetwork(nn.Module):
    """A stack of slices in, class logits of every slice and landmark logits of the stack out.

    Parameters
    ----------
    widths : tuple of int
        Channels of each resolution level, finest first; each level halves the resolution. The default
        has about 0.6 million parameters.

    Notes
    -----
    Fully convolutional: any number of slices, and any H and W that are multiples of `downscale`, so a network trained
    on crops also reads a whole field of view.

    Channels are normalised over the slices of the stack at hand, in training and in use alike; no running averages are
    kept. A scan of another scanner is thereby measured by its own statistics, which decides whether a network that was
    trained on simulations can read real scans at all (on development patients of ACDC the Dice of the LV cavity rose
    from 0.6 to 0.8), and on simulated scans does no harm.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128)) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1:
            raise ValueError(f"widths must name at least two levels of one channel or more, got {widths}")
        self.widths = tuple(int(width) for width in widths)
        with torch.random.fork_rng(devices=[]):  # torch draws weights on the spot; leave its generator alone
            self._build()

    def _build(self) -> None:
        self.encoder = nn.ModuleList()
        channels = 6  # three slices, twice
        for level, width in enumerate(self.widths):
            self.encoder.append(_two_convolutions(channels, width, stride=1 if level == 0 else 2))
            channels = width
        self.mixers = nn.ModuleList(_AlongTheStack(channels, step) for step in MIXING_STEPS)
        self.reduce, self.decoder = nn.ModuleList(), nn.ModuleList()
        for width in reversed(self.widths[:-1]):
            self.reduce.append(nn.Conv2d(channels, width, kernel_size=1))
            self.decoder.append(_two_convolutions(2 * width, width, stride=1))
            channels = width
        self.label_head = nn.Conv2d(channels, len(CLASSES), kernel_size=1)
        half = self.widths[1]  # the landmark head reads the level of half the resolution
        self.landmark_head = nn.Sequential(*_one_convolution(half, half), nn.Conv2d(half, N_LANDMARKS, kernel_size=1))

    @property
    def downscale(self) -> int:
        """H and W must be multiples of this."""
        return 2 ** (len(self.widths) - 1)

    def forward(self, stack: Tensor) -> NetworkOutput:
        """Label every slice and place six landmarks.

        Parameters
        ----------
        stack : (K, H, W) tensor
            Slices about 10 mm apart, intensities scaled to about [-0.5, 0.5].
        """
        if stack.ndim != 3:
            raise ValueError(f"the network reads one stack (K, H, W), got {tuple(stack.shape)}")
        if stack.shape[1] % self.downscale or stack.shape[2] % self.downscale:
            raise ValueError(f"H and W must be multiples of {self.downscale}, got {tuple(stack.shape[1:])}")
        x = torch.cat([with_neighbours(stack), with_neighbours(equalised(stack))], dim=1)  # (K, 6, H, W)
        x = x.contiguous(memory_format=torch.channels_last)
        skips = []
        for block in self.encoder:
            x = block(x)  # (K, 16, H, W) -> (K, 32, H/2, W/2) -> (K, 64, H/4, W/4) -> (K, 128, H/8, W/8)
            skips.append(x)
        skips.pop()  # the coarsest level is x itself
        for mixer in self.mixers:
            x = mixer(x)  # (K, 128, H/8, W/8)
        for reduce, block in zip(self.reduce, self.decoder, strict=True):
            at_half = x  # what enters the last round has half the resolution
            x = reduce(x)  # (K, C, h, w) -> (K, C/2, h, w), while pixels are few
            x = F.interpolate(x, scale_factor=2, mode="nearest")  # (K, C/2, 2h, 2w)
            x = torch.cat([x, skips.pop()], dim=1)  # (K, C, 2h, 2w)
            x = block(x)  # (K, 64, H/4, W/4) -> (K, 32, H/2, W/2) -> (K, 16, H, W)
        return NetworkOutput(
            labels=self.label_head(x),  # (K, 5, H, W)
            landmarks=self.landmark_head(at_half).transpose(0, 1),  # (6, K, H/2, W/2)
        )

    def n_parameters(self) -> int:
        """Number of weights that training adjusts."""
        return sum(weight.numel() for weight in self.parameters() if weight.requires_grad)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> SegmentationNetwork:
        """Draw all weights from `generator` (He initialisation), so that a seed fixes the network."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
        self.label_head.weight.mul_(0.1)
        self.landmark_head[-1].weight.mul_(0.1)
        return self


class _AlongTheStack(nn.Module):
    """Adds to every slice what slices `step` below and above it show at the same place."""

    def __init__(self, channels: int, step: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            channels, channels, kernel_size=(3, 1), padding=(step, 0), dilation=(step, 1), bias=False
        )
        self.norm = _norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        columns = x.flatten(2).transpose(0, 1)[None]  # (1, C, K, hw): slices below one another
        mixed = self.convolution(columns)[0].transpose(0, 1).reshape(x.shape)  # (K, C, h, w)
        return x + F.relu(self.norm(mixed))


def with_neighbours(stack: Tensor) -> Tensor:
    """(K, 3, H, W): every slice of (K, H, W) between its two neighbours; at the ends the slice itself is repeated."""
    return torch.stack([torch.cat([stack[:1], stack[:-1]]), stack, torch.cat([stack[1:], stack[-1:]])], dim=1)


@torch.no_grad()
def equalised(stack: Tensor) -> Tensor:
    """Histogram equalisation: every grey value replaced by its rank in the stack, (K, H, W), -0.5 to 0.5.

    Ranks are those of `GREY_LEVELS` equal steps between the darkest and the brightest pixel; a stack of one grey value
    becomes 0.
    """
    low, high = stack.min(), stack.max()
    level = ((stack - low) * ((GREY_LEVELS - 1) / (high - low).clamp_min(1e-12))).round().long()
    count = torch.bincount(level.flatten(), minlength=GREY_LEVELS).to(stack.dtype)
    rank = (count.cumsum(0) - 0.5 * count) / count.sum() - 0.5
    return rank[level]


def _norm(channels: int) -> nn.Module:
    """Mean 0 and SD 1 over all slices of the stack, then a scale and an offset that are learnt."""
    return nn.BatchNorm2d(channels, track_running_stats=False)


def _one_convolution(n_in: int, n_out: int, *, stride: int = 1) -> list[nn.Module]:
    """3x3 convolution, batch normalisation and ReLU; may halve the resolution."""
    return [
        nn.Conv2d(n_in, n_out, kernel_size=3, stride=stride, padding=1, bias=False),
        _norm(n_out),
        nn.ReLU(inplace=True),
    ]


def _two_convolutions(n_in: int, n_out: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(*_one_convolution(n_in, n_out, stride=stride), *_one_convolution(n_out, n_out))
