"""The generator in torch, and what of it is plain: config and names of weights.

Importing this package does not import torch.
"""
