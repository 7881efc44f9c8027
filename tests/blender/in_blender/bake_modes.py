"""Rig, existing keys and ARKit: keys that are not poses of one clip, on the sample head."""

from __future__ import annotations

from typing import Any

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import FOLDER, addon, close, curves_of, key_positions, world_positions
from sample import know_sample_head

generate, actions = addon("operators.generate"), addon("scene.actions")
rig_keys, shape_keys = addon("scene.rig_keys"), addon("scene.shape_keys")
solved_curves, existing_keys = addon("scene.solved_curves"), addon("scene.existing_keys")
pipeline, state = addon("facegen_core.pipeline"), addon("scene.state")
ARKIT_NAMES = addon("facegen_core.face_shapes").ARKIT_NAMES
LAST = 45
kept: dict[str, Any] = {}


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def blocks() -> dict[str, bpy.types.ShapeKey]:
    keys = head().data.shape_keys
    return {b.name: b for b in keys.key_blocks[1:]} if keys else {}


def facegen_blocks() -> dict[str, bpy.types.ShapeKey]:
    return {name: block for name, block in blocks().items() if name.startswith("FG_")}


def bake(mode: str, **settings: Any) -> dict[str, Any]:
    """Generate in a mode; what is said of it."""
    head().facegen.bake_mode = mode
    for name, value in settings.items():
        setattr(head().facegen, name, value)
    assert bpy.ops.facegen.generate("EXEC_DEFAULT", True) == {"FINISHED"}
    return addon("operators.bake_keys").figures_of(head())


def remove_all() -> None:
    if bpy.ops.facegen.remove_keys.poll():
        assert bpy.ops.facegen.remove_keys() == {"FINISHED"}
    if head().data.shape_keys:
        head().shape_key_clear()
    bpy.context.scene.frame_set(1)


def place() -> np.ndarray:
    """(P, 3) of the head now, without a change of frame; mm."""
    head().update_tag()  # as the interface does when a slider is moved
    bpy.context.view_layer.update()
    evaluated = head().evaluated_get(bpy.context.evaluated_depsgraph_get())
    places = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", places)
    return 1000.0 * places.reshape(-1, 3).astype(np.float64)


def neutral() -> np.ndarray:
    places = np.empty(3 * len(head().data.vertices), np.float32)
    head().data.vertices.foreach_get("co", places)
    return 1000.0 * places.reshape(-1, 3).astype(np.float64)


def generated_clip() -> tuple[Any, np.ndarray]:
    """The request of now and the (T, P, 3) world positions its motion asks for."""
    if "clip" not in kept:
        request = generate.request_generate(bpy.context, head())
        matched = addon("operators.match").run_match(request.match)
        clip = generate.run_clip(request, matched)
        moved = matched.head.mesh.vertices + clip.displacements
        kept["clip"] = request.frames, addon("scene.axes").to_blender(moved), matched
    return kept["clip"]


def viewport_errors_mm() -> tuple[float, float]:
    """Mean and largest distance of the viewport from the generated motion, over what moves."""
    frames, moved, _ = generated_clip()
    rest = moved[0]
    moving = np.linalg.norm(moved - rest, axis=2).max(axis=0) > 1e-5
    distances = [
        1000.0 * np.linalg.norm(world_positions(head(), int(frame)) - moved[row], axis=1)[moving]
        for row, frame in enumerate(frames)
        if np.abs(moved[row] - rest).max() > 0
    ]
    return float(np.mean(distances)), float(np.max(distances))


def artist_key(name: str, displacements: np.ndarray | None = None) -> bpy.types.ShapeKey:
    """A key as an artist makes it; (P, 3) in the object's space."""
    if head().data.shape_keys is None:
        head().shape_key_add(name="Basis", from_mix=False)
    block = head().shape_key_add(name=name, from_mix=False)
    block.value = 0.0  # Blender 5.0 adds keys at 1
    if displacements is not None:
        basis = key_positions(head().data.shape_keys.reference_key)
        block.data.foreach_set("co", (basis + displacements).astype(np.float32).ravel())
    return block


def face_shapes() -> dict[str, np.ndarray]:
    """{ARKit name: (P, 3)} on the sample head, in its own space."""
    if "shapes" not in kept:
        _, _, matched = generated_clip()
        bundle = state.open_bundle(addon("preferences").DEFAULT_BUNDLE).bundle
        found = pipeline.face_shapes(matched.alignment, bundle)
        local = matched.head.parts[0].local_displacements(found.shapes)
        kept["shapes"] = dict(zip(found.names, local, strict=True))
    return kept["shapes"]


