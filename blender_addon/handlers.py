"""What follows the scene by itself: shading after an undo, a match after a drag, clips of twins.

A dragged landmark is matched only where the artist asked for it (`is_refit_live`), once the mouse
has rested, and not after an undo, which could otherwise never get behind that match.
"""

from __future__ import annotations

import time

import bpy
from bpy.app.handlers import persistent

from . import jobs, preset_shelf, variation_sheet
from .live_session import is_dragging
from .scene import heat_map, landmarks, migration, own_clips, schema, state

# How long a landmark must have lain still before its head is matched again.
SETTLE_SECONDS = 0.6
# How often to look whether something else that was going on has ended.
LOOK_AGAIN_SECONDS = 0.2

# {name of a head: when its landmarks will have settled}, by `time.monotonic`.
_settling: dict[str, float] = {}
_undone_at = float("-inf")
# How many objects there were when they were last counted: a duplicate is one more.
_num_objects = 0
_TELLS_OF_IMPORTS = hasattr(bpy.app.handlers, "blend_import_post")


@persistent
def on_undo(*_: object) -> None:
    """After undo, redo and load: screens and pending matches are not part of what went back."""
    global _undone_at
    _undone_at = time.monotonic()
    _settling.clear()
    heat_map.sync_shading(bpy.context)
    jobs.interrupt("An undo came while Facegen was working, which stopped it; press again.")


@persistent
def on_load(*_: object) -> None:
    """Another file has other heads, though one may have the same name; an older Facegen's too."""
    global _num_objects
    variation_sheet.forget()
    migration.bring_up_file()
    _num_objects = own_clips.num_objects()


@persistent
def on_import(imported: bpy.types.BlendImportContext) -> None:
    """Heads were appended from another file (Blender 4.3 and later tell)."""
    found = (item.id for item in imported.import_items)
    migration.bring_up(obj for obj in found if isinstance(obj, bpy.types.Object))


@persistent
def on_save(*_: object) -> None:
    """A later Facegen will want to know which one wrote this."""
    schema.stamp_all()


@persistent
def on_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Note which heads had a landmark moved, and whether there may be a duplicate of one."""
    _look_for_twins()
    if time.monotonic() < _undone_at + SETTLE_SECONDS:
        return
    for update in depsgraph.updates:
        if not (update.is_updated_transform and isinstance(update.id, bpy.types.Object)):
            continue
        empty = update.id.original
        head = empty.parent
        if empty.facegen.landmark < 0 or head is None or not head.facegen.is_refit_live:
            continue
        if head.facegen.is_matched:
            _settling[head.name] = time.monotonic() + SETTLE_SECONDS
            if not bpy.app.timers.is_registered(match_settled):
                bpy.app.timers.register(match_settled, first_interval=SETTLE_SECONDS)


def match_settled() -> float | None:
    """Match the heads whose landmarks have settled; returns when to be called again, a timer."""
    if not _settling:
        return None
    if jobs.running() is not None or is_dragging(bpy.context) or bpy.context.mode != "OBJECT":
        return LOOK_AGAIN_SECONDS
    name, settled_at = next(iter(_settling.items()))
    if time.monotonic() < settled_at:
        return LOOK_AGAIN_SECONDS
    del _settling[name]
    target = bpy.context.scene.objects.get(name)
    if target is not None and landmarks.landmark_key(target) != target.facegen.landmark_key:
        _match(target)
    return LOOK_AGAIN_SECONDS if _settling else None


def part_twins() -> float | None:
    """Give heads that Blender duplicated clips of their own; a timer, as `match_settled`.

    Their next act would do so too, but Blender itself may be first: a key that is renamed on one
    head is followed in every action it plays, and the other head has no such key.
    """
    is_busy = jobs.running() is not None or bpy.app.is_job_running("RENDER")
    if is_busy or is_dragging(bpy.context) or bpy.context.mode != "OBJECT":
        return LOOK_AGAIN_SECONDS
    own_clips.claim_all(bpy.context.scene)
    return None


def _look_for_twins() -> None:
    global _num_objects
    before, _num_objects = _num_objects, own_clips.num_objects()
    if _num_objects > before and not bpy.app.timers.is_registered(part_twins):
        bpy.app.timers.register(part_twins, first_interval=LOOK_AGAIN_SECONDS)


def _match(target: bpy.types.Object) -> None:
    window = bpy.context.window_manager.windows[0]
    how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
    # The other objects of the head need not be selected: a match keeps those of the last one.
    with bpy.context.temp_override(
        window=window, active_object=target, object=target, selected_objects=[target]
    ):
        if state.find_target(bpy.context) == target and bpy.ops.facegen.match.poll():
            bpy.ops.facegen.match(how)


_PLACES = (
    (bpy.app.handlers.undo_post, on_undo),
    (bpy.app.handlers.redo_post, on_undo),
    (bpy.app.handlers.load_post, on_undo),
    (bpy.app.handlers.load_post, on_load),
    (bpy.app.handlers.save_pre, on_save),
    (bpy.app.handlers.depsgraph_update_post, on_update),
    *([(bpy.app.handlers.blend_import_post, on_import)] if _TELLS_OF_IMPORTS else ()),
)


def register() -> None:
    for handlers, function in _PLACES:
        handlers.append(function)


def unregister() -> None:
    for handlers, function in _PLACES:
        handlers.remove(function)
    for timer in (match_settled, part_twins):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    _settling.clear()
    variation_sheet.forget()
    preset_shelf.forget()
