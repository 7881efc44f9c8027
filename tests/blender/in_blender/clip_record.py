"""A clip's record: made again bit for bit, here, after reopening, and whatever moved since."""

from __future__ import annotations

import json

import bpy
import harness
import numpy as np
from harness import FOLDER, addon, key_positions
from models import use_model

records, regenerate = addon("clip_record"), addon("operators.regenerate")
generate, state = addon("operators.generate"), addon("scene.state")
LAST = 30


def head() -> bpy.types.Object:
    return next(obj for obj in bpy.data.objects if obj.facegen.is_matched and obj.type == "MESH")


def arrays(obj: bpy.types.Object) -> dict[str, np.ndarray]:
    """Every generated key's coordinates and its curve, as arrays."""
    found = {
        block.name: key_positions(block).copy()
        for block in obj.data.shape_keys.key_blocks
        if block.name.startswith("FG_")
    }
    curves = harness.curves_of(obj.data.shape_keys)
    return found | {path: np.array(points, np.float32) for path, points in curves.items()}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def smiling_head() -> bpy.types.Object:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    target = bpy.context.active_object
    assert bpy.ops.facegen.match() == {"FINISHED"}
    for name, marks in (("happy", (1, 9, 15, 24)), ("surprise", (12, 18, 22, LAST))):
        keys = dict(
            zip(("onset_start", "apex_start", "apex_end", "offset_end"), marks, strict=True)
        )
        bpy.ops.facegen.add_expression(expression=name, intensity=0.7, **keys)
    group = target.vertex_groups.new(name="Face")
    group.add(range(len(target.data.vertices)), 0.25, "REPLACE")
    target.facegen.mask_group, target.facegen.is_mask_inverted = "Face", True
    target.facegen.region_brows, target.facegen.shift_mouth = 1.5, 2.0
    target.facegen.asymmetry = 0.3
    target.keyframe_insert("facegen.asymmetry", frame=10)
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    return target


kept: dict[str, dict[str, np.ndarray]] = {}


def test_generate_leaves_a_record_that_names_all_that_decided_the_clip() -> None:
    target = smiling_head()
    kept["first"] = arrays(target)
    record = regenerate.record_now(target)
    assert record["version"] == 1
    assert record["made_with"]["blender"] == bpy.app.version_string
    assert len(record["model"]["sha256"]) == 64
    assert record["head"]["fingerprint"] == target.facegen.fingerprint
    paths = {curve["path"] for curve in record["curves"]["fcurves"]}
    assert paths == {"facegen.happy", "facegen.surprise", "facegen.asymmetry"}
    assert record["curves"]["sliders"] == {"region_brows": 1.5, "shift_mouth": 2.0}
    assert record["result"]["keys"] == target.facegen.num_keys
    request = generate.request_generate(bpy.context, target)
    fields = records.request_fields(record)
    assert fields["expressions"] == request.expressions
    for name in ("frames", "intensities", "mask"):
        assert np.array_equal(fields[name], getattr(request, name)), name
        assert fields[name].dtype == getattr(request, name).dtype, name
    assert (fields["mask"] == 0.75).all()
    assert fields["variation"] == request.variation
    assert np.array_equal(fields["layers"].gains, request.layers.gains)
    assert fields["layers"].shifts == request.layers.shifts
    again = records.from_text(records.as_text(record), "it")
    assert json.dumps(again) == json.dumps(record), "as text it is the same record"


def test_regenerate_is_bit_equal_whatever_became_of_curves_settings_and_place() -> None:
    target = head()
    settings = target.facegen
    addon("scene.actions").remove_fcurves(target, {"facegen.surprise"})
    settings.region_brows = 0.25
    settings.surprise, settings.bake_mode, settings.use_contact = 0.3, "frames", False
    target.vertex_groups.clear()
    target.location, target.rotation_euler = (3.0, -2.0, 1.0), (0.4, 0.1, 2.0)
    target.scale *= 2.5
    target.name = "Someone"
    bpy.context.view_layer.update()
    text = addon("scene.clip_store").read_now(target)
    state.forget_all()
    assert bpy.ops.facegen.regenerate() == {"FINISHED"}
    assert same(arrays(target), kept["first"])
    again = regenerate.record_now(target)
    first = json.loads(text)
    first["head"]["objects"][0]["name"] = "Someone"
    assert again == first, "and its record stays"
    assert "facegen.surprise" not in harness.curves_of(target), "the curves of the artist stay"
    assert settings.bake_mode == "frames"


def test_restore_curves_puts_keys_handles_and_settings_back() -> None:
    target = head()
    bpy.ops.ed.undo_push(message="before")
    recorded = regenerate.record_now(target)["curves"]
    assert bpy.ops.facegen.restore_curves("EXEC_DEFAULT", True) == {"FINISHED"}
    assert addon("scene.curve_record").read(target, (), np.arange(0.0)) == recorded
    settings = target.facegen
    assert (settings.bake_mode, settings.use_contact) == ("compact", True)
    assert (settings.region_brows, settings.shift_mouth) == (1.5, 2.0)
    assert (settings.frame_start, settings.frame_end) == (1, LAST + 2), "the mouth is late"
    bpy.ops.ed.undo()
    assert "facegen.surprise" not in harness.curves_of(head()), "one undo takes it back"
    bpy.ops.ed.redo()
    assert "facegen.surprise" in harness.curves_of(head())


