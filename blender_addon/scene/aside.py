"""A scene to work in, away from the artist's, that takes everything it brought in along with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy


@contextmanager
def scene_aside(
    context: bpy.types.Context, name: str = "Facegen Check", metres_per_unit: float | None = None
) -> Iterator[bpy.types.Scene]:
    """A scene with the frame rate of the open one, shown by the window meanwhile.

    metres_per_unit: None is that of the open scene. Data-blocks made meanwhile are removed, also
    after an error.
    """
    window, original = context.window or context.window_manager.windows[0], context.scene
    known = set(bpy.data.user_map())
    scene = bpy.data.scenes.new(name)
    scene.render.fps, scene.render.fps_base = original.render.fps, original.render.fps_base
    scene.unit_settings.scale_length = metres_per_unit or original.unit_settings.scale_length
    try:
        window.scene = scene
        yield scene
    finally:
        window.scene = original
        bpy.data.scenes.remove(scene)
        # Keys go with their meshes; those that a mesh had let go of are left for a second round.
        for is_key in (False, True):
            brought = set(bpy.data.user_map()) - known
            bpy.data.batch_remove([b for b in brought if isinstance(b, bpy.types.Key) is is_key])
