"""`Zone`: the skin around one slit of any head, where it can touch and how it gives way.

Meshes differ: five vertices on a lid or five thousand. So contact is looked at in points spread
over the skin at an even spacing, inside triangles where these are large, and pushes act at handles,
one for each small patch of points. The answer to a push is that of contact.yielding, with the inner
and the outer skin of a lid or lip tied together: what is pushed from inside keeps its thickness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ..mesh import vertex_normals
from ..topology import cotangent_laplacian

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# A triangle is never sampled finer than this many steps along an edge.
_MAX_STEPS = 12
_DIGITS = 5
# A turn of the normal by 90° counts as this many patch widths when points are grouped.
_TURN_PATCHES = 1.5
# Two skins of one lid or lip: facing apart (cosine below) and this near, mm; how strongly they are
# tied, in units of the stiffness of the skin itself.
_APART, _THICKNESS_MM, _TIE = -0.2, 9.0, 3.0


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
    """Z vertices of a welded surface that give way, C points that touch, H handles that push.

    vertices: (Z,) of the surface. rest: (Z, 3) mm. sides: (C,) +1 upper, -1 lower, of each point.
    points: (C, Z) sparse barycentrics; rows are sorted by handle. starts: (H,) first point of each.
    normal_rows: (C, F) sparse, which of the (F, 3) triangles, as rows of the zone, make the normal
    of each point.
    response: (Z, H) float32 motion per unit push; gram: (H, H) of it at the handles themselves.
    """

    vertices: IntArray
    rest: FloatArray
    sides: FloatArray
    points: sparse.csr_matrix
    starts: IntArray
    triangles: IntArray
    normal_rows: sparse.csr_matrix
    response: NDArray[np.float32]
    gram: FloatArray

    @property
    def num_handles(self) -> int:
        return len(self.starts)

    def points_of(self, positions: FloatArray) -> FloatArray:
        """(C, T, 3) of the zone's (Z, T, 3) vertices."""
        flat = self.points @ positions.reshape(len(positions), -1)
        return flat.reshape(len(flat), -1, 3)

    def normals_of(self, positions: FloatArray) -> FloatArray:
        """(C, T, 3) unit normals at the points for (Z, T, 3) positions."""
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
) -> Zone | None:
    """The zone of a slit, None where nothing of this surface is near it.

    vertices: (W, 3) mm; triangles: (F, 3); sides: (W,) of this slit; distances: (W,) along the
    skin from the slit, inf elsewhere. mobility: (W,) in [0, 1], 0 for what must not move.
    can_touch: (W,) vertices that may come to touch at all.
    least_side: points below it, on either side, do not touch.
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
    response = _response(
        vertices, triangles, chosen, inside, sides, mobility[chosen], points[centres], reach
    )
    gram = points[centres] @ response
    scale = max(float(np.diag(gram).mean()), 1e-12)
    used = np.unique(normal_rows.indices)
    return Zone(
        chosen,
        rest,
        np.sign(point_sides[order]),
        points[order],
        starts,
        near[used],
        normal_rows[order][:, used],
        (response / scale).astype(np.float32),
        np.asarray(0.5 * (gram + gram.T) / scale),
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


def _response(
    vertices: FloatArray,
    triangles: IntArray,
    chosen: IntArray,
    inside: IntArray,
    sides: FloatArray,
    mobility: FloatArray,
    handles: sparse.csr_matrix,
    reach: Reach,
) -> FloatArray:
    """(Z, H) motion of the zone for a unit push at each handle."""
    touched = np.zeros(len(vertices), bool)
    touched[chosen] = True
    around = triangles[touched[triangles].any(axis=1)]
    used, compact = np.unique(around, return_inverse=True)
    compact = compact.reshape(-1, 3)
    positions = vertices[used]
    own = np.searchsorted(used, chosen)
    laplacian = cotangent_laplacian(positions, compact)[own][:, own]
    areas = np.repeat(np.linalg.norm(_crosses(positions, compact), axis=1) / 6.0, 3)
    masses = np.asarray(np.bincount(compact.ravel(), areas, len(used))[own], np.float64)
    masses = np.maximum(masses, 1e-6 * max(float(masses.mean()), 1e-12))
    ties = _ties(vertices[chosen], inside, sides[chosen], masses)
    stiff = sparse.diags(masses) + reach.response**2 * laplacian + ties
    factors = splu(stiff.tocsc())
    pushes = mobility[:, None] * handles.T.toarray()
    answer = factors.solve(masses[:, None] * factors.solve(pushes))
    return np.asarray(mobility[:, None] * answer)


def _ties(
    rest: FloatArray, triangles: IntArray, sides: FloatArray, masses: FloatArray
) -> sparse.csr_matrix:
    """(Z, Z) Laplacian of the ties between the inner and the outer skin."""
    normals = vertex_normals(rest, triangles)
    keys = np.hstack([rest, 4.0 * _THICKNESS_MM * np.sign(np.round(sides, 1))[:, None]])
    count = min(24, len(rest))
    distances, nearest = cKDTree(keys).query(keys, count)
    distances, nearest = distances.reshape(len(rest), -1), nearest.reshape(len(rest), -1)
    cosines = np.einsum("zx,zkx->zk", normals, normals[nearest])
    # The other skin lies behind this one, not across the slit in front of it.
    depth = np.einsum("zx,zkx->zk", normals, rest[nearest] - rest[:, None])
    is_other = (cosines < _APART) & (distances < _THICKNESS_MM) & (depth < 0)
    found = np.flatnonzero(is_other.any(axis=1))
    partner = nearest[found, is_other[found].argmax(axis=1)]
    weights = _TIE * np.minimum(masses[found], masses[partner])
    size = (len(rest), len(rest))
    ties = sparse.coo_matrix((weights, (found, partner)), size)
    ties = (ties + ties.T).tocsr()
    return (sparse.diags(np.asarray(ties.sum(axis=1)).ravel()) - ties).tocsr()
