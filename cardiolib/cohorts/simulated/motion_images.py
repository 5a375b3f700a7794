"""Files of tagged and displacement-encoded images beside the cines of a simulated cohort."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from cardiolib.cohorts.simulated.simulated_cohort import SimulatedCohort
from cardiolib.cohorts.ukbiobank import DISPLACEMENT_FILE
from cardiolib.imaging import displacement_from_dense, write_cine, write_dense, write_displacement

TAGGED_FILE = "tagged_sa.nii.gz"


def write_motion_images(
    cohort: SimulatedCohort,
    folder: str | os.PathLike[str],
    *,
    ids: Iterable[str] | None = None,
    map_units: Callable[[Callable, Iterable], Iterable] = map,
) -> list[Path]:
    """Write what a hospital with the sequences would have of the subjects: tags, encoded phases, displacement.

    Parameters
    ----------
    cohort : SimulatedCohort
    folder : path-like
        Gets a folder for each subject. ``cohort.folder / "images"`` puts the files beside the cines, where that folder,
        opened as a cohort in UK Biobank layout, has them as well.
    ids : iterable of str, optional
        By default all subjects with images.
    map_units : callable
        ``map_units(function, items)``: results in order; a worker pool for example.

    Returns
    -------
    list of Path
        The subjects' folders, each with ``tagged_sa.nii.gz``, ``dense_magnitude_sa.nii.gz``,
        ``dense_phase_sa.nii.gz`` and ``displacement_sa.nii.gz``, which is unwrapped from the phase. All are marked
        simulated. The same cohort gives the same bytes.

    Raises
    ------
    CohortError
        For a subject without images.

    Examples
    --------
    >>> import tempfile
    >>> import cardiolib as cl
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cohort = cl.open_cohort("simulated", root=folder, n_subjects=2, n_imaged=1, n_phases=3)
    ...     (written,) = write_motion_images(cohort, cohort.folder / "images")
    ...     sorted(path.name for path in written.glob("d*_sa.nii.gz"))
    ['dense_magnitude_sa.nii.gz', 'dense_phase_sa.nii.gz', 'displacement_sa.nii.gz']
    """
    wanted = cohort.ids_with("images") if ids is None else tuple(ids)
    return list(map_units(partial(_write_subject, cohort, Path(folder)), wanted))


def _write_subject(cohort: SimulatedCohort, folder: Path, subject_id: str) -> Path:
    own = folder / subject_id
    dense = cohort.dense(subject_id)
    write_cine(cohort.tagged(subject_id), own / TAGGED_FILE, bits=12)
    write_dense(dense, own)
    write_displacement(displacement_from_dense(dense, cohort.labels(subject_id)[0]), own / DISPLACEMENT_FILE)
    return own
