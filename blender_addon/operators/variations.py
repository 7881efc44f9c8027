"""Variations: nine motions of this head as small moving pictures to pick from."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from bpy.props import IntProperty

from facegen_core import pipeline, preview
from facegen_core.errors import IntensityError
from facegen_core.motion_engine import MotionEngine
from facegen_core.progress import Progress, no_progress, subprogress

from .. import engine, jobs, variation_sheet
from ..scene import state
from . import generate, match, polling

# Share of the progress bar that matching takes when it must be done again.
_MATCHED_AT = 0.4


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sheet, the match it was drawn by, and the engine."""

    match: state.Match
    sheet: variation_sheet.Sheet
    engine: engine.Used = engine.BY_BUILT_IN


def seeds_from(first: int) -> tuple[int, ...]:
    """Nine seeds in a row."""
    return tuple(range(first, first + variation_sheet.NUM_VARIATIONS))


def run_variations(
    request: generate.GenerateRequest,
    head: str,
    seeds: tuple[int, ...],
    progress: Progress = no_progress,
) -> Drawn:
    """Draw the sheet of a request; touches no Blender data, so any thread may call.

    head: the name of the target. The amount is that of the request's variation.
    """
    matched = match.run_match(request.match, subprogress(progress, 0.0, _MATCHED_AT))
    amount = request.variation.amount
    drawing = subprogress(progress, _MATCHED_AT, 1.0)
    pictures, used = draw(request, matched, seeds, drawing)
    frames = preview.picture_frames(request.intensities, request.frames_per_second)
    still = preview.apex_picture(request.intensities[frames])
    return Drawn(matched, variation_sheet.Sheet(head, seeds, amount, pictures, still), used)


def draw(
    request: generate.GenerateRequest,
    matched: state.Match,
    seeds: tuple[int, ...],
    progress: Progress = no_progress,
    num_pixels: int = preview.NUM_PIXELS,
) -> tuple[preview.Pictures, engine.Used]:
    """The moving pictures of a matched head, and the engine that made the motions."""
    bundle_file = request.match.bundle_file
    bundle = state.open_bundle(bundle_file).bundle

    def make(motion_engine: MotionEngine | None) -> preview.Pictures:
        return pipeline.variations(
            matched.alignment,
            request.intensities,
            request.frames_per_second,
            bundle,
            seeds,
            request.variation.amount,
            progress,
            num_pixels,
            layers=request.layers,
            engine=motion_engine,
        )

    return engine.run(request.engine, bundle_file, make, progress)


class FACEGEN_OT_variations(polling.OnHead, jobs.JobOperator, bpy.types.Operator):
    """Draw nine variations of this motion as small moving pictures to pick from.
    The scene stays as it is until one is picked"""

    bl_idname = "facegen.variations"
    bl_label = "Variations"

    first_seed: IntProperty(
        name="First Seed",
        description="Seed of the first of the nine pictures",
        default=0,
        min=0,
        options={"SKIP_SAVE"},
    )

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        name, seeds = target.name, seeds_from(self.first_seed)
        self._request = request = generate.request_generate(context, target)
        if not np.any(request.intensities):
            raise IntensityError(
                "Every expression is at zero in this range: add an expression to see variations of."
            )
        return lambda progress: run_variations(request, name, seeds, progress)

    def finish(self, context: bpy.types.Context, drawn: Drawn) -> str:
        # Remembered, but not written on the head: the scene stays as it is.
        match.remember(self._request.match, drawn.match)
        variation_sheet.show(drawn.sheet)
        self.warnings = drawn.engine.notes
        seeds = drawn.sheet.seeds
        return f"Drew seeds {seeds[0]} to {seeds[-1]} of '{drawn.sheet.head}': click one to take it"
