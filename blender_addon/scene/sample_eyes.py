"""Eyes for the sample head: the template's eyeball on rings about its gaze, so that iris and pupil
have round edges. The template's own eyeballs are too coarse for a material edge to follow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.template import InnerPart

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# An adult eye: eyeball 12 mm, iris 5.9, pupil 1.9; angles seen from the middle of the eyeball.
_PUPIL_ANGLE, _IRIS_ANGLE = np.arcsin(1.9 / 12.0), np.arcsin(5.9 / 12.0)
_NUM_SEGMENTS = 36
_NUM_IRIS_RINGS, _NUM_WHITE_RINGS = 3, 11
# Vertices of the template's eyeball that tell how far out it reaches in one direction.
_NUM_NEIGHBOURS = 6


def round_eye(part: InnerPart) -> tuple[FloatArray, IntArray, NDArray[np.str_]]:
    """Vertices (P, 3) mm, triangles (Q, 3) and materials (Q,) of an eyeball that looks along +Z."""
    angles = np.concatenate(
        [
            [_PUPIL_ANGLE],
            np.linspace(_PUPIL_ANGLE, _IRIS_ANGLE, _NUM_IRIS_RINGS + 1)[1:],
            np.linspace(_IRIS_ANGLE, np.pi, _NUM_WHITE_RINGS + 1)[1:-1],
        ]
    )
    materials = np.where(angles > _IRIS_ANGLE + 1e-6, "Eye White", "Iris")
    directions = _directions(angles)
    vertices = _middle(part) + directions * _reach(part, directions)[:, None]
    triangles, ring_of = _triangles(len(angles))
    return vertices, triangles, np.array(["Pupil", *materials[1:], "Eye White"])[ring_of]


def _middle(part: InnerPart) -> FloatArray:
    """(3,) middle of the eyeball's bounding box, moved back from the bulge of the cornea."""
    low, high = part.vertices.min(axis=0), part.vertices.max(axis=0)
    radius = (high - low)[:2].mean() / 2.0
    return np.array([(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0, low[2] + radius])


def _directions(angles: FloatArray) -> FloatArray:
    """(P, 3) unit vectors: the front pole, a ring per angle from it, the back pole."""
    around = np.arange(_NUM_SEGMENTS) * 2.0 * np.pi / _NUM_SEGMENTS
    rings = np.stack(
        [
            np.sin(angles)[:, None] * np.cos(around),
            np.sin(angles)[:, None] * np.sin(around),
            np.broadcast_to(np.cos(angles)[:, None], (len(angles), _NUM_SEGMENTS)),
        ],
        axis=-1,
    )
    return np.concatenate([[[0.0, 0.0, 1.0]], rings.reshape(-1, 3), [[0.0, 0.0, -1.0]]])


def _reach(part: InnerPart, directions: FloatArray) -> FloatArray:
    """(P,) mm from the middle to the template's eyeball, smoothed over its nearest vertices."""
    arms = part.vertices - _middle(part)
    lengths = np.linalg.norm(arms, axis=1)
    distances, rows = cKDTree(arms / lengths[:, None]).query(directions, k=_NUM_NEIGHBOURS)
    weights = 1.0 / (distances + 0.02)
    return (weights * lengths[rows]).sum(axis=1) / weights.sum(axis=1)


def _triangles(num_rings: int) -> tuple[IntArray, IntArray]:
    """(Q, 3) triangles facing outward, and (Q,) which band each lies in; 0 is the front cap."""
    here = np.arange(_NUM_SEGMENTS)
    there = np.roll(here, -1)
    last = 1 + num_rings * _NUM_SEGMENTS
    rows = [np.stack([np.zeros_like(here), 1 + here, 1 + there], axis=1)]
    for ring in range(num_rings - 1):
        inner, outer = 1 + ring * _NUM_SEGMENTS, 1 + (ring + 1) * _NUM_SEGMENTS
        rows.append(np.stack([inner + here, outer + here, outer + there], axis=1))
        rows.append(np.stack([inner + here, outer + there, inner + there], axis=1))
    final = last - _NUM_SEGMENTS
    rows.append(np.stack([final + here, np.full_like(here, last), final + there], axis=1))
    bands = [0, *np.repeat(np.arange(1, num_rings), 2), num_rings]
    return np.concatenate(rows), np.repeat(bands, _NUM_SEGMENTS)
