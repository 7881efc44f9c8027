"""The named soft regions of the template, from the groups and shapes of ICT-FaceKit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from facegen_core.motion import fit_pose, pose_points
from facegen_core.topology import adjacency, edges_of
from training.ict4d.ict_facekit import IctFaceKit

FloatArray = NDArray[np.floating]

# Vertex groups of the ICT mesh (its README): first and one past the last vertex.
SKIN_GROUP = (0, 14062)
HEAD_GROUP = (9409, 11248)  # scalp, ears' back and neck: what is not face
MOUTH_GROUP = (11248, 13294)
LEFT_SOCKET_GROUP = (13294, 13678)
RIGHT_SOCKET_GROUP = (13678, 14062)
UPPER_TEETH_GROUP = (17039, 19247)
LOWER_TEETH_GROUP = (19247, 21451)

# Landmark chains (300-W numbers) the regions grow from; corners belong to neither half.
UPPER_LIP, LOWER_LIP = (49, 50, 51, 52, 53, 61, 62, 63), (55, 56, 57, 58, 59, 65, 66, 67)
RIGHT_LIDS, LEFT_LIDS = ((37, 38), (41, 40)), ((43, 44), (47, 46))
NOSE = tuple(range(27, 36))

# Soft borders: full weight up to the first distance, none from the second, mm along the skin.
LIP_FALLOFF_MM = (9.0, 22.0)
LID_FALLOFF_MM = (5.0, 14.0)
NOSE_FALLOFF_MM = (9.0, 16.0)
# The face is what some shape moves; below the first it is noise of the scans, mm.
FACE_MOTION_MM = (0.3, 2.5)
FACE_SMOOTHINGS = 12
# The ears: outside of these planes, in the middle of the head (mm of the mean head).
EAR_SIDE_MM = (71.0, 76.0)
EAR_HEIGHT_MM, EAR_DEPTH_MM = (-32.0, 58.0), (-35.0, 24.0)
# The neck begins under a plane from below the chin up to the nape.
NECK_HEIGHT_AT_CHIN_MM, NECK_SLOPE, NECK_SOFTNESS_MM = -88.0, -0.35, 14.0
CHIN_DEPTH_MM = 95.0


@dataclass(frozen=True, eq=False)
class CarriedSkin:
    """The template's skin with what it inherits.

    vertices (V, 3), triangles (F, 3), landmark_positions (68, 3); carry: (V, skin of ICT) matrix.
    """

    vertices: FloatArray
    triangles: NDArray[np.integer]
    landmark_positions: FloatArray
    carry: csr_matrix

    def group(self, group: tuple[int, int]) -> FloatArray:
        """(V,) how much of each vertex belongs to a range of ICT vertices."""
        indicator = np.zeros(self.carry.shape[1])
        indicator[slice(*group)] = 1.0
        return self.carry @ indicator

    def expression(self, model: IctFaceKit, name: str) -> FloatArray:
        """(V, 3) displacement of one shape, mm."""
        return self.carry @ model.expression(name)[slice(*SKIN_GROUP)]


def jaw_pivot(model: IctFaceKit) -> FloatArray:
    """(3,) the middle of the axis about which `jawOpen` turns the lower teeth, mm.

    The point of the symmetry plane that the rigid motion leaves where it is (least squares).
    """
    teeth = model.neutral[slice(*LOWER_TEETH_GROUP)]
    moved = teeth + model.expression("jawOpen")[slice(*LOWER_TEETH_GROUP)]
    pose = fit_pose(teeth, moved, np.zeros(3))
    turn = pose_points(np.eye(3), np.zeros(3), pose[None])[0].T - pose[3:, None] - np.eye(3)
    pivot = np.linalg.lstsq(turn, -pose[3:], rcond=None)[0]
    return np.array([0.0, pivot[1], pivot[2]])


def jaw_poses(model: IctFaceKit, pivot: FloatArray) -> FloatArray:
    """(K, 6) rigid pose about a (3,) pivot by which each shape moves the lower teeth."""
    teeth = slice(*LOWER_TEETH_GROUP)
    rest = model.neutral[teeth]
    return np.array([fit_pose(rest, rest + shape[teeth], pivot) for shape in model.expressions])


def build_regions(model: IctFaceKit, skin: CarriedSkin) -> dict[str, FloatArray]:
    """{name of REGIONS: (V,) float32 in [0, 1]}."""
    distances = _Distances(skin, skin.vertices + 0.35 * skin.expression(model, "jawOpen"))
    bag = np.clip(skin.group(MOUTH_GROUP), 0, 1)
    sockets = {
        "eye_socket_left": np.clip(skin.group(LEFT_SOCKET_GROUP), 0, 1),
        "eye_socket_right": np.clip(skin.group(RIGHT_SOCKET_GROUP), 0, 1),
    }
    outside = 1 - np.minimum(bag + sum(sockets.values()), 1)
    regions = {"mouth_bag": bag, **sockets}
    regions["mouth_bag_lower"] = bag * _follows_jaw(model, skin)
    lips = distances.halves(UPPER_LIP, LOWER_LIP, LIP_FALLOFF_MM)
    regions["upper_lip"], regions["lower_lip"] = (half * (1 - bag) for half in lips)
    for side, (upper, lower) in (("left", LEFT_LIDS), ("right", RIGHT_LIDS)):
        lids = distances.halves(upper, lower, LID_FALLOFF_MM)
        free = outside * (1 - regions["upper_lip"])
        regions[f"upper_lid_{side}"], regions[f"lower_lid_{side}"] = (half * free for half in lids)
    regions["nose"] = _falling(distances.to(NOSE), NOSE_FALLOFF_MM) * outside
    regions["nose"] = regions["nose"] * (1 - regions["upper_lip"])
    regions |= _ears(skin.vertices)
    ears = regions["ear_left"] + regions["ear_right"]
    regions["neck"] = _neck(skin.vertices) * outside
    regions["face"] = _moving(model, skin) * (1 - regions["neck"]) * (1 - ears)
    regions["scalp"] = np.clip(skin.group(HEAD_GROUP), 0, 1) * (1 - regions["neck"]) * (1 - ears)
    return {name: np.clip(r, 0, 1).astype(np.float32) for name, r in regions.items()}


class _Distances:
    """Distances along the skin from landmarks, with the mouth opened so that lips lie apart."""

    def __init__(self, skin: CarriedSkin, open_vertices: FloatArray) -> None:
        edges = edges_of(skin.triangles)
        lengths = np.linalg.norm(open_vertices[edges[:, 0]] - open_vertices[edges[:, 1]], axis=1)
        size = (len(open_vertices), len(open_vertices))
        self.graph = csr_matrix((lengths, (edges[:, 0], edges[:, 1])), shape=size)
        self.nearest = cKDTree(skin.vertices).query(skin.landmark_positions)[1]

    def to(self, landmarks: tuple[int, ...]) -> FloatArray:
        """(V,) mm to the nearest of the landmarks."""
        seeds = self.nearest[list(landmarks)]
        return dijkstra(self.graph, directed=False, indices=seeds, min_only=True)

    def halves(
        self, upper: tuple[int, ...], lower: tuple[int, ...], falloff: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray]:
        """(V,), (V,): soft regions around both chains that meet sharply where they are as near."""
        to_upper, to_lower = self.to(upper), self.to(lower)
        weight = _falling(np.minimum(to_upper, to_lower), falloff)
        is_upper = to_upper < to_lower
        return weight * is_upper, weight * ~is_upper


def _moving(model: IctFaceKit, skin: CarriedSkin) -> FloatArray:
    motions = model.expressions[:, slice(*SKIN_GROUP)]
    largest = np.max([np.linalg.norm(skin.carry @ motion, axis=1) for motion in motions], axis=0)
    moving = _rising(largest, FACE_MOTION_MM)
    links = adjacency(skin.triangles, len(moving))
    counts = np.asarray(links.sum(axis=1)).ravel()
    for _ in range(FACE_SMOOTHINGS):
        moving = 0.5 * moving + 0.5 * (links @ moving) / counts
    return moving


def _follows_jaw(model: IctFaceKit, skin: CarriedSkin) -> FloatArray:
    """(V,) 1 where jawOpen moves the skin like the lower teeth, 0 where like the upper."""
    teeth = slice(*LOWER_TEETH_GROUP)
    pivot, opened = jaw_pivot(model), model.expression("jawOpen")
    pose = fit_pose(model.neutral[teeth], model.neutral[teeth] + opened[teeth], pivot)
    rigid = pose_points(skin.vertices, pivot, pose[None])[0] - skin.vertices
    moved = skin.expression(model, "jawOpen")
    follows = (moved * rigid).sum(axis=1) / np.maximum((rigid**2).sum(axis=1), 1e-6)
    return _rising(follows, (0.15, 0.85))


def _ears(vertices: FloatArray) -> dict[str, FloatArray]:
    x, y, z = vertices.T
    tall = _rising(y, (EAR_HEIGHT_MM[0], EAR_HEIGHT_MM[0] + 8)) * _falling(
        y, (EAR_HEIGHT_MM[1] - 8, EAR_HEIGHT_MM[1])
    )
    deep = _rising(z, (EAR_DEPTH_MM[0], EAR_DEPTH_MM[0] + 8)) * _falling(
        z, (EAR_DEPTH_MM[1] - 8, EAR_DEPTH_MM[1])
    )
    return {
        "ear_left": tall * deep * _rising(x, EAR_SIDE_MM),
        "ear_right": tall * deep * _rising(-x, EAR_SIDE_MM),
    }


def _neck(vertices: FloatArray) -> FloatArray:
    border = NECK_HEIGHT_AT_CHIN_MM + NECK_SLOPE * (vertices[:, 2] - CHIN_DEPTH_MM)
    return _rising(border - vertices[:, 1], (0.0, NECK_SOFTNESS_MM))


def _rising(values: FloatArray, borders: tuple[float, float]) -> FloatArray:
    """Smoothstep: 0 below the first border, 1 above the second."""
    t = np.clip((values - borders[0]) / (borders[1] - borders[0]), 0, 1)
    return t * t * (3 - 2 * t)


def _falling(values: FloatArray, borders: tuple[float, float]) -> FloatArray:
    return 1 - _rising(values, borders)
