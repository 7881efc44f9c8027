"""Shape keys: exact, reversible, and the artist's own keys and animation stay as they are."""

from __future__ import annotations

import bpy
import harness
import numpy as np
from harness import addon, clip_of, close, curves_of, key_positions, new_sphere, world_positions

axes, mesh_bridge = addon("scene.axes"), addon("scene.mesh_bridge")
shape_keys, actions = addon("scene.shape_keys"), addon("scene.actions")
FRAMES = np.arange(1.0, 13.0)


def two_objects() -> list[bpy.types.Object]:
    """A head turned, moved and scaled unevenly, and an eye below it with a scale of its own."""
    harness.empty_scene()
    head, eye = new_sphere("Head"), new_sphere("Eye", 0.2, 12)
    head.scale, head.rotation_euler, head.location = (0.1, 0.13, 0.2), (0.3, -0.2, 1.1), (3, -2, 5)
    eye.parent = head
    eye.location, eye.scale, eye.rotation_euler = (0.3, -0.9, 0.2), (1.0, 0.5, -2.0), (0, 0.4, 0)
    bpy.context.view_layer.update()
    return [head, eye]


def write(objects: list[bpy.types.Object], mode: str = "compact", name: str = "clip") -> tuple:
    head = mesh_bridge.gather(objects)
    clip = clip_of(head)
    names = shape_keys.key_names(name, mode, clip, FRAMES)
    num_keys = shape_keys.write_clip(head, name, names, clip, FRAMES)
    return head, clip, num_keys


def check_viewport(objects: list[bpy.types.Object], head: object, clip: object) -> None:
    """The evaluated meshes at frame t are the array at t."""
    moved = head.mesh.vertices + clip.rebuild()
    size = np.ptp(head.mesh.vertices, axis=0).max()
    for obj, part in zip(objects, head.parts, strict=True):
        for row, frame in enumerate(FRAMES):
            expected = axes.to_blender(moved[row, part.start : part.end])
            close(world_positions(obj, int(frame)), expected, 2e-6 * max(size, 5.0))


def test_axes_turn_up_to_up_and_front_to_front() -> None:
    close(axes.to_core(np.array([0.0, 0.0, 1.0])), [0.0, 1.0, 0.0], 0)  # up
    close(axes.to_core(np.array([0.0, -1.0, 0.0])), [0.0, 0.0, 1.0], 0)  # where the face looks
    points = np.random.default_rng(1).normal(size=(9, 3))
    close(axes.to_blender(axes.to_core(points)), points, 0)
    assert np.linalg.det(axes.CORE_FROM_BLENDER) == 1.0


def test_gathering_reads_the_basis_in_world_space_whatever_the_keys_show() -> None:
    objects = two_objects()
    rest = [world_positions(obj, 1) for obj in objects]
    objects[0].shape_key_add(name="Basis")
    mine = objects[0].shape_key_add(name="Mine")
    mine.data.foreach_set("co", (key_positions(mine) + 0.5).ravel())
    mine.value = 1.0
    objects[0].modifiers.new("Subdivision", "SUBSURF")
    gathered = mesh_bridge.gather(objects)
    close(axes.to_blender(gathered.mesh.vertices), np.concatenate(rest), 1e-6)


def test_the_fingerprint_ignores_where_the_head_is_but_not_its_shape() -> None:
    objects = two_objects()
    before = mesh_bridge.gather(objects).fingerprint
    objects[0].location, objects[0].rotation_euler = (9, 9, 9), (1, 2, 3)
    objects[0].scale *= 7.0
    bpy.context.view_layer.update()
    assert mesh_bridge.gather(objects).fingerprint == before
    objects[0].scale.x *= 1.1
    bpy.context.view_layer.update()
    assert mesh_bridge.gather(objects).fingerprint != before


def test_the_viewport_shows_the_array_on_every_frame_and_object() -> None:
    objects = two_objects()
    head, clip, num_keys = write(objects)
    assert num_keys == 3
    check_viewport(objects, head, clip)


