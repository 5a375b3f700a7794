"""A run as a research object: a Workflow Run RO-Crate (Provenance Run Crate 0.6) that describes the report's folder.

Every notebook is a tool, every stage that ran an action with its parameters, its inputs and its results. The folder
holds all files that the crate names, so that it can be handed on as it is.

References
----------
RO-Crate 1.3, https://w3id.org/ro/crate/1.3; Provenance Run Crate 0.6, https://w3id.org/ro/wfrun/provenance/0.6
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardiolib.files import file_hash
from cardiolib.workflow import provenance
from cardiolib.workflow.certificate.citation import Citation
from cardiolib.workflow.certificate.codecheck import plain_caption
from cardiolib.workflow.certificate.crate_files import ENCODINGS, WORKFLOW, add_file, tool_id
from cardiolib.workflow.certificate.crate_parameters import Slot, run_slots, stage_slots
from cardiolib.workflow.machine import machine_words
from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.stages import STAGES, Stage

if TYPE_CHECKING:
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

CRATE_FILE = "ro-crate-metadata.json"
PROFILES = {"process": "Process Run Crate", "workflow": "Workflow Run Crate", "provenance": "Provenance Run Crate"}
PROFILE_VERSION = "0.6"


def research_object(run: PublishedRun, citation: Citation, *, made: str) -> ROCrate:
    """Describe a run; its files have to lie in its folder already (`gather`).

    Parameters
    ----------
    run : PublishedRun
    citation : Citation
    made : str
        Date and time of the certificate (ISO 8601).

    Returns
    -------
    rocrate.rocrate.ROCrate
        ``crate.metadata.generate()`` is the content of ``ro-crate-metadata.json``.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate()
    _describe_root(crate, run, citation, made)
    done = run.done()
    workflow = _add_workflow(crate, run, citation)
    slots = run_slots(crate, run)
    tools = {name: _add_tool(crate, run, STAGES[name]) for name in done}
    actions, steps = {}, []
    for position, (name, stage) in enumerate(done.items()):
        own = stage_slots(crate, STAGES[name], stage["parameters"])
        if own:
            tools[name]["input"] = [slot.parameter for slot in own]
        steps.append(_add_step(crate, name, tools[name], position))
        actions[name] = _add_stage_action(crate, run, name, tools[name], own)
        slots += own
    workflow["hasPart"] = list(tools.values())
    workflow["step"] = steps
    workflow["input"] = [slot.parameter for slot in slots]
    whole = _add_run_action(crate, run, workflow, slots, done)
    controls = [
        _add(
            crate,
            f"#control-{name}",
            "ControlAction",
            name=f"Orchestrate {name}",
            instrument=step,
            object=actions[name],
        )
        for name, step in zip(actions, steps, strict=True)
    ]
    _add_engine(crate, run, whole, controls)
    crate.root_dataset["mentions"] = [whole, *actions.values()]
    return crate


def _describe_root(crate: ROCrate, run: PublishedRun, citation: Citation, made: str) -> None:
    simulated = run.manifest["simulated"]
    mark = "Simulated patients: no patient data were used." if simulated else "Real patients."
    crate.name = f"cardiolib run {run.name}{' (simulated)' if simulated else ''}"
    crate.description = f"One run of cardiolib {citation.version}, which repeats {citation.paper_title}. {mark}"
    crate.keywords = "simulated, cardiac MRI, survival analysis" if simulated else "cardiac MRI, survival analysis"
    crate.datePublished = made
    root = crate.root_dataset
    root["license"] = _add(
        crate, f"https://spdx.org/licenses/{citation.license}", "CreativeWork", name=f"{citation.license} licence"
    )
    root["author"] = [_add_author(crate, author.name, author.orcid) for author in citation.authors]
    root["citation"] = _add(crate, citation.paper_address, "ScholarlyArticle", name=citation.paper_title)
    for name, title in PROFILES.items():
        address = f"https://w3id.org/ro/wfrun/{name}/{PROFILE_VERSION}"
        root.append_to(
            "conformsTo", _add(crate, address, ["CreativeWork", "Profile"], name=title, version=PROFILE_VERSION)
        )
    add_file(crate, run.folder, "LICENSE", name="Licence of the software")


def _add_author(crate: ROCrate, name: str, orcid: str) -> Entity:
    if orcid:
        return _add(crate, f"https://orcid.org/{orcid}", "Person", name=name)
    return _add(crate, "#" + name.lower().replace(" ", "-"), "Organization", name=name)


def _add_workflow(crate: ROCrate, run: PublishedRun, citation: Citation) -> Entity:
    from rocrate.model.computerlanguage import ComputerLanguage

    language = crate.add(
        ComputerLanguage(
            crate,
            "#python",
            {"name": "Python", "version": _versions(run).get("python", ""), "url": "https://www.python.org/"},
        )
    )
    return crate.add_workflow(
        str(run.folder / WORKFLOW),
        WORKFLOW,
        main=True,
        lang=language,
        properties={
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": "cardiolib: the stage table",
            "description": "Stages in order, the notebook of each, and what each reads and draws.",
            "version": _commit(run) or citation.version,
            "sha256": file_hash(run.folder / WORKFLOW),
            "encodingFormat": ENCODINGS[".py"],
        },
    )


