"""The template's regions, and how far each vertex follows the jaw, carried over to the target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..template import REGIONS, Template
from .alignment import Fit, Part, vertices_moving
from .correspondence import CONFIDENT
from .matching import Matches
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# A vertex of a part that spans both jaws surely belongs to the one that is this close, and this
# much closer than the other; between sure vertices the jaw fades in along the surface.
_SURE_DISTANCE_MM, _SURE_RATIO = 4.0, 0.5
# Skin farther than this from what is known is no longer of the head, and at rest long before.
_REACH_MM = 80.0
# Inside a mouth welded to the skin, the lower share of the bag that starts and completes the jaw.
_JAW_START, _JAW_FULL = 0.25, 0.75


def carry_regions(
    template: Template,
    fit: Fit,
    surface: Surface,
    matches: Matches,
    confidences: FloatArray,
    parts: tuple[Part, ...],
) -> dict[str, FloatArray]:
    """{name of REGIONS, and "jaw": (M,) float32 in [0, 1]} for the vertices of the target.

    Confident vertices take the template's value, the rest of the skin is filled in along the
    surface, everything else is 0. "jaw" is how rigidly a vertex follows the lower jaw: 1 for lower
    teeth and tongue, in between for parts that span both jaws and for the inside of a mouth that
    is welded to the skin.
    """
    known = np.stack([template.regions[name] for name in REGIONS], axis=1).astype(np.float64)
    values = matches.values(template.triangles, known)  # (W, R)
    values = surface.harmonic_extension(confidences > CONFIDENT, values, _REACH_MM)
    is_skin = np.zeros(len(surface.welded_indices), bool)
    is_skin[vertices_moving(parts, "skin")] = True
    values = np.clip(values[surface.welded_indices], 0.0, 1.0) * is_skin[:, None]
    weights = {name: values[:, k].astype(np.float32) for k, name in enumerate(REGIONS)}
    is_known = confidences > CONFIDENT
    weights["jaw"] = _jaw_weights(fit, surface, parts, weights, is_known).astype(np.float32)
    return weights


def _jaw_weights(
    fit: Fit,
    surface: Surface,
    parts: tuple[Part, ...],
    weights: dict[str, FloatArray],
    is_known: BoolArray,
) -> FloatArray:
    """(M,) how rigidly each vertex follows the jaw. is_known: (W,) confident skin."""
    bag, bag_lower = weights["mouth_bag"], weights["mouth_bag_lower"]
    lower_share = bag_lower / np.maximum(bag, 1e-6)
    ramp = np.clip((lower_share - _JAW_START) / (_JAW_FULL - _JAW_START), 0.0, 1.0)
    result = bag * ramp * ramp * (3.0 - 2.0 * ramp)
    is_known = is_known[surface.welded_indices]
    is_rigid = np.zeros(len(result), bool)
    for part in parts:
        if part.motion in ("jaw", "still") and part.kind != "mouth_interior":
            is_rigid[part.vertex_indices] = True
            result[part.vertex_indices] = part.motion == "jaw"
    for part in parts:
        if part.kind not in ("mouth_interior", "skin"):
            continue
        own = part.vertex_indices
        is_fixed = (is_known[own] | (bag[own] <= 0.5)) & (part.kind == "skin")
        # Teeth welded to this part are where the weights start and end.
        held = np.flatnonzero(is_rigid & _hangs_on(surface, own))
        indices = np.concatenate([own, held])
        is_fixed = np.concatenate([is_fixed, np.ones(len(held), bool)])
        shares = _weights_across_jaws(fit, surface, indices, result[indices], is_fixed)
        result[own] = shares[: len(own)]
    return result


def _hangs_on(surface: Surface, vertex_indices: IntArray) -> BoolArray:
    """(M,) whether a vertex is on the same connected surface as some of the given ones."""
    has_some = np.zeros(surface.parts.max() + 1, bool)
    has_some[surface.parts[surface.welded_indices[vertex_indices]]] = True
    return has_some[surface.parts[surface.welded_indices]]


def _weights_across_jaws(
    fit: Fit,
    surface: Surface,
    vertex_indices: IntArray,
    weights: FloatArray,
    is_fixed: BoolArray,
) -> FloatArray:
    """(P,) weights of a part with upper and lower teeth or gums in one piece.

    weights, is_fixed: (P,) weights, and where they are known already.
    """
    welded = surface.welded_indices[vertex_indices]
    points = surface.vertices[welded[~is_fixed]]
    lower_points = np.concatenate([fit.inner["lower_teeth"], fit.inner["tongue"]])
    to_lower = cKDTree(lower_points).query(points)[0]
    to_upper = cKDTree(fit.inner["upper_teeth"]).query(points)[0]
    is_lower = (to_lower < _SURE_DISTANCE_MM) & (to_lower < _SURE_RATIO * to_upper)
    is_upper = (to_upper < _SURE_DISTANCE_MM) & (to_upper < _SURE_RATIO * to_lower)
    known, is_told = weights.astype(np.float64), is_fixed.copy()
    known[~is_fixed], is_told[~is_fixed] = is_lower, is_lower | is_upper
    is_sure = np.zeros(surface.num_vertices, bool)
    values = np.zeros((surface.num_vertices, 1))
    is_sure[welded] = is_told
    values[welded, 0] = known
    return surface.harmonic_extension(is_sure, values)[welded, 0]
