"""Inside Blender: save a scene as an artist leaves it, with whatever Facegen is in the zip.

    python save_scene.py ZIP FOLDER        (as `tests.blender.blenders.run_in_blender` does it)

A head of some hundred points is matched, played and kept as FOLDER/scene.blend; FOLDER/facts.json
holds what must still be true when another Facegen or Blender opens it.
"""

from __future__ import annotations

import json

import bpy
import harness
import numpy as np

NUM_POINTS = 700
EVENT = {"onset_start": 1, "apex_start": 5, "apex_end": 8, "offset_end": 14}
FRAMES = (1, 5, 8, 12, 14)


def small_head() -> bpy.types.Object:
    """The sample head with few points: its skin and eyes as they come, thinned out."""
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    head.name = "Head"
    thin = head.modifiers.new("Thin", "DECIMATE")
    thin.ratio = NUM_POINTS / len(head.data.vertices)
    bpy.ops.object.modifier_apply(modifier=thin.name)
    for mesh in {obj.data for obj in bpy.data.objects if obj.type == "MESH"}:
        mesh.materials.clear()
        while mesh.uv_layers:
            mesh.uv_layers.remove(mesh.uv_layers[0])
    return head


def play(head: bpy.types.Object) -> None:
    """A clip; where Facegen has clips, a second one, a blink and a preset's layer too."""
    ops, settings = bpy.ops.facegen, head.facegen
    assert ops.match() == {"FINISHED"}
    assert ops.add_expression(expression="happy", **EVENT) == {"FINISHED"}
    if hasattr(settings, "generator"):
        settings.variation_seed = 3
    settings.tolerance_mm = 0.3
    assert ops.generate() == {"FINISHED"}
    if hasattr(settings, "clips"):
        assert ops.clip_new(name="second") == {"FINISHED"}
        assert ops.add_expression(expression="surprise", **EVENT) == {"FINISHED"}
        settings.region_brows = 1.5
        assert ops.generate() == {"FINISHED"}
        assert ops.clip_switch(number=settings.clips[0].number) == {"FINISHED"}
    if hasattr(ops, "place_landmarks"):
        assert ops.place_landmarks() == {"FINISHED"}


def facts(head: bpy.types.Object) -> dict:
    """What is seen and kept: where the face is at some frames, its keys, its settings."""
    blocks = head.data.shape_keys.key_blocks
    return {
        "blender": bpy.app.version_string,
        "keys": [block.name for block in blocks],
        "clip_name": head.facegen.clip_name,
        "happy": [round(value, 6) for _, value in harness.curves_of(head)["facegen.happy"]],
        "landmarks": sum(obj.facegen.landmark >= 0 for obj in bpy.data.objects),
        "places": {
            str(frame): float(np.linalg.norm(harness.world_positions(head, frame)))
            for frame in FRAMES
        },
        "moves_mm": {str(frame): _moved_mm(head, frame) for frame in FRAMES},
    }


def _moved_mm(head: bpy.types.Object, frame: int) -> float:
    """The largest distance from the neutral, in millimetres of a head in metres."""
    rest = np.empty(3 * len(head.data.vertices), np.float32)
    head.data.shape_keys.reference_key.data.foreach_get("co", rest)
    now = harness.world_positions(head, frame)
    matrix = np.array(head.matrix_world)
    neutral = rest.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return float(1000 * np.linalg.norm(now - neutral, axis=1).max())


def test_save() -> None:
    harness.empty_scene()
    head = small_head()
    play(head)
    bpy.context.scene.frame_set(1)
    bpy.context.preferences.filepaths.save_version = 0
    found = facts(head)
    bpy.context.scene.frame_set(1)
    (harness.FOLDER / "facts.json").write_text(json.dumps(found, indent=1) + "\n")
    bpy.ops.wm.save_as_mainfile(filepath=str(harness.FOLDER / "scene.blend"), compress=True)


if __name__ == "__main__":
    harness.run(globals())
