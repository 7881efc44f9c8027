"""The sample head with as many vertices as a head has that is made for film and games."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import Mesh
from facegen_core.template import Template
from facegen_core.topology import edges_of

IntArray = NDArray[np.integer]

NOSE_TIP = 30


def refined_head(template: Template, num_vertices: int) -> Mesh:
    """Skin and inner parts, the edges nearest to the nose cut in two until there are so many.

    Where artists put them, too: the face has twice the vertices, the back of the head its own.
    """
    head = template.whole_head()
    edges = np.unique(np.sort(edges_of(head.triangles), axis=1), axis=0)
    middles = np.asarray(head.vertices[edges].mean(axis=1))
    away = np.linalg.norm(middles - template.landmark_positions[NOSE_TIP], axis=1)
    cut = edges[np.argsort(away, kind="stable")[: num_vertices - head.num_vertices]]
    middle_of = {
        (int(a), int(b)): head.num_vertices + number for number, (a, b) in enumerate(cut.tolist())
    }
    triangles = [piece for whole in head.triangles.tolist() for piece in _pieces(whole, middle_of)]
    vertices = np.concatenate([head.vertices, head.vertices[cut].mean(axis=1)])
    return Mesh.from_triangles(vertices, np.array(triangles))


def _pieces(triangle: list[int], middle_of: dict[tuple[int, int], int]) -> list[list[int]]:
    """A triangle whose edges are cut or not, as one to four."""
    middles = [
        middle_of.get((min(pair), max(pair)))
        for pair in ((triangle[k], triangle[(k + 1) % 3]) for k in range(3))
    ]
    num_cut = sum(middle is not None for middle in middles)
    if num_cut == 0:
        return [triangle]
    # Turned so that the first edge is cut, and of two cut ones the last is whole.
    wanted = {1: (True, False, False), 2: (True, True, False), 3: (True, True, True)}[num_cut]
    turn = next(
        t for t in range(3) if tuple(middles[(k + t) % 3] is not None for k in range(3)) == wanted
    )
    a, b, c = (triangle[(k + turn) % 3] for k in range(3))
    ab, bc, ca = (middles[(k + turn) % 3] for k in range(3))
    if num_cut == 1:
        return [[a, ab, c], [ab, b, c]]
    if num_cut == 2:
        return [[ab, b, bc], [a, ab, bc], [a, bc, c]]
    return [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
