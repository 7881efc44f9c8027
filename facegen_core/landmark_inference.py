"""The second generator in NumPy and SciPy: curves, a neutral and a seed → motion of the face.

Landmark generators and displacement decoder of a bundle (LM-4DGAN, arXiv 2603.10337). Equal to
`models.landmark_gan` and `models.displacement_decoder` to 1e-4 mm (asserted in tests).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import correlate1d

from .bundle import Bundle
from .conditioning import (
    conditioning_signal,
    model_times,
    rest_gate,
    signal_features,
    stage_times,
    stretches,
)
from .displacement_inference import DisplacementDecoder
from .errors import BundleError, IntensityError
from .intensity import check_intensities
from .landmark_model import LandmarkModel
from .models.landmark_config import (
    LONGEST_CLIP,
    SHORTEST_CLIP,
    LandmarkGanConfig,
    smoothing_kernel,
    told_size,
)
from .motion import FaceMotion, check_motion
from .numeric import finite, shown

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

LEAK = 0.2
# How far a number of the noise may lie from 0: beyond, training has hardly been, and an animator
# would throw away what comes.
MAX_NOISE = 2.0
MAX_AMOUNT = 1.5


@dataclass(frozen=True)
class Variation:
    """Which of the motions that fit the curves: the same seed, the same motion.

    amount: 0 is the mean of all of them, 1 as different as people are, up to MAX_AMOUNT.
    """

    seed: int = 0
    amount: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise IntensityError(
                f"The variation's seed is {shown(self.seed)}: expected 0, 1, 2, …."
            )
        amount = finite(self.amount)
        if amount is None or not 0 <= amount <= MAX_AMOUNT:
            raise IntensityError(
                f"The variation's amount is {shown(self.amount)}: expected 0 to {MAX_AMOUNT:g}."
            )


MEAN_MOTION = Variation(amount=0.0)


class LandmarkEngine:
    """Runs the second generator of one bundle. Raises BundleError where it has none.

    transfer: how another engine carries the bundle's blendshapes to a (V, 3) neutral, where both
    are to share what that costs.
    """

    def __init__(
        self,
        bundle: Bundle,
        transfer: Callable[[FloatArray], Any] | None = None,
    ) -> None:
        model = landmark_model_of(bundle)
        self.config = bundle.config
        self._generators = model.generators
        weights = model.part("generators")
        self._weights = {n: _flat(w) if w.ndim == 3 else w for n, w in weights.items()}
        self._template = bundle.template
        basis = bundle.weights.get("blendshapes.basis")
        if basis is None:
            basis = np.zeros((0, bundle.template.num_vertices, 3), np.float32)
        self._decoder = DisplacementDecoder(
            bundle.template, model.decoder, model.part("decoder"), basis, transfer
        )

    def generate(
        self,
        intensities: FloatArray,
        frames_per_second: float,
        neutral: FloatArray | None = None,
        variation: Variation = MEAN_MOTION,
        frames: IntArray | None = None,
    ) -> FaceMotion:
        """Motion of T scene frames from (T, C) intensities in [0, 1], as this face may play it.

        neutral: (V, 3) mm, the face in template topology; None is the template's own. frames: (N,)
        rows of the T to hand back, as they are in the whole motion; None is all.
        Landmarks move at the model's rate and are interpolated to the scene's frames. Zero
        intensity: exactly zero motion. Raises IntensityError for curves that are empty, not finite,
        outside [0, 1], or of a clip too short or too long to imagine.
        """
        check_intensities(intensities, self.config.num_expressions)
        times = np.arange(len(intensities)) / frames_per_second
        signal = conditioning_signal(intensities, times, self.config.model_rate)
        moved = self._imagine(signal, neutral, variation)
        check_motion(moved)
        steps = model_times(times, self.config.model_rate)
        gate = rest_gate(intensities, self.config.rest_gate)
        if frames is not None:
            times, gate = times[frames], gate[frames]
        moved = CubicSpline(steps, moved, axis=0, bc_type="natural")(times)
        moving = np.flatnonzero(gate)
        skin = np.zeros((len(times), self._template.num_vertices, 3), np.float32)
        jaw = np.zeros((len(times), 6), np.float32)
        if len(moving):
            gated = (moved[moving] * gate[moving, None, None]).astype(np.float32)
            skin[moving], jaw[moving] = self._decoder.decode(gated, neutral)
        check_motion(skin, jaw)
        return FaceMotion(skin, jaw, neutral)

    def imagine(
        self, signal: FloatArray, neutral: FloatArray | None, variation: Variation = MEAN_MOTION
    ) -> NDArray[np.float32]:
        """(K, 68, 3) mm from the landmarks of a (V, 3) neutral, of a signal (K, C) at the model's
        rate; None is the template's own."""
        gate = rest_gate(signal, self.config.rest_gate)
        return self._imagine(signal, neutral, variation) * gate[:, None, None]

    def _imagine(
        self, signal: FloatArray, neutral: FloatArray | None, variation: Variation
    ) -> NDArray[np.float32]:
        """(K, 68, 3) before the rest gate."""
        check_length(len(signal), self.config.model_rate)
        config, weights = self._generators, self._weights
        features = signal_features(signal, self.config.model_rate)
        told = features[:, : told_size(self.config.num_expressions)]
        face = self._template.vertices if neutral is None else neutral
        landmarks = self._template.landmarks.positions(face, self._template.triangles)
        apart = landmarks.reshape(-1).astype(np.float32) - weights["neutral_mean"]
        code = np.broadcast_to(weights["neutral_basis"] @ apart, (len(told), config.neutral_size))
        noise = draw_noise(signal, config, variation)
        motion, before = features @ weights["linear.weight"].T, 1.0
        for k, rate in enumerate(config.stage_rates):
            told_now = np.concatenate([told, code, noise[k] * weights["noise_scales"][k]], axis=1)
            motion = _sampled(motion, before, rate, len(signal))
            here = _sampled(told_now.astype(np.float32), 1.0, rate, len(signal))
            motion = _stage(here, motion, weights, f"stages.{k}", config.num_blocks)
            before = rate
        motion = correlate1d(motion, smoothing_kernel(config), axis=0, mode="nearest")
        if config.follows_neutral:
            motion = motion @ self._decoder.landmark_map(neutral)
        return (motion * weights["scale"]).reshape(len(signal), -1, 3)


