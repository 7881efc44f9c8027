"""World matrices as curves of location, rotation and scale."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from . import actions

FloatArray = NDArray[np.floating]

# Matrices nearer than this, in units of the scene, stand still.
STILL = 1e-6


def is_moving(places: FloatArray) -> bool:
    """Whether (T, 4, 4) matrices change."""
    return len(places) > 1 and bool(np.abs(places - places[0]).max() > STILL)


def write_places(
    fcurves: bpy.types.bpy_prop_collection, prefix: str, places: FloatArray, frames: FloatArray
) -> None:
    """Curves of location, quaternion and scale that follow (T, 4, 4) matrices."""
    parts = [Matrix(place.tolist()).decompose() for place in places]
    rotations = [parts[0][1]]
    for _, rotation, _ in parts[1:]:
        rotation.make_compatible(rotations[-1])
        rotations.append(rotation)
    columns = {
        "location": np.array([location for location, _, _ in parts], np.float64),
        "rotation_quaternion": np.array(rotations, np.float64),
        "scale": np.array([size for _, _, size in parts], np.float64),
    }
    for path, values in columns.items():
        for index, column in enumerate(values.T):
            fcurve = fcurves.new(f"{prefix}{path}", index=index)
            actions.set_linear_keys(fcurve, frames, column)
