"""Shape of both ventricles: what a label map says of it, a statistical model, and a smooth surface fitted to it."""

from cardiolib.shape.evidence import Evidence, contour_points
from cardiolib.shape.example_shape import ExampleShape, SurfaceErrors
from cardiolib.shape.fit import FittedModel, FittedShape, ShapeFitSettings, fit_model, fit_shape
from cardiolib.shape.interpolation import estimate_slice_shifts
from cardiolib.shape.landmarks import base_is_last_slice, landmarks_from_labels
from cardiolib.shape.model import (
    ShapeModel,
    heart_shape_model,
    learn_shape_model,
    read_model,
    sample_hearts,
    write_model,
)
from cardiolib.shape.refine import RefinedShape, refine_shape

__all__ = [
    "Evidence",
    "ExampleShape",
    "FittedModel",
    "FittedShape",
    "RefinedShape",
    "ShapeFitSettings",
    "ShapeModel",
    "SurfaceErrors",
    "base_is_last_slice",
    "estimate_slice_shifts",
    "fit_model",
    "fit_shape",
    "heart_shape_model",
    "learn_shape_model",
    "read_model",
    "landmarks_from_labels",
    "contour_points",
    "refine_shape",
    "sample_hearts",
    "write_model",
]
