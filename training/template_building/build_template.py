"""Building the template: our own remesh of the ICT mean skin, with everything carried over.

The skin is remeshed with the mouth half open, where lips and the two halves of the mouth bag lie
apart, and then brought back to rest by the barycentrics it was found with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.hierarchy import build_hierarchy
from facegen_core.landmarks import Landmarks
from facegen_core.mesh import vertex_normals
from facegen_core.progress import Progress, no_progress
from facegen_core.template import Template
from training.ict4d.ict_facekit import IctFaceKit
from training.template_building.catmull_clark import catmull_clark, triangulated
from training.template_building.edge_flips import align_edges
from training.template_building.remesh import remesh
from training.template_building.surface import Surface
from training.template_building.template_inner_parts import build_inner_parts
from training.template_building.template_regions import (
    HEAD_GROUP,
    LEFT_SOCKET_GROUP,
    MOUTH_GROUP,
    RIGHT_SOCKET_GROUP,
    SKIN_GROUP,
    CarriedSkin,
    build_regions,
    jaw_pivot,
    jaw_poses,
)

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# How far the jaw is opened for remeshing: lips 8 mm apart, skin stretched little.
REMESH_JAW_OPEN = 0.35
NOSE_TIP_LANDMARK = 30

# Wanted edge lengths, mm: far from lips, lids and nose, and at most this steep in between.
GROUP_LENGTHS_MM = {
    SKIN_GROUP: 3.8,
    HEAD_GROUP: 9.5,
    MOUTH_GROUP: 5.4,
    LEFT_SOCKET_GROUP: 3.2,
    RIGHT_SOCKET_GROUP: 3.2,
}
MAX_LENGTH_GRADIENT = 0.2


@dataclass(frozen=True)
class _Feature:
    """Landmark chains along which edges are short: length mm within `reach` mm, then growing."""

    chains: tuple[tuple[int, ...], ...]
    length: float
    reach: float
    growth: float


FEATURES = (
    _Feature(((*range(48, 60), 48), (*range(60, 68), 60)), 1.4, 4.5, 0.12),  # lips
    _Feature(((*range(36, 42), 36), (*range(42, 48), 42)), 1.1, 2.5, 0.13),  # lids
    _Feature((tuple(range(27, 31)), tuple(range(31, 36))), 2.1, 9.0, 0.13),  # nose
)


@dataclass(frozen=True, eq=False)
class TemplateBuild:
    """The template, and the K expression shapes of the mean face.

    expressions: (K, V, 3) displacements of the skin, mm. jaw_poses: (K, 6) what each shape does to
    the lower teeth, about the template's jaw pivot.
    """

    template: Template
    expression_names: tuple[str, ...]
    expressions: FloatArray
    jaw_poses: FloatArray


def build_template(model: IctFaceKit, progress: Progress = no_progress) -> TemplateBuild:
    """Remesh the skin, carry identity modes and shapes, find landmarks, regions and inner parts.

    Takes about a minute on one core; the same model gives the same bytes.
    """
    progress(0.0, "remeshing the skin")
    skin = _remeshed_skin(model)
    progress(0.5, "naming regions")
    regions = build_regions(model, skin)
    progress(0.6, "thinning the inner parts")
    inner_parts = build_inner_parts(model)
    progress(0.8, "building the hierarchy")
    landmarks = _landmarks(skin)
    tip = int(
        np.linalg.norm(skin.vertices - skin.landmark_positions[NOSE_TIP_LANDMARK], axis=1).argmin()
    )
    modes = model.identity_basis[:, slice(*SKIN_GROUP)]
    shapes = model.expressions[:, slice(*SKIN_GROUP)]
    template = Template(
        vertices=skin.vertices.astype(np.float32),
        triangles=skin.triangles,
        landmarks=landmarks,
        regions=regions,
        identity_basis=np.stack([skin.carry @ mode for mode in modes]).astype(np.float32),
        inner_parts=inner_parts,
        jaw_pivot=jaw_pivot(model).astype(np.float32),
        hierarchy=build_hierarchy(skin.vertices, skin.triangles, reference_vertex=tip),
    )
    carried = np.stack([skin.carry @ shape for shape in shapes]).astype(np.float32)
    poses = jaw_poses(model, template.jaw_pivot)
    return TemplateBuild(template, model.expression_names, carried, poses)


def _remeshed_skin(model: IctFaceKit) -> CarriedSkin:
    rest = model.neutral[slice(*SKIN_GROUP)]
    opened = rest + REMESH_JAW_OPEN * model.expression("jawOpen")[slice(*SKIN_GROUP)]
    is_skin = (model.polygons < SKIN_GROUP[1]).all(axis=1)
    polygons = model.polygons[is_skin]
    once, quads = catmull_clark(polygons, len(rest))
    twice, fine_quads = catmull_clark(quads, once.shape[0])
    smooth = (twice @ once).tocsr()
    lengths = target_lengths(model, polygons)
    coarse_surface = Surface(once @ opened, triangulated(quads))
    vertices, triangles = remesh(coarse_surface, once @ lengths, opened, triangulated(polygons))
    opened_surface = Surface(smooth @ opened, triangulated(fine_quads))
    places = opened_surface.closest(vertices, vertex_normals(vertices, triangles))
    carry = (opened_surface.carry_matrix(*places) @ smooth).tocsr()
    triangles = align_edges(opened_surface, carry @ opened, triangles)
    rest_surface = Surface(smooth @ rest, opened_surface.triangles)
    triangles = align_edges(rest_surface, carry @ rest, triangles)
    landmarks = (smooth @ rest)[model.landmark_vertices]  # old vertices come first when subdivided
    return CarriedSkin(carry @ rest, triangles, landmarks, carry)


def target_lengths(model: IctFaceKit, polygons: IntArray) -> FloatArray:
    """(skin vertices of ICT,) wanted edge length of the template, mm."""
    rest = model.neutral[slice(*SKIN_GROUP)]
    lengths = np.empty(len(rest))
    for group, length in GROUP_LENGTHS_MM.items():
        lengths[slice(*group)] = length
    landmarks = model.neutral[model.landmark_vertices]
    for feature in FEATURES:
        points = np.concatenate([_dense_chain(landmarks[list(chain)]) for chain in feature.chains])
        beyond = np.maximum(cKDTree(points).query(rest)[0] - feature.reach, 0)
        lengths = np.minimum(lengths, feature.length + feature.growth * beyond)
    return _graded(rest, polygons, lengths)


def _dense_chain(points: FloatArray, steps: int = 20) -> FloatArray:
    """(N, 3) points along a polyline."""
    t = np.linspace(0, 1, steps)[:, None, None]
    return (points[:-1] * (1 - t) + points[1:] * t).reshape(-1, 3)


def _graded(vertices: FloatArray, polygons: IntArray, lengths: FloatArray) -> FloatArray:
    """Lower lengths until they grow no steeper than MAX_LENGTH_GRADIENT along the edges."""
    following = np.where(polygons < 0, polygons[:, :1], np.roll(polygons, -1, axis=1))
    edges = np.stack([polygons, following], axis=-1)[polygons >= 0]
    edges = edges[(edges >= 0).all(axis=1)]
    steps = MAX_LENGTH_GRADIENT * np.linalg.norm(
        vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1
    )
    while True:
        lowered = lengths.copy()
        np.minimum.at(lowered, edges[:, 0], lengths[edges[:, 1]] + steps)
        np.minimum.at(lowered, edges[:, 1], lengths[edges[:, 0]] + steps)
        if np.array_equal(lowered, lengths):
            return lengths
        lengths = lowered


def _landmarks(skin: CarriedSkin) -> Landmarks:
    """The ICT landmarks as places on the template's skin."""
    surface = Surface(skin.vertices.astype(np.float64), skin.triangles)
    nearest = cKDTree(skin.vertices).query(skin.landmark_positions)[1]
    normals = vertex_normals(skin.vertices, skin.triangles)[nearest]
    triangle_indices, barycentrics = surface.closest(skin.landmark_positions, normals)
    return Landmarks(triangle_indices, barycentrics)
