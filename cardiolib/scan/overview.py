"""A page and a table of all scans that lie in one folder of results."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from cardiolib.files import MARK, atomic_path, write_table
from cardiolib.scan.page import NOT_CLINICAL
from cardiolib.scan.page_tables import in_words, verdict_chip
from cardiolib.scan.writing import PAGE_FILE, stored
from cardiolib.verdicts import DO_NOT_USE, LOOK

TABLE_FILE, OVERVIEW_FILE = "scans.csv", "index.html"
_STYLE = Path(__file__).with_name("page.css")
_SHOWN = {
    "lv_ef_labels_percent": "LVEF, labels (%)",
    "lv_ef_mesh_percent": "LVEF, mesh (%)",
    "rv_ef_labels_percent": "RVEF, labels (%)",
    "rv_ef_mesh_percent": "RVEF, mesh (%)",
    "lv_edv_labels_ml": "LVEDV (mL)",
    "rv_edv_labels_ml": "RVEDV (mL)",
}


def write_overview(folder: Path, failed: Mapping[str, str]) -> Path:
    """Write ``scans.csv`` and ``index.html`` from the results that lie in a folder.

    Parameters
    ----------
    folder : Path
    failed : mapping of str to str
        Scans that could not be processed just now, and why.

    Returns
    -------
    Path
        The page.
    """
    records = {path.name: stored(path) for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."}
    found = {name: record for name, record in records.items() if record is not None}
    if found or failed:
        write_table(_table(found, failed), folder / TABLE_FILE, simulated=False)  # each row carries its own mark
    page = folder / OVERVIEW_FILE
    with atomic_path(page) as temporary:
        temporary.write_text(_page(found, failed), encoding="utf-8")
    return page


def _table(found: Mapping[str, dict[str, Any]], failed: Mapping[str, str]) -> pd.DataFrame:
    """A row a scan: verdicts, all indices with the unit in their name, and the mark of simulated ones."""
    rows: list[dict[str, Any]] = []
    for name, record in found.items():
        row = {"ID": name, "state": "failed" if name in failed else "finished", "verdict": record["verdict"]}
        row |= {f"{part}_verdict": one["verdict"] for part, one in record["verdicts"].items()}
        row["why"] = failed.get(name, "; ".join(record["reasons"]))
        row |= {key: one["value"] for key, one in record["indices"].items()}
        rows.append(row | {MARK: 1 if record["simulated"] else None})
    rows += [{"ID": name, "state": "failed", "why": why} for name, why in failed.items() if name not in found]
    table = pd.DataFrame(rows).set_index("ID")
    return table if table.get(MARK, pd.Series(dtype=float)).notna().any() else table.drop(columns=MARK, errors="ignore")


def _page(found: Mapping[str, dict[str, Any]], failed: Mapping[str, str]) -> str:
    rows = "".join(_row(name, record) for name, record in found.items())
    simulated = sum(record["simulated"] for record in found.values())
    banner = f"<p class='banner simulated'>{simulated} of {len(found)} scans are SIMULATED.</p>" if simulated else ""
    head = "".join(f"<th scope='col' class='number'>{words}</th>" for words in _SHOWN.values())
    problems = "".join(f"<li>{html.escape(why)}</li>" for why in failed.values())
    table = (
        f"<div class='scroll'><table><thead><tr><th scope='col'>scan</th><th scope='col'>verdict</th>{head}"
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
        "<p class='soft'>Numbers that should not be used are <del>crossed out</del>; those to look at carry a "
        "<span class='query'>?</span>.</p>"
        if found
        else "<p>No scan was finished.</p>"
    )
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'><title>Scans, cardiolib report</title>"
        f"<style>{_STYLE.read_text(encoding='utf-8')}</style></head><body><main><h1>{len(found)} scans</h1>"
        f"<p class='banner'>{NOT_CLINICAL}</p>{banner}{table}"
        + (f"<h2>Not processed</h2><ul>{problems}</ul>" if problems else "")
        + f"<p class='soft'>All numbers: <a href='{TABLE_FILE}'>{TABLE_FILE}</a>.</p></main></body></html>\n"
    )


def _row(name: str, record: Mapping[str, Any]) -> str:
    numbers = "".join(f"<td class='number'>{_number(record['indices'].get(key))}</td>" for key in _SHOWN)
    mark = " <small class='soft'>simulated</small>" if record["simulated"] else ""
    link = f"<a href='{quote(name)}/{PAGE_FILE}'>{html.escape(name)}</a>{mark}"
    reasons = "".join(f"<li>{in_words(reason)}</li>" for reason in record["reasons"])
    why = f"<tr class='why'><td></td><td colspan='{1 + len(_SHOWN)}'><ul>{reasons}</ul></td></tr>" if reasons else ""
    return f"<tr><th scope='row'>{link}</th><td>{verdict_chip(record['verdict'])}</td>{numbers}</tr>{why}"


def _number(index: Mapping[str, Any] | None) -> str:
    if index is None or index["value"] is None:
        return ""
    text = f"{index['value']:.0f}"
    if index["verdict"] == DO_NOT_USE:
        return f"<del>{text}</del>"
    return f"{text}<span class='query'>?</span>" if index["verdict"] == LOOK else text
