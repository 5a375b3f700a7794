"""The RO-Crate of a run, read back by rocrate and held to what Provenance Run Crate 0.6 says MUST be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rocrate.rocrate import ROCrate

from cardiolib.files import file_hash
from cardiolib.workflow.certificate.issuing import certify
from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.stages import STAGES

WRROC = "https://w3id.org/ro/wfrun"


@pytest.fixture
def crate(root: Path, run: PublishedRun) -> ROCrate:
    certify(run, root=root)
    return ROCrate(run.folder)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def of_type(crate: ROCrate, kind: str) -> list[Any]:
    return crate.get_by_type(kind)


def test_root_conforms_to_the_three_profiles_and_says_simulated(crate: ROCrate) -> None:
    profiles = {one.id: one for one in listed(crate.root_dataset["conformsTo"])}
    wanted = {f"{WRROC}/{name}/0.6" for name in ("process", "workflow", "provenance")}
    assert wanted | {"https://w3id.org/workflowhub/workflow-ro-crate/1.1"} == profiles.keys()
    assert all("CreativeWork" in listed(one.type) for one in profiles.values())
    root = crate.root_dataset
    assert root["license"] and root["datePublished"] and "simulated" in root["name"]
    assert "no patient data" in root["description"]
    assert crate.metadata["conformsTo"] == "https://w3id.org/ro/crate/1.3"


def test_main_entity_is_the_workflow_with_its_tools_and_steps(crate: ROCrate) -> None:
    workflow = crate.mainEntity
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"} <= set(workflow.type)
    assert workflow["programmingLanguage"].type == "ComputerLanguage"
    assert [tool.id for tool in workflow["hasPart"]] == ["#tool-cohort", "workflow/03_dae_survival.ipynb"]
    steps = workflow["step"]
    assert [step["workExample"] for step in steps] == workflow["hasPart"]
    assert [step["position"] for step in steps] == ["0", "1"]
    kinds = {"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert all(kinds & set(listed(tool.type)) and tool["name"] for tool in workflow["hasPart"])


def test_one_action_for_the_run_and_one_for_each_stage(crate: ROCrate) -> None:
    actions = {action.id: action for action in of_type(crate, "CreateAction")}
    assert actions.keys() == {"#run", "#run-cohort", "#run-survival"}
    assert actions["#run"]["instrument"] is crate.mainEntity
    assert actions["#run-survival"]["instrument"].id == "workflow/03_dae_survival.ipynb"
    assert (actions["#run"]["startTime"], actions["#run"]["endTime"]) == (
        "2026-01-01T10:00:00+00:00",
        "2026-01-01T10:02:00+00:00",
    )
    assert actions["#run-survival"]["startTime"] == "2026-01-01T10:01:00+00:00"
    assert set(crate.root_dataset["mentions"]) == set(actions.values())
    assert "A Processor, 2 cores" in actions["#run-survival"]["description"]


def test_what_a_stage_reads_is_what_an_earlier_one_made(crate: ROCrate) -> None:
    made, read = crate.get("#run-cohort")["result"], crate.get("#run-survival")["object"]
    assert crate.get("#outputs-cohort") in made and crate.get("#outputs-cohort") in read
    assert crate.get("#outputs-cohort")["identifier"] == "sha256:feed"


def test_orchestration_holds_one_control_a_step(crate: ROCrate) -> None:
    (organised,) = of_type(crate, "OrganizeAction")
    assert organised["result"].id == "#run" and organised["instrument"].type == "SoftwareApplication"
    controls = organised["object"]
    assert [one["instrument"] for one in controls] == crate.mainEntity["step"]
    assert [one["object"].id for one in controls] == ["#run-cohort", "#run-survival"]


def test_every_parameter_has_a_slot_and_a_value(crate: ROCrate, run: PublishedRun) -> None:
    slots = of_type(crate, "FormalParameter")
    values = {value["name"]: value for value in of_type(crate, "PropertyValue")}
    assert set(crate.mainEntity["input"]) == set(slots)
    assert {slot["name"] for slot in slots} == values.keys()
    assert all(value["exampleOfWork"]["name"] == name for name, value in values.items())
    parameters = run.manifest["stages"]["survival"]["parameters"]
    assert values["survival.epochs"]["value"] == str(parameters["epochs"])
    assert values["survival.epochs"]["exampleOfWork"]["additionalType"] == "Integer"
    assert values["profile"]["value"] == "smoke" and values["overrides"]["value"] == "[]"
    assert json.loads(values["survival.fixed"]["value"]) == parameters["fixed"]


def test_every_file_is_there_and_has_its_hash(crate: ROCrate, run: PublishedRun) -> None:
    files = [one for one in crate.data_entities if "File" in listed(one.type)]
    assert {"metrics.json", "manifest.json", "figures/03_search.png", "certificate.html", "LICENSE"} <= {
        one.id for one in files
    }
    for one in files:
        path = run.folder / one.id
        assert path.is_file() and ".." not in one.id
        if "sha256" in one:
            assert one["sha256"] == file_hash(path)
    assert "simulated" in crate.get("figures/03_search.png")["name"]


def test_no_machine_path_and_no_reference_into_nothing(crate: ROCrate, run: PublishedRun, root: Path) -> None:
    text = (run.folder / "ro-crate-metadata.json").read_text(encoding="utf-8")
    assert str(root) not in text and str(Path.home()) not in text
    graph = json.loads(text)["@graph"]
    known = {entity["@id"] for entity in graph} | {
        "https://w3id.org/ro/crate/1.3",
        "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE",
    }
    named = {
        one["@id"]
        for entity in graph
        for value in entity.values()
        for one in listed(value)
        if isinstance(one, dict) and "@id" in one
    }
    assert named <= known and len(graph) == len({entity["@id"] for entity in graph})


def test_a_notebook_that_changed_since_the_run_says_so(root: Path, run: PublishedRun) -> None:
    run.manifest["stages"]["survival"]["notebook_hash"] = "another"
    certify(run, root=root)
    assert "not what ran" in ROCrate(run.folder).get("workflow/03_dae_survival.ipynb")["description"]


def test_a_run_that_recorded_no_times_gets_none(root: Path, run: PublishedRun) -> None:
    for name in ("cohort", "survival"):
        for part in ("started", "ended", "machine"):
            run.manifest["stages"][name][part] = None
    certify(run, root=root)
    crate = ROCrate(run.folder)
    assert all("startTime" not in action and "endTime" not in action for action in of_type(crate, "CreateAction"))
    assert "not recorded" in crate.get("#run-survival")["description"]


def test_stages_of_the_table_are_in_the_order_in_which_they_run() -> None:
    seen: set[str] = set()
    for name, stage in STAGES.items():
        assert set(stage.after) <= seen  # positions of steps follow the table
        seen.add(name)
