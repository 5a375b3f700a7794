"""DICOM studies of cardiac MR in and out: files to a short-axis cine, and a simulated cine to files."""

from cardiolib.imaging.dicom.files_given import GivenFiles
from cardiolib.imaging.dicom.identity import Pseudonyms
from cardiolib.imaging.dicom.loading import load_scan
from cardiolib.imaging.dicom.planning import DicomChoices, ScanPlan, plan_scan
from cardiolib.imaging.dicom.study import StudyFiles, read_study_files
from cardiolib.imaging.dicom.tags import DicomError
from cardiolib.imaging.dicom.writing import simulated_frame, write_simulated_study

__all__ = [
    "DicomChoices",
    "DicomError",
    "GivenFiles",
    "Pseudonyms",
    "ScanPlan",
    "StudyFiles",
    "load_scan",
    "plan_scan",
    "read_study_files",
    "simulated_frame",
    "write_simulated_study",
]
