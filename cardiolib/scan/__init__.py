"""One scan from image to page: segmented, judged, tracked, written; and many scans at once."""

from cardiolib.scan.controls import simulated_controls
from cardiolib.scan.indices import INDICES
from cardiolib.scan.inputs import ScanInput, find_scans
from cardiolib.scan.many import ScanOutcome, ScanPlan, exit_status, scan_many, summary
from cardiolib.scan.reported import ScanReport, report
from cardiolib.scan.result import ScanResult, analyse_scan
from cardiolib.scan.risk import Risk, RiskModel, read_risk_model, risk_of

__all__ = [
    "INDICES",
    "Risk",
    "RiskModel",
    "ScanInput",
    "ScanOutcome",
    "ScanPlan",
    "ScanReport",
    "ScanResult",
    "analyse_scan",
    "exit_status",
    "find_scans",
    "read_risk_model",
    "report",
    "risk_of",
    "scan_many",
    "simulated_controls",
    "summary",
]
