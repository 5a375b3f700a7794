"""Segmentation: one network for labels and landmarks, its training, and what is read off its label maps."""

from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.cleaning import clean_labels
from cardiolib.segmentation.examples import Example, make_examples, split_by_subject
from cardiolib.segmentation.frame_reading import FrameReading, read_frame
from cardiolib.segmentation.given_labels import segmentation_from_labels
from cardiolib.segmentation.inference import Segmentation, segment_scan
from cardiolib.segmentation.measures import agreement, clinical_measures, compare_label_maps, dice, surface_distances
from cardiolib.segmentation.network import SegmentationNetwork
from cardiolib.segmentation.settings import SegmentationSettings
from cardiolib.segmentation.simulation import simulate_training_scans
from cardiolib.segmentation.training import fine_tune, train_network

__all__ = [
    "Example",
    "FrameReading",
    "Segmentation",
    "SegmentationNetwork",
    "SegmentationSettings",
    "TrainedNetwork",
    "agreement",
    "clean_labels",
    "clinical_measures",
    "compare_label_maps",
    "dice",
    "fine_tune",
    "make_examples",
    "read_frame",
    "segment_scan",
    "segmentation_from_labels",
    "simulate_training_scans",
    "split_by_subject",
    "surface_distances",
    "train_network",
]
