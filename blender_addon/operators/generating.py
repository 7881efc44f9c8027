"""All that generating needs, and the work itself: arrays alone, so that any thread may do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facegen_core import pipeline
from facegen_core.blendshapes import BlendshapeSet
from facegen_core.landmark_inference import Variation
from facegen_core.layers import Layers
from facegen_core.motion_engine import MotionEngine
from facegen_core.progress import Progress, no_progress, subprogress

from .. import baking, engine, generators
from ..scene import state
from . import match

# Shares of the progress bar: matching (when it must be done again), generating, baking.
_MATCHED_AT, _GENERATED_AT = 0.5, 0.8


@dataclass(frozen=True, eq=False)
class GenerateRequest:
    """All that generating needs, read from the scene; threads may use it.

    expressions: C names, those of the bundle. frames: (T,) scene frames. intensities: (T, C) in
    [0, 1]. mask: (M,) in [0, 1], how much of the motion each vertex takes, or None.
    variation: which one, where the generator makes several. layers: over the same T frames, or
    None where they change nothing. keys: what a rig or a solve needs besides, None for keys that
    are poses of the clip. curves: the keys the intensities came from (`scene.curve_record`).
    source, source_sha256: the file of the head, where known. engine: which one is to be used.
    """

    match: match.MatchRequest
    expressions: tuple[str, ...]
    frames: NDArray[np.float64]
    intensities: NDArray[np.float64]
    frames_per_second: float
    bake_mode: baking.BakeMode
    tolerance_mm: float
    mask: NDArray[np.floating] | None = None
    use_contact: bool = True
    generator: pipeline.Generator = generators.STEADY
    variation: Variation = field(default_factory=Variation)
    layers: Layers | None = None
    clip_name: str = "clip"
    keys: baking.KeyRequest | None = None
    curves: Mapping[str, Any] | None = None
    source: str = ""
    source_sha256: str = ""
    engine: engine.Choice = engine.BUILT_IN


@dataclass(frozen=True, eq=False)
class Generated:
    """The match that was used, the motion, and the shapes it became.

    keys: what the shapes are written as where they are a rig's or the artist's, else None.
    engine: which one made the motion.
    """

    match: state.Match
    clip: pipeline.Clip
    shapes: BlendshapeSet
    keys: baking.KeyBake | None = None
    engine: engine.Used = engine.BY_BUILT_IN


def run_generate(request: GenerateRequest, progress: Progress = no_progress) -> Generated:
    """Match if need be, generate and bake; touches no Blender data, so any thread may call."""
    matched = match.run_match(request.match, subprogress(progress, 0.0, _MATCHED_AT))
    moving = subprogress(progress, _MATCHED_AT, _GENERATED_AT)
    clip, used = run_motion(request, matched, moving)
    generated = run_bake(request, matched, clip, subprogress(progress, _GENERATED_AT, 1.0), used)
    progress(1.0, "Writing shape keys")
    return generated


def run_clip(
    request: GenerateRequest, matched: state.Match, progress: Progress = no_progress
) -> pipeline.Clip:
    """The motion alone; touches no Blender data, so any thread may call."""
    return run_motion(request, matched, progress)[0]


def run_motion(
    request: GenerateRequest, matched: state.Match, progress: Progress = no_progress
) -> tuple[pipeline.Clip, engine.Used]:
    """The motion, and the engine that made it; touches no Blender data, so any thread may call."""
    bundle_file = request.match.bundle_file
    bundle = state.open_bundle(bundle_file).bundle

    def make(motion_engine: MotionEngine | None) -> pipeline.Clip:
        return pipeline.generate(
            matched.alignment,
            request.intensities,
            request.frames_per_second,
            bundle,
            progress,
            mask=request.mask,
            contact=request.use_contact,
            generator=request.generator,
            variation=request.variation,
            layers=request.layers,
            engine=motion_engine,
        )

    return engine.run(request.engine, bundle_file, make, progress)


def run_bake(
    request: GenerateRequest,
    matched: state.Match,
    clip: pipeline.Clip,
    progress: Progress = no_progress,
    used: engine.Used = engine.BY_BUILT_IN,
) -> Generated:
    """What the motion becomes; touches no Blender data, so any thread may call.

    used: the engine that made the motion.
    """
    source = baking.RigSource(
        matched.alignment,
        state.open_bundle(request.match.bundle_file).bundle,
        request.clip_name,
        request.mask,
        request.use_contact,
        request.generator,
        request.variation,
    )
    asked = request.keys or baking.KeyRequest()
    shapes, keys = baking.bake_clip(
        request.bake_mode, request.tolerance_mm, asked, source, clip, progress
    )
    return Generated(matched, clip, shapes, keys, used)
