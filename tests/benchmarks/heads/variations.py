"""What the world does to a head before it reaches us: each variation by name.

Most are made of the ICT head with all its parts; those in MAKEHUMAN_VARIATIONS of any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facegen_core.mesh import Mesh
from tests.benchmarks.heads import blender_edits, cuts, warps
from tests.benchmarks.heads.cuts import below_chin, only, skin_of, without
from tests.benchmarks.heads.head_truth import HeadTruth
from tests.benchmarks.heads.variation import (
    Variation,
    as_made,
    joined,
    polygons_of,
    remade,
    selected,
)

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]
Maker = Callable[[HeadTruth, np.random.Generator], Variation]

# mm: cells of the voxel remesh, noise of a scan.
VOXEL_MM, NOISE_MM = 2.0, 0.25
# Vertices of the light heads: skin, each eyeball, each row of teeth.
LIGHT, LIGHTEST = (2300, 150, 200), (440, 30, 0)


def as_is(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return as_made(truth)


def triangulated(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    mesh = Mesh.from_triangles(truth.mesh.vertices, truth.mesh.triangles)
    return replace(as_made(truth), mesh=mesh)


def decimated_3k(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _light(truth, LIGHT)


def decimated_500(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _light(truth, LIGHTEST)


def subdivided(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    skin, rest = skin_of(truth), without(truth, "skin")
    return joined("", [remade(skin, "", blender_edits.subdivided(skin.mesh)), rest])


def voxel_remeshed(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    skin = skin_of(truth)
    mesh = blender_edits.voxel_remeshed(skin.mesh, VOXEL_MM)
    eyes = only(truth, "eyeball_left", "eyeball_right")
    return joined("", [remade(skin, "", mesh, known_beyond_mm=1.5 * VOXEL_MM), eyes])


def noisy(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """A scan's noise along the normals of the skin."""
    mesh = truth.mesh
    heights = NOISE_MM * rng.normal(size=mesh.num_vertices) * truth.is_skin
    moved = mesh.vertices + heights[:, None] * mesh.vertex_normals
    return replace(as_made(truth), mesh=mesh.with_vertices(moved))


