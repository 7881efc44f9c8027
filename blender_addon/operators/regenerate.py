"""Regenerate: a clip made again from its record, bit for bit; and its curves put back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty
from numpy.typing import NDArray

from facegen_core.errors import BundleError, FacegenError

from .. import DEFAULT_BUNDLE, clip_record, engine, jobs
from ..clip_record import Record
from ..preferences import bundle_path, engine_choice
from ..refusals import refused
from ..scene import clip_store, curve_record, landmarks, mesh_bridge, shape_keys, state
from ..translations import said
from . import generate, match, polling

# What the panel calls the option to do without what was recorded.
PRESENT = "Go On With Present"


def request_of(
    record: Record,
    context: bpy.types.Context,
    target: bpy.types.Object,
    bundle_file: Path | None = None,
    any_model: bool = False,
    any_head: bool = False,
    go_on: tuple[str, str] = (PRESENT, PRESENT),
) -> generate.GenerateRequest:
    """The request that a record was made by, for the head in the scene.

    bundle_file: the first to look at; then those in the preferences and in the add-on.
    any_model, any_head: go on with the present one where it is not the recorded one. Raises
    FacegenError with one sentence otherwise; go_on: what to call these two options there.
    """
    model = _model(
        record, [bundle_file or bundle_path(context), DEFAULT_BUNDLE], any_model, go_on[0]
    )
    fields = clip_record.request_fields(record)
    fields["clip_name"] = shape_keys.safe_clip_name(target.facegen.clip_name)
    head = _head_as_recorded(record, context, target)
    if head is not None:
        matching = _recorded_match(record, head, model)
    elif any_head:
        matching = match.request_match(context, target, False, model)
        masked = fields["mask"]
        if masked is not None and len(masked) != matching.head.mesh.num_vertices:
            fields["mask"] = None
    else:
        raise FacegenError(
            f"'{target.name}' is not the head that clip '{record['clip']}' was made on: undo what "
            f"changed its mesh, or go on with it as it is ({go_on[1]}; the result will differ)."
        )
    expressions = state.bundle_info(model).expressions
    if expressions != fields["expressions"]:
        fields["intensities"] = _for_model(fields, expressions, model)
        fields["expressions"] = expressions
    # What the built-in engine made is made by it again, bit for bit.
    wanted = engine_choice(context) if clip_record.is_by_worker(record) else engine.BUILT_IN
    source = record["head"]
    try:
        return generate.GenerateRequest(
            match=matching,
            curves=record["curves"],
            source=source["source"],
            source_sha256=source["source_sha256"],
            engine=wanted,
            **fields,
        )
    except TypeError as error:
        raise FacegenError(
            f"The record of '{record['clip']}' holds a setting that this Facegen does not know: "
            f"use the version it was made with, {record['made_with']['facegen']}."
        ) from error


def restore_curves(target: bpy.types.Object, record: Record) -> None:
    """Put the recorded curves back on the head, and the settings they were generated with."""
    fields = clip_record.request_fields(record)
    if record["curves"]:
        try:
            curve_record.write(target, record["curves"], f"{target.name} {record['clip']}")
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise FacegenError(
                f"The curves of the record of '{record['clip']}' are damaged: undo, and generate "
                "the clip again."
            ) from error
    settings = target.facegen
    settings.frame_range = "custom"
    frames = fields["frames"]
    settings.frame_start, settings.frame_end = round(frames[0]), round(frames[-1])
    settings.generator, settings.use_contact = fields["generator"], fields["use_contact"]
    settings.variation_seed = fields["variation"].seed
    settings.variation_amount = fields["variation"].amount
    settings.bake_mode, settings.tolerance_mm = fields["bake_mode"], fields["tolerance_mm"]


def record_now(target: bpy.types.Object) -> Record:
    """The record of what a head plays now. Raises FacegenError where there is none."""
    return clip_record.from_text(clip_store.read_now(target), f"the clip of '{target.name}'")


def is_as_recorded(record: Record, generated: generate.Generated) -> bool:
    """Whether shapes and weights are the recorded ones, bit for bit."""
    return clip_record.result_of(generated.shapes) == record["result"]


def _likeness(record: Record, generated: generate.Generated, is_present: bool) -> str:
    """How near a clip is to the recorded one, in words."""
    if is_as_recorded(record, generated):
        return "the same bit for bit"
    is_by_worker = clip_record.is_by_worker(record) or generated.engine.is_worker
    is_alike = record["made_with"] == clip_record.programs() and not is_present
    if is_by_worker and is_alike:
        return f"the same motion within {engine.TOLERANCE_MM} mm, as a GPU worker repeats it"
    return "other than the recorded clip"


def _model(record: Record, candidates: Sequence[Path], any_model: bool, go_on: str) -> Path:
    """The model of the record among the files at hand."""
    wanted = record["model"]
    for path in candidates:
        try:
            if state.open_bundle(path).file_hash == wanted["sha256"]:
                return path
        except BundleError:
            if path == candidates[0]:
                raise
    if any_model:
        return candidates[0]
    raise FacegenError(
        f"The clip '{record['clip']}' was made with another model, {wanted['file']} "
        f"({wanted['sha256'][:8]}): choose that file, or go on with {candidates[0].name} "
        f"({go_on}; the result will differ)."
    )


def _head_as_recorded(
    record: Record, context: bpy.types.Context, target: bpy.types.Object
) -> mesh_bridge.Head | None:
    """The head read as it stood when it was recorded, None where it is another."""
    rows = record["head"]["objects"]
    objects = _same_objects(rows, state.objects_of(context, target, not target.facegen.is_matched))
    if objects is None:
        return None
    worlds = [np.array(row["world"], np.float64) for row in rows]
    head = mesh_bridge.gather(objects, worlds)
    # Moving, turning and scaling the whole head is no change; moving an eye within it is.
    now = mesh_bridge.gather(objects).fingerprint
    wanted = record["head"]["fingerprint"]
    return head if head.fingerprint == now == wanted else None


def _same_objects(
    rows: Sequence[dict[str, Any]], objects: Sequence[bpy.types.Object]
) -> list[bpy.types.Object] | None:
    """The objects in the recorded order: by their polygons, and by name where several are alike."""
    left = {obj: mesh_bridge.layout_of(obj) for obj in objects}
    found = []
    for row in rows:
        alike = [obj for obj, layout in left.items() if layout == row["layout"]]
        if not alike:
            return None
        chosen = next((obj for obj in alike if obj.name == row["name"]), alike[0])
        found.append(chosen)
        del left[chosen]
    return found if not left else None


def _recorded_match(record: Record, head: mesh_bridge.Head, model: Path) -> match.MatchRequest:
    known, wanted = record["match"], None
    if known["landmarks"] is not None:
        places = {int(n): np.array(place) for n, place in known["landmarks"].items()}
        wanted = landmarks.Wanted(places, known["is_by_hand"])
    return match.MatchRequest(
        head,
        wanted,
        known["landmark_key"],
        model,
        {int(key): kind for key, kind in known["corrections"].items()},
        is_recorded=True,
        is_pulled=known["is_pulled"],
    )


def _for_model(
    fields: dict[str, Any], expressions: Sequence[str], model: Path
) -> NDArray[np.float64]:
    """(T, C) recorded intensities in the order of another model's expressions."""
    columns = dict(zip(fields["expressions"], fields["intensities"].T, strict=True))
    lost = [name for name, values in columns.items() if values.any() and name not in expressions]
    if lost:
        raise FacegenError(
            f"{model.name} does not know '{lost[0]}', which the clip plays"
            ": choose the model that the clip was made with."
        )
    rest = np.zeros(len(fields["frames"]))
    return np.stack([columns.get(name, rest) for name in expressions], axis=1)


