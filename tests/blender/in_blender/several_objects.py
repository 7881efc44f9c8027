"""A head in several objects, each with its own transform; and curves, landmarks, memory."""

from __future__ import annotations

import bpy
import harness
import numpy as np
from harness import addon, close, new_sphere, world_positions

curves, actions = addon("scene.curves"), addon("scene.actions")
landmarks, state = addon("scene.landmarks"), addon("scene.state")
mesh_bridge, intensity = addon("scene.mesh_bridge"), addon("facegen_core.intensity")
generate = addon("operators.generate")


def test_keyed_events_sample_as_envelopes_do() -> None:
    harness.empty_scene()
    head = new_sphere("Head")
    events = [
        intensity.Envelope("happy", 1, 12, 30, 45),
        intensity.Envelope("happy", 40, 50, 52, 70, 0.5),  # overlaps the first
        intensity.Envelope("surprise", 50, 56, 70, 85, 0.8),
        intensity.Envelope("surprise", 85, 90, 90, 100),  # begins where the one before ends
    ]
    for event in events:
        curves.add_envelope(head, event)
    frames = np.arange(-3.0, 110.0)
    close(curves.sample_intensities(head, frames), intensity.sample_envelopes(events, frames), 1e-5)
    assert curves.keyed_range(head) == (1, 100)


def test_an_event_joins_the_artists_action_and_leaves_its_curves_alone() -> None:
    harness.empty_scene()
    head = new_sphere("Head")
    head.keyframe_insert("location", frame=1)
    action, own = head.animation_data.action, harness.curves_of(head)
    curves.add_envelope(head, intensity.Envelope("sad", 1, 5, 9, 12))
    assert head.animation_data.action == action
    found = harness.curves_of(head)
    assert found["location"] == own["location"]
    assert len(found["facegen.sad"]) == 4


def test_curves_that_overshoot_and_drivers_are_sampled_as_blender_shows_them() -> None:
    harness.empty_scene()
    head = new_sphere("Head")
    for frame, value in ((1, 0.0), (10, 1.0), (20, 0.0)):
        head.facegen.happy = value
        head.keyframe_insert("facegen.happy", frame=frame)
    curve = actions.fcurves_of(head).find("facegen.happy")
    curve.keyframe_points[1].co[1] = 1.5
    curve.update()
    head.facegen.fear = 0.25
    sampled = curves.sample_intensities(head, np.arange(1.0, 21.0))
    assert sampled.max() == 1.0
    close(sampled[:, intensity.EXPRESSIONS.index("fear")], 0.25, 1e-6)
    driver = head.driver_add("facegen.angry").driver
    driver.expression = "frame / 40"
    bpy.context.scene.frame_set(7)
    driven = curves.sample_intensities(head, np.arange(1.0, 21.0))
    close(driven[:, intensity.EXPRESSIONS.index("angry")], np.arange(1, 21) / 40, 1e-6)
    close(driven[:, :3], sampled[:, :3], 1e-5)
    assert bpy.context.scene.frame_current == 7


def test_landmarks_keep_their_place_through_parent_and_scale_and_are_found_again() -> None:
    harness.empty_scene()
    head = new_sphere("Head")
    head.scale, head.location, head.rotation_euler = (2, 3, 0.5), (5, 0, 1), (0.2, 0.1, 0.7)
    bpy.context.view_layer.update()
    assert bpy.ops.facegen.place_landmarks() == {"FINISHED"}
    places = landmarks.wanted(head).places
    assert len(places) == 13
    points = mesh_bridge.gather([head]).mesh.vertices
    low, high = points.min(axis=0) - 1e-5, points.max(axis=0) + 1e-5
    assert all((low <= p).all() and (p <= high).all() for p in places.values())
    key = landmarks.landmark_key(head)
    head.location.x += 3.0
    bpy.context.view_layer.update()
    assert landmarks.landmark_key(head) == key
    landmarks.landmark_empties(head)[30].location.x += 0.5
    bpy.context.view_layer.update()
    assert landmarks.landmark_key(head) != key
    assert bpy.ops.facegen.place_landmarks() == {"FINISHED"}  # adds none twice
    assert len(head.children) == 13
    assert bpy.ops.facegen.remove_landmarks() == {"FINISHED"}
    assert not head.children and landmarks.wanted(head) is None  # noqa: PT018


