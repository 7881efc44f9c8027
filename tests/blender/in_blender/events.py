"""Events of a head: the list follows the curves, acts write them, and hand-drawn curves win."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import harness
import numpy as np
from drawn import StubLayout, drawn
from harness import FOLDER, addon, new_sphere, refused

channel_keys = addon("scene.channel_keys")
curves = addon("scene.curves")
event_rows = addon("scene.event_rows")
events = addon("scene.events")
EASES = addon("facegen_core.eases").EASES
intensity = addon("facegen_core.intensity")
Envelope = intensity.Envelope

MARKS = ("onset_start", "apex_start", "apex_end", "offset_end")


def new_head() -> bpy.types.Object:
    harness.empty_scene()
    return new_sphere("Head")


def head() -> bpy.types.Object:
    return bpy.data.objects["Head"]


def add(name: str, *marks: float, intensity: float = 1.0, ease: str = "linear") -> None:
    done = bpy.ops.facegen.add_expression(
        expression=name,
        intensity=intensity,
        ease=ease,
        **dict(zip(MARKS, marks, strict=True)),
    )
    assert done == {"FINISHED"}
    bpy.context.view_layer.update()


def curve(name: str) -> bpy.types.FCurve:
    return next(
        c for c in addon("scene.actions").fcurves_of(head()) if c.data_path == f"facegen.{name}"
    )


def keys(name: str) -> np.ndarray:
    return channel_keys.read_keys(curve(name))


def rows() -> list[tuple[str, float, float]]:
    shown = event_rows.event_list(bpy.context).rows
    return [(row.name, row.onset_start, row.offset_end) for row in shown]


def marks(index: int = 0) -> tuple[float, ...]:
    return events.events_of(head())[index].event.marks


def draw_by_hand(name: str = "happy") -> np.ndarray:
    """Key a Bezier curve as an artist does: two peaks, handles pulled."""
    settings = head().facegen
    for frame, value in ((10, 0.0), (16, 0.9), (22, 0.5), (30, 0.8), (44, 0.0)):
        setattr(settings, name, value)
        head().keyframe_insert(f"facegen.{name}", frame=frame)
    for point in curve(name).keyframe_points:
        point.interpolation = "BEZIER"
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_left = (point.co[0] - 1.5, point.co[1])
        point.handle_right = (point.co[0] + 2.5, point.co[1] + 0.03)
    curve(name).update()
    bpy.context.view_layer.update()
    return keys(name)


def same(found: np.ndarray, expected: np.ndarray) -> None:
    assert len(found) == len(expected), (len(found), len(expected))
    for field in expected.dtype.names:
        assert (found[field] == expected[field]).all(), (field, found[field], expected[field])


def undone(act: Callable[[], object]) -> None:
    """One undo takes the act back, to the last bit."""
    bpy.ops.ed.undo_push(message="before")
    before = {attribute: k.copy() for attribute, k in events.keys_of(head()).items()}
    act()
    changed = events.keys_of(head())
    is_changed = changed.keys() != before.keys() or any(
        len(changed[a]) != len(before[a]) or (changed[a] != before[a]).any() for a in before
    )
    assert is_changed, "the act changed nothing"
    bpy.ops.ed.undo()
    after = events.keys_of(head())
    assert after.keys() == before.keys()
    for attribute in before:
        same(after[attribute], before[attribute])
    bpy.context.view_layer.update()


def test_eases_are_native_and_play_as_the_core_says() -> None:
    for ease in EASES:
        new_head()
        event = Envelope("happy", 1, 12, 30, 45, 0.75, ease, ease)
        add("happy", *event.marks, intensity=0.75, ease=ease)
        found = events.events_of(head())
        assert [f.event.envelope for f in found] == [event], found
        frames = np.arange(-2, 50, 0.25)
        expected = intensity.sample_envelopes([event], frames)
        harness.close(curves.sample_intensities(head(), frames), expected, 1e-6)
        assert keys("happy")["interpolation"][0] == EASES[ease].interpolation


def test_keys_are_read_and_written_to_the_last_bit() -> None:
    new_head()
    before = draw_by_hand()
    channel_keys.write_keys(curve("happy"), before)
    same(keys("happy"), before)


def test_the_list_follows_the_curves_wherever_they_are_edited() -> None:
    new_head()
    add("sad", 40, 45, 50, 60)
    add("happy", 1, 12, 30, 45)
    assert rows() == [("Happy", 1.0, 45.0), ("Sad", 40.0, 60.0)]
    point = curve("sad").keyframe_points[0]
    point.co_ui = (-5.0, 0.0)  # as the Graph Editor moves a key
    curve("sad").update()
    head().animation_data.action.update_tag()
    bpy.context.view_layer.update()
    assert rows()[0] == ("Sad", -5.0, 60.0)
    assert event_rows.is_current(bpy.context)
    new_sphere("Other")
    harness.activate(bpy.data.objects["Other"])
    bpy.context.view_layer.update()
    addon("event_overlay").on_change()
    assert rows() == []


def test_fields_read_and_write_the_curve_and_stop_at_neighbours() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    add("happy", 60, 70, 80, 90, intensity=0.5, ease="smooth")
    event_rows.select(bpy.context, "happy", 1)
    settings = head().facegen
    assert [getattr(settings, f"event_{m}") for m in MARKS] == [60.0, 70.0, 80.0, 90.0]
    assert (settings.event_onset_ease, settings.event_offset_ease) == ("smooth", "smooth")
    first = keys("happy")[:4]
    settings.event_apex_end = 84.5
    settings.event_intensity = 0.25
    settings.event_offset_ease = "slow"
    assert marks(1) == (60.0, 70.0, 84.5, 90.0)
    found = events.events_of(head())[1].event
    assert (found.intensity, found.onset_ease, found.offset_ease) == (0.25, "smooth", "slow")
    settings.event_onset_start = 20
    assert marks(1)[0] == 45.0, "it stops where the other event ends"
    settings.event_onset_start = 1000
    assert 69.0 < marks(1)[0] < 70.0, "and before its own apex"
    same(keys("happy")[["frame", "value"]][:4], first[["frame", "value"]])


def test_a_curve_drawn_by_hand_keeps_its_shape_through_every_act() -> None:
    new_head()
    before = draw_by_hand()
    (found,) = events.events_of(head())
    assert found.event.is_drawn and found.event.marks == (10, 16, 16, 44)  # noqa: PT018
    settings = head().facegen
    settings.event_onset_ease = "smooth"  # no ease can be given to it
    same(keys("happy"), before)
    frames = np.linspace(10, 44, 69)
    shape = curves.sample_intensities(head(), frames)[:, 0]
    assert bpy.ops.facegen.event_tempo(tempo=2.0) == {"FINISHED"}
    harness.close(curves.sample_intensities(head(), 10 + (frames - 10) / 2)[:, 0], shape, 1e-5)
    assert bpy.ops.facegen.event_tempo(tempo=0.5) == {"FINISHED"}
    assert bpy.ops.facegen.event_mirror() == {"FINISHED"}
    harness.close(curves.sample_intensities(head(), 54 - frames)[:, 0], shape, 1e-5)
    assert bpy.ops.facegen.event_mirror() == {"FINISHED"}
    assert bpy.ops.facegen.event_duplicate(onset_start=100) == {"FINISHED"}
    harness.close(curves.sample_intensities(head(), frames + 90)[:, 0], shape, 1e-5)
    harness.close(curves.sample_intensities(head(), frames)[:, 0], shape, 1e-5)
    assert bpy.ops.facegen.event_remove() == {"FINISHED"}
    same(keys("happy")[["frame", "value"]], before[["frame", "value"]])


def test_add_expression_never_goes_over_a_curve_that_is_not_straight() -> None:
    new_head()
    before = draw_by_hand()
    event = dict(zip(MARKS, (30, 40, 50, 60), strict=True))
    refused(lambda: bpy.ops.facegen.add_expression(expression="happy", **event), "10 to 44", "kept")
    refused(
        lambda: bpy.ops.facegen.add_expression(expression="sad", blend_with="happy", **event),
        "happy already moves",
    )
    same(keys("happy"), before)
    add("happy", 44, 50, 55, 60)  # beside it there is room
    same(keys("happy")[:4], before[:4])
    assert [f.event.is_drawn for f in events.events_of(head())] == [True, False]


def test_each_act_is_one_undo_step() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    add("sad", 50, 60, 62, 70)
    event_rows.select(bpy.context, "happy", 0)
    acts = bpy.ops.facegen
    for act in (
        lambda: acts.event_duplicate("EXEC_DEFAULT", True),
        lambda: acts.event_tempo("EXEC_DEFAULT", True, tempo=1.5, ripple=True),
        lambda: acts.event_hold("EXEC_DEFAULT", True, frames=5, ripple=True),
        lambda: acts.event_overlap("EXEC_DEFAULT", True, frames=5),
        lambda: acts.event_remove("EXEC_DEFAULT", True),
    ):
        event_rows.select(bpy.context, "happy", 0)
        undone(act)
    event_rows.select(bpy.context, "happy", 0)
    head().facegen.event_onset_ease = "quick"
    undone(lambda: acts.event_mirror("EXEC_DEFAULT", True))


def test_the_redo_panel_repeats_an_act_on_its_own_event() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    add("sad", 50, 60, 62, 70)
    event_rows.select(bpy.context, "happy", 0)
    assert bpy.ops.facegen.event_tempo(attribute="sad", number=0, tempo=2) == {"FINISHED"}
    assert [f.event.marks[3] for f in events.events_of(head())] == [45, 60]
    assert event_rows.selected(bpy.context).channel.attribute == "sad"
    refused(lambda: bpy.ops.facegen.event_tempo(attribute="sad", number=7), "no longer there")


def test_later_events_follow_where_asked() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    add("happy", 45, 50, 55, 60)
    add("sad", 40, 50, 52, 60)
    add("fear", 70, 75, 76, 80)
    event_rows.select(bpy.context, "happy", 0)
    assert bpy.ops.facegen.event_hold(frames=10, ripple=True) == {"FINISHED"}
    assert [f.event.marks[0] for f in events.events_of(head())] == [1, 40, 55, 80]
    assert len(keys("happy")) == 7, "they still touch"
    assert bpy.ops.facegen.event_hold(frames=-10, ripple=True) == {"FINISHED"}
    assert [f.event.marks[0] for f in events.events_of(head())] == [1, 40, 45, 70]
    refused(lambda: bpy.ops.facegen.event_hold(frames=10, ripple=False), "no room")
    assert bpy.ops.facegen.event_tempo(tempo=0.5, ripple=True) == {"FINISHED"}
    assert [f.event.marks[0] for f in events.events_of(head())] == [1, 40, 89, 114]


def test_overlap_moves_the_next_event_in_time() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    add("sad", 60, 65, 70, 75)
    add("happy", 80, 85, 86, 90)
    event_rows.select(bpy.context, "happy", 0)
    assert bpy.ops.facegen.event_overlap(frames=5) == {"FINISHED"}
    assert [f.event.marks[0] for f in events.events_of(head())] == [1, 40, 80]
    event_rows.select(bpy.context, "happy", 0)
    assert bpy.ops.facegen.event_overlap(frames=-5, ripple=True) == {"FINISHED"}
    assert [f.event.marks[0] for f in events.events_of(head())] == [1, 50, 90]
    event_rows.select(bpy.context, "happy", 1)
    refused(lambda: bpy.ops.facegen.event_overlap(), "no event follows")
    event_rows.select(bpy.context, "sad", 0)
    bpy.ops.facegen.event_remove()
    event_rows.select(bpy.context, "happy", 0)
    refused(lambda: bpy.ops.facegen.event_overlap(frames=5), "cannot overlap itself")


def test_a_copy_goes_where_there_is_room() -> None:
    new_head()
    add("happy", 1, 12, 30, 45, intensity=0.5)
    bpy.context.scene.frame_set(20)
    bpy.ops.facegen.event_duplicate()
    assert marks(1) == (45, 56, 74, 89)
    bpy.context.scene.frame_set(200)
    bpy.ops.facegen.event_duplicate()
    assert marks(2) == (200, 211, 229, 244)
    refused(lambda: bpy.ops.facegen.event_duplicate(onset_start=50), "happy already moves")


def test_removing_the_last_event_leaves_the_face_at_rest() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    bpy.context.scene.frame_set(20)
    bpy.ops.facegen.event_remove()
    assert head().facegen.happy == 0.0
    assert not harness.curves_of(head())
    refused(lambda: bpy.ops.facegen.event_remove(), "no event is chosen")


def test_driven_locked_and_tweaked_channels_refuse_in_a_sentence() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    curve("happy").lock = True
    refused(lambda: bpy.ops.facegen.event_mirror(), "locked", "unlock")
    curve("happy").lock = False
    head().driver_add("facegen.happy")
    refused(lambda: bpy.ops.facegen.event_mirror(), "happy is driven")
    refused(lambda: bpy.ops.facegen.add_expression(expression="happy"), "happy is driven")
    assert any("Driven" in str(text) for text in drawn())
    before = keys("happy")
    head().facegen.event_apex_end = 20
    same(keys("happy"), before)
    head().driver_remove("facegen.happy")
    data = head().animation_data
    data.nla_tracks.new().strips.new("Strip", 1, data.action)
    data.action = None
    bpy.context.view_layer.update()
    assert rows() == []
    assert any("NLA" in str(text) for text in drawn())


def test_linked_actions_refuse_in_a_sentence() -> None:
    new_head()
    add("happy", 1, 12, 30, 45)
    path = str(FOLDER / "events_library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    new_head()
    with bpy.data.libraries.load(path, link=True) as (there, wanted):
        wanted.actions = there.actions[:1]
    head().animation_data_create().action = wanted.actions[0]
    if addon("scene.actions").HAS_SLOTS:
        head().animation_data.action_slot = wanted.actions[0].slots[0]
    bpy.context.view_layer.update()
    assert rows() == [("Happy", 1.0, 45.0)]
    refused(lambda: bpy.ops.facegen.event_mirror(), "linked", "make it local")


def test_the_panel_shows_the_list_and_the_fields_of_the_chosen_event() -> None:
    new_head()
    assert "event_intensity" not in drawn()
    add("happy", 1, 12, 30, 45)
    seen = drawn()
    assert {"FACEGEN_UL_events", "event_onset_start", "event_intensity"} <= set(seen)
    assert {"facegen.event_tempo", "facegen.event_hold", "facegen.event_overlap"} <= set(seen)
    drawn_rows: list[str] = []
    shown = event_rows.event_list(bpy.context)
    ui_list = addon("panels.events").FACEGEN_UL_events
    ui_list.draw_item(
        None, bpy.context, StubLayout(drawn_rows), shown, shown.rows[0], 0, shown, "active"
    )
    assert {"Happy", "1 – 45", "1.00"} <= set(drawn_rows), drawn_rows


if __name__ == "__main__":
    harness.run(globals())
