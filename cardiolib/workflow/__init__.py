"""Profiles, stage table, runner, provenance, and the session a notebook opens."""

from cardiolib.workflow.session import Session, begin

__all__ = ["Session", "begin"]
