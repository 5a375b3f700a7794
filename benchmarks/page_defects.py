"""The published pages of a run in a real browser: what is wrong with each at each width of a window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

WIDTHS = (1280, 390)
"""Pixels: a desk, and a phone."""
MOST_BYTES = 3_000_000
"""Of a page and of what it frames, each by itself, beside plotly's program."""
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
"""With which Chromium draws in three dimensions without a graphics card, and asks for nothing by itself."""
LOCAL = ("file", "data", "blob", "about")
SCRIPT = Path(__file__).with_suffix(".js")
SECONDS = 1000
DRAWN = """() => {
  const plots = [...document.querySelectorAll('.js-plotly-plot')];
  if (!plots.length) return null;
  const ready = plots.every(plot => plot._fullLayout && plot.querySelector('.main-svg'));
  return ready ? plots.map(plot => ({traces: plot._fullData.length,
    frames: (plot._transitionData?._frames || []).length,
    buttons: plot.querySelectorAll('.updatemenu-button').length})) : null;
}"""
PLAY = """() => {
  for (const plot of document.querySelectorAll('.js-plotly-plot')) {
    plot.showed = 0;
    plot.on('plotly_animatingframe', () => { plot.showed += 1; });
  }
}"""
PLAYED = """() => [...document.querySelectorAll('.js-plotly-plot')]
  .every(plot => !(plot._transitionData?._frames || []).length || plot.showed > 1)"""


@dataclass
class Defects:
    """What is wrong with one page at one width.

    Attributes
    ----------
    page : Path
    width : int
        Pixels.
    found : list of str
    """

    page: Path
    width: int
    found: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page.name} at {self.width} px: {'; '.join(self.found) or 'nothing'}"


def pages_of(reports: Path) -> list[Path]:
    """The pages of a published run, and the list of runs above them."""
    return [*sorted(reports.glob("*.html")), reports.parent / "index.html"]


def look(browser: Any, page: Path, width: int) -> Defects:
    """Open one page and write down what is wrong with it.

    Parameters
    ----------
    browser : playwright browser
    page : Path
    width : int
        Of the window, in pixels.
    """
    defects = Defects(page, width)
    with _opened(browser, page, width, defects) as tab:
        defects.found += tab.evaluate(SCRIPT.read_text(encoding="utf-8").partition("\n")[2])
        defects.found += _too_large(page)
        for frame in tab.query_selector_all("iframe"):
            defects.found += _framed(frame, page)
    return defects


@contextmanager
def _opened(browser: Any, page: Path, width: int, defects: Defects) -> Iterator[Any]:
    """A tab with the page, in which requests that leave the machine are refused and written down."""
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(120 * SECONDS)

    def routed(route: Any) -> None:
        defects.found.append(f"request that leaves the machine: {route.request.url[:80]}")
        route.abort()

    def said(message: Any) -> None:
        if message.type == "error":
            defects.found.append(f"error in the console: {message.text[:120]}")

    context.route(lambda url: urlparse(url).scheme not in LOCAL, routed)
    tab.on("console", said)
    tab.on("pageerror", lambda error: defects.found.append(f"error of a script: {str(error)[:120]}"))
    try:
        tab.goto(page.as_uri(), wait_until="domcontentloaded")
        # what loads when it is reached has to be reached, or a picture that is missing is not missed
        tab.evaluate("() => document.querySelectorAll('img').forEach(image => { image.loading = 'eager'; })")
        tab.wait_for_function("() => [...document.images].every(image => image.complete)")
        yield tab
    finally:
        context.close()


def _too_large(page: Path) -> list[str]:
    size = page.stat().st_size
    return [f"{page.name} has {size / 1e6:.1f} MB"] if size > MOST_BYTES else []


def _framed(element: Any, page: Path) -> list[str]:
    """What is wrong with a framed figure: it must draw, fit, and play where it has frames."""
    name = str(element.get_attribute("src"))
    element.scroll_into_view_if_needed()
    frame = element.content_frame()
    try:
        frame.wait_for_load_state("load")
        found = _too_large(page.parent / name)
        if not frame.query_selector(".js-plotly-plot, .plotly-graph-div"):
            return found  # a page of its own, without figures
        plots = frame.wait_for_function(DRAWN).json_value()
        if any(plot["traces"] == 0 for plot in plots):
            found.append(f"{name} draws nothing")
        if any(plot["frames"] for plot in plots):
            found += _played(frame, name, plots)
        return found
    except Exception as error:  # a time limit, in most cases: the figure is named and the others are still looked at
        return [f"{name}: {str(error).splitlines()[0][:100]}"]


def _played(frame: Any, name: str, plots: list[dict[str, int]]) -> list[str]:
    if not all(plot["buttons"] for plot in plots if plot["frames"]):
        return [f"{name} has frames and no button that plays them"]
    frame.evaluate(PLAY)
    for button in frame.query_selector_all(".updatemenu-button")[:1]:
        button.dispatch_event("click")
    frame.wait_for_function(PLAYED)
    return []


def numbers_that_open(browser: Any, index: Path, width: int) -> list[str]:
    """Numbers of the front page whose note does not open by the keyboard, or shows no source; empty when all do."""
    defects = Defects(index, width)
    with _opened(browser, index, width, defects) as tab:
        for button in tab.query_selector_all("button.n"):
            note = f"#{button.get_attribute('popovertarget')}"
            button.focus()
            tab.keyboard.press("Enter")
            opened = tab.query_selector(f"{note}:popover-open")
            if opened is None or not opened.is_visible():
                defects.found.append(f"{json.dumps(button.inner_text())} opens nothing")
                continue
            box = opened.bounding_box()
            if box["x"] < 0 or box["x"] + box["width"] > width:
                defects.found.append(f"the note of {json.dumps(button.inner_text())} does not fit")
            if opened.query_selector("a, code") is None:
                defects.found.append(f"the note of {json.dumps(button.inner_text())} leads nowhere")
            tab.keyboard.press("Escape")
            if tab.query_selector(f"{note}:popover-open") is not None:
                defects.found.append(f"the note of {json.dumps(button.inner_text())} does not close")
    return defects.found
