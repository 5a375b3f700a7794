"""Mutants that once came to what must not be, kept as files; the tests read each of them again."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

from benchmarks.fuzz.cases import Expect, Mutant

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "fuzz" / "corpus"


def keep(door: str, mutant: Mutant, came: str, detail: str, *, folder: Path = CORPUS) -> Path:
    """Write one mutant, named after its door and what it holds.

    Examples
    --------
    >>> import tempfile
    >>> mutant = Mutant({"a.txt": b"x", "b.txt": None}, "two changes", Expect.NOTICED)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = keep("points_text", mutant, "silent", "", folder=Path(folder))
    ...     load(path) == ("points_text", mutant)
    True
    """
    files = {name: None if content is None else _text(content) for name, content in sorted(mutant.files.items())}
    record = {"door": door, "told": mutant.told, "expect": str(mutant.expect), "was": came, "files": files}
    name = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:10]
    path = folder / f"{door}-{name}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**record, "words": pattern(detail)}, indent=1) + "\n", encoding="utf-8")
    return path


def load(path: Path) -> tuple[str, Mutant]:
    """Door and mutant of a kept file."""
    record = json.loads(path.read_text(encoding="utf-8"))
    files = {name: None if text is None else _bytes(text) for name, text in record["files"].items()}
    return record["door"], Mutant(files, record["told"], Expect(record["expect"]))


def kept() -> Iterable[Path]:
    """All kept mutants."""
    return sorted(CORPUS.glob("*.json"))


def pattern(detail: str) -> str:
    """What two faults of one kind have in common: the words without paths and numbers.

    >>> pattern("ValueError at files.py:101: /tmp/fuzz-x3/a.npz holds 17 rows")
    'ValueError at files.py: a.npz holds # rows'
    """
    without_folders = re.sub(r"(/[\w.-]+)+/fuzz-\w+/", "", detail)
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", re.sub(r":\d+:", ":", without_folders))[:70]


def _text(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _bytes(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
