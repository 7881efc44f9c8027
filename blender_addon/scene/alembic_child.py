"""The program of a Blender that writes Alembic for another one; started by `alembic_apart`.

    … alembic_child.py -- COPY.blend FILE.abc START END

Ends with 0 when the file is written.
"""

from __future__ import annotations

import os
import sys

import bpy


def main(copy: str, path: str, start: str, end: str) -> bool:
    """Whether it was written."""
    # Empty, so that nothing here has a name that the copy brings along.
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    with bpy.data.libraries.load(copy, link=False) as (there, here):
        here.scenes = list(there.scenes)
    (scene,) = here.scenes
    bpy.context.window_manager.windows[0].scene = scene
    for obj in scene.collection.all_objects:
        obj.select_set(True)
    bpy.app.handlers.frame_change_post.append(_tell)
    done = bpy.ops.wm.alembic_export(
        filepath=path,
        check_existing=False,
        selected=True,
        start=int(start),
        end=int(end),
        uvs=True,
        normals=True,
        face_sets=True,
        export_hair=False,
        export_particles=False,
        as_background_job=False,
        evaluation_mode="VIEWPORT",
    )
    return done == {"FINISHED"}


def _tell(scene: bpy.types.Scene, _: object) -> None:
    """A sign of life for the Blender that waits."""
    sys.stdout.write(f"frame {scene.frame_current}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = 1
    try:
        code = 0 if main(*sys.argv[sys.argv.index("--") + 1 :]) else 1
    finally:
        os._exit(code)  # at once: Blender's module may crash or hang while Python ends
