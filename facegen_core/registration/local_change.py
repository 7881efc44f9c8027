"""How the face turns and grows, place by place, from one neutral to another.

A motion made for one face is carried to another as an arrow drawn on rubber: it turns and
stretches with what surrounds it, along each direction by as much as the face does: on a long face
the jaw opens farther, but a smile is no wider. The surroundings are both sides of a slit, so a
wider eye gives its lids a longer way.

Measured on warped heads of known motion, face mean: 0.20 mm on a long face (0.42 with one scale for
all directions, 0.51 with deformation transfer), 0.28 without a nose (0.32, 0.43); on the same face
in another topology 0.061 mm with either (0.081).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

FloatArray = NDArray[np.floating]

# Width of the Gaussian surroundings that tell a size: about a lip or a lid with its neighbours.
# Narrower follows the noise of a fit, wider forgets that eyes and mouths have sizes of their own.
SIZE_WIDTH_MM = 12.0
# Turns are told by wider ones: a steeper chin does not make the jaw open in another direction.
TURN_WIDTH_MM = 35.0
# Stretches along single directions: between the two, and with so much weight on the size alone that
# what a patch of skin does not tell, the direction through it, is left at that size.
STRETCH_WIDTH_MM, _SIZE_SHARE = 30.0, 0.1
# The jaw turns and grows with the whole lower face, not with the skin beside the joint.
JAW_SURROUNDINGS_MM = 60.0
# The skin near the condyles, with whose identity the jaw pivot moves, mm.
_CONDYLE_SIDE_MM, _CONDYLE_RADIUS_MM = 68.0, 20.0
# Beyond this many widths the Gaussian is cut.
_CUT_WIDTHS = 2.5
# So many vertices, on average, speak for the surroundings of one; the field is smooth.
_NUM_SPEAKERS = 120
# The head as a whole speaks with this weight, alone where the surroundings hold too few points.
_OVERALL_SHARE = 0.02
# A face part may be this much smaller or larger than the template's; beyond, the fit is at fault.
_SMALLEST, _LARGEST = 0.5, 2.0


def turn_and_size(before: FloatArray, after: FloatArray) -> FloatArray:
    """(V, 3, 3) linear maps that carry arrows at (V, 3) points `before` to `after`, mm.

    The best linear map of each point's surroundings, held near a rotation times a scale, those of
    the best similarity of its surroundings.
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    turns = local_similarities(before, after, before, TURN_WIDTH_MM)
    sizes = local_similarities(before, after, before, SIZE_WIDTH_MM)
    similarities = turns * (_scales(sizes) / _scales(turns))[:, None, None]
    covariances, spreads, _, _ = _local_moments(before, after, before, STRETCH_WIDTH_MM)
    prior = _SIZE_SHARE * STRETCH_WIDTH_MM**2
    maps = (covariances + prior * similarities) @ np.linalg.inv(spreads + prior * np.eye(3))
    left, stretches, right = np.linalg.svd(maps)
    clipped = (left * np.clip(stretches, _SMALLEST, _LARGEST)[:, None, :]) @ right
    return np.where((np.linalg.det(maps) > 0)[:, None, None], clipped, similarities)


