"""Heads that Blender duplicated: an act on one leaves the clips of the other alone."""

from __future__ import annotations

from typing import Any

import bpy
import harness
import numpy as np
from clips import FRAMES, act, curves, intensity, keys_of, names, number, shown, two_clips, written
from harness import addon

clips, clip_play, actions = addon("scene.clips"), addon("scene.clip_play"), addon("scene.actions")
shape_keys = addon("scene.shape_keys")


def two_heads(is_linked: bool = False) -> tuple[list[bpy.types.Object], list[bpy.types.Object]]:
    """A head with the clips A and B, of which B plays, and its twin: the objects of both."""
    objects = two_clips()[0]
    harness.activate(*objects)
    assert bpy.ops.object.duplicate(linked=is_linked) == {"FINISHED"}
    twin = next(o for o in bpy.context.selected_objects if o.name.startswith("Head"))
    eye = next(o for o in bpy.context.selected_objects if o.name.startswith("Eye"))
    assert twin != objects[0]
    assert eye.facegen.head == twin
    harness.activate(twin)
    return objects, [twin, eye]


def played(objects: list[bpy.types.Object]) -> dict[str, Any]:
    """The clips of a head: rows, and on every data-block the curves, strips and record of each."""
    head = objects[0]
    owners = [head, *(obj.data.shape_keys for obj in objects)]
    found: dict[str, Any] = {"names": names(head), "playing": head.facegen.clip_name}
    for row in head.facegen.clips:
        of_clip = clip_play.actions_of(head, row.number)
        found[row.name] = [
            {
                curve.data_path: [tuple(point.co) for point in curve.keyframe_points]
                for curve in actions.fcurves_in(of_clip[owner])
            }
            if owner in of_clip
            else None
            for owner in owners
        ]
    found["strips"] = [
        (track.name, track.mute, s.name, s.frame_start, s.frame_end, s.action_frame_start)
        for owner in owners
        for track in owner.animation_data.nla_tracks
        for s in track.strips
    ]
    found["keys"] = [keys_of(obj) for obj in objects]
    return found


def played_actions(objects: list[bpy.types.Object]) -> set[bpy.types.Action]:
    head = objects[0]
    numbers = [row.number for row in head.facegen.clips]
    return {f.action for n in numbers for f in clip_play.actions_of(head, n).values()}


def again(objects: list[str]) -> list[bpy.types.Object]:
    """The same objects after an undo."""
    return [bpy.data.objects[name] for name in objects]


def acts_on(head: bpy.types.Object) -> dict[str, Any]:
    """Acts that edit clips, one of each kind, without undo steps."""

    def act(operator: str, **options: object) -> None:
        assert getattr(bpy.ops.facegen, operator)(**options) == {"FINISHED"}

    return {
        "remove keys": lambda: act("remove_keys"),
        "rename": lambda: setattr(head.facegen.clips[0], "name", "Laugh"),
        "switch": lambda: act("clip_switch", number=number(head, "A")),
        "duplicate": lambda: act("clip_duplicate", number=number(head, "A")),
        "remove": lambda: act("clip_remove", number=number(head, "A")),
        "push down": lambda: act("clip_push_down", number=number(head, "A")),
        "generate": lambda: written(head, seed=5),
        "key": lambda: curves.add_envelope(head, intensity.Envelope("sad", 20, 22, 24, 26)),
    }


def check_apart(is_first: bool) -> None:
    """Every act on one of two heads leaves the other as it was, and is undone whole."""
    for name in acts_on(None):
        heads = two_heads()
        mine, other = heads if is_first else heads[::-1]
        harness.activate(mine[0])
        before, both = played(other), played(mine)
        rest = shown(other)
        bpy.context.scene.frame_set(5)
        bpy.ops.ed.undo_push(message="before")
        known = sorted(action.name for action in bpy.data.actions)
        mine_named, other_named = ([obj.name for obj in objects] for objects in (mine, other))
        acts_on(mine[0])[name]()
        assert played(mine) != both, f"{name} did nothing"
        assert played(other) == before, f"{name} on one head changed the other"
        assert not played_actions(mine) & played_actions(other), f"{name} left an action shared"
        assert np.array_equal(shown(other), rest), name
        unused = [a.name for a in bpy.data.actions if not a.users]
        assert not unused, f"{name} left {unused}"
        bpy.ops.ed.undo_push(message=name)
        bpy.ops.ed.undo()
        mine, other = again(mine_named), again(other_named)
        assert played(mine) == both, f"undo of {name}"
        assert played(other) == before, f"undo of {name}"
        assert sorted(action.name for action in bpy.data.actions) == known


