"""The recipe of `facegen replay`: a recorded clip made again from its record, bit for bit.

    record   = read the JSON, or what a .blend keeps of one of its clips
    head     = read the file the record names, or the one given
    clip     = match, generate and bake as recorded; compare with what came out then
    products = export, read back, report

Nothing appears under its final name before everything has succeeded.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from facegen_core.errors import FacegenError
from facegen_core.progress import Progress, no_progress, subprogress

from .. import DEFAULT_BUNDLE, clip_record
from ..clip_record import Record
from ..engine import BUILT_IN, BUILT_IN_WORDS, TOLERANCE_MM, Choice
from ..operators import generate, regenerate
from ..record_checks import recorded_source
from ..scene import clip_rows, clip_store, clips, state
from .animate_file import Animated, open_head, outcome_of, select_head, show_span
from .animate_request import Request, check_formats
from .export_files import write_clips
from .export_options import check_preset
from .products import Products, check_products
from .report import Stopwatch, report_of

# Where the stages end on the progress bar.
_READ, _BAKED = 0.05, 0.70


@dataclass(frozen=True)
class ReplayRequest:
    """What to replay: a record, or a clip of a .blend.

    head: None is the file that the record names. clip: name of a clip in a .blend, empty for the
    one that plays. any_model, any_head: go on with another than the recorded one. record_out: the
    record as it is of what was made. preset, has_root_bone, engine: as for facegen generate.
    """

    record: Path
    outputs: tuple[Path, ...]
    head: Path | None = None
    clip: str = ""
    object_names: tuple[str, ...] = ()
    bundle_file: Path = DEFAULT_BUNDLE
    any_model: bool = False
    any_head: bool = False
    report_file: Path | None = None
    record_out: Path | None = None
    preset: str | None = None
    has_root_bone: bool | None = None
    engine: Choice = BUILT_IN

    @property
    def products(self) -> list[Path]:
        """Every file to write."""
        others = (self.report_file, self.record_out)
        return [*self.outputs, *(path for path in others if path is not None)]


def replay_file(request: ReplayRequest, progress: Progress = no_progress) -> dict[str, Any]:
    """Do all of it and return the report. Raises FacegenError; then nothing has been written."""
    _check(request)
    stopwatch = Stopwatch()
    with stopwatch("read"):
        progress(0.0, "Reading the record")
        record, head, objects = _read(request)
        select_head(objects)
        target = objects[0]
        target.facegen.clip_name = record["clip"]
        asked = dataclasses.replace(_asked(request, record, target), engine=request.engine)
        regenerate.restore_curves(target, record)
    with stopwatch("generate"):
        made = generate.run_generate(asked, subprogress(progress, _READ, _BAKED))
    num_keys = generate.write_generated(bpy.context, target, asked, made)
    show_span(asked)
    animated = Animated(objects, asked, made, num_keys)
    is_same = regenerate.is_as_recorded(record, made)
    with Products() as products:
        inner = Request(
            head,
            (),
            request.outputs,
            bake_mode=asked.bake_mode,
            clip_name=record["clip"],
            preset=request.preset,
            has_root_bone=request.has_root_bone,
        )
        exported = write_clips(
            inner,
            objects,
            animated.frame_range,
            made.clip.mm_per_unit,
            products,
            stopwatch,
            subprogress(progress, _BAKED, 1.0),
        )
        outcome = outcome_of(inner, animated, exported, stopwatch)
        outcome = dataclasses.replace(outcome, warnings=(*outcome.warnings, *_notes(record, made)))
        report = report_of(outcome)
        report["replay"] = {
            "bit_equal": is_same,
            "recorded_with": record["made_with"],
            "recorded_engine": record.get("engine", BUILT_IN_WORDS),
        }
        if request.report_file:
            text = json.dumps(report, indent=1) + "\n"
            products.path_for(request.report_file).write_text(text, encoding="utf-8")
        if request.record_out:
            text = clip_store.read_now(target)
            products.path_for(request.record_out).write_text(text, encoding="utf-8")
        products.publish()
    progress(1.0, "Done")
    return report


def _check(request: ReplayRequest) -> None:
    if not request.products:
        raise FacegenError("Nothing to write: add -o clip.fbx (or .glb, .blend, .abc, .usdc).")
    check_formats(request.outputs)
    check_preset(request.preset, request.outputs)
    if not request.record.is_file():
        raise FacegenError(f"There is no file {request.record}: look at the path and the name.")
    is_blend = request.record.suffix.lower() == ".blend"
    if is_blend and request.head is not None:
        raise FacegenError("A clip of a .blend is replayed on its own head: leave out --head.")
    if request.clip and not is_blend:
        raise FacegenError(f"--clip chooses a clip of a .blend, {request.record.name} is one clip.")
    heads = [request.head] if request.head else []
    check_products(request.products, [request.record, *heads])


def _read(request: ReplayRequest) -> tuple[Record, Path | None, list[bpy.types.Object]]:
    """The record, the file of the head, and its objects in the open scene."""
    if request.record.suffix.lower() == ".blend":
        return _read_blend(request)
    record = clip_record.read_file(request.record)
    head = request.head or _recorded_head(record, request.record)
    inner = Request(head, (), (), bundle_file=request.bundle_file)
    names = request.object_names or _recorded_objects(record, request)
    objects = open_head(dataclasses.replace(inner, object_names=names))
    fps = clip_record.request_fields(record)["frames_per_second"]
    render = bpy.context.scene.render
    render.fps = max(1, round(fps))
    render.fps_base = render.fps / fps
    return record, head, objects


def _read_blend(request: ReplayRequest) -> tuple[Record, Path, list[bpy.types.Object]]:
    inner = Request(request.record, (), (), bundle_file=request.bundle_file)
    open_head(inner)
    heads = clip_rows.heads_with_clips(bpy.context.scene, request.object_names)
    if not heads:
        raise FacegenError(
            f"{request.record.name} has no head with clips of Facegen"
            ": generate one and save the file first."
        )
    found = [head for head in heads if not request.clip or _has(head, request.clip)]
    if len(found) > 1:
        there = ", ".join(f"'{head.name}'" for head in found)
        raise FacegenError(f"Several heads have such a clip ({there}): choose with --object.")
    target = found[0] if found else heads[0]
    row = clip_rows.clip_named(target, request.clip) if request.clip else clip_rows.playing(target)
    if row is None:
        raise FacegenError(f"No clip of '{target.name}' plays alone: choose one with --clip.")
    clips.switch(target, row.number)
    text = clip_rows.record_text(target, row.number)
    if text is None:
        raise FacegenError(f"The clip '{row.name}' has no record: generate it once.")
    record = clip_record.from_text(text, f"the clip '{row.name}'") | {"clip": row.name}
    return record, request.record, state.matched_objects(target) or [target]


def _has(head: bpy.types.Object, clip: str) -> bool:
    return any(row.name == clip for row in head.facegen.clips)


def _recorded_head(record: Record, record_file: Path) -> Path | None:
    """The file the record names, there or beside the record; None is the sample head."""
    source = record["head"]["source"]
    if not source:
        return None
    for path in recorded_source(source, record_file):
        if path.is_file():
            return path
    raise FacegenError(
        f"The head of the clip, {source}, is not here: give it with --head, or put it beside "
        f"{record_file.name}."
    )


def _recorded_objects(record: Record, request: ReplayRequest) -> tuple[str, ...]:
    """Names of the recorded objects in the recorded file, where it holds several."""
    if request.head is not None or len(record["head"]["objects"]) == 1:
        return ()
    return tuple(row["name"] for row in record["head"]["objects"])


def _asked(
    request: ReplayRequest, record: Record, target: bpy.types.Object
) -> generate.GenerateRequest:
    return regenerate.request_of(
        record,
        bpy.context,
        target,
        request.bundle_file,
        any_model=request.any_model,
        any_head=request.any_head,
        go_on=("--any-model", "--any-head"),
    )


def _notes(record: Record, made: generate.Generated) -> list[str]:
    if regenerate.is_as_recorded(record, made):
        return ["the shapes are those recorded, bit for bit"]
    then, now = record["made_with"], clip_record.programs()
    changed = [
        f"{name} {then.get(name)} → {now[name]}" for name in now if then.get(name) != now[name]
    ]
    recorded = record.get("engine", BUILT_IN_WORDS)
    if not changed and (made.engine.is_worker or recorded != BUILT_IN_WORDS):
        return [
            f"the motion is the recorded one within {TOLERANCE_MM} mm, not bit for bit: "
            f"recorded by the {recorded} engine, replayed by the {made.engine.words} engine"
        ]
    reason = ", ".join(changed) or "another model, head or processor"
    return [f"the shapes are not bit for bit those recorded ({reason})"]
