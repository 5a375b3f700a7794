"""The doors by name; a door's module is loaded when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from benchmarks.fuzz.cases import Door

_PLACES = {
    "nifti_plain": "nifti.PLAIN",
    "nifti_gzip": "nifti.GZIP",
    "label_map": "labels.DOOR",
    "dicom": "dicom.DOOR",
    "vtk_text": "vtk.TEXT",
    "vtk_binary": "vtk.BINARY",
    "points_text": "points.DOOR",
    "csv": "tables.DOOR",
    "acdc_info": "acdc.DOOR",
    "motion_npz": "archives.MOTION",
    "network_npz": "archives.SURVIVAL",
    "segmentation_npz": "archives.SEGMENTATION",
    "segmentation_pt": "archives.TORCH",
    "pipeline_zip": "archives.PIPELINE",
    "pickle": "pickles.DOOR",
    "json": "side_files.DOOR",
    "parameters": "parameters.DOOR",
}


class _Doors(Mapping[str, Door]):
    def __getitem__(self, name: str) -> Door:
        module, _, attribute = _PLACES[name].partition(".")
        door: Door = getattr(importlib.import_module(f"benchmarks.fuzz.doors.{module}"), attribute)
        return door

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


DOORS: Mapping[str, Door] = _Doors()