def test_a_head_to_begin_with() -> None:
    harness.empty_scene()
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    assert bpy.ops.facegen.add_head() == {"FINISHED"}
    know_sample_head()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    marks = ((1, 12, 20, 30), (26, 34, 38, LAST))
    for name, (a, b, c, d) in zip(("happy", "surprise"), marks, strict=True):
        bpy.ops.facegen.add_expression(
            expression=name, onset_start=a, apex_start=b, apex_end=c, offset_end=d
        )
    generated_clip()
    bpy.ops.ed.undo_push(message="a head")


def test_a_rig_follows_sliders_and_curves_without_generate() -> None:
    figures = bake("rig", rig_by="drivers")
    assert figures["by"] == "drivers"
    assert figures["keys"] == len(facegen_blocks()) >= 12
    assert "FG_clip_happy_mouth" in facegen_blocks()
    assert head().data.shape_keys.animation_data.action is None
    assert len(head().data.shape_keys.animation_data.drivers) == len(facegen_blocks())
    told = figures["error_mm"]
    mean, largest = viewport_errors_mm()
    print(f"driven: mean {mean:.3f} mm, at most {largest:.3f} mm; told {told}")
    assert abs(largest - told["max"]) < 0.01
    assert abs(mean - told["mean"]) < 0.05 * told["mean"] + 0.02
    assert figures["overlap_error_mm"]["max"] <= told["max"]
    assert "0 shape keys" not in " ".join(drawn())
    assert any("add up" in text for text in drawn())


def test_the_drivers_run_where_no_script_may() -> None:
    """Blender works simple expressions out by itself; the wheel runs all others without asking."""
    assert all(
        curve.driver.is_simple_expression for curve in head().data.shape_keys.animation_data.drivers
    )
    path = str(FOLDER / "driven.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.open_mainfile(filepath=path, use_scripts=False)
    bpy.context.scene.frame_set(16)
    assert abs(blocks()["FG_clip_happy_mouth"].value - 1.0) < 1e-6
    actions.remove_fcurves(head(), {"facegen.happy", "facegen.surprise"})
    head().facegen.happy = head().facegen.surprise = 0.0
    assert np.abs(place() - neutral()).max() == 0.0, "all at 0 is the neutral exactly"
    head().facegen.happy = 1.0
    happy = place() - neutral()
    expected = sum(
        key_positions(block) - key_positions(head().data.shape_keys.reference_key)
        for name, block in facegen_blocks().items()
        if "_happy_" in name
    )
    close(happy, 1000.0 * expected, 0.001)
    assert np.linalg.norm(happy, axis=1).max() > 5.0
    head().facegen.region_mouth = 0.0
    browed = place() - neutral()
    assert np.linalg.norm(browed, axis=1).max() < 0.8 * np.linalg.norm(happy, axis=1).max()
    head().facegen.region_mouth = 2.0
    head().facegen.extremeness = 0.25
    close(place() - neutral(), _weighted(0.25, 0.25, 0.5), 0.001)


def _weighted(brows: float, eyes: float, mouth: float) -> np.ndarray:
    basis = key_positions(head().data.shape_keys.reference_key)
    factors = {"brows": brows, "eyes": eyes, "mouth": mouth}
    return 1000.0 * sum(
        factors[name.rpartition("_")[2]] * (key_positions(block) - basis)
        for name, block in facegen_blocks().items()
        if "_happy_" in name
    )


def test_a_driven_rig_exports_its_motion() -> None:
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "driven.blend"), use_scripts=False)
    path = FOLDER / "driven.fbx"
    assert bpy.ops.facegen.export_fbx(filepath=str(path)) == {"FINISHED"}
    errors = addon("scene.export_check").read_back_errors_mm(
        bpy.context, [head()], path, (1, LAST), 1000.0
    )
    print(f"driven rig read back: {errors}")
    assert max(errors.values()) < 0.01, errors
    assert len(head().data.shape_keys.animation_data.drivers) == len(facegen_blocks())


