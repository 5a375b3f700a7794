"""codecheck.yml: the fields of the specification, nothing invented, and what the bundle lacks is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from cardiolib.files import write_json
from cardiolib.workflow.certificate.citation import Author, read_citation
from cardiolib.workflow.certificate.codecheck import bundle_problems, codecheck_text, manifest_entries, open_fields
from cardiolib.workflow.report.runs_page import PublishedRun, published_run
from cardiolib.workflow.stages import REPOSITORY


def test_fields_are_those_of_the_specification(root: Path, run: PublishedRun) -> None:
    text = codecheck_text(run, read_citation(root))
    assert text.startswith("%YAML 1.1\n---\n")
    content = yaml.safe_load(text)
    assert content.keys() == {"version", "manifest", "paper", "source"}
    assert content["version"] == "https://codecheck.org.uk/spec/config/2.0/"
    assert content["paper"] == {
        "title": "Deep-learning cardiac motion analysis for human survival prediction",
        "authors": [{"name": "The cardiolib developers"}],
        "reference": "https://doi.org/10.1038/s42256-019-0019-2",
    }
    assert "from seed 1" in content["source"]


def test_nothing_is_given_for_the_codechecker(root: Path, run: PublishedRun) -> None:
    text = codecheck_text(run, read_citation(root))
    for field in ("codechecker", "report", "summary", "certificate"):
        assert f"# {field}:\n" in text
    assert not any(word in text for word in ("FIXME", "TODO", "XXXX"))
    assert open_fields(read_citation(root))[0] == "the ORCID of The cardiolib developers (authors)"


def test_manifest_names_files_that_are_there_and_says_simulated(root: Path, run: PublishedRun) -> None:
    entries = manifest_entries(run)
    assert [Path(entry["file"]).name for entry in entries] == ["metrics.json", "03_search.csv", "03_search.png"]
    assert all((root / entry["file"]).is_file() and not entry["file"].startswith("/") for entry in entries)
    assert all(entry["comment"].endswith("(simulated)") for entry in entries)


def test_a_real_cohort_is_not_called_simulated(root: Path, run: PublishedRun) -> None:
    path = run.folder / "manifest.json"
    write_json(path, {**run.manifest, "simulated": False, "named_simulation": False})
    text = codecheck_text(published_run(root=root), read_citation(root))
    assert "(real patients)" in text and "imulated patients" not in text and "(simulated)" not in text
    assert "not part of this repository" in text


def test_the_repository_has_what_codecheck_asks_for(root: Path, run: PublishedRun) -> None:
    assert bundle_problems(run, root=root) == []
    (root / "LICENSE").unlink()
    (root / "README.md").write_text("")
    (root / "figures" / run.name / "03_search.png").unlink()
    problems = " ".join(bundle_problems(run, root=root))
    assert "no README" in problems and "no LICENSE" in problems and "03_search.png of the manifest" in problems


def test_citation_of_this_repository_is_whole() -> None:
    citation = read_citation(REPOSITORY)
    assert citation.license == "MIT" and citation.paper_doi == "10.1038/s42256-019-0019-2"
    assert citation.paper_authors == "Ghalib A. Bello, et al."


def test_an_orcid_is_given_without_its_address(root: Path) -> None:
    path = root / "CITATION.cff"
    text = path.read_text(encoding="utf-8").replace(
        "  - name: The cardiolib developers",
        "  - given-names: Ada\n    family-names: Example\n    orcid: https://orcid.org/0000-0002-1825-0097",
    )
    path.write_text(text, encoding="utf-8")
    assert read_citation(root).authors == (Author("Ada Example", "0000-0002-1825-0097"),)
    run = published_run(root=root)
    (author,) = yaml.safe_load(codecheck_text(run, read_citation(root)))["paper"]["authors"]
    assert author == {"name": "Ada Example", "ORCID": "0000-0002-1825-0097"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "cannot be read as YAML"),
        ("preferred-citation: {title: a}\ntitle: x\n", "no field 'version'"),
        ("- 1", "no field 'preferred-citation'"),
    ],
)
def test_a_citation_that_lacks_something_is_named(root: Path, text: str, message: str) -> None:
    (root / "CITATION.cff").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"CITATION.cff.*{message}"):
        read_citation(root)


def test_no_citation_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="CITATION.cff"):
        read_citation(tmp_path)
