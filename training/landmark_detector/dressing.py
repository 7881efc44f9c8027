"""What heads wear, grow and stand on, and things that are no heads at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facegen_core.mesh import vertex_normals
from training.landmark_detector.heads import EYEBALLS, EYES, Head, HeadMaker
from training.landmark_detector.missing import Skin, what_is_missing
from training.landmark_detector.shapes import (
    Piece,
    box,
    ellipsoid,
    hand,
    join,
    rod,
    torus,
    tube,
)

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Maker = Callable[[Head, HeadMaker, np.random.Generator], list[Piece]]


def dressed(head: Head, maker: HeadMaker, rng: np.random.Generator) -> tuple[Piece, set[str]]:
    """The head as an artist might deliver it, with the names of what was done to it."""
    pieces, done = _skin(head, maker, rng)
    pieces += _eyes(head, maker, rng, done)
    for name, (chance, make) in _EXTRAS.items():
        if rng.random() < chance:
            pieces += make(head, maker, rng)
            done.add(name)
    return join(pieces), done


def no_face(rng: np.random.Generator) -> Piece:
    """Cubes, balls, hands, cars of boxes, trunks without heads, heaps of them."""
    kind = rng.integers(5)
    if kind == 0:
        pieces = [box(np.zeros(3), rng.uniform(60, 320, 3), rng)]
    elif kind == 1:
        pieces = [ellipsoid(np.zeros(3), rng.uniform(60, 180, 3))]
    elif kind == 2:
        pieces = hand(rng, rng.uniform(80, 200))
    elif kind == 3:
        pieces = _trunk(rng.uniform(-120, 40), rng)
    else:
        pieces = []
    for _ in range(int(rng.integers(0, 7)) + (4 if kind == 4 else 0)):
        pieces.append(_thing(rng.normal(0, 80, 3), rng, 10.0, 120.0))
    vertices, triangles = join(pieces)
    turn = Rotation.random(random_state=rng).as_matrix()
    return vertices @ turn.T, triangles


def _thing(where: FloatArray, rng: np.random.Generator, small: float, large: float) -> Piece:
    sizes = rng.uniform(small, large, 3)
    if rng.random() < 0.4:
        return box(where, sizes, rng)
    if rng.random() < 0.6:
        return ellipsoid(where, 0.5 * sizes, 8)
    return rod(where, where + rng.normal(0, large, 3), 0.2 * sizes[0], 0.2 * sizes[1])


def _skin(head: Head, maker: HeadMaker, rng: np.random.Generator) -> tuple[list[Piece], set[str]]:
    """The skin in some tessellation, rough, holed, cut off."""
    done: set[str] = set()
    level = int(rng.choice(3, p=[0.6, 0.25, 0.15]))
    rows, triangles = maker.levels[level]
    vertices = head.skin[rows]
    if level:
        done.add("coarse" if level == 1 else "very coarse")
    if rng.random() < 0.25:
        vertices = vertices + rng.normal(0.0, rng.uniform(0.1, 1.5), vertices.shape)
        done.add("noise")
    if rng.random() < 0.06:
        step = rng.uniform(2.0, 5.0)
        vertices = np.round(vertices / step) * step
        done.add("blocky")
    middles = vertices[triangles].mean(axis=1)
    skin = Skin(middles, rows[triangles[:, 0]], head.landmarks, maker.template.regions)
    gone, losses = what_is_missing(skin, rng)
    return [(vertices, triangles[~gone])], done | losses


def _eyes(head: Head, maker: HeadMaker, rng: np.random.Generator, done: set[str]) -> list[Piece]:
    """Eyeballs of some size, none, or a bulge that closes the eye; teeth and tongue, or not."""
    pieces: list[Piece] = []
    kind = rng.random()
    for name in EYEBALLS:
        if name not in head.inner or kind > 0.8:
            continue
        ball = head.inner[name]
        middle = ball.mean(axis=0)
        growth = rng.uniform(0.92, 1.06) if kind < 0.55 else rng.uniform(1.05, 1.25)
        shift = np.zeros(3) if kind < 0.55 else [0.0, 0.0, rng.uniform(0.0, 3.0)]
        pieces.append((middle + growth * (ball - middle) + shift, _triangles(maker, name)))
    done.add("eyes" if kind < 0.55 else "bulging eyes" if kind < 0.8 else "no eyes")
    if rng.random() < 0.6:
        for name in ("upper_teeth", "lower_teeth", "tongue"):
            if name in head.inner:
                pieces.append((head.inner[name], _triangles(maker, name)))
    return pieces


def _triangles(maker: HeadMaker, name: str) -> IntArray:
    return np.asarray(maker.template.inner_part(name).triangles)


def _shell(
    head: Head, maker: HeadMaker, rng: np.random.Generator, chosen: FloatArray, thickness: float
) -> list[Piece]:
    """A copy of the skin where `chosen` (V,), set off by a wavy thickness, mm."""
    rows, triangles = maker.levels[int(rng.integers(0, 2))]
    vertices = head.skin[rows]
    normals = vertex_normals(vertices, triangles)
    wave = np.sin(vertices @ rng.normal(0, rng.uniform(0.01, 0.12), (3, 3)) + rng.uniform(0, 6, 3))
    depth = thickness * (1.0 + rng.uniform(0.0, 0.4) * wave.mean(axis=1, keepdims=True))
    kept = chosen[rows][triangles].all(axis=1)
    return [(vertices + depth * normals, triangles[kept])] if kept.any() else []


def _hair(head: Head, maker: HeadMaker, rng: np.random.Generator) -> list[Piece]:
    marks, skin = head.landmarks, head.skin
    line = marks[17:27, 1].max() + rng.uniform(2.0, 55.0)
    front = np.maximum(marks[27, 2] - skin[:, 2], 0.0)
    chosen = skin[:, 1] > line - rng.uniform(0.2, 2.2) * np.maximum(front - 15.0, 0.0)
    pieces = _shell(head, maker, rng, chosen, rng.uniform(2.0, 40.0))
    if rng.random() < 0.3:  # long hair: a bell around the sides and the back
        width = np.ptp(skin[:, 0]) * 0.5 + rng.uniform(5, 40)
        vertices, triangles = tube(
            np.array([0.0, 0.0, rng.uniform(-30, 10)]),
            (width, rng.uniform(70, 110)),
            marks[8, 1] - rng.uniform(-40, 120),
            np.full(32, line + rng.uniform(-10, 20)),
            rng.uniform(0.7, 1.0),
        )
        behind = vertices[triangles][:, :, 2].max(axis=1) < marks[[0, 16], 2].mean() + 25
        pieces.append((vertices, triangles[behind]))
    return pieces


def _beard(head: Head, maker: HeadMaker, rng: np.random.Generator) -> list[Piece]:
    marks, skin = head.landmarks, head.skin
    top = marks[48:60, 1].min() - rng.uniform(-2, 8) + 0.5 * np.abs(skin[:, 0] - marks[33, 0])
    chosen = (skin[:, 1] < np.minimum(top, marks[33, 1])) & (skin[:, 2] > marks[[0, 16], 2].mean())
    chosen &= skin[:, 1] > marks[8, 1] - rng.uniform(10, 50)
    return _shell(head, maker, rng, chosen, rng.uniform(2.0, 25.0))


def _crown(head: Head, maker: HeadMaker, rng: np.random.Generator) -> list[Piece]:
    """Crowns, hats with brims, head bands, helmets."""
    marks, skin = head.landmarks, head.skin
    height = marks[17:27, 1].max() + rng.uniform(5, 60)
    ring = skin[np.abs(skin[:, 1] - height) < 12]
    ring = ring if len(ring) > 10 else skin
    middle = np.array([0.0, 0.0, 0.5 * (ring[:, 2].min() + ring[:, 2].max())])
    rx, rz = (0.5 * np.ptp(ring[:, k]) * rng.uniform(1.0, 1.2) + 2.0 for k in (0, 2))
    tall = rng.uniform(10, 80)
    tops = np.full(36, height + tall)
    if rng.random() < 0.6:
        tops[:: int(rng.integers(2, 5))] += rng.uniform(5, 50)
    pieces = [tube(middle, (rx, rz), height, tops, rng.uniform(0.9, 1.35))]
    if rng.random() < 0.35:
        wide = rng.uniform(1.2, 1.7)
        pieces.append(
            tube(middle, (rx, rz), height, np.full(36, height - rng.uniform(-10, 15)), wide)
        )
    if rng.random() < 0.4:
        pieces.append(ellipsoid(middle + [0, height + 0.5 * tall, 0], (rx, 0.5 * tall + 30, rz)))
    return pieces


def _glasses(head: Head, maker: HeadMaker, rng: np.random.Generator) -> list[Piece]:
    marks, pieces = head.landmarks, list[Piece]()
    front = marks[36:48, 2].max() + rng.uniform(6, 16)
    size = np.linalg.norm(marks[36] - marks[39]) * rng.uniform(0.65, 1.05)
    for rows, ear in zip(EYES, (0, 16), strict=True):
        middle = np.append(marks[rows, :2].mean(axis=0), front)
        flat = size * rng.uniform(0.6, 1.0)
        pieces.append(torus(middle, (size, flat), rng.uniform(1.0, 3.0)))
        if rng.random() < 0.4:  # dark lenses
            pieces.append(ellipsoid(middle, (size, flat, 1.5), 8))
        side = middle + [np.sign(middle[0]) * size, 0.0, 0.0]
        pieces.append(rod(side, np.array([1.05 * marks[ear, 0], middle[1], marks[ear, 2]]), 2, 2))
    pieces.append(rod(*(np.array([s * 8, marks[27, 1], front]) for s in (-1, 1)), 1.5, 1.5))
    return pieces


def _horns(head: Head, maker: HeadMaker, rng: np.random.Generator) -> list[Piece]:
    marks = head.landmarks
    where = np.array([rng.uniform(15, 60), marks[17:27, 1].max() + rng.uniform(25, 60), 0.0])
    where[2] = marks[27, 2] - rng.uniform(20, 60)
    tip = where + rng.uniform([-10, 20, -40], [60, 110, 40])
    mirror = np.array([-1.0, 1.0, 1.0])
    thick = rng.uniform(6, 16)
    return [rod(where, tip, thick, 1), rod(where * mirror, tip * mirror, thick, 1)]


def _body(head: Head, maker: HeadMaker, rng: np.random.Generator) -> list[Piece]:
    return _trunk(head.landmarks[8, 1], rng)


def _trunk(chin: float, rng: np.random.Generator) -> list[Piece]:
    """Neck, shoulders, chest and perhaps arms below a chin's height."""
    back, wide = rng.uniform(-40, 20), rng.uniform(140, 300)
    neck = rng.uniform(35, 75)
    low = chin - rng.uniform(60, 170)
    centre = np.array([0.0, low - 60.0, back])
    pieces = [
        tube(np.array([0.0, 0.0, back + 15]), (neck, neck), low - 30, np.full(24, chin + 5.0)),
        ellipsoid(centre, (wide, rng.uniform(60, 130), rng.uniform(60, 140))),
        ellipsoid(centre - [0, 250, 0], (0.8 * wide, 330, rng.uniform(80, 160))),
    ]
    if rng.random() < 0.5:
        for side in (-1.0, 1.0):
            joint = centre + [side * wide * 0.9, 0, 0]
            hand_at = joint + [side * rng.uniform(50, 500), rng.uniform(-500, 50), 0]
            pieces.append(rod(joint, hand_at, 55, 35))
    if rng.random() < 0.3:  # a collar
        tops = np.full(24, chin - rng.uniform(5, 40))
        pieces.append(tube(np.array([0.0, 0.0, back + 15]), (neck + 20,) * 2, low, tops, 1.2))
    return pieces


def _clutter(head: Head, maker: HeadMaker, rng: np.random.Generator) -> list[Piece]:
    """Things that hang in the air around the head, seldom before it."""
    pieces = []
    for _ in range(int(rng.integers(1, 6))):
        where = rng.normal(size=3)
        where *= rng.uniform(150, 320) / np.linalg.norm(where)
        where[2] = min(where[2], 60.0)
        pieces.append(_thing(where, rng, 8.0, 120.0))
    return pieces


_EXTRAS: dict[str, tuple[float, Maker]] = {
    "hair": (0.35, _hair),
    "beard": (0.12, _beard),
    "crown": (0.14, _crown),
    "glasses": (0.12, _glasses),
    "horns": (0.06, _horns),
    "body": (0.35, _body),
    "clutter": (0.15, _clutter),
}
