"""Preparing data, training, evaluating and exporting model bundles."""
