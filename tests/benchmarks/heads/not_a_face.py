"""What is no human face: refused or cautioned, never a crash, never a mangled mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core import pipeline
from facegen_core.errors import FacegenError
from facegen_core.mesh import Mesh
from facegen_core.topology import edges_of
from tests.benchmarks.heads import blender_edits
from tests.benchmarks.heads.makehuman import read_body
from tests.benchmarks.heads.motion_trials import bundle
from tests.benchmarks.heads.outcome import Gate, Outcome
from tests.benchmarks.heads.sheets import apex_motion

FloatArray = NDArray[np.floating]

# A mesh is mangled when an edge in a hundred grows beyond the first, or a vertex moves farther than
# the second, of its size.
_TORN, _FAR = 3.0, 0.25


@dataclass(frozen=True)
class Answer:
    """What became of a thing. said: the refusal or the first caution; mangled: whether it broke."""

    name: str
    outcome: str
    said: str
    mangled: bool


def ask(name: str) -> Answer:
    """Match a thing and, where that works, move it."""
    mesh = THINGS[name]()
    try:
        alignment = pipeline.match(mesh, bundle())
    except FacegenError as error:
        return Answer(name, "refused", str(error), False)
    fit = alignment.fit
    cautioned = fit.residual.verdict == "poor" or bool(fit.warnings)
    said = fit.warnings[0] if fit.warnings else f"residual {fit.residual.mean_mm:.1f} mm"
    mangled = _is_mangled(mesh, apex_motion(alignment, bundle()))
    return Answer(name, "cautioned" if cautioned else "taken for a face", said, mangled)


def not_a_face(names: tuple[str, ...]) -> Outcome:
    """Everything that is no face, and one that is a monkey's."""
    answers = [ask(name) for name in names]
    bad = [a for a in answers if a.outcome == "taken for a face" or a.mangled]
    words = "all refused or cautioned, none mangled"
    if bad:
        words = "; ".join(f"{a.name}: {'mangled' if a.mangled else a.outcome}" for a in bad)
    return Outcome(
        "Not a face",
        (
            Gate(
                "not a face", "refused or cautioned, never mangled", words, not bad, float(len(bad))
            ),
        ),
        "",
        ("thing", "answer", "sentence", "mangled"),
        tuple((a.name, a.outcome, a.said, "yes" if a.mangled else "no") for a in answers),
    )


def _is_mangled(mesh: Mesh, motion: FloatArray) -> bool:
    if not np.isfinite(motion).all():
        return True
    edges = edges_of(mesh.triangles)

    def lengths(positions: FloatArray) -> FloatArray:
        return np.linalg.norm(positions[edges[:, 0]] - positions[edges[:, 1]], axis=1)

    before = lengths(mesh.vertices)
    fine = before > 0
    size = np.ptp(mesh.vertices, axis=0).max()
    return any(
        np.percentile(lengths(mesh.vertices + frame)[fine] / before[fine], 99) > _TORN
        or np.linalg.norm(frame, axis=1).max() > _FAR * size
        for frame in motion
    )


def cube() -> Mesh:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return Mesh.from_polygons(100.0 * corners, quads)


def fine_cube() -> Mesh:
    """A cube of squares, as a subdivided primitive."""
    return _boxes([((0, 0, 0), (100, 100, 100))], 24)


def sphere() -> Mesh:
    """A ball of rings, as the UV sphere of any program."""
    rings, segments = 40, 60
    polar = np.linspace(0, np.pi, rings + 1)[1:-1, None]
    around = 2 * np.pi * np.arange(segments) / segments
    grid = np.stack(
        [
            np.sin(polar) * np.cos(around),
            np.cos(polar) + 0 * around,
            np.sin(polar) * np.sin(around),
        ],
        axis=-1,
    ).reshape(-1, 3)
    vertices = 100.0 * np.concatenate([grid, [[0, 1, 0], [0, -1, 0]]])
    polygons = []
    for s in range(segments):
        t = (s + 1) % segments
        for r in range(rings - 2):
            a, b = r * segments, (r + 1) * segments
            polygons.append([a + s, a + t, b + t, b + s])
        polygons.append([len(grid), t, s])
        last = (rings - 2) * segments
        polygons.append([len(grid) + 1, last + s, last + t])
    return Mesh.from_polygons(vertices, polygons)


def car() -> Mesh:
    """Boxes as of a car: body, cabin, bumpers, mirrors and four wheels."""
    boxes = [
        ((0, 0, 0), (80, 30, 200)), ((0, 50, -20), (70, 28, 100)), ((0, -15, 205), (78, 12, 8)),
        ((0, -15, -205), (78, 12, 8)), ((88, 40, 60), (8, 6, 4)), ((-88, 40, 60), (8, 6, 4)),
        *(((x, -32, z), (10, 30, 30)) for x in (-75, 75) for z in (-130, 130)),
    ]  # fmt: skip
    return _boxes(boxes, 10)


def hand() -> Mesh:
    """A hand of the MakeHuman body, cut at the wrist."""
    return _body_where(lambda v: v[:, 0] > np.quantile(v[:, 0], 0.995) * 0.87)


def body_without_head() -> Mesh:
    """The MakeHuman body, cut at the shoulders."""
    return _body_where(lambda v: v[:, 1] < v[:, 1].max() - 0.165 * np.ptp(v[:, 1]))


def body_half_without_head() -> Mesh:
    """Hips and legs."""
    return _body_where(lambda v: v[:, 1] < v[:, 1].min() + 0.5 * np.ptp(v[:, 1]))


THINGS: dict[str, Callable[[], Mesh]] = {
    "cube": cube,
    "cube of squares": fine_cube,
    "sphere": sphere,
    "hand": hand,
    "car of boxes": car,
    "body without head": body_without_head,
    "hips and legs": body_half_without_head,
    "Suzanne": blender_edits.suzanne,
    "Suzanne, subdivided": lambda: blender_edits.subdivided(blender_edits.suzanne(), 2),
}


def _body_where(keep: Callable[[FloatArray], NDArray[np.bool_]]) -> Mesh:
    mesh, groups = read_body()
    kept = np.zeros(mesh.num_vertices, bool)
    kept[groups["skin"]] = keep(mesh.vertices[groups["skin"]])
    polygons = [
        p for p in np.split(mesh.polygon_vertices, mesh.polygon_starts[1:-1]) if kept[p].all()
    ]
    used, corners = np.unique(np.concatenate(polygons), return_inverse=True)
    starts = np.concatenate([[0], np.cumsum([len(p) for p in polygons])])
    return Mesh(mesh.vertices[used], corners, starts)


def _boxes(boxes: list[tuple], count: int) -> Mesh:
    """Boxes (middle, half size) with every side cut into count × count squares."""
    vertices, polygons, base = [], [], 0
    steps = np.linspace(-1, 1, count + 1)
    u, v = (a.ravel() for a in np.meshgrid(steps, steps, indexing="ij"))
    place = np.arange((count + 1) ** 2).reshape(count + 1, count + 1)
    corners = [place[:-1, :-1], place[1:, :-1], place[1:, 1:], place[:-1, 1:]]
    squares = np.stack(corners, axis=-1).reshape(-1, 4)
    for middle, half in boxes:
        for axis in range(3):
            for sign in (-1.0, 1.0):
                side = np.empty((len(u), 3))
                side[:, axis], side[:, (axis + 1) % 3], side[:, (axis + 2) % 3] = sign, u, v
                vertices.append(side * half + middle)
                polygons.extend((squares if sign > 0 else squares[:, ::-1]) + base)
                base += len(side)
    return Mesh.from_polygons(np.concatenate(vertices), polygons)
