"""How a result shows itself in a notebook: its text, and a table below it, as HTML that needs nothing else."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 12


def as_html(text: str, table: pd.DataFrame | None = None, *, decimals: int = 3) -> str:
    """Text as HTML, its first line bold, and a table below it; everything escaped.

    Parameters
    ----------
    text : str
        What the result prints in a terminal.
    table : DataFrame, optional
        Shown to its twelfth row; values that are absent stay empty.
    decimals : int
        Of the numbers in the table.

    Examples
    --------
    >>> as_html("C 0.75\\n  note: few & old")
    '<div><b>C 0.75</b><br>note: few &amp; old</div>'
    """
    first, *rest = text.splitlines()
    lines = "".join(f"<br>{escape(line.strip(), quote=False)}" for line in rest)
    below = ""
    if table is not None:
        below = table.to_html(
            border=0,
            index=not _is_numbered(table),
            float_format=partial(_number, decimals=decimals),
            na_rep="",
            max_rows=_MOST_ROWS,
        )
    return f"<div><b>{escape(first, quote=False)}</b>{lines}{below}</div>"


def _number(value: float, *, decimals: int) -> str:
    """Counts (whole numbers that a weighted count keeps as floats) without decimals; what is never reached in words."""
    if value == float("inf"):
        return "not reached"
    return f"{value:.0f}" if value.is_integer() and abs(value) >= 10 else f"{value:.{decimals}f}"


def _is_numbered(table: pd.DataFrame) -> bool:
    """Whether the index only counts the rows and has no name."""
    return table.index.name is None and list(table.index) == list(range(len(table)))
