"""Pages and tables of a run: index, TRIPOD items, comparison, verification."""
