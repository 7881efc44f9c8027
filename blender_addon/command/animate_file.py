"""The recipe of the command: one head, its expressions, and the files that come of it.

    head     = read the file, or take the sample head
    match    = find the face
    clip     = generate the motion of the keyed curves, bake it, write it as shape keys
    products = export, read back, report, picture

Nothing appears under its final name before everything has succeeded.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

import facegen_core
from facegen_core.landmarks import read_landmark_file
from facegen_core.progress import Progress, no_progress, subprogress

from .. import properties
from ..operators import bake_keys, generate, match
from ..scene import (
    axes,
    clip_store,
    curves,
    fbx,
    import_head,
    landmarks,
    mesh_bridge,
    picture,
    picture_moments,
    sample_head,
    state,
)
from . import match_files
from .animate_request import Request, check_request
from .export_files import Exported, write_clips
from .products import Products
from .report import Outcome, Stopwatch, match_report_of, report_of

# Where the stages end on the progress bar.
_READ, _MATCHED, _GENERATED, _BAKED, _CHECKED = 0.04, 0.45, 0.60, 0.70, 0.84


@dataclass(frozen=True, eq=False)
class Animated:
    """The head with its keys and curves in the open scene."""

    objects: list[bpy.types.Object]
    request: generate.GenerateRequest
    generated: generate.Generated
    num_keys: int

    @property
    def frame_range(self) -> tuple[int, int]:
        return int(self.request.frames[0]), int(self.request.frames[-1])


def animate_file(request: Request, progress: Progress = no_progress) -> dict[str, Any]:
    """Do all of it and return the report. Raises FacegenError; then nothing has been written."""
    check_request(request)
    stopwatch = Stopwatch()
    objects = read_head(request, stopwatch, progress)
    matching, matched = match_head(request, objects[0], stopwatch, progress)
    with Products() as products:
        _write_match_files(request, matched, products)
        if not request.wants_clip:
            products.publish()
            return match_report_of(matched.alignment, stopwatch.seconds, matching.notes)
        animated = _animate(request, objects, matching, matched, stopwatch, progress)
        mm_per_unit = animated.generated.clip.mm_per_unit
        writing = subprogress(progress, _BAKED, _CHECKED)
        exported = write_clips(
            request,
            animated.objects,
            animated.frame_range,
            mm_per_unit,
            products,
            stopwatch,
            writing,
        )
        if request.picture_file:
            with stopwatch("picture"):
                sheet = _picture(request, animated, subprogress(progress, _CHECKED, 1.0))
                products.path_for(request.picture_file).write_bytes(sheet)
        report = report_of(outcome_of(request, animated, exported, stopwatch))
        if request.report_file:
            text = json.dumps(report, indent=1) + "\n"
            products.path_for(request.report_file).write_text(text, encoding="utf-8")
        if request.record_file:
            text = clip_store.read_now(objects[0])
            products.path_for(request.record_file).write_text(text, encoding="utf-8")
        products.publish()
    progress(1.0, "Done")
    return report


def read_head(request: Request, stopwatch: Stopwatch, progress: Progress) -> list[bpy.types.Object]:
    """The head's objects, selected, with expressions keyed on the first, the target."""
    with stopwatch("read"):
        progress(0.0, "Reading the head")
        objects = open_head(request)
        if request.frames_per_second is not None:
            render = bpy.context.scene.render
            render.fps = max(1, round(request.frames_per_second))
            render.fps_base = render.fps / request.frames_per_second
        _prepare_target(request, objects)
    return objects


def match_head(
    request: Request, target: bpy.types.Object, stopwatch: Stopwatch, progress: Progress
) -> tuple[match.MatchRequest, state.Match]:
    """Find the face, holding to landmarks and parts from files."""
    with stopwatch("match"):
        matching = _request_match(request, target)
        matched = match.run_match(matching, subprogress(progress, _READ, _MATCHED))
        if request.parts_file:
            match_files.check_parts(request.parts_file, matched)
        match.keep_match(bpy.context, target, matching, matched)
    return matching, matched


def _animate(
    request: Request,
    objects: list[bpy.types.Object],
    matching: match.MatchRequest,
    matched: state.Match,
    stopwatch: Stopwatch,
    progress: Progress,
) -> Animated:
    """Generate, bake; write the shape keys."""
    target = objects[0]
    with stopwatch("generate"):
        asked = generate.request_generate(bpy.context, target, request.bundle_file)
        source = source_of(request.head)
        asked = dataclasses.replace(asked, match=matching, engine=request.engine, **source)
        moving = subprogress(progress, _MATCHED, _GENERATED)
        clip, used = generate.run_motion(asked, matched, moving)
    with stopwatch("bake"):
        baking = subprogress(progress, _GENERATED, _BAKED)
        made = generate.run_bake(asked, matched, clip, baking, used)
        num_keys = generate.write_generated(bpy.context, target, asked, made)
        show_span(asked)
    return Animated(objects, asked, made, num_keys)


