"""Live update: a pose at once, the clip in the background, and nothing left behind.

Timers do not fire without a window, so `follow` is called by hand, as Blender's timer would.
"""

from __future__ import annotations

import time

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import FOLDER, addon
from sample import know_sample_head

live, live_key, session = addon("live"), addon("scene.live_key"), addon("live_session")
generate, curves, state = addon("operators.generate"), addon("scene.curves"), addon("scene.state")
shape_keys, pipeline = addon("scene.shape_keys"), addon("facegen_core.pipeline")
intensity, posing = addon("facegen_core.intensity"), addon("facegen_core.posing")
# The pose leaves contact out; the clip is baked within a tenth of a millimetre. mm.
POSE_MM = 0.25


def head(name: str = "Facegen Head") -> bpy.types.Object:
    return bpy.data.objects[name]


def settle(seconds: float = 120.0) -> None:
    """What the timer would do until there is nothing left to do."""
    until = time.monotonic() + seconds
    live.wake()
    while (wait := live.follow()) is not None:
        assert time.monotonic() < until, "live update does not come to rest"
        time.sleep(wait)


def happy_key(index: int) -> bpy.types.Keyframe:
    return curves._fcurves_by_path(head())["facegen.happy"].keyframe_points[index]


def drag(height: float) -> None:
    """Both apex keys of the smile to this height, as the Graph Editor does; the clock stays."""
    for index in (1, 2):
        happy_key(index).co.y = height
    curves._fcurves_by_path(head())["facegen.happy"].update()
    head().facegen.happy = curves._fcurves_by_path(head())["facegen.happy"].evaluate(
        bpy.context.scene.frame_current
    )
    bpy.context.view_layer.update()


def passing_keys() -> list[str]:
    return [b.name for k in bpy.data.shape_keys for b in k.key_blocks if "Live" in b.name]


def seen() -> np.ndarray:
    evaluated = head().evaluated_get(bpy.context.evaluated_depsgraph_get())
    coordinates = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3)


def clip() -> dict[str, np.ndarray]:
    """Coordinates and curves of the keys Facegen made."""
    keys = head().data.shape_keys
    names = shape_keys.clips_of(head())["clip"]
    result = {n: harness.key_positions(keys.key_blocks[n]) for n in names}
    for curve in addon("scene.actions").fcurves_of(keys):
        result[curve.data_path] = np.array([tuple(p.co) for p in curve.keyframe_points])
    return result


