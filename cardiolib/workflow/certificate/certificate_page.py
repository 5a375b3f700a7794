"""``certificate.html``: what was recomputed, on what, and how it differs from what is expected, number by number."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cardiolib.files import file_hash
from cardiolib.workflow.certificate.citation import Citation
from cardiolib.workflow.machine import machine_words
from cardiolib.workflow.notebooks import page
from cardiolib.workflow.report.runs_page import PublishedRun, opening_page
from cardiolib.workflow.report.verify import Compared
from cardiolib.workflow.stages import STAGES

CERTIFICATE_FILE = "certificate.html"


@dataclass(frozen=True)
class Findings:
    """What was found when a run was checked.

    Attributes
    ----------
    rows : tuple of Compared
        Every number beside its expectation; empty where there is none to compare with.
    compared_with : str
        The expectation's file, or why there is none.
    problems : tuple of str
        What is wrong with files and figures, and what the bundle lacks; numbers that differ are in `rows`.
    open_fields : tuple of str
        What people have to fill in.
    made : str
        Date and time of the certificate.
    """

    rows: tuple[Compared, ...]
    compared_with: str
    problems: tuple[str, ...]
    open_fields: tuple[str, ...]
    made: str

    @property
    def differing(self) -> tuple[Compared, ...]:
        """The numbers that do not agree."""
        return tuple(row for row in self.rows if row.verdict != "agrees")

    def verdict(self) -> str:
        """The whole comparison in one sentence."""
        if not self.rows:
            return f"No number was compared with an expectation ({self.compared_with})."
        if not self.differing:
            return f"All {len(self.rows)} values agree with {self.compared_with} within their tolerances."
        return f"{len(self.differing)} of {len(self.rows)} values do not agree with {self.compared_with}."


def certificate_page(run: PublishedRun, citation: Citation, findings: Findings, *, root: Path) -> str:
    """The page of a run as text; it loads nothing."""
    manifest = run.manifest
    kind = "simulated patients" if manifest["simulated"] else "real patients"
    problems = "".join(f"<li>{html.escape(text)}</li>" for text in findings.problems)
    body = [
        f"<h1>Certificate of recomputation: {html.escape(run.name)}</h1>",
        "<p class='lead'>cardiolib wrote this page about its own run. It is no CODECHECK certificate and no review: "
        "somebody else has to do that. <a href='../../codecheck.yml'>codecheck.yml</a> and "
        "<a href='ro-crate-metadata.json'>ro-crate-metadata.json</a> are made for them.</p>",
        f"<p><b>{html.escape(findings.verdict())}</b></p>",
        f"<h3>Problems</h3><ul>{problems}</ul>"
        if problems
        else "<p>No problem was found with files, figures, README and licence.</p>",
        "<h2>What was recomputed</h2>",
        f"<p>{html.escape(citation.paper_title)} (<i>Nature Machine Intelligence</i> 2019, "
        f"doi:{citation.paper_doi}), by {html.escape(citation.title)} {html.escape(citation.version)} on {kind}.</p>",
        _facts(run, findings),
        _stages(manifest),
        "<h2>On what</h2>",
        _machines(run),
        "<h2>How it differs from what is expected</h2>",
        _differences(findings),
        "<h2>Figures</h2>",
        _figures(run, root),
        "<h2>Left to people</h2>",
        f"<p>{html.escape('; '.join(findings.open_fields))}.</p>",
    ]
    return page("Certificate", "".join(body), banner=_banner(manifest))


def newest_page(name: str) -> str:
    """``reports/certificate.html``: opens the certificate that was made last."""
    target = f"{quote(name)}/{CERTIFICATE_FILE}"
    return opening_page(target, title="The newest certificate", link=f"Certificate of {name}")


def _banner(manifest: dict[str, Any]) -> list[str]:
    """What stands on the run's other pages, or the least of it where an older run did not keep that."""
    if manifest.get("banners"):
        return list(manifest["banners"])
    return ["Simulated cohort. No patient data were used." if manifest["simulated"] else "Real data."]


def _facts(run: PublishedRun, findings: Findings) -> str:
    manifest = run.manifest
    commits = {str(stage["git"]["commit"]) for stage in run.done().values()}
    dirty = any(stage["git"]["dirty"] for stage in run.done().values())
    facts = {
        "Profile": manifest["profile"],
        "Cohort": f"{manifest['cohort']} ({'simulated' if manifest['simulated'] else 'real'})",
        "Seed": str(manifest["seed"]),
        "Parameters changed": ", ".join(manifest["overrides"]) or "none",
        "Motion": manifest["motion_source"],
        "Commit": ", ".join(sorted(commits)) + (" (with uncommitted changes)" if dirty else ""),
        "Certificate made": findings.made,
    }
    return _table(facts)


