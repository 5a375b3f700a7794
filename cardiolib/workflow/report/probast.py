"""The run's own study and the 2019 paper, question by question of PROBAST+AI; the judgement is the reader's.

A question gets evidence, never a verdict: from the run's numbers, or from a source that was read.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

from cardiolib.workflow.notebooks import page
from cardiolib.workflow.report.checklist import ANSWERED, NOT_COMPUTED, filled, run_values
from cardiolib.workflow.report.probast_items import (
    ANALYSIS,
    APPLICABILITY,
    DEVELOPMENT,
    EVALUATION,
    Question,
    questions,
)

NOTHING = "The run says nothing to this."

_LEAD = (
    "PROBAST+AI (Moons et al., <i>BMJ</i> 2025;388:e082505) asks how good a prediction model's development is, how "
    "biased its evaluation may be, and whether both fit the question of a reader. Below is what this run and the paper "
    "it repeats (Bello et al. 2019) give to answer its 16 and 18 signalling questions. The questions are paraphrased "
    "after PROBAST+AI; the published tool governs. <b>No question is answered here.</b> Answer each with yes, probably "
    "yes, probably no, no or no information, and then judge each domain."
)
_PAPER = (
    "Of the paper only what its abstract, the code that its authors released or their public wiki says is stated, with "
    "the source in brackets. The paper's full text was not gone through: “not checked here” means just that."
)
_PARTS = {DEVELOPMENT: "Development: quality", EVALUATION: "Evaluation: risk of bias"}
_OVERALL = (
    ("Quality of the development", "the worst of its four domains"),
    ("Risk of bias of the evaluation", "the worst of its four domains"),
    ("Applicability of the development", "the worst of its first three domains"),
    ("Applicability of the evaluation", "the worst of its first three domains"),
)


class Evidence(NamedTuple):
    """One question with what there is to answer it.

    Attributes
    ----------
    question : Question
    run : str
        From the run's numbers; says so where there are none.
    from_run : bool
        Whether `run` holds any evidence.
    """

    question: Question
    run: str
    from_run: bool


def probast_evidence(metrics: dict[str, Any], manifest: dict[str, Any]) -> list[Evidence]:
    """What a run gives to answer every question.

    Parameters
    ----------
    metrics, manifest : dict
        As ``metrics.json`` and ``manifest.json`` of a run hold them.

    Returns
    -------
    list of Evidence
        In the order of the tool, 16 on development and 18 on evaluation.
    """
    values, simulated = run_values(metrics, manifest), bool(manifest["simulated"])
    found = []
    for question in questions():
        status, text = filled(question.run, values, simulated=simulated)
        note = question.simulated if simulated else ""
        said = " ".join(part for part in (text, note) if part)
        found.append(Evidence(question, said or NOTHING, status == ANSWERED or bool(note)))
    return found


def probast_page(metrics: dict[str, Any], manifest: dict[str, Any], *, banner: str | Sequence[str]) -> str:
    """``reports/<run>/probast.html`` as text."""
    evidence = probast_evidence(metrics, manifest)
    parts = "".join(_part(part, title, evidence) for part, title in _PARTS.items())
    known = sum(one.from_run for one in evidence)
    body = (
        "<h1>PROBAST+AI: this run and the 2019 paper</h1>"
        f"<p class='lead'>{_LEAD}</p><p>{_PAPER}</p>"
        f"<p>The run gives evidence to {known} of {len(evidence)} questions. What a report has to say is listed by "
        "<a href='tripod.html'>TRIPOD+AI</a>.</p>"
        f"{parts}{_applicability(bool(manifest['simulated']))}{_overall()}"
    )
    return page("PROBAST+AI", body, banner=banner)


def _part(part: str, title: str, evidence: Sequence[Evidence]) -> str:
    domains = list(dict.fromkeys(one.question.domain for one in evidence))
    tables = []
    for number, domain in enumerate(domains, start=1):
        rows = [_row(one) for one in evidence if one.question.part == part and one.question.domain == domain]
        tables.append(
            f"<h3>{number} {domain}</h3><table><thead><tr><th></th><th>question, paraphrased</th><th>this run</th>"
            f"<th>the 2019 paper</th><th>your answer</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )
    return f"<h2>{title}</h2>{''.join(tables)}"


def _row(one: Evidence) -> str:
    question = one.question
    said = html.escape(one.run)
    if not one.from_run or one.run.startswith(NOT_COMPUTED):
        said = f"<span class='stage-none'>{said}</span>"
    return (
        f"<tr id='{question.part}-{question.number}'><td>{question.number}</td><td>{html.escape(question.topic)}</td>"
        f"<td>{said}</td><td>{html.escape(question.paper)}</td><td></td></tr>"
    )


def _applicability(simulated: bool) -> str:
    note = " Simulated patients are no setting of care: this run applies to no clinical question." if simulated else ""
    rows = "".join(
        f"<tr><td>{domain}</td><td>{topic}</td><td></td><td></td></tr>" for domain, topic in APPLICABILITY.items()
    )
    return (
        f"<h2>Applicability</h2><p>It depends on your question, which no run knows.{note} The analysis "
        f"({ANALYSIS.lower()}, domain 4) has no applicability of its own.</p><table><thead><tr><th>domain</th>"
        "<th>asks, paraphrased</th><th>development: yours</th><th>evaluation: yours</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _overall() -> str:
    rows = "".join(f"<tr><td>{name}</td><td>{rule}</td><td></td></tr>" for name, rule in _OVERALL)
    return (
        "<h2>Overall</h2><p>Low, high or unclear concern; for you to fill in.</p><table><thead><tr><th>judgement</th>"
        f"<th>usually follows</th><th>yours</th></tr></thead><tbody>{rows}</tbody></table>"
    )
