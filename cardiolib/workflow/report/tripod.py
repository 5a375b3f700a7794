"""The run, reported item by item of TRIPOD+AI: answered from its metrics and manifest, or marked as open.

A filled item means that something is reported. Whether it is good enough is for a reader to judge.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

from cardiolib.workflow.notebooks import page
from cardiolib.workflow.report.index_page import Values
from cardiolib.workflow.report.tripod_items import ITEMS, Item
from cardiolib.workflow.report.verify import flatten

ANSWERED = "from the run"
NOT_APPLICABLE = "not applicable to a simulated cohort"
BY_AUTHORS = "for the authors to write"

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
    facts = _facts(metrics, manifest)
    values = Values(facts)
    answers = []
    for item in ITEMS:
        if manifest["simulated"] and not item.simulated:
            answers.append(Answer(item, NOT_APPLICABLE, ""))
            continue
        text = values.fill(item.answer) if item.answer else None
        if text is None and item.answer:
            answers.append(Answer(item, BY_AUTHORS, "This run did not compute what the answer needs."))
        elif text is None or (item.number == "18e" and not manifest["simulated"]):
            answers.append(Answer(item, BY_AUTHORS, ""))
        else:
            answers.append(Answer(item, ANSWERED, text))
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
        f"<p class='lead'>{_LEAD}</p><p>{summary}.</p>"
        "<table><thead><tr><th>item</th><th>section</th><th>topic</th><th>this run</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return page("TRIPOD+AI report", body, banner=banner)


def _facts(metrics: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """Everything that an answer may name: metrics, the manifest, parameters of stages, and a few joined values."""
    facts = flatten(metrics) | flatten({"manifest": manifest})
    made = next((one for one in manifest["stages"].values() if one["status"] == "complete"), {})
    facts["commit"] = made.get("git", {}).get("commit")
    for stage in ("survival", "validation"):
        parameters = manifest["stages"].get(stage, {}).get("parameters", {})
        facts |= {f"{stage}_parameters.{name}": _plain(value) for name, value in parameters.items()}
    for name, value in (metrics.get("cohort") or {}).items():
        if name.startswith("median_follow_up_"):
            unit = name.removeprefix("median_follow_up_")
            facts |= {"cohort_time_unit": unit, "follow_up": f"{value:.2f} {unit}"}
    explained = facts.get("validation.network_brier_explained")
    facts["network_explained"] = None if explained is None else f"{100 * explained:.0f} %"
    judged = sorted(name.rsplit("_", 1)[1] for name in facts if name.startswith("validation.network_ici_"))
    facts["middle_horizon"] = judged[len(judged) // 2] if judged else None
    return facts


def _plain(value: Any) -> Any:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
