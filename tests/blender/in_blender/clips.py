"""Several clips on a head: begun, switched, renamed, copied, laid into the NLA, removed."""

from __future__ import annotations

import re

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import FOLDER, addon, clip_of, key_positions, new_sphere, world_positions

clips, clip_rows, actions = addon("scene.clips"), addon("scene.clip_rows"), addon("scene.actions")
clip_play = addon("scene.clip_play")
strips, shape_keys = addon("scene.clip_strips"), addon("scene.shape_keys")
curves, intensity = addon("scene.curves"), addon("facegen_core.intensity")
mesh_bridge, remove_keys = addon("scene.mesh_bridge"), addon("operators.remove_keys")
FRAMES = np.arange(1.0, 13.0)
SHOWN = (-2, 1, 4, 5, 7, 12, 15)


def two_objects() -> list[bpy.types.Object]:
    """A head with an eye of its own, as they are after Match."""
    harness.empty_scene()
    head, eye = new_sphere("Head"), new_sphere("Eye", 0.2, 12)
    head.scale, head.rotation_euler = (0.1, 0.13, 0.2), (0.3, -0.2, 1.1)
    eye.parent, eye.location = head, (0.3, -0.9, 0.2)
    head.facegen.is_matched, eye.facegen.head = True, head
    harness.activate(head)
    return [head, eye]


def generated(head: bpy.types.Object, expression: str = "happy", seed: int = 0) -> None:
    """An expression keyed and keys written for it, as Generate does it."""
    curves.add_envelope(head, intensity.Envelope(expression, 1, 4, 7, 12))
    written(head, seed)


def written(head: bpy.types.Object, seed: int = 0) -> None:
    clips.for_generating(head)
    gathered = mesh_bridge.gather(addon("scene.state").matched_objects(head))
    made, name = clip_of(gathered, seed=seed), head.facegen.clip_name
    names = shape_keys.key_names(name, "compact", made, FRAMES)
    shape_keys.write_clip(gathered, name, names, made, FRAMES)
    addon("scene.clip_keys").rest_adopted(head)
    clips.begin(head)


def shown(objects: list[bpy.types.Object]) -> np.ndarray:
    """What the evaluated meshes show over the frames, before, in and after the clip."""
    return np.stack([np.concatenate([world_positions(o, f) for o in objects]) for f in SHOWN])


def names(head: bpy.types.Object) -> list[str]:
    return [row.name for row in head.facegen.clips]


def keys_of(obj: bpy.types.Object) -> list[str]:
    return [b.name for b in obj.data.shape_keys.key_blocks][1:]


def act(operator: str, **options: object) -> None:
    assert getattr(bpy.ops.facegen, operator)("EXEC_DEFAULT", True, **options) == {"FINISHED"}


def two_clips() -> tuple[list[bpy.types.Object], np.ndarray, np.ndarray]:
    """Clips A and B, and what each shows; B plays."""
    objects = two_objects()
    head = objects[0]
    head.facegen.clip_name = "A"
    generated(head)
    a = shown(objects)
    act("clip_new", name="B")
    generated(head, "surprise", seed=1)
    return objects, a, shown(objects)


def number(head: bpy.types.Object, name: str) -> int:
    return clip_rows.clip_named(head, name).number


def test_generate_begins_a_clip_whose_actions_carry_its_number() -> None:
    head, eye = two_objects()
    generated(head)
    assert names(head) == ["clip"]
    owners = [head, head.data.shape_keys, eye.data.shape_keys]
    played = [owner.animation_data.action for owner in owners]
    assert {a[strips.NUMBER] for a in played} == {head.facegen.clip_playing}
    assert len(set(played)) == (1 if actions.CAN_SHARE else 2 if actions.HAS_SLOTS else 3)
    if actions.HAS_SLOTS:
        slots = [owner.animation_data.action_slot for owner in owners]
        assert [s.name_display for s in slots] == ["Head", "Head", "Eye"]
        assert [s.target_id_type for s in slots] == ["OBJECT", "KEY", "KEY"]


def test_a_new_clip_starts_empty_and_shows_nothing_of_the_one_before() -> None:
    objects = two_objects()
    head = objects[0]
    rest = shown(objects)
    generated(head)
    assert np.abs(shown(objects) - rest).max() > 0.001
    act("clip_new", name="B")
    assert names(head) == ["clip", "B"] and head.facegen.clip_name == "B"  # noqa: PT018
    assert not harness.curves_of(head)
    assert head.facegen.happy == 0.0
    assert np.array_equal(shown(objects), rest)