def assert_same_clip(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert list(one) == list(other), (list(one), list(other))
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def assert_clean() -> None:
    assert not passing_keys()
    assert not any(live_key.RECORD in keys for keys in bpy.data.shape_keys)
    assert not any(b.mute for keys in bpy.data.shape_keys for b in keys.key_blocks)


def test_it_waits_until_the_head_is_matched() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    event = intensity.Envelope("happy", 1, 8, 16, 24)
    curves.add_envelope(head(), event)
    bpy.context.scene.frame_set(12)
    assert live.follow() is None, "off: nothing is looked at"
    head().facegen.is_live = True
    settle()
    assert any("Match first" in text for text in drawn())
    assert head().data.shape_keys is None
    know_sample_head()
    bpy.ops.facegen.match()
    settle()
    assert not any("Live" in text for text in drawn() if "waits" in text)
    assert len(shape_keys.clips_of(head())["clip"]) > 0
    assert_clean()


def test_the_clip_in_the_background_is_the_one_generate_makes() -> None:
    made = clip()
    head().facegen.is_live = False
    settle()
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert_same_clip(clip(), made)
    head().facegen.is_live = True
    settle()
    assert_same_clip(clip(), made)


def test_a_dragged_key_moves_the_face_at_once_and_the_clip_follows() -> None:
    mouth = seen()
    before = clip()
    drag(0.4)
    live.wake()
    wait = live.follow()
    assert wait is not None, "the clip is still to come"
    assert passing_keys() == ["FG_Live"]
    posed = seen()
    scale = head().facegen.mm_per_local_unit
    assert np.linalg.norm(posed - mouth, axis=1).max() * scale > 1.0
    assert_same_clip(clip(), before)
    assert live.follow() is not None
    assert passing_keys() == ["FG_Live"]
    settle()
    assert_clean()
    assert clip().keys() != before.keys() or any(
        not np.array_equal(v, before[n]) for n, v in clip().items()
    )
    apart = np.linalg.norm(seen() - posed, axis=1) * scale
    assert apart.max() < 2.0, apart.max()
    assert apart.mean() < POSE_MM, apart.mean()
    made = clip()
    head().facegen.is_live = False
    bpy.ops.facegen.generate()
    assert_same_clip(clip(), made)
    head().facegen.is_live = True
    settle()


def test_nothing_is_computed_when_nothing_changed() -> None:
    poses, kept = [], posing.Poser.pose
    posing.Poser.pose = lambda *a, **k: poses.append(1) or kept(*a, **k)
    try:
        for frame in (5, 12, 20):
            bpy.context.scene.frame_set(frame)
            live.wake()
            assert live.follow() is None
        assert not poses
        assert not passing_keys()
        drag(0.5)
        for _ in range(4):
            live.wake()
            live.follow()
        assert len(poses) == 1
        bpy.context.scene.frame_set(10)
        live.wake()
        live.follow()
        assert len(poses) == 2, "scrubbing before the clip is there"
    finally:
        posing.Poser.pose = kept
    settle()


def test_a_slider_that_was_moved_and_not_keyed_shows() -> None:
    bpy.context.scene.frame_set(12)
    made, before = clip(), seen()
    head().facegen.surprise = 0.9
    live.wake()
    live.follow()
    assert passing_keys() == ["FG_Live"]
    scale = head().facegen.mm_per_local_unit
    assert np.linalg.norm(seen() - before, axis=1).max() * scale > 1.0
    head().facegen.surprise = 0.0
    settle()
    assert_same_clip(clip(), made)
    head().facegen.happy = 1.0  # keyed: the curve is at 0.5 here, and stays
    live.wake()
    assert live.follow() is None, "no clip follows from a slider that is not keyed"
    assert passing_keys() == ["FG_Live"]
    bpy.context.scene.frame_set(13)
    settle()
    assert_clean()
    assert_same_clip(clip(), made)


def test_a_pose_is_never_saved_and_a_file_opens_with_live_off() -> None:
    drag(0.8)
    live.wake()
    live.follow()
    assert passing_keys()
    before, path = clip(), str(FOLDER / "live.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    assert_clean()
    live.wake()
    live.follow()
    assert passing_keys(), "it comes back after saving"
    bpy.ops.wm.open_mainfile(filepath=path)
    assert_clean()
    assert not head().facegen.is_live
    assert_same_clip(clip(), before)
    harness.activate(head())
    head().facegen.is_live = True
    settle()


def test_undo_brings_the_curve_back_and_the_face_follows() -> None:
    bpy.context.scene.frame_set(12)
    bpy.ops.ed.undo_push(message="before")
    before, height = clip(), happy_key(1).co.y
    drag(0.2)
    live.wake()
    live.follow()
    assert passing_keys()
    bpy.ops.ed.undo_push(message="dragged")
    settle()
    dragged = clip()
    bpy.ops.ed.undo()
    assert not passing_keys()
    assert abs(happy_key(1).co.y - height) < 1e-6
    settle()
    assert_clean()
    assert_same_clip(clip(), before)
    bpy.ops.ed.redo()
    assert abs(happy_key(1).co.y - 0.2) < 1e-6
    settle()
    assert_clean()
    assert_same_clip(clip(), dragged)


def test_export_during_live_writes_the_clip() -> None:
    drag(0.9)
    live.wake()
    live.follow()
    assert passing_keys()
    path = str(FOLDER / "live.fbx")
    assert bpy.ops.facegen.export_fbx(filepath=path) == {"FINISHED"}
    with open(path, "rb") as file:
        assert b"FG_Live" not in file.read()
    live.wake()
    live.follow()
    assert passing_keys(), "it comes back after an export"
    assert bpy.ops.facegen.check_export() == {"FINISHED"}
    assert_clean()
    settle()


def test_off_shows_the_last_clip_and_stops_the_work() -> None:
    before = clip()
    drag(0.3)
    live.wake()
    live.follow()
    assert passing_keys()
    head().facegen.is_live = False
    settle()
    assert_clean()
    assert_same_clip(clip(), before)
    head().facegen.is_live = True
    settle()


def test_it_waits_in_edit_mode_and_says_so() -> None:
    drag(0.7)
    live.wake()
    live.follow()
    assert passing_keys()
    bpy.ops.object.mode_set(mode="EDIT")
    live.wake()
    live.follow()
    blocks = head().data.shape_keys.key_blocks
    assert blocks["FG_Live"].mute
    assert not any(b.mute for b in blocks if b.name != "FG_Live")
    assert live.note_of(head())[0] == "Live waits for Object Mode"
    bpy.ops.object.mode_set(mode="OBJECT")
    settle()
    assert_clean()


def test_what_cannot_work_is_told_once_in_the_panel() -> None:
    before = clip()
    head().facegen.frame_range = "custom"
    head().facegen.frame_start, head().facegen.frame_end = 9, 3
    settle()
    assert any("frame range is empty" in text for text in drawn())
    assert_same_clip(clip(), before)
    head().facegen.frame_range = "expressions"
    settle()
    assert live.note_of(head()) == ("", False)


def test_bakes_that_follow_by_themselves_or_are_solved_are_left_to_generate() -> None:
    before = clip()
    head().facegen.bake_mode = "rig"
    drag(0.33)
    settle()
    assert live.note_of(head())[0].startswith("Live follows Compact and Frames")
    assert_same_clip(clip(), before)
    assert_clean()
    head().facegen.bake_mode = "compact"
    settle()
    assert live.note_of(head()) == ("", False)


def test_two_heads_keep_their_own_faces() -> None:
    first = head()
    bpy.ops.facegen.add_head()
    other = bpy.context.active_object
    assert other is not first
    other.location.x = 0.5
    curves.add_envelope(other, intensity.Envelope("surprise", 1, 8, 16, 24))
    know_sample_head()
    bpy.ops.facegen.match()
    other.facegen.is_live = True
    settle()
    assert shape_keys.clips_of(other)
    assert other.data.shape_keys != first.data.shape_keys
    bpy.context.scene.frame_set(12)
    drag(0.45)
    live.wake()
    live.follow()
    assert len(passing_keys()) == 1
    assert live_key.NAME not in other.data.shape_keys.key_blocks
    settle()
    assert_clean()


def test_a_deleted_head_takes_its_pose_and_its_work_along() -> None:
    other = next(o for o in bpy.data.objects if o.facegen.is_live and o is not head())
    other.facegen.happy = 0.8
    live.wake()
    live.follow()
    assert passing_keys()
    bpy.data.objects.remove(other)
    settle()
    assert_clean()


def test_disabling_the_add_on_leaves_clip_and_nothing_else() -> None:
    before = clip()
    drag(0.65)
    live.wake()
    live.follow()
    assert passing_keys()
    bpy.ops.preferences.addon_disable(module=harness.PACKAGE)
    assert not passing_keys()
    names = [n for n in before if not n.startswith("key_blocks")]
    for name in names:
        block = head().data.shape_keys.key_blocks[name]
        assert not block.mute
        np.testing.assert_array_equal(harness.key_positions(block), before[name])
    assert not any("facegen" in t.name for t in __import__("threading").enumerate())


harness.run(globals())