def test_a_head_in_parts_turned_and_stretched_moves_in_every_object() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    whole = bpy.context.active_object
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.separate(type="LOOSE")
    bpy.ops.object.mode_set(mode="OBJECT")
    parts = [obj for obj in bpy.context.scene.objects if obj.type == "MESH"]
    assert len(parts) > 4
    skin = max(parts, key=lambda obj: len(obj.data.vertices))
    others = [obj for obj in parts if obj is not skin]
    scramble_transforms(others)
    for obj in others:
        obj.parent = skin
        obj.matrix_parent_inverse = skin.matrix_world.inverted()
    skin.location, skin.rotation_euler, skin.scale = (1, 2, 3), (0.3, 0.1, 0.6), (0.01,) * 3
    bpy.context.view_layer.update()
    harness.activate(skin)
    assert whole in parts

    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert skin.facegen.verdict == "good"
    assert set(state.matched_objects(skin)) == set(parts)
    bpy.ops.facegen.add_expression(
        expression="surprise", onset_start=1, apex_start=6, apex_end=8, offset_end=12
    )
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    check_every_object(skin, parts)

    check_a_duplicate(skin)


def check_a_duplicate(skin: bpy.types.Object) -> None:
    """What is done to a duplicate leaves the original alone; a renamed head is still known."""
    double = skin.copy()
    double.data = skin.data.copy()
    bpy.context.collection.objects.link(double)
    double.name, double.location.x = "Double", 40.0
    bpy.context.view_layer.update()
    harness.activate(double)
    assert state.objects_of(bpy.context, double, is_new_match=False) == [double]
    before = [block.name for block in skin.data.shape_keys.key_blocks]
    assert addon("operators.remove_keys").remove_generated(double) == len(before) - 1
    skin.name = "Renamed"
    harness.activate(skin)
    calls = count_matches()
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert not calls, "the renamed head was matched again"
    assert [block.name for block in skin.data.shape_keys.key_blocks] == before


def count_matches() -> list[int]:
    """Grows by one with every match from now on that is not recalled."""
    pipeline, calls = addon("facegen_core.pipeline"), []
    match = pipeline.match

    def counted(*arguments: object, **options: object) -> object:
        calls.append(1)
        return match(*arguments, **options)

    pipeline.match = counted
    return calls


def test_match_goes_by_landmarks_that_are_placed() -> None:
    """Thirteen points where the first match saw them give the same match again, by another way."""
    skin = bpy.data.objects["Renamed"]
    harness.activate(skin)
    assert bpy.ops.facegen.place_landmarks() == {"FINISHED"}
    places = landmarks.wanted(skin).places
    assert places[45][0] > places[36][0], "the subject's left is on +X"
    calls = count_matches()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert len(calls) == 1, "the landmarks were heard"
    assert skin.facegen.verdict == "good", skin.facegen.residual_mean_mm
    empty = landmarks.landmark_empties(skin)[30]
    harness.activate(empty)  # the artist has just dragged it
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert len(state.matched_objects(skin)) > 4, "the other objects of the head are kept"
    assert len(calls) == 1, "the same landmarks are remembered"


def scramble_transforms(objects: list[bpy.types.Object]) -> None:
    """Other origins, turns and uneven scales for the objects, their world positions kept."""
    generator = np.random.default_rng(3)
    for obj in objects:
        before = world_positions(obj, 1)
        obj.location, obj.rotation_euler = generator.normal(size=3), generator.normal(size=3)
        obj.scale = generator.uniform(0.3, 3.0, size=3)
        bpy.context.view_layer.update()
        inverse = np.linalg.inv(np.array(obj.matrix_world, np.float64))
        local = before @ inverse[:3, :3].T + inverse[:3, 3]
        obj.data.vertices.foreach_set("co", local.astype(np.float32).ravel())
        obj.data.update()


def check_every_object(skin: bpy.types.Object, parts: list[bpy.types.Object]) -> None:
    """Each object shows the clip; those that stay have no keys."""
    request = generate.request_generate(bpy.context, skin)
    generated = generate.run_generate(request)
    moved = generated.match.head.mesh.vertices + generated.clip.displacements
    moved = addon("scene.axes").to_blender(moved)
    scale = generated.clip.mm_per_unit
    still = 0
    for part in generated.match.head.parts:
        obj = bpy.data.objects[part.name]
        largest = np.abs(generated.clip.displacements[:, part.start : part.end]).max() * scale
        if largest == 0.0:
            assert obj.data.shape_keys is None, part.name
            still += 1
        for frame in (1, 4, 7, 10):
            row = list(request.frames).index(frame)
            distances = world_positions(obj, frame) - moved[row, part.start : part.end]
            assert np.linalg.norm(distances, axis=1).max() * scale < 0.11, (part.name, frame)
    assert still >= 2, "eyeballs and upper teeth stay"
    names = {
        tuple(k.name for k in o.data.shape_keys.key_blocks) for o in parts if o.data.shape_keys
    }
    assert names and all(set(n) <= set(max(names, key=len)) for n in names)  # noqa: PT018


if __name__ == "__main__":
    harness.run(globals())
