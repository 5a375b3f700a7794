"""The house keeps its order: no circles, closed closures, an example for every public name."""

from __future__ import annotations

from benchmarks import house


def test_no_module_imports_itself_through_others() -> None:
    assert house.circles() == []


def test_a_circle_would_be_found(monkeypatch) -> None:
    monkeypatch.setattr(house, "import_graph", lambda: {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert house.circles() == [["a", "b", "c"]]


def test_every_stage_loads_what_its_closure_holds() -> None:
    assert house.open_closures() == []


def test_examples_are_missing_from_three_names_at_most() -> None:
    assert len(house.names_without_doctest()) <= 3
