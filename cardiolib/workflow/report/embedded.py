"""What pages embed: pictures by their files, so that a page stays small; frames that load when reached; wide tables."""

from __future__ import annotations

import hashlib
import re
import struct
from base64 import b64decode
from pathlib import Path

from cardiolib.files import atomic_path, file_hash

PLOTLY_FILE = "plotly.min.js"
"""As `cardiolib.figures.interactive` names it, which loads too much for a page."""

_PICTURE = re.compile(r'<img (?P<before>[^>]*)src="data:image/png;base64,(?P<data>[^"]+)"(?P<after>[^>]*?)/?>')
_TABLE = re.compile(r"<table\b.*?</table>", re.S)
_PROGRAM = re.compile(r"<script(?P<kind>(?: type=.text/javascript.)?)>(?P<text>.*?)</script>", re.S)
_LONG = 200_000
"""Characters of a program that is kept in a file of its own."""
_PLOTLY = re.compile(r"\s*/\*\*\s*\*\s*plotly\.js v")
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


def programs_by_file(page: str, folder: Path, name: str) -> str:
    """A page that holds all that it needs, with its long programs in files beside it; writes these.

    Parameters
    ----------
    page : str
        HTML.
    folder : Path
        Where the page will lie. plotly's program is shared with the other pages of the folder.
    name : str
        The page's name without suffix; its own programs are ``<name>.1.js`` and so on.
    """
    own = 0

    def linked(found: re.Match[str]) -> str:
        nonlocal own
        text = found["text"]
        if len(text) < _LONG:
            return found[0]
        if _PLOTLY.match(text):
            file = PLOTLY_FILE
        else:
            own += 1
            file = f"{name}.{own}.js"
        if file != PLOTLY_FILE or not (folder / file).is_file():
            with atomic_path(folder / file) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="\n")
        return f"<script src='{file}'></script>"

    return _PROGRAM.sub(linked, page)


def in_scroll_boxes(body: str) -> str:
    """Every table in a box of its own, in which it scrolls where the window is too narrow for it."""
    return _TABLE.sub(lambda found: f"<div class='scroll'>{found[0]}</div>", body)


def _size(png: bytes, width: int | None) -> str:
    """Width and height as shown: the page keeps the place of a picture that has not come yet."""
    wide, high = struct.unpack(">II", png[16:24])
    shown = width or wide
    return f'width="{shown}" height="{round(high * shown / wide)}"'
