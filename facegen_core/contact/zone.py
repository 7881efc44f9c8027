"""`Zone`: the skin around one slit of any head, where it can touch and how it gives way.

Meshes differ: five vertices on a lid or five thousand. So contact is looked at in points spread
over the skin at an even spacing, inside triangles where these are large, and pushes act at handles,
one for each small patch of points. Only the vertices that points and normals are read off are
looked at while pushes are found; the others follow at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from .response import Response, prepare_response

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# A triangle is never sampled finer than this many steps along an edge.
_MAX_STEPS = 12
_DIGITS = 5
# A turn of the normal by 90° counts as this many patch widths when points are grouped.
_TURN_PATCHES = 1.5


@dataclass(frozen=True)
class Reach:
    """Lengths along the skin, mm, of a zone.

    touching: from the slit, skin that can touch. yielding: skin that gives way. response: how far
    a push reaches. patch: width of what is pushed as one. spacing: of the points.
    """

    touching: float
    yielding: float
    response: float
    patch: float
    spacing: float

    def scaled(self, factor: float) -> Reach:
        return Reach(*(factor * value for value in vars(self).values()))


@dataclass(frozen=True, eq=False)
class Zone:
    """N vertices of a welded surface, C points on them that touch, H handles that push, and all Z
    vertices that give way.

    vertices: (N,) of the surface. rest: (N, 3) mm. yielding: (Z,) of the surface; rows: (N,) which
    of them the vertices are. sides: (C,) +1 upper, -1 lower, of each point.
    points: (C, N) sparse barycentrics; rows are sorted by handle. starts: (H,) first point of each.
    normal_rows: (C, F) sparse, which of the (F, 3) triangles, as rows of the vertices, make the
    normal of each point.
    response: of all that give way; near: (N, H) float32 of the vertices, motion per unit push;
    gram: (H, H) at the handles themselves.
    """

    vertices: IntArray
    rest: FloatArray
    yielding: IntArray
    rows: IntArray
    sides: FloatArray
    points: sparse.csr_matrix
    starts: IntArray
    triangles: IntArray
    normal_rows: sparse.csr_matrix
    response: Response
    near: NDArray[np.float32]
    gram: FloatArray

    @property
    def num_handles(self) -> int:
        return len(self.starts)

    def points_of(self, positions: FloatArray) -> FloatArray:
        """(C, T, 3) of the zone's (N, T, 3) vertices."""
        flat = self.points @ positions.reshape(len(positions), -1)
        return flat.reshape(len(flat), -1, 3)

    def normals_of(self, positions: FloatArray) -> FloatArray:
        """(C, T, 3) unit normals at the points for (N, T, 3) positions."""
        a, b, c = (positions[self.triangles[:, k]] for k in range(3))
        u, v = b - a, c - a
        crosses = u[..., [1, 2, 0]] * v[..., [2, 0, 1]] - u[..., [2, 0, 1]] * v[..., [1, 2, 0]]
        sums = self.normal_rows @ crosses.reshape(len(crosses), -1)
        sums = sums.reshape(len(sums), -1, 3)
        lengths = np.sqrt(np.einsum("ctx,ctx->ct", sums, sums))
        return sums / np.maximum(lengths, 1e-12)[..., None]


def zone_around(
    vertices: FloatArray,
    triangles: IntArray,
    sides: FloatArray,
    distances: FloatArray,
    mobility: FloatArray,
    can_touch: BoolArray,
    reach: Reach,
    least_side: float,
    watched: IntArray | None = None,
) -> Zone | None:
    """The zone of a slit, None where nothing of this surface is near it.

    vertices: (W, 3) mm; triangles: (F, 3); sides: (W,) of this slit; distances: (W,) along the
    skin from the slit, inf elsewhere. mobility: (W,) in [0, 1], 0 for what must not move.
    can_touch: (W,) vertices that may come to touch at all.
    least_side: points below it, on either side, do not touch. watched: vertices to be among those
    of the zone whether they touch or not, if they give way.
    """
    # Where points and patches lie is decided by comparing lengths, often equal ones on symmetric
    # heads: not the last digits, which unit and place of the head change, may decide.
    vertices, sides = np.round(vertices, _DIGITS), np.round(sides, _DIGITS)
    chosen = np.flatnonzero((distances < reach.yielding) & (mobility > 0))
    local = np.full(len(vertices), -1)
    local[chosen] = np.arange(len(chosen))
    inside = local[triangles[(local[triangles] >= 0).all(axis=1)]]
    if len(inside) == 0:
        return None
    rest = vertices[chosen]
    near = inside[(can_touch & (distances < reach.touching))[chosen][inside].any(axis=1)]
    if len(near) == 0:
        return None
    points, owners = _sampled(rest, near, reach.spacing)
    point_sides = points @ sides[chosen]
    is_kept = np.abs(point_sides) >= least_side
    if not is_kept.any():
        return None
    points, owners, point_sides = points[is_kept], owners[is_kept], point_sides[is_kept]
    normal_rows = _normal_rows(points, owners, near, len(near))
    normals = _unit(normal_rows @ _crosses(rest, near))
    patches, centres = _patches(points @ rest, normals, np.sign(point_sides), reach.patch)
    order = np.argsort(patches, kind="stable")
    starts = np.searchsorted(patches[order], np.arange(len(centres)))
    response, gram = prepare_response(
        vertices,
        triangles,
        chosen,
        sides[chosen],
        mobility[chosen],
        points[centres],
        reach.response,
    )
    scale = 1.0 / max(float(np.diag(gram).mean()), 1e-12)
    response = response.scaled(scale)
    used = np.unique(normal_rows.indices)
    also = local[watched] if watched is not None else local[:0]
    rows = np.unique(np.concatenate([points.indices, near[used].ravel(), also[also >= 0]]))
    return Zone(
        chosen[rows],
        rest[rows],
        chosen,
        rows,
        np.sign(point_sides[order]),
        points[order][:, rows],
        starts,
        np.searchsorted(rows, near[used]),
        normal_rows[order][:, used],
        response,
        response.at(rows),
        0.5 * scale * (gram + gram.T),
    )


