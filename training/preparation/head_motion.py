"""The rigid part of a recorded motion: the head's, which is taken out, and the jaw's, estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.template import Template

FloatArray = NDArray[np.floating]

# Recordings of whole heads have this share of their vertices on skull and ears. Those that end at
# the hairline do not: there, the temples help (landmarks 0 and 16, ends of the jaw line).
WHOLE_HEAD_SHARE = 0.05
TEMPLE_LANDMARKS, TEMPLE_RADIUS_MM = (0, 16), 20.0
# Fewer vertices than this cannot speak for a head: then all skin does.
MIN_STILL_VERTICES = 40
# Points farther than this from the rigid fit moved by themselves (scale of the Cauchy weights).
STILL_DEVIATION_MM = 0.3
ROBUST_STEPS = 8
# A skull that never moves more than this was held still by whoever made the data.
RIGID_NOISE_MM = 0.05
# The skin of the chin follows the bone best: at the jaw's corners cheeks pull it.
CHIN_LANDMARKS, CHIN_RADIUS_MM = (7, 8, 9), 12.0
MIN_CHIN_VERTICES = 8


@dataclass(frozen=True, eq=False)
class RigidMotion:
    """x ↦ rotation · x + translation: rotation (3, 3), translation (3,) mm."""

    rotation: FloatArray
    translation: FloatArray

    def apply(self, points: FloatArray) -> FloatArray:
        """(..., 3) points."""
        return points @ self.rotation.T + self.translation


def fit_rigid(
    points: FloatArray, goals: FloatArray, weights: FloatArray | None = None
) -> RigidMotion:
    """The best rigid motion of (P, 3) points to goals, weighted by (P,) (Kabsch 1976)."""
    points, goals = np.asarray(points, np.float64), np.asarray(goals, np.float64)
    shares = np.full(len(points), 1.0) if weights is None else weights
    shares = shares / shares.sum()
    centre, goal_centre = shares @ points, shares @ goals
    covariance = ((goals - goal_centre) * shares[:, None]).T @ (points - centre)
    left, _, right = np.linalg.svd(covariance)
    left[:, 2] *= np.sign(np.linalg.det(left @ right))
    rotation = left @ right
    return RigidMotion(rotation, goal_centre - rotation @ centre)


def still_vertices(template: Template) -> NDArray[np.integer]:
    """(S,) vertices that only the head as a whole moves: skull and ears.

    Recordings that end at the hairline have few of them: temples stand in, or all skin, and what
    moves by itself loses its weight in `head_motion`. Measured on six expressions played over turns
    of 4°: 0.07 mm are left of the head's motion with a skull, 0.17 mm without, 0.3 mm by all skin.
    """
    regions = template.regions
    is_still = regions["scalp"] + regions["ear_left"] + regions["ear_right"] > 0.5
    if is_still.mean() < WHOLE_HEAD_SHARE:
        is_still |= _near(template, TEMPLE_LANDMARKS, TEMPLE_RADIUS_MM)
    if is_still.sum() < MIN_STILL_VERTICES:
        is_still[:] = True
    return np.flatnonzero(is_still & (_inside(template) < 0.5))


def head_motion(frame: FloatArray, neutral: FloatArray, still: NDArray) -> RigidMotion:
    """What takes a frame (V, 3) back onto its neutral (V, 3), mm, judged by the still vertices.

    Iteratively reweighted least squares with Cauchy weights: a brow that moves is an outlier.
    """
    points, goals = frame[still], neutral[still]
    weights = np.ones(len(still))
    for _ in range(ROBUST_STEPS):
        motion = fit_rigid(points, goals, weights)
        distances = np.linalg.norm(motion.apply(points) - goals, axis=1)
        weights = 1.0 / (1.0 + (distances / STILL_DEVIATION_MM) ** 2)
    return motion


def moves_as_a_whole(frames: FloatArray, neutral: FloatArray, still: NDArray) -> bool:
    """Whether the skull moves in (T, V, 3) frames: by more than noise, relative to the neutral."""
    distances = np.linalg.norm(frames[:, still] - neutral[still], axis=2)
    return bool(np.median(distances, axis=1).max() > RIGID_NOISE_MM)


def chin_vertices(template: Template) -> NDArray[np.integer]:
    """(J,) skin over the chin, at least a handful on a coarse mesh."""
    landmarks = template.landmark_positions[list(CHIN_LANDMARKS)]
    distances = cKDTree(landmarks).query(template.vertices)[0]
    distances[template.regions["mouth_bag"] > 0.5] = np.inf
    reach = max(CHIN_RADIUS_MM, float(np.sort(distances)[MIN_CHIN_VERTICES - 1]))
    return np.flatnonzero(distances <= reach)


def jaw_poses(
    displacements: FloatArray, neutral: FloatArray, pivot: FloatArray, chin: NDArray
) -> NDArray[np.float32]:
    """(T, 6) poses of the lower jaw about the pivot, estimated from the skin over the chin.

    displacements: (T, V, 3) mm. Soft tissue slides over the bone, so only what a jaw can do is
    read off it: opening (about X, never past the closed teeth) and going aside (about Y), by linear
    least squares. Against the jaw that the default bundle generates beside its skin: within 0.04
    radians for five expressions, and 0.23 instead of 0.29 for surprise. Exactly 0 at rest.
    """
    arms = neutral[chin] - pivot
    turns = np.stack([np.cross(axis, arms) for axis in np.eye(3)[:2]], axis=-1)  # (J, 3, 2)
    solve = np.linalg.pinv(turns.reshape(-1, 2))
    poses = np.zeros((len(displacements), 6), np.float32)
    poses[:, :2] = displacements[:, chin].reshape(len(displacements), -1) @ solve.T
    poses[:, 0] = np.maximum(poses[:, 0], 0.0)
    return poses


def _inside(template: Template) -> FloatArray:
    """(V,) eyes and mouth, whose parts move by themselves."""
    names = ("mouth_bag", "eye_socket_left", "eye_socket_right")
    return np.max([template.regions[name] for name in names], axis=0)


def _near(template: Template, numbers: tuple[int, ...], radius_mm: float) -> NDArray[np.bool_]:
    """(V,) vertices within a radius of some landmarks."""
    landmarks = template.landmark_positions[list(numbers)]
    return cKDTree(landmarks).query(template.vertices)[0] < radius_mm
