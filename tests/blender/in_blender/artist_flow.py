"""An artist's first session with the sample head, from Add Mesh to the exported file."""

from __future__ import annotations

import time

import bpy
import harness
import numpy as np
from harness import FOLDER, PACKAGE, addon, close, key_positions, world_positions

LAST = 45
kept: dict[str, object] = {}


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def facegen_keys() -> list[bpy.types.ShapeKey]:
    shape_keys = head().data.shape_keys
    blocks = shape_keys.key_blocks if shape_keys else ()
    return [block for block in blocks if block.name.startswith("FG_")]


def test_the_wheels_bring_scipy_and_threadpoolctl() -> None:
    import scipy
    import threadpoolctl

    for package in (scipy, threadpoolctl):
        assert ".local" in package.__file__, package.__file__


def test_the_sample_head_stands_upright_in_real_size_and_looks_to_the_front() -> None:
    harness.empty_scene()
    assert bpy.ops.facegen.add_head() == {"FINISHED"}
    vertices = world_positions(head(), 1)
    width, depth, height = np.ptp(vertices, axis=0)
    assert 0.13 < width < 0.30 and 0.15 < depth < 0.32 and 0.22 < height < 0.42  # metres  # noqa: PT018
    assert abs(vertices[:, 2].min()) < 1e-5
    nose = vertices[vertices[:, 1].argmin()]
    assert abs(nose[0]) < 0.02, "the foremost point is in the middle"
    materials = {slot.name for slot in head().material_slots}
    assert {"Facegen Skin", "Facegen Eye White", "Facegen Teeth", "Facegen Tongue"} <= materials
    assert all(polygon.use_smooth for polygon in head().data.polygons)


def test_match_reports_how_well_it_fits_and_what_the_parts_are() -> None:
    started = time.perf_counter()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    print(f"match: {time.perf_counter() - started:.1f} s")
    settings = head().facegen
    assert settings.is_matched and settings.verdict == "good"  # noqa: PT018
    assert settings.residual_mean_mm < 0.5
    assert abs(settings.mm_per_local_unit - 1000.0) < 20.0
    motions = {part.name: part.motion for part in settings.found_parts}
    assert motions["skin"] == "skin" and motions["lower_teeth"] == "jaw"  # noqa: PT018
    assert motions["eyeball_left"] == motions["upper_teeth"] == "still"


def test_add_expression_counts_from_the_current_frame_and_keys_four_points() -> None:
    bpy.context.scene.frame_set(7)
    assert bpy.ops.facegen.add_expression(expression="fear") == {"FINISHED"}
    points = harness.curves_of(head())["facegen.fear"]
    assert [frame for frame, _ in points] == [7.0, 19.0, 37.0, 55.0]
    assert [value for _, value in points] == [0.0, 1.0, 1.0, 0.0]
    addon("scene.actions").remove_fcurves(head(), {"facegen.fear"})
    head().facegen.fear = 0.0
    assert not harness.curves_of(head())


def test_generate_moves_the_face_and_one_undo_takes_it_all_back() -> None:
    for name, marks, intensity in (
        ("happy", (1, 12, 20, 30), 1.0),
        ("surprise", (24, 32, 38, LAST), 0.8),
    ):
        keys = dict(
            zip(("onset_start", "apex_start", "apex_end", "offset_end"), marks, strict=True)
        )
        bpy.ops.facegen.add_expression(expression=name, intensity=intensity, **keys)
    bpy.ops.ed.undo_push(message="before Generate")  # background mode has no stack until asked
    before = harness.snapshot()
    started = time.perf_counter()
    assert bpy.ops.facegen.generate("EXEC_DEFAULT", True) == {"FINISHED"}
    print(f"generate: {time.perf_counter() - started:.1f} s, {head().facegen.num_keys} keys")
    assert len(facegen_keys()) == head().facegen.num_keys > 0
    rest, apex = world_positions(head(), 1), world_positions(head(), 16)
    assert np.abs(apex - rest).max() > 0.001  # at least a millimetre somewhere
    bpy.context.scene.frame_set(before["scene"][3])
    bpy.ops.ed.undo()
    assert not facegen_keys()
    assert harness.snapshot() == before
    bpy.ops.ed.redo()
    assert len(facegen_keys()) == head().facegen.num_keys > 0


