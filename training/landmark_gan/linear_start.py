"""The linear map the generators start from: ridge regression of motion on the signal's features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facegen_core.conditioning import rest_gate
from training.landmark_gan.batches import BatchSource

# Batches the map is found on, and how much it is held back, in parts of the features' size.
NUM_BATCHES = 200
RIDGE = 1e-5


def linear_start(source: BatchSource, unit: float) -> NDArray[np.float32]:
    """(204, F) that takes features to motion in units of `unit` mm, as the rest gate lets it."""
    gram: NDArray[np.float64] | float = 0.0
    products: NDArray[np.float64] | float = 0.0
    num_expressions = source.num_expressions
    for number in range(NUM_BATCHES):
        batch = source.draw(number, -1, slice(None))
        features = batch.features.numpy().astype(np.float64)
        features = features.reshape(-1, features.shape[2])
        gate = rest_gate(features[:, :num_expressions], source.config.rest_gate)
        features *= gate[:, None]
        motion = batch.motion.numpy().reshape(len(features), -1) / unit
        gram = gram + features.T @ features
        products = products + features.T @ motion
    assert isinstance(gram, np.ndarray)
    held = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.linalg.solve(gram + held, products).T.astype(np.float32)
