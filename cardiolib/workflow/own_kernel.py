"""The kernel that runs the stages: this environment's own interpreter, whatever kernels the user has installed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec

from cardiolib.workflow.lock import held_locks

KERNEL = "python3"
"""Name under which papermill asks for it. A kernel of this name in the user's folders may be another interpreter."""

_FILES = "cardiolib-kernel-"


class OwnKernel(AsyncKernelManager):
    """A kernel in the interpreter that runs this code, with its files in a folder of its own.

    It inherits the run's lock, so that nobody else works in the run's folder for as long as it lives. What the user has
    IPython execute in every session (``startup`` of a profile, ``PYTHONSTARTUP``) is not executed.
    """

    files: Path

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.connection_file = str(self.files / "connection.json")

    @property
    def kernel_spec(self) -> KernelSpec:
        """How the kernel is started; nothing is looked up."""
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="cardiolib",
            language="python",
        )

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        env = {name: value for name, value in kw.pop("env", os.environ).items() if name != "PYTHONSTARTUP"}
        env["IPYTHONDIR"] = str(self.files)
        await super()._async_launch_kernel(kernel_cmd, env=env, pass_fds=held_locks(), **kw)

    _launch_kernel = _async_launch_kernel


@contextmanager
def own_kernel() -> Iterator[type[OwnKernel]]:
    """The class of the kernel of one stage; its files are removed at the end, and those of killed runs before."""
    _remove_left()
    with tempfile.TemporaryDirectory(prefix=f"{_FILES}{os.getpid()}-", ignore_cleanup_errors=True) as files:
        yield type("StageKernel", (OwnKernel,), {"files": Path(files)})


def _remove_left() -> None:
    import psutil

    for folder in Path(tempfile.gettempdir()).glob(f"{_FILES}*-*"):
        owner = folder.name.removeprefix(_FILES).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
