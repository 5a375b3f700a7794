"""What a stage is doing, in one line of the terminal: time, cell of the notebook, bar of its units."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from typing import Any, TextIO

LINE_SECONDS = 4.0
"""Where the output is no terminal (a log), so often a line."""
REFRESH_SECONDS = 0.5


class StageDisplay:
    """Shows that a stage is alive, from its start to its end.

    Parameters
    ----------
    title : str
    expected_seconds : float, optional
        How long the stage took the last time.
    stream : text stream
        A terminal gets one line that is drawn again and again, anything else a line every few seconds.

    Notes
    -----
    The object is itself a stream: progress bars write to it, here or in a notebook's kernel.
    """

    def __init__(self, title: str, *, expected_seconds: float | None = None, stream: TextIO | None = None) -> None:
        self._title = title
        self._expected = expected_seconds
        self._stream = stream or sys.stdout
        self._terminal = self._stream.isatty()
        self._bar = self._cell = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._started = time.monotonic()

    def __enter__(self) -> StageDisplay:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._terminal:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()

    def cell(self, number: int, total: int) -> None:
        """The notebook has come to a cell."""
        self._cell, self._bar = f"cell {number} of {total}", ""

    def write(self, text: str) -> int:
        """Take what progress bars write; anything else is left out."""
        bars = [part.strip() for part in text.replace("\n", "\r").split("\r") if "%|" in part or "it/s" in part]
        if bars:
            self._bar = bars[-1]
        return len(text)

    def flush(self) -> None:
        """Nothing waits to be written."""

    def line(self) -> str:
        """The line as it stands now."""
        elapsed = time.monotonic() - self._started
        parts = [f"    {self._title}  {minutes(elapsed)}"]
        if self._expected is not None:
            left = self._expected - elapsed
            parts[0] += f", about {minutes(left)} left" if left > 0 else f" ({minutes(self._expected)} the last time)"
        return "  ".join([*parts, *filter(None, [self._cell, self._bar])])

    def _show(self) -> None:
        pause = REFRESH_SECONDS if self._terminal else LINE_SECONDS
        while not self._stop.wait(pause):
            line = self.line()
            if self._terminal:
                line = f"\r\x1b[2K{line[: shutil.get_terminal_size().columns - 1]}"
            self._stream.write(line if self._terminal else f"{line}\n")
            self._stream.flush()


def minutes(seconds: float) -> str:
    """Seconds as a person reads them.

    Examples
    --------
    >>> minutes(72.4), minutes(3725)
    ('1:12', '1:02:05')
    """
    whole = int(round(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def watch_cells(display: Any) -> str:
    """Name of a papermill engine that tells `display` which cell it has come to."""
    from papermill.engines import NBClientEngine, papermill_engines

    class Watched(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            start = nb_man.cell_start

            def cell_start(cell: Any, cell_index: int | None = None, **more: Any) -> None:
                display.cell((cell_index or 0) + 1, len(nb_man.nb.cells))
                start(cell, cell_index=cell_index, **more)

            nb_man.cell_start = cell_start
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("cardiolib", Watched)
    return "cardiolib"
