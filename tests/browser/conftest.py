"""A real JupyterLab with a finished small run, and a real browser to open notebooks in."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.notebook_by_hand import NOTEBOOKS
from benchmarks.pages import chromium
from benchmarks.record import Unavailable
from cardiolib.workflow.compute import ENVIRONMENT
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.runner import run_stages


@pytest.fixture(scope="session")
def finished_run() -> Run:
    """The smoke run, brought up to date."""
    run = Run(profile="smoke")
    run_stages(run)
    return run


@pytest.fixture(scope="session")
def notebook_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of the notebooks, for a reader to change and JupyterLab to save."""
    folder = tmp_path_factory.mktemp("notebooks")
    for path in NOTEBOOKS.values():
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def lab(finished_run: Run, notebook_folder: Path) -> Iterator[str]:
    """Address of a JupyterLab that serves the copies as `make lab` serves the notebooks."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        str(notebook_folder),
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--IdentityProvider.token=",
        "--LabApp.expose_app_in_browser=True",
    ]
    environment = {
        **ENVIRONMENT,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(notebook_folder / ".config"),
    }
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    address = f"http://127.0.0.1:{port}"
    assert server.stderr is not None
    said = []
    for line in server.stderr:
        said.append(line)
        if f"{address}/lab" in line:
            break
    else:
        pytest.fail("JupyterLab did not start:\n" + "".join(said))
    # a pipe that nobody reads would stop the server when it is full
    drain = threading.Thread(target=server.stderr.read, daemon=True)
    drain.start()
    try:
        yield address
    finally:
        server.terminate()
        server.wait(timeout=30)
        drain.join()
        server.stderr.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, or the one that CHROMIUM names."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(chromium())
        except Unavailable as reason:
            pytest.skip(str(reason))
        yield found
