"""What the front page tells: a picture and a sentence a step, what the run says to the claim, what it cannot."""

from __future__ import annotations

import html
import tomllib
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.report.marked import MarkedNumbers
from cardiolib.workflow.stages import STAGES


@cache
def words(name: str) -> dict[str, Any]:
    """The words of the front page: ``story``, ``numbers`` or ``glossary``, from the file of this name."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def pictures(numbers: MarkedNumbers, manifest: dict[str, Any], *, run: str, small: bool) -> str:
    """One picture a step of the paper, each with this run's finding in a sentence.

    Parameters
    ----------
    numbers : MarkedNumbers
    manifest : dict
        As ``manifest.json`` holds it; a picture is shown where its stage has drawn it.
    run : str
        Name of the run, whose figures are linked.
    small : bool
        Whether the run is too small to say anything; every sentence is marked then.
    """
    mark = f" <span class='too-small'>{words('story')['small_mark']}</span>" if small else ""
    shown = []
    for one in words("story")["pictures"]:
        made = manifest["stages"].get(one["stage"], {})
        if f"{one['figure']}.png" not in made.get("figures", {}):
            continue
        sentence = numbers.fill(one["finding"])
        marked = mark if sentence else ""
        sentence = sentence or numbers.fill(one["plain"])
        page = str(STAGES[one["stage"]].notebook).replace(".ipynb", ".html")
        source = f"../../figures/{quote(run)}/{one['figure']}.png"
        shown.append(
            f"<li><h3><a href='{page}'>{html.escape(one['title'])}</a></h3><figure><a href='{source}'>"
            f"<img src='{source}' alt='{_alternative(one['figure'], manifest)}' loading='lazy'></a>"
            f"<figcaption>{sentence}{marked}</figcaption></figure></li>"
        )
    return f"<ol class='story'>{''.join(shown)}</ol>" if shown else ""


def conclusion(numbers: MarkedNumbers, metrics: dict[str, Any]) -> str:
    """What the run says to the paper's claim, in sentences made from its numbers; empty where it compares no models."""
    said = words("story")["conclusion"]
    found = metrics.get("validation") or {}
    low, high = found.get("c_difference_low"), found.get("c_difference_high")
    if low is None or high is None:
        return ""
    verdict = "better" if low > 0 else "worse" if high < 0 else "unclear"
    simulated = (metrics.get("cohort") or {}).get("simulated")
    sentences = [
        numbers.fill(said["claim"]),
        said[verdict],
        numbers.fill(said["depth"]),
        said["simulated"] if simulated else "",
    ]
    return f"<p>{' '.join(filter(None, sentences))}</p>"


def limits(numbers: MarkedNumbers, kinds: Collection[str]) -> str:
    """What the run cannot say, as a list; `kinds` of run are "simulated" or "real", and "small"."""
    texts = [numbers.fill(one["text"]) for one in words("story")["limits"] if one.get("only", "") in ("", *kinds)]
    return f"<ul>{''.join(f'<li>{text}</li>' for text in texts if text)}</ul>"


def glossary() -> str:
    """The words that the front page uses, each with its meaning."""
    entries = (
        f"<div id='word-{key}'><dt>{one['name']}</dt><dd>{one['text']}</dd></div>"
        for key, one in words("glossary").items()
    )
    return f"<dl class='glossary' data-source='definition'>{''.join(entries)}</dl>"


def _alternative(figure: str, manifest: dict[str, Any]) -> str:
    mark = " (simulated)" if manifest["simulated"] else ""
    return html.escape(f"{CAPTIONS[figure]}{mark}", quote=True)
