"""What was handed in: notebooks in a folder, whose they are, which lesson, and their code as text."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardiolib.exercises.hand_out import MARK, PARTING
from cardiolib.exercises.lessons import LESSONS
from cardiolib.exercises.students import student_id
from cardiolib.files import file_hash, read_json

MOST_BYTES = 20 * 2**20
MOST_CODE = 2**20
_LESSON = re.compile(r"(?:^|[^0-9])(0[0-5])_[a-z]")


@dataclass(frozen=True)
class HandedIn:
    """One notebook that was handed in.

    Attributes
    ----------
    file : str
        Relative to the folder.
    student, lesson : str
        Empty where they cannot be told.
    cells : tuple of str
        Source of the code cells.
    digest : str
        SHA-256 of the file.
    problem : str
        Why it scores nothing unexecuted; empty if it can be executed.
    """

    file: str
    student: str = ""
    lesson: str = ""
    cells: tuple[str, ...] = ()
    digest: str = ""
    problem: str = ""


def find_handed_in(folder: str | os.PathLike[str]) -> list[HandedIn]:
    """All notebooks below a folder, sorted by name; links are not followed.

    The student is the part of the file's name before ``__``, or else the name of the folder that the file lies in. Of
    two notebooks of one student and lesson the newer counts.

    Raises
    ------
    ValueError
        There is no such folder, or no notebook in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ValueError(f"{root} is no folder. Name the folder that holds the notebooks that were handed in.")
    paths = [
        Path(place, name)
        for place, folders, names in os.walk(root)
        if not Path(place).name.startswith(".")
        for name in names
        if name.endswith(".ipynb") and ".ipynb_checkpoints" not in Path(place).parts
    ]
    if not paths:
        raise ValueError(
            f"{root} holds no notebook (.ipynb). Put what students handed in there, or name another folder."
        )
    found = {path: read_handed_in(path, root) for path in sorted(paths)}
    return [_or_older(path, one, found) for path, one in found.items()]


def read_handed_in(path: Path, root: Path) -> HandedIn:
    """One notebook; whatever is wrong with it is its `problem`."""
    file = str(path.relative_to(root))
    if path.is_symlink() or not path.is_file():
        return HandedIn(file, problem="this is a link or no file; hand in the notebook itself")
    try:
        student = _student_of(path, root)
    except ValueError as error:
        return HandedIn(file, problem=str(error))
    try:
        if path.stat().st_size > MOST_BYTES:
            return HandedIn(file, student, problem=f"larger than {MOST_BYTES // 2**20} MiB; clear its outputs")
        content, digest = read_json(path), file_hash(path)
    except (ValueError, RecursionError, OSError) as error:
        return HandedIn(file, student, problem=f"cannot be read as a notebook: {error}".replace(str(path), path.name))
    return _of_content(content, HandedIn(file, student, digest=digest))


def _of_content(content: Any, so_far: HandedIn) -> HandedIn:
    file, student, digest = so_far.file, so_far.student, so_far.digest
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        return HandedIn(file, student, digest=digest, problem="no notebook of version 4: it has no list of cells")
    metadata = content.get("metadata")
    mark = metadata.get(MARK) if isinstance(metadata, dict) else None
    mark = mark if isinstance(mark, dict) else {}
    named = _LESSON.search(Path(file).name)
    lesson = str(mark.get("lesson") or (named.group(1) if named else ""))
    if lesson not in LESSONS:
        return HandedIn(file, student, digest=digest, problem="which lesson it is cannot be told: not one of ours")
    claimed = mark.get("student", student)
    if claimed != student:
        return HandedIn(
            file, student, lesson, digest=digest, problem=f"written for {str(claimed)[:64]!r}, another student"
        )
    sources = [_source(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]
    if sum(map(len, sources)) > MOST_CODE:
        return HandedIn(file, student, lesson, digest=digest, problem="more code than exercises need (over 1 MiB)")
    return HandedIn(file, student, lesson, tuple(sources), digest)


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def _student_of(path: Path, root: Path) -> str:
    name, parting, _ = path.stem.partition(PARTING)
    if parting:
        return student_id(name)
    if path.parent.resolve() == root.resolve():
        raise ValueError(
            f"whose it is cannot be told: name the file <student>{PARTING}{path.name[:60]}, or put it into a folder of "
            "the student's name"
        )
    return student_id(path.parent.name)


def _or_older(path: Path, one: HandedIn, found: dict[Path, HandedIn]) -> HandedIn:
    """The same, or that a newer notebook of the same student and lesson counts instead."""
    if one.problem:
        return one
    same = [other for other, that in found.items() if (that.student, that.lesson) == (one.student, one.lesson)]
    newest = max(same, key=lambda other: (other.lstat().st_mtime_ns, str(other)))
    if newest == path:
        return one
    said = f"a newer one counts: {found[newest].file}"
    return HandedIn(one.file, one.student, one.lesson, digest=one.digest, problem=said)
