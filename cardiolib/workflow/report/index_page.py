"""The report's front page: the paper's claims beside this run's numbers, the figures, and how they were made."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from cardiolib.workflow.notebooks import page
from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.report.messages import messages_html
from cardiolib.workflow.report.verify import flatten
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES

LEAD = (
    "Bello et al. (<i>Nature Machine Intelligence</i> 2019; 1:95&ndash;104) studied 302 patients with pulmonary "
    "hypertension. They segmented cine cardiac MR by a fully convolutional network and tracked the right ventricle "
    "through the cardiac cycle. They then trained a denoising autoencoder whose code predicts survival. Motion "
    "predicted death better than the usual volumes: the C-index was 0.75 (95 % CI 0.70&ndash;0.79) against 0.59 "
    "(0.53&ndash;0.65). This report was made by running the notebooks below in order."
)

ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("Patients", "302", "{cohort.subjects_count}", ""),
    ("Deaths", "85 (28 %)", "{cohort.deaths_count} ({cohort.deaths_percent:.0f} %)", ""),
    ("Motion numbers per patient", "11,514", "{survival.inputs_count:,}", "19 phases &times; 202 vertices &times; 3"),
    (
        "Dice, LV cavity",
        "&ndash;",
        "{segmentation.dice_lv_cavity:.3f}",
        "subjects the network has not seen, against known labels",
    ),
    ("Dice, LV wall", "&ndash;", "{segmentation.dice_lv_wall:.3f}", ""),
    ("Dice, RV cavity", "&ndash;", "{segmentation.dice_rv_cavity:.3f}", ""),
    ("Dice, RV wall", "&ndash;", "{segmentation.dice_rv_wall:.3f}", ""),
    (
        "Tracking error at end-systole, RV",
        "&ndash;",
        "{motion.endpoint_es_mm:.1f} mm",
        "against the true material motion; assuming no motion would be {motion.zero_motion_es_mm:.1f} mm off",
    ),
    (
        "C-index, network (motion)",
        "0.75 (0.70&ndash;0.79)",
        "{validation.network_c_oob:.2f} ({validation.network_c_oob_low:.2f}&ndash;{validation.network_c_oob_high:.2f})",
        "out-of-bag; the paper's value is optimism-corrected",
    ),
    (
        "C-index, Cox model on RV volumes",
        "0.59 (0.53&ndash;0.65)",
        "{validation.conventional_c_oob:.2f} ({validation.conventional_c_oob_low:.2f}&ndash;"
        "{validation.conventional_c_oob_high:.2f})",
        "RVEDV, RVESV, RVEF",
    ),
    (
        "Difference in C",
        "0.16",
        "{validation.c_difference:.2f} ({validation.c_difference_low:.2f} to {validation.c_difference_high:.2f})",
        "paired, same patients; approximate",
    ),
    (
        "Optimism-corrected C, network",
        "0.75",
        "{validation.network_c_harrell:.2f}",
        "the paper's estimator; it is too high for a flexible model",
    ),
)
"""Label, what the paper prints, format of this run's value over the flattened metrics, remark."""


def index_page(
    run: Run,
    metrics: dict[str, Any],
    manifest: dict[str, Any],
    *,
    banner: str | Sequence[str],
    messages: Sequence[dict[str, Any]] = (),
) -> str:
    """``reports/<run>/index.html`` as text; `messages` of all its notebooks are folded at its end."""
    body = [
        "<h1>Deep-learning cardiac motion analysis for human survival prediction, reproduced</h1>",
        f"<p class='lead'>{LEAD}</p>",
        "<h2>The paper and this run</h2>",
        _results(metrics),
        _conclusion(metrics),
        "<h2>The notebooks</h2>",
        _stages(manifest),
        *_galleries(run, manifest),
        "<h2>How this was made</h2>",
        _provenance(run, manifest),
        messages_html(messages),
        "<p class='soft'>The <a href='tripod.html'>TRIPOD+AI report</a> goes through this run item by item of the "
        "reporting guideline.</p>",
    ]
    return page("cardiolib report", "".join(body), banner=banner, home="../index.html")


def _results(metrics: dict[str, Any]) -> str:
    values = Values(flatten(metrics))
    lines = []
    for label, paper, template, remark in ROWS:
        found, note = values.fill(template), values.fill(remark)
        if found is not None:
            lines.append(
                f"<tr><td>{label}</td><td class='number'>{paper}</td><td class='number'>{found}</td>"
                f"<td class='soft'>{note or ''}</td></tr>"
            )
    return (
        "<table><thead><tr><th></th><th class='number'>paper</th><th class='number'>this run</th><th></th></tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>"
        "<p class='soft'>All numbers of the run are in <a href='metrics.json'>metrics.json</a>.</p>"
    )