def test_one_key_per_frame_is_exact_and_named_by_its_frame() -> None:
    objects = two_objects()
    head = mesh_bridge.gather(objects)
    displacements = clip_of(head).rebuild()
    exact = addon("facegen_core.blendshapes").one_shape_per_frame(displacements)
    names = shape_keys.key_names("clip", "frames", exact, FRAMES)
    shape_keys.write_clip(head, "clip", names, exact, FRAMES)
    assert names[0] == "FG_clip_F0002"
    assert names[-1] == "FG_clip_F0011"
    assert [b.name for b in objects[0].data.shape_keys.key_blocks] == ["Basis", *names]
    check_viewport(objects, head, exact)


def test_names_are_ascii_equal_across_objects_and_sliders_go_from_0_to_1() -> None:
    objects = two_objects()
    write(objects, name="Größe / take 2")
    blocks = [list(obj.data.shape_keys.key_blocks)[1:] for obj in objects]
    assert [b.name for b in blocks[0]] == [b.name for b in blocks[1]]
    for block in blocks[0]:
        assert block.name.isascii()
        assert block.name.startswith("FG_Gr_e_take_2_")
        assert (block.slider_min, block.slider_max) == (0.0, 1.0)
        assert block.relative_key == objects[0].data.shape_keys.reference_key
    for points in curves_of(objects[0].data.shape_keys).values():
        assert all(0.0 <= value <= 1.0 for _, value in points)


def test_an_object_that_stays_gets_no_keys() -> None:
    objects = two_objects()
    head = mesh_bridge.gather(objects)
    clip = clip_of(head)
    clip.shapes[:, head.parts[1].start :] = 0.0
    names = shape_keys.key_names("clip", "compact", clip, FRAMES)
    shape_keys.write_clip(head, "clip", names, clip, FRAMES)
    assert objects[1].data.shape_keys is None


def test_existing_keys_and_animation_are_untouched() -> None:
    objects = two_objects()
    head = objects[0]
    head.shape_key_add(name="Basis")
    mine = head.shape_key_add(name="Mine")
    mine.data.foreach_set("co", (key_positions(mine) + 0.01).ravel())
    for frame, value in ((1, 0.25), (12, 0.75)):
        mine.value = value
        mine.keyframe_insert("value", frame=frame)
    head.active_shape_key_index = 1
    keys = head.data.shape_keys
    action, own = keys.animation_data.action, curves_of(keys)
    coordinates = key_positions(mine).copy()
    write(objects)
    assert keys.animation_data.action == action
    assert {p: v for p, v in curves_of(keys).items() if p in own} == own
    assert [b.name for b in keys.key_blocks][:2] == ["Basis", "Mine"]
    assert head.active_shape_key.name == "Mine"
    close(key_positions(keys.key_blocks["Mine"]), coordinates, 0)
    for obj in objects:
        shape_keys.remove_clip(obj, "clip")
    assert curves_of(keys) == own
    assert [b.name for b in keys.key_blocks] == ["Basis", "Mine"]
    assert keys.animation_data.action == action


def test_generating_again_replaces_its_own_keys_and_another_clip_stays() -> None:
    objects = two_objects()
    write(objects, name="one")
    write(objects, name="two")
    write(objects, name="one")
    names = [b.name for b in objects[0].data.shape_keys.key_blocks]
    assert names == [
        "Basis",
        *(f"FG_two_0{k}" for k in (1, 2, 3)),
        *(f"FG_one_0{k}" for k in (1, 2, 3)),
    ]
    assert len(curves_of(objects[0].data.shape_keys)) == 6
    assert sorted(shape_keys.clips_of(objects[0])) == ["one", "two"]


def test_removing_leaves_no_action_of_ours_behind() -> None:
    objects = two_objects()
    write(objects)
    assert len(bpy.data.actions) == (1 if actions.CAN_SHARE else 2)
    for obj in objects:
        shape_keys.remove_clip(obj, "clip")
    assert not bpy.data.actions
    assert [b.name for b in objects[0].data.shape_keys.key_blocks] == ["Basis"]


