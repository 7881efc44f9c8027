"""World matrices: whether anything can stand there, and as curves of location and the like."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from . import actions

FloatArray = NDArray[np.floating]

# Matrices nearer than this, in units of the scene, stand still.
STILL = 1e-6
# Blender keeps an infinite location as the largest float there is, 3.4e38.
_NOWHERE = 1e38
# A transform whose volume is below this share of its largest axis cubed has lost an axis.
FLAT_TRANSFORM = 1e-9


def why_no_place(name: str, world: FloatArray) -> str:
    """Why nothing can stand at a (4, 4) world matrix; empty where it can."""
    linear, place = world[:3, :3], world[:3, 3]
    if np.isfinite(linear).all() and not (np.abs(place) < _NOWHERE).all():
        return f"'{name}' has a location that is no number: set it anew first."
    largest = np.abs(linear).max()
    if not np.isfinite(linear).all() or abs(np.linalg.det(linear)) <= FLAT_TRANSFORM * largest**3:
        return f"'{name}' has a scale of zero on at least one axis: set its scale first."
    return ""


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
