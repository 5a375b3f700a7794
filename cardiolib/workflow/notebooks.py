"""Executing a notebook with papermill and rendering it to one HTML page that needs no network."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cardiolib.files import atomic_path, read_json
from cardiolib.workflow.display import StageDisplay, watch_cells
from cardiolib.workflow.errors import ParameterError, StageError
from cardiolib.workflow.report.embedded import figure_files, figures_by_file, in_scroll_boxes
from cardiolib.workflow.report.formulas import put_back, without_formulas
from cardiolib.workflow.report.messages import messages_html, messages_of
from cardiolib.workflow.stages import Stage


def notebook_parameters(path: Path) -> dict[str, Any]:
    """Names and default values in a notebook's one cell tagged ``parameters``.

    Raises
    ------
    ParameterError
        The file is no notebook, there is no such cell or more than one, or it holds anything but plain assignments; the
        file is named.
    """
    tagged = [cell for cell in _cells(path) if _is_parameters_cell(cell)]
    if len(tagged) != 1:
        raise ParameterError(
            f"{path.name} must have one cell tagged 'parameters', it has {len(tagged)}. Correct the tags of its cells."
        )
    values = {}
    for statement in _statements(path, tagged[0].get("source")):
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else getattr(statement, "targets", [None])
        value = getattr(statement, "value", None)
        if len(targets) != 1 or not isinstance(targets[0], ast.Name) or value is None:
            raise ParameterError(f"{path.name}: the parameters cell may hold only `name: type = value` lines")
        try:
            values[targets[0].id] = ast.literal_eval(value)
        except (ValueError, TypeError, RecursionError) as error:
            raise ParameterError(
                f"{path.name}: line {statement.lineno} of the parameters cell ({targets[0].id} = ...) must have a "
                "plain value: a number, a text in quotes, True, False, None, or a list or dictionary of these."
            ) from error
    return values


def _cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook file."""
    try:
        content = read_json(path)
    except (ValueError, RecursionError) as error:
        raise ParameterError(
            f"{path.name} cannot be read as a notebook ({error}). Save it again in JupyterLab, or restore it."
        ) from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise ParameterError(f"{path.name} has no list of cells: it is no notebook of version 4. Restore the file.")
    return cells


def _is_parameters_cell(cell: dict[str, Any]) -> bool:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return isinstance(tags, list) and "parameters" in tags