def test_every_key_data_block_animates_through_a_slot_of_its_own() -> None:
    if not actions.HAS_SLOTS:
        return
    objects = two_objects()
    write(objects)
    data = [obj.data.shape_keys.animation_data for obj in objects]
    assert (data[0].action == data[1].action) == actions.CAN_SHARE
    assert all(d.action_slot in list(d.action.slots) for d in data)
    assert all(d.action_slot.target_id_type == "KEY" for d in data)


def test_renaming_a_key_on_one_object_keeps_the_other_animated() -> None:
    objects = two_objects()
    head, clip, _ = write(objects)
    objects[0].data.shape_keys.key_blocks["FG_clip_01"].name = "Smile"
    check_viewport(objects, head, clip)


def test_an_action_that_two_objects_share_already_is_extended_for_both() -> None:
    if not actions.HAS_SLOTS:
        return
    objects = two_objects()
    action = bpy.data.actions.new("Mine")
    for obj in objects:
        obj.shape_key_add(name="Basis")
        data = obj.data.shape_keys.animation_data_create()
        data.action = action
        data.action_slot = action.slots.new(id_type="KEY", name=obj.name)
    head, clip, _ = write(objects)
    check_viewport(objects, head, clip)
    assert all(o.data.shape_keys.animation_data.action == action for o in objects)
    for obj in objects:
        shape_keys.remove_clip(obj, "clip")
    assert all(o.data.shape_keys.animation_data.action == action for o in objects)


def test_an_adopted_key_survives() -> None:
    objects = two_objects()
    write(objects)
    objects[0].data.shape_keys.key_blocks["FG_clip_02"].name = "My Smile"
    shape_keys.remove_clip(objects[0], "clip")
    assert [b.name for b in objects[0].data.shape_keys.key_blocks] == ["Basis", "My Smile"]


def test_a_key_of_the_same_name_that_is_not_ours_is_never_overwritten() -> None:
    objects = two_objects()
    objects[0].shape_key_add(name="Basis")
    objects[0].shape_key_add(name="FG_clip_02")
    harness.refused(lambda: write(objects), "FG_clip_02", "another name")


def test_absolute_shape_keys_are_refused() -> None:
    objects = two_objects()
    objects[0].shape_key_add(name="Basis")
    objects[0].data.shape_keys.use_relative = False
    harness.refused(lambda: write(objects), "absolute", "Relative")


def test_objects_that_share_a_mesh_but_move_apart_are_refused() -> None:
    objects = two_objects()
    double = objects[1].copy()
    bpy.context.collection.objects.link(double)
    harness.refused(lambda: write([*objects, double]), "share one mesh", "single")


def test_weights_outside_0_and_1_and_broken_shapes_are_refused() -> None:
    objects = two_objects()
    head = mesh_bridge.gather(objects)
    for field, value, word in (("weights", 1.5, "0 to 1"), ("shapes", np.nan, "finite")):
        clip = clip_of(head)
        getattr(clip, field)[1] = value
        names = shape_keys.key_names("clip", "compact", clip, FRAMES)
        harness.refused(
            lambda c=clip, n=names: shape_keys.write_clip(head, "clip", n, c, FRAMES), word
        )


def test_an_error_half_way_takes_back_what_was_written() -> None:
    objects = two_objects()
    write(objects, name="kept")
    kept, calls = shape_keys._write_curves, []

    def fails_on_the_second(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("no memory left")
        return kept(*arguments)

    shape_keys._write_curves = fails_on_the_second
    try:
        harness.refused(lambda: write(objects, name="kept"), "no memory")
        for obj in objects:
            shape_keys.remove_clip(obj, "kept")
            obj.shape_key_clear()
        calls.clear()
        harness.refused(lambda: write(objects), "no memory")
    finally:
        shape_keys._write_curves = kept


if __name__ == "__main__":
    harness.run(globals())