def _add_tool(crate: ROCrate, run: PublishedRun, stage: Stage) -> Entity:
    """The notebook of a stage, or what stands for the module that makes the cohort."""
    made = run.manifest["stages"][stage.name]
    if stage.notebook is None:
        return _add(crate, tool_id(stage), "SoftwareApplication", name=stage.title, softwareVersion=_commit(run))
    copy = run.folder / tool_id(stage)
    same = made.get("notebook_hash") in (None, provenance.notebook_hash(copy))
    changed = "" if same else " Its code has changed since the run: this is not what ran."
    return add_file(
        crate,
        run.folder,
        tool_id(stage),
        **{"@type": ["File", "SoftwareSourceCode"]},
        name=stage.title,
        description=f"Notebook of the stage.{changed}",
        version=str(made.get("git", {}).get("commit") or "unknown"),
    )


def _add_step(crate: ROCrate, name: str, tool: Entity, position: int) -> Entity:
    return _add(crate, f"#step-{name}", "HowToStep", name=STAGES[name].title, position=str(position), workExample=tool)


def _add_stage_action(crate: ROCrate, run: PublishedRun, name: str, tool: Entity, slots: list[Slot]) -> Entity:
    """One stage that ran: parameters and the outputs of earlier stages in, its outputs, figures and page out."""
    made = run.manifest["stages"][name]
    outputs = _add(
        crate,
        f"#outputs-{name}",
        "CreativeWork",
        name=f"Outputs of {STAGES[name].title}",
        description=f"{len(made['outputs'])} files that later stages read; they are not part of this crate.",
        identifier=f"sha256:{made['output_hash']}",
    )
    read = [crate.get(f"#outputs-{before}") for before in STAGES[name].after]
    pages = [str(made["notebook"]).replace(".ipynb", ".html")] if made["notebook"] else []
    results = [
        add_file(crate, run.folder, page, name=f"{STAGES[name].title}, as it ran") for page in _there(run, pages)
    ]
    results += [
        _add_figure(crate, run, file, digest)
        for file, digest in sorted(made["figures"].items())
        if (run.folder / "figures" / file).is_file()
    ]
    told = f"{made['seconds']:.0f} s, workers: {made['workers'] or 1}. Machine: {machine_words(made.get('machine'))}"
    return crate.add_action(
        tool,
        f"#run-{name}",
        object=[*(one for one in read if one is not None), *(slot.value for slot in slots)],
        result=[outputs, *results],
        properties={"name": f"Stage {STAGES[name].title}", "description": f"Took {told}.", **_times([made])},
    )


def _add_figure(crate: ROCrate, run: PublishedRun, file: str, digest: str) -> Entity:
    figure = Path(file).stem
    mark = " (simulated)" if run.manifest["simulated"] else ""
    caption = f"{plain_caption(figure)}{mark}" if figure in CAPTIONS else f"{file}{mark}"
    return add_file(crate, run.folder, f"figures/{file}", name=caption, sha256=digest)


def _add_run_action(
    crate: ROCrate, run: PublishedRun, workflow: Entity, slots: list[Slot], done: dict[str, dict[str, Any]]
) -> Entity:
    """The whole run: its parameters in, its numbers, its record and its pages out."""
    names = ("index.html", "tripod.html", "probast.html", "certificate.html")
    results = [
        add_file(
            crate,
            run.folder,
            "metrics.json",
            name="All headline numbers",
            sha256=file_hash(run.folder / "metrics.json"),
        ),
        add_file(
            crate,
            run.folder,
            "manifest.json",
            name="How the run was made",
            sha256=file_hash(run.folder / "manifest.json"),
        ),
        *(add_file(crate, run.folder, name, name=f"Page {name}") for name in _there(run, names)),
    ]
    for path in _there(run, ("figures/plotly.min.js",)):
        add_file(crate, run.folder, path, name="plotly.js, which the pages with figures to turn load")
    figures = [one for name in done for one in crate.get(f"#run-{name}")["result"] if one.id.startswith("figures/")]
    return crate.add_action(
        workflow,
        "#run",
        object=[slot.value for slot in slots],
        result=[*results, *figures],
        properties={
            "name": f"Run {run.name}",
            "description": f"Profile {run.manifest['profile']}, {run.manifest['total_seconds']:.0f} s in its stages.",
            **_times(done.values()),
        },
    )


def _add_engine(crate: ROCrate, run: PublishedRun, whole: Entity, controls: list[Entity]) -> None:
    versions = _versions(run)
    engine = _add(
        crate,
        "#engine",
        "SoftwareApplication",
        name="cardiolib.workflow with doit and papermill",
        softwareVersion=f"doit {versions.get('doit', 'unknown')}, papermill {versions.get('papermill', 'unknown')}",
    )
    _add(
        crate,
        "#orchestration",
        "OrganizeAction",
        name="Orchestration",
        instrument=engine,
        object=controls,
        result=whole,
    )


def _versions(run: PublishedRun) -> dict[str, str]:
    return dict(next(iter(run.done().values()), {"versions": {}})["versions"])


def _commit(run: PublishedRun) -> str:
    commits = (stage["git"]["commit"] for stage in reversed(run.done().values()))
    return str(next((one for one in commits if one), "unknown"))


def _times(stages: Iterable[dict[str, Any]]) -> dict[str, str]:
    """First start and last end of stages that recorded them; runs made before they did have neither."""
    made = [stage for stage in stages if stage.get("started") and stage.get("ended")]
    if not made:
        return {}
    return {"startTime": min(one["started"] for one in made), "endTime": max(one["ended"] for one in made)}


def _there(run: PublishedRun, names: Iterable[str]) -> list[str]:
    return [name for name in names if (run.folder / name).is_file()]


def _add(crate: ROCrate, about: str, kind: str | list[str], /, **properties: Any) -> Entity:
    from rocrate.model.contextentity import ContextEntity

    entity = crate.add(ContextEntity(crate, about, {"@type": kind}))
    for name, value in properties.items():
        entity[name] = value
    return entity
