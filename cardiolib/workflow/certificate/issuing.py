"""Writing the certificate of a published run, and withdrawing it when the run is no longer the one it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cardiolib.files import atomic_path, file_hash, read_json, write_json
from cardiolib.workflow.certificate.certificate_page import (
    CERTIFICATE_FILE,
    Findings,
    certificate_page,
    newest_page,
)
from cardiolib.workflow.certificate.citation import read_citation
from cardiolib.workflow.certificate.codecheck import CODECHECK_FILE, bundle_problems, codecheck_text, open_fields
from cardiolib.workflow.certificate.crate_files import gather
from cardiolib.workflow.certificate.research_object import CRATE_FILE, research_object
from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.report.verify import NOT_COMPARED, check_files, compared_metrics, expectation_of
from cardiolib.workflow.shared import shared_folder
from cardiolib.workflow.stages import REPOSITORY

CERTIFIED_FILE = "certified.json"
"""Beside a run's report: the files of its certificate, and the hashes of the run that they are about."""
ABOUT = ("manifest.json", "metrics.json")


@dataclass(frozen=True)
class Certificate:
    """What `certify` wrote.

    Attributes
    ----------
    findings : Findings
    page, crate, codecheck : Path
    """

    findings: Findings
    page: Path
    crate: Path
    codecheck: Path

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with numbers, files and bundle; empty where all is as it should be."""
        return (*(row.sentence() for row in self.findings.differing), *self.findings.problems)

    def __repr__(self) -> str:
        files = f"{self.page.name}, {self.crate.name}, {self.codecheck.name}"
        said = [self.findings.verdict(), *(f"problem: {text}" for text in self.problems)]
        return "\n".join(["Certificate", *(f"  {line}" for line in said), f"  written: {files}"])


def certify(run: PublishedRun, *, root: Path = REPOSITORY) -> Certificate:
    """Write ``codecheck.yml``, the run's RO-Crate and its certificate; one that finds problems is written too.

    Parameters
    ----------
    run : PublishedRun
    root : Path
        Folder that holds ``figures/``, ``reports/``, the notebooks, README, LICENSE and CITATION.cff.

    Raises
    ------
    FileNotFoundError, ValueError
        CITATION.cff is missing or lacks a field.
    """
    citation = read_citation(root)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    findings = _findings(run, root, made, tuple(open_fields(citation)))
    page, crate, codecheck = run.folder / CERTIFICATE_FILE, run.folder / CRATE_FILE, root / CODECHECK_FILE
    gathered = gather(run, root=root)
    _write(page, certificate_page(run, citation, findings, root=root))
    write_json(crate, research_object(run, citation, made=made).metadata.generate())
    files = sorted(str(path.relative_to(run.folder)) for path in (*gathered, page, crate))
    write_json(run.folder / CERTIFIED_FILE, {"about": _about(run.folder), "made": made, "files": files})
    with shared_folder(root / "reports"):  # other runs may be publishing
        _write(codecheck, codecheck_text(run, citation))
        _write(root / "reports" / CERTIFICATE_FILE, newest_page(run.name))
    return Certificate(findings, page, crate, codecheck)


def withdraw(folder: Path) -> bool:
    """Remove a run's certificate if the run has been published anew with other results or another record.

    Parameters
    ----------
    folder : Path
        ``reports/<run>``.

    Returns
    -------
    bool
        Whether there was one to remove.
    """
    listing = folder / CERTIFIED_FILE
    if not listing.is_file() or read_json(listing)["about"] == _about(folder):
        return False
    names = read_json(listing)["files"]
    for name in names:
        (folder / name).unlink(missing_ok=True)
    for below in {(folder / name).parent for name in names} - {folder}:
        if below.is_dir() and not any(below.iterdir()):
            below.rmdir()
    listing.unlink()
    _point_to_newest(folder.parent)
    return True


def _findings(run: PublishedRun, root: Path, made: str, left_open: tuple[str, ...]) -> Findings:
    problems, _ = check_files(run.manifest, root, run.name)
    wanted, compared_with = expectation_of(run.manifest, root=root)
    rows = () if wanted is None else tuple(compared_metrics(run.metrics, wanted))
    if wanted is None and not compared_with.startswith(NOT_COMPARED):
        problems.append(compared_with)
    return Findings(rows, compared_with, (*problems, *bundle_problems(run, root=root)), left_open, made)


def _about(folder: Path) -> dict[str, str]:
    return {name: file_hash(folder / name) for name in ABOUT}


def _point_to_newest(reports: Path) -> None:
    """Let ``reports/certificate.html`` open the newest certificate that is left, or remove it."""
    left = {path.parent.name: read_json(path)["made"] for path in reports.glob(f"*/{CERTIFIED_FILE}")}
    page = reports / CERTIFICATE_FILE
    if left:
        _write(page, newest_page(max(left, key=lambda name: left[name])))
    else:
        page.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
