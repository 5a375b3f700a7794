"""Writing a cohort as a 4Dsegment output folder, so that the authors' own scripts can read it."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.foursegment.reading import N_FRAMES
from cardiolib.cohorts.table import CohortError, named
from cardiolib.files import mark_simulated
from cardiolib.imaging import write_cine
from cardiolib.meshes import write_matched_points, write_motion_folder

DAYS_PER_YEAR = 365.25
_UNIT_DAYS = {"days": 1.0, "years": DAYS_PER_YEAR, "months": DAYS_PER_YEAR / 12}


def write_4dsegment(
    cohort: Cohort, folder: str | os.PathLike[str], *, ids: Iterable[str] | None = None, images: bool = False
) -> Path:
    """Write motion, outcomes, covariates and volumes in the layout of the authors' pipeline.

    Parameters
    ----------
    cohort : Cohort
        Must give motion as positions of the same points in 20 frames.
    folder : path-like
        Must not exist. It appears complete or not at all.
    ids : iterable of str, optional
        Subjects to write; all with motion by default.
    images : bool
        Also write ``<ID>/lvsa_.nii.gz`` where the cohort has an image.

    Returns
    -------
    Path
        The folder: ``subjnames.txt``, ``matchedpointsnew.txt`` (point i is vertex i: only the points
        themselves are written, not the full mesh), ``<ID>/motion/RV_fr00..19.txt`` in mm, and where the
        cohort has them ``surv_outcomes.csv`` (time in days), ``covariates.csv`` (columns of numbers) and
        ``<ID>_ED.txt``, ``<ID>_ES.txt``. Of a simulated cohort ``simulated.json`` says so, in the folder and in every
        ``motion``: `open_cohort` reads it, the authors' tools pass over it.

    Warns
    -----
    UserWarning
        Covariates that are not numbers, or have gaps, are left out: the layout cannot hold them.

    Notes
    -----
    The authors' script pairs motion and outcome by row number and not by ID, so the rows of
    ``surv_outcomes.csv`` are written in the order of ``subjnames.txt``; and it drops IDs that look like
    numbers, truth values or missing values (12, True, NA), so such IDs are refused here.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists already; give the name of a folder that does not exist")
    chosen = tuple(ids) if ids is not None else cohort.ids_with("motion")
    _check(cohort, chosen)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder.parent))
    try:
        n_points = _write_motion(cohort, chosen, work)
        write_matched_points(np.repeat(np.arange(n_points)[:, None], 2, axis=1), work / "matchedpointsnew.txt")
        (work / "subjnames.txt").write_text("".join(f"{name}\n" for name in chosen), encoding="utf-8", newline="\n")
        mark_simulated(work, cohort.simulated)
        _write_tables(cohort, chosen, work)
        imaged = set(cohort.ids_with("images")) if images else set()
        for subject_id in chosen:
            if subject_id in imaged:
                write_cine(cohort.image(subject_id), work / subject_id / "lvsa_.nii.gz")
        work.chmod(0o755)  # mkdtemp makes private folders
        os.rename(work, folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return folder


def _check(cohort: Cohort, ids: tuple[str, ...]) -> None:
    moving = set(cohort.ids_with("motion"))
    without = [name for name in ids if name not in moving]
    if without or not ids:
        raise CohortError(
            f"cohort {cohort.name!r} has no motion for {named(without) or 'any subject'}: 4Dsegment's layout is built "
            "around motion/RV_fr00..19. Choose subjects with motion (ids=...)."
        )
    unusable = [name for name in ids if "/" in name or "\\" in name or name in (".", "..")]
    changed = _changed_when_read(ids)
    if unusable:
        raise CohortError(f"IDs become folder names; these cannot: {named(unusable)}.")
    if changed:
        raise CohortError(
            f"the authors' script reads IDs such as {named(changed)} as numbers, truth values or missing values and "
            "then drops these subjects. Give them IDs that are none of these, with a letter in front (S12, SNA)."
        )
    if "outcomes" in cohort.provides and cohort.time_unit not in _UNIT_DAYS:
        raise CohortError(
            f"surv_outcomes.csv holds days; the unit of time of cohort {cohort.name!r} is {cohort.time_unit!r}. Known "
            f"units: {named(_UNIT_DAYS)}."
        )


def _write_motion(cohort: Cohort, ids: tuple[str, ...], work: Path) -> int:
    expected: tuple[int, ...] | None = None
    for subject_id in ids:
        positions = cohort.positions(subject_id)
        expected = expected or positions.shape
        if positions.shape != expected or len(positions) != N_FRAMES:
            raise CohortError(
                f"subject {subject_id!r} has positions of shape {positions.shape}; 4Dsegment's layout needs {N_FRAMES} "
                f"frames and the same points for everybody (the first subject has {expected})."
            )
        write_motion_folder(positions, work / subject_id / "motion", simulated=cohort.simulated)
    assert expected is not None
    return expected[1]


def _write_tables(cohort: Cohort, ids: tuple[str, ...], work: Path) -> None:
    table = cohort.table.loc[list(ids)]
    if "event" in table:
        days = table["time"] * _UNIT_DAYS[cohort.time_unit]
        outcomes = pd.DataFrame({"ID": list(ids), "status": table["event"].astype(int), "time": days})
        _to_csv(outcomes, work / "surv_outcomes.csv")
    covariates = cohort.covariates.loc[list(ids)]
    usable = [column for column in covariates if _is_numeric(covariates[column])]
    left_out = [column for column in covariates if column not in usable]
    if left_out:
        warnings.warn(
            f"covariates.csv holds complete columns of numbers only: left out {named(left_out)}", stacklevel=3
        )
    if usable:
        _to_csv(covariates[usable].astype(float).rename_axis("ID").reset_index(), work / "covariates.csv")
    with_volumes = set(cohort.ids_with("volumes")) & set(ids)
    if with_volumes:
        volumes = cohort.volumes()
        for subject_id in sorted(with_volumes):
            row: Any = volumes.loc[subject_id]
            for phase in ("ED", "ES"):
                numbers = [row.get(f"LV{phase}V"), row.get("LVM"), row.get(f"RV{phase}V"), row.get("RVM")]
                line = " ".join("nan" if x is None else repr(float(x)) for x in numbers)
                (work / f"{subject_id}_{phase}.txt").write_text(line + "\n", encoding="utf-8", newline="\n")


def _to_csv(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, lineterminator="\n")


def _is_numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and bool(column.notna().all())


def _changed_when_read(ids: tuple[str, ...]) -> list[str]:
    """IDs of which pandas, with which the authors' script reads the outcomes, makes something else."""
    row = io.StringIO(pd.DataFrame([list(ids)]).to_csv(index=False, header=False))
    read = pd.read_csv(row, header=None).iloc[0].tolist()  # each ID is a column of its own
    return [name for name, found in zip(ids, read, strict=True) if not (isinstance(found, str) and found == name)]
