"""Two trackers of material points through a cine, and what they share."""