def test_every_kind_of_key_survives_the_record() -> None:
    target = head()
    reader = addon("scene.curve_record")
    curve = next(c for c in reader.own_curves(target) if c.data_path == "facegen.happy")
    point = curve.keyframe_points[1]
    point.interpolation, point.easing, point.back = "BACK", "EASE_IN", 2.5
    point = curve.keyframe_points[2]
    point.interpolation = "BEZIER"
    point.handle_right_type = point.handle_left_type = "FREE"
    point.handle_right = (point.co[0] + 2.5, 0.9)
    noise = curve.modifiers.new("NOISE")
    noise.strength, noise.use_restricted_range, noise.frame_end = 0.2, True, 20.0
    curve.extrapolation = "LINEAR"
    group = next(c for c in reader.own_curves(target) if c is not curve)
    addon("scene.actions").group_fcurve(target, group, "Mine")
    arguments = (target, (), np.arange(0.0))
    before = reader.read(*arguments)
    values = [curve.evaluate(frame) for frame in np.arange(0.0, 40.0, 0.5)]
    reader.write(target, json.loads(json.dumps(before)), "Again")
    assert reader.read(*arguments) == before
    curve = next(c for c in reader.own_curves(target) if c.data_path == "facegen.happy")
    assert [curve.evaluate(frame) for frame in np.arange(0.0, 40.0, 0.5)] == values


def test_driven_channels_are_recorded_as_they_were_sampled() -> None:
    target = head()
    reader, curves = addon("scene.curve_record"), addon("scene.curves")
    target.facegen.mask_group = ""
    driver = target.driver_add("facegen.fear").driver
    driver.expression = "frame / 60"
    request = generate.request_generate(bpy.context, target)
    target.driver_remove("facegen.fear")
    reader.write(target, request.curves, "Again")
    again = curves.sample_intensities(target, request.frames, request.expressions)
    assert request.intensities[:, request.expressions.index("fear")].max() > 0.4
    harness.close(again, request.intensities, 1e-6)


def test_after_save_and_reopen_regenerate_is_bit_equal() -> None:
    target = smiling_head()
    assert same(arrays(target), kept["first"])
    path = str(FOLDER / "record.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    bpy.ops.wm.open_mainfile(filepath=path)
    state.forget_all()
    for block in [b for b in head().data.shape_keys.key_blocks if b.name.startswith("FG_")]:
        block.data.foreach_set("co", np.zeros(3 * len(block.data), np.float32))
    assert bpy.ops.facegen.regenerate() == {"FINISHED"}
    assert same(arrays(head()), kept["first"])


def test_landmarks_and_corrected_parts_are_part_of_the_record() -> None:
    """A match that dragged landmarks pulled, the way it went, and parts the artist called other."""
    target = smiling_head()
    assert bpy.ops.facegen.show_landmarks() == {"FINISHED"}
    empties = addon("scene.landmarks").landmark_empties(target)
    for number in (48, 54):
        empties[number].location.z += 0.004
    bpy.context.view_layer.update()
    harness.activate(target)
    assert bpy.ops.facegen.match() == {"FINISHED"}
    row = next(i for i, p in enumerate(target.facegen.found_parts) if p.name == "tongue")
    target.facegen.active_part = row
    assert bpy.ops.facegen.correct_part(kind="upper_teeth") == {"FINISHED"}
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    made = arrays(target)
    assert not same(made, kept["first"])
    record = regenerate.record_now(target)
    assert set(record["match"]["landmarks"]) == {"48", "54"}
    assert record["match"]["is_pulled"]
    assert list(record["match"]["corrections"].values()) == ["upper_teeth"]
    for empty in list(empties.values()):
        bpy.data.objects.remove(empty)
    target.facegen.corrections = ""
    target.location.x = 7.0
    bpy.context.view_layer.update()
    state.forget_all()
    harness.activate(target)
    assert bpy.ops.facegen.regenerate() == {"FINISHED"}
    assert same(arrays(target), made)
    assert target.facegen.corrections == "", "Regenerate writes keys, it does not match anew"


def test_another_model_or_head_is_named_and_can_be_gone_on_with() -> None:
    target = smiling_head()
    record = regenerate.record_now(target)
    text = records.as_text(record).replace(record["model"]["sha256"], "0" * 64)
    store = addon("scene.clip_store")
    store.write(target, text)
    harness.refused(bpy.ops.facegen.regenerate, "another model", "default.facegen", "go on with")
    assert bpy.ops.facegen.regenerate(use_present=True) == {"FINISHED"}
    assert same(arrays(target), kept["first"]), "it was the same model after all"
    use_model("/nowhere/at/all.facegen")
    harness.refused(bpy.ops.facegen.regenerate, "/nowhere/at/all.facegen")
    use_model("")
    block = target.data.shape_keys.reference_key
    block.data[5].co.x += 0.001
    harness.refused(bpy.ops.facegen.regenerate, "not the head", "go on with")
    assert bpy.ops.facegen.regenerate(use_present=True) == {"FINISHED"}
    assert not same(arrays(target), kept["first"])


def test_what_is_no_record_is_refused_in_one_sentence() -> None:
    target = smiling_head()
    store = addon("scene.clip_store")
    good = store.read_now(target)
    for text, word in (
        ("no JSON", "not JSON"),
        ("{}", "no record"),
        (good.replace('"version": 1', '"version": 99', 1), "update Facegen"),
        (good.replace('"sha256"', '"sha"'), "damaged"),
    ):
        store.write(target, text)
        harness.refused(bpy.ops.facegen.regenerate, word)


if __name__ == "__main__":
    harness.run(globals())
