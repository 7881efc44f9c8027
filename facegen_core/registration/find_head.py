"""Find the head anywhere in a target: alone, on a bust, on a body, in any unit and turn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh import vertex_normals
from ..progress import Progress, no_progress, subprogress
from ..template import Template
from .closest_points import farthest_points, unit
from .head_candidates import (
    SAMPLE_SPACING_MM,
    Candidates,
    SurfaceSamples,
    distinct,
    find_candidates,
    sample_by_area,
)
from .rigid import similarity_columns, similarity_step
from .target import SearchTarget

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

NUM_TARGET_SAMPLES = 24_000
MAX_DETAILS = 60_000
NUM_FACE_POINTS = 48  # compared from afar
NUM_ALIGNED_POINTS = 160  # aligned closely
NUM_CLOSE_LOOKS = 24  # guesses that are aligned
NUM_QUICK_LOOKS = 400  # guesses that are aligned roughly, to see which are worth a close look
QUICK_STEPS, CLOSE_STEPS = 8, 24
# Reach of the robust weight while aligning, mm: wide first, then only what really touches.
QUICK_REACH_MM = (40.0, 22.0)
CLOSE_REACH_MM = (24.0, 9.0)
NUM_NEIGHBOURS = 4
LOOKING = "Looking for the head"


@dataclass(frozen=True, eq=False)
class FaceModel:
    """What the search compares: points of the template's outer skin.

    samples: the skin evenly by area; middle (3,) of the face; far and near: vertex indices spread
    over the face; vertices (V, 3) and normals (V, 3) of the template, mm.
    """

    samples: SurfaceSamples
    middle: FloatArray
    far: IntArray
    near: IntArray
    vertices: FloatArray
    normals: FloatArray


def face_model(template: Template) -> FaceModel:
    """Prepare the template for the search."""
    vertices = np.asarray(template.vertices, np.float64)
    normals = vertex_normals(vertices, template.triangles)
    area = template.mesh.face_areas.sum()
    samples = sample_by_area(
        vertices, template.triangles, normals, int(area / SAMPLE_SPACING_MM**2)
    )
    face = np.flatnonzero(outer_face(template))
    spread = face[farthest_points(vertices[face], NUM_ALIGNED_POINTS)[0]]
    middle = template.landmark_positions[[30, 39, 42, 48, 54]].mean(axis=0)
    return FaceModel(samples, middle, spread[:NUM_FACE_POINTS], spread, vertices, normals)


def outer_face(template: Template) -> NDArray[np.bool_]:
    """(V,) the face without the inside of mouth and eye sockets."""
    regions = template.regions
    inside = regions["mouth_bag"] + regions["eye_socket_left"] + regions["eye_socket_right"]
    return (regions["face"] > 0.5) & (inside < 0.5)


def find_heads(
    model: FaceModel, target: SearchTarget, num_kept: int = 4, progress: Progress = no_progress
) -> Candidates:
    """The best few guesses of template mm → the target's frame, aligned and ranked."""
    progress(0.0, LOOKING)
    triangles = target.triangles[target.main_triangles()]
    samples = sample_by_area(target.vertices, triangles, target.normals, NUM_TARGET_SAMPLES)
    far = model.far
    guesses = find_candidates(
        model.samples, model.middle, model.vertices[far], model.normals[far], samples
    )
    quick = guesses.at(np.arange(min(NUM_QUICK_LOOKS, len(guesses.scales))))
    first = subprogress(progress, 0.3, 0.6)
    quick = align_all(quick, model, far, samples, QUICK_REACH_MM, QUICK_STEPS, first)
    starts = distinct(quick, NUM_CLOSE_LOOKS, model.middle)
    detailed = _with_details(samples, target, triangles)
    second = subprogress(progress, 0.6, 1.0)
    aligned = align_all(starts, model, model.near, detailed, CLOSE_REACH_MM, CLOSE_STEPS, second)
    return distinct(aligned, num_kept, model.middle)


