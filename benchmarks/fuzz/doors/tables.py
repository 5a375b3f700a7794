"""CSV of every kind: the follow-up and covariates of a 4Dsegment folder, and its list of subjects."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged
from cardiolib.cohorts import open_cohort

LIST, OUTCOMES, COVARIATES = "subjnames.txt", "surv_outcomes.csv", "covariates.csv"
Rows = list[tuple[Any, ...]]
Rewrite = Callable[[Rows], bytes]
IDS = ("007", "NA", "Jäger", "null", "s 5", "1e3")
_ROWS: Rows = [("ID", "status", "time"), *((name, k % 2, 100.25 + 371.5 * k) for k, name in enumerate(IDS))]
_MORE: Rows = [("ID", "age", "bsa"), *((name, 40 + k, 1.75 + k / 8) for k, name in enumerate(reversed(IDS)))]


def table(rows: Rows, **dialect: object) -> str:
    """Rows as CSV; keywords as `csv.writer` takes them."""
    text = io.StringIO()
    csv.writer(text, **{"lineterminator": "\n", **dialect}).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def seeds() -> dict[str, bytes]:
    """Six subjects, IDs that look like numbers and like nothing among them."""
    return {
        LIST: "\n".join(IDS).encode() + b"\n",
        OUTCOMES: table(_ROWS).encode(),
        COVARIATES: table(_MORE).encode(),
        "007_ED.txt": b"150.5 98.25 161.5 31.75\n",
        "007_ES.txt": b"61.25 97.5 72.75 30.5\n",
    }


def read(folder: Path) -> Reading:
    """The table of subjects and the volumes."""
    cohort = open_cohort(folder)
    frame = cohort.table
    values: dict[str, Any] = {"ids": list(cohort.ids), "columns": sorted(frame.columns)}
    values |= {name: frame[name].to_numpy() for name in frame}
    values |= {"volumes": cohort.volumes().to_numpy(), "simulated": cohort.simulated}
    return Reading(values, cohort.notes)


def mutate(files: Files, rng: random.Random) -> Mutant:
    """The same table as other programs write it, a table with a fault, or damaged bytes."""
    name, rows = rng.choice(((OUTCOMES, _ROWS), (COVARIATES, _MORE)))
    roll = rng.random()
    if roll < 0.25:
        told = rng.choice(sorted(SAME))
        return Mutant({name: SAME[told](rows)}, told, Expect.SAME)
    if roll < 0.6:
        told = rng.choice(sorted(WRONG))
        return Mutant({name: WRONG[told](rows)}, told, Expect.NOTICED)
    name = rng.choice((name, name, name, LIST, "007_ED.txt"))
    if name in (LIST, "007_ED.txt") and rng.random() < 0.5:
        told = rng.choice(sorted(TEXTS))
        make, expect = TEXTS[told]
        return Mutant({name: make(files[name].decode())}, told, expect)
    after, told = damaged(files[name], rng)
    return Mutant({name: after}, told, _expected(files[name], after))


def _expected(before: bytes, after: bytes) -> Expect:
    """A digit or a letter for another is another value or name; what changes fields or rows can be seen."""
    try:
        after.decode()
    except UnicodeDecodeError:
        return Expect.NOTICED
    plain = not set(after) & set(b'\r"\0')
    return Expect.FREE if plain and _fields(before) == _fields(after) else Expect.NOTICED


def _fields(content: bytes) -> list[int]:
    return [line.count(b",") for line in content.split(b"\n") if line.strip()]


SAME: dict[str, Rewrite] = {
    "every cell quoted": lambda rows: table(rows, quoting=csv.QUOTE_ALL).encode(),
    "texts quoted": lambda rows: table(rows, quoting=csv.QUOTE_NONNUMERIC).encode(),
    "CRLF": lambda rows: table(rows, lineterminator="\r\n").encode(),
    "CR": lambda rows: table(rows, lineterminator="\r").encode(),
    "a byte-order mark": lambda rows: table(rows).encode("utf-8-sig"),
    "no line end at the end": lambda rows: table(rows).rstrip("\n").encode(),
    "an empty line at the end": lambda rows: table(rows).encode() + b"\n",
    "rows in another order": lambda rows: table([rows[0], *rows[:0:-1]]).encode(),
    "columns in another order": lambda rows: table([row[::-1] for row in rows]).encode(),
    "blanks around cells": lambda rows: table(rows).replace(",", " , ").encode(),
    "exponents": lambda rows: table([rows[0], *((a, b, f"{c:.8e}") for a, b, c in rows[1:])]).encode(),
}

WRONG: dict[str, Rewrite] = {
    "semicolons": lambda rows: table(rows, delimiter=";").encode(),
    "semicolons, decimal commas": lambda rows: table(_commas(rows), delimiter=";").encode(),
    "tabs": lambda rows: table(rows, delimiter="\t").encode(),
    "bars": lambda rows: table(rows, delimiter="|").encode(),
    "decimal commas": lambda rows: table(rows).replace(".", ",").encode(),
    "decimal commas in all rows, columns exchanged": lambda rows: table(_exchanged(rows)).replace(".", ",").encode(),
    "quoted decimal commas": lambda rows: table(_commas(rows)).encode(),
    "thousands": lambda rows: table([rows[0], *((a, b, f"{c:,}") for a, b, c in rows[1:])]).encode(),
    "a cell more in each row": lambda rows: table([rows[0], *((*row, 1) for row in rows[1:])]).encode(),
    "a cell more in one row": lambda rows: table([*rows[:3], (*rows[3], 9), *rows[4:]]).encode(),
    "a cell less in one row": lambda rows: table([*rows[:3], rows[3][:-1], *rows[4:]]).encode(),
    "a separator at each end": lambda rows: table(rows).replace("\n", ",\n").encode(),
    "a separator at each end but the header's": lambda rows: table([rows[0], *((*r, "") for r in rows[1:])]).encode(),
    "a NUL in a number": lambda rows: table(rows).replace(".", ".\0").encode(),
    "a NUL before a number": lambda rows: table(rows).replace(",1", ",\x001").encode(),
    "a column twice": lambda rows: table([(*rows[0], rows[0][-1]), *((*r, 5) for r in rows[1:])]).encode(),
    "a column twice, blank behind": lambda rows: table(
        [(*rows[0], f"{rows[0][-1]} "), *((*r, 5) for r in rows[1:])]
    ).encode(),
    "ID twice": lambda rows: table([("ID", *rows[0]), *((f"x{r[0]}", *r) for r in rows[1:])]).encode(),
    "UTF-16": lambda rows: table(rows).encode("utf-16"),
    "Latin-1": lambda rows: table(rows).encode("latin-1"),
    "UTF-16 without a mark": lambda rows: table(rows).encode("utf-16-le"),
    "decomposed letters": lambda rows: table(rows).replace("ä", "a\u0308").encode(),
    "a row twice": lambda rows: table([*rows, rows[1]]).encode(),
    "a row less": lambda rows: table(rows[:-1]).encode(),
    "a row of somebody else": lambda rows: table([*rows, ("new", 1, 5)]).encode(),
    "no header": lambda rows: table(rows[1:]).encode(),
    "header only": lambda rows: table(rows[:1]).encode(),
    "a title above": lambda rows: ("Follow-up 2019\n" + table(rows)).encode(),
    "a total below": lambda rows: (table(rows) + "total,3,2000\n").encode(),
    "an open quote": lambda rows: table(rows).replace(",1", ',"1', 1).encode(),
    "NA in a number": lambda rows: table([rows[0], *((a, b, "NA") for a, b, _ in rows[1:])]).encode(),
    "a number missing": lambda rows: table([*rows[:2], (*rows[2][:-1], ""), *rows[3:]]).encode(),
    "infinite": lambda rows: table([*rows[:2], (*rows[2][:-1], "inf"), *rows[3:]]).encode(),
    "negative": lambda rows: (
        table([*rows[:2], (*rows[2][:-1], "-4"), *rows[3:]]).encode() if "time" in rows[0] else b""
    ),
    "dates": lambda rows: table([rows[0], *((a, b, "2019-02-11") for a, b, _ in rows[1:])]).encode(),
    "units": lambda rows: table([rows[0], *((a, b, f"{c} d") for a, b, c in rows[1:])]).encode(),
    "HTML": lambda rows: b"<!DOCTYPE html><html><body>Sign in, please</body></html>",
    "a Git LFS pointer": lambda rows: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
    "empty": lambda rows: b"",
    "zeros": lambda rows: bytes(400),
    "a spreadsheet": lambda rows: b"PK\x03\x04" + np.random.default_rng(1).bytes(300),
}

TEXTS: dict[str, tuple[Callable[[str], bytes], Expect]] = {
    "UTF-16": (lambda text: text.encode("utf-16"), Expect.SAME),
    "a byte-order mark": (lambda text: text.encode("utf-8-sig"), Expect.SAME),
    "CRLF": (lambda text: text.replace("\n", "\r\n").encode(), Expect.SAME),
    "Latin-1": (lambda text: text.encode("latin-1"), Expect.NOTICED),
    "decimal commas": (lambda text: text.replace(".", ",").encode(), Expect.NOTICED),
    "NaN": (lambda text: text.replace("150.5", "nan").replace("007", "nan").encode(), Expect.FREE),
    "empty": (lambda text: b"", Expect.NOTICED),
    "a number more": (lambda text: (text + "7\n").encode(), Expect.NOTICED),
}


def _commas(rows: Rows) -> Rows:
    return [tuple(str(cell).replace(".", ",") for cell in row) for row in rows]


def _exchanged(rows: Rows) -> Rows:
    return [(row[0], row[2], row[1]) for row in rows]


def _names(message: str, mutant: Mutant) -> bool:
    """The file, or what of it is in the cohort's own table."""
    own = {LIST, OUTCOMES, COVARIATES, "007_ED.txt"}
    return any(name in message for name in own)


DOOR = Door("csv", seeds, read, mutate, names=_names)
