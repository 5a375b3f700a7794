"""Tables of a scan's page: verdicts, and every number with its place among simulated controls."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.figures.style import STRUCTURE_LABELS
from cardiolib.scan.controls import simulated_controls
from cardiolib.scan.indices import LABELS, MESH
from cardiolib.scan.result import MOTION, ScanResult
from cardiolib.verdicts import DO_NOT_USE, LOOK, OK

_CLASS = {OK: "ok", LOOK: "look", DO_NOT_USE: "bad"}
_SIGN = {OK: "&#10003;", LOOK: "?", DO_NOT_USE: "&#10005;"}
_WORDS = {**STRUCTURE_LABELS, MOTION: "motion"}
_TILES = (
    ("LV ejection fraction", "lv_ef_{}_percent", "%", 0),
    ("RV ejection fraction", "rv_ef_{}_percent", "%", 0),
    ("LV end-diastolic volume", "lv_edv_{}_ml", "mL", 0),
    ("RV end-diastolic volume", "rv_edv_{}_ml", "mL", 0),
)
_BAR = 150


def verdict_chip(verdict: str) -> str:
    """The verdict with a sign and a colour, so that neither has to be told apart alone."""
    return f"<span class='verdict {_CLASS[verdict]}'>{_SIGN[verdict]} {verdict}</span>"


def in_words(text: str) -> str:
    """A reason as HTML, with the names of structures as a reader knows them."""
    for name, words in STRUCTURE_LABELS.items():
        text = text.replace(name, words)
    return html.escape(text, quote=False)


def tiles(result: ScanResult) -> str:
    """The numbers that a reader looks for first, labels and mesh side by side."""
    found = []
    for words, pattern, unit, digits in _TILES:
        labels, mesh = (_cell(result.indices, pattern.format(source), digits) for source in ("labels", "mesh"))
        if labels:
            beside = f"<small class='soft'>tracked mesh: {mesh} {unit}</small>" if mesh else ""
            found.append(f"<div class='tile'><span>{words}</span><b>{labels} {unit}</b>{beside}</div>")
    return f"<section class='tiles' aria-label='main numbers'>{''.join(found)}</section>" if found else ""


def verdict_rows(result: ScanResult) -> str:
    """Verdict, predicted Dice and reason of every structure and of the motion."""
    rows = []
    for name, row in result.verdicts.iterrows():
        dice = "" if math.isnan(row["predicted_dice"]) else f"{row['predicted_dice']:.2f}"
        between = f" ({row['low']:.2f} to {row['high']:.2f})" if dice else ""
        why = in_words(str(row["reason"])) or "nothing against it"
        rows.append(
            f"<tr><th scope='row'>{_WORDS.get(str(name), str(name))}</th><td>{verdict_chip(row['verdict'])}</td>"
            f"<td class='number'>{dice}{between}</td><td class='why'>{why}</td></tr>"
        )
    return (
        "<div class='scroll'><table><thead><tr><th></th><th>verdict</th><th class='number'>predicted Dice<br>"
        f"<small>8 of 10 lie between</small></th><th>why</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
        "<p class='soft'>By the quality gate, which needs no reference. It was calibrated on one public data set "
        "(ACDC) and on simulated scans. It cannot see an error that looks like a good heart. Numbers that rest on "
        "something that should not be used are <del>crossed out</del>; those to look at carry a "
        "<span class='query'>?</span>.</p>"
    )


def index_rows(result: ScanResult) -> str:
    """Every index: from labels, from the mesh, and among simulated controls."""
    table = result.indices
    lines = []
    for words, rows in table.groupby("words", sort=False):
        by_source = {source: part.iloc[0] for source, part in rows.groupby("source")}
        cells = "".join(f"<td class='number'>{_value(by_source.get(source))}</td>" for source in (LABELS, MESH))
        first = rows.index[0]
        lines.append(
            f"<tr><th scope='row'>{html.escape(str(words))}</th>{cells}<td>{_unit(rows['unit'].iloc[0])}</td>"
            f"<td>{_among(str(first), rows.iloc[0])}</td></tr>"
        )
    head = (
        "<thead><tr><th></th><th class='number'>labels</th><th class='number'>tracked mesh</th><th>unit</th>"
        "<th>among 500 simulated controls<br><small>bar: their middle 90 %; mark: this heart</small></th></tr></thead>"
    )
    return (
        f"<div class='scroll'><table>{head}<tbody>{''.join(lines)}</tbody></table></div>"
        "<p class='soft'>From labels, both ventricles are read in the frames of the LV's end-diastole and end-systole. "
        "From the mesh, end-systole is each ventricle's own least volume. The percentile is the share of "
        "<b>simulated</b> healthy hearts with a lower value (of the labels where both are given; less negative strain "
        "counts as higher). It is no reference range of people: age, sex and body size play no part in it.</p>"
    )


def _cell(table: pd.DataFrame, name: str, digits: int) -> str:
    return _number(table.loc[name], digits) if name in table.index else ""


def _value(row: Mapping[str, Any] | pd.Series | None) -> str:
    if row is None:
        return ""
    size = abs(float(row["value"])) if math.isfinite(row["value"]) else 0.0
    return _number(row, 0 if size >= 100 else 1 if row["unit"] != "1" else 2)


def _number(row: Mapping[str, Any] | pd.Series, digits: int) -> str:
    """A value, crossed out or with a query where its verdict says so."""
    if not math.isfinite(row["value"]):
        return "<span class='soft'>not known</span>"
    text = f"{row['value']:.{digits}f}".replace("-", "&minus;")
    if row["verdict"] == DO_NOT_USE:
        return f"<del title='do not use'>{text}</del>"
    return f"{text}<span class='query' title='look at it'>?</span>" if row["verdict"] == LOOK else text


def _unit(unit: str) -> str:
    return "" if unit == "1" else html.escape(unit)


def _among(name: str, row: pd.Series) -> str:
    """A bar of the middle 90 % of the simulated controls with a mark at this heart, and the percentile.

    Nothing where the number should not be used.
    """
    controls, value = simulated_controls(), float(row["value"])
    if name not in controls or not math.isfinite(value) or row["verdict"] == DO_NOT_USE:
        return ""
    others = controls[name].to_numpy(float)
    low, high = np.percentile(others, [5, 95])
    first, last = low - 0.6 * (high - low), high + 0.6 * (high - low)
    start, end, at = (4 + (_BAR - 8) * float(np.clip((x - first) / (last - first), 0, 1)) for x in (low, high, value))
    mark = f"<path d='M{at - 4:.1f} 1h8l-4 6zm3 5h2v9h-2z' fill='#1d2530'/>"
    rank = float(row["percentile_simulated_controls"])
    told = {0.0: "below all", 100.0: "above all"}.get(rank, f"{min(max(rank, 1), 99):.0f} % are lower")
    words = f"simulated controls: {low:.3g} to {high:.3g}; {told}"
    return (
        f"<svg width='{_BAR}' height='16' viewBox='0 0 {_BAR} 16' role='img' aria-label='{words}'>"
        f"<title>{words}</title><path d='M0 10h{_BAR}' stroke='#b9c2cc'/>"
        f"<path d='M{start:.1f} 10H{end:.1f}' stroke='#7c93ad' stroke-width='7'/>"
        f"{mark}</svg> <small>{told}</small>"
    )
