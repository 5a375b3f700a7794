"""Segmentation: one network for labels and landmarks, its training, and what is read off its label maps."""

from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.cleaning import clean_labels
from cardiolib.segmentation.examples import Example, make_examples, split_by_subject
from cardiolib.segmentation.inference import Segmentation, segment_scan
from cardiolib.segmentation.landmarks import base_is_last_slice, landmarks_from_labels
from cardiolib.segmentation.measures import (
    agreement,
    clinical_measures,
    compare_label_maps,
    dice,
    surface_distances,
)
from cardiolib.segmentation.network import SegmentationNetwork
from cardiolib.segmentation.settings import SegmentationSettings
from cardiolib.segmentation.shape import RefinedShape, refine_shape
from cardiolib.segmentation.shape_evidence import Evidence, outline_points
from cardiolib.segmentation.shape_fit import FittedModel, FittedShape, ShapeFitSettings, fit_model, fit_shape
from cardiolib.segmentation.shape_interpolation import estimate_slice_shifts
from cardiolib.segmentation.shape_model import ShapeModel, heart_shape_model, sample_hearts
from cardiolib.segmentation.simulation import simulate_training_scans
from cardiolib.segmentation.training import fine_tune, train_network

__all__ = [
    "Evidence",
    "Example",
    "FittedModel",
    "FittedShape",
    "RefinedShape",
    "Segmentation",
    "SegmentationNetwork",
    "SegmentationSettings",
    "ShapeFitSettings",
    "ShapeModel",
    "TrainedNetwork",
    "agreement",
    "base_is_last_slice",
    "clean_labels",
    "clinical_measures",
    "compare_label_maps",
    "dice",
    "estimate_slice_shifts",
    "fine_tune",
    "fit_model",
    "fit_shape",
    "heart_shape_model",
    "landmarks_from_labels",
    "make_examples",
    "outline_points",
    "refine_shape",
    "sample_hearts",
    "segment_scan",
    "simulate_training_scans",
    "split_by_subject",
    "surface_distances",
    "train_network",
]
