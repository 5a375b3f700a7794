"""What the user states of a folder: ``cohort.json`` beside the scans, and the scheme of the label codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cardiolib.cohorts.table import CohortError, named
from cardiolib.files import read_json
from cardiolib.imaging import SCHEMES, LabelScheme


def declared(path: Path) -> dict[str, Any]:
    """Content of ``cohort.json`` (any of name, label_scheme, time_unit, about, simulated), empty when there is none.

    Raises
    ------
    CohortError
        It is not one JSON object.
    """
    file = path / "cohort.json"
    if not file.is_file():
        return {}
    try:
        content = read_json(file)
    except ValueError as error:
        raise CohortError(str(error)) from error
    if not isinstance(content, dict):
        raise CohortError(f'{file}: must hold one JSON object, such as {{"label_scheme": "mms"}}.')
    return content


def stated_scheme(asked: LabelScheme | str | dict[str, int], *, source: object) -> LabelScheme:
    """The scheme that was named, in any case of letters, or written out as structure and code.

    Parameters
    ----------
    asked : LabelScheme, name of one, or codes by structure
    source : object
        Where it was named, for the message.

    Raises
    ------
    CohortError
        There is no scheme of that name, or the codes are no scheme.
    """
    if isinstance(asked, LabelScheme):
        return asked
    if isinstance(asked, dict):
        try:
            return LabelScheme("of cohort.json", asked)
        except (TypeError, ValueError) as error:
            raise CohortError(f"{source}: {error}") from error
    by_name = {name.lower(): scheme for name, scheme in SCHEMES.items()}
    if str(asked).lower() not in by_name:
        raise CohortError(f"{source}: no label scheme {asked!r}; the named ones are {named(SCHEMES)}.")
    return by_name[str(asked).lower()]
