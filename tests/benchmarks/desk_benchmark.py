"""How long an artist waits: 100 frames on a head of 27,000 vertices, and one frame under the hand.

    python -m tests.benchmarks.desk_benchmark [--threads 2] [--vertices 27000] [--out desk.json]

In Blender as a Python module, on a head that is matched and prepared. Every figure is a median of
works that take turns, in milliseconds, and beside it the processor time of all threads, which a
busy machine changes least; ratios are to a float32 product of two 1,500 × 1,500 matrices.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.__main__ import THREAD_VARIABLES
from tests.benchmarks.timing import Timing, take_turns

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "blender_addon" / "assets" / "default.facegen"
NUM_FRAMES, REFERENCE, REFERENCE_SIZE = 100, "reference: matrix product", 1500
# What the desk promises, ms, with two processors.
LIMITS = {"regenerate": 1000.0, "bake": 5000.0, "single frame": 20.0}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vertices", type=int, default=27_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", type=Path, help="write the figures as JSON too")
    options = parser.parse_args(arguments)
    os.environ |= dict.fromkeys(THREAD_VARIABLES, "1")  # frames, not products, share processors
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    times = take_turns(_works(options.vertices), options.repetitions)
    figures = _figures(times)
    print(f"{options.vertices:,} vertices, {NUM_FRAMES} frames, {options.threads} threads")
    print(f"{'':28} {'ms':>9} {'processor ms':>13} {'ratio':>8}  limit")
    for name, row in figures.items():
        limit = f"{row['limit_ms']:g} ms" if row["limit_ms"] else ""
        print(
            f"{name:28} {row['ms']:9.1f} {row['processor_ms']:13.1f} {row['ratio']:8.2f}  {limit}"
        )
    if options.out:
        options.out.write_text(json.dumps({"vertices": options.vertices, "works": figures}) + "\n")
    return 0


def _figures(times: dict[str, Timing]) -> dict[str, dict[str, float | None]]:
    unit = times[REFERENCE].processor_seconds
    return {
        name: {
            "ms": 1e3 * timing.median,
            "processor_ms": 1e3 * timing.processor_seconds,
            "ratio": timing.processor_seconds / unit,
            "limit_ms": LIMITS.get(name),
        }
        for name, timing in times.items()
    }


def _works(num_vertices: int) -> dict[str, Callable[[], object]]:
    """What is timed, in a scene with one matched head whose curves are keyed."""
    # Only now, so that the libraries find the number of threads.
    import bpy
    import numpy as np

    from blender_addon import live_session, properties
    from blender_addon.operators import generate, match
    from blender_addon.scene import axes, curves, live_key, shape_keys, state
    from facegen_core import pipeline
    from facegen_core.intensity import Envelope
    from tests.benchmarks.refined_head import refined_head

    bpy.ops.wm.read_factory_settings(use_empty=True)
    properties.register()
    context, bundle = bpy.context, state.open_bundle(BUNDLE).bundle
    mesh = refined_head(bundle.template, num_vertices)
    data = bpy.data.meshes.new("Head")
    data.from_pydata(axes.to_blender(mesh.vertices) / 1000.0, [], mesh.triangles)
    head = bpy.data.objects.new("Head", data)
    context.collection.objects.link(head)
    context.view_layer.objects.active = head
    last = NUM_FRAMES - 1
    for event in (
        Envelope("happy", 0, 12, 30, 45),
        Envelope("surprise", 40, 50, 62, 78, 0.8),
        Envelope("angry", 70, 80, 88, last, 0.9),
    ):
        curves.add_envelope(head, event)
    context.scene.frame_set(25)
    match.match_head(context, head)
    generated = generate.generate_on(context, head)
    request = generate.request_generate(context, head)
    assert request.intensities.shape[0] == NUM_FRAMES
    alignment, joined = generated.match.alignment, generated.match.head
    poser, rows = pipeline.poser(alignment, bundle), iter(range(10**9))

    def regenerate() -> object:
        return generate.run_clip(request, generated.match)

    def fit() -> object:
        return pipeline.bake(generated.clip)

    def write() -> object:
        shapes = generated.shapes
        names = shape_keys.key_names("clip", "compact", shapes, request.frames)
        return shape_keys.write_clip(joined, "clip", names, shapes, request.frames)

    def pose() -> object:
        return poser.pose(request.intensities, 30.0, next(rows) % NUM_FRAMES)

    def edited_pose() -> object:
        factor = 0.5 + 0.4 * (next(rows) % 97) / 97
        return poser.pose(factor * request.intensities, 30.0, 25)

    session = live_session.Session()
    session._matched, session._warm = generated.match, {request.generator}

    def look() -> object:
        """A slider under the hand: read the scene, pose the face, rewrite the shape key."""
        head.facegen.fear = 0.2 + 0.6 * (next(rows) % 97) / 97
        return session.look(context, head)

    look()
    assert live_key.NAME in head.data.shape_keys.key_blocks, session.note
    one = np.ones((REFERENCE_SIZE, REFERENCE_SIZE), np.float32)
    return {
        REFERENCE: lambda: one @ one,
        "regenerate": regenerate,
        "bake": lambda: (fit(), write()),
        "of it: shapes and weights": fit,
        "of it: keys and curves": write,
        "pose, scrubbing": pose,
        "pose, a curve edited": edited_pose,
        "single frame": look,
    }


if __name__ == "__main__":
    code = 1
    try:
        code = main()
    except Exception:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)  # Blender as a module may hang while Python ends
