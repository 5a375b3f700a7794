"""Formulas of notebooks on pages: as MathML, without a script; prices and code stay what they are."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from cardiolib.workflow.errors import StageError
from cardiolib.workflow.notebooks import page, render
from cardiolib.workflow.report.formulas import mathml, put_back, set_aside, without_formulas
from cardiolib.workflow.stages import REPOSITORY

PARTIAL_LIKELIHOOD = r"\ell(\beta)=\sum_{i:\delta_i=1}\Big[\beta^\top z_i-\log\sum_{j\in R(t_i)}e^{\beta^\top z_j}\Big]"


def rendered(tmp_path: Path, *prose: str) -> str:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in prose])
    nbformat.write(notebook, tmp_path / "made.ipynb")
    return render(tmp_path / "made.ipynb")


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 or $10.",
        "`$x$` is code",
        "```\n$x$ and $$y$$\n```",
        "~~~\n$x$\n~~~",
        r"an escaped \$x\$",
        "US$5, CA$6 and $7$8",
        "a single $ sign",
        "$ x $ has spaces",
        "$x\n\ny$ goes over paragraphs",
    ],
)
def test_dollars_that_are_no_formula_survive(text: str) -> None:
    made: list[str] = []
    assert set_aside(text, made, where="a cell") == text
    assert made == []


@pytest.mark.parametrize("text", ["$x$", "$x_i$,", "($N = 20$)", "$$\nx^2\n$$", "$a$-axis", "$x\n+ y$"])
def test_formulas_are_found(text: str) -> None:
    made: list[str] = []
    left = set_aside(text, made, where="a cell")
    assert len(made) == 1 and "$" not in left
    assert put_back(left, made).count("<math") == 1


def test_a_page_shows_formulas_without_a_script(tmp_path: Path) -> None:
    body = rendered(tmp_path, f"The likelihood $\\ell$:\n\n$$\n{PARTIAL_LIKELIHOOD}\n$$\n\nIt costs \\$5.")
    assert body.count("<math") == 2 and body.count("<div class='formula'><math") == 1
    assert "<p><div" not in body and "$5" in body
    whole = page("T", body, banner="")
    for absent in ("<script", "MathJax", "require.js", "http://", "https://"):
        assert absent not in whole.replace("http://www.w3.org/1998/Math/MathML", "")


@pytest.mark.parametrize("path", sorted((REPOSITORY / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_formula_of_the_notebooks_can_be_shown(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    marked = sum(cell.source.count("$$") // 2 for cell in notebook.cells if cell.cell_type == "markdown")
    assert len(without_formulas(notebook, name=path.name)) >= marked
    assert not [cell.source for cell in notebook.cells if cell.cell_type == "markdown" and "$$" in cell.source]


def test_what_comes_out_is_mathml_with_its_source() -> None:
    tree = ElementTree.fromstring(mathml(PARTIAL_LIKELIHOOD, display=True, where="a cell"))
    assert tree.tag.endswith("math") and tree.get("display") == "block"
    assert tree.get("alttext") == PARTIAL_LIKELIHOOD


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        (r"\foo x", r"\\foo is not known"),
        (r"\frac{a}{b", "2 braces open and 1 close"),
        (r"\left( x", "ExtraLeftOrMissingRight"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", r"begin\{align\*\}"),
        (r"\operatorname*{arg\,min} f", "is not known"),
    ],
)
def test_a_formula_that_cannot_be_shown_is_an_error_that_names_its_cell(
    tmp_path: Path, formula: str, reason: str
) -> None:
    with pytest.raises(StageError, match=rf"made.ipynb, cell 2 \('Theory'\): the formula .*{reason}"):
        rendered(tmp_path, "first", f"# Theory\n$${formula}$$")
