"""The three regions of a face that are moved apart from each other, as soft masks on the template.

Brows, eyes and mouth cover the whole skin between them: what one of them gives up, another takes,
so that no seam can show where they meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from .template import Template

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

REGIONS = ("brows", "eyes", "mouth")

# Landmarks that surely belong to a region, beside what the template names.
_BROWS, _NOSE_BASE, _EYES, _LIPS = range(17, 27), range(31, 36), range(36, 48), range(48, 68)
_JAW, _CHIN = range(4, 13), range(6, 11)
# The nose moves with the brows at its root and with the mouth at its base; in between it fades.
_NOSE_ROOT = 27
# Template regions whose inside surely belongs to a region, and from which value on.
_SIDES = ("left", "right")
_LIDS = tuple(f"{half}_lid_{side}" for half in ("upper", "lower") for side in _SIDES)
_SOCKETS = tuple(f"eye_socket_{side}" for side in _SIDES)
_MOUTH_PARTS = ("upper_lip", "lower_lip", "mouth_bag")
_SURE, _SURE_LID = 0.6, 0.95
# How steeply shares fall with the distance (Shepard: A two-dimensional interpolation function for
# irregularly-spaced data, ACM 1968): higher is steeper. Even at the anchors for powers above 1.
_POWER = 2.0
# Rounds of averaging with the neighbours, against the kinks of distances.
_SMOOTHING_ROUNDS = 16
# A share of the jaw smaller than this is none.
_LEAST_JAW = 0.05
# The sides of the face meet over the middle, in units of half the mouth's width.
_MIDDLE_SHARE = 0.8

_prepared: WeakKeyDictionary[Template, RegionMasks] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class RegionMasks:
    """Shares of V template vertices, all in [0, 1].

    regions: (3, V) float32 share of each of REGIONS; they sum to 1 everywhere.
    left: (V,) float32, 1 on the subject's left, 0 on the right, smooth across the middle.
    jaw: (V,) float32, 1 where the skin lies on the lower jaw, 0 from the upper lip up.
    """

    regions: FloatArray
    left: FloatArray
    jaw: FloatArray


def region_masks(template: Template) -> RegionMasks:
    """The masks of a template, worked out once as long as it lives."""
    kept = _prepared.get(template)
    if kept is None:
        kept = _prepared[template] = _prepare(template)
    return kept


def _prepare(template: Template) -> RegionMasks:
    averaging = _averaging(template.triangles, template.num_vertices)
    # Lips and lids are wholly of their region, so that what leaves it out leaves them at rest.
    is_held = _is_in(template, _MOUTH_PARTS) | _is_in(template, _LIDS, _SURE_LID)
    regions = _shares(template, _region_anchors(template), is_held, averaging)
    jaw = _shares(template, _jaw_anchors(template), np.zeros_like(is_held), averaging)[0]
    jaw = np.clip((jaw - _LEAST_JAW) / (1.0 - _LEAST_JAW), 0.0, 1.0)  # exactly 0 far from it
    return RegionMasks(regions, _left_share(template), jaw)


def _region_anchors(template: Template) -> list[BoolArray]:
    """For each region, (V,) whether a vertex surely belongs to it."""
    # Of the lids only their rims: the skin from there to the brow stretches between both.
    is_eye = _is_in(template, _LIDS, _SURE_LID) | _is_in(template, _SOCKETS)
    is_eye |= _is_near(template, list(_EYES))
    is_mouth = _is_in(template, _MOUTH_PARTS) | _is_near(template, [*_NOSE_BASE, *_LIPS, *_JAW])
    is_mouth |= template.vertices[:, 1] < template.landmark_positions[_LIPS, 1].min()
    is_mouth &= ~is_eye
    return [_is_above_brows(template) & ~is_eye & ~is_mouth, is_eye, is_mouth]


def _is_above_brows(template: Template) -> BoolArray:
    """(V,) whether a vertex lies on the brows or above them."""
    brows = template.landmark_positions[_BROWS]
    return template.vertices[:, 1] > np.interp(template.vertices[:, 0], brows[:, 0], brows[:, 1])


def _jaw_anchors(template: Template) -> list[BoolArray]:
    """(V,) whether a vertex surely is on the jaw, and whether it surely is not."""
    is_jaw = _is_in(template, ("lower_lip", "mouth_bag_lower")) | _is_near(template, list(_CHIN))
    is_still = _is_in(template, ("upper_lip", "nose", *_LIDS)) | _is_above_brows(template)
    return [is_jaw & ~is_still, is_still]


def _shares(
    template: Template,
    anchors: list[BoolArray],
    is_held: BoolArray,
    averaging: sparse.csr_matrix,
) -> FloatArray:
    """(R, V) float32 shares of R sets of vertices that sum to 1: near 1 within a set, fading.

    is_held: (V,) vertices, each of one of the sets, that are wholly of theirs.
    """
    points = np.asarray(template.vertices, np.float64)
    distances = np.stack([_distances(points, is_anchor) for is_anchor in anchors])
    nearness = np.maximum(distances, 1e-6) ** -_POWER
    shares = nearness / nearness.sum(axis=0)
    shares[:, is_held] = np.stack(anchors)[:, is_held]
    for _ in range(_SMOOTHING_ROUNDS):
        shares = np.where(is_held, shares, (averaging @ shares.T).T)
    return (shares / shares.sum(axis=0)).astype(np.float32)


def _distances(points: FloatArray, is_anchor: BoolArray) -> FloatArray:
    """(V,) mm to the nearest anchor; a set without any is infinitely far."""
    if not is_anchor.any():
        return np.full(len(points), np.inf)
    return cKDTree(points[is_anchor]).query(points)[0]


def _left_share(template: Template) -> FloatArray:
    """(V,) of the subject's left side, which is towards +X."""
    landmarks = template.landmark_positions
    middle = landmarks[_NOSE_ROOT, 0]
    half_width = _MIDDLE_SHARE * 0.5 * (landmarks[54, 0] - landmarks[48, 0])
    x = np.clip(0.5 + 0.5 * (template.vertices[:, 0] - middle) / half_width, 0.0, 1.0)
    return (x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)).astype(np.float32)


def _is_in(template: Template, names: tuple[str, ...], sure: float = _SURE) -> BoolArray:
    return np.any([template.regions[name] > sure for name in names], axis=0)


def _is_near(template: Template, landmarks: list[int]) -> BoolArray:
    """(V,) whether a vertex is a corner of the triangle a landmark lies on."""
    found = np.zeros(template.num_vertices, bool)
    found[template.triangles[template.landmarks.triangle_indices[landmarks]]] = True
    return found


def _averaging(triangles: IntArray, num_vertices: int) -> sparse.csr_matrix:
    """(V, V) each row the mean of a vertex and its neighbours."""
    a, b, c = triangles.T
    rows, columns = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
    ones = np.ones(len(rows))
    joined = sparse.csr_matrix((ones, (rows, columns)), (num_vertices, num_vertices))
    joined.data[:] = 1.0
    joined = joined + sparse.identity(num_vertices, format="csr")
    return sparse.diags(1.0 / np.asarray(joined.sum(axis=1)).ravel()) @ joined
