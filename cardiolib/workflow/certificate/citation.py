"""Who wrote the software and which paper it accompanies, from CITATION.cff."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

CITATION_FILE = "CITATION.cff"


@dataclass(frozen=True)
class Author:
    """A person or a group.

    Attributes
    ----------
    name : str
    orcid : str
        The plain identifier; empty where none is given.
    """

    name: str
    orcid: str = ""


@dataclass(frozen=True)
class Citation:
    """What CITATION.cff says.

    Attributes
    ----------
    title, version, license : str
        Of the software.
    authors : tuple of Author
        Of the software.
    paper_title, paper_doi, paper_authors : str
        Of the paper that the software accompanies (``preferred-citation``).
    """

    title: str
    version: str
    license: str
    authors: tuple[Author, ...]
    paper_title: str
    paper_doi: str
    paper_authors: str

    @property
    def paper_address(self) -> str:
        """The paper's DOI as an address."""
        return f"https://doi.org/{self.paper_doi}"


def read_citation(root: Path) -> Citation:
    """Read ``CITATION.cff`` of a repository.

    Raises
    ------
    FileNotFoundError
        There is none.
    ValueError
        It is not YAML, or a field is missing; the file and the field are named.
    """
    import yaml

    path = root / CITATION_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: a certificate names the authors of the software. Restore it.")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as YAML ({error}). Correct it or restore it.") from error
    paper = _field(content, "preferred-citation", path)
    return Citation(
        title=str(_field(content, "title", path)),
        version=str(_field(content, "version", path)),
        license=str(_field(content, "license", path)),
        authors=tuple(_author(one) for one in _field(content, "authors", path)),
        paper_title=str(_field(paper, "title", path)),
        paper_doi=str(_field(paper, "doi", path)),
        paper_authors=", ".join(_author(one).name for one in _field(paper, "authors", path)),
    )


def _field(content: Any, name: str, path: Path) -> Any:
    if not isinstance(content, dict) or not content.get(name):
        raise ValueError(f"{path} has no field {name!r}, which a certificate needs. Add it (format: CFF 1.2).")
    return content[name]


def _author(entry: dict[str, Any]) -> Author:
    """One author of a CFF list: a person has given and family names, a group a name."""
    person = " ".join(str(entry[part]) for part in ("given-names", "family-names") if entry.get(part))
    return Author(str(entry.get("name") or person), str(entry.get("orcid", "")).rsplit("/", 1)[-1])
