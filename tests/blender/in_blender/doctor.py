"""The Export Doctor: what it finds, and that the repaired copy plays what the artist sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import harness
import numpy as np
from export_presets import EXACT_MM, MM_PER_UNIT, SPAN, animated_head, ship
from harness import FOLDER, addon, new_sphere
from sample import know_sample_head

doctor, actions = addon("scene.doctor"), addon("scene.actions")
mesh_bridge, shape_keys = addon("scene.mesh_bridge"), addon("scene.shape_keys")
SUFFIX_OF = {"unity": ".fbx", "web": ".glb", "film": ".usdc"}


def found(objects: list[bpy.types.Object], span: tuple[int, int] = SPAN, **more: Any) -> dict:
    """{code: finding}, with the scene exactly as before."""
    before = harness.snapshot()
    findings = doctor.examine(doctor.Patient(bpy.context, objects, span, **more))
    assert harness.snapshot() == before
    assert [f.severity for f in findings] == sorted(
        (f.severity for f in findings), key=["error", "warning", "note"].index
    )
    return {finding.code: finding for finding in findings}


def arrives(
    objects: list[bpy.types.Object], *presets: str, limit: float = EXACT_MM
) -> dict[str, Any]:
    """{preset: report} of exports that are what is seen, and leave everything as it was."""
    reports = {}
    for preset in presets or ("unity", "web", "film"):
        report = ship(objects, FOLDER / f"repaired{SUFFIX_OF[preset]}", preset)
        made = [m.name for m in objects[0].modifiers]
        assert report.max_error_mm < limit, (preset, made, report.errors_mm)
        assert not report.missing, (preset, report.missing)
        reports[preset] = report
    return reports


def block(obj: bpy.types.Object, number: int = 1) -> bpy.types.ShapeKey:
    return obj.data.shape_keys.key_blocks[f"FG_clip_{number:02d}"]


def curve(obj: bpy.types.Object, name: str = "FG_clip_01") -> bpy.types.FCurve:
    return next(c for c in actions.fcurves_of(obj.data.shape_keys) if name in c.data_path)


def test_a_clean_head_has_no_findings() -> None:
    objects = animated_head()
    assert not found(objects)
    arrives(objects)


def test_modifiers_are_named_and_applied_to_every_key() -> None:
    for kinds in (("SUBSURF",), ("MIRROR",), ("TRIANGULATE", "SUBSURF"), ("SOLIDIFY",)):
        objects = animated_head()
        for kind in kinds:
            modifier = objects[0].modifiers.new(kind.title(), kind)
            if kind == "MIRROR":
                modifier.use_mirror_merge = False
                modifier.mirror_object = objects[1]
        finding = found(objects)["modifiers"]
        assert kinds[0].title() in finding.sentence
        assert "copy" in finding.remedy
        limit = 1.0 if kinds == ("SOLIDIFY",) else EXACT_MM  # its normals do not move linearly
        arrives(objects, "unity", "web", limit=limit)
    objects[0].modifiers.clear()
    objects[0].modifiers.new("Off", "SUBSURF").show_viewport = False
    assert "modifiers" not in found(objects)


def test_an_armature_is_fine_and_its_pose_is_not_exported() -> None:
    objects = animated_head()
    bpy.ops.object.armature_add(location=(0, 0, 0))
    rig = bpy.context.active_object
    rig.pose.bones[0].rotation_mode = "XYZ"
    rig.pose.bones[0].rotation_euler = (0.5, 0.2, 0.1)
    group = objects[0].vertex_groups.new(name=rig.pose.bones[0].name)
    group.add(range(len(objects[0].data.vertices)), 1.0, "REPLACE")
    objects[0].modifiers.new("Armature", "ARMATURE").object = rig
    bpy.context.view_layer.update()
    findings = found(objects)
    assert set(findings) == {"armature"}
    arrives(objects)


def test_modifiers_that_make_other_vertices_of_a_key_are_refused_by_name() -> None:
    objects = animated_head()
    objects[0].modifiers.new("Smooth", "SMOOTH")
    objects[0].modifiers.new("My Weld", "WELD").merge_threshold = 1e-4
    for number in range(20, 60):  # a key that lays vertices upon one another
        block(objects[0]).data[number].co = (0.0, 0.0, 0.1)
    bpy.context.view_layer.update()
    sentence = harness.refused(
        lambda: ship(objects, FOLDER / "weld.fbx", "unity"), "my weld", "head", "vertices"
    )
    print(sentence)
    assert not (FOLDER / "weld.fbx").exists()


def test_a_modifier_that_leaves_nothing_is_refused_by_name() -> None:
    objects = animated_head()
    objects[0].modifiers.new("Smooth", "SMOOTH")
    objects[0].vertex_groups.new(name="Nobody")
    objects[0].modifiers.new("My Mask", "MASK").vertex_group = "Nobody"
    bpy.context.view_layer.update()
    for has_keys in (True, False):
        for preset, suffix in SUFFIX_OF.items():
            path = FOLDER / f"nothing{suffix}"
            harness.refused(lambda p=path, q=preset: ship(objects, p, q), "my mask", "turn it off")
            assert not path.exists()
        if has_keys:
            objects[0].shape_key_clear()


def test_a_head_that_is_flat_or_nowhere_is_refused() -> None:
    for scale in ((0, 0, 0), (1, 0, 1)):
        objects = animated_head()
        objects[0].scale = scale
        bpy.context.view_layer.update()
        assert found(objects)["no_place"].severity == "error"
        for preset, suffix in SUFFIX_OF.items():
            path = FOLDER / f"nowhere{suffix}"
            harness.refused(lambda o=objects, p=path, q=preset: ship(o, p, q), "scale of zero")
            assert not path.exists()
    world = np.eye(4)
    why_no_place = addon("scene.places_over_time").why_no_place
    assert why_no_place("Head", world) == ""
    world[1, 3] = np.nan  # not equal to itself, so no snapshot would be either
    assert "location that is no number" in why_no_place("Head", world)
    objects = animated_head()
    objects[0].location.x = float("-inf")
    bpy.context.view_layer.update()
    assert np.isfinite(objects[0].location.x)  # Blender keeps the largest float instead
    assert "location that is no number" in found(objects)["no_place"].sentence
    harness.refused(lambda: mesh_bridge.gather(objects), "'Head' has a location that is no number")


def test_an_export_of_a_head_that_is_turned_inside_out_leaves_its_faces_alone() -> None:
    """The copy shares its arrays with the head as long as nobody writes to them."""
    objects = animated_head()
    objects[0].scale = (-1.0, 1.0, 1.0)
    bpy.context.view_layer.update()
    corners = [loop.vertex_index for loop in objects[0].data.loops]
    for preset in SUFFIX_OF:
        arrives(objects, preset)
        assert [loop.vertex_index for loop in objects[0].data.loops] == corners, preset


def test_absolute_keys_play_the_same() -> None:
    for interpolation in ("KEY_LINEAR", "KEY_BSPLINE"):
        objects = animated_head()
        keys = objects[0].data.shape_keys
        for key in keys.key_blocks:
            key.interpolation = interpolation
        keys.use_relative = False
        for frame, time in ((10, 0.0), (21, 30.0)):
            keys.eval_time = time
            keys.keyframe_insert("eval_time", frame=frame)
        bpy.context.scene.frame_set(11)
        assert "absolute" in found(objects)
        arrives(objects, limit=0.05)


def test_drivers_are_sampled() -> None:
    objects = animated_head()
    head = objects[0]
    actions.fcurves_of(head.data.shape_keys).remove(curve(head))
    driver = block(head).driver_add("value").driver
    driver.type = "SCRIPTED"
    variable = driver.variables.new()
    variable.name, variable.targets[0].id = "x", head
    variable.targets[0].data_path = "location.x"
    driver.expression = "x * 2"
    for frame, x in ((10, 0.0), (21, 0.5)):
        head.location.x = x
        head.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(12)
    assert "drivers" in found(objects)
    arrives(objects, limit=0.05)


def test_strips_of_the_nla_are_sampled_and_muted_curves_rest() -> None:
    objects = animated_head()
    data = objects[0].data.shape_keys.animation_data
    action = data.action
    slot = data.action_slot if actions.HAS_SLOTS else None
    track = data.nla_tracks.new()
    strip = track.strips.new("Clip", 10, action)
    if slot is not None:
        strip.action_slot = slot
    strip.scale = 0.5
    data.action = None
    bpy.context.scene.frame_set(12)
    assert "nla" in found(objects)
    arrives(objects, limit=0.05)
    objects = animated_head()
    curve(objects[0]).mute = True
    assert "muted_curves" in found(objects)
    arrives(objects)


def test_an_action_without_its_slot_is_noticed() -> None:
    if not actions.HAS_SLOTS:
        return
    objects = animated_head()
    objects[0].data.shape_keys.animation_data.action_slot = None
    bpy.context.scene.frame_set(12)
    assert "slot" in found(objects)
    arrives(objects)


def test_what_is_no_number_is_refused_with_its_place() -> None:
    objects = animated_head()
    block(objects[0]).data[7].co.x = float("nan")
    finding = found_raw(objects)["not_finite"]
    assert "FG_clip_01" in finding.sentence
    assert "(7)" in finding.sentence
    sentence = ""
    try:
        ship_unchecked(objects, FOLDER / "nan.fbx")
    except addon("facegen_core.errors").FacegenError as error:
        sentence = str(error)
    assert "FG_clip_01" in sentence
    assert "(7)" in sentence
    assert not (FOLDER / "nan.fbx").exists()
    objects = animated_head()
    curve(objects[0]).keyframe_points[3].co[1] = float("nan")
    assert "frame 13" in found_raw(objects)["curve_not_finite"].sentence


def found_raw(objects: list[bpy.types.Object]) -> dict[str, Any]:
    """As `found`; a snapshot with NaN never equals itself."""
    return {f.code: f for f in doctor.examine(doctor.Patient(bpy.context, objects, SPAN))}


def ship_unchecked(objects: list[bpy.types.Object], path: Path) -> None:
    arrival, presets = addon("scene.arrival"), addon("scene.export_presets")
    shipment = arrival.Shipment(path, presets.BY_IDENTIFIER["unity"], SPAN)
    arrival.ship(bpy.context, objects, shipment, MM_PER_UNIT)


def test_names_empty_keys_sliders_and_the_live_key_are_put_right() -> None:
    objects = animated_head()
    head, eye = objects
    block(head, 1).name = block(eye, 1).name = "lächeln"
    block(eye, 2).name = "other"
    head.shape_key_add(name="nothing", from_mix=False)
    live = head.shape_key_add(name="FG_Live", from_mix=False)
    live.data[0].co.x += 1.0
    live.value = 1.0
    wide = block(head, 3)
    wide.slider_min, wide.slider_max = -1.0, 3.0
    for number, point in enumerate(curve(head, "FG_clip_03").keyframe_points):
        point.co[1] = 3.0 * point.co[1] - (number % 3) / 3
    bpy.context.scene.frame_set(13)
    findings = found(objects)
    assert {"names", "empty", "slider", "live_key", "different_names"} <= set(findings), findings
    for report in arrives(objects).values():
        assert report.num_keys == 4, report
    path = FOLDER / "repaired.glb"
    content = path.read_bytes()
    document = json.loads(content[20 : 20 + int.from_bytes(content[12:16], "little")])
    names = {m["name"]: m["extras"]["targetNames"] for m in document["meshes"]}
    assert names["Head"] == ["l_cheln", "FG_clip_02", "FG_clip_03", "FG_clip_03_neg"], names
    assert names["Eye"] == ["l_cheln", "FG_clip_02", "FG_clip_03"], names


def test_a_pose_that_is_tried_out_is_not_exported_but_the_clip_under_it_is() -> None:
    objects = animated_head()
    live_key, head = addon("scene.live_key"), mesh_bridge.gather(objects)
    live_key.show(head, np.full((head.mesh.num_vertices, 3), 0.05), "clip")
    assert block(objects[0]).mute
    assert set(found(objects)) == {"live_key"}
    arrives(objects)
    assert block(objects[0]).mute, "and it is still shown"
    live_key.remove(objects)
    assert not found(objects)
    moved = [np.ptp(harness.world_positions(objects[0], f), axis=0).sum() for f in (10, 15)]
    assert moved[0] != moved[1], "the clip moves, so the file does"


def test_vertex_groups_of_keys_and_chained_keys_are_worked_in() -> None:
    objects = animated_head()
    head = objects[0]
    group = head.vertex_groups.new(name="Upper")
    for vertex in head.data.vertices:
        group.add([vertex.index], max(0.0, min(1.0, vertex.co.z * 5 + 0.5)), "REPLACE")
    block(head, 1).vertex_group = "Upper"
    block(head, 2).relative_key = block(head, 1)
    bpy.context.scene.frame_set(13)
    assert "vertex_group" in found(objects)
    arrives(objects)


def test_scale_unit_hidden_shared_and_many() -> None:
    objects = animated_head(2.0)
    objects[0].scale.x = -2.0
    eye = objects[1]
    twin = bpy.data.objects.new("Twin", eye.data)
    bpy.context.collection.objects.link(twin)
    eye.hide_set(True)
    bpy.context.scene.unit_settings.scale_length = 0.1
    bpy.context.view_layer.update()
    codes = {"negative_scale", "unit_scale", "multi_user", "hidden", "size"}
    assert codes <= set(found(objects, mm_per_unit=1000.0 / 40))
    ship_scaled(objects)
    harness.empty_scene()
    many = new_sphere("Many", 0.1, 8)
    for number in range(102):
        many.shape_key_add(name=f"K{number}", from_mix=False).data[0].co.x += 0.1
    assert "many_keys" in found([many])
    assert "flat" in found([many], is_for_web=True) or all(p.use_smooth for p in many.data.polygons)


def ship_scaled(objects: list[bpy.types.Object]) -> None:
    before = harness.snapshot()
    arrival, presets = addon("scene.arrival"), addon("scene.export_presets")
    for preset in ("unity", "unreal", "web", "film"):
        chosen = presets.BY_IDENTIFIER[preset]
        path = FOLDER / f"scaled{chosen.suffixes[0]}"
        report = arrival.ship(bpy.context, objects, arrival.Shipment(path, chosen, SPAN), 100.0)
        assert report.max_error_mm < EXACT_MM, (preset, report.errors_mm)
    assert harness.snapshot() == before


def test_frames_are_looked_at() -> None:
    objects = animated_head()
    scene = bpy.context.scene
    for span, code in (
        ((5, 4), "empty_range"),
        ((1, 2_000_000_000), "far_range"),
        ((-(2**30), 21), "far_range"),
        ((-5, 21), "negative_start"),
        ((12, 15), "cut"),
        ((12, 12), "one_frame"),
    ):
        assert code in found(objects, span), code
    assert "negative_start" not in found(objects, (-5, 21), starts_at_zero=True)
    scene.render.fps, scene.render.fps_base = 1, 2.0
    assert "frame_rate" in found(objects)
    scene.render.fps, scene.render.fps_base = 30, 1.0
    scene.render.frame_map_new = 200
    assert "time_stretching" in found(objects)
    scene.frame_set(13)
    arrives(objects, limit=0.05)
    scene.render.frame_map_new = 100
    curve(objects[0]).keyframe_points[2].co[0] = 12.4
    assert "subframes" in found(objects)


def test_a_range_beyond_blender_or_the_memory_is_refused_before_it_is_begun() -> None:
    """A key somebody dragged out of sight would else take all memory, or hours."""
    objects, fbx = animated_head(), addon("scene.fbx")
    far, path = (1, 1_000_000_000), FOLDER / "far.fbx"
    harness.refused(lambda: ship(objects, path, "unity", far), "1,000,000,000", "custom range")
    harness.refused(lambda: fbx.export_file(bpy.context, objects, path, far), "custom range")
    memory = addon("facegen_core.memory")
    kept, memory.available_bytes = memory.available_bytes, lambda: 1e6
    try:
        harness.refused(lambda: ship(objects, path, "unity", (1, 100_000)), "in pieces")
    finally:
        memory.available_bytes = kept
    assert not path.exists()


def test_a_linked_head_is_exported_without_touching_it() -> None:
    objects = animated_head()
    path = FOLDER / "library.blend"
    bpy.data.libraries.write(str(path), set(objects))
    harness.empty_scene()
    with bpy.data.libraries.load(str(path), link=True) as (source, target):
        target.objects = source.objects
    linked = sorted(target.objects, key=lambda o: -len(o.data.vertices))
    for obj in linked:
        bpy.context.collection.objects.link(obj)
    bpy.context.scene.frame_set(13)
    assert "linked" in found(linked)
    arrives(linked)


def breaks(where: str, act: Callable[[], Any]) -> None:
    """Run an act while one step of the copy fails; whatever was made must be gone again."""
    module, _, name = where.rpartition(".")
    owner = addon(module)
    kept = getattr(owner, name)

    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError("no memory")

    setattr(owner, name, fails)
    try:
        harness.refused(act, "no memory")
    finally:
        setattr(owner, name, kept)
    strangers = [b.name for b in bpy.data.user_map() if "(Facegen)" in b.name or b.users == 0]
    assert not strangers, strangers


def test_an_error_at_any_step_leaves_the_scene_and_no_orphans() -> None:
    objects = animated_head(1.7)
    objects[0].modifiers.new("Subdivision", "SUBSURF")
    bpy.context.view_layer.update()
    for where in (
        "scene.repaired_copy.sample",
        "scene.copy_sampling._check_weights",
        "scene.repaired_copy.shapes_of",
        "scene.copy_geometry._positions_at",
        "scene.repaired_copy._build",
        "scene.repaired_copy._animate",
        "scene.root_bone.add",
        "scene.arrival.write",
        "scene.export_check._imported",
    ):
        path = FOLDER / "broken.fbx"
        breaks(where, lambda p=path: ship(objects, p, "unreal"))
        assert not path.exists(), where
        assert not list(FOLDER.glob(".facegen-*")), where


def test_the_buttons_check_and_export() -> None:
    objects = animated_head()
    head = objects[0]
    head.modifiers.new("Subdivision", "SUBSURF")
    objects[1].facegen.head = head
    harness.activate(head)
    settings = head.facegen
    settings.frame_range, settings.frame_start, settings.frame_end = "custom", *SPAN
    settings.export_preset = "unreal"
    assert settings.export_root_bone
    assert settings.export_starts_at_zero
    assert bpy.ops.facegen.check_export() == {"FINISHED"}
    assert "modifiers" in [f["code"] for f in json.loads(settings.export_findings)]
    settings.export_writes_report = True
    path = FOLDER / "button.fbx"
    assert bpy.ops.facegen.export_clip(filepath=str(path)) == {"FINISHED"}
    written = json.loads((FOLDER / "button.fbx.json").read_text())
    assert written == json.loads(settings.export_report)
    assert written["max_error_mm"] < EXACT_MM, written
    assert written["findings"][0]["remedy"]
    from drawn import drawn

    seen = drawn()
    assert any("Read back within" in text for text in seen), seen
    assert any("The copy applies them" in text for text in seen)
    harness.refused(
        lambda: bpy.ops.facegen.export_clip(filepath=str(FOLDER / "x.glb")), "wants .fbx"
    )
    settings.frame_end = 3
    harness.refused(lambda: bpy.ops.facegen.export_clip(filepath=str(path)), "empty")


def test_a_compact_clip_of_a_generated_head_arrives_for_everyone() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    know_sample_head()
    bpy.ops.facegen.match()
    bpy.ops.facegen.add_expression(
        expression="happy", onset_start=1, apex_start=5, apex_end=7, offset_end=12
    )
    bpy.ops.facegen.generate()
    assert bpy.ops.facegen.check_export() == {"FINISHED"}
    assert head.facegen.export_findings == "[]", head.facegen.export_findings
    for preset, suffix in (("unity", "fbx"), ("unreal", "fbx"), ("web", "glb"), ("film", "abc")):
        head.facegen.export_preset = preset
        path = FOLDER / f"generated_{preset}.{suffix}"
        assert bpy.ops.facegen.export_clip(filepath=str(path)) == {"FINISHED"}
        report = json.loads(head.facegen.export_report)
        print(report)
        assert report["max_error_mm"] < EXACT_MM
        assert not report["missing"]


if __name__ == "__main__":
    harness.run(globals())
