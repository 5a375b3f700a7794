"""The page of one scan: a single HTML file that needs no network."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from plotly.offline import get_plotlyjs

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.moving_heart import heart_in_images_interactive
from cardiolib.figures.scan_function import strain_bullseye, volume_curves
from cardiolib.figures.style import STYLE
from cardiolib.imaging import Scan
from cardiolib.motion.heart_in_cine import heart_in_cine
from cardiolib.scan.cine_player import cine_frames, player_html
from cardiolib.scan.page_tables import index_rows, tiles, verdict_chip, verdict_rows
from cardiolib.scan.result import MOTION, ScanResult
from cardiolib.scan.risk import N_COMPARED, Risk
from cardiolib.shape.landmarks import base_is_last_slice
from cardiolib.verdicts import DO_NOT_USE

NOT_CLINICAL = "Research software. Not for clinical use: nothing on this page may guide the care of a patient."
SIMULATED = "SIMULATED: no patient is behind this scan. Heart and images were made by cardiolib's digital heart."
PRIOR = (
    "Short-axis slices hardly show motion along the heart's long axis. The tracker takes much of it from a population "
    "of simulated hearts. In a patient, longitudinal strain, TAPSE and MAPSE therefore say less than they seem to."
)
_STYLE = Path(__file__).with_name("page.css")


def scan_page(result: ScanResult, *, risk: Risk | None, made_with: Mapping[str, Any]) -> str:
    """The whole page as text.

    Parameters
    ----------
    result : ScanResult
    risk : Risk or None
    made_with : mapping
        Versions, see `cardiolib.scan.writing.provenance`.
    """
    name = html.escape(result.scan_id)
    kind = "simulated scan" if result.simulated else "scan"
    body = [
        f"<header><h1>{name} {verdict_chip(result.verdict)}</h1>"
        f"<p class='soft'>{html.escape(_image(result))}</p></header>",
        f"<p class='banner'>{NOT_CLINICAL}</p>",
        f"<p class='banner simulated'>{SIMULATED}</p>" if result.simulated else "",
        f"<p class='banner'>{html.escape(result.lacks[:1].upper() + result.lacks[1:])}.</p>" if result.lacks else "",
        "<main>",
        tiles(result),
        "<h2>What can be used</h2>",
        verdict_rows(result),
        "<h2>The cine and its contours</h2>",
        _cine(result),
        *_function(result),
        "<h2>All numbers</h2>",
        index_rows(result),
        *_risk(risk),
        "<h2>How this page was made</h2>",
        _made(result, made_with),
        _series(result),
        "</main>",
    ]
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{name}: {kind}, cardiolib report</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _image(result: ScanResult) -> str:
    cine = result.cine
    size, voxel = " x ".join(map(str, cine.shape)), " x ".join(f"{mm:.3g}" for mm in cine.spacing_mm)
    time = "frame time not known" if cine.frame_time_ms is None else f"{cine.frame_time_ms:.3g} ms apart"
    frames = "one frame" if cine.n_frames == 1 else f"{cine.n_frames} frames, {time}"
    return f"Short-axis cine: {size} voxels of {voxel} mm, {frames}"


def figure_html(drawing: Drawing, *, alt: str, caption: str) -> str:
    """A matplotlib figure as SVG inside the page; the reason where there is none."""
    if drawing.figure is None:
        return f"<p class='soft'>{html.escape(drawing.reason)}</p>"
    import matplotlib

    stream = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": STYLE["svg.hashsalt"], "svg.fonttype": STYLE["svg.fonttype"]}):
        drawing.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    code = base64.b64encode(stream.getvalue()).decode("ascii")
    return (
        f"<figure><img src='data:image/svg+xml;base64,{code}' alt='{html.escape(alt, quote=True)}'>"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _cine(result: ScanResult) -> str:
    labels = result.segmentation.labels
    up = base_is_last_slice(labels.labels, labels.affine)
    frames = cine_frames(result.cine, labels, base_is_last=up)
    description = (
        f"Cine of {len(frames.slices)} short-axis slices from base to apex in {result.cine.n_frames} frames, with the "
        "contours of the structures that were found."
    )
    time = "" if result.cine.frame_time_ms else " The frame time is not known; 40 ms are taken."
    caption = (
        "Slices from the base (upper left) to the apex, turned to the usual display as far as the header says how the "
        f"patient lay. The contours are the labels, frame by frame.{time}"
    )
    found = result.segmentation
    marks = {found.ed: "ED", found.es: "ES"} if found.ed != found.es else {}
    player = player_html(frames, name="cine", description=description, marks=marks)
    return f"<figure>{player}<figcaption>{caption}</figcaption></figure>"


def _function(result: ScanResult) -> list[str]:
    """Volumes, strains and the beating heart, as far as they are known."""
    found, motion = result.segmentation, result.motion
    curves = volume_curves(found, motion)
    parts = [
        "<h2>Volumes over the cycle</h2>",
        figure_html(
            curves,
            alt="Volume of the left and the right ventricle over the cardiac cycle, from labels and from the mesh.",
            caption="Cavity volumes from the labels of each frame and inside the tracked mesh. The mesh is closed by a "
            "lid at the valve plane; the labels end with the last labelled slice.",
        ),
    ]
    if motion is None:
        return parts
    crossed = result.verdicts.loc[MOTION, "verdict"] == DO_NOT_USE
    warning = "<p class='banner'>The motion should not be used: see above for the reasons.</p>" if crossed else ""
    parts += [
        "<h2>Strain of the left ventricle</h2>",
        warning,
        figure_html(
            strain_bullseye(motion),
            alt="Bullseyes of peak circumferential, longitudinal and radial strain in 16 segments, and mean curves.",
            caption=f"Peak strain of the 16 AHA segments in percent. {PRIOR}",
        ),
        "<h2>The beating heart</h2>",
        warning,
        _beating(result),
    ]
    return parts


def _beating(result: ScanResult) -> str:
    """The tracked cavities around a slice of the cine, to turn and to play; plotly's program lies in the page."""
    if result.motion is None:
        return ""
    heart = heart_in_cine(result.motion.tracked, result.cine)
    figure: Any = heart_in_images_interactive(heart, title="").figure
    figure.update_layout(autosize=True, height=None, width=None)
    plot = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id="beating-heart",
        auto_play=False,
        config={"displaylogo": False, "responsive": True},
        default_height="100%",
        default_width="100%",
    )
    mark = " The heart is simulated." if result.simulated else ""
    program = get_plotlyjs().replace("</script", "<\\/script")
    return (
        f"<script>{program}</script>"
        "<figure><div class='heart' role='img' aria-label='Tracked surfaces of both ventricles, beating in a slice of "
        f"the cine.'>{plot}</div><figcaption>Cavities as tracked, around the slice of the cine through the middle of "
        f"the LV. Drag to turn, play to let it beat.{mark}</figcaption></figure>"
    )