def test_an_act_on_the_twin_leaves_the_head_alone() -> None:
    check_apart(is_first=False)


def test_an_act_on_the_head_leaves_the_twin_alone() -> None:
    check_apart(is_first=True)


def test_the_twin_plays_its_clips_as_the_head_does() -> None:
    objects, twins = two_heads()
    b = shown(objects)
    assert np.array_equal(shown(twins), b)
    act("clip_switch", number=number(twins[0], "A"))
    a = shown(twins)
    assert np.array_equal(shown(objects), b)
    harness.activate(objects[0])
    act("clip_remove", number=number(objects[0], "B"))
    assert np.array_equal(shown(objects), a)
    assert names(twins[0]) == ["A", "B"]
    harness.activate(twins[0])
    act("clip_switch", number=number(twins[0], "B"))
    assert np.array_equal(shown(twins), b)


def test_one_act_makes_the_clips_own_for_good() -> None:
    _, twins = two_heads()
    act("clip_switch", number=number(twins[0], "A"))
    own = played_actions(twins)
    for name in ("B", "A"):
        act("clip_switch", number=number(twins[0], name))
    assert played_actions(twins) == own


def test_a_key_renamed_in_blender_before_any_act_stays_a_matter_of_its_head() -> None:
    objects, twins = two_heads()
    bpy.context.view_layer.update()
    timer = addon("handlers").part_twins
    assert bpy.app.timers.is_registered(timer)
    bpy.app.timers.unregister(timer)
    clip, twin_clip = played(objects), played(twins)
    assert timer() is None
    assert (played(objects), played(twins)) == (clip, twin_clip)
    assert not played_actions(objects) & played_actions(twins)
    twins[0].data.shape_keys.key_blocks["FG_A_01"].name = "Mine"
    assert played(objects) == clip
    assert played(twins) != twin_clip
    known = set(bpy.data.actions)
    assert timer() is None
    assert set(bpy.data.actions) == known, "nothing is shared any more"


def test_an_act_that_fails_shares_again() -> None:
    objects, twins = two_heads()
    before = played(twins)
    played_by = sorted((a.name, a.users) for a in bpy.data.actions)
    take_back = clips.for_generating(twins[0])
    assert sorted((a.name, a.users) for a in bpy.data.actions) != played_by
    take_back()
    assert sorted((a.name, a.users) for a in bpy.data.actions) == played_by
    assert played(twins) == before
    assert played_actions(twins) & played_actions(objects)


def test_a_linked_twin_is_keyed_alone_and_says_what_its_keys_need() -> None:
    objects, twins = two_heads(is_linked=True)
    head, twin = objects[0], twins[0]
    before = harness.curves_of(head)
    assert head.animation_data.action == twin.animation_data.action
    curves.add_envelope(twin, intensity.Envelope("sad", 20, 22, 24, 26))
    assert harness.curves_of(head) == before
    assert "facegen.sad" in harness.curves_of(twin)
    assert head.data.shape_keys.animation_data.action.users, "the shapes play as before"
    for button in ("remove_keys", "clip_new", "clip_switch"):
        harness.refused(lambda button=button: act(button), "'Head'", "single-user")
    kept = keys_of(twin)
    twin.facegen.clips[0].name = "Laugh"
    assert names(twin) == ["Laugh", "B"]
    assert keys_of(head) == kept
    assert names(head) == ["A", "B"]
    clip = played(objects)
    harness.activate(*twins)
    bpy.ops.object.make_single_user(object=True, obdata=True)
    harness.activate(twin)
    rest = shown(objects)
    act("remove_keys")
    assert played(objects) == clip
    assert np.array_equal(shown(objects), rest)
    assert keys_of(twin) == []


def test_what_other_data_blocks_have_in_an_action_is_not_copied() -> None:
    """From Blender 4.4 on an action has slots, and a body may have one beside the head's."""
    if not actions.HAS_SLOTS:
        return
    head = two_clips()[0][0]
    body = harness.new_sphere("Body")
    data = body.animation_data_create()
    data.action = head.animation_data.action
    data.action_slot = data.action.slots.new(id_type="OBJECT", name="Body")
    harness.activate(head)
    known = set(bpy.data.actions)
    curves.add_envelope(head, intensity.Envelope("sad", 20, 22, 24, 26))
    written(head, seed=2)
    assert set(bpy.data.actions) == known
    assert body.animation_data.action == head.animation_data.action
    assert len(FRAMES) == len(actions.fcurves_of(head.data.shape_keys)[0].keyframe_points)


if __name__ == "__main__":
    harness.run(globals())
