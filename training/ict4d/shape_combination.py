"""Several expression shapes at once, combined as the rotations and stretches they are made of.

Sumner, Zwicker, Gotsman & Popović, "Mesh-based inverse kinematics" (MeshIK), SIGGRAPH 2005: each
shape k turns and stretches the space around a triangle by S_k = R_k U_k (polar decomposition); with
activations a the triangle gets T = exp(Σ a_k log R_k) (I + Σ a_k (U_k - I)), and one Poisson solve
finds the face whose triangles do that. A single shape at full activation is met exactly, half of
one turns half as far. Adding displacements instead shortens whatever turns: an opening jaw cuts the
corner of its arc.

Only the difference from the plain sum of displacements is solved for: it is small, smooth in time,
and exactly 0 at rest. Its screening pulls the jaw's skin along the arc about the condyles.

Deviation: the S_k are the template's, polar-decomposed once; deformation transfer gives every face
the same ones. Triangles of the folds that turn by almost half a turn, or inside out, have no
logarithm to interpolate and are combined linearly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facegen_core.deformation_transfer import FaceEquations, SourceShapes
from facegen_core.motion import pose_points

FloatArray = NDArray[np.floating]

# Beyond this angle, radians, the logarithm of a rotation is ambiguous for a folded triangle.
MAX_TURN = 2.6
# A shape counts wholly from this activation on where it is asked which skin may move at all.
FULL_ACTIVATION = 0.05
# Frames combined at a time: bounds memory.
_FRAMES_AT_ONCE = 8


@dataclass(frozen=True, eq=False)
class TurnsAndStretches:
    """How K shapes turn and stretch F triangles: component first, so that sums run at full speed.

    turns: (K, 3, F) log R_k, rotation vectors. stretches: (K, 9, F) U_k - I, row by row.
    linear: (K, 9, F) S_k - I, what a plain sum of displacements would add up.
    """

    turns: NDArray[np.float32]
    stretches: NDArray[np.float32]
    linear: NDArray[np.float32]

    @classmethod
    def of(cls, source: SourceShapes) -> TurnsAndStretches:
        """Polar decomposition of every triangle of every shape; a few seconds for 53 shapes."""
        K, F = len(source.displacements), len(source.triangles)  # noqa: N806
        turns = np.zeros((K, 3, F), np.float32)
        linear = source.stretches.reshape(F, 3, K, 3).transpose(2, 3, 1, 0).reshape(K, 9, F)
        stretches = linear.copy()
        for k in range(K):
            used = np.flatnonzero(linear[k].any(axis=0))
            S = linear[k][:, used].T.reshape(-1, 3, 3).astype(np.float64) + np.eye(3)  # noqa: N806
            left, sizes, right = np.linalg.svd(S)
            rotation = left @ right
            vectors = np.zeros((len(used), 3))
            is_proper = np.linalg.det(rotation) > 0
            vectors[is_proper] = Rotation.from_matrix(rotation[is_proper]).as_rotvec()
            is_proper &= np.linalg.norm(vectors, axis=1) < MAX_TURN
            good = used[is_proper]
            turns[k][:, good] = vectors[is_proper].T
            U = right.transpose(0, 2, 1) @ (sizes[..., None] * right) - np.eye(3)  # noqa: N806
            stretches[k][:, good] = U[is_proper].reshape(-1, 9).T
        return cls(turns, stretches, np.ascontiguousarray(linear))

    def beyond_linear(self, activations: FloatArray) -> NDArray[np.float32]:
        """(B, 3, 3, F) T - I - Σ a_k (S_k - I) of (B, K) activations."""
        used = np.flatnonzero(activations.any(axis=0))
        B, F = len(activations), self.turns.shape[2]  # noqa: N806
        weights = activations[:, used].astype(np.float32)
        turn = (weights @ self.turns[used].reshape(len(used), 3 * F)).reshape(B, 3, F)
        stretch = (weights @ self.stretches[used].reshape(len(used), 9 * F)).reshape(B, 3, 3, F)
        result = (weights @ -self.linear[used].reshape(len(used), 9 * F)).reshape(B, 3, 3, F)
        result += stretch
        stretch[:, [0, 1, 2], [0, 1, 2]] += 1.0
        angle = np.sqrt((turn * turn).sum(axis=1))
        first = np.sinc(angle / np.pi)  # sin θ / θ
        half = np.sinc(angle / (2 * np.pi))
        second = 0.5 * half * half  # (1 - cos θ) / θ²
        for column in range(3):  # Rodrigues' formula on each column of the stretch
            turned = _cross(turn, stretch[:, :, column])
            result[:, :, column] += first[:, None] * turned
            result[:, :, column] += second[:, None] * _cross(turn, turned)
        return result


@dataclass(frozen=True, eq=False)
class JawArc:
    """How a face's jaw turns: (K, 6) poses of the shapes, about this face's own pivot (3,).

    follows: (V,) how much of the jaw's motion each vertex of the skin makes. pivot: as below;
    template_pivot: (3,) the point that the poses of a sequence are told about.
    """

    poses: FloatArray
    pivot: FloatArray
    template_pivot: FloatArray
    follows: FloatArray

    @staticmethod
    def skin_follows(source: SourceShapes, poses: FloatArray, pivot: FloatArray) -> FloatArray:
        """(V,) in [0, 1], read off the shape that turns the template's jaw the most."""
        opening = int(np.linalg.norm(poses[:, :3], axis=1).argmax())
        rigid = pose_points(source.neutral, pivot, poses[opening][None])[0] - source.neutral
        along = (source.displacements[opening] * rigid).sum(axis=1)
        return np.clip(along / np.maximum((rigid**2).sum(axis=1), 1e-6), 0.0, 1.0)

    def beyond_linear(self, neutral: FloatArray, activations: FloatArray) -> FloatArray:
        """(B, V, 3) from the sum of the chords to the arc, of (B, K) activations."""
        offsets = self.follows[:, None] * (neutral - self.pivot)
        chords = Rotation.from_rotvec(self.poses[:, :3]).as_matrix() - np.eye(3)  # (K, 3, 3)
        turns = Rotation.from_rotvec(activations @ self.poses[:, :3]).as_matrix() - np.eye(3)
        turns -= np.tensordot(activations, chords, axes=1)
        return offsets @ turns.transpose(0, 2, 1)

    def track(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, 6) pose of each frame about the template's pivot: a turn in proportion."""
        poses = np.asarray(activations, np.float64) @ self.poses
        offset = self.pivot - self.template_pivot
        poses[:, 3:] += offset - Rotation.from_rotvec(poses[:, :3]).apply(offset)
        return poses.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Combination:
    """What it takes to combine the shapes of one face with a (V, 3) neutral, mm."""

    parts: TurnsAndStretches
    supports: NDArray[np.float32]
    equations: FaceEquations
    jaw: JawArc
    neutral: FloatArray

    def beyond_linear(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) mm to add to activations @ shapes, of (T, K) activations; 0 for zeros."""
        T, V = len(activations), len(self.neutral)  # noqa: N806
        result = np.zeros((T, V, 3), np.float32)
        moving = np.flatnonzero(np.any(activations, axis=1))
        for frames in _chunks(moving):
            some = activations[frames]
            B = len(frames)  # noqa: N806
            gradients = self.parts.beyond_linear(some)  # (B, 3, 3, F): to, from, triangle
            gradients = gradients.transpose(3, 2, 0, 1)  # (F, from, B, to)
            in_plane = self.equations.in_plane @ gradients.reshape(len(gradients), 3, 3 * B)
            arcs = self.jaw.beyond_linear(self.neutral, some).transpose(1, 0, 2)
            solved = self.equations.solve(in_plane.reshape(-1, 3 * B), arcs.reshape(V, 3 * B))
            result[frames] = solved.reshape(V, B, 3).transpose(1, 0, 2)
            result[frames] *= self._may_move(some)[..., None]
        return result

    def _may_move(self, activations: FloatArray) -> NDArray[np.float32]:
        """(B, V) in [0, 1]: what no shape in use moves stays where it is."""
        result = np.zeros((len(activations), len(self.neutral)), np.float32)
        for k in np.flatnonzero(activations.any(axis=0)):
            share = np.clip(np.abs(activations[:, k]) / FULL_ACTIVATION, 0, 1).astype(np.float32)
            np.maximum(result, share[:, None] * self.supports[k], out=result)
        return result


def _chunks(indices: FloatArray) -> Iterator[FloatArray]:
    for start in range(0, len(indices), _FRAMES_AT_ONCE):
        yield indices[start : start + _FRAMES_AT_ONCE]


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """(B, 3, F) cross products of (B, 3, F) vectors."""
    return np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        axis=1,
    )
