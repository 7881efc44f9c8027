"""Eyes: blinks and gaze from a seed and by hand, and a mouth that belongs to speech."""

from __future__ import annotations

import dataclasses

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import addon, close, curves_of, refused
from sample import know_sample_head

generate, layer_curves = addon("operators.generate"), addon("scene.layer_curves")
eye_curves, gaze = addon("scene.eye_curves"), addon("facegen_core.gaze")
FRAMES = np.arange(1.0, 61.0)
DECORATED = ("blink", "gaze_x", "gaze_y")


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def eyes(frames: np.ndarray = FRAMES):
    layers = layer_curves.read_layers(head(), frames, 30.0)
    return None if layers is None else layers.eyes


def made():
    """The clip that would be generated now."""
    request = generate.request_generate(bpy.context, head())
    return generate.run_generate(request)


def landmarks(found, *numbers: int) -> np.ndarray:
    """(T, N, 3) mm from rest of landmarks of the sample head."""
    template = found.match.alignment.template
    skin = found.clip.displacements[:, : template.num_vertices]
    moved = template.landmarks.positions(skin, template.triangles)[:, list(numbers)]
    return moved * found.clip.mm_per_unit


def test_a_new_head_has_eyes_that_rest() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    know_sample_head()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    bpy.context.scene.frame_end = 60
    assert eyes() is None
    assert generate.request_generate(bpy.context, head()).layers is None


def test_the_rows_are_drawn_and_what_changes_over_time_can_be_keyed() -> None:
    seen = drawn()
    assert all(name in seen for name in ("use_eyes", *eye_curves.DRAWN, *eye_curves.KEYABLE))
    assert "leaves_mouth" in seen
    assert not any("No eyeballs" in text for text in seen)
    assert not any("no shapes" in text for text in seen)
    for name in (*eye_curves.DRAWN, "use_eyes", "leaves_mouth", *DECORATED):
        known = head().facegen.bl_rna.properties[name]
        assert known.is_animatable == (name in DECORATED), name
        assert known.is_overridable, name


def test_a_head_that_plays_nothing_blinks_and_looks_about() -> None:
    settings = head().facegen
    settings.use_eyes, settings.blinks_per_minute, settings.gaze_amount = True, 60.0, 1.0
    found = made()
    upper = landmarks(found, 37, 44)[:, :, 1]
    assert upper.min() < -4.0, "an upper lid came down"
    assert np.abs(landmarks(found, 54)).max() < 0.5, "the mouth rests"
    eyeballs = gaze.eyeballs_of(found.match.alignment)
    assert len(eyeballs) == 2
    moved = np.abs(found.clip.displacements[:, eyeballs["left"].vertices]).max()
    assert moved * found.clip.mm_per_unit > 0.3, "the eyes look about"


def test_the_same_seed_is_the_same_in_any_range() -> None:
    settings, whole = head().facegen, eyes()
    part = eyes(FRAMES[20:40])
    close(part.gaze, whole.gaze[20:40], 1e-12)
    close(part.blink, whole.blink[20:40], 1e-9)
    settings.eye_seed = 7
    assert not np.array_equal(eyes().gaze, whole.gaze)
    settings.eye_seed = 0
    assert np.array_equal(eyes().gaze, whole.gaze)


def test_generate_writes_eyes_that_shut_and_round_eyeballs() -> None:
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert head().facegen.num_keys > 0
    found = made()
    rest = harness.world_positions(head(), 0)
    shut = int(FRAMES[np.argmax(eyes().blink[:, 0])])
    assert eyes().blink[shut - 1, 0] > 0.99
    played = harness.world_positions(head(), shut) - rest
    assert np.linalg.norm(played, axis=1).max() > 0.004, "lids go by millimetres"
    ball = gaze.eyeballs_of(found.match.alignment)["left"].vertices
    far = int(FRAMES[np.linalg.norm(eyes().gaze, axis=1).argmax()])
    before, after = rest[ball], harness.world_positions(head(), far)[ball]
    apart = np.linalg.norm(before[1:] - before[0], axis=1)
    close(np.linalg.norm(after[1:] - after[0], axis=1), apart, 0.0003)


def test_hands_come_on_top_of_the_drawn_and_without_it() -> None:
    settings = head().facegen
    settings.use_eyes = False
    assert eyes() is None
    for frame, value in ((1, 0.0), (11, 1.0), (21, 0.0)):
        settings.blink = value
        head().keyframe_insert("facegen.blink", frame=frame)
    settings.gaze_x, settings.gaze_y = 10.0, -5.0
    found = eyes()
    close(found.blink[10], [1.0, 1.0], 1e-6)
    assert found.blink[40].max() == 0.0
    close(np.rad2deg(found.gaze), np.tile([10.0, -5.0], (60, 1)), 1e-4)
    curve = head().driver_add("facegen.gaze_x")
    curve.driver.type = "SCRIPTED"
    curve.driver.expression = "frame / 4"
    bpy.context.view_layer.update()
    close(np.rad2deg(eyes().gaze[:, 0]), FRAMES / 4, 1e-3)
    head().driver_remove("facegen.gaze_x")
    settings.gaze_x = settings.gaze_y = 0.0


