"""The whole network in one file: a 2.5-D U-Net with two heads.

2.5-D means that the network sees a slice together with its two neighbours (as three channels, the way
a colour image has three) and labels the middle one: it knows a little of the third dimension at the
price of a 2-D network. The paper's segmentation network is 2.5-D in the same sense and learns labels and
landmarks together [1]_; this one is a plain U-Net [2]_, small enough to be trained on two CPU cores in
minutes.

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

N_NEIGHBOURS = 3
N_LANDMARKS = 6


class NetworkOutput(NamedTuple):
    """What the network returns for a batch of B slices of H x W pixels."""

    labels: Tensor  # (B, 5, H, W) logits; softmax over dim 1 gives class probabilities
    landmarks: Tensor  # (B, 6, H, W) logits; sigmoid gives one heat map a landmark


class SegmentationNetwork(nn.Module):
    """2.5-D U-Net: three neighbouring slices in, class and landmark logits of the middle one out.

    Parameters
    ----------
    widths : tuple of int
        Channels of each resolution level, finest first; each level halves the resolution. The default
        has about half a million parameters.

    Notes
    -----
    Fully convolutional: any H and W that are multiples of `downscale` are accepted, so a network trained
    on 96 x 96 crops also reads a whole field of view.
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
        channels = N_NEIGHBOURS
        for level, width in enumerate(self.widths):
            self.encoder.append(_two_convolutions(channels, width, stride=1 if level == 0 else 2))
            channels = width
        self.reduce, self.decoder = nn.ModuleList(), nn.ModuleList()
        for width in reversed(self.widths[:-1]):
            self.reduce.append(nn.Conv2d(channels, width, kernel_size=1))
            self.decoder.append(_two_convolutions(2 * width, width, stride=1))
            channels = width
        self.label_head = nn.Conv2d(channels, len(CLASSES), kernel_size=1)
        self.landmark_head = nn.Conv2d(channels, N_LANDMARKS, kernel_size=1)

    @property
    def downscale(self) -> int:
        """H and W must be multiples of this."""
        return 2 ** (len(self.widths) - 1)

    def forward(self, slices: Tensor) -> NetworkOutput:
        """Label the middle slice of each triple.

        Parameters
        ----------
        slices : (B, 3, H, W) tensor
            Slices k-1, k, k+1, intensities scaled to about [-0.5, 0.5].
        """
        if slices.ndim != 4 or slices.shape[1] != N_NEIGHBOURS:
            raise ValueError(f"the network reads (B, {N_NEIGHBOURS}, H, W), got {tuple(slices.shape)}")
        if slices.shape[2] % self.downscale or slices.shape[3] % self.downscale:
            raise ValueError(f"H and W must be multiples of {self.downscale}, got {tuple(slices.shape[2:])}")
        x = slices  # (B, 3, H, W)
        skips = []
        for block in self.encoder:
            x = block(x)  # (B, 16, H, W) -> (B, 32, H/2, W/2) -> (B, 64, H/4, W/4) -> (B, 128, H/8, W/8)
            skips.append(x)
        skips.pop()  # the coarsest level is x itself
        for reduce, block in zip(self.reduce, self.decoder, strict=True):
            x = reduce(x)  # (B, C, h, w) -> (B, C/2, h, w), while pixels are few
            x = F.interpolate(x, scale_factor=2, mode="nearest")  # (B, C/2, 2h, 2w)
            x = torch.cat([x, skips.pop()], dim=1)  # (B, C, 2h, 2w)
            x = block(x)  # (B, 64, H/4, W/4) -> (B, 32, H/2, W/2) -> (B, 16, H, W)
        return NetworkOutput(
            labels=self.label_head(x),  # (B, 5, H, W)
            landmarks=self.landmark_head(x),  # (B, 6, H, W)
        )

    def n_parameters(self) -> int:
        """Number of weights that training adjusts."""
        return sum(weight.numel() for weight in self.parameters() if weight.requires_grad)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> SegmentationNetwork:
        """Draw all weights from `generator` (He initialisation), so that a seed fixes the network.

        The landmark head starts at a low probability: almost every pixel is far from a landmark, and
        starting at one half would let their sheer number drown the first epochs.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
        self.landmark_head.bias.fill_(-4.0)
        self.label_head.weight.mul_(0.1)
        self.landmark_head.weight.mul_(0.1)
        return self


def _two_convolutions(n_in: int, n_out: int, *, stride: int) -> nn.Sequential:
    """3x3 convolution, batch normalisation and ReLU, twice; the first may halve the resolution."""
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(n_out, n_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )
