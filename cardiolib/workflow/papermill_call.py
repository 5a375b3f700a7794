"""Notebooks started by ``papermill notebooks/...`` itself: was this one, and are the names it was given known?"""

from __future__ import annotations

import ast
import os
from pathlib import Path

from cardiolib.workflow.errors import ParameterError
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.parameters import nearest, nested_settings
from cardiolib.workflow.stages import Stage

INJECTED = "# Parameters\n"
"""First line of the cell that papermill puts behind the parameters cell."""


def by_papermill() -> bool:
    """Whether papermill has started this kernel: nobody is there to be asked."""
    import psutil

    try:
        command = psutil.Process(os.getppid()).cmdline()
    except psutil.Error:
        return False
    return any(Path(word).name.partition(".")[0] == "papermill" for word in command[:3])


def refuse_unknown_names(stage: Stage) -> None:
    """Refuse names that papermill was given and that the notebook's parameters cell does not know.

    papermill itself only warns, and the notebook would run with the value it has.

    Raises
    ------
    ParameterError
        Naming the nearest parameter.
    """
    if stage.notebook is None or not stage.notebook_path.is_file():
        return
    known = notebook_parameters(stage.notebook_path)
    inner = {
        field: group
        for group, kind in nested_settings(stage.settings_class()).items()
        for field in kind.__dataclass_fields__
    }
    for name in _injected_names():
        if name in known:
            continue
        if name in inner:
            hint = f": it is part of {inner[name]}; give -y '{inner[name]}: {{{name}: ...}}'"
        else:
            hint = f"{nearest(name, known)}; it has: {', '.join(known)}"
        raise ParameterError(f"{stage.notebook} has no parameter {name!r}{hint}")


def _injected_names() -> list[str]:
    from IPython import get_ipython

    shell = get_ipython()
    cells = shell.user_ns.get("In", []) if shell else []
    injected = [cell for cell in cells if cell.startswith(INJECTED)]
    statements = [node for cell in injected[-1:] for node in ast.parse(cell).body if isinstance(node, ast.Assign)]
    return [target.id for node in statements for target in node.targets if isinstance(target, ast.Name)]
