"""What pages embed: pictures by their files, so that a page stays small; frames that load when reached; wide tables."""

from __future__ import annotations

import hashlib
import re
import struct
from base64 import b64decode
from pathlib import Path

from cardiolib.files import file_hash

_PICTURE = re.compile(r'<img (?P<before>[^>]*)src="data:image/png;base64,(?P<data>[^"]+)"(?P<after>[^>]*?)/?>')
_TABLE = re.compile(r"<table\b.*?</table>", re.S)
_WIDTH = re.compile(r'width="(\d+)(?:px)?"')


def figure_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every PNG of a folder of figures -> its name; of two that are equal, the first in order of names."""
    return {file_hash(path): path.name for path in sorted(folder.glob("*.png"), reverse=True)}


def figures_by_file(body: str, files: dict[str, str]) -> str:
    """Replace pictures that a page holds by links to the figures of the same bytes; others stay in the page.

    Parameters
    ----------
    body : str
        HTML of a notebook.
    files : dict
        As `figure_files` gives them; they are linked in the folder ``figures``.
    """

    def linked(found: re.Match[str]) -> str:
        data = b64decode(found["data"])
        name = files.get(hashlib.sha256(data).hexdigest())
        source = f"figures/{name}" if name else f"data:image/png;base64,{found['data']}"
        around = f"{found['before']}{found['after']}"
        size = _WIDTH.search(around)
        return (
            f'<img {_WIDTH.sub("", around).strip()} src="{source}" {_size(data, int(size[1]) if size else None)} '
            'loading="lazy">'
        )

    return _PICTURE.sub(linked, body).replace("<iframe ", '<iframe loading="lazy" ')


def in_scroll_boxes(body: str) -> str:
    """Every table in a box of its own, in which it scrolls where the window is too narrow for it."""
    return _TABLE.sub(lambda found: f"<div class='scroll'>{found[0]}</div>", body)


def _size(png: bytes, width: int | None) -> str:
    """Width and height as shown: the page keeps the place of a picture that has not come yet."""
    wide, high = struct.unpack(">II", png[16:24])
    shown = width or wide
    return f'width="{shown}" height="{round(high * shown / wide)}"'
