"""Which kernels this process computes with: the instructions that numpy, torch, the BLAS and numba use."""

from __future__ import annotations

import os


def kernels() -> str:
    """Name the kernels of the libraries that round in their own way on each kind of processor.

    Returns
    -------
    str
        For example ``"torch AVX512, numpy X86_V4, openblas SkylakeX, numba znver4"``. Two machines with the same text
        are expected to give the same numbers; where it differs, numbers may differ as far as an expectation allows.

    Examples
    --------
    >>> from cardiolib.workflow.kernels import kernels
    >>> kernels().split(", ")[0].startswith("torch ")
    True
    """
    import numpy as np
    import scipy.linalg  # noqa: F401  loads the second BLAS
    import threadpoolctl  # type: ignore[import-untyped]
    import torch
    from llvmlite import binding  # type: ignore[import-untyped]

    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found") or ["baseline"]
    blas = sorted(
        {f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in threadpoolctl.threadpool_info()}
        - {"openmp"}
    )
    compiled_for = os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name()
    parts = [f"torch {torch.backends.cpu.get_cpu_capability()}", f"numpy {found[-1]}", *blas, f"numba {compiled_for}"]
    return ", ".join(parts)
