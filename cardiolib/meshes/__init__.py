"""Surfaces in point correspondence: the same vertices in every phase, in and out of files."""

from cardiolib.meshes.distance import SurfaceDistance, distance_to_surface, surface_distance
from cardiolib.meshes.motion_files import frame_name, read_motion_folder, write_motion_folder
from cardiolib.meshes.sampling import covered_areas_mm2, farthest_point_indices, surface_samples
from cardiolib.meshes.sections import section_areas_mm2
from cardiolib.meshes.surface import REGION_NAMES, SurfaceMesh
from cardiolib.meshes.template import MATCHED_VERTICES, decimated_mesh, template_mesh
from cardiolib.meshes.text_files import (
    read_matched_points,
    read_point_scalars_txt,
    read_points_txt,
    refuse_cut_frames,
    write_matched_points,
    write_points_txt,
)
from cardiolib.meshes.topology import (
    boundary_loops,
    edges,
    enclosed_volume_ml,
    enclosed_volumes_ml,
    extract_regions,
    neighbours,
    orient,
    parts,
    weld,
)
from cardiolib.meshes.vtk_files import read_vtk, vtk_says_simulated, write_vtk

__all__ = [
    "MATCHED_VERTICES",
    "decimated_mesh",
    "template_mesh",
    "REGION_NAMES",
    "SurfaceDistance",
    "SurfaceMesh",
    "boundary_loops",
    "covered_areas_mm2",
    "distance_to_surface",
    "edges",
    "enclosed_volume_ml",
    "enclosed_volumes_ml",
    "extract_regions",
    "farthest_point_indices",
    "frame_name",
    "neighbours",
    "orient",
    "parts",
    "read_matched_points",
    "read_motion_folder",
    "read_point_scalars_txt",
    "read_points_txt",
    "read_vtk",
    "refuse_cut_frames",
    "section_areas_mm2",
    "surface_distance",
    "surface_samples",
    "vtk_says_simulated",
    "weld",
    "write_matched_points",
    "write_motion_folder",
    "write_points_txt",
    "write_vtk",
]