def test_regenerate_and_remove_take_only_facegens_drivers() -> None:
    mine = artist_key("Mine", np.full((len(head().data.vertices), 3), 0.001))
    curve = mine.driver_add("value")
    curve.driver.expression = "frame / 100"
    bpy.ops.ed.undo_push(message="a driver of mine")
    bake("rig")
    paths = [driver.data_path for driver in head().data.shape_keys.animation_data.drivers]
    assert len(paths) == len(set(paths)) == len(facegen_blocks()) + 1
    bpy.ops.ed.undo()
    paths = [driver.data_path for driver in head().data.shape_keys.animation_data.drivers]
    assert len(paths) == len(facegen_blocks()) + 1
    bpy.ops.ed.redo()
    assert bpy.ops.facegen.remove_keys() == {"FINISHED"}
    assert list(blocks()) == ["Mine"]
    (driver,) = head().data.shape_keys.animation_data.drivers
    assert driver.data_path == 'key_blocks["Mine"].value'
    assert driver.driver.expression == "frame / 100"
    assert not head().facegen.key_figures


def test_a_rig_by_curves_is_as_near_as_it_says() -> None:
    remove_all()
    figures = bake("rig", rig_by="curves")
    data = head().data.shape_keys.animation_data
    assert not data.drivers
    for points in curves_of(head().data.shape_keys).values():
        assert all(0.0 <= value <= 1.0 for _, value in points)
    told = figures["error_mm"]
    mean, largest = viewport_errors_mm()
    print(f"rig by curves: mean {mean:.3f} mm, at most {largest:.3f} mm; told {told}")
    assert abs(largest - told["max"]) < 0.01
    assert told["mean"] < 0.25
    bpy.context.scene.frame_set(LAST + 5)
    assert np.abs(place() - neutral()).max() == 0.0


def test_another_bake_under_the_same_name_replaces_the_rig() -> None:
    rig = set(facegen_blocks())
    assert bake("compact") == {}
    assert set(facegen_blocks()).isdisjoint(rig)
    assert {f'key_blocks["{name}"].value' for name in facegen_blocks()} == set(
        curves_of(head().data.shape_keys)
    )
    bake("rig", rig_by="drivers")
    assert set(facegen_blocks()) == rig
    assert not curves_of(head().data.shape_keys)


def test_a_clip_is_solved_into_the_artists_keys_and_nothing_is_made() -> None:
    remove_all()
    for name, shape in face_shapes().items():
        artist_key(name, shape)
    own = artist_key("My Own", 0.5 * face_shapes()["mouthSmileLeft"])
    own.keyframe_insert("value", frame=3)
    blocks()["mouthFunnel"].value = 0.5  # as every chosen key, it is at 0 where it is not played
    blocks()["cheekPuff"].mute = True
    blocks()["jawForward"].lock_shape = True
    driver = blocks()["jawLeft"].driver_add("value")
    driver.driver.expression = "0.0"
    names, before = list(blocks()), curves_of(head().data.shape_keys)
    positions = {name: key_positions(block).copy() for name, block in blocks().items()}
    bpy.ops.ed.undo_push(message="keys of mine")
    whole = harness.snapshot()
    figures = bake("existing", onto="arkit")
    assert figures["left_out"] == {
        "cheekPuff": "muted",
        "jawForward": "locked",
        "jawLeft": "driven",
    }
    assert any(
        "cheekPuff (muted)" in text.replace("Left alone: ", "")
        for text in [addon("operators.bake_keys").left_out_words(figures["left_out"])]
    )
    assert list(blocks()) == names
    for name, block in blocks().items():
        close(key_positions(block), positions[name], 0)
    curves = curves_of(head().data.shape_keys)
    assert {path: curves[path] for path in before} == before
    played = {path.split('"')[1] for path in set(curves) - set(before)}
    assert played <= set(ARKIT_NAMES) - {"cheekPuff", "jawForward", "jawLeft"}
    assert {"jawOpen", "mouthSmileLeft", "browInnerUp"} <= played
    own.value = 0.0
    told = figures["error_mm"]
    mean, largest = viewport_errors_mm()
    print(f"into ARKit keys: mean {mean:.3f} mm, at most {largest:.3f} mm; told {told}")
    assert abs(largest - told["max"]) < 0.01
    assert told["mean"] < 0.8
    bpy.context.scene.frame_set(whole["scene"][3])
    bpy.ops.ed.undo()
    after = harness.snapshot()
    assert after == whole, [k for k in whole if after.get(k) != whole[k]]
    bpy.ops.ed.redo()
    bake("existing", onto="arkit")
    assert curves_of(head().data.shape_keys).keys() == curves.keys()
    assert bpy.ops.facegen.remove_keys() == {"FINISHED"}
    assert curves_of(head().data.shape_keys) == before
    assert {n: b.value for n, b in blocks().items() if b.value} == {"mouthFunnel": 0.5}