def test_each_clip_shows_its_own_keys_alone() -> None:
    objects, a, b = two_clips()
    head = objects[0]
    assert np.abs(a - b).max() > 0.001
    for name, expected, expression in (("A", a, "happy"), ("B", b, "surprise"), ("A", a, "happy")):
        bpy.context.scene.frame_set(5)
        act("clip_switch", number=number(head, name))
        assert head.facegen.clip_name == name
        now = [head.facegen.happy, head.facegen.surprise]
        assert (now[0] > 0) == (expression == "happy"), "sliders show the frame at once"
        assert (now[1] > 0) == (expression == "surprise")
        others = [k for o in objects for k in o.data.shape_keys.key_blocks[1:]]
        assert all(k.value == 0.0 for k in others if not k.name.startswith(f"FG_{name}_"))
        assert np.array_equal(shown(objects), expected), name
        assert set(harness.curves_of(head)) == {f"facegen.{expression}"}


def test_a_typed_name_starts_a_clip_with_the_same_expressions() -> None:
    objects = two_objects()
    head = objects[0]
    generated(head)
    first = shown(objects)
    head.facegen.clip_name = "Take 2"
    written(head, seed=2)
    second = shown(objects)
    assert names(head) == ["clip", "Take 2"]
    assert "facegen.happy" in harness.curves_of(head)
    assert not np.array_equal(first, second)
    act("clip_switch", number=number(head, "clip"))
    assert np.array_equal(shown(objects), first)
    head.facegen.clip_name = "Take 2"
    harness.refused(lambda: written(head), "Take 2", "switch")


def test_renames_from_outside_break_nothing() -> None:
    objects, a, b = two_clips()
    head, eye = objects
    head.name, eye.name = "Somebody", "Oculus"
    for action in bpy.data.actions:
        action.name = f"Renamed {action.name}"
        for slot in action.slots if actions.HAS_SLOTS else ():
            slot.name_display = f"Renamed {slot.name_display}"
    head.data.shape_keys.key_blocks["FG_A_02"].name = "My Smile"  # of the clip that rests
    eye.data.shape_keys.key_blocks["FG_B_01"].name = "Mine"  # of the one that plays
    assert np.array_equal(shown(objects), b)
    act("clip_switch", number=number(head, "A"))
    assert np.array_equal(shown(objects), a)
    act("clip_switch", number=number(head, "B"))
    assert np.array_equal(shown(objects), b)


def test_a_clip_is_renamed_with_keys_and_strips() -> None:
    objects, a, b = two_clips()
    head = objects[0]
    head.facegen.clips[0].name = "Größe 1"  # as the list does it; A rests
    assert [k for k in keys_of(head) if k.startswith("FG_Gr_e_1_")]
    assert not [k for k in keys_of(head) if k.startswith("FG_A_")]
    act("clip_switch", number=number(head, "Größe 1"))
    assert np.array_equal(shown(objects), a)
    head.facegen.clips[0].name = "B"  # taken
    assert names(head) == ["B 2", "B"] and head.facegen.clip_name == "B 2"  # noqa: PT018
    head.facegen.clips[0].name = ""
    assert names(head)[0]
    act("clip_switch", number=number(head, "B"))
    assert np.array_equal(shown(objects), b)


def test_a_duplicate_plays_the_same_from_keys_of_its_own() -> None:
    objects, a, b = two_clips()  # noqa: RUF059
    head = objects[0]
    act("clip_duplicate", number=number(head, "A"))
    assert names(head) == ["A", "B", "A 2"]
    assert np.array_equal(shown(objects), a)
    for block in [k for k in head.data.shape_keys.key_blocks if k.name.startswith("FG_A_2_")]:
        flat = mesh_bridge.neutral_vertices(head.data).astype(np.float32).ravel()
        block.data.foreach_set("co", flat)
    head.data.update_tag()
    assert not np.array_equal(shown(objects), a)
    act("clip_switch", number=number(head, "A"))
    assert np.array_equal(shown(objects), a), "the first is another"
    act("clip_remove", number=number(head, "A 2"))
    assert names(head) == ["A", "B"]


