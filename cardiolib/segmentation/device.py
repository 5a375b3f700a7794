"""Where the network computes: device, precision and number of threads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import lru_cache

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
    """Context in which convolutions run in bfloat16 when `precision` is "auto" and that is faster here."""
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported() if device.type == "cuda" else _cpu_is_faster_in_bfloat16()
        if fast:
            return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


@lru_cache(maxsize=1)
def _cpu_is_faster_in_bfloat16() -> bool:
    """Timed once: processors that state AVX512-BF16 may be 1.4 times slower with it, or twice as fast (AMX)."""
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if probe is None or not probe():
        return False
    seconds = {dtype: _convolution_seconds(dtype) for dtype in (torch.float32, torch.bfloat16)}
    return seconds[torch.bfloat16] < 0.9 * seconds[torch.float32]


def _convolution_seconds(dtype: torch.dtype) -> float:
    """Best of five: a convolution of the size that the network spends most of its time on, there and back."""
    image = torch.zeros((12, 32, 48, 48), dtype=dtype).contiguous(memory_format=torch.channels_last)
    weight = torch.zeros((32, 32, 3, 3), dtype=dtype, requires_grad=True)
    seconds = []
    with torch.enable_grad():
        for _ in range(5):
            started = time.perf_counter()
            torch.nn.functional.conv2d(image, weight, padding=1).sum().backward()
            seconds.append(time.perf_counter() - started)
    return min(seconds)
