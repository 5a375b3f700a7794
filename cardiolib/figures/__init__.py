"""Figures in journal style, with the numbers they draw beside them."""