def turned(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """Anyhow in space, in no known unit."""
    return _moved(truth, Rotation.random(random_state=rng), np.exp(rng.uniform(-6, 3)), rng)


def lying(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _moved(truth, Rotation.from_euler("x", -90, degrees=True), 1.0, rng)


def upside_down(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _moved(truth, Rotation.from_euler("z", 180, degrees=True), 1.0, rng)


def backwards(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _moved(truth, Rotation.from_euler("y", 180, degrees=True), 1.0, rng)


def in_metres(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _moved(truth, Rotation.identity(), 1e-3, rng)


def split(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """Several objects: the face, the back of the head, the neck, each with its own seam."""
    skin = skin_of(truth)
    y, z = skin.mesh.vertices[:, 1], skin.mesh.vertices[:, 2]
    low, deep = below_chin(truth, 30.0)[: len(y)], z < np.median(z)
    kinds = np.where(low, 0, np.where(deep, 1, 2))
    kind_of = kinds[skin.mesh.polygon_vertices[skin.mesh.polygon_starts[:-1]]]
    pieces = [selected(skin, "", kind_of == k) for k in (2, 1, 0)]
    return joined("", [*pieces, without(truth, "skin")])


def doubled(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """Every polygon has corners of its own, as in files that know no sharing."""
    mesh = truth.mesh
    corners = mesh.polygon_vertices
    own = Mesh(mesh.vertices[corners], np.arange(len(corners)), mesh.polygon_starts)
    before = as_made(truth)
    return replace(
        before, mesh=own, origins=before.origins[corners], is_known=before.is_known[corners]
    )


def inconsistent_normals(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """A third of the polygons wound the other way round."""
    flipped = rng.random(truth.mesh.num_polygons) < 1 / 3
    return _wound(truth, flipped)


def inside_out(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _wound(truth, np.ones(truth.mesh.num_polygons, bool))


def _warped(maker: Callable[[FloatArray], warps.Warp]) -> Maker:
    def make(truth: HeadTruth, rng: np.random.Generator) -> Variation:
        if truth.landmarks is None:
            raise ValueError(f"{truth.name} has no landmarks to warp it by.")
        warp = maker(truth.landmarks)
        mesh = truth.mesh.with_vertices(warp(truth.mesh.vertices))
        return replace(as_made(truth), mesh=mesh, warp=warp, is_same_face=False)

    return make


VARIATIONS: dict[str, Maker] = {
    "as is": as_is,
    "triangulated": triangulated,
    "decimated to 3,000": decimated_3k,
    "decimated to 500": decimated_500,
    "subdivided": subdivided,
    "voxel remesh": voxel_remeshed,
    "noise": noisy,
    "turned": turned,
    "lying": lying,
    "upside down": upside_down,
    "backwards": backwards,
    "in metres": in_metres,
    "split in objects": split,
    "doubled vertices": doubled,
    "inconsistent normals": inconsistent_normals,
    "inside out": inside_out,
    "holes": cuts.holes,
    "eyes removed": cuts.eyes_removed,
    "mouth sealed": cuts.mouth_sealed,
    "neck and ears cut": cuts.neck_and_ears_cut,
    "face only": cuts.face_only,
    "half": cuts.half,
    "mirrored half": cuts.mirrored,
    "hair cap": cuts.hair_cap,
    "asymmetric": _warped(warps.asymmetric),
    "big eyes": _warped(warps.big_eyes),
    "small nose": _warped(warps.small_nose),
    "no nose": _warped(warps.no_nose),
    "wide mouth": _warped(warps.wide_mouth),
    "long face": _warped(warps.long_face),
    "big cranium": _warped(warps.big_cranium),
    "toon": _warped(warps.toon),
}
# The same identity as another mesh: what the gate on tessellations is about.
TESSELLATIONS = (
    "as is",
    "triangulated",
    "decimated to 3,000",
    "decimated to 500",
    "subdivided",
    "voxel remesh",
    "noise",
    "split in objects",
    "doubled vertices",
    "inconsistent normals",
    "inside out",
    "holes",
    "eyes removed",
    "mouth sealed",
    "neck and ears cut",
    "hair cap",
)
# These need nothing that only the ICT head tells.
MAKEHUMAN_VARIATIONS = ("as is", "triangulated", "subdivided", "turned", "doubled vertices")


def make(name: str, truth: HeadTruth, seed: int) -> Variation:
    """A variation by name; the seed draws what is random about it."""
    rng = np.random.default_rng([seed, *name.encode()])
    return replace(VARIATIONS[name](truth, rng), name=name)


def _light(truth: HeadTruth, sizes: tuple[int, int, int]) -> Variation:
    """Skin, eyeballs and teeth, each with its edges collapsed to so many vertices."""
    skin, eye, teeth = sizes
    wanted = {"skin": skin, "eyeball_left": eye, "eyeball_right": eye}
    if teeth:
        wanted |= {"upper_teeth": teeth, "lower_teeth": teeth}
    pieces = []
    for name, size in wanted.items():
        piece = only(truth, name)
        pieces.append(remade(piece, "", blender_edits.decimated(piece.mesh, size)))
    return joined("", pieces)


def _moved(
    truth: HeadTruth, rotation: Rotation, scale: float, rng: np.random.Generator
) -> Variation:
    matrix = np.eye(4)
    matrix[:3, :3] = scale * rotation.as_matrix()
    matrix[:3, 3] = scale * rng.uniform(-2000.0, 2000.0, 3)
    return as_made(truth).placed("", matrix)


def _wound(truth: HeadTruth, flipped: BoolArray) -> Variation:
    polygons = polygons_of(truth.mesh)
    rows = [p[::-1] if flip else p for p, flip in zip(polygons, flipped, strict=True)]
    mesh = Mesh.from_polygons(truth.mesh.vertices, rows)
    return replace(as_made(truth), mesh=mesh, wound_outwards=truth.mesh.triangles)
