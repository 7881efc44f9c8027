"""Heads are read from every format with the vertices they had, in the order they had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.blender.command import facegen
from tests.blender.heads import cube, write_obj
from tests.shared_heads import read_obj

bpy = pytest.importorskip("bpy", reason="reading heads needs the bpy wheel")

from blender_addon import properties  # noqa: E402
from blender_addon.scene import import_head, mesh_bridge  # noqa: E402
from facegen_core.errors import FacegenError  # noqa: E402


@pytest.fixture(autouse=True)
def known_properties() -> None:
    """What Facegen keeps on objects is known to this Blender, whichever tests it ran before."""
    if not hasattr(bpy.types.Object, "facegen"):
        properties.register()


def two_cubes(path: Path) -> Path:
    """A large and a small cube as objects 'Big' and 'Small', written in the format of `path`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    for name, size in (("Small", 0.5), ("Big", 2.0)):
        corners, quads = cube()
        middles = corners[:, None] * np.linspace(0.2, 1.0, 3 if name == "Big" else 1)[:, None]
        vertices = (size * middles).reshape(-1, 3)
        step = 3 if name == "Big" else 1
        polygons = [[step * i + k for i in quad] for k in range(step) for quad in quads]
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(vertices.tolist(), [], polygons)
        mesh.shade_smooth()
        bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, mesh))
    bpy.context.view_layer.update()
    if path.suffix == ".fbx":
        bpy.ops.export_scene.fbx(filepath=str(path))
    elif path.suffix == ".glb":
        bpy.ops.export_scene.gltf(filepath=str(path))
    else:
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


@pytest.mark.parametrize("suffix", [".fbx", ".glb", ".blend"])
def test_every_object_of_a_file_is_read_with_its_size_and_place(
    suffix: str, tmp_path: Path
) -> None:
    import_head.read_file(two_cubes(tmp_path / f"cubes{suffix}"))
    objects = import_head.head_of_scene("cubes")
    assert [obj.name for obj in objects] == ["Big", "Small"]  # the target has the most vertices
    head = mesh_bridge.gather(objects)
    assert head.mesh.num_vertices == 24 + 8
    assert np.abs(head.mesh.vertices).max() == pytest.approx(2.0, rel=1e-5)
    assert np.abs(head.mesh.vertices[24:]).max() == pytest.approx(0.1, rel=1e-5)


def test_only_the_named_object_is_taken_and_it_is_the_target(tmp_path: Path) -> None:
    import_head.read_file(two_cubes(tmp_path / "cubes.blend"))
    assert [obj.name for obj in import_head.head_of_scene("cubes", ["Small"])] == ["Small"]
    with pytest.raises(FacegenError, match="'Medium'; it has: 'Big', 'Small'"):
        import_head.head_of_scene("cubes", ["Medium"])


def test_an_obj_keeps_the_order_of_its_vertices_though_it_has_groups(tmp_path: Path) -> None:
    vertices, quads = cube()
    path = write_obj(tmp_path / "grouped.obj", vertices, [])
    faces = [f"g side{k}\nf " + " ".join(str(i + 1) for i in quad) for k, quad in enumerate(quads)]
    path.write_text(path.read_text() + "v 9 9 9\n" + "\n".join(faces) + "\n")
    import_head.read_file(path)
    head = mesh_bridge.gather(import_head.head_of_scene("grouped"))
    expected, _, _ = read_obj(path.read_text())
    # The core has the axes of the file; only a vertex without faces is dropped, by Blender.
    np.testing.assert_allclose(head.mesh.vertices, expected[:8], atol=1e-6)


def test_a_blend_keeps_what_the_artist_has_in_it(tmp_path: Path) -> None:
    """Other objects, shape keys and their animation survive a run of the command."""
    sample = facegen(tmp_path, "head", "-o", "head.obj")
    assert sample.code == 0, sample.err
    import_head.read_file(tmp_path / "head.obj")
    (head,) = import_head.head_of_scene("head")
    head.shape_key_add(name="Basis", from_mix=False)
    wink = head.shape_key_add(name="Wink", from_mix=False)
    wink.value = 0.25
    wink.keyframe_insert("value", frame=3)
    lamp = bpy.data.objects.new("My Lamp", bpy.data.lights.new("My Lamp", "POINT"))
    bpy.context.scene.collection.objects.link(lamp)
    bpy.context.scene.render.fps = 24
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))

    run = facegen(
        tmp_path, "generate", "mine.blend", "-e", "happy@1,6,10,14", "-o", "moving.blend",
        "-o", "moving.glb", "--report", "report.json",
    )  # fmt: skip
    assert run.code == 0, run.err[-3000:]
    assert run.report["frames_per_second"] == 24
    assert run.report["roundtrip"]["max_error_mm"] <= 0.01
    assert run.report["mouth_corner_motion_mm"]["happy"]["up"] >= 3.0

    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moving.blend"), load_ui=False)
    assert "My Lamp" in bpy.context.scene.objects
    keys = bpy.data.objects[head_name(bpy)].data.shape_keys
    assert "Wink" in keys.key_blocks
    bpy.context.scene.frame_set(3)
    assert keys.key_blocks["Wink"].value == pytest.approx(0.25)
    assert len(keys.key_blocks) == 2 + run.report["bake"]["keys"]


def head_name(blender: object) -> str:
    (name,) = (obj.name for obj in blender.context.scene.objects if obj.type == "MESH")
    return name
