"""DICOM studies of cardiac MR in and out: files to a short-axis cine, and a simulated cine to files."""
