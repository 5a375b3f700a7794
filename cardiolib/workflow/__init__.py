"""Profiles, stage table, runner, provenance, and the session a notebook opens."""

from cardiolib.workflow.session import Session, begin
from cardiolib.workflow.standing import RunStatus, run_status, start_run

__all__ = ["RunStatus", "Session", "begin", "run_status", "start_run"]
