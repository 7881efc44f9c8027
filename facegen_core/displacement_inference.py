"""The displacement decoder of LM-4DGAN in NumPy and SciPy: landmarks → skin and jaw.

Equal to `models.displacement_decoder` to 1e-4 mm (asserted in tests).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .deformation_transfer import BasisTransfer
from .errors import BundleError, LandmarkError, TopologyMismatchError
from .inference import up_spiral_conv
from .landmarks import NUM_LANDMARKS
from .models.config import JAW_SIZE
from .models.displacement_config import (
    FRAME_SIZE,
    LEAK,
    DisplacementDecoderConfig,
    displacement_weight_shapes,
)
from .models.neutral_reading import (
    NeutralReader,
    Offsets,
    coefficient_spread,
    head_gain,
    landmark_map,
)
from .template import Template

FloatArray = NDArray[np.floating]

# Frames decoded at once: enough to fill the products, few enough for the caches of a processor.
CHUNK_FRAMES = 16


@dataclass(frozen=True, eq=False)
class _Face:
    """All that depends on a (V, 3) neutral alone, None being the mean face.

    shapes: (K, V, 3); gain: (K, 204), K being 0 without a linear head; keys and values: (heads,
    tokens, C / heads) of every level that attends to the neutral.
    """

    neutral: FloatArray | None
    offsets: Offsets
    shapes: NDArray[np.float32]
    gain: NDArray[np.float32]
    keys: tuple[NDArray[np.float32], ...]
    values: tuple[NDArray[np.float32], ...]


class DisplacementDecoder:
    """Runs one decoder.

    weights: as `displacement_weight_shapes` lists them; basis: (K, V, 3) blendshapes of the mean
    face, those of the expression model. transfer: how another engine carries that basis to a
    (V, 3) neutral, where both are to share what it costs. Raises BundleError for other weights.
    """

    def __init__(
        self,
        template: Template,
        config: DisplacementDecoderConfig,
        weights: Mapping[str, NDArray[np.float32]],
        basis: NDArray[np.float32],
        transfer: Callable[[FloatArray], NDArray[np.float32]] | None = None,
    ) -> None:
        _check_weights(template, config, weights, len(basis))
        self.config, self.weights, self.basis = config, dict(weights), basis
        self._template = template
        self._reader = NeutralReader(template, config)
        self._transfer = transfer
        num_ups = len(config.channels) if config.residual else 0
        hierarchy = template.hierarchy
        self._operators = [hierarchy.fused_operator(k) for k in reversed(range(num_ups))]
        self._spread = np.ones(0, np.float32)
        if config.linear_head:
            self._spread = coefficient_spread(self.weights["head.factor"])
        self._last: tuple[_Face, NDArray[np.float32]] | None = None

    @property
    def num_vertices(self) -> int:
        return self._template.num_vertices

    def decode(
        self, landmarks: FloatArray, neutral: FloatArray | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(T, V, 3) mm of the skin and (T, 6) of the jaw for (T, 68, 3) mm of the landmarks.

        All are displacements from the (V, 3) neutral; None is the template's own. What a face
        takes (deformation transfer, a second) is kept until another comes. Landmarks that do not
        move leave skin and jaw exactly where they are. Raises LandmarkError and
        TopologyMismatchError for what is of another shape or not finite.
        """
        landmarks = _checked_landmarks(landmarks)
        face, rest = self._face_of(_checked_neutral(neutral, self.num_vertices))
        skin = np.zeros((len(landmarks), self.num_vertices, 3), np.float32)
        jaw = np.zeros((len(landmarks), JAW_SIZE), np.float32)
        moving = np.flatnonzero(landmarks.any(axis=(1, 2)))
        for start in range(0, len(moving), CHUNK_FRAMES):
            frames = moving[start : start + CHUNK_FRAMES]
            skin[frames], jaw[frames] = self._decode(landmarks[frames], face, rest)
        return skin, jaw

    def landmark_map(self, neutral: FloatArray | None) -> NDArray[np.float32]:
        """(204, 204) that takes landmark motion of the mean face to that of a (V, 3) neutral."""
        if not len(self.basis):
            return np.eye(FRAME_SIZE, dtype=np.float32)
        face, _ = self._face_of(_checked_neutral(neutral, self.num_vertices))
        mean = self._reader.landmark_basis(self.basis)
        return landmark_map(mean, self._reader.landmark_basis(face.shapes))

    def _decode(
        self, landmarks: FloatArray, face: _Face, rest: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        flat = landmarks.reshape(len(landmarks), -1)
        coefficients = flat @ face.gain.T  # (N, K), K is 0 without a linear head
        skin = np.zeros((len(flat), self.num_vertices, 3), np.float32)
        if self.config.linear_head:
            lifted = coefficients @ face.shapes.reshape(len(face.shapes), -1)
            skin = lifted.reshape(skin.shape)
        if self.config.residual:
            skin += self._residual(landmarks, coefficients, face).transpose(1, 0, 2)
            skin -= rest
        read = np.concatenate([coefficients, flat], axis=1)
        return skin, read @ self.weights["jaw.weight"].T

    # ---- the face ------------------------------------------------------------------------------

    def _face_of(self, neutral: FloatArray | None) -> tuple[_Face, NDArray[np.float32]]:
        if self._last is not None and _same(self._last[0].neutral, neutral):
            return self._last
        shapes, offsets = self._shapes_of(neutral), self._reader.offsets(neutral)
        gain = np.zeros((0, FRAME_SIZE), np.float32)
        if self.config.linear_head:
            factor, noise = self.weights["head.factor"], self.weights["head.noise"]
            basis = self._reader.landmark_basis(shapes)
            gain = head_gain(factor, noise, self.config.landmark_noise_mm, basis)
        keys, values = self._keys_and_values(offsets)
        kept = None if neutral is None else np.array(neutral)
        face = _Face(kept, offsets, shapes, gain, keys, values)
        rest = np.zeros((self.num_vertices, 3), np.float32)
        if self.config.residual:
            still = np.zeros((1, NUM_LANDMARKS, 3), np.float32)
            rest = self._residual(still, np.zeros((1, len(gain)), np.float32), face)[:, 0]
        self._last = face, rest
        return self._last

    def _shapes_of(self, neutral: FloatArray | None) -> NDArray[np.float32]:
        if neutral is None or not self.config.linear_head:
            return self.basis
        if self._transfer is None:
            template = self._template
            self._transfer = BasisTransfer(template.vertices, template.triangles, self.basis).to
        return self._transfer(neutral)

    def _keys_and_values(
        self, offsets: Offsets
    ) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
        """Of the neutral's tokens at every level that attends to them."""
        keys, values = [], []
        for i, spirals in enumerate(offsets.spirals):
            name = f"residual.attentions.{i}"
            weight = self.weights[f"{name}.tokens.weight"]
            read = spirals.reshape(len(spirals), -1) @ weight.reshape(-1, weight.shape[-1])
            tokens = np.tanh(read + self.weights[f"{name}.tokens.place"])
            keys.append(self._heads(tokens @ self.weights[f"{name}.key"]))
            values.append(self._heads(tokens @ self.weights[f"{name}.value"]))
        return tuple(keys), tuple(values)

    # ---- the residual --------------------------------------------------------------------------

    def _residual(self, landmarks: FloatArray, coefficients: FloatArray, face: _Face) -> FloatArray:
        """(V, N, 3) mm, before what it makes of rest is subtracted."""
        scaled = landmarks / np.float32(self.config.landmark_unit_mm)
        told = np.concatenate(
            [coefficients / self._spread, scaled.reshape(len(scaled), -1)], axis=1
        )
        hidden = self._linear("residual.read", told)
        coarse = self._linear("residual.expand", hidden * expit(hidden))
        features = coarse.reshape(len(scaled), -1, self.config.channels[0]).transpose(1, 2, 0)
        for i, operator in enumerate(self._operators):
            if f"residual.attentions.{i}.query" in self.weights:
                features = features + self._attended(i, features, scaled, face)
            features = up_spiral_conv(
                features, operator, self.weights[f"residual.convs.{i}.weight"]
            )
            features += self.weights[f"residual.convs.{i}.bias"][:, None]
            if i < len(self._operators) - 1:
                np.maximum(features, np.float32(LEAK) * features, out=features)
        return features.transpose(0, 2, 1) * np.float32(self.config.output_unit_mm)

    def _linear(self, name: str, rows: FloatArray) -> FloatArray:
        return rows @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _attended(
        self, level: int, features: FloatArray, landmarks: FloatArray, face: _Face
    ) -> FloatArray:
        """(V, C, N) what attention adds to the features of a level."""
        V, C, N = features.shape  # noqa: N806
        name = f"residual.attentions.{level}"
        query, place = self.weights[f"{name}.query"], self.weights[f"{name}.place"]
        frames = np.ascontiguousarray(features.transpose(2, 0, 1))  # (N, V, C)
        asked = (frames + place) @ (query / np.float32(np.sqrt(C / self.config.heads)))
        if self.config.attention == "neutral":
            asked = self._heads(asked.reshape(N * V, C))  # all frames ask the same tokens
            answer = _attention(asked, face.keys[level], face.values[level])
        else:
            tokens = self._landmark_tokens(name, landmarks, face.offsets.landmarks)
            keys, values = (tokens @ self.weights[f"{name}.{part}"] for part in ("key", "value"))
            answer = _attention(self._heads(asked), self._heads(keys), self._heads(values))
        joined = np.moveaxis(answer, -3, -2).reshape(N * V, C)
        added = joined @ (self.weights[f"{name}.output"] * self.weights[f"{name}.scale"])
        return added.reshape(N, V, C).transpose(1, 2, 0)

    def _landmark_tokens(
        self, name: str, landmarks: FloatArray, offsets: FloatArray
    ) -> NDArray[np.float32]:
        """(N, 68, C) of what every landmark does and where it rests."""
        resting = np.broadcast_to(offsets, landmarks.shape)
        read = np.concatenate([landmarks, resting], axis=-1) @ self.weights[f"{name}.tokens.weight"]
        return np.tanh(read + self.weights[f"{name}.tokens.place"])

    def _heads(self, rows: FloatArray) -> FloatArray:
        """(…, R, C) → (…, heads, R, C / heads)."""
        return np.moveaxis(rows.reshape(*rows.shape[:-1], self.config.heads, -1), -2, -3)


def _attention(asked: FloatArray, keys: FloatArray, values: FloatArray) -> FloatArray:
    """(…, R, D) softmax(asked · keysᵀ) · values; the softmax is divided out last, where it is
    short."""
    scores = asked @ np.swapaxes(keys, -1, -2)
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    return (scores @ values) / scores.sum(axis=-1, keepdims=True)


def _same(first: FloatArray | None, second: FloatArray | None) -> bool:
    if first is None or second is None:
        return first is second
    return np.array_equal(first, second)


def _checked_landmarks(landmarks: FloatArray) -> NDArray[np.float32]:
    landmarks = np.asarray(landmarks, np.float32)
    if landmarks.ndim != 3 or landmarks.shape[1:] != (NUM_LANDMARKS, 3):
        raise LandmarkError(
            f"Landmark displacements: expected (frames, {NUM_LANDMARKS}, 3) in mm, got "
            f"{landmarks.shape}: the decoder was taught on {NUM_LANDMARKS} landmarks."
        )
    wrong = np.flatnonzero(~np.isfinite(landmarks).all(axis=(1, 2)))
    if len(wrong):
        raise LandmarkError(
            f"Landmark displacements: frame {wrong[0]} is not finite: generate the motion again."
        )
    return landmarks


def _checked_neutral(neutral: FloatArray | None, num_vertices: int) -> FloatArray | None:
    if neutral is None:
        return None
    neutral = np.asarray(neutral)
    if neutral.shape != (num_vertices, 3) or not np.isfinite(neutral).all():
        raise TopologyMismatchError(
            f"The neutral: expected ({num_vertices}, 3) finite positions in the template's "
            f"topology, got {neutral.shape}: fit the template to the face first."
        )
    return neutral


def _check_weights(
    template: Template,
    config: DisplacementDecoderConfig,
    weights: Mapping[str, NDArray[np.float32]],
    num_blendshapes: int,
) -> None:
    """Raise BundleError where the decoder's arrays are not those its description asks for."""
    hierarchy = template.hierarchy
    length = hierarchy.levels[0].spirals.shape[1]
    try:
        shapes = displacement_weight_shapes(config, hierarchy.sizes, length, num_blendshapes)
    except ValueError as error:
        raise BundleError(f"The displacement decoder does not fit the template: {error}") from error
    for name in [*shapes, *(extra for extra in weights if extra not in shapes)]:
        expected = shapes.get(name, "nothing")
        got = weights[name].shape if name in weights else "nothing"
        if expected != got:
            raise BundleError(
                f"The displacement decoder's '{name}': expected {expected}, got {got}: use a "
                "bundle and a Facegen of the same age."
            )
