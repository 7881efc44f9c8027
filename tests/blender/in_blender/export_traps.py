"""Export: what Blender's exporters and importers get wrong by default, and that nothing leaks."""

from __future__ import annotations

from pathlib import Path

import bpy
import harness
import numpy as np
from harness import FOLDER, addon, clip_of, close, new_sphere, world_positions

mesh_bridge, shape_keys = addon("scene.mesh_bridge"), addon("scene.shape_keys")
fbx, export_check = addon("scene.fbx"), addon("scene.export_check")
FRAMES = np.arange(10.0, 22.0)
SPAN = (10, 21)
MM_PER_UNIT = 1000.0


def animated_head() -> list[bpy.types.Object]:
    """A head and an eye that moves with it, keyed from frame 10 to 21."""
    harness.empty_scene()
    head, eye = new_sphere("Head", 0.12), new_sphere("Eye", 0.02, 12)
    eye.parent, eye.location = head, (0.03, -0.1, 0.02)
    head.rotation_euler, head.location = (0.1, 0.0, 0.4), (0.3, 0.2, 1.6)
    bpy.context.view_layer.update()
    gathered = mesh_bridge.gather([head, eye])
    clip = clip_of(gathered)
    names = shape_keys.key_names("clip", "compact", clip, FRAMES)
    shape_keys.write_clip(gathered, "clip", names, clip, FRAMES)
    return [head, eye]


def importers() -> list[str]:
    found = ["import_scene.fbx"]
    return [*found, "wm.fbx_import"] if bpy.app.version >= (4, 5, 0) else found


def test_fbx_read_back_by_every_importer_is_exact() -> None:
    objects, path = animated_head(), FOLDER / "clip.fbx"
    fbx.export_fbx(bpy.context, objects, path, SPAN)
    before = harness.snapshot()
    errors = export_check.read_back_errors_mm(bpy.context, objects, path, SPAN, MM_PER_UNIT)
    assert sorted(errors) == sorted(importers()), errors
    assert max(errors.values()) < 0.01, errors
    assert harness.snapshot() == before


def test_the_importer_adds_one_frame_unless_its_offset_is_0() -> None:
    objects, path = animated_head(), FOLDER / "shift.fbx"
    fbx.export_fbx(bpy.context, objects, path, SPAN)
    expected = {frame: world_positions(objects[0], frame) for frame in range(10, 22)}
    for offset, shift in ((0.0, 0), (1.0, 1)):
        harness.empty_scene()
        bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=offset)
        head = max(
            (o for o in bpy.data.objects if o.type == "MESH"), key=lambda o: len(o.data.vertices)
        )
        for frame in (12, 15, 20):
            close(world_positions(head, frame + shift), expected[frame], 1e-5)


def test_keys_names_and_frame_range_come_back() -> None:
    objects, path = animated_head(), FOLDER / "names.fbx"
    fbx.export_fbx(bpy.context, objects, path, SPAN)
    harness.empty_scene()
    bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
    for mesh in bpy.data.meshes:
        names = [block.name for block in mesh.shape_keys.key_blocks]
        assert names == ["Basis", "FG_clip_01", "FG_clip_02", "FG_clip_03"], names
        frames = [f for points in harness.curves_of(mesh.shape_keys).values() for f, _ in points]
        assert (min(frames), max(frames)) == SPAN, (min(frames), max(frames))


def test_a_read_back_notices_a_clamped_weight() -> None:
    """The trap itself: a weight above 1 leaves the viewport and the importers disagreeing."""
    objects, path = animated_head(), FOLDER / "clamped.fbx"
    block = objects[0].data.shape_keys.key_blocks["FG_clip_01"]
    block.slider_max = 10.0
    for curve in addon("scene.actions").fcurves_of(objects[0].data.shape_keys):
        if "FG_clip_01" in curve.data_path:
            for point in curve.keyframe_points:
                point.co[1] *= 3.0
    assert any("FG_clip_01" in sentence for sentence in fbx.preflight(objects))
    fbx.export_fbx(bpy.context, objects, path, SPAN)
    errors = export_check.read_back_errors_mm(bpy.context, objects, path, SPAN, MM_PER_UNIT)
    if "wm.fbx_import" in errors:
        assert errors["wm.fbx_import"] > 0.1, errors


def test_a_live_modifier_does_not_lose_the_keys_and_is_named() -> None:
    objects, path = animated_head(), FOLDER / "modifier.fbx"
    objects[0].modifiers.new("Triangulate", "TRIANGULATE")
    assert "Triangulate" in " ".join(fbx.preflight(objects))
    fbx.export_fbx(bpy.context, objects, path, SPAN)
    errors = export_check.read_back_errors_mm(bpy.context, objects, path, SPAN, MM_PER_UNIT)
    assert max(errors.values()) < 0.01, errors
    assert [m.name for m in objects[0].modifiers] == ["Triangulate"]


def test_export_puts_back_selection_range_frame_and_visibility() -> None:
    objects = animated_head()
    other = new_sphere("Other")
    harness.activate(other)
    objects[1].hide_set(True)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 3, 99
    bpy.context.scene.frame_set(42)
    before = harness.snapshot()
    fbx.export_fbx(bpy.context, objects, FOLDER / "hidden.fbx", SPAN)
    assert harness.snapshot() == before
    errors = export_check.read_back_errors_mm(
        bpy.context, objects, FOLDER / "hidden.fbx", SPAN, MM_PER_UNIT
    )
    assert max(errors.values()) < 0.01, errors
    assert harness.snapshot() == before


def test_glb_and_blend_come_back_too() -> None:
    objects = animated_head()
    for suffix in (".glb", ".blend"):
        path = FOLDER / f"clip{suffix}"
        fbx.export_file(bpy.context, objects, path, SPAN)
        errors = export_check.read_back_errors_mm(bpy.context, objects, path, SPAN, MM_PER_UNIT)
        assert max(errors.values()) < 0.01, (suffix, errors)


def test_unwritable_paths_are_refused_and_leave_nothing() -> None:
    objects = animated_head()
    blocked = FOLDER / "a_file"
    blocked.write_text("in the way")
    (FOLDER / "a_folder.fbx").mkdir(exist_ok=True)
    for path in (FOLDER / "no" / "clip.fbx", blocked / "clip.fbx", FOLDER / "a_folder.fbx"):
        harness.refused(
            lambda p=path: fbx.export_fbx(bpy.context, objects, p, SPAN), "cannot write"
        )
    harness.refused(lambda: fbx.export_fbx(bpy.context, objects, FOLDER / "e.fbx", (5, 4)), "empty")
    harness.refused(lambda: fbx.export_file(bpy.context, objects, FOLDER / "e.obj", SPAN), ".fbx")


def test_an_error_while_writing_leaves_the_old_file_and_no_other() -> None:
    objects, path = animated_head(), FOLDER / "kept.fbx"
    path.write_bytes(b"what was there")
    listing = sorted(FOLDER.iterdir())

    def fails(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    harness.refused(lambda: fbx._write_atomically(path, fails), "the disk is full")
    assert path.read_bytes() == b"what was there"
    assert sorted(FOLDER.iterdir()) == listing
    fbx.export_fbx(bpy.context, objects, path, SPAN)
    assert path.stat().st_size > 1000
    assert sorted(FOLDER.iterdir()) == listing


if __name__ == "__main__":
    harness.run(globals())
