"""``codecheck.yml``: what somebody who checks this computation has to see recreated.

Fields as in the CODECHECK configuration file specification 2.0. What a codechecker adds (name, report, summary, number
of the certificate) is left to the codechecker: nothing is invented here.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from cardiolib.workflow.certificate.citation import Author, Citation
from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.report.runs_page import PublishedRun

CODECHECK_FILE = "codecheck.yml"
SPECIFICATION = "https://codecheck.org.uk/spec/config/2.0/"
SHOWN_SUFFIXES = (".png", ".csv", ".html")
"""Figures as pictures, their numbers, and those to turn; an SVG is the picture of its PNG once more."""
REQUIRED = {"README": "what the software is and how it is run", "LICENSE": "what others may do with it"}
ENVIRONMENTS = ("environment.yml", "pyproject.toml", "requirements.txt")

_OPEN = """
# Below is for the codechecker to fill in. Nothing of it is known to the authors, so nothing is given:
# codechecker:
#   - name:
#     ORCID:
# report:
# summary:
# certificate:
# check_time:
# repository:
"""


def codecheck_text(run: PublishedRun, citation: Citation) -> str:
    """``codecheck.yml`` of a published run as text.

    Parameters
    ----------
    run : PublishedRun
    citation : Citation

    Returns
    -------
    str
        YAML 1.1 with a start marker. The manifest holds the run's numbers, its figures and the tables behind them.
    """
    authors = "\n".join(line for author in citation.authors for line in _author_lines(author))
    paper = (
        "# These are the authors of this workflow. The paper that it repeats is by others:\n"
        f"# {citation.paper_authors}\n"
        f"paper:\n  title: {_quoted(citation.paper_title)}\n  authors:\n{authors}\n"
        f"  reference: {citation.paper_address}\n"
    )
    kind = "simulated patients" if run.manifest["simulated"] else "real patients"
    head = f"%YAML 1.1\n---\n# Written by `make certificate` for run {run.name} ({kind}).\nversion: {SPECIFICATION}\n"
    source = _dumped({"source": _source(run)})
    return f"{head}\n{_dumped({'manifest': manifest_entries(run)})}\n{paper}\n{source}{_OPEN}"


def manifest_entries(run: PublishedRun) -> list[dict[str, str]]:
    """Files of a run that a check has to recreate, each with what it shows; paths relative to the repository."""
    mark = " (simulated)" if run.manifest["simulated"] else ""
    entries = [{"file": f"reports/{run.name}/metrics.json", "comment": f"All headline numbers of the run{mark}"}]
    for stage in run.done().values():
        for name in sorted(stage["figures"]):
            path = Path(name)
            if path.suffix in SHOWN_SUFFIXES and path.stem in CAPTIONS:
                numbers = "Numbers of: " if path.suffix == ".csv" else ""
                entries.append(
                    {"file": f"figures/{run.name}/{name}", "comment": f"{numbers}{plain_caption(path.stem)}{mark}"}
                )
    return entries


def plain_caption(figure: str) -> str:
    """A figure's caption without markup, its first sentence."""
    text = html.unescape(re.sub(r"<[^>]+>", "", CAPTIONS[figure]))
    return text.partition(". ")[0].rstrip(".")


def bundle_problems(run: PublishedRun, *, root: Path) -> list[str]:
    """What CODECHECK asks of authors and this repository lacks; empty where all is there."""
    problems = []
    for name, why in REQUIRED.items():
        if not any(path.is_file() and path.stat().st_size for path in root.glob(f"{name}*")):
            problems.append(f"there is no {name}, which says {why}")
    if not any((root / name).is_file() for name in ENVIRONMENTS):
        problems.append(f"there is no description of the environment ({', '.join(ENVIRONMENTS)})")
    missing = [entry["file"] for entry in manifest_entries(run) if not (root / entry["file"]).is_file()]
    problems += [f"{name} of the manifest is missing" for name in missing]
    return problems


def open_fields(citation: Citation) -> list[str]:
    """What the specification asks for and nobody but people can fill in."""
    without = [author.name for author in citation.authors if not author.orcid]
    authors = [f"the ORCID of {name} (authors)" for name in without]
    return [*authors, "codechecker, report, summary and certificate (codechecker)"]


def _author_lines(author: Author) -> list[str]:
    orcid = f"      ORCID: {author.orcid}" if author.orcid else "      # ORCID: for the authors to fill in"
    return [f"    - name: {_quoted(author.name)}", orcid]


def _source(run: PublishedRun) -> str:
    if run.manifest["simulated"]:
        return f"All data are simulated by this repository, from seed {run.manifest['seed']}. There are no data to get."
    return "The data are not part of this repository. data/README.md says how public data are obtained."


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _dumped(content: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110))
