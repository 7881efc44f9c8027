"""Regions of the face: sliders that are keyed, driven, shifted and reset like any other."""

from __future__ import annotations

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import addon, close, curves_of, refused
from sample import know_sample_head

generate, layer_curves = addon("operators.generate"), addon("scene.layer_curves")
state, pipeline = addon("scene.state"), addon("facegen_core.pipeline")
FRAMES = np.arange(1.0, 13.0)


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def read(frames: np.ndarray = FRAMES):
    return layer_curves.read_layers(head(), frames, 30.0)


def landmarks_moved(*numbers: int) -> np.ndarray:
    """(T, N) how far landmarks of the sample head go in the clip that would be generated now."""
    request = generate.request_generate(bpy.context, head())
    made = generate.run_generate(request)
    template = made.match.alignment.template
    skin = made.clip.displacements[:, : template.num_vertices]
    at = template.landmarks.positions(skin, template.triangles)[:, list(numbers)]
    return np.linalg.norm(at, axis=2) * made.clip.mm_per_unit


def test_a_new_head_has_regions_that_change_nothing() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    know_sample_head()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    bpy.ops.facegen.add_expression(
        expression="happy", onset_start=1, apex_start=5, apex_end=8, offset_end=12
    )
    assert read() is None
    assert generate.request_generate(bpy.context, head()).layers is None
    assert not bpy.ops.facegen.reset_layers.poll(), "there is nothing to reset"


def test_the_sliders_are_drawn_and_can_be_keyed_and_overridden() -> None:
    seen = drawn()
    assert all(name in seen for name in layer_curves.ALL)
    for name in layer_curves.ALL:
        known = head().facegen.bl_rna.properties[name]
        assert known.is_animatable == (name in layer_curves.KEYABLE), name
        assert known.is_overridable, name


def test_a_keyed_region_is_read_frame_by_frame() -> None:
    settings = head().facegen
    for frame, value in ((1, 0.0), (11, 1.0)):
        settings.region_mouth = value
        head().keyframe_insert("facegen.region_mouth", frame=frame)
    for curve in addon("scene.actions").fcurves_of(head()):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    close(read().gains[:, 2], np.clip((FRAMES - 1) / 10, 0, 1), 1e-5)
    assert (read().gains[:, :2] == 1.0).all()
    layers = generate.request_generate(bpy.context, head()).layers
    assert layers.num_frames == 12
    moved = landmarks_moved(48, 54)
    assert moved[0].max() == 0.0
    assert moved[6].min() > 1.0


def test_keys_of_regions_do_not_lengthen_the_clip() -> None:
    head().keyframe_insert("facegen.region_mouth", frame=400)
    assert generate.frame_span(bpy.context, head()) == (1, 12)


def test_a_driver_moves_a_region() -> None:
    bpy.ops.facegen.reset_layers()
    assert read() is None
    curve = head().driver_add("facegen.asymmetry")
    curve.driver.type = "SCRIPTED"
    curve.driver.expression = "frame / 20"
    bpy.context.view_layer.update()
    close(read().asymmetry, FRAMES / 20, 1e-5)
    assert bpy.context.scene.frame_current == 1
    plain, driven = 48, 54  # the right corner of the mouth, and the left
    moved = landmarks_moved(plain, driven)[6]
    assert moved[0] < 0.8 * moved[1]


def test_an_nla_strip_moves_a_region() -> None:
    bpy.ops.facegen.reset_layers()
    head().facegen.extremeness = 0.5
    head().keyframe_insert("facegen.extremeness", frame=1)
    data = head().animation_data
    action = data.action
    track = data.nla_tracks.new()
    track.strips.new("Played", 1, action)
    data.action = None
    close(read().extremeness, np.full(12, 0.5), 1e-6)
    data.nla_tracks.remove(track)
    data.action = action
    if addon("scene.actions").HAS_SLOTS:
        data.action_slot = action.slots[0]


def test_a_shift_makes_the_mouth_late_and_the_clip_long_enough() -> None:
    bpy.ops.facegen.reset_layers()
    plain = landmarks_moved(48, 54)
    head().facegen.shift_mouth = 3.0
    assert generate.frame_span(bpy.context, head()) == (1, 15)
    moved = landmarks_moved(48, 54)
    assert len(moved) == 15
    close(moved[3:], plain, 0.5)
    assert moved[-1].max() < 0.05, "the mouth comes to rest within the clip"
    head().facegen.shift_mouth = -2.0
    assert generate.frame_span(bpy.context, head()) == (-1, 12)


def test_a_shift_of_too_many_seconds_is_one_sentence() -> None:
    bpy.context.scene.render.fps = 2
    head().facegen.shift_mouth = 60.0
    refused(bpy.ops.facegen.generate, "shifted", "between -10 and 10")
    bpy.context.scene.render.fps = 30
    head().facegen.shift_mouth = 0.0


def test_generate_bakes_the_regions_into_the_keys() -> None:
    def largest_key() -> float:
        assert bpy.ops.facegen.generate() == {"FINISHED"}
        rest = harness.key_positions(head().data.shape_keys.reference_key)
        blocks = head().data.shape_keys.key_blocks[1:]
        return max(float(np.abs(harness.key_positions(b) - rest).max()) for b in blocks)

    plain = largest_key()
    head().facegen.extremeness = 1.5
    close([largest_key() / plain], [1.5], 0.15)
    head().facegen.extremeness = 0.0
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert head().facegen.num_keys == 0


def test_reset_brings_everything_back_and_leaves_the_expressions() -> None:
    settings = head().facegen
    settings.region_brows, settings.asymmetry, settings.shift_eyes = 0.2, -0.4, 2.0
    head().keyframe_insert("facegen.region_eyes", frame=3)
    head().driver_add("facegen.extremeness")
    before = curves_of(head())["facegen.happy"]
    assert bpy.ops.facegen.reset_layers() == {"FINISHED"}
    assert read() is None
    assert not head().animation_data.drivers
    assert set(curves_of(head())) == {"facegen.happy"}
    assert curves_of(head())["facegen.happy"] == before
    assert not bpy.ops.facegen.reset_layers.poll()


def test_reset_is_one_step_of_undo() -> None:
    head().facegen.region_brows = 0.25
    bpy.ops.ed.undo_push(message="Turned the brows down")
    bpy.ops.facegen.reset_layers("EXEC_DEFAULT", True)
    assert head().facegen.region_brows == 1.0
    bpy.ops.ed.undo()
    close([head().facegen.region_brows], [0.25], 1e-6)
    bpy.ops.ed.redo()
    assert head().facegen.region_brows == 1.0


harness.run(globals())
