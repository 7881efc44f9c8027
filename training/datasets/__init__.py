"""The data sets a model can be trained on, one file each."""
