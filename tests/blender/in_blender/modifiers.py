"""Heads under modifiers: half a head with Mirror is matched whole, others change nothing."""

from __future__ import annotations

import bpy
import harness
import numpy as np
from harness import addon, close, world_positions

mesh_bridge, mirror, axes = addon("scene.mesh_bridge"), addon("scene.mirror"), addon("scene.axes")
generate, viewport = addon("operators.generate"), addon("scene.viewport")


def evaluated(obj: bpy.types.Object) -> tuple[np.ndarray, set[frozenset[int]]]:
    """Vertices and polygons of the object under its modifiers, in its own space."""
    mesh = obj.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    vertices = np.array([v.co for v in mesh.vertices])
    return vertices, {tuple(p.vertices) for p in mesh.polygons}


def same_as_blender(obj: bpy.types.Object) -> None:
    """Our whole is what Blender's modifier makes, vertex by vertex and polygon by polygon."""
    own = mesh_bridge.neutral_vertices(obj.data)
    made = mirror.mirroring_of(obj, own, mesh_bridge._polygons(obj.data))
    vertices, polygons = evaluated(obj)
    whole = made.whole(own)
    assert whole.shape == vertices.shape, (whole.shape, vertices.shape)
    close(np.sort(whole, axis=0), np.sort(vertices, axis=0), 1e-5)
    nearest = np.linalg.norm(vertices[:, None] - whole[None], axis=2).argmin(axis=1)
    close(whole[nearest], vertices, 1e-5)
    corners, firsts = made.polygons
    ours = {tuple(p) for p in np.split(corners, firsts[1:])}
    area = lambda points, found: sum(normal(points[list(p)]) for p in found)  # noqa: E731
    close(area(whole, ours), area(vertices, polygons), 1e-4)
    assert len(ours) == len(polygons)
    assert {frozenset(nearest[list(p)]) for p in polygons} == {frozenset(p) for p in ours}
    close(made.half(whole)[made.own >= 0], own[made.own >= 0], 1e-4)


def normal(points: np.ndarray) -> np.ndarray:
    """Area vector of a polygon; its sum tells whether mirrored polygons face the same way out."""
    return np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2 + abs(
        np.dot(points.mean(axis=0), np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0))
    )


def half_grid() -> bpy.types.Object:
    """A bumpy grid on one side of x = 0 with a row of vertices on the plane."""
    harness.empty_scene()
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=5, y_subdivisions=4, size=2)
    obj = bpy.context.active_object
    generator = np.random.default_rng(0)
    for vertex in obj.data.vertices:
        vertex.co.x = (vertex.co.x + 1) / 2
        vertex.co.z += generator.uniform(-0.2, 0.2)
        vertex.co.y += generator.uniform(-0.05, 0.05)
    return obj


def test_mirror_is_repeated_as_blender_does_it() -> None:
    obj = half_grid()
    modifier = obj.modifiers.new("Mirror", "MIRROR")
    same_as_blender(obj)
    modifier.use_mirror_merge = False
    whole = evaluated(obj)[0]
    assert len(whole) == 2 * len(obj.data.vertices)
    modifier.use_mirror_merge = True
    modifier.use_axis[1] = True
    modifier.merge_threshold = 1e-4
    same_as_blender(obj)


def test_mirror_about_another_object_is_repeated_too() -> None:
    obj = half_grid()
    bpy.ops.object.empty_add(location=(-0.3, 0.1, 0.2), rotation=(0.1, 0.2, 0.3))
    obj.modifiers.new("Mirror", "MIRROR").mirror_object = bpy.context.active_object
    obj.location, obj.scale = (0.5, -1.0, 0.2), (1.0, 2.0, 1.5)
    bpy.context.view_layer.update()
    same_as_blender(obj)


def test_a_modifier_that_is_off_counts_for_nothing() -> None:
    obj = half_grid()
    obj.modifiers.new("Mirror", "MIRROR").show_viewport = False
    obj.modifiers.new("Subdivision", "SUBSURF")
    gathered = mesh_bridge.gather([obj])
    assert gathered.mesh.num_vertices == len(obj.data.vertices)
    assert not gathered.notes


