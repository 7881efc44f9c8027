"""Axes: Blender's world (Z up, a face looks along -Y) and the core's (Y up, towards +Z).

Both are right-handed, so the change is a quarter turn about X and keeps lengths. Units stay the
scene's; registration finds how many millimetres one of them is for the head at hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

MM_PER_METRE = 1000.0

# core = CORE_FROM_BLENDER @ blender, for column vectors.
CORE_FROM_BLENDER: FloatArray = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
BLENDER_FROM_CORE: FloatArray = CORE_FROM_BLENDER.T


def to_core(vectors: FloatArray) -> FloatArray:
    """(..., 3) points or directions of Blender's world in the core's axes."""
    return np.asarray(vectors) @ CORE_FROM_BLENDER.T


def to_blender(vectors: FloatArray) -> FloatArray:
    """(..., 3) points or directions of the core in the axes of Blender's world."""
    return np.asarray(vectors) @ BLENDER_FROM_CORE.T


def units_per_mm(unit_scale: float) -> float:
    """Scene units in one millimetre, given `scene.unit_settings.scale_length` (metres per unit)."""
    return 1.0 / (MM_PER_METRE * unit_scale)
