"""Heads that are none, or that are broken: through `Mesh` and `pipeline.match`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facegen_core import pipeline
from facegen_core.errors import FacegenError
from facegen_core.mesh import Mesh
from tests.core.face_fixtures import ball
from tests.robustness.inputs import world
from tests.robustness.inputs.judging import Trial
from tests.robustness.inputs.mesh_kinds import BROKEN, GROUP, GROUPS, is_named

MILLION = 1_000_000
# A search for a face that is not there takes longest.
_SEARCHED = ("1,000,000", "a ball", "a wave", "random", "400", "an ngon")

Arrays = tuple[NDArray[Any], NDArray[Any]]


def trials(seed: int) -> Iterator[Trial]:
    for name, vertices, polygons in _arrays():
        yield Trial(
            GROUPS[0],
            name,
            lambda v=vertices, p=polygons: Mesh.from_polygons(v, p),
            (vertices,),
            is_named=is_named(name, is_heavy=False),
        )
    for name, starts in {
        "polygon offsets that fall": [0, 4, 3, 6],
        "polygon offsets that do not begin at 0": [1, 3, 6],
        "polygon offsets beyond the corners": [0, 3, 9],
    }.items():
        corners = np.array([0, 1, 2, 0, 2, 3])
        yield Trial(
            GROUPS[0],
            name,
            lambda s=starts, c=corners: Mesh(_square(), c, np.array(s)),
            (corners,),
        )
    for name, make in _FACELESS.items():
        yield _match(GROUP, name, make, name.startswith(_SEARCHED))
    for name, spoil in _SPOILT.items():
        yield _match(BROKEN, name, lambda f=spoil: f(*_head(), np.random.default_rng(seed)), True)
    yield from _masks()


def _match(group: str, name: str, make: Callable[[], Arrays], is_heavy: bool = False) -> Trial:
    """Match a mesh, and generate on it where a face is found in it."""
    made: list[Arrays] = []

    def act() -> Any:
        vertices, triangles = made[0]
        mesh = (
            Mesh.from_polygons(vertices, triangles)
            if isinstance(triangles, list)
            else (Mesh.from_triangles(vertices, triangles))
        )
        alignment = pipeline.match(mesh, world.bundle())
        clip = pipeline.generate(alignment, world.small_curves(), 30.0, world.bundle())
        return alignment.fit, clip, pipeline.bake(clip)

    class Made:  # made when it is first looked at: a million vertices are not kept for all trials
        def __repr__(self) -> str:
            if not made:
                made.append(make())
            vertices, triangles = made[0]
            return f"{hash(vertices.tobytes())} {hash(repr(triangles))}"

    return Trial(group, name, act, (Made(),), is_heavy=is_heavy, is_named=is_named(name, is_heavy))


def _square() -> NDArray[np.float64]:
    return np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])


def _arrays() -> Iterator[tuple[str, Any, Any]]:
    square, two = _square(), [[0, 1, 2], [0, 2, 3]]
    for name, value in (("NaN", np.nan), ("Inf", np.inf), ("-Inf", -np.inf)):
        bad = square.copy()
        bad[2, 1] = value
        yield f"a coordinate that is {name}", bad, two
    yield "every coordinate NaN", np.full((4, 3), np.nan), two
    yield "one vertex, no polygon", np.zeros((1, 3)), []
    yield "no vertices, no polygons", np.zeros((0, 3)), []
    yield "vertices without polygons", square, []
    yield "polygons without vertices", np.zeros((0, 3)), two
    yield "an index beyond the vertices", square, [[0, 1, 4]]
    yield "an index far beyond the vertices", square, [[0, 1, 2**31 - 1]]
    yield "an index too large for 32 bits", square, [[0, 1, 2**40]]
    yield "a negative index", square, [[0, 1, -1]]
    yield "an index that is a fraction", square, [[0, 1, 2.5]]
    yield "an index that is a word", square, [[0, 1, "two"]]
    yield "polygons of no corners", square, [[], []]
    yield "vertices in the plane", square[:, :2], two
    yield "vertices with four numbers", np.ones((4, 4)), two
    yield "vertices in one row", square.ravel(), two
    yield "one number for vertices", np.float64(3.0), two
    yield "vertices that are words", np.array([["a", "b", "c"]] * 4), two
    yield "vertices that are complex", square + 1j, two
    yield "vertices that are objects", np.array([[None] * 3] * 4, object), two
    yield "vertices beyond double precision", np.array([["1e400"] * 3] * 4, object), two


def _cloud(num_vertices: int, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(num_vertices, 3)), rng.integers(0, num_vertices, (2 * num_vertices, 3))


def _grid(size: int, height: Callable[..., Any] = lambda x, y: 0 * x) -> Arrays:
    x, y = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    at = np.arange(size * size).reshape(size, size)
    a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
    triangles = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)
    return np.stack([x, y, height(x, y)], axis=-1).reshape(-1, 3), triangles


def _cube() -> tuple[NDArray[Any], list[list[int]]]:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    sides = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return corners, sides


def _one_ngon(sides: int) -> tuple[NDArray[Any], list[list[int]]]:
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    return np.stack([np.cos(turn), np.sin(turn), 0.2 * np.cos(3 * turn)], 1), [list(range(sides))]


def _ball(rings: int = 20, scale: Any = 1.0) -> Arrays:
    vertices, triangles = ball(np.zeros(3), 1.0, rings, 2 * rings)
    return vertices * scale, triangles


_FACELESS: dict[str, Callable[[], Any]] = {
    "one vertex, its polygon three times the same": lambda: (np.zeros((1, 3)), [[0, 0, 0]]),
    "one triangle": lambda: (np.eye(3), np.array([[0, 1, 2]])),
    "one polygon of two corners": lambda: (np.eye(3), [[0, 1]]),
    "one polygon of one corner": lambda: (np.eye(3), [[0]]),
    "loose edges alone": lambda: (_cloud(500)[0], [[k, k + 1] for k in range(499)]),
    "a cube": _cube,
    "an ngon of 1,000 corners": lambda: _one_ngon(1000),
    "a flat grid": lambda: _grid(60),
    "a wave": lambda: _grid(24, lambda x, y: 0.1 * np.sin(9 * x) * np.cos(7 * y)),
    "a ball": _ball,
    "a long needle": lambda: _ball(scale=[1e-4, 1.0, 1e-4]),
    "a pancake": lambda: _ball(scale=[1.0, 1e-3, 1.0]),
    "a ball of the size 1e30": lambda: _ball(scale=1e30),
    "a ball of the size 1e300": lambda: _ball(scale=1e300),
    "a ball of the size 1e-30": lambda: _ball(scale=1e-30),
    "as small as 1e-320": lambda: _ball(scale=1e-320),
    "a ball 1e12 away": lambda: (_ball()[0] + 1e12, _ball()[1]),
    "all vertices in one point": lambda: (np.ones((900, 3)), _grid(30)[1]),
    "all vertices on a line": lambda: (np.outer(np.linspace(0, 1, 900), [1.0, 2, 3]), _grid(30)[1]),
    "triangles without area": lambda: (_cloud(900)[0], np.arange(900).repeat(3).reshape(-1, 3)),
    "2,000 times the same triangle": lambda: (np.eye(3), np.tile([[0, 1, 2]], (2000, 1))),
    "random triangles": lambda: _cloud(300),
    "random ngons": lambda: (
        _cloud(400)[0],
        [list(row) for row in np.random.default_rng(1).integers(0, 400, (90, 7))],
    ),
    "400 loose triangles": lambda: (
        np.random.default_rng(2).normal(size=(1200, 3)),
        np.arange(1200).reshape(-1, 3),
    ),
    "1,000,000 vertices of a wave": lambda: _grid(
        1000, lambda x, y: 0.1 * np.sin(9 * x) * np.cos(7 * y)
    ),
    "1,000,000 loose vertices and one triangle": lambda: (
        np.random.default_rng(3).normal(size=(MILLION, 3)),
        np.array([[0, 1, 2]]),
    ),
    "1,000,000 loose vertices around a ball": lambda: (
        np.concatenate([_ball()[0], np.random.default_rng(3).normal(size=(MILLION, 3))]),
        _ball()[1],
    ),
}


def _head() -> Arrays:
    head = world.alignment().target
    return head.vertices.copy(), head.triangles.copy()


def _subdivided(vertices: NDArray[Any], triangles: NDArray[Any]) -> Arrays:
    """Every triangle in four."""
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, place = np.unique(edges, axis=0, return_inverse=True)
    middle = len(vertices) + place.reshape(-1, 3)
    a, b, c = triangles.T
    ab, bc, ca = middle.T
    parts = [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
    faces = np.concatenate([np.stack(part, axis=1) for part in parts])
    return np.concatenate([vertices, vertices[unique].mean(axis=1)]), faces


def _million(vertices: NDArray[Any], triangles: NDArray[Any]) -> Arrays:
    for _ in range(3):
        vertices, triangles = _subdivided(vertices, triangles)
    return vertices, triangles


def _hexagons(vertices: NDArray[Any], triangles: NDArray[Any]) -> Any:
    """Every triangle as one polygon that also goes through the middles of its edges."""
    finer, parts = _subdivided(vertices, triangles)
    a, b, c = triangles.T
    ab, ca = parts[: len(a), 1], parts[: len(a), 2]
    bc = parts[len(a) : 2 * len(a), 2]
    return finer, np.stack([a, ab, b, bc, c, ca], axis=1).tolist()


def _fans(triangles: NDArray[Any], every: int) -> NDArray[Any]:
    """Non-manifold: a third and fourth face on many an edge."""
    chosen = triangles[::every]
    return np.concatenate([triangles, np.roll(chosen, 1, axis=0)[:, [0, 1, 1]], chosen[::-1]])


def _moved(vertices: NDArray[Any], rows: Any, to: Any) -> NDArray[Any]:
    vertices[rows] = to
    return vertices


_SPOILT: dict[str, Callable[..., Any]] = {
    "the head in units of 1e30": lambda v, t, rng: (v * 1e30, t),
    "the head in units of 1e-30": lambda v, t, rng: (v * 1e-30, t),
    "the head 1e9 of its sizes away": lambda v, t, rng: (v + 2e11, t),
    "duplicates: every face twice": lambda v, t, rng: (v, np.concatenate([t, t])),
    "every face twice, once inside out": lambda v, t, rng: (v, np.concatenate([t, t[:, ::-1]])),
    "duplicates: every vertex twice": lambda v, t, rng: (
        np.concatenate([v, v]),
        np.concatenate([t[::2], t[1::2] + len(v)]),
    ),
    "half of the faces inside out": lambda v, t, rng: (
        v,
        np.where(rng.random((len(t), 1)) < 0.5, t, t[:, ::-1]),
    ),
    "non-manifold: edges of three and four faces": lambda v, t, rng: (v, _fans(t, 20)),
    "5% of the faces without area": lambda v, t, rng: (v, np.concatenate([t, t[::20, [0, 0, 1]]])),
    "5,000 loose vertices and edges": lambda v, t, rng: (
        np.concatenate([v, rng.normal(scale=100, size=(5000, 3))]),
        [*t.tolist(), *([len(v) + k, len(v) + k + 1] for k in range(4999))],
    ),
    "one vertex at 1e30": lambda v, t, rng: (_moved(v, 0, 1e30), t),
    "one vertex at 1e9": lambda v, t, rng: (_moved(v, 0, 1e9), t),
    "a third of the faces missing": lambda v, t, rng: (v, t[rng.random(len(t)) > 0.33]),
    "flattened to a thousandth": lambda v, t, rng: (v * [1, 1, 1e-3], t),
    "vertices shaken by 5 mm": lambda v, t, rng: (v + rng.normal(scale=5, size=v.shape), t),
    "in single precision": lambda v, t, rng: (v.astype(np.float32), t.astype(np.int64)),
    "read-only arrays": lambda v, t, rng: _read_only(v, t),
    "more than 1,000,000 vertices of a head": lambda v, t, rng: _million(v, t),
    "a head of ngons, 6 corners each": lambda v, t, rng: _hexagons(v, t),
}


def _read_only(*arrays: NDArray[Any]) -> Any:
    for array in arrays:
        array.flags.writeable = False
    return arrays


def _masks() -> Iterator[Trial]:
    count = 17463
    ones = np.ones(count)
    masks: dict[str, Any] = {
        "empty": np.zeros(0),
        "of another mesh": np.ones(count - 1),
        "with two columns": np.ones((count, 2)),
        "one number": np.float64(1.0),
        "NaN in one vertex": np.where(np.arange(count) == 7, np.nan, ones),
        "Inf everywhere": np.full(count, np.inf),
        "2 in one vertex": np.where(np.arange(count) == 7, 2.0, ones),
        "below 0": -ones,
        "words": np.array(["a"] * count),
        "objects": np.array([None] * count, object),
        "complex numbers": ones + 1j,
        "whole numbers": np.ones(count, np.int64),
        "truth values": np.ones(count, bool),
        "all 0": np.zeros(count),
        "1e-300 everywhere": np.full(count, 1e-300),
    }
    for name, mask in masks.items():

        def act(mask: Any = mask) -> Any:
            if world.alignment().target.num_vertices != count:
                raise FacegenError("another sample head")
            curves = world.small_curves()
            return pipeline.generate(world.alignment(), curves, 30.0, world.bundle(), mask=mask)

        yield Trial("Masks", name, act, (mask,))
