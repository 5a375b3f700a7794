"""Formulas of a notebook's prose as MathML, made when a page is built: a browser draws them without a script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from typing import Any

from cardiolib.workflow.errors import StageError

_CODE = r"(?P<code>^(?P<fence>```+|~~~+)[^\n]*\n.*?^(?P=fence)[^\S\n]*$|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
_DISPLAY = r"(?<![\\$])\$\$(?P<display>[^$]+?)\$\$(?!\$)"
_INLINE = r"(?<![\\$\w])\$(?P<inline>[^\s$`](?:[^$\n`]*(?:\n(?!\s*\n)[^$\n`]*)*?[^\s\\$`])?)\$(?![\d$])"
_PARTS = re.compile(rf"{_CODE}|{_DISPLAY}|{_INLINE}", re.M | re.S)

_PLACE = "\ue000{}\ue001"
"""Stands for a formula while the prose around it is rendered: characters that no text has and no renderer changes."""
_ALONE = re.compile("<p>\\s*(\ue000\\d+\ue001)\\s*</p>")
_ANY = re.compile("\ue000(\\d+)\ue001")

_LEFT_OVER = re.compile(r"<m[iotn][a-z]*[^>]*>[^<]*\\[^<]*<|<mi>&(?:amp;)?</mi>|<mo\s*/>")
"""What the converter writes for a command that it does not know, and for columns outside a table of formulas."""


def set_aside(text: str, formulas: list[str], *, where: str) -> str:
    """Prose with a mark in the place of each formula, whose MathML is added to `formulas`.

    Parameters
    ----------
    text : str
        Markdown. ``$...$`` is a formula in the line and ``$$...$$`` one of its own line. Code is left as it is, and so
        are prices: a dollar before a space or a digit closes no formula, and one behind a word opens none.
    formulas : list of str
        Those of the page so far.
    where : str
        Notebook and cell, for an error.

    Raises
    ------
    StageError
        A formula does not become MathML; cell, formula and reason are named.

    Examples
    --------
    >>> made = []
    >>> set_aside("The code $z$ costs $5 or $6, see `$x$`.", made, where="a cell").count("$")
    4
    >>> len(made)
    1
    """

    def replaced(found: re.Match[str]) -> str:
        if found["code"] is not None:
            return found[0]
        display = found["display"] is not None
        formulas.append(mathml(found["display"] if display else found["inline"], display=display, where=where))
        return _PLACE.format(len(formulas) - 1)

    return _PARTS.sub(replaced, text)


def put_back(page: str, formulas: list[str]) -> str:
    """A rendered page with its formulas in their places; one that stands alone becomes a block that can scroll."""
    page = _ALONE.sub(r"<div class='formula'>\1</div>", page)
    return _ANY.sub(lambda found: formulas[int(found[1])], page)


def without_formulas(notebook: Any, *, name: str) -> list[str]:
    """Set the formulas of all prose cells aside, in place; returns their MathML.

    Parameters
    ----------
    notebook : nbformat node
    name : str
        The notebook's name, for an error.
    """
    formulas: list[str] = []
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            cell.source = set_aside(cell.source, formulas, where=_place(name, number, cell))
    return formulas


def mathml(latex: str, *, display: bool, where: str) -> str:
    """One formula as MathML, with its source as alternative text.

    Raises
    ------
    StageError
        It has a command that is not known, brackets that do not close, or nothing in it.

    Examples
    --------
    >>> made = mathml("x^2", display=False, where="a cell")
    >>> made.partition("<mrow>")[2]
    '<msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    """
    from latex2mathml.converter import convert

    source = " ".join(latex.split())
    problem = _unbalanced(source)
    made = ""
    if not problem:
        try:
            made = convert(source, display="block" if display else "inline")
        except Exception as error:  # the converter has a class of its own for each fault, and lets others through
            problem = type(error).__name__
    left = _LEFT_OVER.search(made)
    if left:
        command = re.search(r"\\\w+|&", unescape(left[0]))
        problem = f"{command[0] if command else left[0]} is not known there"
        problem += "; columns of equations are written with \\begin{align*}" if "&" in problem else ""
    if problem:
        raise StageError(
            f"{where}: the formula {source!r} cannot be shown ({problem}). Write it with commands that "
            "latex2mathml knows (https://github.com/roniemartinez/latex2mathml), or put a price or code in backticks."
        )
    return made.replace(">", f' alttext="{escape(source, quote=True)}">', 1)


def _unbalanced(latex: str) -> str:
    """What is wrong with the braces: the converter closes them silently."""
    bare = re.sub(r"\\[\\{}]", "", latex)
    opened, closed = bare.count("{"), bare.count("}")
    return "" if opened == closed else f"{opened} braces open and {closed} close"


def _place(name: str, number: int, cell: Mapping[str, Any]) -> str:
    first = next((line.strip("# ") for line in str(cell["source"]).splitlines() if line.strip()), "")
    return f"{name}, cell {number} ({first[:40]!r})"
