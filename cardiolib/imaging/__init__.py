"""Cine images and label maps: voxels that know where they are."""

from cardiolib.imaging.alignment import on_grid_of
from cardiolib.imaging.cine import Cine
from cardiolib.imaging.cropping import (
    crop_start,
    crop_to_heart,
    flip_axis,
    normalise_intensity,
    pad_or_crop,
    pad_or_crop_image,
    resample_in_plane,
    resample_like,
    slice_axis_last,
)
from cardiolib.imaging.dense_cine import DenseCine
from cardiolib.imaging.displacement import DisplacementField
from cardiolib.imaging.geometry import reconcile_affine, same_place, spacing_of, voxel_from_world, world_from_voxel
from cardiolib.imaging.headers import FRAME_TIME_MS, ImageHeader, read_header
from cardiolib.imaging.labels import LabelMap, check_codes, check_scheme
from cardiolib.imaging.phases import ed_es_frames, volume_jump
from cardiolib.imaging.reading import read_cine, read_label_map, says_simulated, write_cine, write_label_map
from cardiolib.imaging.scan import Scan
from cardiolib.imaging.scan_reading import read_scan
from cardiolib.imaging.schemes import ACDC, FOURDSEGMENT, MMS, OURS, SCHEMES, STRUCTURES, LabelScheme
from cardiolib.imaging.unwrapping import displacement_from_dense
from cardiolib.imaging.vector_files import read_dense, read_displacement, write_dense, write_displacement

__all__ = [
    "ACDC",
    "FOURDSEGMENT",
    "FRAME_TIME_MS",
    "MMS",
    "OURS",
    "SCHEMES",
    "STRUCTURES",
    "Cine",
    "DenseCine",
    "DisplacementField",
    "ImageHeader",
    "LabelMap",
    "LabelScheme",
    "Scan",
    "check_codes",
    "check_scheme",
    "crop_start",
    "crop_to_heart",
    "displacement_from_dense",
    "ed_es_frames",
    "flip_axis",
    "normalise_intensity",
    "on_grid_of",
    "pad_or_crop",
    "pad_or_crop_image",
    "read_cine",
    "read_dense",
    "read_displacement",
    "read_header",
    "read_label_map",
    "read_scan",
    "reconcile_affine",
    "resample_in_plane",
    "resample_like",
    "same_place",
    "slice_axis_last",
    "spacing_of",
    "voxel_from_world",
    "world_from_voxel",
    "says_simulated",
    "volume_jump",
    "write_cine",
    "write_dense",
    "write_displacement",
    "write_label_map",
]