def _stages(manifest: dict[str, Any]) -> str:
    rows = []
    for name, stage in STAGES.items():
        made = manifest["stages"][name]
        if made["status"] != "complete":
            rows.append(
                f"<tr><td>{stage.title}</td><td colspan='3'>nothing to do: {html.escape(made['reason'])}</td></tr>"
            )
            continue
        started = (made.get("started") or "not recorded").replace("+00:00", " UTC").replace("T", " ")
        rows.append(
            f"<tr><td>{stage.title}</td><td>{html.escape(started)}</td><td class='number'>{made['seconds']:.0f} s</td>"
            f"<td class='number'>{made['peak_memory_gib'] or '&ndash;'}</td></tr>"
        )
    return (
        "<table><thead><tr><th>stage</th><th>started</th><th class='number'>took</th><th class='number'>peak memory, "
        f"GiB</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _machines(run: PublishedRun) -> str:
    done = list(run.done().values())
    kernels = {stage["kernels"] for stage in done if stage.get("kernels")}
    versions: dict[str, set[str]] = {}
    for stage in done:
        for name, version in stage["versions"].items():
            versions.setdefault(name, set()).add(version)
    facts = {
        "Machine": "; ".join(sorted({machine_words(stage.get("machine")) for stage in done})),
        "Kernels": "; ".join(sorted(kernels)) or "not recorded by this run",
        "Device": ", ".join(sorted({stage["device"] for stage in done})),
        "Workers": ", ".join(sorted({str(stage["workers"] or 1) for stage in done})),
        "Threads of a worker": ", ".join(sorted({str(stage["threads"]) for stage in done})),
        "Versions": ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in versions.items()),
    }
    return _table(facts)


def _differences(findings: Findings) -> str:
    if not findings.rows:
        return f"<p>{html.escape(findings.verdict())} An expectation is committed for the simulated cohort only.</p>"
    stages = list(dict.fromkeys(row.name.partition(".")[0] for row in findings.rows))
    titles = {name: stage.title for name, stage in STAGES.items()}
    ordered = sorted(stages, key=lambda name: list(titles).index(name) if name in titles else len(titles))
    parts = [
        f"<p>Expected is what the committed {html.escape(findings.compared_with)} holds. Allowed is how far another "
        "processor may differ; words and counts without a tolerance have to be equal.</p>"
    ]
    if findings.differing:
        parts.append(f"<h3>What does not agree</h3>{_rows(findings.differing, whole_name=True)}")
    for stage in ordered:
        own = [row for row in findings.rows if row.name.partition(".")[0] == stage]
        parts.append(f"<h3>{titles.get(stage, stage)}</h3>{_rows(own)}")
    return "".join(parts)


def _rows(rows: Iterable[Compared], *, whole_name: bool = False) -> str:
    body = "".join(_row(row, row.name if whole_name else row.name.partition(".")[2] or row.name) for row in rows)
    return (
        "<table><thead><tr><th>value</th><th class='number'>found</th><th class='number'>expected</th>"
        "<th class='number'>difference</th><th class='number'>allowed</th><th>verdict</th></tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _row(row: Compared, name: str) -> str:
    difference = row.difference
    apart = "" if difference is None else format(difference, "+.3g") if difference else "0"
    allowed = "equal" if row.tolerance is None else format(row.tolerance, ".3g")
    verdict = row.verdict if row.verdict == "agrees" else f"<b>{row.verdict}</b>"
    return (
        f"<tr><td>{html.escape(name)}</td><td class='number'>{_value(row.found)}</td>"
        f"<td class='number'>{_value(row.expected)}</td><td class='number'>{apart}</td>"
        f"<td class='number'>{allowed}</td><td>{verdict}</td></tr>"
    )


def _value(value: Any) -> str:
    if value is None:
        return "none"
    return html.escape(format(value, ".6g") if isinstance(value, float) else str(value))


def _figures(run: PublishedRun, root: Path) -> str:
    rows = []
    for stage in run.done().values():
        for name, digest in sorted(stage["figures"].items()):
            path = root / "figures" / run.name / name
            state = "missing" if not path.is_file() else "as recorded" if file_hash(path) == digest else "differs"
            told = state if state == "as recorded" else f"<b>{state}</b>"
            rows.append(
                f"<tr><td><a href='../../figures/{quote(run.name)}/{quote(name)}'>{html.escape(name)}</a></td>"
                f"<td>{told}</td><td><code>{digest}</code></td></tr>"
            )
    mark = " All show simulated patients and say so." if run.manifest["simulated"] else ""
    return (
        f"<p>{len(rows)} files, each with its SHA-256 of when the run drew it.{mark}</p><table><thead><tr><th>file</th>"
        f"<th>now</th><th>SHA-256</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _table(facts: dict[str, str]) -> str:
    rows = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in facts.items())
    return f"<table class='facts'>{rows}</table>"