def _sampled(
    rest: FloatArray, triangles: IntArray, spacing: float
) -> tuple[sparse.csr_matrix, IntArray]:
    """(C, Z) barycentrics of vertices and of points inside large triangles, none nearer to another
    than about the spacing; and (C,) the triangle of those inside one, -1 for vertices."""
    corners = rest[triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = np.clip(np.ceil(longest / (1.5 * spacing)), 1, _MAX_STEPS).astype(int)
    used = np.unique(triangles)
    columns, values = (
        [np.repeat(used[:, None], 3, axis=1)],
        [np.tile([1.0, 0.0, 0.0], (len(used), 1))],
    )
    owners = [np.full(len(used), -1)]
    for count in np.unique(steps[steps > 1]):
        own = np.flatnonzero(steps == count)
        grid = _inner_barycentrics(int(count))
        columns.append(np.repeat(triangles[own], len(grid), axis=0))
        values.append(np.tile(grid, (len(own), 1)))
        owners.append(np.repeat(own, len(grid)))
    column, value, owner = (np.concatenate(parts) for parts in (columns, values, owners))
    rows = np.repeat(np.arange(len(column)), 3)
    points = sparse.csr_matrix((value.ravel(), (rows, column.ravel())), (len(column), len(rest)))
    points.eliminate_zeros()
    normals = _unit(
        _normal_rows(points, owner, triangles, len(triangles)) @ _crosses(rest, triangles)
    )
    keys = np.round(np.hstack([points @ rest / spacing, 0.7 * normals])).astype(np.int64)
    kept = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    return points[kept], owner[kept]


def _inner_barycentrics(count: int) -> FloatArray:
    """(N, 3) points of a triangle cut into count steps, without its corners."""
    i, j = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    grid = np.stack([i, j, count - i - j], axis=-1).reshape(-1, 3)
    return grid[(grid >= 0).all(axis=1) & (grid.max(axis=1) < count)] / count


def _normal_rows(
    points: sparse.csr_matrix, owners: IntArray, triangles: IntArray, num_triangles: int
) -> sparse.csr_matrix:
    """(C, F) which triangles make the normal of each point: its own, or all around its vertex."""
    at_vertex, inside = np.flatnonzero(owners < 0), np.flatnonzero(owners >= 0)
    vertex_of = np.full(points.shape[1], -1)
    vertex_of[points[at_vertex].indices] = at_vertex
    rows = vertex_of[triangles]  # (F, 3)
    is_used = rows >= 0
    row = np.concatenate([rows[is_used], inside])
    column = np.repeat(np.arange(num_triangles)[:, None], 3, axis=1)[is_used]
    column = np.concatenate([column, owners[inside]])
    return sparse.csr_matrix((np.ones(len(row)), (row, column)), (len(owners), num_triangles))


def _crosses(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    return np.asarray(np.cross(b - a, c - a))


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _patches(
    points: FloatArray, normals: FloatArray, sides: FloatArray, width: float
) -> tuple[IntArray, IntArray]:
    """(C,) number of the patch of each point and (H,) the point in the middle of each patch.

    Points of one patch are near, face alike and are of one side.
    """
    keys = np.hstack([points, _TURN_PATCHES * width * normals, 10.0 * width * sides[:, None]])
    is_free, centres = np.ones(len(points), bool), []
    tree = cKDTree(keys)
    for point in range(len(points)):
        if is_free[point]:
            is_free[tree.query_ball_point(keys[point], width)] = False
            centres.append(point)
    return cKDTree(keys[centres]).query(keys)[1], np.array(centres)