def test_an_artists_curve_on_a_chosen_key_is_refused_or_by_choice_replaced() -> None:
    blocks()["My Own"].keyframe_delete("value", frame=3)
    blocks()["jawOpen"].value = 0.25
    blocks()["jawOpen"].keyframe_insert("value", frame=3)
    own = curves_of(head().data.shape_keys)
    settings = head().facegen
    settings.bake_mode = "existing"
    settings.onto, settings.onto_names = "named", "jawOpen, mouth*"
    harness.refused(bpy.ops.facegen.generate, "'jawOpen'", "keyframes of your own", "Replace")
    bpy.ops.ed.undo_push(message="a curve of mine")
    figures = bake("existing", replaces_curves=True)
    curves = curves_of(head().data.shape_keys)
    assert len(curves['key_blocks["jawOpen"].value']) > 5
    assert all(
        name.startswith(("jawOpen", "mouth")) for name in (path.split('"')[1] for path in curves)
    )
    assert figures["keys"] == 1 + sum(name.startswith("mouth") for name in blocks())
    bpy.ops.ed.undo()
    assert curves_of(head().data.shape_keys) == own
    head().facegen.replaces_curves = False
    addon("scene.actions").remove_fcurves(head().data.shape_keys, {'key_blocks["jawOpen"].value'})
    bake("existing")
    curve = actions.fcurves_of(head().data.shape_keys).find('key_blocks["jawOpen"].value')
    curve.keyframe_points[3].co[1] = 0.4  # edited by hand: the artist's from now on
    harness.refused(bpy.ops.facegen.generate, "'jawOpen'", "keyframes of your own")


def test_no_keys_to_solve_into_is_one_sentence() -> None:
    remove_all()
    head().facegen.bake_mode, head().facegen.onto = "existing", "all"
    harness.refused(bpy.ops.facegen.generate, "no shape keys of yours", "ARKit")
    head().facegen.onto, head().facegen.onto_names = "named", " , "
    harness.refused(bpy.ops.facegen.generate, "Name the shape keys")


def test_arkit_keys_are_made_and_played_and_the_artists_are_used() -> None:
    remove_all()
    mine = artist_key("jawOpen", face_shapes()["jawOpen"])
    before = key_positions(mine).copy()
    figures = bake("arkit")
    assert set(blocks()) == set(ARKIT_NAMES)
    close(key_positions(blocks()["jawOpen"]), before, 0)
    told = figures["error_mm"]
    mean, largest = viewport_errors_mm()
    print(f"ARKit: mean {mean:.3f} mm, at most {largest:.3f} mm; told {told}")
    assert abs(largest - told["max"]) < 0.01
    assert told["mean"] < 0.8
    again = {name: key_positions(block).copy() for name, block in blocks().items()}
    curves = curves_of(head().data.shape_keys)
    bake("arkit")
    assert curves_of(head().data.shape_keys) == curves
    assert all((key_positions(b) == again[n]).all() for n, b in blocks().items())
    path = FOLDER / "arkit.fbx"
    assert bpy.ops.facegen.export_fbx(filepath=str(path)) == {"FINISHED"}
    errors = addon("scene.export_check").read_back_errors_mm(
        bpy.context, [head()], path, (1, LAST), 1000.0
    )
    print(f"ARKit read back: {errors}")
    assert max(errors.values()) < 0.01, errors
    figures = bake("arkit", leaves_mouth=True)
    assert figures["left_out"]["jawOpen"] == "left to speech"
    played = {path.split('"')[1] for path in curves_of(head().data.shape_keys)}
    assert played and not any(name.startswith(("mouth", "jaw")) for name in played)  # noqa: PT018
    assert set(blocks()) == set(ARKIT_NAMES)
    head().facegen.leaves_mouth = False
    bake("compact")
    assert {name for name in blocks() if not name.startswith("FG_")} == {"jawOpen"}
    bake("arkit")
    assert bpy.ops.facegen.remove_keys() == {"FINISHED"}
    assert list(blocks()) == ["jawOpen"]
    close(key_positions(blocks()["jawOpen"]), before, 0)


FRAMES = np.arange(1.0, 13.0)


