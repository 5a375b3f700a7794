"""Parameters of a run in its research object: the slot that the workflow has, and the value that it was given."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from cardiolib.workflow.parameters import as_parameters
from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.stages import Stage

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

RUN_PARAMETERS = ("profile", "cohort", "seed", "overrides")
"""What a run is made from, beside the parameters of its stages."""
DATA_TYPES = {bool: "Boolean", int: "Integer", float: "Float", str: "Text", dict: "PropertyValue", list: "Text"}
"""Type of a value -> what schema.org calls it; lists and dictionaries are given as JSON."""


class Slot(NamedTuple):
    """One parameter.

    Attributes
    ----------
    parameter : Entity
        ``FormalParameter``.
    value : Entity
        ``PropertyValue`` that realises it.
    """

    parameter: Entity
    value: Entity


def run_slots(crate: ROCrate, run: PublishedRun) -> list[Slot]:
    """Profile, cohort, seed and changed parameters of a run."""
    return [_add_slot(crate, name, run.manifest[name]) for name in RUN_PARAMETERS]


def stage_slots(crate: ROCrate, stage: Stage, values: dict[str, Any]) -> list[Slot]:
    """The parameters of one stage, with their defaults."""
    defaults = as_parameters(stage.settings_class()())
    return [_add_slot(crate, f"{stage.name}.{name}", value, defaults.get(name)) for name, value in values.items()]


def _add_slot(crate: ROCrate, name: str, value: Any, default: Any = None) -> Slot:
    from rocrate.model.contextentity import ContextEntity

    properties = {} if default is None else {"defaultValue": _text(default)}
    parameter = crate.add_formal_parameter(
        name, DATA_TYPES.get(type(value), "Text"), f"#parameter-{name}", properties=properties
    )
    found = crate.add(
        ContextEntity(crate, f"#value-{name}", {"@type": "PropertyValue", "name": name, "value": _text(value)})
    )
    found["exampleOfWork"] = parameter
    return Slot(parameter, found)


def _text(value: Any) -> str:
    """A value as text; numbers, lists and dictionaries as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
