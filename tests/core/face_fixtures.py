"""A small face in code: a bulging patch with a closed mouth slit, its bag, eyes, teeth and tongue.

Every size can be tessellated differently, so that one serves as template and another as target.
"""

import itertools

import numpy as np

from facegen_core.landmarks import landmarks_on_mesh
from facegen_core.mesh import Mesh
from facegen_core.registration.alignment import Fit, Residual, Similarity
from facegen_core.template import REGIONS, InnerPart, Template

HALF_WIDTH, HALF_HEIGHT = 60.0, 72.0
SLIT_HEIGHT, SLIT_HALF_WIDTH = -24.0, 18.0
EYES = {"left": np.array([30.0, 36.0, 30.0]), "right": np.array([-30.0, 36.0, 30.0])}
EYE_RADIUS = 12.0
NUM_BAG_RINGS, BAG_STEP = 4, 4.0


def bulge(x, y):
    """Height of the face over the plane, mm."""
    return 70.0 - (x * x + y * y) / 150.0


def face_patch(spacing):
    """(V, 3) vertices, (F, 3) triangles, and (V,) codes: 0 face, above 0 upper bag, -1 lower.

    Upper and lower lip touch along the slit without sharing vertices. spacing divides 6.
    """
    xs = np.arange(-HALF_WIDTH, HALF_WIDTH + 0.1, spacing)
    ys = np.arange(-HALF_HEIGHT, HALF_HEIGHT + 0.1, spacing)
    grid = np.arange(len(xs) * len(ys)).reshape(len(ys), len(xs))
    gx, gy = np.meshgrid(xs, ys)
    vertices = list(np.stack([gx, gy, bulge(gx, gy)], axis=-1).reshape(-1, 3))
    row = int(np.flatnonzero(np.isclose(ys, SLIT_HEIGHT))[0])
    inner = np.flatnonzero(np.abs(xs) < SLIT_HALF_WIDTH - 0.1)
    upper = grid[row, inner]
    below = grid.copy()
    below[row, inner] = np.arange(len(vertices), len(vertices) + len(inner))
    vertices += [vertices[i] for i in upper]
    triangles = []
    for j in range(len(ys) - 1):
        low, high = (grid[j], below[j + 1] if j + 1 == row else grid[j + 1])
        for i in range(len(xs) - 1):
            a, b, c, d = low[i], low[i + 1], high[i + 1], high[i]
            triangles += [(a, b, c), (a, c, d)]
    corners = grid[row, [inner[0] - 1, inner[-1] + 1]]
    loop = [corners[0], *upper, corners[1], *below[row, inner][::-1]]
    heights = np.array([0.0, *[1.0] * len(inner), 0.0, *[-1.0] * len(inner)])
    codes = [0.0] * len(vertices)
    for _ in range(NUM_BAG_RINGS):
        start = len(vertices)
        vertices += [
            vertices[v] + [0, 2.0 * h, -BAG_STEP] for v, h in zip(loop, heights, strict=True)
        ]
        codes += list(np.where(heights == 0, 0.5, heights))
        ring = list(range(start, start + len(loop)))
        for k in range(len(loop)):
            n = (k + 1) % len(loop)
            triangles += [(loop[k], ring[n], loop[n]), (loop[k], ring[k], ring[n])]
        loop = ring
    vertices.append(np.mean([vertices[v] for v in loop], axis=0))
    codes.append(0.5)
    triangles += [(loop[(k + 1) % len(loop)], loop[k], len(vertices) - 1) for k in range(len(loop))]
    return np.array(vertices), np.array(triangles, np.int32), np.array(codes)


def ball(centre, radius, num_rings=8, num_sectors=12):
    """A sphere as one closed part."""
    vertices, triangles = [[0.0, 0.0, 1.0]], []
    for ring in range(1, num_rings):
        polar = np.pi * ring / num_rings
        around = 2 * np.pi * np.arange(num_sectors) / num_sectors
        circle = [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around)]
        vertices += list(np.stack([*circle, np.full(num_sectors, np.cos(polar))], axis=1))
    vertices.append([0.0, 0.0, -1.0])
    last = len(vertices) - 1
    for k in range(num_sectors):
        n = (k + 1) % num_sectors
        triangles += [(0, 1 + k, 1 + n), (last, last - num_sectors + n, last - num_sectors + k)]
        for ring in range(num_rings - 2):
            a, b = 1 + ring * num_sectors + k, 1 + ring * num_sectors + n
            triangles += [(a, a + num_sectors, b + num_sectors), (a, b + num_sectors, b)]
    return radius * np.array(vertices) + centre, np.array(triangles, np.int32)


def grid_triangles(grid):
    """(F, 3) triangles between the neighbours in a (rows, columns) grid of vertex numbers."""
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    return np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3).astype(np.int32)


def teeth_row(height):
    """A horseshoe strip of teeth, open at its edges, 6 mm high."""
    angles = np.linspace(-1.7, 1.7, 13)
    arc = np.stack([20 * np.sin(angles), np.zeros(13), 30 + 22 * np.cos(angles)], axis=1)
    vertices = np.concatenate([arc + [0, height - 3, 0], arc + [0, height + 3, 0]])
    return vertices, grid_triangles(np.arange(26).reshape(2, 13))


def inner_shapes():
    """{name: (vertices, triangles)} of eyeballs, teeth and tongue."""
    shapes = {f"eyeball_{side}": ball(EYES[side], EYE_RADIUS) for side in EYES}
    shapes["upper_teeth"] = teeth_row(SLIT_HEIGHT + 5)
    shapes["lower_teeth"] = teeth_row(SLIT_HEIGHT - 5)
    vertices, triangles = ball(np.zeros(3), 1.0)
    shapes["tongue"] = vertices * [10, 3, 14] + [0, SLIT_HEIGHT - 7, 32], triangles
    return shapes