class OnClip(polling.OnHead):
    """Operator that needs a clip with a record."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        target = state.find_target(context)
        if clip_store.read(clip_store.actions_now(target)) is None:
            cls.poll_message_set(said("Nothing was generated here yet: press Generate first"))
            return False
        return True


class FACEGEN_OT_regenerate(OnClip, jobs.JobOperator, bpy.types.Operator):
    """Make the clip again from its record, bit for bit, whatever became of curves and settings"""

    bl_idname = "facegen.regenerate"
    bl_label = "Regenerate"
    bl_options = {"UNDO"}

    use_present: BoolProperty(
        name=PRESENT,
        description="Where model or head are no longer the recorded ones, take the present ones",
        options={"SKIP_SAVE"},
    )

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        self._target_name = target.name
        self._record = record_now(target)
        present = self.use_present
        self._request = request_of(
            self._record, context, target, any_model=present, any_head=present
        )
        return lambda progress: generate.run_generate(self._request, progress)

    def finish(self, context: bpy.types.Context, generated: generate.Generated) -> str:
        target = state.head_named(self._target_name)
        num_keys = generate.write_generated(context, target, self._request, generated)
        self.warnings = generated.engine.notes
        words = _likeness(self._record, generated, self.use_present)
        return f"{generate.sentence(target, self._request, num_keys)}, {words}"


class FACEGEN_OT_restore_curves(OnClip, bpy.types.Operator):
    """Put back the curves and settings that the clip was generated with"""

    bl_idname = "facegen.restore_curves"
    bl_label = "Restore Curves"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        target = state.find_target(context)
        try:
            restore_curves(target, record_now(target))
        except FacegenError as error:
            return refused(self, error)
        self.report({"INFO"}, said(f"The curves of '{target.facegen.clip_name}' are back"))
        return {"FINISHED"}


CLASSES = (FACEGEN_OT_regenerate, FACEGEN_OT_restore_curves)
