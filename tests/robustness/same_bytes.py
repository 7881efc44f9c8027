"""Prints as JSON a hash of everything Facegen makes here: python -m tests.robustness.same_bytes.

Other processes, numbers of threads and seeds of Python's hashes must print the same.

    --parts motion,bakes     what to make, of PARTS
    --workers N              parts of a clip at a time (facegen_core.parallel)
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facegen_core import parallel, pipeline, rigging
from facegen_core.bundle import load_bundle, save_bundle
from facegen_core.landmark_inference import Variation
from facegen_core.layers import Layers
from facegen_core.mesh import Mesh
from facegen_core.registration.alignment import Alignment
from tests.core.sample_head import aligned_sample_head

SHIPPED = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"
Digests = dict[str, str]


def hashed(*values: object) -> str:
    """Of arrays with their shapes and types, of bytes, and of what prints."""
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype} {value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(value if isinstance(value, bytes) else repr(value).encode())
    return digest.hexdigest()[:24]


def smile_and_scare(frames: int = 24) -> np.ndarray:
    """(T, 6) intensities: two expressions that overlap, at rest before and after."""
    t = np.linspace(0.0, 1.0, frames)
    curves = np.zeros((frames, 6))
    curves[:, 3] = np.clip(np.sin(np.pi * np.clip(t / 0.7, 0, 1)), 0, 1)
    curves[:, 2] = 0.8 * np.clip(np.sin(np.pi * np.clip((t - 0.4) / 0.6, 0, 1)), 0, 1)
    return curves


def motion(alignment: Alignment) -> Digests:
    """Both generators with the retarget and the contact behind them, layers and a sheet."""
    bundle, curves = load_bundle(SHIPPED), smile_and_scare()
    made = {}
    for generator in ("lstm", "lm4dgan"):
        for name, contact in (("retargeted", False), ("in contact", True)):
            clip = pipeline.generate(
                alignment,
                curves,
                30.0,
                bundle,
                contact=contact,
                generator=generator,
                variation=Variation(3, 1.0),
            )
            made[f"{generator}, {name}"] = hashed(clip.displacements, clip.contact)
    layers = Layers.constant(len(curves), (0.5, 1.0, 1.5), (0.1, 0.0, 0.0), 0.4, 1.3)
    clip = pipeline.generate(alignment, curves, 30.0, bundle, layers=layers)
    made["layers"] = hashed(clip.displacements)
    made["variations"] = hashed(
        pipeline.variations(alignment, curves, 30.0, bundle, range(2), num_pixels=48)
    )
    return made


def bakes(alignment: Alignment) -> Digests:
    """Every mode of baking."""
    bundle = load_bundle(SHIPPED)
    clip = pipeline.generate(alignment, smile_and_scare(), 30.0, bundle, contact=False)
    made = {}
    for mode in ("compact", "frames"):
        shapes = pipeline.bake(clip, mode)
        made[mode] = hashed(shapes.shapes, shapes.weights, shapes.pose_frames)
    rig = rigging.make_rig(alignment, bundle, contact=False)
    made["rig"] = hashed(rig.shapes, rig.channels, rig.regions)
    solved = rigging.solve_into(alignment, clip, rig.shapes)
    made["solved"] = hashed(solved.weights)
    offered = pipeline.face_shapes(alignment, bundle, contact=False)
    made["face shapes"] = hashed(offered.names, offered.shapes)
    return made


def match(alignment: Alignment) -> Digests:
    """A head found and fitted, turned and of another size."""
    bundle = load_bundle(SHIPPED)
    head = bundle.template.whole_head()
    turn = np.array([[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]])
    turned = Mesh(0.11 * head.vertices @ turn.T + 3.0, head.polygon_vertices, head.polygon_starts)
    found = pipeline.match(turned, bundle)
    fit = found.fit
    clip = pipeline.generate(found, smile_and_scare(12), 30.0, bundle)
    return {
        "match": hashed(fit.neutral, fit.landmarks, fit.identity_coefficients, *fit.inner.values()),
        "place": hashed(fit.similarity.scale, fit.similarity.rotation, fit.similarity.translation),
        "correspondence": hashed(
            found.correspondence.triangle_indices, found.correspondence.barycentrics
        ),
        "clip on the match": hashed(clip.displacements),
    }


def bundles(alignment: Alignment) -> Digests:
    """A bundle read and written again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.facegen"
        save_bundle(load_bundle(SHIPPED), path)
        return {"bundle": hashed(path.read_bytes())}


def training(alignment: Alignment) -> Digests:
    """A short training on the CPU and the bundle it ends with."""
    from tests.training.short_runs import checkpoint_of, short_config
    from tests.training.synthetic_sequences import bump_data
    from training.expression_model.train_expression_model import train

    with tempfile.TemporaryDirectory() as folder:
        train(short_config(Path(folder) / "run"), bump_data())
        weights = checkpoint_of(Path(folder) / "run").weights
    return {"training": hashed(*(v for n in sorted(weights) for v in (n, weights[n])))}


PARTS: dict[str, Callable[[Alignment], Digests]] = {
    "motion": motion,
    "bakes": bakes,
    "match": match,
    "bundles": bundles,
    "training": training,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--workers", type=int)
    options = parser.parse_args()
    if options.workers:
        parallel.num_workers = lambda: options.workers
    alignment = aligned_sample_head(load_bundle(SHIPPED))
    made: Digests = {}
    for name in options.parts.split(","):
        made |= PARTS[name](alignment)
    print(json.dumps(made))


if __name__ == "__main__":
    main()
