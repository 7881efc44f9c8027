"""Save, reopen and export: the head in the file is the head that was saved."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np
from findings import FOLDER, check, screenshot
from hand import frame_the_face, is_generating, show_tab, view, wait_while
from scene import head, keyed_channels, num_keys, shown_vertices


def visit() -> Iterator[float]:
    bpy.context.scene.frame_set(63)
    yield 0.5
    keys, places = num_keys(), shown_vertices()
    path = str(FOLDER / "visit.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    yield 1.0
    bpy.ops.wm.open_mainfile(filepath=path)
    yield 2.0
    yield from show_tab()
    check("the file opens with its head", head() is not None and head().facegen.is_matched)
    check("with all shape keys and curves", num_keys() == keys and len(keyed_channels()) == 2)
    check("and shows the same face", float(np.abs(shown_vertices() - places).max()) < 1e-6)
    frame_the_face()
    yield 1.0
    screenshot("40-reopened")
    with view():
        bpy.ops.facegen.export_clip("EXEC_DEFAULT", filepath=str(FOLDER / "clip.fbx"))
    yield 0.5
    yield from wait_while(is_generating)
    check("the FBX is written", (FOLDER / "clip.fbx").is_file())
    yield 1.0
    screenshot("41-exported")
