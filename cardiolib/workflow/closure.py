"""Which modules of cardiolib a stage's results can depend on: the closure of its imports, read from the source.

Nothing is imported to find out. Every import counts, also one inside a function, because it may run. A package whose
names are imported when first used (``__init__.pyi`` beside its ``__init__.py``) leads to those modules only whose names
are used; every other package runs as a whole when anything in it is imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from cardiolib.files import read_json
from cardiolib.workflow.stages import REPOSITORY, Stage

ROOT = "cardiolib"
LEFT_OUT = ("cardiolib.workflow", "cardiolib.exercises", "cardiolib.progress", "cardiolib.last_run")
"""What shows, orders, finds runs or asks about them, and changes no result. (`provenance` adds what runs inside a
notebook.)"""

_PACKAGE = REPOSITORY / ROOT


def stage_modules(stage: Stage) -> list[str]:
    """Modules of a stage's settings, of its notebook's imports, and of all that these import, sorted."""
    roots = {stage.settings.partition(":")[0]}
    if stage.notebook and stage.notebook_path.is_file():
        roots |= imported_by(_notebook_tree(stage.notebook_path))
    return sorted(import_closure(roots))


def stage_packages(stage: Stage) -> dict[str, list[Path]]:
    """Package of cardiolib -> files of it that a stage depends on: modules, and data that lie beside them."""
    files: dict[str, set[Path]] = {"package": {_PACKAGE / "__init__.py"}}
    for name in stage_modules(stage):
        path = module_path(name)
        if path is None or name == ROOT:
            continue
        package = name.split(".")[1]
        if not (_PACKAGE / package).is_dir():  # a module beside the packages
            files["package"].add(path)
            continue
        own = files.setdefault(package, set())
        own.add(path)
        own.update(one for one in path.parent.iterdir() if one.is_file() and one.suffix not in (".py", ".pyi", ".pyc"))
    return {name: sorted(paths) for name, paths in sorted(files.items())}


def import_closure(roots: Iterable[str]) -> set[str]:
    """All modules of cardiolib that importing `roots` can lead to, `LEFT_OUT` and its own imports aside."""
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name.startswith(LEFT_OUT) or module_path(name) is None:
            continue
        found.add(name)
        parent = name.rpartition(".")[0]
        waiting += [parent] if parent else []
        waiting += _imports(name)
    return found


def imported_by(tree: ast.AST, *, package: str = "") -> set[str]:
    """Modules of cardiolib that a piece of code imports, lazy packages resolved by the names that it uses.

    Parameters
    ----------
    tree : ast.AST
        Of a module or a notebook's cell.
    package : str
        What relative imports are relative to.
    """
    modules: set[str] = set()
    lazy: dict[str, str] = {}
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == ROOT:
                    modules.add(alias.name)
                    if is_lazy(alias.name) and (alias.asname or "." not in alias.name):
                        lazy[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.ImportFrom):
            base = absolute_name(node, package)
            if base.split(".")[0] != ROOT:
                continue
            modules.add(base)
            for alias in node.names:
                home = _home(base, alias.name)
                modules.add(home)
                if is_lazy(home):
                    lazy[alias.asname or alias.name] = home
    for local, name in lazy.items():
        modules |= _used_names(tree, local, name)
    return modules


def absolute_name(node: ast.ImportFrom, package: str) -> str:
    """Dotted name of what a ``from ... import`` reads from, `package` being what it may be relative to."""
    return resolve_name("." * node.level + (node.module or ""), package)


def is_lazy(name: str) -> bool:
    """Whether a package imports its names when they are first used."""
    path = module_path(name)
    return path is not None and path.with_suffix(".pyi").is_file()


def module_path(name: str) -> Path | None:
    """File of a module of cardiolib, by its dotted name; None where there is none."""
    if name.split(".")[0] != ROOT:
        return None
    place = REPOSITORY.joinpath(*name.split("."))
    file = place.with_name(f"{place.name}.py")
    if file.is_file():
        return file
    return place / "__init__.py" if (place / "__init__.py").is_file() else None


def notebook_code(path: Path) -> list[str]:
    """Source of every code cell."""
    cells = read_json(path)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def _notebook_tree(path: Path) -> ast.Module:
    """All code of a notebook as one module; lines that are no Python (magics) and what cannot be parsed left out."""
    body: list[ast.stmt] = []
    for source in notebook_code(path):
        lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
        try:
            body += ast.parse("\n".join(lines)).body
        except SyntaxError:  # it cannot run either
            continue
    return ast.Module(body, [])


def _imports(name: str) -> set[str]:
    path = module_path(name)
    assert path is not None
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return _imported_by_file(path, package, path.stat().st_mtime_ns)


@cache
def _imported_by_file(path: Path, package: str, _changed: int) -> set[str]:
    """What a file imports: read once for every state of the file, as all stages ask."""
    return imported_by(ast.parse(path.read_text(encoding="utf-8")), package=package)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _home(package: str, name: str) -> str:
    """Module in which a name imported from `package` is defined, as far as imports tell."""
    if module_path(f"{package}.{name}"):
        return f"{package}.{name}"
    return _lazy_names(package).get(name, package) if is_lazy(package) else package


def _lazy_names(package: str) -> dict[str, str]:
    """Name -> module of a package that imports when first used, from its stub."""
    path = module_path(package)
    assert path is not None
    stub = path.with_suffix(".pyi")
    return _names_in_stub(stub, package, stub.stat().st_mtime_ns)


@cache
def _names_in_stub(stub: Path, package: str, _changed: int) -> dict[str, str]:
    names = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            base = absolute_name(node, package)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                names[alias.asname or alias.name] = inner if module_path(inner) else base
    return names


def _used_names(tree: ast.AST, local: str, package: str) -> set[str]:
    """Homes of the names of a lazy package that code reads as attributes of `local`; of all, if it is used whole."""
    homes, used, attributes = _lazy_names(package), set(), set()
    for node in _executed(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == local:
            attributes.add(id(node.value))
            home = homes.get(node.attr)
            used |= {home} if home else set()
            if home and is_lazy(home):
                used |= _used_below(tree, node, home)
    whole = any(
        isinstance(node, ast.Name)
        and node.id == local
        and isinstance(node.ctx, ast.Load)
        and id(node) not in attributes
        for node in _executed(tree)
    )
    return set(homes.values()) if whole else used


def _used_below(tree: ast.AST, inner: ast.Attribute, package: str) -> set[str]:
    """The same for a lazy package that is itself an attribute: ``cl.figures.kaplan_meier``."""
    homes = _lazy_names(package)
    for node in _executed(tree):
        if isinstance(node, ast.Attribute) and node.value is inner:
            return {homes[node.attr]} if node.attr in homes else set()
    return set(homes.values())
