"""Text that changes in one place of a notebook, and the library's log below its cells."""

from __future__ import annotations

import logging
from collections.abc import Callable


def replaced_text() -> Callable[[str], None]:
    """A function that shows text in one place of the notebook, each time instead of the last."""
    from IPython.display import display

    handle = display({"text/plain": ""}, raw=True, display_id=True)

    def show(text: str) -> None:
        if handle is not None:
            handle.update({"text/plain": text}, raw=True)

    return show


class NotebookLog(logging.Handler):
    """Shows what is logged as a line of text below the cell."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        from IPython.display import Markdown, display

        display(Markdown(f"*{record.getMessage()}*"))


def log_to_notebook() -> None:
    """Show what the library says about stored units that were replaced."""
    log = logging.getLogger("cardiolib.work")
    if not any(isinstance(handler, NotebookLog) for handler in log.handlers):
        log.setLevel(logging.INFO)
        log.addHandler(NotebookLog())
