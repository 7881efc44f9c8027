"""What follows the scene by itself: viewport shading after an undo, a match after a drag.

A dragged landmark is matched only where the artist asked for it (`is_refit_live`), once the mouse
has rested, and not after an undo, which could otherwise never get behind that match.
"""

from __future__ import annotations

import time

import bpy
from bpy.app.handlers import persistent

from . import jobs, preset_shelf, variation_sheet
from .live_session import is_dragging
from .scene import heat_map, landmarks, migration, schema, state

# How long a landmark must have lain still before its head is matched again.
SETTLE_SECONDS = 0.6
# How often to look whether something else that was going on has ended.
LOOK_AGAIN_SECONDS = 0.2

# {name of a head: when its landmarks will have settled}, by `time.monotonic`.
_settling: dict[str, float] = {}
_undone_at = float("-inf")
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
    variation_sheet.forget()
    migration.bring_up_file()


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
    """Note which heads had a landmark moved."""
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
    if bpy.app.timers.is_registered(match_settled):
        bpy.app.timers.unregister(match_settled)
    _settling.clear()
    variation_sheet.forget()
    preset_shelf.forget()
