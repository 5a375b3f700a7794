"""Numbers that a reader meets and cannot follow to where they came from: in README, and on a run's front page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

from cardiolib.workflow.report.marked import paper_values
from cardiolib.workflow.report.number_sources import SOURCES_FILE, without_source
from cardiolib.workflow.report.verify import flatten
from cardiolib.workflow.stages import REPOSITORY, STAGES

RESULTS = REPOSITORY / "benchmarks" / "results"
EXPECTED = REPOSITORY / "reports" / "expected"
RESULT_SECTIONS = ("What it reproduces", "The notebooks", "Limits", "Real hearts: ACDC")
"""Sections of README whose sentences state results."""
NO_RESULT_TABLES = ("First contact", "The notebooks")
"""Sections of README whose tables state none; all others do."""
NAMES = (
    r"\.632\+",
    r"95 ?%",  # the level of an interval
    r"TRIPOD\+AI|PROBAST\+AI",
    r"16 segments",
    r"Bello et al\. 2019|4D[sS]\w+",
    r"C-index|\b[23](?:\.5)?-?D\b",
    r"[Nn]otebooks? \d\d(?: (?:to|and) \d\d)?",
)
"""Digits that belong to a name or to the design of the figures, and are no finding."""

_NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?|(?<![\w.])\.\d+")
_FROM = re.compile(r"<!-- from (?P<sources>.*?) -->", re.S)


def readme_orphans(text: str) -> list[str]:
    """Numbers of README that no source vouches for, each with the beginning of its row or paragraph.

    Parameters
    ----------
    text : str
        README. A row of a table, or a paragraph of a section that states results, says behind its text where its
        numbers come from: ``<!-- from default: validation.network_c_oob; bench: seg.acdc.zero.lv -->``. Sources are
        ``default`` and ``smoke`` (names in reports/expected), ``bench`` (ids in benchmarks/results, value and
        remarks), ``paper`` (names in the report's paper.toml), ``doc`` (a file and words that stand in it), ``cited``
        (numbers of the literature, as they stand), and ``given`` (numbers that no run finds: sizes, settings, names).

    Returns
    -------
    list of str
        A number is vouched for when it is one of these values, rounded as it stands.
    """
    orphans = []
    for block in _blocks(text):
        found = _FROM.search(block)
        bare = _without_names(_FROM.sub("", block))
        numbers = _NUMBER.findall(bare)
        values = list(_values(found["sources"])) if found else []
        orphans += [
            f"{number} in {' '.join(bare.split())[:50]!r}" for number in numbers if not _vouched(number, values)
        ]
    return orphans


def index_orphans(reports: Path) -> list[str]:
    """Numbers of a run's front page that open no source, or one that does not hold them.

    Parameters
    ----------
    reports : Path
        Folder of the published run.
    """
    page = BeautifulSoup((reports / "index.html").read_text(encoding="utf-8"), "html.parser")
    sources = json.loads((reports / SOURCES_FILE).read_text(encoding="utf-8"))
    manifest = json.loads((reports / "manifest.json").read_text(encoding="utf-8"))
    known: dict[str, Any] = {name: one["value"] for name, one in sources.items()}
    known |= {f"paper.{name}": one["text"] for name, one in paper_values().items()}
    known |= flatten({"manifest": manifest})
    orphans = [f"{name} has no cell or no commit" for name in without_source(sources)]
    for button in page.select("button[data-source]"):
        name, text = str(button["data-source"]), button.get_text()
        if name not in known:
            orphans.append(f"{text}: there is no {name}")
        elif not _says(text, known[name]):
            orphans.append(f"{text}: {name} is {known[name]}")
        note = page.find(id=button["popovertarget"])
        for link in note.select("a[href*='#cell-id=']") if note else []:
            orphans += _missing_cell(reports, str(link["href"]))
    for made in page.select("[data-source], [popover], style, script, code, details.messages"):
        made.decompose()
    for heading in page.select("h3, td, a"):
        if heading.get_text() in {stage.title for stage in STAGES.values()}:
            heading.decompose()
    body = page.find("body")
    for line in body.stripped_strings if body else ():
        orphans += [f"{number} in {line[:50]!r}" for number in _NUMBER.findall(_without_names(line))]
    return orphans


def _missing_cell(reports: Path, link: str) -> list[str]:
    name, _, anchor = link.partition("#")
    there = f'id="{anchor}"' in (reports / name).read_text(encoding="utf-8")
    return [] if there else [f"{link} leads to no cell"]


def _says(text: str, value: Any) -> bool:
    """Whether a number as it stands on a page is this value, rounded."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return text == BeautifulSoup(str(value), "html.parser").get_text()
    return _vouched(text.strip().lstrip("+-−"), [abs(float(value))])


def _vouched(number: str, values: Iterable[float | str]) -> bool:
    plain = number.replace(",", "")
    decimals = len(plain.partition(".")[2])
    half = 0.5 * 10**-decimals
    for value in values:
        if value == number or (isinstance(value, float) and abs(abs(value) - float(plain)) <= half * (1 + 1e-6)):
            return True
    return False


def _values(sources: str) -> Iterator[float | str]:
    """All numbers that a comment names: as floats where they may be rounded, as text where they may not."""
    for source in sources.split(";"):
        kind, _, names = source.partition(":")
        for name in re.split(r",\s+", " ".join(names.split())):
            yield from _one(kind.strip(), name.strip())


def _one(kind: str, name: str) -> Iterator[float | str]:
    if kind in ("default", "smoke"):
        path = EXPECTED / f"{kind}.json"
        yield float(flatten(json.loads(path.read_text(encoding="utf-8"))["metrics"])[name])
    elif kind == "bench":
        row = _rows()[name]
        yield float(row["value"])
        yield from (float(row["reach"]), float(row["aim"]), float(row["value"]) - float(row["reach"]))
        yield from (float(number.replace(",", "")) for number in _NUMBER.findall(row["how"]))
    elif kind == "paper":
        yield from _NUMBER.findall(paper_values()[name]["text"].replace("&ndash;", " to "))
    elif kind in ("cited", "given"):
        yield from _NUMBER.findall(name)
    elif kind == "doc":
        file, _, words = name.partition(" ")
        if words not in " ".join((REPOSITORY / file).read_text(encoding="utf-8").split()):
            raise ValueError(f"README quotes {words!r} from {file}, where these words do not stand")
        yield from _NUMBER.findall(words)
    else:
        known = "default, smoke, bench, paper, doc, cited, given"
        raise ValueError(f"README names a source of kind {kind!r}; known are {known}")


def _rows() -> dict[str, dict[str, Any]]:
    files = sorted(RESULTS.glob("*.json"))
    return {row["id"]: row for path in files for row in json.loads(path.read_text(encoding="utf-8"))}


def _blocks(text: str) -> Iterator[str]:
    """Rows of tables, and the paragraphs and list items of the sections that state results."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    for part in re.split(r"^#+ ", text, flags=re.M):
        title, _, body = part.partition("\n")
        for block in re.split(r"\n\s*\n|\n(?=- )", body):
            lines = block.splitlines()
            if title.strip() not in NO_RESULT_TABLES:
                yield from (line for line in lines if line.lstrip().startswith("|"))
            if title.strip() in RESULT_SECTIONS:
                yield "\n".join(line for line in lines if not line.lstrip().startswith("|"))


def _without_names(text: str) -> str:
    text = re.sub(r"`[^`]*`|\]\([^)]*\)|https?://\S+", " ", text)
    for name in NAMES:
        text = re.sub(name, " ", text)
    return text
