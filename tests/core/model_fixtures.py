"""Bundles with random weights on the sphere template, and the naive twin of the fused layer."""

import dataclasses

import numpy as np

from facegen_core.bundle import Bundle
from facegen_core.hierarchy import Hierarchy
from facegen_core.landmark_model import LandmarkModel
from facegen_core.models.config import ModelConfig, weight_shapes
from facegen_core.models.displacement_config import (
    DisplacementDecoderConfig,
    displacement_weight_shapes,
)
from facegen_core.models.landmark_config import LandmarkGanConfig, landmark_weight_shapes
from facegen_core.template import Template
from tests.sphere_template import sphere_template

PROVENANCE = {
    "training_data": {"name": "random numbers"},
    "licences": {"weights": "CC0"},
    "metrics": {},
    "commit": "none",
    "seed": 5,
    "command": "made in a test",
    "date": "2026-01-31",
}


def random_bundle(config: ModelConfig | None = None, template: Template | None = None) -> Bundle:
    """Weights of a plausible size: latent codes spread, displacements of a few millimetres."""
    config = config or ModelConfig(num_blendshapes=8)
    template = template or sphere_template()
    rng = np.random.default_rng(5)
    length = template.hierarchy.levels[0].spirals.shape[1]
    weights = {}
    for name, shape in weight_shapes(config, template.hierarchy.sizes, length).items():
        fan_in = np.prod(shape[:-1]) if "convs" in name else shape[-1]
        spread = 1.0 if name == "blendshapes.basis" else 1.5 / np.sqrt(max(fan_in, 4))
        values = rng.normal(scale=spread, size=shape)
        weights[name] = (np.abs(values) if "scales" in name else values).astype(np.float32)
    return Bundle(template, weights, config, dict(PROVENANCE))


def random_landmark_bundle(
    generators: LandmarkGanConfig | None = None, decoder: DisplacementDecoderConfig | None = None
) -> Bundle:
    """A bundle of both generators: landmarks that move a few millimetres, and differ by noise."""
    bundle = random_bundle(ModelConfig(num_blendshapes=8, follows_neutral=True))
    generators = generators or LandmarkGanConfig(widths=(12, 8, 8), num_blocks=2, noise_size=4)
    decoder = decoder or DisplacementDecoderConfig()
    hierarchy, rng = bundle.template.hierarchy, np.random.default_rng(6)
    length, count = hierarchy.levels[0].spirals.shape[1], bundle.config.num_blendshapes
    shapes = {
        "generators": landmark_weight_shapes(generators, bundle.config.num_expressions),
        "decoder": displacement_weight_shapes(decoder, hierarchy.sizes, length, count),
    }
    weights = {}
    for part, named in shapes.items():
        for name, shape in named.items():
            fan_in = int(np.prod(shape[1:])) or 1
            values = np.asarray(rng.normal(scale=0.7 / np.sqrt(max(fan_in, 4)), size=shape))
            weights[f"{part}.{name}"] = values.astype(np.float16).astype(np.float32)
    weights["generators.scale"] = np.float32(2.0)
    weights["generators.noise_scales"] = np.ones(generators.num_stages, np.float32)
    weights["generators.neutral_mean"] = (
        bundle.template.landmark_positions.reshape(-1).astype(np.float16).astype(np.float32)
    )
    if "decoder.head.noise" in weights:
        weights["decoder.head.noise"] = np.abs(weights["decoder.head.noise"]) + np.float32(0.125)
    model = LandmarkModel(generators, decoder, weights, dict(PROVENANCE))
    return dataclasses.replace(bundle, landmark_model=model)


def naive_up_spiral_conv(hierarchy: Hierarchy, k: int, features, weight, bias):
    """Level k + 1 → k by up-transform, gather of S neighbours and one product, in torch.

    features (V_{k+1}, N, C_in), weight (S, C_in, C_out) → (V_k, N, C_out); padding reads zeros.
    """
    import torch

    level = hierarchy.levels[k]
    indices = torch.from_numpy(hierarchy.up_indices[k].astype(np.int64))
    shares = torch.from_numpy(hierarchy.up_weights[k])
    fine = (features[indices] * shares[:, :, None, None]).sum(dim=1)  # (V_k, N, C)
    padded = torch.cat([fine, fine.new_zeros(1, *fine.shape[1:])])
    gathered = padded[torch.from_numpy(level.spirals.astype(np.int64))]  # (V_k, S, N, C)
    return torch.einsum("vsnc,scd->vnd", gathered, weight) + bias
