"""What nothing trained has to beat: class-mean landmarks, and radial basis functions for the skin.

Landmarks: the mean motion of the expression by the clock of its marks, times the amplitude of the
label (`reconstruction.ClassMeans`). Skin: displacements of 68 landmarks spread over the face by the
biharmonic kernel φ(r) = r in space, which needs no polynomial beside it (Micchelli 1986; Carr et
al. 2001), with points that keep still where faces do. So that one lip is not pulled by the other,
distances are measured as if the slits of mouth and lids stood open (in its favour: with plain
distances the edges of the lips tear into teeth).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from facegen_core.errors import LandmarkError
from facegen_core.landmarks import NUM_LANDMARKS
from facegen_core.template import Template
from training.evaluation.questions import Labels, Question
from training.expression_model.reconstruction import ClassMeans
from training.peers.timing import amplitude, mixed

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Landmarks that nearly coincide leave the coefficients to rounding.
_LARGEST_CONDITION = 1e10
# Anchors keep this far from landmarks, mm: closer they would hold back what moves.
_ANCHOR_DISTANCE = 10.0


@dataclass(frozen=True, eq=False)
class ClassMeanLandmarks:
    """The LandmarkGenerator of the evaluation; knows no chance, and no face."""

    labels: Labels
    means: ClassMeans

    def imagine(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        """(T, 68, 3) displacements, mm; the same for every seed."""
        frames = np.arange(question.sequence.num_frames)
        motions = []
        for part in self.labels.components(question):
            motion = self.means.motion(part.expression, part.marks, frames)
            motions.append(
                amplitude(self.labels, part) * motion.reshape(len(frames), NUM_LANDMARKS, 3)
            )
        return mixed(self.labels, question, motions).astype(np.float32)


@dataclass(frozen=True, eq=False)
class RBFSkin:
    """The SkinDecoder of the evaluation. anchors: (A,) vertices that keep still; slit_mm: how far
    apart slits stand for measuring, see `apart`.

    The weights of a face are computed once and kept for the last face.
    """

    template: Template
    anchors: IntArray
    slit_mm: float
    _last: dict[str, NDArray] = field(default_factory=dict)

    def decode(self, neutral: FloatArray, landmarks: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) displacements, mm, of (T, 68, 3) landmark displacements; zero stays zero."""
        weights = self._weights(np.asarray(neutral))
        return np.einsum("vl,tlx->tvx", weights, landmarks.astype(np.float32), optimize=True)

    def _weights(self, neutral: FloatArray) -> NDArray[np.float32]:
        if "neutral" not in self._last or not np.array_equal(self._last["neutral"], neutral):
            points = apart(self.template, neutral, self.slit_mm)
            corners = points[self.template.triangles[self.template.landmarks.triangle_indices]]
            shares = self.template.landmarks.barycentrics
            landmarks = np.einsum("lc,lcx->lx", shares, corners)
            self._last["weights"] = spreading_weights(points, landmarks, points[self.anchors])
            self._last["neutral"] = np.array(neutral)
        return self._last["weights"]


def spreading_weights(
    vertices: FloatArray, landmarks: FloatArray, anchors: FloatArray
) -> NDArray[np.float32]:
    """(V, L) what every vertex (V, n) takes from each landmark (L, n); none moves anchors (A, n).

    n: 3, or more where distances are not only of space.

    Raises LandmarkError where two landmarks coincide.
    """
    centres = np.concatenate([landmarks, anchors]).astype(np.float64)
    kernel = cdist(centres, centres)
    if np.linalg.cond(kernel) > _LARGEST_CONDITION:
        raise LandmarkError("Two landmarks lie in one point: nothing can be spread from both.")
    unit = np.eye(len(centres), len(landmarks))
    coefficients = np.linalg.solve(kernel, unit)
    return (cdist(vertices.astype(np.float64), centres) @ coefficients).astype(np.float32)


def apart(template: Template, neutral: FloatArray, slit_mm: float) -> FloatArray:
    """(V, 4) a face (V, 3) with a fourth coordinate that is higher above a slit than below it.

    What belongs to upper lip and lids lies `slit_mm` above the rest, what to the lower, below; the
    kernel is as good in four dimensions as in three.
    """
    regions = template.regions
    bag_lower = regions["mouth_bag_lower"]
    bag_upper = regions["mouth_bag"] - bag_lower
    upper = [regions["upper_lip"], bag_upper]
    lower = [regions["lower_lip"], bag_lower]
    for side in ("left", "right"):
        upper.append(regions[f"upper_lid_{side}"])
        lower.append(regions[f"lower_lid_{side}"])
    height = np.clip(np.sum(upper, axis=0), 0.0, 1.0) - np.clip(np.sum(lower, axis=0), 0.0, 1.0)
    return np.concatenate([neutral, slit_mm * height[:, None]], axis=1)


def choose_anchors(template: Template, motion: FloatArray, share: float, count: int) -> IntArray:
    """(A,) sorted vertices that hardly move, spread evenly: each the farthest from those before.

    motion: (V,) RMS displacement of every vertex in training, mm; those below `share` of the
    largest are still. Fewer than `count` where fewer are still and away from all landmarks.
    """
    vertices = template.vertices.astype(np.float64)
    to_landmarks = cdist(vertices, template.landmark_positions).min(axis=1)
    still = np.flatnonzero((motion <= share * motion.max()) & (to_landmarks > _ANCHOR_DISTANCE))
    if not len(still):
        return still
    chosen = [int(still[to_landmarks[still].argmax()])]
    nearest = np.full(len(still), np.inf)
    while len(chosen) < min(count, len(still)):
        to_last = np.linalg.norm(vertices[still] - vertices[chosen[-1]], axis=1)
        nearest = np.minimum(nearest, to_last)
        if nearest.max() == 0:
            break
        chosen.append(int(still[nearest.argmax()]))
    return np.sort(np.array(chosen))