def test_bisecting_leaves_one_side() -> None:
    harness.empty_scene()
    ball = harness.new_sphere("Ball")
    ball.data.transform(((1, 0, 0, 0.11), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))
    modifier = ball.modifiers.new("Mirror", "MIRROR")
    modifier.use_bisect_axis[0] = True
    for is_flipped in (False, True):
        modifier.use_bisect_flip_axis[0] = is_flipped
        blenders = evaluated(ball)[0]
        ours = mesh_bridge.gather([ball]).mesh.vertices
        close(np.ptp(ours[:, 0]), np.ptp(blenders[:, 0]), 1e-3)
        close(ours[:, 0].mean(), 0.0, 1e-3)


def half_head() -> bpy.types.Object:
    """The left half of the sample head, under a Mirror modifier."""
    import bmesh  # there only once bpy is

    harness.empty_scene()
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    if head.data.shape_keys:
        head.shape_key_clear()
    work = bmesh.new()
    work.from_mesh(head.data)
    bmesh.ops.bisect_plane(
        work,
        geom=[*work.verts, *work.edges, *work.faces],
        dist=1e-6,
        plane_co=(0, 0, 0),
        plane_no=(1, 0, 0),
        clear_inner=True,
    )
    work.to_mesh(head.data)
    work.free()
    head.modifiers.new("Mirror", "MIRROR").merge_threshold = 1e-5
    return head


def test_half_a_head_is_matched_as_a_whole_face_and_moves_on_both_sides() -> None:
    head = half_head()
    num_half = len(head.data.vertices)
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert head.facegen.verdict == "good", head.facegen.residual_mean_mm
    assert "Mirror" in head.facegen.warnings
    assert "lost" in head.facegen.warnings
    bpy.ops.facegen.add_expression(
        expression="happy", onset_start=1, apex_start=5, apex_end=7, offset_end=10
    )
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    keys = head.data.shape_keys.key_blocks
    assert all(len(block.data) == num_half for block in keys)
    rest, apex = world_positions(head, 1), world_positions(head, 6)
    assert len(rest) > 1.8 * num_half
    moved = np.linalg.norm(apex - rest, axis=1)
    for side in (-1, 1):
        assert moved[side * rest[:, 0] > 0.005].max() > 0.003, "both mouth corners rise"
    on_plane = np.abs(rest[:, 0]) < 1e-6
    assert on_plane.sum() > 30
    assert np.abs(apex[on_plane, 0]).max() < 1e-6, "the middle stays closed"
    assert len(apex) == len(rest), "and merged"


def test_the_viewport_of_a_mirrored_head_is_what_was_generated() -> None:
    head = bpy.context.active_object
    request = generate.request_generate(bpy.context, head)
    generated = generate.run_generate(request)
    gathered, scale = generated.match.head, generated.clip.mm_per_unit
    row = list(request.frames).index(6)
    wanted = gathered.mesh.vertices + generated.clip.displacements[row]
    shown = viewport.vertices_at(gathered, 6)
    distances = np.linalg.norm(shown - wanted, axis=1) * scale
    own = gathered.mesh.vertices[:, 0] > 1e-5
    assert distances[own].max() < 0.15, "the half is the motion that was made for it"
    assert distances[~own].max() < 3.0, "the other half repeats it"


def test_subsurf_armature_and_keys_on_top_change_nothing() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    plain = mesh_bridge.gather([head])
    head.shape_key_add(name="Basis")
    own = head.shape_key_add(name="Own")
    own.data[0].co.z += 0.1
    own.value = 0.7
    bpy.ops.object.armature_add(location=(0, 0, 0))
    rig = bpy.context.active_object
    rig.pose.bones[0].rotation_mode = "XYZ"
    rig.pose.bones[0].rotation_euler = (0.5, 0.2, 0.1)
    group = head.vertex_groups.new(name=rig.pose.bones[0].name)
    group.add(range(len(head.data.vertices)), 1.0, "REPLACE")
    head.modifiers.new("Armature", "ARMATURE").object = rig
    head.modifiers.new("Subdivision", "SUBSURF").levels = 1
    bpy.context.view_layer.update()
    harness.activate(head)
    under = mesh_bridge.gather([head])
    assert under.fingerprint == plain.fingerprint
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert head.facegen.verdict == "good"
    bpy.ops.facegen.add_expression(
        expression="happy", onset_start=1, apex_start=5, apex_end=7, offset_end=10
    )
    before = harness.key_positions(own).copy()
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    keys = head.data.shape_keys.key_blocks
    close(harness.key_positions(keys["Own"]), before, 0.0)
    assert abs(keys["Own"].value - 0.7) < 1e-6
    assert np.abs(world_positions(head, 6) - world_positions(head, 1)).max() > 0.003


if __name__ == "__main__":
    harness.run(globals())
