"""Every example in a docstring of the package runs and gives what it says."""

from __future__ import annotations

import doctest
import importlib
import logging
from pathlib import Path

import pytest

import cardiolib

PACKAGE = Path(cardiolib.__file__).parent
WITH_EXAMPLES = [file for file in sorted(PACKAGE.rglob("*.py")) if ">>> " in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("file", WITH_EXAMPLES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_examples_run(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a notebook's session that an earlier test opened in this process shows the log
    monkeypatch.setattr(logging.getLogger("cardiolib.work"), "handlers", [])
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
    found = doctest.testmod(module)
    assert found.attempted > 0 and found.failed == 0
