"""Folders in the layout of 4Dsegment: read and written."""