def draw_noise(
    signal: FloatArray, config: LandmarkGanConfig, variation: Variation
) -> NDArray[np.float32]:
    """(S, K, Z) of S stages: drawn anew for every stretch of motion, the same within one."""
    number = stretches(signal)
    drawn = np.stack(
        [
            np.random.default_rng([variation.seed, stretch]).normal(
                size=(config.num_stages, config.noise_size)
            )
            for stretch in range(int(number.max(initial=0)) + 1)
        ],
        axis=1,
    )
    noise = np.clip(drawn, -MAX_NOISE, MAX_NOISE) * variation.amount
    return noise[:, number].astype(np.float32)


def landmark_model_of(bundle: Bundle) -> LandmarkModel:
    """The second generator of a bundle. Raises BundleError where it has none."""
    if bundle.landmark_model is None:
        raise BundleError(
            "This model has no varied motion (LM-4DGAN): choose the steady generator, or a "
            "model that holds both."
        )
    return bundle.landmark_model


def check_length(num_steps: int, model_rate: float) -> None:
    """Raise IntensityError for a clip of so many steps of the model: too short or too long."""
    if not SHORTEST_CLIP <= num_steps <= LONGEST_CLIP:
        raise IntensityError(
            f"The varied motion needs a clip of {SHORTEST_CLIP / model_rate:.1f} to "
            f"{LONGEST_CLIP / model_rate:.0f} seconds, this one has {num_steps / model_rate:.1f}: "
            "change the frame range, or choose the steady generator."
        )


def _stage(
    told: FloatArray,
    motion: FloatArray,
    weights: Mapping[str, FloatArray],
    name: str,
    num_blocks: int,
) -> FloatArray:
    """(K, 204): the torch twin is `models.landmark_gan.Stage`."""
    given = np.concatenate([told, motion], axis=1)
    features = _leaky(given @ weights[f"{name}.read.weight"].T + weights[f"{name}.read.bias"])
    for i in range(num_blocks):
        rows = np.concatenate([features, told], axis=1)
        weight, bias = weights[f"{name}.blocks.{i}.weight"], weights[f"{name}.blocks.{i}.bias"]
        features = features + _leaky(_convolved(rows, weight) + bias)
    return motion + features @ weights[f"{name}.write.weight"].T + weights[f"{name}.write.bias"]


def _flat(weight: FloatArray) -> FloatArray:
    """(kernel N, M), in one piece for a single product, of a convolution's (M, N, kernel)."""
    return np.ascontiguousarray(weight.transpose(2, 1, 0)).reshape(-1, len(weight))


def _convolved(rows: FloatArray, weight: FloatArray) -> FloatArray:
    """(K, N) over time with (kernel N, M) from `_flat`, the ends held."""
    kernel = len(weight) // rows.shape[1]
    before = kernel // 2
    padded = np.pad(rows, ((before, kernel - 1 - before), (0, 0)), mode="edge")
    seen = np.concatenate([padded[j : j + len(rows)] for j in range(kernel)], axis=1)
    return seen @ weight


def _leaky(values: FloatArray) -> FloatArray:
    return np.maximum(values, np.float32(LEAK) * values)


def _sampled(rows: FloatArray, rate: float, new_rate: float, num_steps: int) -> FloatArray:
    """Rows at one rate → at another; the torch twin is `models.landmark_gan.sampled`."""
    if rate == new_rate:
        return rows
    times = stage_times(num_steps, new_rate) * rate
    low = np.minimum(np.floor(times + 1e-9).astype(np.int64), len(rows) - 1)
    high = np.minimum(low + 1, len(rows) - 1)
    share = np.clip(times - low, 0, 1).astype(np.float32)[:, None]
    return rows[low] * (1 - share) + rows[high] * share
