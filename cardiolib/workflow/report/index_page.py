"""The report's front page: the paper's story in pictures, the run's numbers with their sources, contents."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from cardiolib.workflow.notebooks import page
from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.report.marked import MarkedNumbers
from cardiolib.workflow.report.messages import messages_html
from cardiolib.workflow.report.number_sources import SOURCES_FILE
from cardiolib.workflow.report.story import conclusion, glossary, limits, pictures, words
from cardiolib.workflow.report.values import Values
from cardiolib.workflow.stages import STAGES

__all__ = ["Values", "index_page"]

TITLE = "Deep-learning cardiac motion analysis for human survival prediction, reproduced"
GUIDELINES = (("tripod.html", "TRIPOD+AI"), ("probast.html", "PROBAST+AI"))
"""Pages that go through the run item by item of a guideline."""
PACKAGES = ("python", "torch", "numpy", "scikit-learn", "lifelines", "pyswarms", "umap-learn")
"""Those whose versions stand on the page; ``manifest.json`` has all."""


def index_page(
    name: str,
    metrics: dict[str, Any],
    manifest: dict[str, Any],
    sources: dict[str, dict[str, Any]],
    *,
    banner: Sequence[str],
    small: bool,
    messages: Sequence[dict[str, Any]] = (),
) -> str:
    """``reports/<run>/index.html`` as text.

    Parameters
    ----------
    name : str
        Of the run.
    metrics, manifest : dict
        As the report's files of these names hold them.
    sources : dict
        Where each number came from (`number_sources`).
    banner : sequence of str
        Templates of the sentences on top (`worth.banner_templates`).
    small : bool
        Whether the run is too small for its numbers to mean anything.
    messages : sequence of dict
        What libraries said in all notebooks, folded at the end.
    """
    simulated = bool(manifest["simulated"])
    kinds = ("simulated" if simulated else "real", *(("small",) if small else ()))
    told = {
        "kind": "simulated " if simulated else "",
        "cohort": str((metrics.get("cohort") or {}).get("name", manifest["cohort"])),
        "layout": str((metrics.get("cohort") or {}).get("layout", "")),
    }
    numbers = MarkedNumbers(sources, manifest, told)
    story = words("story")
    said = conclusion(numbers, metrics)
    steps = pictures(numbers, manifest, run=name, small=small)
    sections = [
        ("story", "The paper in pictures", f"<p>{story['pictures_intro']}</p>{steps}" if steps else ""),
        ("says", "What this run says", f"{_small(said, small)}{said}" if said else ""),
        ("cannot", "What this run cannot say", limits(numbers, kinds)),
        ("numbers", "The numbers", _results(numbers)),
        ("words", "Words", glossary()),
        ("notebooks", "The notebooks", _stages(numbers, manifest)),
        ("figures", "All figures", _galleries(name, manifest)),
        ("made", "How this was made", _provenance(name, numbers, manifest) + messages_html(messages)),
    ]
    there = [(key, title, text) for key, title, text in sections if text]
    targets = [*((f"#{key}", title) for key, title, _ in there), *GUIDELINES]
    contents = " ".join(f"<li><a href='{target}'>{title}</a></li>" for target, title in targets)
    body = [
        f"<h1>{TITLE}</h1>",
        f"<p class='lead'>{numbers.fill(story['lead'])}</p>",
        f"<nav class='contents' aria-label='contents'><ul>{contents}</ul></nav>",
        *(f"<section id='{key}'><h2>{title}</h2>{text}</section>" for key, title, text in there),
    ]
    above = [text for text in (numbers.fill(one) for one in banner) if text]
    return page(
        "cardiolib report", "".join(body), banner=above, marked_up=True, notes=numbers.notes(), home="../index.html"
    )


def _small(said: str, small: bool) -> str:
    return f"<p class='too-small'>{words('story')['small']}</p>" if said and small else ""


def _results(numbers: MarkedNumbers) -> str:
    lines = []
    for row in words("numbers")["rows"]:
        found = numbers.fill(row["run"])
        if found is None:
            continue
        paper = numbers.fill(row["paper"]) if "paper" in row else "&ndash;"
        note = numbers.fill(row.get("remark", "")) or ""
        lines.append(
            f"<tr><th scope='row'>{row['label']}</th><td class='number'>{paper}</td><td class='number'>{found}</td>"
            f"<td class='soft'>{note}</td></tr>"
        )
    if not lines:
        return ""
    return (
        "<div class='wide'><table><thead><tr><th scope='col'>what</th><th scope='col' class='number'>paper</th>"
        "<th scope='col' class='number'>this run</th><th scope='col'>remark</th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        "<p class='soft'>All numbers of the run are in <a href='metrics.json'>metrics.json</a>, and where each came "
        f"from in <a href='{SOURCES_FILE}'>{SOURCES_FILE}</a>.</p>"
    )


def _stages(numbers: MarkedNumbers, manifest: dict[str, Any]) -> str:
    rows = []
    for name, stage in STAGES.items():
        made = manifest["stages"][name]
        if made["status"] == "complete":
            link = stage.notebook and stage.notebook.replace(".ipynb", ".html")
            title = f"<a href='{link}'>{stage.title}</a>" if link else stage.title
            seconds = numbers.fill(f"{{manifest.stages.{name}.seconds:.0f}} s")
            rows.append(f"<tr><td>{title}</td><td>complete</td><td class='number'>{seconds}</td></tr>")
        else:
            rows.append(
                f"<tr><td>{stage.title}</td><td colspan='2'><span class='stage-none'>nothing to do: "
                f"{html.escape(made['reason'])}</span></td></tr>"
            )
    source = html.escape(manifest["motion_source"])
    return f"<table class='stages'><tbody>{''.join(rows)}</tbody></table><p class='soft'>Motion: {source}.</p>"


def _galleries(run: str, manifest: dict[str, Any]) -> str:
    sections = []
    for name, stage in STAGES.items():
        made = manifest["stages"][name]
        if made["status"] != "complete" or stage.notebook is None:
            continue
        files = set(made["figures"])
        own = [figure for figure in CAPTIONS if figure[:2] == stage.notebook[:2]]
        mark = " (simulated)" if manifest["simulated"] else ""
        figures = "".join(_figure(figure, files, run, mark) for figure in own if f"{figure}.png" in files)
        moving = [figure for figure in own if f"{figure}.html" in files and f"{figure}.png" not in files]
        links = "".join(
            f"<li><a href='../../figures/{quote(run)}/{figure}.html'>{CAPTIONS[figure]}</a></li>" for figure in moving
        )
        if figures or links:
            more = f"<p>These figures can be played and turned:</p><ul>{links}</ul>" if links else ""
            sections.append(f"<h3>{stage.title}</h3><div class='gallery'>{figures}</div>{more}")
    return "".join(sections)


def _figure(name: str, files: set[str], run: str, mark: str) -> str:
    links = [
        f"<a href='../../figures/{quote(run)}/{name}.{suffix}'>{word}</a>"
        for suffix, word in (("svg", "SVG"), ("csv", "numbers"), ("html", "interactive"))
        if f"{name}.{suffix}" in files
    ]
    caption, picture = CAPTIONS[name], f"../../figures/{quote(run)}/{name}.png"
    return (
        f"<figure id='{name}'><img src='{picture}' alt='{html.escape(caption + mark, quote=True)}' loading='lazy'>"
        f"<figcaption>{caption} {' &middot; '.join(links)}</figcaption></figure>"
    )


def _provenance(run: str, numbers: MarkedNumbers, manifest: dict[str, Any]) -> str:
    first = next(name for name, made in manifest["stages"].items() if made["status"] == "complete")
    made = manifest["stages"][first]
    changed = " ".join(f"<code>{html.escape(text)}</code>" for text in manifest["overrides"])
    versions = (numbers.fill(f"{one} {{manifest.stages.{first}.versions.{one}}}") for one in PACKAGES)
    facts = {
        "Profile": html.escape(manifest["profile"]),
        "Cohort": html.escape(manifest["cohort"]),
        "Run": f"<code>{html.escape(run)}</code>",
        "Parameters changed": changed or "none",
        "Seed": numbers.fill("{manifest.seed}"),
        "Commit": f"<code>{html.escape(str(made['git']['commit']))}</code>"
        + (" (with uncommitted changes)" if made["git"]["dirty"] else ""),
        "Time in the stages": numbers.fill("{manifest.total_seconds:.0f} s"),
        "Versions": ", ".join(filter(None, versions)),
    }
    rows = "".join(f"<tr><th scope='row'>{name}</th><td>{value}</td></tr>" for name, value in facts.items())
    return (
        f"<table class='facts'>{rows}</table><p class='soft'><a href='manifest.json'>"
        "manifest.json</a> holds every parameter, input and output hash, version, seed, thread count, duration and "
        "memory peak. <code>make verify</code> checks the files against their hashes again. The <a href='tripod.html'>"
        "TRIPOD+AI</a> and <a href='probast.html'>PROBAST+AI</a> pages go through this run item by item.</p>"
    )