def _conclusion(metrics: dict[str, Any]) -> str:
    """What the run says to the paper's claim, in sentences made from its numbers; empty where it compares no models."""
    values = Values(flatten(metrics))
    found = flatten(metrics)
    low, high = found.get("validation.c_difference_low"), found.get("validation.c_difference_high")
    if low is None or high is None:
        return ""
    claim = (
        values.fill(
            "The C-index of the network on motion minus that of the volumes is {validation.c_difference:+.2f} "
            "({validation.c_difference_low:.2f} to {validation.c_difference_high:.2f})."
        )
        or ""
    )
    if low > 0:
        claim += " In this run the network on motion ranks patients better than the volumes do, as the paper found."
    elif high < 0:
        claim += (
            " In this run the volumes rank patients better than the network on motion, against the paper's finding."
        )
    else:
        claim += " The interval contains 0, so this run does not show which of the two ranks patients better."
    network, linear = found.get("validation.network_c_oob"), found.get("validation.linear_c_oob")
    depth = ""
    if network is not None and linear is not None:
        depth = (
            f" A linear model of the same motion has a C-index of {linear:.2f}, and the network one of {network:.2f}."
        )
    mark = (
        ""
        if not found.get("cohort.simulated")
        else " The patients are simulated, and the link between motion and "
        "death was built in. The run tests the method and says nothing about patients."
    )
    return f"<h3>What this run says</h3><p>{claim}{depth}{mark}</p>"


class Values:
    """Fills ``{stage.name:format}`` templates; a template that needs an absent value gives None."""

    def __init__(self, flat: dict[str, Any]) -> None:
        self._flat = flat

    def fill(self, template: str) -> str | None:
        parts, rest = [], template
        while "{" in rest:
            before, _, rest = rest.partition("{")
            field, _, rest = rest.partition("}")
            name, _, form = field.partition(":")
            if self._flat.get(name) is None:
                return None
            parts += [before, format(self._flat[name], form)]
        return "".join([*parts, rest])


def _stages(manifest: dict[str, Any]) -> str:
    rows = []
    for name, stage in STAGES.items():
        made = manifest["stages"][name]
        if made["status"] == "complete":
            link = stage.notebook and stage.notebook.replace(".ipynb", ".html")
            title = f"<a href='{link}'>{stage.title}</a>" if link else stage.title
            rows.append(f"<tr><td>{title}</td><td>complete</td><td class='number'>{made['seconds']:.0f} s</td></tr>")
        else:
            rows.append(
                f"<tr><td>{stage.title}</td><td colspan='2'><span class='stage-none'>nothing to do: "
                f"{html.escape(made['reason'])}</span></td></tr>"
            )
    source = html.escape(manifest["motion_source"])
    return f"<table class='stages'><tbody>{''.join(rows)}</tbody></table><p class='soft'>Motion: {source}.</p>"


def _galleries(run: Run, manifest: dict[str, Any]) -> list[str]:
    sections = []
    for name, stage in STAGES.items():
        made = manifest["stages"][name]
        if made["status"] != "complete" or stage.notebook is None:
            continue
        files = set(made["figures"])
        own = [figure for figure in CAPTIONS if figure[:2] == stage.notebook[:2]]
        figures = "".join(_figure(figure, files, run.name) for figure in own if f"{figure}.png" in files)
        moving = [figure for figure in own if f"{figure}.html" in files and f"{figure}.png" not in files]
        links = "".join(
            f"<li><a href='../../figures/{quote(run.name)}/{figure}.html'>{CAPTIONS[figure]}</a></li>"
            for figure in moving
        )
        if figures or links:
            more = f"<p>These figures can be played and turned:</p><ul>{links}</ul>" if links else ""
            sections.append(f"<h2>{stage.title}</h2><div>{figures}</div>{more}")
    return sections


def _figure(name: str, files: set[str], run: str) -> str:
    links = [
        f"<a href='../../figures/{quote(run)}/{name}.{suffix}'>{word}</a>"
        for suffix, word in (("svg", "SVG"), ("csv", "numbers"), ("html", "interactive"))
        if f"{name}.{suffix}" in files
    ]
    caption, picture = CAPTIONS[name], f"../../figures/{quote(run)}/{name}.png"
    return (
        f"<figure id='{name}'><img src='{picture}' alt='{html.escape(caption, quote=True)}' loading='lazy'>"
        f"<figcaption>{caption} {' &middot; '.join(links)}</figcaption></figure>"
    )


def _provenance(run: Run, manifest: dict[str, Any]) -> str:
    stage = next(made for made in manifest["stages"].values() if made["status"] == "complete")
    versions = stage["versions"]
    shown = ("python", "torch", "numpy", "scikit-learn", "lifelines", "pyswarms", "umap-learn")
    facts = {
        "Profile": manifest["profile"],
        "Cohort": html.escape(manifest["cohort"]),
        "Run": html.escape(run.name),
        "Parameters changed": html.escape(", ".join(manifest["overrides"]) or "none"),
        "Seed": manifest["seed"],
        "Commit": html.escape(str(stage["git"]["commit"]))
        + (" (with uncommitted changes)" if stage["git"]["dirty"] else ""),
        "Time in the stages": f"{manifest['total_seconds']:.0f} s",
        "Versions": ", ".join(f"{name} {versions[name]}" for name in shown),
    }
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts.items())
    return (
        f"<table class='facts'>{rows}</table><p class='soft'><a href='manifest.json'>manifest.json</a> holds every "
        "parameter, input and output hash, version, seed, thread count, duration and memory peak. <code>make "
        "verify</code> checks the files against their hashes again.</p>"
    )
