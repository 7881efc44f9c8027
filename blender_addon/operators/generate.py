"""Generate: the curves move the face; the motion becomes shape keys."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from facegen_core.errors import BundleError, IntensityError
from facegen_core.eye_layer import NO_SHAPES
from facegen_core.landmark_inference import Variation
from facegen_core.layers import eyes_of
from facegen_core.numeric import counted
from facegen_core.progress import Progress, no_progress

from .. import clip_record, generators, jobs
from ..preferences import engine_choice
from ..scene import (
    before_generate,
    channels,
    clip_keys,
    clip_store,
    clips,
    contact,
    curve_record,
    curves,
    key_checks,
    layer_curves,
    live_key,
    mask,
    rig_keys,
    shape_keys,
    state,
)
from ..translations import said
from . import bake_keys, match, polling
from .generating import (
    Generated,
    GenerateRequest,
    run_bake,
    run_clip,
    run_generate,
    run_motion,
)

__all__ = ["FACEGEN_OT_generate", "GenerateRequest", "Generated", "run_bake", "run_clip"]
__all__ += ["run_generate", "run_motion"]


def frame_span(context: bpy.types.Context, target: bpy.types.Object) -> tuple[int, int]:
    """First and last frame to generate, from the settings of the head."""
    settings, scene = target.facegen, context.scene
    if settings.frame_range == "custom":
        return settings.frame_start, settings.frame_end
    keyed = curves.keyed_range(target) if settings.frame_range == "expressions" else None
    return (
        layer_curves.shifted_span(target, *keyed) if keyed else (scene.frame_start, scene.frame_end)
    )


def request_generate(
    context: bpy.types.Context,
    target: bpy.types.Object,
    bundle_file: Path | None = None,
    matching: match.MatchRequest | None = None,
) -> GenerateRequest:
    """Read head, curves and settings. Raises FacegenError with one sentence.

    bundle_file: None is the one chosen in the preferences. matching: the head where it was read
    already.
    """
    start, end = frame_span(context, target)
    if end < start:
        raise IntensityError(
            f"The frame range is empty: it ends at {end}, before it starts at {start}."
        )
    clips.check_generating(target)
    if matching is None:
        matching = match.request_match(context, target, False, bundle_file)
    before_generate.check(target, end - start + 1, matching.head.mesh.num_vertices)
    info = state.bundle_info(matching.bundle_file)
    expressions = info.expressions
    frames = np.arange(start, end + 1, dtype=np.float64)
    intensities = curves.sample_intensities(target, frames, expressions)
    render, settings = context.scene.render, target.facegen
    frames_per_second = render.fps / render.fps_base
    layers = layer_curves.read_layers(target, frames, frames_per_second)
    if eyes_of(layers) is not None and not info.num_face_shapes:
        raise BundleError(NO_SHAPES)
    return GenerateRequest(
        matching,
        expressions,
        frames,
        intensities,
        frames_per_second,
        settings.bake_mode,
        settings.tolerance_mm,
        mask.read_mask(matching.head, settings.mask_group, settings.is_mask_inverted),
        settings.use_contact,
        settings.generator,
        variation_of(target),
        layers,
        clip_name=shape_keys.safe_clip_name(settings.clip_name),
        keys=bake_keys.request_keys(target, matching.head, layers),
        curves=curve_record.read(target, expressions, frames),
        source=state.scene_file(),
        engine=engine_choice(context),
    )


def variation_of(target: bpy.types.Object) -> Variation:
    """The variation chosen on a head. Blender keeps amounts as float32; more digits are noise."""
    settings = target.facegen
    return Variation(settings.variation_seed, round(settings.variation_amount, 6))


def write_generated(
    context: bpy.types.Context,
    target: bpy.types.Object,
    request: GenerateRequest,
    generated: Generated,
) -> int:
    """Write the shape keys of a clip and what is known about it; returns the number of keys."""
    live_key.remove_all()  # the clip takes its place
    settings, shapes = target.facegen, generated.shapes
    generated.match.head.objects()  # refuses where one of them is gone
    take_back = clips.for_generating(target)
    try:
        num_keys = _write_keys(target, request, generated)
    except Exception:
        take_back()
        raise
    clip_keys.rest_adopted(target)
    if not request.match.is_recorded or not settings.is_matched:
        match.keep_match(context, target, request.match, generated.match)
    channels.claim(target, request.expressions)
    settings.made_by = generators.words(request.generator, request.variation)
    if generated.engine.is_worker:
        settings.made_by += ", GPU worker"
    settings.num_keys, settings.contact = num_keys, contact.stored(generated.clip.contact)
    settings.bake_error_mm = shapes.max_error * generated.clip.mm_per_unit
    clips.begin(target)
    record = clip_record.record_of(request, generated, settings.clip_name)
    record["measured"] = {
        name: getattr(settings, name)
        for name in ("num_keys", "bake_error_mm", "made_by", "contact")
    }
    clip_store.write(target, clip_record.as_text(record))
    return num_keys


def _write_keys(target: bpy.types.Object, request: GenerateRequest, generated: Generated) -> int:
    settings, head = target.facegen, generated.match.head
    if generated.keys is not None:
        return bake_keys.write_keys(target, request, generated, generated.keys)
    shapes, mode = generated.shapes, request.bake_mode
    names = shape_keys.key_names(settings.clip_name, mode, shapes, request.frames)
    num_keys = shape_keys.write_clip(head, settings.clip_name, names, shapes, request.frames)
    rig_keys.tidy(head.objects())
    settings.key_figures = ""
    return num_keys


def generate_on(
    context: bpy.types.Context, target: bpy.types.Object, progress: Progress = no_progress
) -> Generated:
    """Generate and bake the head's curves now, by the settings on `target.facegen`."""
    request = request_generate(context, target)
    generated = run_generate(request, progress)
    write_generated(context, target, request, generated)
    return generated


def sentence(target: bpy.types.Object, request: GenerateRequest, num_keys: int) -> str:
    """What to tell the artist of keys that were just written."""
    figures = bake_keys.figures_of(target)
    if figures:
        return bake_keys.sentence(figures, len(request.frames))
    if num_keys == 0:
        return "Every expression is at zero in this range: the face rests, no keys were made"
    return (
        f"Generated {counted(len(request.frames), 'frame')} as {counted(num_keys, 'shape key')}, "
        f"within {target.facegen.bake_error_mm:.3f} mm ({target.facegen.made_by})"
    )


class FACEGEN_OT_generate(polling.OnHead, jobs.JobOperator, bpy.types.Operator):
    """Move the face by its expression curves and write the motion as shape keys"""

    bl_idname = "facegen.generate"
    bl_label = "Generate"
    bl_options = {"UNDO"}

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        self._target_name = target.name
        self._request = request_generate(context, target)
        return lambda progress: run_generate(self._request, progress)

    def finish(self, context: bpy.types.Context, generated: Generated) -> str:
        target = state.head_named(self._target_name)
        num_keys = write_generated(context, target, self._request, generated)
        for warning in key_checks.pinned(generated.match.head.objects()):
            self.report({"WARNING"}, said(warning))
        self.warnings = generated.engine.notes
        return sentence(target, self._request, num_keys)
