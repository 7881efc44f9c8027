"""The forward pass of the generator in NumPy and SciPy: the default engine inside Blender.

Equal to `models.expression_model` to 1e-4 mm (asserted in tests).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.special import expit

from .bundle import Bundle
from .conditioning import conditioning_signal, model_times
from .intensity import check_intensities
from .models.config import JAW_SIZE
from .motion import FaceMotion

FloatArray = NDArray[np.floating]

# Fitted identities are clipped here: beyond, the model saw nobody.
MAX_COEFFICIENT = 2.5
# Frames decoded at once: enough to fill the products, few enough for 20 MB of features.
CHUNK_FRAMES = 64


class Engine:
    """Runs one bundle. Building it joins the sparse operators (0.1 s at 14 k vertices)."""

    def __init__(self, bundle: Bundle) -> None:
        self.config = bundle.config
        self.weights = bundle.weights
        self.num_vertices = bundle.template.num_vertices
        hierarchy = bundle.template.hierarchy
        num_ups = len(self.config.channels) if self.config.has_spirals else 0
        self._operators = [hierarchy.fused_operator(k) for k in reversed(range(num_ups))]
        self._rest_state = self._run_lstm(
            np.zeros((self.config.warmup_frames, self.config.num_expressions), np.float32),
            self._zero_state(),
        )[1]

    def generate(
        self,
        intensities: FloatArray,
        frames_per_second: float,
        identity: FloatArray | None = None,
    ) -> FaceMotion:
        """Motion of T scene frames from (T, C) intensities in [0, 1], as the face plays it.

        identity: (N,) coefficients of the template's identity basis; None is the mean face.

        The LSTM runs at its own rate; its codes are interpolated to the scene's frames, so the same
        curves make the same motion at any frame rate. Zero intensity: exactly zero motion.
        Raises IntensityError for curves that are empty, not finite or outside [0, 1].
        """
        check_intensities(intensities, self.config.num_expressions)
        times = np.arange(len(intensities)) / frames_per_second
        signal = conditioning_signal(intensities, times, self.config.model_rate)
        codes = _at_times(self.encode(signal), model_times(times, self.config.model_rate), times)
        known = self.known_identity(identity)
        codes = self.with_identity(codes, known)
        skin, jaw = self._move(codes, self.rest_gate(intensities))
        return FaceMotion(skin, jaw, known)

    def encode(self, signal: FloatArray) -> NDArray[np.float32]:
        """(K, 64) codes of a signal (K, C) at the model's rate."""
        return self._run_lstm(signal.astype(np.float32), self._rest_state)[0]

    def known_identity(self, identity: FloatArray | None) -> NDArray[np.float32]:
        """(I,) what the model reads of (N,) coefficients: its strongest modes, clipped."""
        size = self.config.identity_size
        known = np.zeros(size, np.float32)
        if identity is not None:
            count = min(size, len(identity))
            known[:count] = np.clip(identity[:count], -MAX_COEFFICIENT, MAX_COEFFICIENT)
        return known

    def with_identity(self, codes: FloatArray, identity: FloatArray) -> FloatArray:
        """(K, 64) codes as a face of (I,) coefficients plays them; see IdentityModulation."""
        if len(identity) == 0:
            return codes
        scales = self.weights["identity.coefficients.weight"] @ identity
        products = (codes @ self.weights["identity.code.weight"].T) * scales
        return codes + products @ self.weights["identity.change.weight"].T

    def rest_gate(self, intensities: FloatArray) -> NDArray[np.float32]:
        """(T,) factor on all motion: 0 where all intensities are 0."""
        width = self.config.rest_gate
        if width == 0:
            return np.ones(len(intensities), np.float32)
        x = np.minimum(intensities.sum(axis=1) / width, 1.0)
        return (x**3 * (10.0 - 15.0 * x + 6.0 * x**2)).astype(np.float32)

    def decode(self, codes: FloatArray) -> NDArray[np.float32]:
        """(N, V, 3) displacements of (N, 64) codes, mm, before the rest gate."""
        skin = np.zeros((len(codes), self.num_vertices, 3), np.float32)
        if self.config.has_blendshapes:
            skin += self._blendshapes(codes)
        if self.config.has_spirals:
            for start in range(0, len(codes), CHUNK_FRAMES):
                chunk = slice(start, start + CHUNK_FRAMES)
                skin[chunk] += self._spirals(codes[chunk]).transpose(1, 0, 2)
        return skin

    def _move(self, codes: FloatArray, gate: FloatArray) -> tuple[FloatArray, FloatArray]:
        skin = np.zeros((len(codes), self.num_vertices, 3), np.float32)
        jaw = np.zeros((len(codes), JAW_SIZE), np.float32)
        moving = np.flatnonzero(gate)
        if len(moving):
            skin[moving] = self.decode(codes[moving]) * gate[moving, None, None]
            jaw[moving] = self._jaw(codes[moving]) * gate[moving, None]
        return skin, jaw

    def _zero_state(self) -> tuple[FloatArray, FloatArray]:
        size = self.config.latent_size
        return np.zeros(size, np.float32), np.zeros(size, np.float32)

    def _run_lstm(
        self, signal: FloatArray, state: tuple[FloatArray, FloatArray]
    ) -> tuple[NDArray[np.float32], tuple[FloatArray, FloatArray]]:
        """Outputs (K, 64) and last state; gates in torch's order: input, forget, cell, output."""
        weights = {n.rsplit(".", 1)[1]: w for n, w in self.weights.items() if ".lstm." in n}
        bias = weights["bias_ih_l0"] + weights["bias_hh_l0"]
        inputs = signal @ weights["weight_ih_l0"].T + bias  # (K, 256)
        hidden, cell = state
        outputs = np.empty((len(signal), len(hidden)), np.float32)
        for k, row in enumerate(inputs):
            gates = (row + weights["weight_hh_l0"] @ hidden).reshape(4, -1)
            cell = expit(gates[1]) * cell + expit(gates[0]) * np.tanh(gates[2])
            hidden = expit(gates[3]) * np.tanh(cell)
            outputs[k] = hidden
        return outputs, (hidden, cell)

    def _jaw(self, codes: FloatArray) -> FloatArray:
        poses = codes @ self.weights["jaw.weight"].T + self.weights["jaw.bias"]
        return poses * self.weights["jaw.scales"]

    def _blendshapes(self, codes: FloatArray) -> FloatArray:
        basis = self.weights["blendshapes.basis"]
        mixed = codes @ self.weights["blendshapes.mixing.weight"].T
        coefficients = (mixed * self.weights["blendshapes.scales"]).astype(np.float32)
        return (coefficients @ basis.reshape(len(basis), -1)).reshape(-1, self.num_vertices, 3)

    def _spirals(self, codes: FloatArray) -> FloatArray:
        """(V, N, 3): a linear layer to the coarsest level, then up and convolve (Table 1)."""
        expand = self.weights["spirals.expand.weight"]
        coarse = (codes @ expand.T + self.weights["spirals.expand.bias"]).astype(np.float32)
        features = coarse.reshape(len(codes), -1, self.config.channels[0]).transpose(1, 0, 2)
        for i, operator in enumerate(self._operators):
            weight = self.weights[f"spirals.convs.{i}.weight"]
            bias = self.weights[f"spirals.convs.{i}.bias"]
            features = _up_spiral_conv(features, operator, weight) + bias
            if i < len(self._operators) - 1:
                features = np.maximum(features, 0.0)
        return features


def _up_spiral_conv(
    features: FloatArray, operator: sparse.csr_matrix, weight: FloatArray
) -> FloatArray:
    """(V_{k+1}, N, C) → (V_k, N, D) by the fused operator; the torch twin is UpSpiralConv."""
    V, N, C = features.shape  # noqa: N806
    S, _, D = weight.shape  # noqa: N806
    per_neighbour = weight.transpose(1, 0, 2).reshape(C, S * D)
    transformed = (features.reshape(V * N, C) @ per_neighbour).reshape(V, N, S, D)
    stacked = transformed.transpose(2, 0, 1, 3).reshape(S * V, N * D)
    return (operator @ stacked).reshape(-1, N, D)


def _at_times(codes: FloatArray, code_times: FloatArray, times: FloatArray) -> FloatArray:
    """(T, 64) codes at scene times: cubic between the model's steps, so speed has no corners."""
    if len(codes) == 1:
        return np.repeat(codes, len(times), axis=0)
    return CubicSpline(code_times, codes, axis=0, bc_type="natural")(times).astype(np.float32)