def two_objects() -> list[bpy.types.Object]:
    """A head and an eye with transforms of their own, which share a key of the artist's."""
    harness.empty_scene()
    found = [harness.new_sphere("Head"), harness.new_sphere("Eye", 0.2, 12)]
    found[0].scale, found[0].rotation_euler = (0.1, 0.13, 0.2), (0.3, -0.2, 1.1)
    found[1].parent = found[0]
    found[1].location, found[1].scale = (0.3, -0.9, 0.2), (1.0, 0.5, -2.0)
    bpy.context.view_layer.update()
    return found


def keys_to_write(names: list[str], **more: Any) -> Any:
    return rig_keys.KeysToWrite(
        tuple(names), np.ones(len(names), bool), more.pop("record", "clip"), **more
    )


def test_several_objects_share_names_and_drivers_and_an_error_takes_all_back() -> None:
    objects = two_objects()
    gathered = addon("scene.mesh_bridge").gather(objects)
    clip = harness.clip_of(gathered)
    names = ["FG_clip_a_mouth", "FG_clip_a_eyes", "FG_clip_b_mouth"]
    drive = addon("scene.key_drivers").Drive
    drives = tuple(drive((f"facegen.{name}",)) for name in ("happy", "happy", "sad"))
    keys = keys_to_write(names, drives=drives)
    real, calls = rig_keys._write_drivers, []

    def fails_on_the_second(*arguments: object) -> None:
        real(*arguments)
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("no memory left")

    rig_keys._write_drivers = fails_on_the_second
    try:
        harness.refused(
            lambda: rig_keys.write_keys(gathered, "clip", keys, clip, FRAMES, objects[0]),
            "no memory",
        )
    finally:
        rig_keys._write_drivers = real
    assert rig_keys.write_keys(gathered, "clip", keys, clip, FRAMES, objects[0]) == 3
    rest = [world_positions(obj, 1) for obj in objects]
    objects[0].facegen.happy = 0.5
    objects[0].update_tag()
    expected = addon("scene.axes").to_blender(
        gathered.mesh.vertices + 0.5 * (clip.shapes[0] + clip.shapes[1])
    )
    for obj, part in zip(objects, gathered.parts, strict=True):
        assert [b.name for b in obj.data.shape_keys.key_blocks][1:] == names
        close(world_positions(obj, 1), expected[part.start : part.end], 2e-6)
    objects[0].facegen.happy = 0.0
    objects[0].update_tag()
    for obj, before in zip(objects, rest, strict=True):
        close(world_positions(obj, 1), before, 0)


def test_several_objects_share_a_solved_key_and_an_error_takes_its_curves_back() -> None:
    objects = two_objects()
    gathered = addon("scene.mesh_bridge").gather(objects)
    clip = harness.clip_of(gathered)
    names = ['one "two"', "viseme_aa", "Mine"]
    for obj, part in zip(objects, gathered.parts, strict=True):
        obj.shape_key_add(name="Basis")
        for name, moved in zip(names, part.local_displacements(clip.shapes), strict=True):
            block = obj.shape_key_add(name=name, from_mix=False)
            block.value = 0.0
            basis = key_positions(obj.data.shape_keys.reference_key)
            block.data.foreach_set("co", (basis + moved).astype(np.float32).ravel())
    found = existing_keys.read_keys(gathered, existing_keys.chooser("all", ""))
    assert list(found.names) == names
    size = np.abs(clip.shapes).max()
    close(found.shapes, clip.shapes, 3e-5 * size + 1e-6)
    keys = rig_keys.KeysToWrite(found.names, np.zeros(3, bool), "clip")
    real, calls = rig_keys._write_curves, []

    def fails_on_the_second(*arguments: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("no memory left")
        return real(*arguments)

    rig_keys._write_curves = fails_on_the_second
    try:
        harness.refused(
            lambda: rig_keys.write_keys(gathered, "clip", keys, clip, FRAMES, objects[0]),
            "no memory",
        )
    finally:
        rig_keys._write_curves = real
    assert rig_keys.write_keys(gathered, "clip", keys, clip, FRAMES, objects[0]) == 3
    moved = addon("scene.axes").to_blender(gathered.mesh.vertices + clip.rebuild())
    for obj, part in zip(objects, gathered.parts, strict=True):
        for row, frame in enumerate(FRAMES):
            close(world_positions(obj, int(frame)), moved[row, part.start : part.end], 3e-6)
    for obj in objects:
        shape_keys.remove_clip(obj, "clip")
        assert not curves_of(obj.data.shape_keys)
        assert [b.name for b in obj.data.shape_keys.key_blocks] == ["Basis", *names]
    assert not bpy.data.actions


if __name__ == "__main__":
    harness.run(globals())
