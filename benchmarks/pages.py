"""The pages of the newest published run: defects in a real browser, and numbers that lead to no source."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.orphans import index_orphans, readme_orphans
from benchmarks.page_defects import FLAGS, WIDTHS, Defects, look, numbers_that_open, pages_of
from benchmarks.record import Unavailable
from cardiolib.workflow.report.runs_page import published_run
from cardiolib.workflow.stages import REPOSITORY


def measure() -> list[dict[str, Any]]:
    """All rows.

    Raises
    ------
    Unavailable
        No run has been published, or this machine has no browser.
    """
    try:
        run = published_run()
    except FileNotFoundError as error:
        raise Unavailable(str(error)) from None
    readme = readme_orphans((REPOSITORY / "README.md").read_text(encoding="utf-8"))
    front = index_orphans(run.folder)
    with chromium() as browser:
        looked = defects(browser, run.folder)
    wrong = [one for one in looked if one.found]
    return [
        {
            "id": "teach.browser",
            "value": len(wrong),
            "unit": "pages",
            "reach": 0,
            "aim": 0,
            "better": "lower",
            "how": f"{len(looked)} pages x widths ({' and '.join(map(str, WIDTHS))} px) of run {run.name} with an "
            "error, a request that leaves the machine, a figure that does not draw or play, sideways scroll, an image "
            "without text, text of contrast under 4.5, headings out of order, or 3 MB; with one: "
            f"{', '.join(f'{one.page.name} {one.width}' for one in wrong) or 'none'}",
        },
        {
            "id": "teach.orphans",
            "value": len(readme) + len(front),
            "unit": "numbers",
            "reach": 0,
            "aim": 0,
            "better": "lower",
            "how": f"without a source that holds them: README {len(readme)} (its tables, and the sections that state "
            f"results), front page of run {run.name} {len(front)} (every number in its text)",
        },
    ]


def defects(browser: Any, reports: Path) -> list[Defects]:
    """What a browser finds on every page of a published run, at both widths."""
    looked = [look(browser, page, width) for page in pages_of(reports) for width in WIDTHS]
    for one in looked:
        if one.page == reports / "index.html":
            one.found += numbers_that_open(browser, one.page, one.width)
    return looked


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's Chromium, or the one that CHROMIUM names.

    Raises
    ------
    Unavailable
        There is none, or playwright is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise Unavailable("`make test-browser` installs playwright") from None
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise Unavailable("no chromium on this machine")
    with sync_playwright() as started:
        found = started.chromium.launch(executable_path=program, args=FLAGS)
        yield found
        found.close()
