"""Sentences and table cells filled with a run's values."""

from __future__ import annotations

from typing import Any


class Values:
    """Fills ``{stage.name:format}`` templates; a template that needs an absent value gives None.

    Parameters
    ----------
    flat : dict
        Dotted name -> value.

    Examples
    --------
    >>> Values({"validation.network_c_oob": 0.7406}).fill("C is {validation.network_c_oob:.2f}.")
    'C is 0.74.'
    """

    def __init__(self, flat: dict[str, Any]) -> None:
        self._flat = flat

    def fill(self, template: str) -> str | None:
        """The template with its values, or None where one of them is absent."""
        parts, rest = [], template
        while "{" in rest:
            before, _, rest = rest.partition("{")
            field, _, rest = rest.partition("}")
            name, _, form = field.partition(":")
            if self._flat.get(name) is None:
                return None
            parts += [before, self.shown(name, form)]
        return "".join([*parts, rest])

    def shown(self, name: str, form: str) -> str:
        """One value as text."""
        return format(self._flat[name], form)