def test_at_intensity_0_the_face_is_the_neutral_exactly() -> None:
    neutral = addon("scene.mesh_bridge").neutral_vertices(head().data)
    for frame in (1, LAST, LAST + 20):
        bpy.context.scene.frame_set(frame)
        assert all(block.value == 0.0 for block in facegen_keys()), frame
        evaluated = head().evaluated_get(bpy.context.evaluated_depsgraph_get())
        found = np.empty(3 * len(neutral), np.float32)
        evaluated.data.vertices.foreach_get("co", found)
        assert (found.reshape(-1, 3) == neutral.astype(np.float32)).all()


def test_the_viewport_is_the_clip_within_the_error_that_is_reported() -> None:
    generate = addon("operators.generate")
    request = generate.request_generate(bpy.context, head())
    generated = generate.run_generate(request)
    axes = addon("scene.axes")
    moved = axes.to_blender(generated.match.head.mesh.vertices + generated.clip.displacements)
    worst = 0.0
    for row, frame in enumerate(request.frames):
        distances = np.linalg.norm(world_positions(head(), int(frame)) - moved[row], axis=1)
        worst = max(worst, distances.max() * generated.clip.mm_per_unit)
    print(f"viewport against clip: {worst:.4f} mm, reported {head().facegen.bake_error_mm:.4f} mm")
    assert worst <= head().facegen.bake_error_mm + 0.001 <= head().facegen.tolerance_mm + 0.002


def test_generate_twice_is_the_same_and_leaves_one_set_of_keys() -> None:
    kept["keys"] = {b.name: key_positions(b).copy() for b in facegen_keys()}
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    found = {b.name: key_positions(b) for b in facegen_keys()}
    assert found.keys() == kept["keys"].keys()
    assert all((found[name] == kept["keys"][name]).all() for name in found)


def test_after_save_and_reopen_generate_matches_by_itself() -> None:
    path = str(FOLDER / "session.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    bpy.ops.wm.open_mainfile(filepath=path)
    addon("scene.state").forget_all()
    assert head().facegen.is_matched and head().facegen.verdict == "good"  # noqa: PT018
    assert len(harness.curves_of(head())) == 2
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    for block in facegen_keys():
        close(key_positions(block), kept["keys"][block.name], 1e-6)


def test_export_writes_an_fbx_that_reads_back_within_a_hundredth_of_a_millimetre() -> None:
    path = FOLDER / "session.fbx"
    before = harness.snapshot()
    started = time.perf_counter()
    assert bpy.ops.facegen.export_fbx(filepath=str(path)) == {"FINISHED"}
    print(f"export and read back: {time.perf_counter() - started:.1f} s")
    assert harness.snapshot() == before
    errors = addon("scene.export_check").read_back_errors_mm(
        bpy.context, [head()], path, (1, LAST), 1000.0
    )
    print(errors)
    assert max(errors.values()) < 0.01, errors


def test_frames_bake_then_remove_leaves_only_the_basis() -> None:
    head().facegen.bake_mode = "frames"
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert all(b.name.startswith("FG_clip_F") for b in facegen_keys())
    assert bpy.ops.facegen.remove_keys() == {"FINISHED"}
    assert [b.name for b in head().data.shape_keys.key_blocks] == ["Basis"]
    assert len(harness.curves_of(head())) == 2, "the expressions stay"


def test_zero_curves_generate_a_face_at_rest_without_keys() -> None:
    bpy.ops.facegen.generate()
    addon("scene.actions").remove_fcurves(head(), {"facegen.happy", "facegen.surprise"})
    head().facegen.happy = head().facegen.surprise = 0.0
    head().facegen.frame_range = "custom"
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert not facegen_keys() and head().facegen.num_keys == 0  # noqa: PT018


def test_disable_enable_and_uninstall_leave_nothing_registered() -> None:
    import addon_utils

    addon_utils.disable(PACKAGE)
    assert not hasattr(bpy.types.Object, "facegen")
    assert not [name for name in dir(bpy.types) if name.lower().startswith("facegen")]
    assert "match" not in dir(bpy.ops.facegen)
    addon_utils.enable(PACKAGE)
    assert hasattr(bpy.types.Object, "facegen")
    repos = bpy.context.preferences.extensions.repos
    index = next(i for i, repo in enumerate(repos) if repo.module == "user_default")
    bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="facegen")
    assert not hasattr(bpy.types.Object, "facegen")
    left = [p for p in (FOLDER.parent / "user").rglob("*") if p.is_file() and "scipy" in str(p)]
    assert not left, left[:3]


if __name__ == "__main__":
    harness.run(globals())
