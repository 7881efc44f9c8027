"""Building templates: ours, and one of a recorded set's own topology."""
