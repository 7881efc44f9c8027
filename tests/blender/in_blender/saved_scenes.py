"""Scenes saved by earlier Facegens and other Blenders open, play, generate and export; a newer
Facegen's are refused and left as they are, also when they are saved again.

The files are in ../saved_scenes, made by `python -m tests.robustness.save_scenes`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bpy
import harness
import numpy as np
from harness import FOLDER, addon

SAVED = Path(__file__).parents[1] / "saved_scenes"
FILES = sorted(SAVED.glob("*.blend"))
# Millimetres by which a face may lie elsewhere than when it was saved: float32 and a new NumPy.
PLACE_MM = 0.001
HERE = f"{bpy.app.version[0]}.{bpy.app.version[1]}"
schema, clip_rows = addon("scene.schema"), addon("scene.clip_rows")
clip_store, migration = addon("scene.clip_store"), addon("scene.migration")
ops = bpy.ops.facegen


def opened(name: str) -> tuple[bpy.types.Object, dict[str, Any]]:
    """The head of a saved file and what was true when it was saved. Blender may refuse the file."""
    path = SAVED / f"{name}.blend"
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
    head = bpy.data.objects["Head"]
    harness.activate(head)
    return head, json.loads(path.with_suffix(".json").read_text())


def readable() -> list[str]:
    """The files this Blender reads: its own and older ones; 4.5 reads those of 5.0 too."""
    names = [path.stem for path in FILES]
    return [n for n in names if n.rpartition("_")[2] <= max(HERE, "5.0" if HERE == "4.5" else "")]


def stored(obj: bpy.types.Object) -> Any:
    """The group that Facegen's properties are kept in, as Blender stores it."""
    owner = obj.bl_system_properties_get() if hasattr(obj, "bl_system_properties_get") else obj
    return owner["facegen"]


def test_all_files_are_there_and_most_can_be_read() -> None:
    assert len(FILES) >= 6, FILES
    assert len(readable()) >= (2 if HERE == "4.2" else 5), readable()


def test_a_saved_scene_plays_as_it_was_and_its_clip_is_listed() -> None:
    for name in readable():
        head, facts = opened(name)
        assert [b.name for b in head.data.shape_keys.key_blocks] == facts["keys"], name
        found = [round(value, 6) for _, value in harness.curves_of(head)["facegen.happy"]]
        assert found == facts["happy"], (name, found)
        for frame, place in facts["places"].items():
            harness.close(_size(head, int(frame)), place, PLACE_MM)
        assert schema.version_of(head) == schema.VERSION, name
        row = clip_rows.playing(head)
        assert row is not None and row.name == facts["clip_name"], name  # noqa: PT018
        assert all(row.keys != "[]" for row in head.facegen.found_parts), name


def _size(head: bpy.types.Object, frame: int) -> float:
    return float(np.linalg.norm(harness.world_positions(head, frame)))


def test_bringing_up_twice_changes_nothing() -> None:
    for name in readable():
        opened(name)
        before = harness.snapshot()
        assert migration.bring_up_file() == 0, name
        assert harness.snapshot() == before, name


def test_what_was_saved_by_the_first_facegen_is_generated_switched_and_exported() -> None:
    head, facts = opened("main_job_4.2")
    assert ops.generate() == {"FINISHED"}
    assert clip_rows.playing(head).name == facts["clip_name"]
    assert len(head.facegen.clips) == 1
    assert ops.regenerate() == {"FINISHED"}
    first = head.facegen.clip_playing
    assert ops.clip_new(name="second") == {"FINISHED"}
    assert ops.clip_switch(number=first) == {"FINISHED"}
    path = FOLDER / "old.fbx"
    assert ops.export_clip(filepath=str(path)) == {"FINISHED"}
    assert path.stat().st_size > 10_000


def test_a_clip_of_another_blender_is_made_again_from_its_record() -> None:
    desks = [name for name in readable() if name.startswith("artists_desk")]
    name = min(desks, key=lambda name: name.endswith(HERE))  # in 4.2 its own is all there is
    head, facts = opened(name)
    keys = [block.name for block in head.data.shape_keys.key_blocks]
    assert ops.regenerate() == {"FINISHED"}
    assert sorted(b.name for b in head.data.shape_keys.key_blocks) == sorted(keys)
    for frame, place in facts["places"].items():
        harness.close(_size(head, int(frame)), place, PLACE_MM)
    other = next(row.number for row in head.facegen.clips if row.name == "second")
    assert ops.clip_switch(number=other) == {"FINISHED"}
    assert ops.regenerate() == {"FINISHED"}


def test_every_button_is_grey_on_a_head_of_a_newer_facegen() -> None:
    head, _ = opened("main_job_4.2")
    head.facegen.schema = schema.VERSION + 1
    words = "was made by a newer Facegen", "update Facegen"
    for act in (ops.match, ops.generate, ops.add_expression, ops.clip_new, ops.remove_keys):
        harness.refused(act, *words)
    harness.refused(lambda: ops.export_fbx(filepath=str(FOLDER / "never.fbx")), *words)
    request_match = addon("operators.match").request_match
    harness.refused(lambda: request_match(bpy.context, head), *words)  # as the command asks for it


def test_what_a_newer_facegen_wrote_survives_being_opened_and_saved() -> None:
    head, _ = opened("main_job_4.2")
    head.facegen.schema = schema.VERSION + 1
    head.facegen.is_live = True
    stored(head)["from_the_future"] = {"curl": 0.25, "words": "…"}
    head.data.shape_keys["facegen_future"] = "kept"
    record = '{"version": 99, "request": {}, "measured": 7}'
    clip_store.actions_now(head)[0][clip_store.PROPERTY] = record
    path = str(FOLDER / "future.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    before = None
    for _ in range(2):
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False)
        head = bpy.data.objects["Head"]
        found = stored(head).to_dict(), harness.snapshot()
        assert before is None or found == before
        before = found
        assert stored(head)["from_the_future"].to_dict() == {"curl": 0.25, "words": "…"}
        assert head.facegen.schema == schema.VERSION + 1
        assert head.facegen.is_live, "nothing of it was changed"
        assert head.data.shape_keys["facegen_future"] == "kept"
        assert clip_store.read(clip_store.actions_now(head)) == record
        bpy.ops.wm.save_mainfile()


def test_the_version_travels_with_a_head_that_is_appended() -> None:
    harness.empty_scene()
    path = SAVED / "main_job_4.2.blend"
    with bpy.data.libraries.load(str(path)) as (_, wanted):
        wanted.objects = ["Head"]
    head = wanted.objects[0]
    bpy.context.scene.collection.objects.link(head)
    if not hasattr(bpy.app.handlers, "blend_import_post"):  # Blender 4.2 does not tell
        assert schema.version_of(head) == schema.UNSTAMPED
        migration.bring_up([head])
    assert schema.version_of(head) == schema.VERSION
    assert len(head.facegen.clips) == 1


def test_saving_notes_the_version_of_a_head_that_was_only_keyed() -> None:
    harness.empty_scene()
    head = harness.new_sphere("Head")
    other = harness.new_sphere("Chair")
    head.facegen.happy = 0.5
    assert head.facegen.schema == 0
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / "keyed.blend"))
    assert head.facegen.schema == schema.VERSION
    assert other.facegen.schema == 0


if __name__ == "__main__":
    harness.run(globals())
