"""One word a thing: the words that docs/notation.md gives up stand nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cardiolib.meshes
import cardiolib.survival
from cardiolib.workflow.stages import REPOSITORY

GIVEN_UP = {
    r"(?<!\.)outline(?!width)": "contour",  # matplotlib's colour bars and plotly's have an outline
    r"heart[- ]cycle": "cardiac cycle",
    r"side[- ]wall": "free wall",
    r"\blatents\b|LATENT_NAMES": "trait",
}
HERE = Path(__file__).name


def texts() -> list[Path]:
    """All text that a reader meets: code, notebooks, pages."""
    folders = [REPOSITORY / name for name in ("cardiolib", "notebooks", "tests", "benchmarks", "docs")]
    suffixes = {".py", ".pyi", ".ipynb", ".md", ".toml"}
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes]
    skipped = {HERE, "notation.md"}
    return [path for path in found if path.name not in skipped and "results" not in path.parts] + [
        REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "data/README.md")
    ]


@pytest.mark.parametrize("pattern", GIVEN_UP)
def test_a_word_that_was_given_up_stands_nowhere(pattern: str) -> None:
    word = re.compile(pattern, re.IGNORECASE)
    places = [
        f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:80]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if word.search(line)
    ]
    assert not places, f"the word is {GIVEN_UP[pattern]!r} (docs/notation.md):\n" + "\n".join(places)


def test_the_words_given_up_are_found_where_they_stand() -> None:
    assert all(
        re.search(pattern, text)
        for pattern, text in zip(GIVEN_UP, ("an outline", "heart cycle", "side wall", "the latents"), strict=True)
    )
    assert not re.search(list(GIVEN_UP)[0], "bar.outline.set_visible(False); outlinewidth=0")


def test_notation_names_only_what_exists() -> None:
    text = (REPOSITORY / "docs" / "notation.md").read_text(encoding="utf-8")

    assert "`MATCHED_VERTICES`" in text and len(cardiolib.meshes.MATCHED_VERTICES) == 202
    for method in ("code", "reconstruct", "predict_log_risk"):
        assert f".{method}(" in text or f"`{method}(" in text
        assert callable(getattr(cardiolib.survival.FittedNetwork, method))
