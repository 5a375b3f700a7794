"""What libraries said while a notebook ran: warnings and errors that they write beside the results, for a reader."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MESSAGES_FILE = "messages.json"
"""In a stage's folder."""

_HEAD = re.compile(r"^(?P<file>\S.*?):(?P<line>\d+): (?P<kind>\w*(?:Warning|Error)): (?P<text>.*)$")
_BAR = re.compile(r"\d+%\||\d(?:\.\d+)?(?:it/s|s/it)|\d+it \[|^\s*$")
_FOLDERS = re.compile(r"(?<![\w<:/])(?:[A-Za-z]:)?/(?:[^/\s'\"<>]+/)+")
_PACKAGES = re.compile(r"^.*(?:site|dist)-packages/")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def messages_of(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What stands in the error output of an executed notebook's cells, each message once.

    Parameters
    ----------
    cells : sequence of mapping
        As a notebook holds them.

    Returns
    -------
    list of dict
        In the order in which they first came: kind ("RuntimeWarning"; empty where it is none of Python's), text,
        source (package and file), count, and cells, each with its number among the code cells and its ``id``. Progress
        bars are none, and folders of the machine are left out.

    Examples
    --------
    >>> said = "/opt/env/site-packages/umap/umap_.py:12: UserWarning: n_jobs is 1\\n  warn(...)\\n"
    >>> output = {"output_type": "stream", "name": "stderr", "text": said}
    >>> [(one["kind"], one["text"], one["source"]) for one in messages_of([{"cell_type": "code", "outputs": [output]}])]
    [('UserWarning', 'n_jobs is 1', 'umap/umap_.py')]
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    for number, cell in enumerate(code, start=1):
        for kind, text, source in _parsed(_error_output(cell.get("outputs", []))):
            one = found.setdefault(
                (kind, text), {"kind": kind, "text": text, "source": source, "count": 0, "cells": []}
            )
            one["count"] += 1
            place = {"number": number, "id": str(cell.get("id", ""))}
            if place not in one["cells"]:
                one["cells"].append(place)
    return list(found.values())


def messages_html(messages: Sequence[Mapping[str, Any]], *, page: str = "") -> str:
    """A folded section with the messages and links to their cells; nothing where there are none.

    Parameters
    ----------
    messages : sequence of mapping
        As `messages_of` gives them; ``stage``, where there, is the title of the stage, and ``page`` its page.
    page : str
        Page of the cells, where a message does not say it; empty for the page itself.
    """
    if not messages:
        return ""
    rows = "".join(_row(one, str(one.get("page", page))) for one in messages)
    return (
        f"<details class='messages'><summary>What libraries said while this ran ({len(messages)})</summary>"
        "<p class='soft'>Warnings of the software and lines that it wrote beside its results, each once. Whether a "
        "number rests on one of them is for the reader to judge.</p>"
        f"<table><thead><tr><th>where</th><th>message</th><th class='number'>times</th></tr></thead><tbody>{rows}"
        "</tbody></table></details>"
    )


def _row(message: Mapping[str, Any], page: str) -> str:
    links = ", ".join(
        f"<a href='{html.escape(page, quote=True)}#cell-id={html.escape(cell['id'], quote=True)}'>code cell "
        f"{cell['number']}</a>"
        for cell in message["cells"]
    )
    stage = f"{html.escape(message['stage'])}, " if message.get("stage") else ""
    kind = f"<b>{html.escape(message['kind'])}</b>: " if message["kind"] else ""
    source = f" <span class='soft'>({html.escape(message['source'])})</span>" if message["source"] else ""
    text = html.escape(message["text"]).replace("\n", "<br>")
    return f"<tr><td>{stage}{links}</td><td>{kind}{text}{source}</td><td class='number'>{message['count']}</td></tr>"


def _error_output(outputs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Lines of the error stream, progress bars left out."""
    text = "".join(
        "".join(one["text"]) for one in outputs if one.get("output_type") == "stream" and one.get("name") == "stderr"
    )
    # what a bar has drawn last stands behind the last return
    lines = [part for line in _COLOURS.sub("", text).split("\n") for part in line.split("\r")]
    return [line.rstrip() for line in lines if not _BAR.search(line)]


def _parsed(lines: Sequence[str]) -> list[tuple[str, str, str]]:
    """Kind, text and source of each message; lines that are no warning of Python's are one message together."""
    found: list[tuple[str, list[str], str]] = []
    open_for_more = False
    for line in lines:
        head = _HEAD.match(line)
        if head:
            found.append((head["kind"], [head["text"]], _source(head["file"])))
            open_for_more = True
        elif found and found[-1][0] and line.startswith("  "):
            open_for_more = False  # the line of code that warned
        elif found and open_for_more:
            found[-1][1].append(line)
        else:
            found.append(("", [line], ""))
            open_for_more = True
    return [(kind, _without_folders("\n".join(text)), source) for kind, text, source in found]


def _source(file: str) -> str:
    """Package and file below the folder of installed packages, else the file's name."""
    inside = _PACKAGES.sub("", file)
    if inside != file:
        return inside
    return "" if "ipykernel" in file or file.startswith("<") else file.rpartition("/")[2]


def _without_folders(text: str) -> str:
    return _FOLDERS.sub("", text)