def test_pushed_down_the_face_plays_the_same_and_strips_are_alike() -> None:
    objects, a, b = two_clips()
    head, eye = objects
    act("clip_push_down", number=number(head, "A"))
    harness.close(shown(objects), a, 1e-7)
    owners = [head, head.data.shape_keys, eye.data.shape_keys]
    assert all(owner.animation_data.action is None for owner in owners)
    found = [strip for o in owners for _, strip in strips.tracks_of(o, number(head, "A"))]
    assert len(found) == 3
    assert {s.name for s in found} == {"A"}
    assert {(s.frame_start, s.frame_end, s.scale) for s in found} == {(1.0, 12.0, 1.0)}
    sampled = curves.sample_intensities(head, FRAMES)
    assert sampled.max() == 1.0, "expressions play from the NLA too"
    written_before = [k for k in keys_of(head)]
    harness.refused(lambda: written(head), "play as strips", "switch")
    assert keys_of(head) == written_before
    act("clip_push_down", number=number(head, "B"))
    assert np.abs(shown(objects) - a).max() > 0.001, "now both play"
    for _, strip in strips.tracks_of(head.data.shape_keys, number(head, "B")):
        assert strip.frame_start == 1.0
    for owner in owners:
        for _, strip in strips.tracks_of(owner, number(head, "B")):
            strip.frame_start, strip.frame_end = 101.0, 112.0
    late = np.stack([np.concatenate([world_positions(o, f + 100) for o in objects]) for f in SHOWN])
    harness.close(late, b, 1e-6)
    harness.close(shown(objects), a, 1e-6)
    act("clip_switch", number=number(head, "B"))
    assert np.array_equal(shown(objects), b), "alone again, strips are muted"
    written(head, seed=1)
    act("clip_play_strips")
    harness.close(shown(objects), a, 1e-6)
    moved = [s.frame_start for o in owners for _, s in strips.tracks_of(o, number(head, "B"))]
    assert moved == [101.0] * 3, "strips stay where the artist put them"


def test_what_was_keyed_while_strips_played_stays_in_the_file() -> None:
    head = two_clips()[0][0]
    act("clip_push_down", number=number(head, "A"))
    curves.add_envelope(head, intensity.Envelope("sad", 20, 24, 27, 32))
    drawn = head.animation_data.action
    act("clip_switch", number=number(head, "B"))
    assert head.animation_data.action != drawn
    assert drawn.users, "Blender would not save it"
    act("clip_remove", number=number(head, "A"))
    assert drawn.users


def test_the_artists_own_action_is_left_alone_and_goes_along() -> None:
    objects = two_objects()
    head = objects[0]
    head.keyframe_insert("location", frame=1)
    head.location.x = 2.0
    head.keyframe_insert("location", frame=12)
    head.shape_key_add(name="Basis")
    mine = head.shape_key_add(name="Mine")
    mine.data.foreach_set("co", (key_positions(mine) + 0.01).ravel())
    for frame, value in ((1, 0.25), (12, 0.75)):
        mine.value = value
        mine.keyframe_insert("value", frame=frame)
    own = [head.animation_data.action, head.data.shape_keys.animation_data.action]
    before = shown(objects)
    generated(head)
    a = shown(objects)
    assert [head.animation_data.action, head.data.shape_keys.animation_data.action] == own
    act("clip_new", name="B")
    harness.close(shown(objects), before, 1e-6)
    generated(head, "sad", seed=3)
    act("clip_switch", number=number(head, "clip"))
    assert [head.animation_data.action, head.data.shape_keys.animation_data.action] == own
    assert np.array_equal(shown(objects), a)
    act("clip_remove", number=number(head, "B"))
    assert np.array_equal(shown(objects), a)
    act("clip_remove", number=number(head, "clip"))
    assert keys_of(head) == ["Mine"]
    assert {p for o in (head, head.data.shape_keys) for p in harness.curves_of(o)} == {
        "location",
        'key_blocks["Mine"].value',
    }
    harness.close(shown(objects), before, 1e-6)


def test_removing_takes_only_what_facegen_made() -> None:
    objects, a, b = two_clips()  # noqa: RUF059
    head, eye = objects
    head.data.shape_keys.key_blocks["FG_A_03"].name = "Adopted"
    act("clip_remove", number=number(head, "A"))
    assert names(head) == ["B"]
    assert keys_of(head) == ["Adopted", "FG_B_01", "FG_B_02", "FG_B_03"]
    assert np.array_equal(shown(objects), b)
    act("clip_remove")
    assert not names(head) and keys_of(head) == ["Adopted"] and keys_of(eye) == []  # noqa: PT018
    left = [action for action in bpy.data.actions if action.get(actions.MADE_BY_FACEGEN)]
    assert all(not actions.is_empty(action) for action in left)
    assert all("facegen" not in p for p in harness.curves_of(head))


