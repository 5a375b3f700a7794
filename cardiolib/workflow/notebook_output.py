"""Text that changes in one place of a notebook, and the library's log below its cells."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable


def replaced_text() -> Callable[[str], None]:
    """A function that shows text in one place of the notebook, each time instead of the last."""
    from IPython.display import display

    handle = display({"text/plain": ""}, raw=True, display_id=True)

    def show(text: str) -> None:
        if handle is not None:
            handle.update({"text/plain": text}, raw=True)

    return show


def without_markup(text: str) -> str:
    """Text for a Markdown cell in which no HTML and no picture is read: IDs and notes of files are in it.

    Emphasis and code of our own sentences stay.

    Examples
    --------
    >>> without_markup("**1 scan** is doubtful: <script>alert(1)</script>, `a<b`")
    '**1 scan** is doubtful: &lt;script>alert(1)&lt;/script>, `a<b`'
    """
    parts = re.split(r"(`[^`\n]*`)", text)  # code is escaped where it is rendered
    return "".join(part if i % 2 else _escaped(part) for i, part in enumerate(parts))


def _escaped(text: str) -> str:
    return re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;").replace("![", "!\\[")


class NotebookLog(logging.Handler):
    """Shows what is logged as a line of text below the cell."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one line."""
        from IPython.display import Markdown, display

        display(Markdown(f"*{without_markup(record.getMessage())}*"))


def log_to_notebook() -> None:
    """Show what the library says about stored units that were replaced."""
    log = logging.getLogger("cardiolib.work")
    if not any(isinstance(handler, NotebookLog) for handler in log.handlers):
        log.setLevel(logging.INFO)
        log.addHandler(NotebookLog())