def _risk(risk: Risk | None) -> list[str]:
    if risk is None:
        return []
    number = f"<b>{risk.log_risk:+.2f}</b>"
    told = (
        f"Log risk {number if risk.usable else f'<del>{number}</del>'}; higher is worse, and its zero has no meaning. "
        f"Of {N_COMPARED} simulated controls {risk.percentile_simulated_controls:.0f} % have a lower one by this model."
    )
    warnings = "".join(f"<p class='banner'>{html.escape(text)}</p>" for text in risk.warnings)
    return ["<h2>Risk</h2>", f"<p>{told}</p>", warnings, f"<p class='soft'>Model: {html.escape(risk.origin)}</p>"]


def _series(result: ScanResult) -> str:
    """Which series of a DICOM study were read, and why the others were not."""
    series = result.cine.series if isinstance(result.cine, Scan) else None
    if series is None or not len(series):
        return ""
    table = series.to_html(border=0, na_rep="", index=True, index_names=False)
    return f"<details><summary>Series of the study: what was read, what was left out</summary>{table}</details>"


def _made(result: ScanResult, made_with: Mapping[str, Any]) -> str:
    by = result.read_by
    told = f"{by.get('about', 'not said')}" + (f", fingerprint {by['network']}" if by.get("network") else "")
    versions = ", ".join(f"{name} {number}" for name, number in made_with["versions"].items())
    meshes = "" if result.motion is None else "meshes of all phases (meshes/), "
    rows = {
        "labelled by": told,
        "tracking": "none" if result.motion is None else "group-wise tracker of cardiolib.motion",
        "quality gate": f"calibrated on ACDC and simulated scans, fingerprint {made_with['quality_gate']}",
        "versions": f"cardiolib {made_with['cardiolib']}, {versions}",
        "remarks": "",
        "files beside this page": f"labels in the image's own space (label_sa.nii.gz), {meshes}"
        "tables (indices.csv and others), everything for a program (result.json)",
    }
    escaped = {key: html.escape(text) for key, text in rows.items()}
    escaped["remarks"] = "<br>".join(html.escape(remark) for remark in result.remarks) or "none"
    lines = "".join(f"<dt>{key}</dt><dd>{text}</dd>" for key, text in escaped.items())
    return f"<dl>{lines}</dl>"
