"""The run, reported item by item of TRIPOD+AI: answered from its metrics and manifest, or marked as open.

A filled item means that something is reported. Whether it is good enough is for a reader to judge.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

from cardiolib.workflow.notebooks import page
from cardiolib.workflow.report.checklist import ANSWERED, BY_AUTHORS, NOT_APPLICABLE, filled, run_values
from cardiolib.workflow.report.tripod_items import ITEMS, Item

_LEAD = (
    "TRIPOD+AI (Collins et al., <i>BMJ</i> 2024;385:e078378) lists what a report of a prediction model has to say, "
    "in 27 items with 52 parts. What this run knows is filled in from its metrics and manifest. The rest is marked. "
    "The topics are paraphrased; the published checklist governs. A filled item is <i>reported</i>, which does not "
    "make it good."
)


class Answer(NamedTuple):
    """One item with what is said about it and where that comes from."""

    item: Item
    status: str
    text: str


def tripod_answers(metrics: dict[str, Any], manifest: dict[str, Any]) -> list[Answer]:
    """Fill in every item.

    Parameters
    ----------
    metrics, manifest : dict
        As ``reports/metrics.json`` and ``reports/manifest.json`` hold them.

    Returns
    -------
    list of Answer
        In the order of the checklist. An item whose numbers this run does not have is for the authors to write, and
        says so; an item without meaning for simulated patients is not applicable to them.
    """
    values = run_values(metrics, manifest)
    simulated = bool(manifest["simulated"])
    answers = []
    for item in ITEMS:
        # the data of a real cohort are not made again by a seed
        template = "" if item.number == "18e" and not simulated else item.answer
        status, text = filled(template, values, simulated=simulated, applies=item.simulated)
        answers.append(Answer(item, status, text))
    return answers


def tripod_page(metrics: dict[str, Any], manifest: dict[str, Any], *, banner: str | Sequence[str]) -> str:
    """``reports/<run>/tripod.html`` as text."""
    answers = tripod_answers(metrics, manifest)
    counts = {
        status: sum(answer.status == status for answer in answers) for status in (ANSWERED, NOT_APPLICABLE, BY_AUTHORS)
    }
    summary = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    rows = []
    for answer in answers:
        mark = "" if answer.status == ANSWERED else f"<span class='stage-none'>{answer.status}.</span> "
        rows.append(
            f"<tr id='item-{answer.item.number}'><td>{answer.item.number}</td>"
            f"<td>{html.escape(answer.item.section)}</td><td>{html.escape(answer.item.topic)}</td><td>{mark}{html.escape(answer.text)}</td></tr>"
        )
    body = (
        "<h1>TRIPOD+AI report of this run</h1>"
        f"<p class='lead'>{_LEAD}</p><p>{summary}. <a href='probast.html'>PROBAST+AI</a> asks how good it is.</p>"
        "<table><thead><tr><th>item</th><th>section</th><th>topic</th><th>this run</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return page("TRIPOD+AI report", body, banner=banner)
