"""The shapes of FACS in a model bundle."""
