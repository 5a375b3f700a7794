"""From a profile and the command line to one checked settings object per stage."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cardiolib.workflow.errors import ParameterError
from cardiolib.workflow.stages import STAGES

PROFILES = ("smoke", "lecture", "default", "paper")

_LARGEST = 2**63 - 1
_PROFILE_FOLDER = Path(__file__).with_name("profiles")


def load_profile(name: str) -> dict[str, dict[str, Any]]:
    """Read a profile: ``{stage: {parameter: value}}``, only what differs from the stages' defaults.

    Raises
    ------
    ParameterError
        If there is no such profile.
    """
    if name not in PROFILES:
        raise ParameterError(f"unknown profile {name!r}{nearest(name, PROFILES)}; profiles: {', '.join(PROFILES)}")
    return read_profile(_PROFILE_FOLDER / f"{name}.toml")


def read_profile(path: Path) -> dict[str, dict[str, Any]]:
    """Parameters by stage from a TOML file.

    Raises
    ------
    ParameterError
        The file is not TOML, or holds anything but tables; it is named.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"{path}: is no profile in TOML notation ({error}). Correct it or restore it.") from error
    bare = [name for name, table in content.items() if not isinstance(table, dict)]
    if bare:
        raise ParameterError(
            f"{path}: {', '.join(bare)} must be a table: a line [{bare[0]}], and its parameters in the lines below."
        )
    return content


def stage_values(profile: Mapping[str, Mapping[str, Any]], overrides: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """The values of a profile and of the command line, by stage; what they are worth is seen when they are built.

    Parameters
    ----------
    profile : mapping
        As `load_profile` returns it.
    overrides : sequence of str
        ``"stage.parameter=value"``, value in TOML notation (``survival.latent=8``).

    Raises
    ------
    ParameterError
        For an unknown stage (naming the nearest one), or a text that is no override.
    """
    values = {stage: dict(table) for stage, table in profile.items()}
    for text in overrides:
        stage, parameter, value = _parse_override(text)
        values.setdefault(stage, {})[parameter] = value
    for stage in values:
        if stage not in STAGES:
            raise ParameterError(f"unknown stage {stage!r}{nearest(stage, STAGES)}; stages: {', '.join(STAGES)}")
    return values


def one_stage_settings(stage: str, values: Mapping[str, Mapping[str, Any]]) -> Any:
    """Build and check the settings of one stage from `stage_values`."""
    return build_settings(STAGES[stage].settings_class(), values.get(stage, {}), where=stage)


def stage_settings(profile: Mapping[str, Mapping[str, Any]], overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Build and check the settings of every stage before anything runs.

    Returns
    -------
    dict
        Stage name to an instance of the stage's frozen settings dataclass.

    Raises
    ------
    ParameterError
        For an unknown stage or parameter (naming the nearest one), or a value of the wrong type or range.
    """
    values = stage_values(profile, overrides)
    return {name: one_stage_settings(name, values) for name in STAGES}


def build_settings(cls: type, values: Mapping[str, Any], *, where: str) -> Any:
    """Instantiate a settings dataclass from plain values, refusing unknown names and wrong types."""
    hints = typing.get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]
    checked: dict[str, Any] = {}
    for group, kind in nested_settings(cls).items():
        inner = _check_type(values.get(group, {}), dict, f"{where}.{group}")
        inner_hints = typing.get_type_hints(kind)
        names = [field.name for field in dataclasses.fields(kind) if field.name not in known]
        inner = {**inner, **{name: values[name] for name in values if name in names}}
        checked[group] = {
            name: _check_type(value, inner_hints[name], f"{where}.{name}")
            if name in names
            else _unknown(where, name, names)
            for name, value in inner.items()
        }
        values = {name: value for name, value in values.items() if name not in (group, *names)}
        known += [name for name in names if name not in known]
    for name, value in values.items():
        if name not in known:  # not `hints`: that has the class variables too
            _unknown(where, name, known)
        checked[name] = _check_type(value, hints[name], f"{where}.{name}")
    try:
        return cls(**checked)
    except (ValueError, TypeError) as error:
        raise ParameterError(f"parameters of stage {where!r} refused: {error}") from error


def nested_settings(cls: type) -> dict[str, type]:
    """Parameters of a stage that hold settings of something else: name to the dataclass that knows them.

    ``survival.latent=8`` is a short way to write ``survival.fixed={latent = 8}``.
    """
    return getattr(cls, "NESTED", {})


def check_settings(settings: Any, *, where: str) -> None:
    """Refuse a settings object that holds a value of the wrong type, as one built by hand may.

    Raises
    ------
    ParameterError
    """
    build_settings(type(settings), as_parameters(settings), where=where)


def _unknown(where: str, name: str, known: Sequence[str]) -> Any:
    raise ParameterError(f"stage {where!r} has no parameter {name!r}{nearest(name, known)}; it has: {', '.join(known)}")


def as_parameters(settings: Any) -> dict[str, Any]:
    """The settings as the flat mapping that papermill carries (tuples become lists)."""
    return {
        key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(settings).items()
    }


def _parse_override(text: str) -> tuple[str, str, Any]:
    name, equals, value = text.partition("=")
    stage, dot, parameter = name.strip().partition(".")
    if not equals or not dot:
        raise ParameterError(f"{text!r} is no parameter: write stage.parameter=value, for example survival.latent=8")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    return stage, parameter, parsed


def _check_type(value: Any, hint: Any, name: str) -> Any:
    origin = typing.get_origin(hint)
    if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        raise ParameterError(f"{name} must be a whole number of 64 bits, as TOML has them: at most {_LARGEST}")
    if hint is dict or origin is dict:
        if not isinstance(value, dict):
            raise ParameterError(f"{name} must be a table of names and values, got {value!r}")
        return value
    if origin is tuple:
        item_types = [kind for kind in typing.get_args(hint) if kind is not Ellipsis]
        if not isinstance(value, (list, tuple)):
            raise ParameterError(f"{name} must be a list, got {value!r}")
        return tuple(_check_type(item, item_types[0], f"{name}[{i}]") for i, item in enumerate(value))
    options = typing.get_args(hint) or (hint,)
    if origin is typing.Literal:
        if value not in options:
            raise ParameterError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
        return value
    if options == (str,) and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # segmentation.fine_tune=5: the text "5" without its quotes
    if float in options and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # bool is a subclass of int: `epochs = true` must not pass as 1
    if not isinstance(value, options) or (isinstance(value, bool) and bool not in options):
        wanted = " or ".join(getattr(option, "__name__", str(option)) for option in options)
        raise ParameterError(f"{name} must be {wanted}, got {value!r} ({type(value).__name__})")
    return value


def nearest(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    """ " (did you mean ...?)", or nothing where no known name is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