def brow():
    """A strip that lies half a millimetre over the skin of the left brow."""
    xs, ys = np.meshgrid(np.linspace(20, 42, 12), np.linspace(53, 57, 3))
    vertices = np.stack([xs, ys, bulge(xs, ys) + 0.5], axis=-1).reshape(-1, 3)
    return vertices, grid_triangles(np.arange(36).reshape(3, 12))


def whole_face(spacing):
    """The face with eyes, teeth, tongue and a brow: mesh, {name: range}, codes of the skin."""
    vertices, triangles, codes = face_patch(spacing)
    shapes = {"skin": (vertices, triangles), **inner_shapes(), "brow": brow()}
    mesh, ranges = joined(*shapes.values())
    return mesh, dict(zip(shapes, ranges, strict=True)), codes


def face_template(spacing=3.0):
    """The face as a Template; its identity basis is empty and it has no hierarchy."""
    vertices, triangles, codes = face_patch(spacing)
    is_bag = codes != 0
    to_slit = np.hypot(np.maximum(np.abs(vertices[:, 0]) - 18, 0), vertices[:, 1] - SLIT_HEIGHT)
    near = np.clip((24 - to_slit) / 12, 0, 1) * ~is_bag
    lower_rim = np.zeros(len(vertices), bool)
    lower_rim[len(vertices) - is_bag.sum() - np.sum(_doubled(spacing)) : -is_bag.sum()] = True
    is_lower = (vertices[:, 1] < SLIT_HEIGHT - 0.1) | lower_rim
    regions = {name: np.zeros(len(vertices), np.float32) for name in REGIONS}
    regions["face"] = (~is_bag).astype(np.float32)
    regions["mouth_bag"] = is_bag.astype(np.float32)
    regions["mouth_bag_lower"] = (codes < 0).astype(np.float32)
    regions["upper_lip"] = (near * ~is_lower).astype(np.float32)
    regions["lower_lip"] = (near * is_lower).astype(np.float32)
    mesh = Mesh.from_triangles(vertices, triangles)
    parts = tuple(
        InnerPart(name, points.astype(np.float32), faces, np.zeros((1, *points.shape)))
        for name, (points, faces) in inner_shapes().items()
    )
    return Template(
        vertices=vertices.astype(np.float32),
        triangles=triangles,
        landmarks=landmarks_on_mesh(mesh, _landmark_places()),
        regions=regions,
        identity_basis=np.zeros((1, *vertices.shape), np.float32),
        inner_parts=parts,
        jaw_pivot=np.array([0.0, 10.0, 0.0]),
        hierarchy=None,
    )


def exact_fit(template, similarity=None):
    """The fit of a target that is the template itself, seen through a similarity."""
    inner = {part.name: np.asarray(part.vertices, np.float64) for part in template.inner_parts}
    return Fit(
        similarity or Similarity.identity(),
        np.zeros(1),
        np.asarray(template.vertices, np.float64),
        inner,
        np.asarray(template.landmark_positions, np.float64),
        Residual(0.0, 0.0, "good"),
    )


def lower_lip(template):
    """(V,) weights of the lower lip and what hangs on it inside the mouth."""
    return np.clip(template.regions["lower_lip"] + template.regions["mouth_bag_lower"], 0, 1)


def kinds_of(alignment):
    """(M,) kind of the part that each vertex of the target belongs to."""
    kinds = np.empty(alignment.target.num_vertices, object)
    for part in alignment.parts:
        kinds[part.vertex_indices] = part.kind
    return kinds


def joined(*shapes):
    """One Mesh of several (vertices, triangles), and the vertex range of each."""
    starts = np.cumsum([0, *[len(v) for v, _ in shapes]])
    vertices = np.concatenate([v for v, _ in shapes])
    triangles = np.concatenate([t + s for (_, t), s in zip(shapes, starts[:-1], strict=True)])
    ranges = [slice(a, b) for a, b in itertools.pairwise(starts)]
    return Mesh.from_triangles(vertices, triangles), ranges


def _doubled(spacing):
    xs = np.arange(-HALF_WIDTH, HALF_WIDTH + 0.1, spacing)
    return np.abs(xs) < SLIT_HALF_WIDTH - 0.1


def _landmark_places():
    places = np.zeros((68, 3))
    places[:17] = np.stack([np.linspace(-55, 55, 17), np.full(17, -60.0), np.zeros(17)], axis=1)
    places[17:27] = np.stack([np.linspace(-45, 45, 10), np.full(10, 55.0), np.zeros(10)], axis=1)
    places[27:36] = [0.0, 5.0, 0.0]
    for start, side in ((36, "right"), (42, "left")):
        around = np.linspace(0, 2 * np.pi, 6, endpoint=False)
        places[start : start + 6] = EYES[side]
        places[start : start + 6, :2] += 8 * np.stack([np.cos(around), np.sin(around)], axis=1)
    lips = np.linspace(-18, 18, 7)
    places[48:55, 0], places[48:55, 1] = lips, SLIT_HEIGHT + 6
    places[55:60, 0], places[55:60, 1] = lips[1:6], SLIT_HEIGHT - 6
    places[60:68, 0], places[60:68, 1] = np.linspace(-15, 15, 8), SLIT_HEIGHT
    places[:, 2] = bulge(places[:, 0], places[:, 1])
    return places
