"""What is missing from a head, closed on it, or put over it: each a variation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from facegen_core.mesh import Mesh
from tests.benchmarks.heads import blender_edits
from tests.benchmarks.heads.head_truth import HeadTruth
from tests.benchmarks.heads.variation import (
    Variation,
    as_made,
    joined,
    polygons_of,
    polygons_within,
    selected,
)
from training.template_building.template_regions import MOUTH_GROUP

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]

# mm: thickness of a cap of hair, a seam that closes.
HAIR_MM, SEAM_MM = 7.0, 0.4
EYE_PARTS = ("eyeball_left", "eyeball_right", "eye_surroundings", "lashes")


def skin_of(truth: HeadTruth) -> Variation:
    return only(truth, "skin")


def only(truth: HeadTruth, *groups: str) -> Variation:
    keep = np.zeros(truth.mesh.num_vertices, bool)
    for name in groups:
        keep[truth.groups[name]] = True
    return of_vertices(truth, keep)


def without(truth: HeadTruth, *groups: str) -> Variation:
    keep = np.ones(truth.mesh.num_vertices, bool)
    for name in groups:
        keep[truth.groups.get(name, [])] = False
    return of_vertices(truth, keep)


def of_vertices(truth: HeadTruth, keep: BoolArray) -> Variation:
    whole = as_made(truth)
    return selected(whole, "", polygons_within(whole, keep))


def holes(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """Six holes of some 12 mm in the skin, anywhere but at eyes and mouth."""
    vertices, keep = truth.mesh.vertices, np.ones(truth.mesh.num_vertices, bool)
    marks = vertices[truth.is_outer_face] if truth.landmarks is None else truth.landmarks[36:]
    allowed = np.flatnonzero(
        truth.is_skin & (np.linalg.norm(vertices[:, None] - marks, axis=2).min(axis=1) > 18.0)
    )
    for centre in vertices[rng.choice(allowed, 6, replace=False)]:
        keep &= np.linalg.norm(vertices - centre, axis=1) > 6.0
    return of_vertices(truth, keep | ~truth.is_skin)


def eyes_removed(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return without(truth, *EYE_PARTS)


def mouth_sealed(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """No mouth bag, no teeth; the lips are one sheet."""
    keep = np.ones(truth.mesh.num_vertices, bool)
    keep[slice(*MOUTH_GROUP)] = False
    for name in ("gums_and_tongue", "upper_teeth", "lower_teeth"):
        keep[truth.groups[name]] = False
    opened = of_vertices(truth, keep)
    mesh = _with_mouth_filled(opened)
    return replace(opened, mesh=mesh)


def neck_and_ears_cut(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """A mask: what is left of the head without neck, ears and nape."""
    regions = truth.regions
    gone = regions["ear_left"] + regions["ear_right"] + regions["neck"] > 0.4
    return of_vertices(truth, ~(gone | (below_chin(truth, 5.0) & truth.is_skin)))


def face_only(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """The front of the head alone, as phones scan it."""
    behind = truth.mesh.vertices[:, 2] < np.quantile(truth.mesh.vertices[truth.is_skin, 2], 0.35)
    gone = truth.is_skin & (behind | below_chin(truth, 15.0))
    return of_vertices(truth, ~gone)


def half(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """What lies under a Mirror modifier that has not been applied."""
    return _half(truth)


def mirrored(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """One half and its image, as the Mirror modifier shows them."""
    one = _half(truth)
    mesh = blender_edits.mirrored(one.mesh, SEAM_MM)
    is_image = mesh.vertices[:, 0] < -SEAM_MM
    unfolded = mesh.with_vertices(mesh.vertices * np.where(is_image[:, None], [-1, 1, 1], 1))
    nearest = cKDTree(one.mesh.vertices).query(unfolded.vertices)[1]
    return replace(
        one,
        mesh=mesh,
        origins=one.origins[nearest],
        is_known=one.is_known[nearest],
        mirrored=is_image,
        is_same_face=False,
    )


def hair_cap(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """A shell of hair over the skull, down to the brows and over the ears."""
    skin = skin_of(truth)
    regions, count = truth.regions, skin.mesh.num_vertices
    cover = regions["scalp"] + regions["ear_left"] + regions["ear_right"]
    is_hair = (cover[:count] > 0.3) & ~below_chin(truth, -20.0)[:count]
    if truth.landmarks is not None:  # a fringe that covers half of the forehead
        is_hair |= skin.mesh.vertices[:, 1] > truth.landmarks[17:27, 1].max() + 30.0
    cap = selected(skin, "", polygons_within(skin, is_hair))
    normals = cap.mesh.vertex_normals
    outward = cap.mesh.with_vertices(cap.mesh.vertices + HAIR_MM * normals)
    nothing = sparse.csr_matrix(cap.origins.shape)
    cap = replace(cap, mesh=outward, origins=nothing, is_known=np.zeros(len(normals), bool))
    return joined("", [as_made(truth), cap])


def _half(truth: HeadTruth) -> Variation:
    """The left half (x > 0); vertices of the seam are drawn onto the plane of symmetry."""
    whole = as_made(truth)
    vertices = truth.mesh.vertices.copy()
    middle = (
        0.0 if truth.landmarks is None else truth.landmarks[[27, 28, 29, 30, 33, 51]].mean(0)[0]
    )
    vertices[:, 0] -= middle
    mesh = truth.mesh
    sums = np.add.reduceat(vertices[mesh.polygon_vertices, 0], mesh.polygon_starts[:-1])
    is_left = sums > 0.0
    of_left = np.repeat(is_left, np.diff(mesh.polygon_starts))
    used = np.zeros((2, mesh.num_vertices), bool)
    used[0, mesh.polygon_vertices[of_left]] = used[1, mesh.polygon_vertices[~of_left]] = True
    vertices[used.all(axis=0), 0] = 0.0  # what both halves use is the seam
    kept = selected(whole, "", is_left, vertices)
    back = np.eye(4)
    back[0, 3] = middle
    return replace(kept, to_truth=back, is_same_face=False)


def below_chin(truth: HeadTruth, distance_mm: float) -> BoolArray:
    """(P,) vertices lower than the chin by more than so much; the nape counts from higher."""
    vertices = truth.mesh.vertices
    if truth.landmarks is None:
        face = vertices[truth.is_outer_face]
        chin = face[face[:, 1].argmin()]
    else:
        chin = truth.landmarks[8]
    slope = 0.35 * np.maximum(chin[2] - vertices[:, 2], 0.0)
    return vertices[:, 1] < chin[1] - distance_mm + slope


def _with_mouth_filled(opened: Variation) -> Mesh:
    """The loop around the lips closed; eyes, neck and other openings stay."""
    mesh = opened.mesh
    filled = blender_edits.with_holes_filled(mesh)
    lips = opened.share(opened.truth.regions["upper_lip"] + opened.truth.regions["lower_lip"])
    new = polygons_of(filled)[mesh.num_polygons :]
    kept = [p for p in new if lips[p].mean() > 0.3]
    return Mesh.from_polygons(mesh.vertices, [*polygons_of(mesh), *kept])
