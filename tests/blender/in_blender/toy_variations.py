"""A second generator for a bundle that has none: it moves as the first, a little to one side.

Its weights are not learnt but laid down: landmarks go where the first generator takes them at full
intensity, in proportion to the curves, and noise lifts and spreads the corners of mouth and brows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

NOISE_SIZE = 4
# Landmarks that noise moves, by how many mm per unit: corners of the mouth, outer and inner brows.
_MOVED = {48: 3.0, 54: 3.0, 60: 2.6, 64: 2.6, 17: 2.0, 26: 2.0, 21: 2.0, 22: 2.0}


def with_variations(bundle: Any, core: Callable[[str], ModuleType]) -> Any:
    """The bundle with a second generator. core: a module of facegen_core by its name in there."""
    configs = core("models.landmark_config"), core("models.displacement_config")
    engine = core("inference").Engine(bundle)
    template, names = bundle.template, bundle.config.expressions
    apexes = np.zeros((len(names), 68, 3), np.float32)
    motions, poses = [], []
    for k in range(len(names)):
        curves = np.zeros((20, len(names)))
        curves[:, k] = np.minimum(np.arange(20) / 10.0, 1.0)
        motion = engine.generate(curves, 30.0)
        moved = template.landmarks.positions(template.vertices + motion.skin, template.triangles)
        apexes[k] = moved[-1] - template.landmark_positions
        motions.append((moved - template.landmark_positions).reshape(20, -1))
        poses.append(motion.jaw)
    generators = configs[0].LandmarkGanConfig(
        stage_rates=(1.0,), widths=(NOISE_SIZE,), num_blocks=1, noise_size=NOISE_SIZE
    )
    decoder = configs[1].DisplacementDecoderConfig(residual=False)
    num_shapes = bundle.config.num_blendshapes
    shapes = {
        "generators": configs[0].landmark_weight_shapes(generators, len(names)),
        "decoder": configs[1].displacement_weight_shapes(
            decoder, template.hierarchy.sizes, 0, num_shapes
        ),
    }
    weights = {
        f"{part}.{name}": np.zeros(shape, np.float32)
        for part, named in shapes.items()
        for name, shape in named.items()
    }
    weights["generators.scale"] = np.float32(1.0)
    weights["generators.noise_scales"] = np.ones(generators.num_stages, np.float32)
    weights["generators.neutral_mean"] = template.landmark_positions.reshape(-1)
    weights["generators.linear.weight"][:, : len(names)] = apexes.reshape(len(names), -1).T
    weights["generators.stages.0.read.weight"][:, -204 - NOISE_SIZE : -204] = np.eye(NOISE_SIZE)
    for column, (across, up) in enumerate(((0, 1), (1, 0), (0, 1), (1, 0))):
        write = weights["generators.stages.0.write.weight"].reshape(68, 3, NOISE_SIZE)
        for landmark, mm in _MOVED.items():
            side = 1.0 if column < 2 or template.landmark_positions[landmark, 0] > 0 else -0.5
            write[landmark, :2, column] = side * mm * np.array([0.6 * across, up])
    weights["decoder.head.factor"][:] = np.diag(bundle.weights["blendshapes.scales"])
    weights["decoder.head.noise"][:] = 0.1
    read, targets = np.concatenate(motions), np.concatenate(poses)
    inner = read @ read.T + 25.0 * np.eye(len(read))
    weights["decoder.jaw.weight"][:, num_shapes:] = (read.T @ np.linalg.solve(inner, targets)).T
    provenance = {"training_data": {"name": "none: laid down by hand"}, "licences": {}}
    model = core("landmark_model").LandmarkModel(generators, decoder, weights, provenance)
    return dataclasses.replace(bundle, landmark_model=model)
