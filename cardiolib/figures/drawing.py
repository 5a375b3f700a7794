"""What every figure function returns: the figure with the numbers it draws, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure and its numbers; as the last line of a notebook's cell it shows itself.

    Attributes
    ----------
    figure : Figure or plotly Figure or None
        None where the data do not allow one.
    table : DataFrame or None
        The numbers that are drawn; None where they are the input itself (positions of a heart, say).
    reason : str
        Why there is no figure, in a sentence; empty where there is one.

    Examples
    --------
    >>> from cardiolib.figures.drawing import Drawing
    >>> figure, table = Drawing.lacking("This cohort has no reference labels.")
    >>> figure is None
    True
    """

    figure: Figure | go.Figure | None
    table: pd.DataFrame | None = None
    reason: str = ""

    @classmethod
    def lacking(cls, reason: str) -> Drawing:
        """No figure, for this reason."""
        return cls(None, None, reason)

    def __iter__(self) -> Iterator[Any]:
        """Figure and table, for ``figure, table = ...``."""
        return iter((self.figure, self.table))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        if self.figure is None:
            return {"text/markdown": f"*{self.reason}*", "text/plain": self.reason}
        if hasattr(self.figure, "savefig"):
            stream = BytesIO()
            self.figure.savefig(stream, format="png", dpi=150)
            return {"image/png": stream.getvalue(), "text/plain": repr(self)}
        from cardiolib.figures.interactive import Inline

        return Inline(self.figure, height=560, simulated=False)._repr_mimebundle_()

    def __repr__(self) -> str:
        if self.figure is None:
            return f"<no figure: {self.reason}>"
        return f"<figure with {'no table' if self.table is None else f'a table of {len(self.table)} rows'}>"


def lack(result: object) -> str:
    """What a result says that it lacks; nothing where it does not say."""
    return str(getattr(result, "lacks", ""))
