"""The files of a research object: all that it names lies in the report's folder, which can be handed on as it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardiolib.files import atomic_path
from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.stages import REPOSITORY, STAGES, Stage

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

WORKFLOW = "workflow/stages.py"
"""The stage table, which is the workflow: what runs, in which order, and what it reads."""
ENCODINGS = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".js": "text/javascript",
    ".py": "text/x-python",
    ".ipynb": "application/x-ipynb+json",
}


def gather(run: PublishedRun, *, root: Path = REPOSITORY) -> list[Path]:
    """Put what lies elsewhere into the run's folder: its figures, its notebooks, the stage table, the licence.

    Where the file system allows, a figure gets a second name and takes no more of the disk.

    Returns
    -------
    list of Path
        What was put there.
    """
    wanted = {run.folder / "figures" / path.name: path for path in _figures(run, root)}
    wanted[run.folder / WORKFLOW] = root / "cardiolib" / "workflow" / "stages.py"
    wanted[run.folder / "LICENSE"] = root / "LICENSE"
    for name, stage in run.done().items():
        if stage["notebook"]:
            wanted[run.folder / tool_id(STAGES[name])] = root / "notebooks" / str(stage["notebook"])
    for target, source in wanted.items():
        with atomic_path(target) as temporary:
            # figures are replaced and never written into; a notebook may be, and its copy must stay what it was
            if target.parent.name != "figures" or not _linked(source, temporary):
                shutil.copyfile(source, temporary)
    return sorted(wanted)


def _linked(source: Path, target: Path) -> bool:
    """Whether a file could be given a second name."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _figures(run: PublishedRun, root: Path) -> list[Path]:
    folder = root / "figures" / run.name
    return sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []


def tool_id(stage: Stage) -> str:
    """Name of a stage's notebook in the crate; the cohort is made by a module, which is no file of the crate."""
    return f"workflow/{stage.notebook}" if stage.notebook else f"#tool-{stage.name}"


def add_file(crate: ROCrate, folder: Path, file: str, /, **properties: Any) -> Entity:
    """Add a file of the folder to a crate, with its media type where the suffix tells it."""
    known = {"encodingFormat": ENCODINGS[suffix]} if (suffix := Path(file).suffix) in ENCODINGS else {}
    return crate.add_file(str(folder / file), file, properties={**known, **properties})
