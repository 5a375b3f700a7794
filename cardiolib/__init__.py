"""cardiolib: from cine cardiac MR to survival, with known truth at every stage (Bello et al. 2019)."""

__version__ = "0.1.0"
