"""The published pages of a finished run, as a reader and a screen reader meet them."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlparse

import pytest
from bs4 import BeautifulSoup

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
