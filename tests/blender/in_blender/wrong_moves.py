"""Wrong moves on a scene: each is answered with one sentence and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import harness
import numpy as np
from harness import FOLDER, new_sphere, refused
from models import use_model
from moves import generate_module, smiling_head

ops = bpy.ops.facegen
ACTS = ("match", "generate", "add_expression", "export_fbx", "remove_keys", "place_landmarks")


def refused_by(acts: tuple[str, ...], *words: str) -> None:
    """Every one of these acts is refused in the same words."""
    for name in acts:
        refused(getattr(ops, name), *words)


def test_nothing_is_selected() -> None:
    harness.empty_scene()
    refused_by(ACTS, "Nothing is selected", "select the mesh of a head")


def test_a_camera_a_curve_an_empty_a_light_a_text_is_selected() -> None:
    adders: tuple[Callable[[], Any], ...] = (
        bpy.ops.object.camera_add,
        bpy.ops.curve.primitive_bezier_circle_add,
        bpy.ops.object.empty_add,
        bpy.ops.object.light_add,
        bpy.ops.object.text_add,
    )
    for add in adders:
        harness.empty_scene()
        add()
        refused_by(ACTS, "is not a mesh: select the mesh of a head")


def test_edit_sculpt_and_weight_paint_mode() -> None:
    for mode in ("EDIT", "SCULPT", "WEIGHT_PAINT"):
        smiling_head()
        bpy.ops.object.mode_set(mode=mode)
        refused_by((*ACTS, "add_head"), "Switch to Object Mode first")
        bpy.ops.object.mode_set(mode="OBJECT")


def in_collection(head: bpy.types.Object) -> bpy.types.LayerCollection:
    """Move a head into a collection of its own."""
    collection = bpy.data.collections.new("Heads")
    bpy.context.scene.collection.children.link(collection)
    collection.objects.link(head)
    bpy.context.scene.collection.objects.unlink(head)
    return bpy.context.view_layer.layer_collection.children["Heads"]


def test_a_hidden_and_an_excluded_collection() -> None:
    for attribute in ("hide_viewport", "exclude"):
        collection = in_collection(smiling_head())
        setattr(collection, attribute, True)
        bpy.context.view_layer.update()
        refused_by(("match", "generate", "export_fbx"), "hidden" if attribute[0] == "h" else "head")


def test_an_eye_in_a_hidden_collection_is_not_left_out_of_an_export_in_silence() -> None:
    head = smiling_head()
    eye = new_sphere("Eye", 0.01)
    eye.facegen.head = head
    collection = in_collection(eye)
    collection.hide_viewport = True
    harness.activate(head)
    path = FOLDER / "eye.fbx"
    refused(lambda: ops.export_fbx(filepath=str(path)), "'Eye'", "hidden", "show")
    collection.exclude = True
    harness.activate(head)
    refused(lambda: ops.export_fbx(filepath=str(path)), "'Eye'", "enable its collection")
    assert not path.exists()


def test_a_scene_without_the_head() -> None:
    smiling_head()
    other = bpy.data.scenes.new("Other")
    bpy.context.window_manager.windows[0].scene = other
    refused_by(ACTS, "Nothing is selected")


def test_no_head_by_this_name_is_left() -> None:
    head = smiling_head()
    eye = new_sphere("Eye", 0.01)
    eye.facegen.head = head
    bpy.data.objects.remove(head)
    harness.activate(eye)
    refused(ops.heat_map, "Match first")
    refused(ops.correct_part, "Match first")


def test_a_mesh_without_faces_and_one_with_a_vertex_that_is_no_number() -> None:
    head = smiling_head()
    head.data.vertices[7].co.x = float("nan")
    refused_by(("match", "generate"), "not finite", "7")
    head.data = bpy.data.meshes.new("Points")
    head.data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [])
    refused_by(("match", "generate"), "is empty", "vertices and faces")


def test_a_scale_of_zero_on_one_axis() -> None:
    head = smiling_head()
    head.scale.y = 0.0
    bpy.context.view_layer.update()
    refused_by(("match", "generate"), "scale of zero", head.name)


def test_a_mesh_that_another_object_uses_too() -> None:
    head = smiling_head()
    twin = bpy.data.objects.new("Twin", head.data)
    bpy.context.scene.collection.objects.link(twin)
    harness.activate(head)
    refused(ops.generate, "'Twin'", "single-user")


def test_absolute_shape_keys_are_refused_before_any_work() -> None:
    head = smiling_head()
    head.shape_key_add(name="Basis")
    head.shape_key_add(name="Mine")
    head.data.shape_keys.use_relative = False
    asked = refused(lambda: generate_module.request_generate(bpy.context, head), "absolute")
    assert refused(ops.generate, "Relative") == asked or asked in refused(ops.generate)


def test_a_key_of_the_clip_that_is_locked_stays_as_it_is() -> None:
    head = smiling_head()
    assert ops.generate() == {"FINISHED"}
    block = head.data.shape_keys.key_blocks[1]
    block.lock_shape = True
    refused(ops.generate, block.name, "locked")
    refused(ops.remove_keys, block.name, "locked")


def test_a_clip_named_like_a_key_of_the_artist() -> None:
    head = smiling_head()
    head.shape_key_add(name="Basis")
    head.shape_key_add(name="FG_clip_01")
    refused(ops.generate, "FG_clip_01", "Facegen did not make", "another name")


def test_a_clip_name_without_a_letter_that_key_names_may_have() -> None:
    head = smiling_head()
    for name in ("улыбка", "笑", "!!!"):
        head.facegen.clip_name = name
        refused(ops.generate, name, "A to Z")
    head.facegen.clip_name = "Lächeln"
    assert ops.generate() == {"FINISHED"}
    assert head.data.shape_keys.key_blocks[1].name.startswith("FG_L_cheln_")


def test_a_range_that_is_reversed_or_far_too_long() -> None:
    head = smiling_head()
    settings = head.facegen
    settings.frame_range, settings.frame_start, settings.frame_end = "custom", 20, 10
    refused(ops.generate, "frame range is empty", "20", "10")
    path = str(FOLDER / "never.fbx")
    refused(lambda: ops.export_fbx(filepath=path), "frame range is empty")
    settings.frame_start, settings.frame_end = 1, 1_000_000
    refused(ops.generate, "1,000,000 frames", "shorten")
    refused(ops.variations, "1,000,000 frames", "shorten")


def test_every_curve_is_muted() -> None:
    head = smiling_head()
    for curve in harness.addon("scene.actions").fcurves_of(head):
        curve.mute = True
    refused(ops.generate, "muted", "Graph Editor")


def test_a_driver_with_an_error() -> None:
    head = smiling_head()
    driver = head.driver_add("facegen.sad").driver
    driver.type, driver.expression = "SCRIPTED", "no_such_name + 1"
    bpy.context.view_layer.update()
    refused(ops.generate, "driver", "Sad")


def test_events_that_cannot_be() -> None:
    smiling_head()
    marks = {"onset_start": 10, "apex_start": 5, "apex_end": 20, "offset_end": 30}
    refused(lambda: ops.add_expression(expression="happy", **marks), "onset start < apex start")
    same = {"expression": "happy", "blend_with": "happy"}
    refused(lambda: ops.add_expression(**same), "two expressions", "twice")


def test_nothing_to_remove_and_nothing_to_show_variations_of() -> None:
    head = smiling_head()
    refused(ops.remove_keys, "no generated keys")
    refused(ops.remove_landmarks, "no landmarks")
    settings = head.facegen
    settings.frame_range, settings.frame_start, settings.frame_end = "custom", 50, 60
    refused(ops.variations, "at zero in this range")


def test_a_model_that_is_missing_or_damaged() -> None:
    smiling_head()
    damaged = FOLDER / "damaged.facegen"
    damaged.write_bytes(b"not a model")
    try:
        for path, word in ((FOLDER / "gone.facegen", "gone.facegen"), (damaged, "damaged.facegen")):
            use_model(path)
            for act in (ops.match, ops.generate, ops.variations, ops.add_head):
                refused(act, word)
    finally:
        use_model("")


def library(*, is_read_only: bool) -> Path:
    """A .blend with the matched head in it, to link from."""
    smiling_head()
    path = FOLDER / "library.blend"
    if path.exists():
        path.chmod(0o644)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False, copy=True)
    path.chmod(0o444 if is_read_only else 0o644)
    return path


def linked(path: Path) -> bpy.types.Object:
    """The head of a library, linked into an empty scene and selected."""
    harness.empty_scene()
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.objects = ["Facegen Head"]
    bpy.context.scene.collection.objects.link(wanted.objects[0])
    harness.activate(wanted.objects[0])
    return wanted.objects[0]


def test_a_head_that_is_linked_from_a_read_only_file() -> None:
    path = library(is_read_only=True)
    linked(path)
    refused_by(
        ("match", "generate", "add_expression", "place_landmarks"), "linked", "make it local"
    )
    content = path.read_bytes()
    refused(ops.remove_keys, "linked")
    assert path.read_bytes() == content


def test_a_library_override_of_the_head() -> None:
    head = linked(library(is_read_only=False)).override_create()
    bpy.context.scene.collection.objects.link(head)
    bpy.context.view_layer.update()
    harness.activate(head)
    refused_by(("match", "generate"), "linked", "make it local")


def test_a_linked_mesh_of_a_local_head() -> None:
    head = linked(library(is_read_only=False))
    local = head.copy()
    bpy.context.scene.collection.objects.link(local)
    harness.activate(local)
    refused_by(("match", "generate"), "linked", "make it local")


def test_the_mesh_was_edited_after_the_match() -> None:
    head = smiling_head()
    head.data.vertices.add(1)
    head.data.vertices[-1].co = head.data.vertices[0].co
    head.data.update()
    for act in (ops.heat_map, ops.show_landmarks, ops.correct_part):
        refused(act, "changed since it was matched", "Match again")
    assert ops.generate() == {"FINISHED"}, "a motion is made anew, from a new match"
    positions = harness.key_positions(head.data.shape_keys.key_blocks[1])
    assert len(positions) == len(head.data.vertices)
    assert np.isfinite(positions).all()


if __name__ == "__main__":
    harness.run(globals())
