"""`FaceMotion`: what a generator makes; and rigid poses of the jaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .errors import BundleError

FloatArray = NDArray[np.floating]

# A hundred metres.
LARGEST_MM = 1e5


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """Motion of the template over T frames.

    skin: (T, V, 3) float32, displacement of every skin vertex from the neutral, mm.
    jaw: (T, 6) float32, pose of the lower jaw: rotation vector (radians) about the jaw pivot, then
    translation (mm). Lower teeth and tongue follow it rigidly, whatever the skin does.
    neutral: (V, 3) mm, the face this motion is for; None for the template's own.
    """

    skin: FloatArray
    jaw: FloatArray
    neutral: FloatArray | None = None

    @property
    def num_frames(self) -> int:
        return len(self.skin)


def check_motion(*moved: FloatArray) -> None:
    """Raise BundleError where a model has made numbers that are no motion of a face.

    Its weights are within reason when it is opened, but their products may lie beyond float32.
    """
    if not all(
        -LARGEST_MM <= m.min(initial=0.0) and m.max(initial=0.0) <= LARGEST_MM for m in moved
    ):
        raise BundleError(
            "The model makes motion that no face can make: its file is damaged or badly trained; "
            "get it again, or choose another."
        )


def is_moving(displacements: FloatArray) -> NDArray[np.bool_]:
    """(T,) frames of (N, T, 3) displacements in which anything moves.

    Through the extremes: `any` over two axes takes ten times as long.
    """
    if len(displacements) == 0:
        return np.zeros(displacements.shape[1], bool)
    is_any = (displacements.max(axis=0) != 0) | (displacements.min(axis=0) != 0)
    return np.asarray(is_any.any(axis=1))


def pose_points(points: FloatArray, pivot: FloatArray, poses: FloatArray) -> FloatArray:
    """(T, P, 3) positions of (P, 3) points moved by (T, 6) poses about a (3,) pivot."""
    matrices = Rotation.from_rotvec(poses[:, :3]).as_matrix()  # (T, 3, 3)
    turned = np.einsum("txy,py->tpx", matrices, points - pivot)
    return turned + pivot + poses[:, None, 3:]


def fit_pose(points: FloatArray, moved: FloatArray, pivot: FloatArray) -> FloatArray:
    """(6,) rigid pose about the pivot that best takes (P, 3) points to moved (Kabsch 1976)."""
    centre, moved_centre = points.mean(axis=0), moved.mean(axis=0)
    rotation, _ = Rotation.align_vectors(moved - moved_centre, points - centre)
    translation = moved_centre - pivot - rotation.apply(centre - pivot)
    return np.concatenate([rotation.as_rotvec(), translation])