def show_span(asked: generate.GenerateRequest) -> None:
    """Let the scene run over the frames of a clip, from its first on."""
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = int(asked.frames[0]), int(asked.frames[-1])
    scene.frame_set(scene.frame_start)


def source_of(path: Path | None) -> dict[str, str]:
    """What a record says of the head's file; nothing of the sample head."""
    if path is None:
        return {"source": "", "source_sha256": ""}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"source": path.resolve().as_posix(), "source_sha256": digest}


def _picture(request: Request, animated: Animated, progress: Progress) -> bytes:
    made = animated.generated
    strips = picture_moments.strips(made.match.head, request.envelopes, animated.frame_range)
    return picture.contact_sheet(made.match.alignment, strips, progress)


def outcome_of(
    request: Request, animated: Animated, exported: Exported, stopwatch: Stopwatch
) -> Outcome:
    made = animated.generated
    notes = animated.request.match.notes
    warnings = [
        *notes,
        *made.match.alignment.fit.warnings,
        *fbx.preflight(animated.objects),
        *exported.missing,
        *made.engine.notes,
    ]
    return Outcome(
        source=str(request.head) if request.head else "sample head",
        alignment=made.match.alignment,
        clip=made.clip,
        expressions=animated.request.expressions,
        shapes=made.shapes,
        generator=animated.request.generator,
        variation=animated.request.variation,
        layers=animated.request.layers,
        engine=made.engine.words,
        bake_mode=request.bake_mode,
        key_figures=bake_keys.figures_of(animated.objects[0]),
        first_frame=animated.frame_range[0],
        num_keys=animated.num_keys,
        roundtrip_errors_mm=exported.errors_mm,
        seconds=stopwatch.seconds,
        warnings=tuple(warnings),
        versions={
            "facegen": facegen_core.__version__,
            "blender": bpy.app.version_string,
            "numpy": np.__version__,
            "bundle_sha256": made.match.bundle_hash,
        },
    )


def open_head(request: Request) -> list[bpy.types.Object]:
    """The head's objects in a scene of their own, the target first."""
    bundle = state.open_bundle(request.bundle_file).bundle
    if request.head is None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
    else:
        import_head.read_file(request.head)
    if not hasattr(bpy.types.Object, "facegen"):
        properties.register()
    if request.head is None:
        return [sample_head.new_head(bpy.context, bundle.template)]
    return import_head.head_of_scene(request.head.name, request.object_names)


def select_head(objects: Sequence[bpy.types.Object]) -> None:
    """Select the objects of a head alone, the target active, in Object Mode."""
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for obj in bpy.context.view_layer.objects:
        obj.select_set(obj in objects)
    bpy.context.view_layer.objects.active = objects[0]
    mesh_bridge.check_objects(objects)


def _prepare_target(request: Request, objects: Sequence[bpy.types.Object]) -> None:
    """Select the head, and put expressions and settings on the target as the artist would."""
    select_head(objects)
    settings = objects[0].facegen
    settings.clip_name, settings.bake_mode = request.clip_name, request.bake_mode
    settings.tolerance_mm, settings.frame_range = request.tolerance_mm, "expressions"
    settings.mask_group, settings.is_mask_inverted = request.mask_group, request.is_mask_inverted
    settings.use_contact, settings.generator = request.use_contact, request.generator
    settings.variation_seed = request.variation.seed
    settings.variation_amount = request.variation.amount
    for name, value in {**request.bake_settings, **request.layers}.items():
        setattr(settings, name, value)
    expressions = state.bundle_info(request.bundle_file).expressions
    for envelope in request.envelopes:
        curves.add_envelope(objects[0], envelope, expressions)


def _request_match(request: Request, target: bpy.types.Object) -> match.MatchRequest:
    found = match.request_match(bpy.context, target, bundle_file=request.bundle_file)
    if request.parts_file:
        corrections = match_files.read_parts(request.parts_file, found.head)
        found = dataclasses.replace(found, corrections={**found.corrections, **corrections})
    if request.landmark_file is None:
        return found
    places = read_landmark_file(request.landmark_file)
    if not _is_y_up(request):
        places = {number: axes.to_core(place) for number, place in places.items()}
    key = hashlib.sha256(request.landmark_file.read_bytes()).hexdigest()
    return dataclasses.replace(
        found, landmarks=landmarks.Wanted(places, is_by_hand=True), landmark_key=key
    )


def _write_match_files(request: Request, matched: state.Match, products: Products) -> None:
    is_y_up = _is_y_up(request)
    if request.landmarks_out:
        text = match_files.landmarks_text(matched, is_y_up)
        products.path_for(request.landmarks_out).write_text(text, encoding="utf-8")
    if request.parts_out:
        text = match_files.parts_text(matched)
        products.path_for(request.parts_out).write_text(text, encoding="utf-8")
    if request.residual_file:
        content = match_files.residual_ply(matched, is_y_up)
        products.path_for(request.residual_file).write_bytes(content)


def _is_y_up(request: Request) -> bool:
    """Whether coordinates of files are Y up, as those of the head's own file are."""
    return request.head is None or import_head.is_y_up(request.head)