def test_a_blink_by_hand_shuts_a_smile_too() -> None:
    bpy.ops.facegen.add_expression(
        expression="happy", onset_start=1, apex_start=5, apex_end=50, offset_end=58
    )
    head().facegen.frame_range = "custom"
    head().facegen.frame_start, head().facegen.frame_end = 1, 30
    found = made()
    lids = landmarks(found, 37, 41, 44, 46)
    alignment = found.match.alignment
    heights = alignment.fit.landmarks[[37, 41, 44, 46], 1] + lids[:, :, 1]
    gaps = heights[:, [0, 2]] - heights[:, [1, 3]]
    assert gaps[20].min() > 2.5, "open in the smile"
    assert gaps[10].max() < 1.0, "shut in the blink"
    assert gaps[10].min() > -2.5, "and not through"
    assert found.clip.contact.after.lid_penetration_mm < 0.2


def add_visemes() -> dict[str, list[tuple[float, float]]]:
    """Two mouth keys with curves of their own; what the curves were."""
    obj, vertices = head(), len(head().data.vertices)
    if obj.data.shape_keys is None:
        obj.shape_key_add(name="Basis")
    basis = harness.key_positions(obj.data.shape_keys.reference_key)
    for name, depth in (("viseme_aa", 0.004), ("jawOpen", 0.006)):
        block = obj.shape_key_add(name=name, from_mix=False)
        moved = basis.copy()
        moved[: vertices // 50, 2] -= depth
        block.data.foreach_set("co", moved.ravel())
        for frame, value in ((1, 0.0), (9, 1.0), (17, 0.0)):
            block.value = value
            block.keyframe_insert("value", frame=frame)
    return visemes()


def visemes() -> dict[str, list[tuple[float, float]]]:
    found = curves_of(head().data.shape_keys)
    return {path: keys for path, keys in found.items() if "viseme" in path or "jawOpen" in path}


def test_a_mouth_that_belongs_to_speech_is_not_moved_and_its_keys_play_on() -> None:
    settings = head().facegen
    settings.leaves_mouth = True
    bpy.ops.facegen.add_expression(
        expression="surprise", onset_start=1, apex_start=5, apex_end=20, offset_end=28
    )
    found = made()
    assert np.abs(landmarks(found, *range(48, 68), *range(6, 11))).max() < 0.4
    assert np.abs(landmarks(found, 19, 24)).max() > 2.0, "the brows play"
    jaw = [p.vertex_indices for p in found.match.alignment.parts if p.motion == "jaw"]
    assert not found.clip.displacements[:, np.concatenate(jaw)].any()
    if bpy.ops.facegen.remove_keys.poll():
        bpy.ops.facegen.remove_keys()
    before = add_visemes()
    assert len(before) == 2
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert visemes() == before
    keys = head().data.shape_keys.key_blocks
    for frame, value in ((1, 0.0), (9, 1.0), (13, 0.5)):
        bpy.context.scene.frame_set(frame)
        close([keys["viseme_aa"].value, keys["jawOpen"].value], [value, value], 0.1)
    bpy.context.scene.frame_set(9)
    assert any(block.name.startswith("FG_") and block.value > 0.01 for block in keys)
    assert bpy.ops.facegen.remove_keys() == {"FINISHED"}
    assert visemes() == before, "taking Facegen's keys away leaves speech alone"


def test_reset_gives_the_mouth_back() -> None:
    assert head().facegen.leaves_mouth
    assert bpy.ops.facegen.reset_layers() == {"FINISHED"}
    assert not head().facegen.leaves_mouth
    assert "facegen.blink" in curves_of(head()), "eyes are no regions"


def test_a_model_without_shapes_says_so() -> None:
    bundles, state = addon("facegen_core.bundle"), addon("scene.state")
    preferences = bpy.context.preferences.addons[harness.PACKAGE].preferences
    plain = harness.FOLDER / "plain.facegen"
    shipped = addon("preferences").bundle_path(bpy.context)
    bundle = state.open_bundle(shipped).bundle
    bundles.save_bundle(dataclasses.replace(bundle, face_shapes=None), plain)
    preferences.bundle = str(plain)
    assert any("no shapes" in text for text in drawn())
    head().facegen.use_eyes = True
    refused(bpy.ops.facegen.generate, "no face shapes")
    preferences.bundle = ""
    assert not any("no shapes" in text for text in drawn())


harness.run(globals())
