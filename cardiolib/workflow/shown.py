"""What a notebook shows: figures, tables, sentences and pages; what is a file is stored beside the stage's results."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardiolib.files import atomic_path
from cardiolib.workflow.folders import relative
from cardiolib.workflow.notebook_output import without_markup
from cardiolib.workflow.papermill_call import by_papermill
from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.report.embedded import programs_by_file

if TYPE_CHECKING:
    import pandas as pd

    from cardiolib.figures.drawing import Drawing


class Shown(ABC):
    """The part of a `Session` that shows.

    Attributes
    ----------
    folder : Path
        Figures are stored in its ``figures``.
    """

    folder: Path
    _in_pipeline: bool
    _not_drawn: dict[str, str]

    @property
    @abstractmethod
    def simulated(self) -> bool:
        """Whether every number and figure must be marked as simulated."""

    def show(self, name: str, drawing: Drawing, *reading: Callable[[pd.DataFrame], str] | str) -> Any:
        """Save a still figure (PNG, SVG, CSV of its numbers), show it, and say below it what it shows.

        Where there is none, the sentence that says why is shown in its place, and no reading.

        Parameters
        ----------
        name : str
        drawing : Drawing
        *reading : str or callable
            Sentences, or functions that make one of the numbers drawn. Without any the figure itself is returned.
        """
        from IPython.display import Image, display

        from cardiolib.figures.style import save_figure

        if drawing.figure is None:
            return self._instead(name, drawing.reason)
        save_figure(drawing.figure, self.folder / "figures", name, drawing.table, simulated=self.simulated)
        # all figures to one scale: a two-column figure (183 mm) fills the page
        width = round(105 * drawing.figure.get_size_inches()[0])
        image = Image(str(self.folder / "figures" / f"{name}.png"), width=width, alt=self._caption(name))
        if not reading:
            return image
        display(image)
        return self.tell(" ".join(one if isinstance(one, str) else one(drawing.table) for one in reading))

    def slide(
        self,
        name: str,
        draw: Callable[..., Drawing],
        *given: Any,
        start: Any,
        reading: Callable[[pd.DataFrame], str] | str,
        **over: Sequence[Any],
    ) -> Any:
        """Show a still figure of one value, and, to a person with a kernel, a slider over all values.

        A page without a kernel shows the still figure, which is saved and read as by `show`.

        Parameters
        ----------
        name : str
        draw : callable
            ``draw(*given, value)`` gives the `Drawing` of one value.
        *given
            What it is given besides.
        start
            The value of the still figure.
        reading : str or callable
            As for `show`.
        **over
            One name for the slider, with its values.

        Examples
        --------
        ``session.slide("03_alpha", cl.figures.alpha_trade_off, found, start=0.3, reading=..., alpha=found.alphas)``
        """
        from IPython.display import display

        [(label, values)] = over.items()
        if not (self._in_pipeline or by_papermill()):
            display(_slider(label, list(values), start, lambda value: draw(*given, value)))
        return self.show(name, draw(*given, start), reading)

    def show_interactive(self, name: str, drawing: Drawing, *, height: int = 560) -> Any:
        """Save a plotly figure as HTML that works offline and return it for display.

        By hand it is shown by its mime type, which JupyterLab, Notebook 7 and VS Code draw themselves; in a report it
        is a frame with the saved page. Where there is none, the sentence that says why is shown in its place.
        """
        from IPython.display import IFrame

        from cardiolib.figures.interactive import Inline, save_interactive

        if drawing.figure is None:
            return self._instead(name, drawing.reason)
        save_interactive(drawing.figure, self.folder / "figures", name, simulated=self.simulated)
        if not self._in_pipeline:
            return Inline(drawing.figure, height=height, simulated=self.simulated)
        title = html.escape(self._caption(name), quote=True)
        return IFrame(f"figures/{name}.html", width="100%", height=height, extras=[f'title="{title}"'])

    def _instead(self, name: str, why: str) -> Any:
        self._not_drawn[name] = why
        return self.tell(f"*{why}*")

    def _caption(self, name: str) -> str:
        mark = " (simulated)" if self.simulated else ""
        return f"{CAPTIONS.get(name, name.replace('_', ' '))}{mark}"

    def table(self, table: pd.DataFrame, *, digits: int, absent: str = "none", lacks: str = "") -> Any:
        """Show a table with so many decimals.

        Parameters
        ----------
        table : DataFrame
        digits : int
        absent : str
            Stands where a value does not exist.
        lacks : str
            What the result says that it lacks; shown in the place of a table without rows.
        """
        from IPython.display import HTML

        if lacks and not len(table):
            return self.tell(f"*{lacks}*")
        return HTML(table.to_html(float_format=lambda value: f"{value:.{digits}f}", na_rep=absent, border=0))

    def tell(self, *sentences: str) -> Any:
        """Show sentences as text: one as a paragraph, several as a list; HTML in them is shown, not read."""
        from IPython.display import Markdown

        safe = [without_markup(text) for text in sentences]
        return Markdown(safe[0] if len(safe) == 1 else "\n".join(f"- {text}" for text in safe))

    def show_page(self, name: str, path: Path, *, height: int = 900) -> Any:
        """Keep a page that works offline among the figures and show it; by hand, say where it lies.

        JupyterLab lets no page of its folders run programs, so there it is opened in a window of the browser.
        """
        from IPython.display import IFrame

        kept = self.folder / "figures" / f"{name}.html"
        page = programs_by_file(path.read_text(encoding="utf-8"), kept.parent, name)
        with atomic_path(kept) as temporary:
            temporary.write_text(page, encoding="utf-8", newline="\n")
        if not self._in_pipeline:
            return self.tell(f"The page lies in `{relative(kept)}`. Open it in a browser.")
        title = html.escape(self._caption(name), quote=True)
        return IFrame(f"figures/{name}.html", width="100%", height=height, extras=[f'title="{title}"'])


def _slider(label: str, values: list[Any], start: Any, draw: Callable[[Any], Drawing]) -> Any:
    """A slider over `values`; what it draws appears below it once it has been moved."""
    import ipywidgets
    from IPython.display import clear_output, display

    slider = ipywidgets.SelectionSlider(
        options=values, value=start, description=label, continuous_update=False, style={"description_width": "initial"}
    )
    below = ipywidgets.Output()

    def moved(change: dict[str, Any]) -> None:
        with below:
            clear_output(wait=True)
            display(draw(change["new"]))

    slider.observe(moved, names="value")
    return ipywidgets.VBox([slider, below])
