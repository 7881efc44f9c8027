"""What a camera sees of a surface: small orthographic pictures of depth and normals, in NumPy.

Both sides of every triangle are drawn and normals are turned towards the eye, so that a picture
does not depend on how an artist wound the triangles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..rasteriser import rasterise

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A picture shows this much, mm: a face with its ears at 1.3 times its size, 40 mm off centre.
CROP_MM = 288.0
NUM_PIXELS = 64
# Drawn finer and averaged, so that a pixel knows of edges within it.
OVERSAMPLING = 2
# Nothing nearer to the eye than this before the middle of the crop is drawn, mm.
NEAR_MM = 150.0
# Depth is told in this unit, mm, and cut off at MAX_DEPTH of them.
DEPTH_UNIT_MM, MAX_DEPTH = 100.0, 1.5
NUM_CHANNELS = 4  # depth, share of the pixel that sees something, normal x, normal y
# Denser meshes are thinned before they are drawn: about one vertex per fine pixel is enough.
MAX_TRIANGLES = 60_000
THINNING_MM = 2.0


def depth_image(vertices: FloatArray, triangles: IntArray) -> NDArray[np.float32]:
    """(NUM_CHANNELS, NUM_PIXELS, NUM_PIXELS) picture; rows go down, columns to the right.

    vertices: (W, 3) mm in the camera's frame: X right, Y up, Z towards the eye, the middle of the
    crop at 0. triangles: (F, 3). Orthographic.
    """
    size = NUM_PIXELS * OVERSAMPLING
    pixel = np.float32(CROP_MM / size)
    points = np.asarray(vertices, np.float32)
    x, y = points[:, 0] / pixel + 0.5 * size, 0.5 * size - points[:, 1] / pixel
    triangles = triangles[(points[:, 2] < NEAR_MM)[triangles].all(axis=1)]
    seen = rasterise(np.stack([x, y], axis=1), points[:, 2], triangles, size, size, both_sides=True)
    normals = _facing_normals(points, triangles[seen.triangles])
    fine = np.zeros((NUM_CHANNELS, size * size), np.float32)
    fine[0, seen.pixels] = np.clip(seen.depths / DEPTH_UNIT_MM, -MAX_DEPTH, MAX_DEPTH)
    fine[1, seen.pixels] = 1.0
    fine[2:, seen.pixels] = normals[:, :2].T
    return _averaged(fine.reshape(NUM_CHANNELS, size, size))


def near_crop(
    vertices: FloatArray, triangles: IntArray, radius_mm: float = 0.75 * CROP_MM
) -> tuple[FloatArray, IntArray]:
    """Vertices and triangles within reach of crops around 0, thinned where they are very dense.

    vertices: (W, 3) mm about the middle of the crop.
    """
    is_near = (np.abs(vertices) < radius_mm).all(axis=1)
    kept = triangles[is_near[triangles].any(axis=1)]
    is_used = np.zeros(len(vertices), bool)
    is_used[kept] = True
    vertices, kept = vertices[is_used], (np.cumsum(is_used) - 1)[kept]
    if len(kept) <= MAX_TRIANGLES:
        return vertices, kept
    return _thinned(vertices, kept)


def _thinned(vertices: FloatArray, triangles: IntArray) -> tuple[FloatArray, IntArray]:
    """One vertex per cell of a grid (vertex clustering, Rossignac & Borrel 1993)."""
    cells = np.floor(vertices / THINNING_MM).astype(np.int64) + (1 << 20)
    keys = (cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2]
    _, first, cluster = np.unique(keys, return_index=True, return_inverse=True)
    clustered = cluster.reshape(-1)[triangles]
    a, b, c = clustered.T
    return vertices[first], clustered[(a != b) & (b != c) & (c != a)]


def _facing_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(N, 3) unit normals of the triangles, turned towards the eye."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1) * np.where(normals[:, 2] < 0, -1.0, 1.0)
    return normals / np.where(lengths == 0, 1.0, lengths)[:, None]


def _averaged(fine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Coarser pixels: the mean of what they see; depth and normals over the seen share alone."""
    blocks = fine.reshape(NUM_CHANNELS, NUM_PIXELS, OVERSAMPLING, NUM_PIXELS, OVERSAMPLING)
    image = blocks.mean(axis=(2, 4))
    share = np.maximum(image[1], 1e-6)
    image[0] /= share
    image[2:] /= share
    return image
