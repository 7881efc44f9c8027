"""The forward pass of the generator in NumPy and SciPy: the default engine inside Blender.

Equal to `models.expression_model` to 1e-4 mm (asserted in tests).
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.special import expit

from .bundle import Bundle
from .conditioning import conditioning_signal, model_times, rest_gate
from .deformation_transfer import BasisTransfer
from .intensity import check_intensities
from .models.config import JAW_SIZE
from .motion import FaceMotion, check_motion
from .recent import Recent

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Faces whose blendshapes are kept, 11 MB each: heads that an artist works on at the same time. And
# curves whose codes are: of one clip, those that its layers shift in time.
_KEPT_FACES, _KEPT_CURVES = 4, 8
# Frames decoded at once: enough to fill the products, few enough for the caches of a processor.
CHUNK_FRAMES = 16


class Engine:
    """Runs one bundle. Building it joins the sparse operators (0.1 s at 14 k vertices)."""

    def __init__(self, bundle: Bundle) -> None:
        self.config = bundle.config
        self.weights = bundle.weights
        self.num_vertices = bundle.template.num_vertices
        hierarchy = bundle.template.hierarchy
        num_ups = len(self.config.channels) if self.config.has_spirals else 0
        self._operators = [hierarchy.fused_operator(k) for k in reversed(range(num_ups))]
        rest = np.zeros((self.config.warmup_frames, self.config.num_expressions), np.float32)
        self._directions = ("", "_reverse") if self.config.bidirectional else ("",)
        self._rest_states = {
            d: self._run_lstm(rest, self._zero_state(), d)[1] for d in self._directions
        }
        self._basis = bundle.weights.get("blendshapes.basis")
        self._template = bundle.template
        self._shapes: Recent[NDArray[np.float32]] = Recent(_KEPT_FACES)
        self._codes: Recent[NDArray[np.float32]] = Recent(_KEPT_CURVES)

    def generate(
        self,
        intensities: FloatArray,
        frames_per_second: float,
        neutral: FloatArray | None = None,
        lip_gap: float = 0.0,
        frames: IntArray | None = None,
    ) -> FaceMotion:
        """Motion of T scene frames from (T, C) intensities in [0, 1], as a face plays it.

        neutral: (V, 3) mm, the face in template topology; None is the template's own. It matters
        only to models that follow the neutral; the motion says which face it is for.
        lip_gap: of the face that is to move, as `conditioning.relative_lip_gap` tells it.
        frames: (N,) rows of the T to hand back, as they are in the whole motion; None is all.
        The LSTM runs at its own rate; its codes are interpolated to the scene's frames, so the same
        curves make the same motion at any frame rate. Zero intensity: exactly zero motion.
        Raises IntensityError for curves that are empty, not finite or outside [0, 1].
        """
        check_intensities(intensities, self.config.num_expressions)
        key = np.asarray(intensities, np.float64).tobytes(), frames_per_second, lip_gap
        codes = self._codes.get(key, lambda: self._coded(intensities, frames_per_second, lip_gap))
        neutral = neutral if self.config.follows_neutral else None
        gate = self.rest_gate(intensities)
        if frames is not None:
            codes, gate = codes[frames], gate[frames]
        skin, jaw = self._move(codes, gate, self.shapes_of(neutral))
        check_motion(skin, jaw)
        return FaceMotion(skin, jaw, neutral)

    def _coded(
        self, intensities: FloatArray, frames_per_second: float, lip_gap: float
    ) -> NDArray[np.float32]:
        """(T, 64) codes of T scene frames."""
        times = np.arange(len(intensities)) / frames_per_second
        signal = conditioning_signal(intensities, times, self.config.model_rate)
        steps = model_times(times, self.config.model_rate)
        return codes_at_times(self.encode(signal, lip_gap), steps, times)

    def encode(self, signal: FloatArray, lip_gap: float = 0.0) -> NDArray[np.float32]:
        """(K, 64) codes of a signal (K, C) at the model's rate."""
        codes = self._read(signal)
        if self.config.reads_lip_gap:
            codes += np.float32(lip_gap) * (codes @ self.weights["encoder.lip_gap.weight"].T)
        return codes

    def _read(self, signal: FloatArray) -> NDArray[np.float32]:
        signal = signal.astype(np.float32)
        outputs = self._run_lstm(signal, self._rest_states[""], "")[0]
        if not self.config.bidirectional:
            return outputs
        backwards = self._run_lstm(signal[::-1], self._rest_states["_reverse"], "_reverse")[0]
        both = np.concatenate([outputs, backwards[::-1]], axis=1)
        joined = both @ self.weights["encoder.join.weight"].T + self.weights["encoder.join.bias"]
        return np.tanh(joined)

    def shapes_of(self, neutral: FloatArray | None) -> NDArray[np.float32] | None:
        """(K, V, 3) the blendshapes as a (V, 3) neutral shows them; None is the template's own.

        Deformation transfer (a second and a half the first time, less for the next face); those of
        the last few faces are kept.
        """
        if neutral is None or self._basis is None:
            return self._basis
        return self._shapes.get(_key(neutral), lambda: self._transfer.to(neutral))

    @cached_property
    def _transfer(self) -> BasisTransfer:
        template, basis = self._template, self.weights["blendshapes.basis"]
        return BasisTransfer(template.vertices, template.triangles, basis)

    def rest_gate(self, intensities: FloatArray) -> NDArray[np.float32]:
        """(T,) factor on all motion: 0 where all intensities are 0."""
        return rest_gate(intensities, self.config.rest_gate)

    def decode(self, codes: FloatArray, shapes: FloatArray | None = None) -> NDArray[np.float32]:
        """(N, V, 3) displacements of (N, 64) codes, mm, before the rest gate.

        shapes: (K, V, 3) from `shapes_of`; None is the mean face.
        """
        if self.config.has_blendshapes:
            basis = self.weights["blendshapes.basis"]
            skin = self._blendshapes(codes, basis if shapes is None else shapes)
        else:
            skin = np.zeros((len(codes), self.num_vertices, 3), np.float32)
        if self.config.has_spirals:
            for start in range(0, len(codes), CHUNK_FRAMES):
                chunk = slice(start, start + CHUNK_FRAMES)
                skin[chunk] += self._spirals(codes[chunk]).transpose(1, 0, 2)
        return skin

    def _move(
        self, codes: FloatArray, gate: FloatArray, shapes: FloatArray | None
    ) -> tuple[FloatArray, FloatArray]:
        moving = np.flatnonzero(gate)
        decoded = self.decode(codes[moving], shapes)
        decoded *= gate[moving, None, None]
        poses = self._jaw(codes[moving]) * gate[moving, None]
        if len(moving) == len(codes):
            return decoded, poses.astype(np.float32)
        skin = np.zeros((len(codes), self.num_vertices, 3), np.float32)
        jaw = np.zeros((len(codes), JAW_SIZE), np.float32)
        skin[moving], jaw[moving] = decoded, poses
        return skin, jaw

    def _zero_state(self) -> tuple[FloatArray, FloatArray]:
        size = self.config.latent_size
        return np.zeros(size, np.float32), np.zeros(size, np.float32)

    def _run_lstm(
        self, signal: FloatArray, state: tuple[FloatArray, FloatArray], direction: str
    ) -> tuple[NDArray[np.float32], tuple[FloatArray, FloatArray]]:
        """Outputs (K, 64) and last state; gates in torch's order: input, forget, cell, output.

        direction: the ending of the names of its weights in torch, "" or "_reverse".
        """
        input_weight, hidden_weight, input_bias, hidden_bias = (
            self.weights[f"encoder.lstm.{name}_l0{direction}"]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        inputs = signal @ input_weight.T + (input_bias + hidden_bias)  # (K, 256)
        hidden, cell = state
        outputs = np.empty((len(signal), len(hidden)), np.float32)
        for k, row in enumerate(inputs):
            gates = (row + hidden_weight @ hidden).reshape(4, -1)
            cell = expit(gates[1]) * cell + expit(gates[0]) * np.tanh(gates[2])
            hidden = expit(gates[3]) * np.tanh(cell)
            outputs[k] = hidden
        return outputs, (hidden, cell)

    def _jaw(self, codes: FloatArray) -> FloatArray:
        poses = codes @ self.weights["jaw.weight"].T + self.weights["jaw.bias"]
        return poses * self.weights["jaw.scales"]

    def _blendshapes(self, codes: FloatArray, shapes: FloatArray) -> FloatArray:
        mixed = codes @ self.weights["blendshapes.mixing.weight"].T
        coefficients = (mixed * self.weights["blendshapes.scales"]).astype(np.float32)
        return (coefficients @ shapes.reshape(len(shapes), -1)).reshape(-1, self.num_vertices, 3)

    def _spirals(self, codes: FloatArray) -> FloatArray:
        """(V, N, 3): a linear layer to the coarsest level, then up and convolve (Table 1)."""
        expand = self.weights["spirals.expand.weight"]
        coarse = (codes @ expand.T + self.weights["spirals.expand.bias"]).astype(np.float32)
        features = coarse.reshape(len(codes), -1, self.config.channels[0]).transpose(1, 2, 0)
        for i, operator in enumerate(self._operators):
            weight = self.weights[f"spirals.convs.{i}.weight"]
            features = up_spiral_conv(features, operator, weight)
            features += self.weights[f"spirals.convs.{i}.bias"][:, None]
            if i < len(self._operators) - 1:
                np.maximum(features, 0.0, out=features)
        return features.transpose(0, 2, 1)


def up_spiral_conv(
    features: FloatArray, operator: sparse.csr_matrix, weight: FloatArray
) -> FloatArray:
    """(V_{k+1}, C, N) → (V_k, D, N) by the fused operator; the torch twin is UpSpiralConv."""
    V, C, N = features.shape  # noqa: N806
    S, _, D = weight.shape  # noqa: N806
    transform = weight.transpose(0, 2, 1).reshape(S * D, C)
    if N == 1:  # one product for all vertices, where one for each would cost its call
        transformed = features[:, :, 0] @ transform.T
    else:
        transformed = transform @ features
    return (operator @ transformed.reshape(V * S, D * N)).reshape(-1, D, N)


def _key(face: FloatArray) -> bytes:
    return hashlib.sha1(np.ascontiguousarray(face).tobytes(), usedforsecurity=False).digest()


def codes_at_times(codes: FloatArray, code_times: FloatArray, times: FloatArray) -> FloatArray:
    """(T, 64) codes at scene times: cubic between the model's steps, so speed has no corners."""
    if len(codes) == 1:
        return np.repeat(codes, len(times), axis=0)
    return CubicSpline(code_times, codes, axis=0, bc_type="natural")(times).astype(np.float32)
