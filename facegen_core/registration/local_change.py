"""How the face turns and grows, place by place, from one neutral to another.

A motion made for one face is carried to another as an arrow drawn on rubber: it turns and
stretches with what surrounds it. The surroundings are both sides of a slit, so a wider eye gives
its lids a longer way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

FloatArray = NDArray[np.floating]

# Width of the Gaussian surroundings: about a lip or a lid with its neighbours. Narrower follows
# the noise of a fit, wider forgets that eyes and mouths have sizes of their own.
SURROUNDINGS_MM = 10.0
# Beyond this many widths the Gaussian is cut.
_CUT_WIDTHS = 2.5
# Every so many vertices one speaks for its surroundings; the field is smooth.
_SAMPLE_STEP = 3
# A face part may be this much smaller or larger than the template's; beyond, the fit is at fault.
_SMALLEST, _LARGEST = 0.5, 2.0


def turn_and_size(
    before: FloatArray,
    after: FloatArray,
    at: FloatArray | None = None,
    width_mm: float = SURROUNDINGS_MM,
) -> FloatArray:
    """(N, 3, 3) rotation times scale that best takes the surroundings of points to their new place.

    before, after: (V, 3) mm positions of the same vertices. at: (N, 3) mm, where in `before` to
    look; all vertices when None. width_mm: of the surroundings. Weighted similarity fits
    (Umeyama 1991, Least-squares estimation of transformation parameters, eqs. 40-42).
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    samples = slice(None, None, _SAMPLE_STEP)
    weights = _gaussian(before if at is None else at, before[samples], width_mm)
    p, q = before[samples], after[samples]
    p_mean, q_mean = weights @ p, weights @ q
    products = (q[:, :, None] * p[:, None, :]).reshape(len(p), 9)
    covariances = (weights @ products).reshape(-1, 3, 3) - q_mean[:, :, None] * p_mean[:, None, :]
    p_variances = weights @ (p * p).sum(axis=1) - (p_mean * p_mean).sum(axis=1)
    left, stretches, right = np.linalg.svd(covariances)
    signs = np.ones_like(stretches)
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    rotations = (left * signs[:, None, :]) @ right
    scales = (stretches * signs).sum(axis=1) / np.maximum(p_variances, 1e-12)
    return rotations * np.clip(scales, _SMALLEST, _LARGEST)[:, None, None]


def _gaussian(points: FloatArray, samples: FloatArray, width_mm: float) -> sparse.csr_matrix:
    """(N, S) Gaussian weights that sum to 1 for each point."""
    reach = _CUT_WIDTHS * width_mm
    distances = cKDTree(points).sparse_distance_matrix(
        cKDTree(samples), reach, output_type="coo_matrix"
    )
    # A sample in the very place of a point is a stored 0, which sparse matrices keep.
    values = np.exp(-0.5 * (distances.data / width_mm) ** 2)
    weights = sparse.csr_matrix((values, (distances.row, distances.col)), distances.shape)
    sums = np.asarray(weights.sum(axis=1)).ravel()
    return (sparse.diags(1.0 / np.maximum(sums, 1e-300)) @ weights).tocsr()
