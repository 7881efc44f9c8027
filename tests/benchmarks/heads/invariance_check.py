"""Turned, scaled, in another unit, under an object's transform: the same head, the same result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facegen_core import contact, pipeline
from facegen_core.mesh import Mesh
from facegen_core.retarget import retarget
from tests.benchmarks.heads.head_truth import HeadTruth
from tests.benchmarks.heads.motion_trials import bundle, truth_of
from tests.benchmarks.heads.outcome import Outcome, at_most
from tests.benchmarks.heads.trial import try_out
from tests.benchmarks.heads.variations import make

FloatArray = NDArray[np.floating]

LIMIT = 1e-4  # of the size of the head
MOVED = ("turned", "lying", "upside down", "backwards", "in metres")
OBJECT = "object transform"


def invariance(head: int, moved: tuple[str, ...] = (*MOVED, OBJECT)) -> Outcome:
    """Every way of standing somewhere else, against the head as it is."""
    truth = truth_of(head)
    size = float(np.ptp(truth.mesh.vertices[truth.is_skin], axis=0).max())
    still = try_out(make("as is", truth, 1), bundle()).result
    rows, shares = [], []
    for name in moved:
        if name == OBJECT:
            result = _under_object_transform(truth)
        else:
            trial = try_out(make(name, truth, 1), bundle())
            if trial.refusal:
                rows.append((name, f"refused: {trial.refusal}"))
                shares.append(float("inf"))
                continue
            result = trial.result
        shares.append(float(np.linalg.norm(result - still, axis=2).max() / size))
        rows.append((name, f"{shares[-1]:.1e}"))
    return Outcome(
        "Rotation, scale, unit, object transform",
        (at_most("rotation, scale, unit, object transform", "same to 1e-4 of head size", LIMIT,
                 shares, "of head size"),),
        f"{truth.name}; the largest difference of any vertex in any motion from the result of the "
        "head as it is. Object transform: turned and scaled unevenly in Blender, gathered and "
        "handed back as the add-on does it.",
        ("moved", "largest difference / head size"),
        tuple(rows),
    )  # fmt: skip


def _under_object_transform(truth: HeadTruth) -> FloatArray:
    """(T, M, 3) mm of a head whose mesh is squeezed and whose object stretches it back."""
    import bpy

    from blender_addon.scene import axes
    from blender_addon.scene.mesh_bridge import gather

    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", [0.3, -0.5, 1.1]).as_matrix() * [0.02, 0.5, 3.0]
    matrix[:3, 3] = [3.0, -2.0, 0.5]
    world = truth.mesh.vertices @ axes.BLENDER_FROM_CORE.T
    inverse = np.linalg.inv(matrix)
    local = Mesh(world @ inverse[:3, :3].T + inverse[:3, 3], truth.mesh.polygon_vertices,
                 truth.mesh.polygon_starts)  # fmt: skip
    data = bpy.data.meshes.new("head")
    polygons = np.split(local.polygon_vertices, local.polygon_starts[1:-1])
    data.from_pydata(local.vertices.tolist(), [], [p.tolist() for p in polygons])
    item = bpy.data.objects.new("head", data)
    bpy.context.scene.collection.objects.link(item)
    try:
        item.matrix_world = matrix.T.tolist()
        bpy.context.view_layer.update()
        head = gather([item])
        alignment = pipeline.match(head.mesh, bundle())
        moved, _ = contact.resolve_clip(alignment, retarget(truth.motion, alignment))
        in_object = head.parts[0].local_displacements(moved)
        in_world = in_object @ np.array(item.matrix_world)[:3, :3].T
    finally:
        bpy.data.objects.remove(item)
        bpy.data.meshes.remove(data)
    return in_world @ axes.BLENDER_FROM_CORE
