"""What figure functions return, and the lazy package that holds them."""

from __future__ import annotations

import ast
import subprocess
import sys

import pandas as pd
import plotly.graph_objects as go

from cardiolib import figures
from cardiolib.figures.drawing import Drawing, lack
from cardiolib.figures.style import new_figure
from cardiolib.workflow.stages import REPOSITORY

FOLDER = REPOSITORY / "cardiolib" / "figures"


def test_a_drawing_is_figure_and_table_and_shows_itself():
    figure, axes = new_figure(40, 30)
    table = pd.DataFrame({"y": [1, 2]})
    drawing = Drawing(figure, table)
    assert tuple(drawing) == (figure, table) and drawing.reason == ""
    assert drawing._repr_mimebundle_()["image/png"].startswith(b"\x89PNG")
    assert "2 rows" in repr(drawing)
    turned = Drawing(go.Figure(go.Scatter(x=[1], y=[2])))
    assert "application/vnd.plotly.v1+json" in turned._repr_mimebundle_() and "no table" in repr(turned)


def test_what_is_lacking_is_a_sentence():
    nothing = Drawing.lacking("This cohort has no volumes.")
    assert nothing.figure is None and nothing.table is None
    assert nothing._repr_mimebundle_()["text/markdown"] == "*This cohort has no volumes.*"
    assert "no volumes" in repr(nothing)
    assert lack(nothing) == "" and lack(type("Result", (), {"lacks": "volumes"})()) == "volumes"


def test_no_public_name_is_hidden_by_a_module_of_its_name():
    assert not set(figures.__all__) & {path.stem for path in FOLDER.glob("*.py")}


def test_every_public_name_is_there_and_says_what_it_is():
    for name in figures.__all__:
        assert callable(getattr(figures, name)) or name == "VIEWS"
    for name in set(figures.__all__) - {"VIEWS"}:
        assert getattr(figures, name).__doc__


def test_every_interactive_view_has_the_name_of_its_still_one():
    alone = {"two_hearts", "heart_in_images"}  # hearts that only make sense when they move
    turned = {name.removesuffix("_interactive") for name in figures.__all__ if name.endswith("_interactive")}
    assert turned - alone - {"save"} <= set(figures.__all__)


def test_a_stub_names_all_that_the_modules_draw():
    """Every function that returns a drawing is a public name of the package."""
    drawing = {
        node.name
        for path in FOLDER.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if node.returns is not None and ast.unparse(node.returns) == "Drawing"
    }
    assert drawing <= set(figures.__all__) and len(drawing) > 30


def test_the_package_is_imported_without_drawing_anything():
    program = "import sys, cardiolib.figures; raise SystemExit(any(m in sys.modules for m in ('matplotlib', 'plotly')))"
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY).returncode == 0
