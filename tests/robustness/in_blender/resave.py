"""Inside Blender: what Facegen keeps in a scene, before and after it is saved again.

    python resave.py ZIP FOLDER        (as `tests.blender.blenders.run_in_blender` does it)

FOLDER/../options.json: {"scene": a .blend, "save_to": a path or ""}. FOLDER/kept.json: {path of a
property: what it holds} of all that Facegen keeps, as this zip's Facegen knows it.
"""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import harness
from whole import whole


def kept() -> dict[str, str]:
    """Of `whole` what is Facegen's: its settings, and custom properties of its own."""
    found = {name: value for name, value in whole().items() if "facegen" in name}
    names = [action.name for action in bpy.data.actions]
    return found | {"actions": str(sorted(names))}


def test_save_again() -> None:
    options = json.loads((Path(harness.FOLDER).parent / "options.json").read_text())
    bpy.ops.wm.open_mainfile(filepath=options["scene"], load_ui=False)
    (harness.FOLDER / "kept.json").write_text(json.dumps(kept()))
    if options["save_to"]:
        bpy.context.scene.frame_set(3)
        bpy.context.scene.frame_set(1)
        bpy.ops.wm.save_as_mainfile(filepath=options["save_to"], compress=True)


if __name__ == "__main__":
    harness.run(globals())