def local_similarities(
    before: FloatArray, after: FloatArray, at: FloatArray, width_mm: float
) -> FloatArray:
    """(N, 3, 3) rotation times scale that best takes the surroundings of points to their new place.

    before, after: (V, 3) mm positions of the same vertices. at: (N, 3) mm, where in `before` to
    look. width_mm: of the Gaussian surroundings. Weighted similarity fits (Umeyama 1991,
    Least-squares estimation of transformation parameters, eqs. 40-42).
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    at = np.asarray(at, np.float64)
    covariances, spreads, p, q = _local_moments(before, after, at, width_mm)
    overall_covariance = (q - q.mean(axis=0)).T @ (p - p.mean(axis=0)) / len(p)
    overall = _similarities(overall_covariance[None], np.array([p.var(axis=0).sum()]))[0]
    prior = _OVERALL_SHARE * width_mm**2
    variances = np.trace(spreads, axis1=1, axis2=2)
    return _similarities(covariances + prior * overall, variances + 3.0 * prior)


def _local_moments(
    before: FloatArray, after: FloatArray, at: FloatArray, width_mm: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """(N, 3, 3) covariances of after with before and of before itself; the (S, 3) samples used."""
    step = _sample_step(before, width_mm)
    p, q = before[::step], after[::step]
    weights = _gaussian(at, p, width_mm)
    p_mean, q_mean = weights @ p, weights @ q
    mixed, own = (
        (weights @ (x[:, :, None] * p[:, None, :]).reshape(len(p), 9)).reshape(-1, 3, 3)
        for x in (q, p)
    )
    covariances = mixed - q_mean[:, :, None] * p_mean[:, None, :]
    return covariances, own - p_mean[:, :, None] * p_mean[:, None, :], p, q


def carry_point(
    before: FloatArray, after: FloatArray, point: FloatArray, width_mm: float
) -> tuple[FloatArray, FloatArray]:
    """(3, 3) turn and size around a (3,) point inside the head, and where it goes, (3,) mm.

    before, after: (V, 3) mm positions of the same skin. width_mm: of the Gaussian surroundings.
    """
    change = local_similarities(before, after, point[None], width_mm)[0]
    weights = np.exp(-0.5 * np.sum((before - point) ** 2, axis=1) / width_mm**2)
    weights /= weights.sum()
    return change, weights @ after + change @ (point - weights @ before)


def face_jaw_pivot(
    template_vertices: FloatArray, pivot: FloatArray, face: FloatArray
) -> FloatArray:
    """(3,) mm, about which the jaw of a face in template topology turns, as motions are made.

    pivot: (3,) the template's own, midway between the condyles; face: (V, 3) mm. It moves like the
    skin at the condyles, never sideways; on a template without skin there, with the lower face.
    """
    before, after = (np.asarray(points, np.float64) for points in (template_vertices, face))
    pivot = np.asarray(pivot, np.float64)
    condyles = pivot + np.array([[_CONDYLE_SIDE_MM, 0, 0], [-_CONDYLE_SIDE_MM, 0, 0]])
    is_near = cKDTree(condyles).query(before)[0] < _CONDYLE_RADIUS_MM
    if not is_near.any():
        return carry_point(before, after, pivot, JAW_SURROUNDINGS_MM)[1]
    shift = (after - before)[is_near].mean(axis=0)
    moved: FloatArray = pivot + shift * [0.0, 1.0, 1.0]
    return moved


def _sample_step(points: FloatArray, width_mm: float) -> int:
    probes = points[:: max(len(points) // 50, 1)]
    counts = cKDTree(points).query_ball_point(probes, _CUT_WIDTHS * width_mm, return_length=True)
    return max(int(np.mean(counts) / _NUM_SPEAKERS), 1)


def _similarities(covariances: FloatArray, variances: FloatArray) -> FloatArray:
    """(N, 3, 3) rotation times scale from covariances (N, 3, 3) and variances (N,) before."""
    left, stretches, right = np.linalg.svd(covariances)
    signs = np.ones_like(stretches)
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    rotations = (left * signs[:, None, :]) @ right
    scales = (stretches * signs).sum(axis=1) / variances
    return rotations * np.clip(scales, _SMALLEST, _LARGEST)[:, None, None]


def _scales(similarities: FloatArray) -> FloatArray:
    return np.cbrt(np.linalg.det(similarities))


def _gaussian(points: FloatArray, samples: FloatArray, width_mm: float) -> sparse.csr_matrix:
    """(N, S) Gaussian weights that sum to 1 for each point."""
    reach = _CUT_WIDTHS * width_mm
    distances = cKDTree(points).sparse_distance_matrix(
        cKDTree(samples), reach, output_type="coo_matrix"
    )
    values = np.exp(-0.5 * (distances.data / width_mm) ** 2)
    weights = sparse.csr_matrix((values, (distances.row, distances.col)), distances.shape)
    sums = np.asarray(weights.sum(axis=1)).ravel()
    return (sparse.diags(1.0 / np.maximum(sums, 1e-300)) @ weights).tocsr()
