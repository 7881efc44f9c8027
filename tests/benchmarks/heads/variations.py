"""What the world does to a head before it reaches us: each variation by name.

Most are made of the ICT head with all its parts; those in MAKEHUMAN_VARIATIONS of any.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.transform import Rotation

from facegen_core.mesh import Mesh
from tests.benchmarks.heads import blender_edits, warps
from tests.benchmarks.heads.truth import HeadTruth
from tests.benchmarks.heads.variation import (
    Variation,
    as_made,
    joined,
    polygons_of,
    polygons_within,
    remade,
    selected,
)
from training.template_regions import MOUTH_GROUP

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]
Maker = Callable[[HeadTruth, np.random.Generator], Variation]

# mm: cells of the voxel remesh, noise of a scan, thickness of a cap of hair, a seam that closes.
VOXEL_MM, NOISE_MM, HAIR_MM, SEAM_MM = 2.0, 0.25, 7.0, 0.4
EYE_PARTS = ("eyeball_left", "eyeball_right", "eye_surroundings", "lashes")
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
    skin, rest = _skin(truth), _without(truth, "skin")
    return joined("", [remade(skin, "", blender_edits.subdivided(skin.mesh)), rest])


def voxel_remeshed(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    skin = _skin(truth)
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
    skin = _skin(truth)
    y, z = skin.mesh.vertices[:, 1], skin.mesh.vertices[:, 2]
    low, deep = _below_chin(truth, 30.0)[: len(y)], z < np.median(z)
    kinds = np.where(low, 0, np.where(deep, 1, 2))
    kind_of = kinds[skin.mesh.polygon_vertices[skin.mesh.polygon_starts[:-1]]]
    pieces = [selected(skin, "", kind_of == k) for k in (2, 1, 0)]
    return joined("", [*pieces, _without(truth, "skin")])


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


def holes(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """Six holes of some 12 mm in the skin, anywhere but at eyes and mouth."""
    vertices, keep = truth.mesh.vertices, np.ones(truth.mesh.num_vertices, bool)
    marks = vertices[truth.is_outer_face] if truth.landmarks is None else truth.landmarks[36:]
    allowed = np.flatnonzero(
        truth.is_skin & (np.linalg.norm(vertices[:, None] - marks, axis=2).min(axis=1) > 18.0)
    )
    for centre in vertices[rng.choice(allowed, 6, replace=False)]:
        keep &= np.linalg.norm(vertices - centre, axis=1) > 6.0
    return _of_vertices(truth, keep | ~truth.is_skin)


def eyes_removed(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    return _without(truth, *EYE_PARTS)


def mouth_sealed(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """No mouth bag, no teeth; the lips are one sheet."""
    keep = np.ones(truth.mesh.num_vertices, bool)
    keep[slice(*MOUTH_GROUP)] = False
    for name in ("gums_and_tongue", "upper_teeth", "lower_teeth"):
        keep[truth.groups[name]] = False
    opened = _of_vertices(truth, keep)
    mesh = _with_mouth_filled(opened)
    return replace(opened, mesh=mesh)


def neck_and_ears_cut(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """A mask: what is left of the head without neck, ears and nape."""
    regions = truth.regions
    gone = regions["ear_left"] + regions["ear_right"] + regions["neck"] > 0.4
    return _of_vertices(truth, ~(gone | (_below_chin(truth, 5.0) & truth.is_skin)))


def face_only(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """The front of the head alone, as phones scan it."""
    behind = truth.mesh.vertices[:, 2] < np.quantile(truth.mesh.vertices[truth.is_skin, 2], 0.35)
    gone = truth.is_skin & (behind | _below_chin(truth, 15.0))
    return _of_vertices(truth, ~gone)


def half(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """What lies under a Mirror modifier that has not been applied."""
    return _half(truth)


def mirrored(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """One half and its image, as the Mirror modifier shows them."""
    one = _half(truth)
    mesh = blender_edits.mirrored(one.mesh, SEAM_MM)
    surface = Mesh.from_triangles(one.mesh.vertices, one.mesh.triangles)
    is_image = mesh.vertices[:, 0] < -SEAM_MM
    unfolded = mesh.with_vertices(mesh.vertices * np.where(is_image[:, None], [-1, 1, 1], 1))
    nearest = _nearest(surface.vertices, unfolded.vertices)
    return replace(
        one,
        mesh=mesh,
        origins=one.origins[nearest],
        is_known=one.is_known[nearest],
        mirrored=is_image,
        is_same_face=False,
    )


def hair_cap(truth: HeadTruth, rng: np.random.Generator) -> Variation:
    """A shell of hair over the skull, down to the brows and over the ears."""
    skin = _skin(truth)
    regions, count = truth.regions, skin.mesh.num_vertices
    cover = regions["scalp"] + regions["ear_left"] + regions["ear_right"]
    is_hair = (cover[:count] > 0.3) & ~_below_chin(truth, -20.0)[:count]
    if truth.landmarks is not None:  # a fringe that covers half of the forehead
        is_hair |= skin.mesh.vertices[:, 1] > truth.landmarks[17:27, 1].max() + 30.0
    cap = selected(skin, "", polygons_within(skin, is_hair))
    normals = cap.mesh.vertex_normals
    outward = cap.mesh.with_vertices(cap.mesh.vertices + HAIR_MM * normals)
    nothing = sparse.csr_matrix(cap.origins.shape)
    cap = replace(cap, mesh=outward, origins=nothing, is_known=np.zeros(len(normals), bool))
    return joined("", [as_made(truth), cap])


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
    "holes": holes,
    "eyes removed": eyes_removed,
    "mouth sealed": mouth_sealed,
    "neck and ears cut": neck_and_ears_cut,
    "face only": face_only,
    "half": half,
    "mirrored half": mirrored,
    "hair cap": hair_cap,
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


def _skin(truth: HeadTruth) -> Variation:
    return only(truth, "skin")


def only(truth: HeadTruth, *groups: str) -> Variation:
    keep = np.zeros(truth.mesh.num_vertices, bool)
    for name in groups:
        keep[truth.groups[name]] = True
    return _of_vertices(truth, keep)


def _without(truth: HeadTruth, *groups: str) -> Variation:
    keep = np.ones(truth.mesh.num_vertices, bool)
    for name in groups:
        keep[truth.groups.get(name, [])] = False
    return _of_vertices(truth, keep)


def _of_vertices(truth: HeadTruth, keep: BoolArray) -> Variation:
    whole = as_made(truth)
    return selected(whole, "", polygons_within(whole, keep))


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
    return replace(as_made(truth), mesh=Mesh.from_polygons(truth.mesh.vertices, rows))


def _half(truth: HeadTruth) -> Variation:
    """The left half (x > 0); vertices of the seam are drawn onto the plane of symmetry."""
    whole = as_made(truth)
    vertices = truth.mesh.vertices.copy()
    middle = (
        0.0 if truth.landmarks is None else truth.landmarks[[27, 28, 29, 30, 33, 51]].mean(0)[0]
    )
    vertices[:, 0] -= middle
    kept = selected(whole, "", polygons_within(whole, vertices[:, 0] > -1.5), vertices)
    at_seam = kept.mesh.vertices.copy()
    at_seam[:, 0] = np.where(at_seam[:, 0] < 0.75, 0.0, at_seam[:, 0])
    back = np.eye(4)
    back[0, 3] = middle
    mesh = kept.mesh.with_vertices(at_seam)
    return replace(kept, mesh=mesh, to_truth=back, is_same_face=False)


def _below_chin(truth: HeadTruth, distance_mm: float) -> BoolArray:
    """(P,) vertices lower than the chin by more than so much; the nape counts from higher."""
    vertices = truth.mesh.vertices
    if truth.landmarks is None:
        face = vertices[truth.is_outer_face]
        chin = face[face[:, 1].argmin()]
    else:
        chin = truth.landmarks[8]
    slope = 0.35 * np.maximum(chin[2] - vertices[:, 2], 0.0)
    return vertices[:, 1] < chin[1] - distance_mm + slope


def _with_mouth_filled(opened: Variation) -> Mesh:
    """The loop around the lips closed; eyes, neck and other openings stay."""
    mesh = opened.mesh
    filled = blender_edits.with_holes_filled(mesh)
    lips = opened.share(opened.truth.regions["upper_lip"] + opened.truth.regions["lower_lip"])
    new = polygons_of(filled)[mesh.num_polygons :]
    kept = [p for p in new if lips[p].mean() > 0.3]
    return Mesh.from_polygons(mesh.vertices, [*polygons_of(mesh), *kept])


def _nearest(points: FloatArray, queries: FloatArray) -> NDArray[np.integer]:
    from scipy.spatial import cKDTree

    return cKDTree(points).query(queries)[1]