def test_an_adopted_key_survives_generating_and_does_not_play_twice() -> None:
    objects, _, b = two_clips()
    head = objects[0]
    own = head.data.shape_keys.key_blocks["FG_B_02"]
    own.name = "My Surprise"
    coordinates = key_positions(own).copy()
    written(head, seed=1)
    assert np.array_equal(shown(objects), b)
    own = head.data.shape_keys.key_blocks["My Surprise"]
    assert np.array_equal(key_positions(own), coordinates)
    curve = actions.fcurves_of(head.data.shape_keys).find('key_blocks["My Surprise"].value')
    assert curve.mute and len(curve.keyframe_points) > 2, "kept, but at rest"  # noqa: PT018
    curve.mute = False
    written(head, seed=1)
    assert not actions.fcurves_of(head.data.shape_keys).find(curve.data_path).mute, "theirs now"
    act("clip_new", name="C")
    generated(head, "sad", seed=2)


def told(snapshot: dict, name: str) -> str:
    """What a snapshot says, but for places in memory and the fields of the chosen event."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", str(snapshot.get(name)))
    return re.sub(r"'event_\w+': '[^']*'", "", text)


def test_an_undo_takes_each_act_back_as_one() -> None:
    objects, a, b = two_clips()  # noqa: RUF059
    for operator, options in (
        ("clip_new", {"name": "C"}),
        ("clip_switch", {"number": number(objects[0], "A")}),
        ("clip_duplicate", {"number": number(objects[0], "A")}),
        ("clip_push_down", {"number": number(objects[0], "A")}),
        ("clip_remove", {"number": number(objects[0], "A")}),
    ):
        bpy.context.scene.frame_set(1)
        bpy.ops.ed.undo_push(message="before")
        before = harness.snapshot()
        act(operator, **options)
        bpy.ops.ed.undo()
        now = harness.snapshot()
        changed = [k for k in before.keys() | now.keys() if told(before, k) != told(now, k)]
        assert not changed, (operator, changed)
        objects = [bpy.data.objects["Head"], bpy.data.objects["Eye"]]
        assert names(objects[0]) == ["A", "B"], operator
        assert np.array_equal(shown(objects), b), operator


def test_clips_survive_save_and_reopen() -> None:
    objects, a, b = two_clips()
    path = str(FOLDER / "clips.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    bpy.ops.wm.open_mainfile(filepath=path)
    objects = [bpy.data.objects["Head"], bpy.data.objects["Eye"]]
    harness.activate(objects[0])
    assert np.array_equal(shown(objects), b)
    act("clip_switch", number=number(objects[0], "A"))
    assert np.array_equal(shown(objects), a)


def test_an_error_while_writing_leaves_the_clips_as_they_were() -> None:
    objects = two_objects()
    head = objects[0]
    generated(head)
    first, before = shown(objects), names(head)
    generate = addon("operators.generate")
    kept = shape_keys.write_clip

    def fails(*_: object) -> int:
        raise MemoryError("no memory left")

    shape_keys.write_clip = fails
    head.facegen.clip_name = "other"
    gathered = mesh_bridge.gather(objects)
    made = clip_of(gathered)
    request = type("Request", (), {"bake_mode": "compact", "frames": FRAMES})()
    match = type("Match", (), {"head": gathered})()
    result = type("Result", (), {"match": match, "shapes": made, "clip": None, "keys": None})()
    try:
        harness.refused(
            lambda: generate.write_generated(bpy.context, head, request, result), "no memory"
        )
    finally:
        shape_keys.write_clip = kept
    assert names(head) == before
    assert np.array_equal(shown(objects), first)


def test_the_panel_lists_clips_and_greyed_buttons_say_why() -> None:
    objects = two_objects()
    harness.activate(objects[0])
    assert not bpy.ops.facegen.clip_switch.poll()
    assert "Generate begins the first clip" in drawn()
    assert bpy.ops.facegen.clip_new.poll()
    two_clips()
    seen = drawn()
    assert {"facegen.clip_new", "facegen.clip_push_down", "FACEGEN_UL_clips"} <= set(seen)
    assert not bpy.ops.facegen.clip_play_strips.poll()


def test_remove_generated_keys_takes_those_of_all_clips() -> None:
    objects, _, _ = two_clips()
    remove_keys.remove_generated(objects[0])
    assert keys_of(objects[0]) == keys_of(objects[1]) == []
    paths = [
        curve.data_path
        for owner in (objects[0].data.shape_keys, objects[1].data.shape_keys)
        for row in objects[0].facegen.clips
        for found in [clip_play.actions_of(objects[0], row.number).get(owner)]
        if found is not None
        for curve in actions.fcurves_in(found)
    ]
    assert not paths


if __name__ == "__main__":
    harness.run(globals())
