"""Every preset: what arrives is what the artist sees, in the units and axes of where it goes."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import bpy
import harness
import numpy as np
from harness import FOLDER, addon, clip_of, new_sphere

mesh_bridge, shape_keys = addon("scene.mesh_bridge"), addon("scene.shape_keys")
arrival, presets = addon("scene.arrival"), addon("scene.export_presets")
FRAMES = np.arange(10.0, 22.0)
SPAN = (10, 21)
MM_PER_UNIT = 1000.0
# What an importer may differ by: half floats of no format, float32 of all.
EXACT_MM = 0.01
SUFFIXES = [(p.identifier, suffix) for p in presets.PRESETS for suffix in p.suffixes]


def animated_head(scale: float = 1.0) -> list[bpy.types.Object]:
    """A head with an eye, turned, moved and scaled, keyed from frame 10 to 21."""
    harness.empty_scene()
    head, eye = new_sphere("Head", 0.12), new_sphere("Eye", 0.02, 12)
    eye.parent, eye.location = head, (0.03, -0.1, 0.02)
    head.rotation_euler, head.location = (0.1, 0.0, 0.4), (0.3, 0.2, 1.6)
    head.scale = (scale, scale, scale)
    bpy.context.view_layer.update()
    gathered = mesh_bridge.gather([head, eye])
    clip = clip_of(gathered)
    names = shape_keys.key_names("clip", "compact", clip, FRAMES)
    shape_keys.write_clip(gathered, "clip", names, clip, FRAMES)
    bpy.context.scene.frame_set(13)
    return [head, eye]


def ship(
    objects: list[bpy.types.Object], path: Path, preset: str, span: Any = SPAN, **more: Any
) -> Any:
    bpy.context.view_layer.update()
    before = harness.snapshot()
    shipment = arrival.Shipment(path, presets.BY_IDENTIFIER[preset], span, **more)
    report = arrival.ship(bpy.context, objects, shipment, MM_PER_UNIT)
    after = harness.snapshot()
    changed = [k for k in before.keys() | after.keys() if before.get(k) != after.get(k)]
    blocks = set(before["blocks"]) ^ set(after["blocks"])
    assert not changed, (changed, blocks)
    assert not [b for b in bpy.data.user_map() if "(Facegen)" in b.name]
    return report


def fbx_tree(path: Path) -> Any:
    from io_scene_fbx import parse_fbx

    return parse_fbx.parse(str(path))[0]


def child(element: Any, name: bytes) -> Any:
    return next(e for e in element.elems if e and e.id == name)


def properties(element: Any) -> dict[str, list[Any]]:
    """{name: values} of the Properties70 of an element."""
    return {p.props[0].decode(): p.props[4:] for p in child(element, b"Properties70").elems if p}


def models(tree: Any) -> dict[str, dict[str, list[Any]]]:
    """{object name: its properties} of the nodes of an FBX."""
    found = [e for e in child(tree, b"Objects").elems if e and e.id == b"Model"]
    return {e.props[1].split(b"\x00")[0].decode(): properties(e) for e in found}


def test_every_preset_arrives_within_a_hundredth_of_a_millimetre() -> None:
    for preset, suffix in SUFFIXES:
        objects = animated_head(scale=2.5)
        path = FOLDER / f"{preset}{suffix}"
        report = ship(objects, path, preset)
        print(report.sentence(), report.errors_mm)
        assert report.max_error_mm < EXACT_MM, (preset, suffix, report.errors_mm)
        assert not report.missing, (preset, suffix, report.missing)
        assert report.objects == ("Head", "Eye")
        starts = 0 if presets.BY_IDENTIFIER[preset].starts_at_zero else 10
        assert report.frames == (starts, starts + 11), report.frames
        json.dumps(report.as_json())


def test_every_fbx_preset_arrives_with_and_without_a_root_bone() -> None:
    for preset in ("unity", "unreal", "blender", "web"):
        for has_root in (True, False):
            suffix = presets.BY_IDENTIFIER[preset].suffixes[0]
            report = ship(
                animated_head(0.5), FOLDER / f"root{suffix}", preset, has_root_bone=has_root
            )
            assert report.max_error_mm < EXACT_MM, (preset, has_root, report.errors_mm)
            assert not report.missing, (preset, has_root, report.missing)


def test_unity_gets_metres_and_nodes_that_are_neither_turned_nor_scaled() -> None:
    path = FOLDER / "unity_nodes.fbx"
    objects = animated_head(3.0)
    for obj in objects:  # as modelled: no rotation of the artist's own
        obj.rotation_euler = (0, 0, 0)
    ship(objects, path, "unity")
    tree = fbx_tree(path)
    settings = properties(child(tree, b"GlobalSettings"))
    assert settings["UnitScaleFactor"] == [100.0]
    assert settings["UpAxis"] == [1]
    found = models(tree)
    assert set(found) == {"Head", "Eye"}, "the artist's own names"
    for name, values in found.items():
        for key, rest in (("Lcl Rotation", 0.0), ("Lcl Scaling", 1.0)):
            got = values.get(key, [rest] * 3)
            assert np.allclose(got, rest, atol=1e-4), (name, key, got)


def test_unreal_gets_centimetres_z_up_and_one_bone_called_root() -> None:
    path = FOLDER / "unreal_nodes.fbx"
    ship(animated_head(), path, "unreal")
    tree = fbx_tree(path)
    settings = properties(child(tree, b"GlobalSettings"))
    assert settings["UnitScaleFactor"] == [1.0]
    assert settings["UpAxis"] == [2]
    found = models(tree)
    assert set(found) == {"Armature", "root", "Head", "Eye"}, set(found)
    for name, values in found.items():
        for key, rest in (("Lcl Rotation", 0.0), ("Lcl Scaling", 1.0), ("Lcl Translation", 0.0)):
            got = values.get(key, [rest] * 3)
            assert np.allclose(got, rest, atol=1e-4), (name, key, got)
    geometry = [e for e in child(tree, b"Objects").elems if e and e.id == b"Geometry"]
    mesh = next(e for e in geometry if e.props[2] == b"Mesh" and e.props[1].startswith(b"Head"))
    heights = np.array(child(mesh, b"Vertices").props[0]).reshape(-1, 3)[:, 2]
    assert 160 - 13 < heights.min() < heights.max() < 160 + 13, "1.6 m is 160 cm"
    assert [e for e in child(tree, b"Objects").elems if e and e.id == b"Deformer"]


def test_the_clip_starts_where_it_is_asked_to_and_is_named() -> None:
    for starts_at_zero, wanted in ((True, (0, 11)), (False, SPAN)):
        path = FOLDER / "starts.fbx"
        report = ship(
            animated_head(), path, "unity", clip_name="smile", starts_at_zero=starts_at_zero
        )
        assert report.frames == wanted
        tree = fbx_tree(path)
        stacks = [e for e in child(tree, b"Objects").elems if e and e.id == b"AnimationStack"]
        names = [e.props[1].split(b"\x00")[0].decode() for e in stacks]
        assert len(names) == 1, names
        assert "smile" in names[0], names
        harness.empty_scene()
        bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
        spans = [
            frame
            for mesh in bpy.data.meshes
            for points in harness.curves_of(mesh.shape_keys).values()
            for frame, _ in points
        ]
        assert (min(spans), max(spans)) == wanted


def test_a_head_of_another_unit_arrives_in_real_size() -> None:
    """A head of 12 units in a scene of centimetres is 12 cm everywhere."""
    for preset, suffix in SUFFIXES:
        objects = animated_head(100.0)
        bpy.context.scene.unit_settings.scale_length = 0.01
        objects[0].location = (30, 20, 160)
        path = FOLDER / f"units_{preset}{suffix}"
        shipment = arrival.Shipment(path, presets.BY_IDENTIFIER[preset], SPAN)
        report = arrival.ship(bpy.context, objects, shipment, 10.0)
        assert report.max_error_mm < EXACT_MM, (preset, suffix, report.errors_mm)
        harness.empty_scene()
        addon("scene.export_check")._importers(suffix)[next(iter(report.errors_mm))](str(path))
        bpy.context.view_layer.update()
        head = max(
            (o for o in bpy.data.objects if o.type == "MESH"), key=lambda o: len(o.data.vertices)
        )
        size = np.ptp(harness.world_positions(head, 10), axis=0).max()
        assert 0.22 < size < 0.27, (preset, suffix, size)


def test_a_moving_head_takes_its_root_bone_along_and_a_lone_mover_is_refused() -> None:
    for has_root in (False, True):
        objects = animated_head(1.5)
        head = objects[0]
        head.keyframe_insert("location", frame=10)
        head.rotation_euler[2] += 0.5
        head.location[0] += 0.2
        head.keyframe_insert("location", frame=21)
        head.keyframe_insert("rotation_euler", frame=21)
        bpy.context.scene.frame_set(14)
        for preset in ("unity", "unreal"):
            report = ship(objects, FOLDER / "moving.fbx", preset, has_root_bone=has_root)
            assert report.max_error_mm < 0.05, (preset, has_root, report.errors_mm)
    objects[1].keyframe_insert("location", frame=10)
    objects[1].location[2] += 0.1
    objects[1].keyframe_insert("location", frame=21)
    bpy.context.scene.frame_set(12)
    harness.refused(
        lambda: ship(objects, FOLDER / "moving.fbx", "unreal"), "'eye' moves on its own"
    )
    report = ship(objects, FOLDER / "moving.fbx", "unity", has_root_bone=False)
    assert report.max_error_mm < 0.05, report.errors_mm


def test_odd_frame_rates_and_ranges_arrive() -> None:
    for fps, base, span in ((1, 2.0, SPAN), (24, 1.001, SPAN), (60, 1.0, (-5, 30))):
        objects = animated_head()
        bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base
        for preset, suffix in SUFFIXES:
            report = ship(objects, FOLDER / f"fps{suffix}", preset, span)
            errors = dict(report.errors_mm)
            older = errors.pop("import_scene.fbx", 0.0)
            assert max(errors.values(), default=0.0) < EXACT_MM, (fps, base, suffix, errors)
            # Blender's older reader rounds rates, below 1 to 0, of which the doctor warns.
            assert older < (0.5 if base != 1.0 else EXACT_MM) or fps / base < 1, older
            # Readers also cut what lies before frame 0; starting there is what most presets do.
            is_cut = span[0] < 0 and not presets.BY_IDENTIFIER[preset].starts_at_zero
            assert not report.missing or fps / base < 1 or is_cut, (fps, suffix, report.missing)
            assert math.isclose(report.frames_per_second, fps / base, rel_tol=1e-6)


def test_the_normals_of_every_key_are_in_a_glb() -> None:
    path = FOLDER / "normals.glb"
    ship(animated_head(), path, "web")
    content = path.read_bytes()
    length = int.from_bytes(content[12:16], "little")
    document = json.loads(content[20 : 20 + length])
    targets = [t for m in document["meshes"] for p in m["primitives"] for t in p["targets"]]
    assert targets
    assert all("NORMAL" in target for target in targets)
    assert len(document["animations"]) == 1, [a["name"] for a in document["animations"]]


def test_what_cannot_be_written_is_one_sentence_and_leaves_nothing() -> None:
    objects = animated_head()
    (FOLDER / "folder.fbx").mkdir(exist_ok=True)
    listing = sorted(FOLDER.iterdir())
    for path, preset, words in (
        (FOLDER / "no" / "clip.fbx", "unity", "cannot write"),
        (FOLDER / "folder.fbx", "unity", "it is a folder"),
        (FOLDER / "clip.glb", "unity", "wants .fbx"),
        (FOLDER / "clip.obj", "film", "wants .usdc or .abc"),
    ):
        harness.refused(lambda p=path, q=preset: ship(objects, p, q), words)
    harness.refused(lambda: ship(objects, FOLDER / "e.fbx", "unity", (5, 4)), "empty")
    assert sorted(FOLDER.iterdir()) == listing
    path = FOLDER / "a\\b.usdc"  # where it is a letter and no slash
    if path.name.startswith("a"):
        sentence = harness.refused(lambda: ship(objects, path, "film"), "backslash", "choose")
        assert sentence.count(str(path)) == 1
    assert sorted(FOLDER.iterdir()) == listing


def test_a_file_that_cannot_be_read_back_is_named_in_one_sentence() -> None:
    """And not the temporary name it had, which nobody knows and which is gone."""
    check, path, objects = addon("scene.export_check"), FOLDER / "unread.fbx", animated_head()

    def read(name: str) -> None:
        raise RuntimeError(f"Error: no stage in {name}\nError: see the console\n")

    kept, check._importers = check._importers, lambda suffix: {"a reader": read}
    try:
        sentence = harness.refused(lambda: ship(objects, path, "unity"), "could not be read back")
    finally:
        check._importers = kept
    assert "\n" not in sentence
    assert sentence.count(str(path)) == 2
    assert ".facegen-" not in sentence
    assert not path.exists()


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file() -> None:
    import resource

    objects = animated_head()
    for preset, suffix in SUFFIXES:
        path = FOLDER / f"full_{preset}{suffix}"
        path.write_bytes(b"what was there")
        listing = sorted(FOLDER.iterdir())
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        try:
            sentence = harness.refused(lambda p=path, q=preset: ship(objects, p, q), "cannot write")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        print(suffix, sentence)
        assert "\n" not in sentence
        assert path.read_bytes() == b"what was there"
        assert sorted(FOLDER.iterdir()) == listing


def test_a_disk_that_fills_while_alembic_writes_ends_another_blender_than_this_one() -> None:
    import resource

    objects, path, processes = animated_head(), FOLDER / "fills.abc", addon("scene.alembic_apart")
    path.write_bytes(b"what was there")
    listing, start = sorted(FOLDER.iterdir()), processes.subprocess.Popen

    def start_on_a_full_disk(*arguments: Any, **options: Any) -> Any:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))  # noqa: E731
        return start(*arguments, preexec_fn=limit, **options)

    processes.subprocess.Popen = start_on_a_full_disk
    try:
        for size in (0, 20_000):
            room = size
            sentence = harness.refused(lambda: ship(objects, path, "film"), "cannot write")
            print(sentence)
            assert any(words in sentence for words in ("broke off", "wrote no file", "incomplete"))
            assert path.read_bytes() == b"what was there"
            assert sorted(FOLDER.iterdir()) == listing
    finally:
        processes.subprocess.Popen = start
    ship(objects, path, "film")
    assert path.stat().st_size > 20_000


def test_a_blender_that_hangs_while_it_writes_alembic_is_ended() -> None:
    """One that goes on, however slowly, is waited for."""
    objects, path, processes = animated_head(), FOLDER / "hangs.abc", addon("scene.alembic_apart")
    path.write_bytes(b"what was there")
    start, blender, patience = (
        processes.subprocess.Popen,
        processes._blender,
        processes._STILL_SECONDS,
    )
    listing, started, program = sorted(FOLDER.iterdir()), [], ""

    def keep(*arguments: Any, **options: Any) -> Any:
        started.append(start(*arguments, **options))
        return started[-1]

    processes._blender = lambda: [sys.executable, "-c", program]
    processes.subprocess.Popen, processes._STILL_SECONDS = keep, 4.0
    try:
        program = "import time; time.sleep(600)"
        harness.refused(lambda: ship(objects, path, "film"), "stood still", "cannot write")
        assert started[-1].poll() is not None
        assert path.read_bytes() == b"what was there"
        assert sorted(FOLDER.iterdir()) == listing
        program = (
            "import sys, time\nfor k in range(6): time.sleep(1); "
            "print(k, flush=True) if k % 2 else open(sys.argv[3], 'ab').write(b'more')"
        )
        processes.write(bpy.context.scene, str(FOLDER / "slow.abc"), (1, 2))
        assert (FOLDER / "slow.abc").read_bytes() == b"moremoremore"
    finally:
        processes.subprocess.Popen, processes._STILL_SECONDS = start, patience
        processes._blender = blender
        (FOLDER / "slow.abc").unlink(missing_ok=True)


def test_a_cache_that_does_not_fit_is_refused_before_it_is_begun() -> None:
    import shutil

    objects = animated_head()
    kept = shutil.disk_usage
    shutil.disk_usage = lambda _: kept("/")._replace(free=1000)
    try:
        for suffix in (".abc", ".usdc"):
            path = FOLDER / f"room{suffix}"
            harness.refused(lambda p=path: ship(objects, p, "film"), "0.0 mb are free")
            assert not path.exists()
    finally:
        shutil.disk_usage = kept


def test_a_blender_without_alembic_or_usd_says_so() -> None:
    objects = animated_head()
    real = bpy.app.build_options
    fake = type("Options", (), {"alembic": False, "usd": False})()
    module = addon("scene.export_presets")
    stub = type("Bpy", (), {"app": type("App", (), {"build_options": fake})(), "ops": bpy.ops})()
    kept, module.bpy = module.bpy, stub
    try:
        for suffix, word in ((".abc", "Alembic"), (".usdc", "USD")):
            harness.refused(lambda s=suffix: ship(objects, FOLDER / f"x{s}", "film"), word)
    finally:
        module.bpy = kept
    assert real.alembic in (True, False)


if __name__ == "__main__":
    harness.run(globals())
