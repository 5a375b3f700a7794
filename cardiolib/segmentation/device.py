"""Where the network computes: device, precision and number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch use `n` threads, and what it used before afterwards."""
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
