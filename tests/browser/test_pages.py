"""The published pages of a finished run, as a reader and a screen reader meet them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from bs4 import BeautifulSoup

from benchmarks.orphans import index_orphans
from benchmarks.page_defects import WIDTHS, look, numbers_that_open, pages_of
from cardiolib.workflow.report.publish import publish
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import REPOSITORY, STAGES

pytestmark = pytest.mark.browser
NOTEBOOK_PAGES = [str(stage.notebook).replace(".ipynb", ".html") for stage in STAGES.values() if stage.notebook]


@pytest.fixture(scope="module")
def reports(finished_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run, published in a place of its own."""
    root = tmp_path_factory.mktemp("published")
    return publish(finished_run, root=root).parent


@pytest.fixture(scope="module")
def pages(reports: Path) -> dict[Path, BeautifulSoup]:
    files = [*sorted(reports.glob("*.html")), reports.parent / "index.html", reports.parent / "latest.html"]
    return {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in files}


def test_every_image_has_an_alternative_text_and_every_frame_a_title(pages: dict[Path, BeautifulSoup]) -> None:
    images = [image for page in pages.values() for image in page.find_all("img")]
    frames = [frame for page in pages.values() for frame in page.find_all("iframe")]
    framed = [name for stage in STAGES.values() for name in (*stage.interactive, *stage.pages)]
    assert len(images) > 50 and len(frames) == len(framed)
    assert all(len(image.get("alt", "")) > 20 for image in images)
    assert all(len(frame.get("title", "")) > 20 for frame in frames)


def test_every_link_and_frame_leads_to_a_file(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        targets = [tag.get(name) for tag, name in ((tag, name) for name in ("href", "src") for tag in page.find_all())]
        for target in filter(None, targets):
            place = urlparse(target)
            if not place.scheme and place.path:
                assert (path.parent / place.path).is_file(), f"{path.name} leads to {target}"


def test_pages_lead_to_the_one_before_and_the_one_after(pages: dict[Path, BeautifulSoup]) -> None:
    found = {path.name: page for path, page in pages.items() if path.name in NOTEBOOK_PAGES}
    for before, after in zip(NOTEBOOK_PAGES, NOTEBOOK_PAGES[1:], strict=False):
        assert found[before].find("a", rel="next")["href"] == after
        assert found[after].find("a", rel="prev")["href"] == before


def test_no_page_names_a_folder_of_this_machine_or_shows_nan(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        assert str(REPOSITORY) not in str(page), path.name
        assert not [cell for cell in page.find_all("td") if cell.get_text(strip=True).lower() == "nan"], path.name


def test_every_page_of_a_small_run_says_what_it_is_worth(pages: dict[Path, BeautifulSoup]) -> None:
    for path, page in pages.items():
        if path.parent.name.startswith("smoke-"):
            said = " ".join(tag.get_text() for tag in page.find_all("p", class_="banner"))
            assert "80 patients" in said and "mean little" in said and "No patient data" in said, path.name


def test_the_front_page_links_what_beats_and_says_what_was_found(reports: Path) -> None:
    page = (reports / "index.html").read_text(encoding="utf-8")
    for figure in ("02_beating_heart.html", "02_two_hearts.html", "05_risk_hearts.html"):
        assert figure in page
    metrics = json.loads((reports / "metrics.json").read_text(encoding="utf-8"))["validation"]
    assert "What this run says" in page and f"{metrics['c_difference']:+.2f}" in page


def test_the_list_of_runs_opens_them(reports: Path) -> None:
    for name in ("index.html", "latest.html"):
        assert f"{reports.name}/index.html" in (reports.parent / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_has_a_defect(browser: Any, reports: Path, width: int) -> None:
    """No error, no request that leaves the machine, figures that draw and play, and what a person sees or hears."""
    looked = [look(browser, page, width) for page in pages_of(reports)]
    assert len(looked) > len(NOTEBOOK_PAGES)
    assert [str(one) for one in looked if one.found] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_number_opens_its_source_by_the_keyboard(browser: Any, reports: Path, width: int) -> None:
    assert numbers_that_open(browser, reports / "index.html", width) == []


def test_no_number_of_the_front_page_is_without_a_source(reports: Path) -> None:
    assert index_orphans(reports) == []


def test_a_page_with_defects_is_found_out(browser: Any, tmp_path: Path) -> None:
    """What `look` must not miss, all on one page."""
    bad = (
        "<!DOCTYPE html><html lang='en'><body><h1>a</h1><h3>b</h3><img src='https://example.org/x.png'>"
        "<p style='color:#aaa'>pale</p><div style='width:3000px'>wide</div>"
        "<button popovertarget='gone'>0.5</button><script>console.error('oh')</script></body></html>"
    )
    path = tmp_path / "bad.html"
    path.write_text(bad, encoding="utf-8")
    found = " | ".join(look(browser, path, 390).found)
    for part in (
        "level 3 after 1: b",
        "leaves the machine: https://example.org",
        "no alternative text",
        "contrast 2.3: pale",
        "scrolls sideways",
        "number without a note: 0.5",
        "in the console: oh",
    ):
        assert part in found
