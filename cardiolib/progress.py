"""Progress bars that suit whoever is looking: widgets in a notebook, text in a terminal and under papermill."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

BARS = "CARDIOLIB_BARS"
"""Environment variable; "text" asks for bars of text: no browser is there to draw widgets."""

_stream: TextIO | None = None


def progress(items: Iterable[Any] | None = None, *, label: str, total: int | None = None, shown: bool = True) -> Any:
    """A bar over some items, or one to be moved by hand.

    Parameters
    ----------
    items : iterable, optional
        Yielded one by one; without them, the caller moves the bar by ``update()``.
    label : str
        What is being done.
    total : int, optional
        Number of items, where they do not tell.
    shown : bool
        False for a bar that is not drawn.

    Returns
    -------
    tqdm.tqdm
        Of the kind that suits: a widget in a notebook, text elsewhere.

    Examples
    --------
    >>> list(progress([1, 2, 3], label="count", shown=False))
    [1, 2, 3]
    """
    # `disable` is given to text bars too: a widget's bar that is not shown would still ask for a browser
    as_text = not shown or _stream is not None or os.environ.get(BARS) == "text"
    if as_text:
        from tqdm import tqdm
    else:
        from tqdm.auto import tqdm
    return tqdm(items, total=total, desc=label, disable=not shown, mininterval=0.5, file=_stream or sys.stderr)


class bars_to:
    """Within this context, bars of this process are written as text to `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._ours = stream
        self._before: TextIO | None = None

    def __enter__(self) -> None:
        global _stream
        self._before, _stream = _stream, self._ours

    def __exit__(self, *error: object) -> None:
        global _stream
        _stream = self._before
