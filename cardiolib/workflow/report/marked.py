"""Numbers on a page that a reader can click: each opens a note with the cell, commit, seed and interval behind it."""

from __future__ import annotations

import html
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from cardiolib.workflow.report.values import Values
from cardiolib.workflow.report.verify import flatten

DOI = "https://doi.org/10.1038/s42256-019-0019-2"
PLAIN = "words."
"""Beginning of names whose values are words and no numbers: shown as they are."""


@cache
def paper_values() -> dict[str, dict[str, str]]:
    """What the 2019 paper prints: name -> text, what it is, where it stands."""
    return tomllib.loads((Path(__file__).with_name("paper.toml")).read_text(encoding="utf-8"))


class MarkedNumbers(Values):
    """Fills templates as `Values` does; every number becomes a button that opens a note about its source.

    Parameters
    ----------
    sources : dict
        As `number_sources` gives it.
    manifest : dict
        As ``manifest.json`` holds it; ``manifest.<dotted name>`` in a template is a value of it.
    words : dict, optional
        Words that templates name as ``words.<name>``.

    Notes
    -----
    The note is an element with the attribute ``popover``, which a browser opens without a script, by mouse, finger or
    keyboard. A browser that does not know it shows all notes at the end of the page.
    """

    def __init__(
        self, sources: dict[str, dict[str, Any]], manifest: dict[str, Any], words: dict[str, str] | None = None
    ) -> None:
        facts = {name: one["value"] for name, one in sources.items()}
        facts |= {f"paper.{name}": one["text"] for name, one in paper_values().items()}
        facts |= flatten({"manifest": manifest})
        super().__init__(facts | {f"{PLAIN}{name}": text for name, text in (words or {}).items()})
        self._sources = sources
        self._used: dict[str, str] = {}

    def shown(self, name: str, form: str) -> str:
        """One value as a button."""
        text = super().shown(name, form)
        if name.startswith(PLAIN):
            return html.escape(text)
        if not name.startswith("paper."):  # the paper's values are HTML
            text = html.escape(text)
        note = "note-" + "".join(letter if letter.isalnum() else "-" for letter in name)
        self._used.setdefault(note, self._note(name))
        return (
            f"<button type='button' class='n' popovertarget='{note}' data-source='{html.escape(name, quote=True)}'>"
            f"{text}</button>"
        )

    def notes(self) -> str:
        """The notes of all numbers that were shown so far, for the end of the page."""
        return "".join(f"<div popover id='{note}' class='note'>{text}</div>" for note, text in self._used.items())

    def _note(self, name: str) -> str:
        if name.startswith("paper."):
            one = paper_values()[name.removeprefix("paper.")]
            return (
                f"<p><b>{one['text']}</b>: {html.escape(one['what'])}</p><p>Bello et al. 2019, "
                f"{html.escape(one['where'])}. <a href='{DOI}'>{DOI.removeprefix('https://')}</a></p>"
            )
        if name.startswith("manifest."):
            value = html.escape(str(self._flat[name]))
            where = html.escape(name.removeprefix("manifest."))
            return (
                f"<p><b>{where}</b> = {value}</p><p>A parameter or a fact of this run, as "
                "<a href='manifest.json'>manifest.json</a> holds it.</p>"
            )
        return _of_the_run(name, self._sources[name])


def _of_the_run(name: str, one: dict[str, Any]) -> str:
    title = html.escape(one["title"])
    if "module" in one:
        place = f"stage {title}, by <code>{one['module']}</code>"
    else:
        link = f"{one['page']}#cell-id={html.escape(one['cell']['id'], quote=True)}"
        place = f"<a href='{link}'>{title}, code cell {one['cell']['number']}</a>"
    interval = one["interval"]
    if name.endswith(("_low", "_high")):
        range_of = f"this number is an end of the interval of {html.escape(name.rpartition('_')[0])}"
    else:
        range_of = f"{interval[0]} to {interval[1]}" if interval else "none was computed for it"
    rows = {
        "95 % interval": range_of,
        "Recorded in": place,
        "Commit": f"<code>{html.escape(str(one['commit'])[:12])}</code>"
        + (" with uncommitted changes" if one["uncommitted_changes"] else ""),
        "Seed": f"{one['seed']} (of this stage: {one['stage_seed']})",
    }
    listed = "".join(f"<dt>{word}</dt><dd>{text}</dd>" for word, text in rows.items())
    return f"<p><b>{html.escape(name)}</b> = {one['value']}</p><dl>{listed}</dl>"