def _statements(path: Path, source: Any) -> list[ast.stmt]:
    """The statements of a cell, whose source is a text or a list of lines."""
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise ParameterError(f"{path.name}: the parameters cell holds no text. Restore the file.")
    try:
        return ast.parse("".join(lines)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # MemoryError: too many brackets for it
        line = getattr(error, "lineno", None)
        where = f"line {line} of " if line else ""
        raise ParameterError(
            f"{path.name}: {where}the parameters cell is no Python ({getattr(error, 'msg', error)}). Write one "
            "`name: type = value` a line."
        ) from error


def execute(stage: Stage, parameters: dict[str, Any], folder: Path, *, display: StageDisplay) -> Path:
    """Run a stage's notebook; the executed copy is ``notebook.ipynb`` in `folder`; `display` shows how far it is.

    Raises
    ------
    StageError
        Naming the notebook, the cell and the error, when a cell fails.
    ParameterError
        When the notebook's parameters cell does not know one of the parameters.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    from cardiolib.workflow.own_kernel import KERNEL, own_kernel

    source = stage.notebook_path
    unknown = parameters.keys() - notebook_parameters(source).keys()
    if unknown:
        raise ParameterError(f"{source.name} has no parameter named {', '.join(sorted(unknown))}")
    target = folder / "notebook.ipynb"
    try:
        with own_kernel() as kernel:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=parameters,
                cwd=str(source.parent),
                progress_bar=False,
                engine_name=watch_cells(display),
                stderr_file=display,
                kernel_name=KERNEL,
                kernel_manager_class=kernel,
                log_output=False,
                extra_arguments=["--IPKernelApp.log_level=40"],
                # all is written by then, and a kernel that has loaded torch takes seconds to leave by itself
                shutdown_kernel="immediate",
            )
    except DeadKernelError:
        raise StageError(
            f"stage {stage.title!r}: the process that ran {source.name} was ended from outside, usually because the "
            "memory did not suffice. What it had finished is kept; the same command goes on from there"
        ) from None
    except PapermillExecutionError as error:
        line = error.source.strip().splitlines()[-1] if error.source.strip() else ""
        raise StageError(
            f"stage {stage.title!r} failed in {source.name}, code cell {error.exec_count} "
            f"(cell {error.cell_index + 1} of the notebook), at or before `{line}`\n"
            f"  {error.ename}: {error.evalue}\n"
            f"  the notebook with its outputs up to there: {target}"
        ) from None
    name_cells(target)
    return target


def render(notebook: Path) -> str:
    """An executed notebook as the body of a page: no script, no network; formulas as MathML, figures by their files.

    The page around it (`page`) is made when the run is published: it says what its numbers are worth.

    Raises
    ------
    StageError
        When a formula cannot be shown; cell and formula are named.
    """
    import nbformat
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(template_name="basic")
    content = nbformat.read(notebook, as_version=4)
    said = messages_of(content.cells)
    formulas = without_formulas(content, name=notebook.name)
    files = figure_files(notebook.parent / "figures")
    # progress bars belong to the terminal; what else is in the error output is told once, at the end of the page
    for cell in content.cells:
        cell["outputs"] = [out for out in cell.get("outputs", []) if not _is_progress(out)]
    body, _ = exporter.from_notebook_node(content)
    body = figures_by_file(put_back(body, formulas), files)
    return f'<article class="notebook">{body}</article>{messages_html(said)}'


def name_cells(notebook: Path) -> None:
    """Give papermill's cell of parameters a name of its own: the one that it draws by chance would enter the report."""
    import nbformat

    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    with atomic_path(notebook) as temporary:
        nbformat.write(content, temporary)


def messages(notebook: Path) -> list[dict[str, Any]]:
    """What libraries said while an executed notebook ran (`messages_of`)."""
    return messages_of(read_json(notebook)["cells"])


def neighbours(pages: Sequence[tuple[str, str]], here: str) -> str:
    """Links to the page before and the page after, for the head and the foot of a page.

    Parameters
    ----------
    pages : sequence of (file, title)
        In reading order.
    here : str
        File of this page.
    """
    files = [file for file, _ in pages]
    i = files.index(here)
    before = f"<a rel='prev' href='{files[i - 1]}'>&larr; {html.escape(pages[i - 1][1])}</a>" if i else ""
    after = (
        f"<a rel='next' href='{files[i + 1]}'>{html.escape(pages[i + 1][1])} &rarr;</a>" if i + 1 < len(files) else ""
    )
    return f"<span>{before}</span><span>{after}</span>"


def page(
    title: str,
    body: str,
    *,
    banner: str | Sequence[str],
    links: str = "",
    home: str = "index.html",
    marked_up: bool = False,
    notes: str = "",
) -> str:
    """Wrap a body into the report's page: the same style for the index and the notebooks.

    Parameters
    ----------
    title, body : str
        The body is HTML.
    banner : str or sequence of str
        What the reader is looking at: simulated or real, and what its numbers are worth.
    links : str
        HTML of the links to neighbouring pages, above and below the body.
    home : str
        The page that the head links to.
    marked_up : bool
        The banner is HTML already.
    notes : str
        HTML of the notes that numbers of the page open.
    """
    folder = Path(__file__).parent / "report"
    around = f"<nav class='neighbours' aria-label='neighbouring pages'>{links}</nav>" if links else ""
    texts = [text for text in ([banner] if isinstance(banner, str) else banner) if text]
    said = "".join(f"<p class='banner'>{text if marked_up else html.escape(text)}</p>" for text in texts)
    fields = {
        "title": html.escape(title),
        "style": f"{(folder / 'report.css').read_text(encoding='utf-8')}\n{_code_colours()}",
        "home": home,
        "banner": said,
        "above": around,
        "below": around,
        "body": in_scroll_boxes(body),
        "notes": notes,
    }
    frame = (folder / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: fields[found[1]], frame)


def _code_colours() -> str:
    from pygments.formatters import HtmlFormatter

    return HtmlFormatter(style="default").get_style_defs(".highlight")


def _is_progress(output: Any) -> bool:
    if output.get("output_type") == "stream" and output.get("name") == "stderr":
        return True
    data = output.get("data", {})
    return "application/vnd.jupyter.widget-view+json" in data
