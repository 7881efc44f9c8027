"""What the displacement decoder reads off a neutral before anything moves, in NumPy.

Its torch and its NumPy form share it: the gain of the linear head and the offsets from the mean
face depend on the face alone, and are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..landmarks import NUM_LANDMARKS
from ..template import Template
from .displacement_config import DisplacementDecoderConfig, attended_sizes

FloatArray = NDArray[np.floating]

# Keeps the weights of blendshapes small that landmarks hardly see, in parts of the mean square.
_MAP_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class Offsets:
    """How a neutral differs from the mean face, in units near 1; where it stands does not matter.

    spirals: per attended level (V_k, S, 3) offsets of the vertices of each spiral, 0 for padding;
    landmarks: (68, 3).
    """

    spirals: tuple[NDArray[np.float32], ...]
    landmarks: NDArray[np.float32]


class NeutralReader:
    """Reads neutrals (V, 3) mm of one template."""

    def __init__(self, template: Template, config: DisplacementDecoderConfig) -> None:
        self._template, self._unit = template, config.neutral_unit_mm
        hierarchy = template.hierarchy
        count = len(attended_sizes(config, hierarchy.sizes))
        levels = tuple(reversed(hierarchy.levels))[: count if config.attention == "neutral" else 0]
        # Levels are selections of the finest one's vertices.
        tree = cKDTree(hierarchy.levels[0].vertices)
        self._levels = [(tree.query(level.vertices)[1], level.spirals) for level in levels]

    def offsets(self, neutral: FloatArray | None) -> Offsets:
        """Of a neutral; None is the mean face."""
        mean = self._template.vertices
        offsets = np.zeros(mean.shape) if neutral is None else np.asarray(neutral) - mean
        offsets = ((offsets - offsets.mean(axis=0)) / self._unit).astype(np.float32)
        landmarks = self._template.landmarks.positions(offsets, self._template.triangles)
        spirals = tuple(
            np.where(rows[..., None] >= 0, offsets[kept][rows], np.float32(0.0))
            for kept, rows in self._levels
        )
        return Offsets(spirals, landmarks.astype(np.float32))

    def landmark_basis(self, shapes: FloatArray) -> NDArray[np.float32]:
        """(K, 204) of (K, V, 3) shapes, as the landmarks show them."""
        return seen_by_landmarks(self._template, shapes)


def seen_by_landmarks(template: Template, displacements: FloatArray) -> NDArray[np.float32]:
    """(N, 204) what the landmarks show of (N, V, 3) shapes or displacements."""
    positions = template.landmarks.positions(displacements, template.triangles)
    return positions.reshape(len(displacements), 3 * NUM_LANDMARKS).astype(np.float32)


def landmark_map(mean_basis: FloatArray, face_basis: FloatArray) -> NDArray[np.float32]:
    """(204, 204) that takes motion of the mean face's landmarks to that of another: d · map.

    mean_basis and face_basis: (K, 204) the same blendshapes, as the landmarks of both show them.
    What no blendshape makes passes as it is; of the mean face itself, everything does.
    """
    mean = np.asarray(mean_basis, np.float64)
    gram = mean @ mean.T
    held = _MAP_RIDGE * np.trace(gram) / max(len(gram), 1) * np.eye(len(gram))
    weights = np.linalg.solve(gram + held, mean).T  # (204, K)
    return (np.eye(mean.shape[1]) + weights @ (face_basis - mean)).astype(np.float32)


def coefficient_spread(factor: FloatArray) -> NDArray[np.float32]:
    """(K,) how far coefficients are from 0 in training, RMS, by the factor of `head_gain`."""
    return np.sqrt(np.sum(np.square(factor, dtype=np.float64), axis=1)).astype(np.float32)


def head_gain(
    factor: FloatArray, noise: FloatArray, floor: float, landmark_basis: FloatArray
) -> NDArray[np.float32]:
    """(K, 204) gain of the linear head on one face: coefficients c = gain · landmarks.

    The regularised fit c = argmin |B c - d|²/σ² + cᵀ P⁻¹ c in closed form, which is the mean of
    what is likely after d was seen (Gauss-Markov). P = factor · factorᵀ, (K, K), is the second
    moment of coefficients in training; σ = noise (204,) mm what the basis leaves over at each
    landmark, and no less than `floor` mm on top. Zero landmarks are zero coefficients.
    """
    spread = np.asarray(factor, np.float64)
    seen = spread.T @ landmark_basis  # (K, 204)
    trusted = seen / (np.asarray(noise, np.float64) ** 2 + floor**2)
    information = trusted @ seen.T + np.eye(len(seen))
    return (spread @ np.linalg.solve(information, trusted)).astype(np.float32)
