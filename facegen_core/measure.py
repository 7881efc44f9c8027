"""What a clip did to a head, in millimetres on a head of real size: the numbers of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .intensity import EXPRESSIONS
from .metrics import weighted_mean
from .pipeline import Clip
from .registration.alignment import Alignment, vertices_moving

FloatArray = NDArray[np.floating]

_RIGHT_CORNER, _LEFT_CORNER = 48, 54
_OUTWARD = {_RIGHT_CORNER: -1.0, _LEFT_CORNER: 1.0}  # +X is the subject's left
# Vertices this near a landmark speak for it: about the spacing of a game head's mouth.
_LANDMARK_RADIUS_MM = 4.0


@dataclass(frozen=True)
class CornerMotion:
    """How far the mouth corners went, mean of both sides, mm; up and outward are positive."""

    up: float
    outward: float
    length: float


@dataclass(frozen=True)
class ApexMeasure:
    """One expression at its strongest frame.

    max_mm, mean_mm: vertex displacement, the mean over the face region.
    """

    expression: str
    frame_index: int
    intensity: float
    max_mm: float
    mean_mm: float
    mouth_corners: CornerMotion


def measure_apexes(
    alignment: Alignment, clip: Clip, expressions: Sequence[str] = EXPRESSIONS
) -> tuple[ApexMeasure, ...]:
    """One measure per expression that is asked for, at the middle of its strongest frames.

    expressions: the names of the clip's channels, as its bundle has them.
    """
    measures = []
    for channel, expression in enumerate(expressions):
        curve = clip.intensities[:, channel]
        if curve.max() <= 0:
            continue
        strongest = np.flatnonzero(curve == curve.max())
        index = int(strongest[len(strongest) // 2])
        displacement = alignment.fit.similarity.apply_vectors(clip.displacements[index])
        lengths = np.linalg.norm(displacement, axis=1)
        face = alignment.region_weights["face"]
        measures.append(
            ApexMeasure(
                expression,
                index,
                float(curve.max()),
                float(lengths.max()),
                weighted_mean(lengths, face) if face.any() else 0.0,
                _corner_motion(alignment, displacement),
            )
        )
    return tuple(measures)


def largest_displacement_mm(clip: Clip, frame_index: int) -> float:
    """Largest vertex displacement of one frame, mm."""
    lengths = np.linalg.norm(clip.displacements[frame_index], axis=1)
    return float(lengths.max() * clip.mm_per_unit)


def _corner_motion(alignment: Alignment, displacement: FloatArray) -> CornerMotion:
    """Read the mouth corners off the target's own skin, not off the template."""
    skin = vertices_moving(alignment.parts, "skin")
    if len(skin) == 0:  # the artist called it something else
        return CornerMotion(0.0, 0.0, 0.0)
    tree = cKDTree(alignment.fit.similarity.apply(alignment.target.vertices[skin]))
    moves = {}
    for corner in _OUTWARD:
        near = tree.query_ball_point(alignment.fit.landmarks[corner], _LANDMARK_RADIUS_MM)
        if not near:
            near = [int(tree.query(alignment.fit.landmarks[corner])[1])]
        moves[corner] = displacement[skin[near]].mean(axis=0)
    return CornerMotion(
        up=float(np.mean([m[1] for m in moves.values()])),
        outward=float(np.mean([_OUTWARD[c] * m[0] for c, m in moves.items()])),
        length=float(np.mean([np.linalg.norm(m) for m in moves.values()])),
    )
