"""Displacement decoders with random weights on the sphere template."""

import numpy as np

from facegen_core.displacement_inference import DisplacementDecoder
from facegen_core.models.displacement_config import (
    DisplacementDecoderConfig,
    displacement_weight_shapes,
)
from facegen_core.template import Template

NUM_BLENDSHAPES = 5


def random_weights(
    config: DisplacementDecoderConfig, template: Template, seed: int = 3
) -> dict[str, np.ndarray]:
    """Of a plausible size: the residual moves vertices by tenths of a millimetre."""
    rng = np.random.default_rng(seed)
    hierarchy = template.hierarchy
    length = hierarchy.levels[0].spirals.shape[1]
    shapes = displacement_weight_shapes(config, hierarchy.sizes, length, NUM_BLENDSHAPES)
    weights = {}
    for name, shape in shapes.items():
        fan_in = (
            shape[-1]
            if name.endswith(("expand.weight", "read.weight", "jaw.weight"))
            else shape[:-1]
        )
        spread = 2.0 / np.sqrt(max(np.prod(fan_in), 1.0))
        weights[name] = rng.normal(scale=spread, size=shape).astype(np.float32)
    if config.linear_head:
        weights["head.noise"] = np.abs(weights["head.noise"]) + np.float32(0.02)
    return weights


def smooth_basis(template: Template, seed: int = 4) -> np.ndarray:
    """(K, V, 3) shapes that are smooth over the face, about 1 mm."""
    rng = np.random.default_rng(seed)
    waves = np.sin(template.vertices / 40.0 @ rng.normal(size=(3, NUM_BLENDSHAPES)))  # (V, K)
    return (waves.T[..., None] * rng.normal(size=(NUM_BLENDSHAPES, 1, 3))).astype(np.float32)


def random_decoder(
    config: DisplacementDecoderConfig, template: Template, **options
) -> DisplacementDecoder:
    return DisplacementDecoder(
        template, config, random_weights(config, template), smooth_basis(template), **options
    )


def random_landmarks(num_frames: int, seed: int = 5) -> np.ndarray:
    """(T, 68, 3) displacements of a few millimetres."""
    return np.random.default_rng(seed).normal(scale=2.0, size=(num_frames, 68, 3))


def random_neutral(template: Template, seed: int = 6) -> np.ndarray:
    """(V, 3) another face of the template."""
    coefficients = np.random.default_rng(seed).normal(size=len(template.identity_basis))
    return template.with_identity(coefficients)
