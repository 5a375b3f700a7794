"""The house itself: what its front door costs, what it is used for, and whether its imports keep order."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import io
import json
import re
import statistics
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from cardiolib.workflow.closure import (
    LEFT_OUT,
    ROOT,
    absolute_name,
    imported_by,
    module_path,
    notebook_code,
    stage_modules,
)
from cardiolib.workflow.stages import REPOSITORY, STAGES

_BEYOND = "import numpy, time; t = time.perf_counter(); import cardiolib; print(time.perf_counter() - t)"
_LOADED = """
import json, sys
for line in json.loads(sys.argv[1]):
    exec(line, {})
print(json.dumps([name for name in sys.modules if name.split(".")[0] == "cardiolib"]))
"""
_PLUMBING = re.compile(r"\b(?:seed|folder|map_units)\s*=(?!=)")


def measure() -> list[dict[str, Any]]:
    """All rows."""
    rows = (
        ("house.import_s", import_seconds(), "s", 0.3, 0.1, "lower", "`import cardiolib` after numpy, median of 5"),
        ("house.closure", len(open_closures()), "stages", 0, 0, "lower", "load modules that are not declared"),
        ("house.circles", len(circles()), "circles", 0, 0, "lower", "of imports, those inside functions included"),
        ("house.plumbing", plumbing(), "mentions", 15, 5, "lower", "of seed=, folder=, map_units= in notebooks"),
        ("house.public_used", len(used_names()), "names", 15, 22, "higher", "of the front door, in the notebooks"),
        (
            "house.doctests",
            len(names_without_doctest()),
            "names",
            3,
            0,
            "lower",
            "public, without example that runs",
        ),
    )
    fields = ("id", "value", "unit", "reach", "aim", "better", "how")
    return [dict(zip(fields, row, strict=True)) for row in rows]


def import_seconds() -> float:
    """Seconds of ``import cardiolib`` in a fresh interpreter that has numpy: median of five."""
    runs = [float(_python(_BEYOND)) for _ in range(5)]
    return round(statistics.median(runs), 4)


def open_closures() -> list[str]:
    """Stages that load a package of cardiolib which their closure does not hold."""
    return [name for name, stage in STAGES.items() if loaded_modules(name) - set(stage_modules(stage))]


def loaded_modules(stage: str) -> set[str]:
    """Modules of cardiolib that a stage's settings and its notebook's imports load, in a process of its own."""
    table = STAGES[stage]
    lines = [f"import {table.settings.partition(':')[0]}"]
    for source in notebook_code(table.notebook_path) if table.notebook else []:
        lines += [ast.unparse(one) for one in ast.parse(source).body if isinstance(one, ast.Import | ast.ImportFrom)]
    loaded = json.loads(_python(_LOADED, json.dumps(lines)))
    return {name for name in loaded if not name.startswith(LEFT_OUT)}


def circles() -> list[list[str]]:
    """Groups of modules that import each other, directly or through others."""
    graph = import_graph()
    names = sorted(graph)
    number = {name: i for i, name in enumerate(names)}
    rows, columns = zip(*((number[name], number[other]) for name in names for other in graph[name]), strict=True)
    imports = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(names), len(names)))
    _, group = connected_components(imports, directed=True, connection="strong")
    groups = [[name for name in names if group[number[name]] == which] for which in range(group.max() + 1)]
    return [found for found in groups if len(found) > 1]


def import_graph() -> dict[str, set[str]]:
    """Module -> modules of cardiolib that it imports, anywhere in it but for type checkers only."""
    graph = {}
    for path in sorted((REPOSITORY / ROOT).rglob("*.py")):
        parts = path.relative_to(REPOSITORY).with_suffix("").parts
        package = ".".join(parts[:-1])
        name = package if parts[-1] == "__init__" else ".".join(parts)
        found = imported_by(ast.parse(path.read_text(encoding="utf-8")), package=package)
        # `from package import module` names the package only on the way to its module
        graph[name] = {one for one in found if module_path(one)} - {name, ROOT} - _on_the_way(path, package)
    return {name: {one for one in others if one in graph} for name, others in graph.items()}


def _on_the_way(path: Path, package: str) -> set[str]:
    """Packages of which a module imports nothing but modules."""
    only: dict[str, bool] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = absolute_name(node, package)
            modules = all(module_path(f"{base}.{alias.name}") for alias in node.names)
            only[base] = only.get(base, True) and modules
    return {base for base, modules in only.items() if modules}


def plumbing() -> int:
    """Mentions of seed=, folder= and map_units= in the notebooks' code."""
    return sum(len(_PLUMBING.findall(source)) for source in _code())


def used_names() -> set[str]:
    """Names of the front door that notebooks use: ``cl.name``, or imported from `cardiolib`."""
    used: set[str] = set()
    for source in _code():
        used |= set(re.findall(r"\bcl\.(\w+)", source))
        for line in re.findall(r"^from cardiolib import (.+)$", source, re.M):
            used |= {part.split(" as ")[0].strip() for part in line.split(",")}
    return used & set(public_names())


def public_names() -> list[str]:
    """Names of the front door."""
    return list(importlib.import_module(ROOT).__all__)


def names_without_doctest() -> list[str]:
    """Public names whose examples are missing or fail."""
    front = importlib.import_module(ROOT)
    return [name for name in public_names() if not _examples_run(getattr(front, name), name)]


def _examples_run(thing: Any, name: str) -> bool:
    runner = doctest.DocTestRunner(verbose=False)
    finder = doctest.DocTestFinder(recurse=False)
    examples = finder.find(thing, name, module=thing if inspect.ismodule(thing) else None)
    with redirect_stdout(io.StringIO()):
        for one in examples:
            runner.run(one)
    return runner.tries > 0 and not runner.failures


def _code() -> list[str]:
    return [source for path in sorted((REPOSITORY / "notebooks").glob("*.ipynb")) for source in notebook_code(path)]


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    from benchmarks.record import record

    record("house", measure())
