"""Stages that another run has already made: taken over instead of computed again.

Runs of other parameters have folders of their own. What comes before the changed parameter is the same in both.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from cardiolib.files import read_json
from cardiolib.workflow.folders import RUN_FILE
from cardiolib.workflow.stages import Stage
from cardiolib.workflow.work_folder import is_whole


def twin_of(run: Any, stage: Stage) -> Path | None:
    """Folder of the same stage in another run beside this one, made under the same key and undamaged."""
    wanted = json.loads(json.dumps(run.key(stage)))
    runs = sorted(path.parent for path in run.folder.parent.glob(f"*/{RUN_FILE}"))  # other neighbours are no runs
    for folder in [other / stage.name for other in runs if other != run.folder]:
        record_file = folder / "stage.json"
        try:
            record = read_json(record_file)
            if record["key"] == wanted and is_whole(folder, record):
                return folder
        except (OSError, ValueError, KeyError):  # another run is just replacing it, or it is of an earlier version
            continue
    return None


def adopt(twin: Path, final: Path) -> bool:
    """Put a twin's files in the place of a stage's outputs; the disk holds them once where it can.

    Returns
    -------
    bool
        False where its run replaced them just now: the stage is as it was.
    """
    arriving = final.with_name(f"{final.name}.arriving")
    shutil.rmtree(arriving, ignore_errors=True)
    try:
        record = read_json(twin / "stage.json")
        shutil.copytree(twin, arriving, copy_function=_link)
        whole = read_json(arriving / "stage.json") == record and is_whole(arriving, record)
    except (OSError, ValueError, KeyError, shutil.Error):
        whole = False
    if whole:
        shutil.rmtree(final, ignore_errors=True)
        os.rename(arriving, final)
    shutil.rmtree(arriving, ignore_errors=True)
    return whole


def _link(source: str, target: str) -> None:
    """A second name for the file (all writers here replace files, none changes one); a copy where that is refused."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