def _with_details(
    samples: SurfaceSamples, target: SearchTarget, triangles: IntArray
) -> SurfaceSamples:
    """More samples where the artist spent triangles: faces are finer than torsos."""
    rows = triangles[:: -(-len(triangles) // MAX_DETAILS)]
    middles = target.vertices[rows].mean(axis=1)
    normals = unit(target.normals[rows].mean(axis=1))
    return SurfaceSamples(
        np.concatenate([samples.positions, middles]),
        np.concatenate([samples.normals, normals]),
        samples.area,
    )


def align_all(
    starts: Candidates,
    model: FaceModel,
    rows: IntArray,
    target: SurfaceSamples,
    reach_mm: tuple[float, float],
    num_steps: int,
    progress: Progress = no_progress,
) -> Candidates:
    """Closest-point alignment of every start at once, ranked by how much of the face agrees.

    Point to plane (Chen & Medioni 1992) over the seven parameters of a similarity, with Tukey
    weights of shrinking reach in place of hard trimming. rows: the template vertices to compare.
    """
    points, normals = model.vertices[rows], model.normals[rows]
    tree = cKDTree(target.positions)
    scales, rotations, translations = starts.scales, starts.rotations, starts.translations
    for step in range(num_steps + 1):
        progress(step / num_steps, LOOKING)
        reach = reach_mm[0] * (reach_mm[1] / reach_mm[0]) ** (step / num_steps)
        turned = np.einsum("hij,pj->hpi", rotations, normals)
        shape = np.einsum("hij,pj->hpi", rotations, points) * scales[:, None, None]
        moved = shape + translations[:, None]
        goals, goal_normals = _nearest_facing(tree, target, moved, turned)
        offsets = (goals - moved) / scales[:, None, None]  # mm
        agreement = np.clip(np.sum(goal_normals * turned, axis=-1), 0.0, 1.0)
        far = np.linalg.norm(offsets, axis=-1) / reach
        weights = agreement * np.clip(1.0 - far**2, 0.0, 1.0) ** 2
        if step == num_steps:
            break
        centres = moved.mean(axis=1)
        local = (moved - centres[:, None]) / scales[:, None, None]  # mm
        increments = _solve(local, offsets, goal_normals, weights)
        growth, turns, shifts = similarity_step(increments)
        rotations = turns @ rotations
        moved_centres = centres + shifts * scales[:, None]
        translations = moved_centres + growth[:, None] * np.einsum(
            "hij,hj->hi", turns, translations - centres
        )
        scales = scales * growth
    scores = weights.mean(axis=1)
    order = np.argsort(-scores, kind="stable")
    return Candidates(scales, rotations, translations, scores).at(order)


def _nearest_facing(
    tree: cKDTree, target: SurfaceSamples, points: FloatArray, normals: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(H, P, 3) nearest samples that face the same way, and their normals."""
    flat, facing = points.reshape(-1, 3), normals.reshape(-1, 3)
    distances, rows = tree.query(flat, k=NUM_NEIGHBOURS, workers=-1)
    agreement = np.einsum("nkx,nx->nk", target.normals[rows], facing)
    distances = np.where(agreement > 0.3, distances, np.inf)
    chosen = rows[np.arange(len(rows)), distances.argmin(axis=1)]
    return (
        target.positions[chosen].reshape(points.shape),
        target.normals[chosen].reshape(points.shape),
    )


def _solve(
    points: FloatArray, offsets: FloatArray, normals: FloatArray, weights: FloatArray
) -> FloatArray:
    """(H, 7) increments; points and offsets (H, P, 3) in mm about each middle."""
    columns = similarity_columns(points)  # (H, P, 3, 7)
    planes = np.einsum("hpi,hpik->hpk", normals, columns)
    heights = np.sum(normals * offsets, axis=-1)
    system = np.einsum("hp,hpk,hpl->hkl", weights, planes, planes)
    goal = np.einsum("hp,hpk,hp->hk", weights, planes, heights)
    # A little of the point-to-point pull keeps flat neighbourhoods from sliding away.
    pull = 0.05
    system += pull * np.einsum("hp,hpik,hpil->hkl", weights, columns, columns)
    goal += pull * np.einsum("hp,hpik,hpi->hk", weights, columns, offsets)
    diagonal = 1e-6 * np.trace(system, axis1=1, axis2=2)[:, None] + 1e-9
    system[:, np.arange(7), np.arange(7)] += diagonal
    increments = np.linalg.solve(system, goal[..., None])[..., 0]
    limits = np.array([0.3] * 3 + [15.0] * 3 + [0.15])  # radians, mm, log scale a step
    return np.clip(increments, -limits, limits)
