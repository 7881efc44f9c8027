"""What lies on the head or around it: brows, hair, beard, glasses, jewellery, clothes, body."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .scene import Scene

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Brows lie on the skin at the brow.
_BROW_REACH_MM, _BROW_HEIGHT_MM = 14.0, 6.0
# Hair starts at most this far over the scalp; most of a part within the first reach is at the head.
_HAIR_REACH_MM, _HAIR_SHARE, _ROOT_MM = 60.0, 0.3, 12.0
_ROOT_SHARE = 0.03
# A beard grows on the lower face and hangs this far at most.
_BEARD_MM, _BEARD_SHARE = 90.0, 0.5
# Flat on the skin: decals, stubble, stickers. Small and touching it: piercings, beads.
_ON_SKIN_MM, _JEWEL_SIZE_MM, _TOUCH_MM = 4.0, 40.0, 2.5
# What is small and hangs on an ear is an earring, not a beard.
_EAR_REACH_MM = 25.0
# Glasses: a frame from eye to eye at their height that nears the nose, glass before one eye, and
# temples beside the head; heights and sizes in distances between the eyes.
_FRAME_WIDTH, _GLASS_WIDTH, _GLASS_HEIGHT, _TEMPLE_LENGTH = 1.3, (0.35, 1.1), 0.75, 0.8
_BRIDGE_MM, _GLASS_CLEARANCE_MM = 14.0, 1.0


def head_kind(scene: Scene, indices: IntArray) -> tuple[str, float]:
    """Kind and confidence of a loose part, (P,) welded vertices, that is not skin, eye or mouth."""
    points, to_skin = scene.surface.vertices[indices], scene.matches.distances[indices]
    to_brows = cKDTree(scene.fit.landmarks[17:27]).query(points)[0]
    reach = float(np.percentile(to_brows, 90))
    if reach < _BROW_REACH_MM and to_skin.max() < _BROW_HEIGHT_MM:
        return "brows", 1.0 - 0.5 * max(reach / _BROW_REACH_MM, to_skin.max() / _BROW_HEIGHT_MM)
    if _is_glasses(scene, points):
        return "glasses", 0.7
    is_small = np.ptp(points, axis=0).max() < _JEWEL_SIZE_MM and to_skin.min() < _TOUCH_MM
    if is_small and scene.ears.query(points)[0].max() < _EAR_REACH_MM:
        return "jewellery", 0.6
    shares = _root_shares(scene, indices)
    chin_height, brow_height = scene.fit.landmarks[8, 1], scene.fit.landmarks[17:27, 1].mean()
    is_at_head = (points[:, 1] > chin_height) & (to_skin < _HAIR_REACH_MM)
    if shares["beard"] > _BEARD_SHARE and to_skin.max() < _BEARD_MM:
        return "beard", 0.5 + 0.4 * shares["beard"]
    if shares["hair"] > _BEARD_SHARE and points[:, 1].max() > brow_height:
        return "hair", 0.4 + 0.5 * max(shares["hair"], float(is_at_head.mean()))
    if is_at_head.mean() < _HAIR_SHARE:
        return ("clothes" if is_at_head.any() or to_skin.min() < _HAIR_REACH_MM else "body"), 0.5
    if np.percentile(to_skin, 90) < _ON_SKIN_MM:
        return "patch", 0.6
    if is_small:
        return "jewellery", 0.5
    if points[:, 1].max() > brow_height:
        return "hair", 0.5
    return "unknown", 0.3


def _root_shares(scene: Scene, indices: IntArray) -> dict[str, float]:
    """Of what a part has close to the skin, the share over scalp ("hair") and jaw ("beard").

    Both are 0 where too little of the part comes near the skin.
    """
    matches, template = scene.matches, scene.template
    to_skin = matches.distances[indices]
    is_root = (to_skin < _ROOT_MM) & (to_skin <= to_skin.min() + _ROOT_MM / 2)
    if is_root.mean() < _ROOT_SHARE:
        return {"hair": 0.0, "beard": 0.0}
    corners = template.triangles[matches.triangle_indices[indices[is_root]]]
    weights = matches.barycentrics[indices[is_root]]
    places = np.einsum("nk,nkx->nx", weights, scene.places[corners])
    scalp, face, inside, height = places.T
    nose, brow = template.landmark_positions[33, 1], template.landmark_positions[17:27, 1].mean()
    is_hair = (scalp > 0.5) | (height > brow + _BROW_REACH_MM)
    is_beard = (face > 0.5) & (inside < 0.5) & (height < nose)
    return {"hair": float(is_hair.mean()), "beard": float(is_beard.mean())}


def _is_glasses(scene: Scene, points: FloatArray) -> bool:
    """A frame, a glass or a temple of glasses: before or beside the eyes, off the lids."""
    eyes = np.stack([centre for centre, _ in scene.eyes.values()])
    radius = 0.5 * sum(radius for _, radius in scene.eyes.values())
    apart = float(np.linalg.norm(eyes[0] - eyes[1]))
    middle, low, high = eyes.mean(axis=0), points.min(axis=0), points.max(axis=0)
    size = high - low
    is_at_height = abs(0.5 * (low[1] + high[1]) - middle[1]) < 0.5 * apart
    if not is_at_height or size[1] > 1.2 * apart:
        return False
    bridge = scene.fit.landmarks[27:29].mean(axis=0)
    to_bridge = np.linalg.norm(points - bridge, axis=1).min()
    front = eyes[:, 2].mean() + radius
    if size[0] > _FRAME_WIDTH * apart:
        return bool(to_bridge < _BRIDGE_MM and high[2] > front)
    centre = 0.5 * (low + high)
    is_before_eye = np.linalg.norm(eyes[:, :2] - centre[:2], axis=1).min() < 0.3 * apart
    is_glass = _GLASS_WIDTH[0] * apart < size[0] < _GLASS_WIDTH[1] * apart
    if is_before_eye and is_glass and size[1] < _GLASS_HEIGHT * apart:
        return bool(np.median(points[:, 2]) > front + _GLASS_CLEARANCE_MM)
    is_beside = np.abs(centre[0] - middle[0]) > 0.8 * apart
    is_stick = size[2] > _TEMPLE_LENGTH * apart and max(size[0], size[1]) < 0.5 * size[2]
    return bool(is_beside and is_stick)
