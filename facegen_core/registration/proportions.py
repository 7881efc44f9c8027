"""Smooth changes of proportion that no person of the identity basis has: stylised heads.

Lüthi et al. 2018, Gaussian Process Morphable Models: a statistical basis is widened by a smooth
kernel, so that it can follow what was not in its data and still prefers what was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..template import Template
from .closest_points import farthest_points

FloatArray = NDArray[np.floating]

# Stretch along an axis at one standard deviation: heads a quarter longer are then two away.
STRETCH_DEVIATION = 0.12
# Local swelling at one standard deviation, and how far it reaches: an eye, a mouth, a chin.
SWELLING_DEVIATION_MM, SWELLING_REACH_MM = 6.0, 36.0
NUM_SWELLINGS = 72
# Points at which the kernel is decomposed (Nyström); they lie closer than half its reach.
NUM_ANCHORS = 360


@dataclass(frozen=True, eq=False)
class SmoothModes:
    """K scalar fields over the template; each moves points along x, y and z independently.

    fields: (K, V) mm per unit of coefficient; coefficients are N(0, 1). The first three stretch
    the whole head, the others swell parts of it, widest first.
    """

    fields: FloatArray

    def displacements(self, coefficients: FloatArray) -> FloatArray:
        """(V, 3) mm for (3 K',) coefficients of the first K' fields, three for each."""
        axes = coefficients.reshape(-1, 3)
        return self.fields[: len(axes)].T @ axes

    def basis(self, rows: NDArray[np.integer], num_fields: int) -> FloatArray:
        """(3 K', P, 3) what each coefficient of the first K' fields does to the given vertices."""
        fields = self.fields[:num_fields, rows]
        basis = fields[:, None, :, None] * np.eye(3)[None, :, None, :]
        return basis.reshape(3 * len(fields), len(rows), 3)


@lru_cache(maxsize=2)
def smooth_modes(template: Template) -> SmoothModes:
    """Stretches of the head, and the strongest modes of a Gaussian kernel on its skin."""
    vertices = np.asarray(template.vertices, np.float64)
    stretches = STRETCH_DEVIATION * (vertices - vertices.mean(axis=0)).T
    anchors = vertices[farthest_points(vertices, NUM_ANCHORS)[0]]
    values, vectors = np.linalg.eigh(_kernel(anchors, anchors))
    strongest = np.argsort(-values)[:NUM_SWELLINGS]
    scale = np.sqrt(np.maximum(values[strongest], 1e-12))
    swellings = (_kernel(vertices, anchors) @ (vectors[:, strongest] / scale)).T
    return SmoothModes(np.concatenate([stretches, swellings]))


def _kernel(first: FloatArray, second: FloatArray) -> FloatArray:
    """(N, M) Gaussian covariance of the swelling at (N, 3) and (M, 3) points, mm²."""
    squared = np.sum(first**2, axis=1)[:, None] + np.sum(second**2, axis=1) - 2 * first @ second.T
    return SWELLING_DEVIATION_MM**2 * np.exp(-np.maximum(squared, 0.0) / SWELLING_REACH_MM**2)
