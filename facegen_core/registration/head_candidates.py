"""Where a head could be: the places, sizes and turns of a target that look like a face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .closest_points import farthest_points, unit

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Head height (chin to crown) over the largest extent of the target: 1 is a head alone, 0.1 a
# whole body of ten heads, or a body with wide open arms and props.
HEAD_SHARES = 1.1 / 1.2 ** np.arange(14)
HEAD_HEIGHT_MM = 230.0
# Radius around the middle of the face in which two surfaces are compared from afar.
NEIGHBOURHOOD_MM = 110.0
SAMPLE_SPACING_MM = 14.0  # fine enough to see a nose, coarse enough for a whole body
PLACE_SPACING_MM = 26.0  # closest-point alignment recovers half of it easily
NUM_ROLLS = 16  # turns about the line of sight, 22.5° apart
MAX_PLACES = 3000
NUM_PLACES_KEPT = 400
# Bins of the descriptor: distance from the line of sight, and depth along it, mm.
RADIAL_BINS = np.linspace(0.0, NEIGHBOURHOOD_MM, 6)
DEPTH_BINS = np.linspace(-90.0, 60.0, 9)
# A face point agrees from afar within this distance.
FAR_AGREEMENT_MM = 14.0


@dataclass(frozen=True, eq=False)
class SurfaceSamples:
    """Points spread evenly by area: positions (N, 3), unit normals (N, 3), total area."""

    positions: FloatArray
    normals: FloatArray
    area: float

    def thinned(self, num_samples: int) -> SurfaceSamples:
        """Every so-many-th sample, about num_samples of them."""
        rows = np.linspace(
            0, len(self.positions) - 1, max(8, min(num_samples, len(self.positions)))
        )
        rows = np.unique(rows.astype(int))
        return SurfaceSamples(self.positions[rows], self.normals[rows], self.area)


@dataclass(frozen=True, eq=False)
class Candidates:
    """H guesses of template → target: ``scales * rotations @ x + translations``, best first.

    scales (H,), rotations (H, 3, 3), translations (H, 3), scores (H,) in [0, 1].
    """

    scales: FloatArray
    rotations: FloatArray
    translations: FloatArray
    scores: FloatArray

    def at(self, rows: IntArray) -> Candidates:
        return Candidates(
            self.scales[rows], self.rotations[rows], self.translations[rows], self.scores[rows]
        )


def sample_by_area(
    vertices: FloatArray, triangles: IntArray, normals: FloatArray, num_samples: int
) -> SurfaceSamples:
    """Spread num_samples over the triangles evenly by area, always the same way.

    vertices (M, 3), triangles (F, 3), normals (M, 3). Equal steps of the running area choose the
    triangle, an additive recurrence (Roberts 2018, R2) the point in it: no random numbers.
    """
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    running = np.cumsum(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))
    steps = (np.arange(num_samples) + 0.5) * running[-1] / num_samples
    chosen = np.minimum(np.searchsorted(running, steps), len(triangles) - 1)
    golden = np.array([0.7548776662466927, 0.5698402909980532])
    u, v = ((np.arange(num_samples)[:, None] * golden) % 1.0).T
    root = np.sqrt(u)
    barycentrics = np.stack([1.0 - root, root * (1.0 - v), root * v], axis=1)
    corners = triangles[chosen]
    positions = np.einsum("nc,ncx->nx", barycentrics, vertices[corners])
    smooth = unit(np.einsum("nc,ncx->nx", barycentrics, normals[corners]))
    return SurfaceSamples(positions, smooth, float(running[-1]))


def find_candidates(
    template: SurfaceSamples,
    template_middle: FloatArray,
    face_points: FloatArray,
    face_normals: FloatArray,
    target: SurfaceSamples,
) -> Candidates:
    """Guesses of where the template's face lies on the target, best first.

    template: samples in mm; template_middle: (3,) a point in the middle of the face; face_points,
    face_normals: (P, 3) what to compare; target: samples in a frame where its extent is 1.
    """
    model = _describe(template, template_middle[None], np.ones((1, 3)) * [0.0, 0.0, 1.0])
    order, reach = farthest_points(target.positions[::3], MAX_PLACES)
    order = 3 * order
    found = []
    for share in HEAD_SHARES:
        mm_per_unit = HEAD_HEIGHT_MM / share
        num_places = int(np.searchsorted(-reach, -PLACE_SPACING_MM / mm_per_unit)) + 1
        rows = order[:num_places]
        count = int(target.area * mm_per_unit**2 / SAMPLE_SPACING_MM**2)
        scaled = target.thinned(count)
        scaled = SurfaceSamples(
            scaled.positions * mm_per_unit, scaled.normals, scaled.area * mm_per_unit**2
        )
        places = _describe(scaled, target.positions[rows] * mm_per_unit, target.normals[rows])
        difference = np.sum((places.roots - model.roots) ** 2, axis=1)
        found.append((np.full(len(rows), mm_per_unit), places.centres, places.axes, difference))
    mm_per_unit, centres, axes, difference = (np.concatenate(x) for x in zip(*found, strict=True))
    kept = np.argsort(difference, kind="stable")[:NUM_PLACES_KEPT]
    turned = _turns(model, mm_per_unit[kept], centres[kept], axes[kept])
    return _scored(turned, face_points, face_normals, target)


def distinct(candidates: Candidates, num_kept: int, face_centre: FloatArray) -> Candidates:
    """The best num_kept that differ in place (30 mm), turn (25°) or size (12 %)."""
    kept: list[int] = []
    centres = _apply(candidates, face_centre[None])[:, 0]
    for row in range(len(candidates.scales)):
        if kept:
            scale = candidates.scales[row]
            near = np.linalg.norm(centres[kept] - centres[row], axis=1) < 30.0 * scale
            traces = np.einsum("kij,ij->k", candidates.rotations[kept], candidates.rotations[row])
            near &= traces > 1.0 + 2.0 * np.cos(np.radians(25.0))
            near &= np.abs(np.log(candidates.scales[kept] / scale)) < 0.12
            if near.any():
                continue
        kept.append(row)
        if len(kept) == num_kept:
            break
    return candidates.at(np.array(kept))


@dataclass(frozen=True, eq=False)
class _Places:
    """Smoothed neighbourhoods: centres (K, 3), axes (K, 3), and roots (K, bins), the square roots
    of the shares of surface in each bin.

    Roots of shares (the Hellinger distance) forgive teeth, gums and hair that add surface to some
    bins: right places rank within the first hundred of 16,000, by plain areas in the thousands.
    """

    centres: FloatArray
    axes: FloatArray
    roots: FloatArray


def _describe(samples: SurfaceSamples, places: FloatArray, axes: FloatArray) -> _Places:
    """How the surface lies around each place as seen along its own outward axis.

    A spin image (Johnson & Hebert 1999) about the mean of the outward-facing neighbourhood: blind
    to turns about the axis, steady against noise, teeth and mouth cavities behind the skin.
    """
    lists = cKDTree(samples.positions).query_ball_point(places, NEIGHBOURHOOD_MM, workers=-1)
    counts = np.array([len(found) for found in lists])
    place = np.repeat(np.arange(len(places)), counts)
    point = np.concatenate([np.asarray(found, int) for found in lists])
    normals, positions = samples.normals[point], samples.positions[point]
    for _ in range(3):
        faces = np.sum(normals * axes[place], axis=1) > 0
        axes = unit(_sums(place[faces], normals[faces], len(places)))
    faces = np.sum(normals * axes[place], axis=1) > 0
    place, positions = place[faces], positions[faces]
    num_faces = np.maximum(np.bincount(place, minlength=len(places)), 1)[:, None]
    centres = _sums(place, positions, len(places)) / num_faces
    offsets = positions - centres[place]
    depth = np.sum(offsets * axes[place], axis=1)
    radius = np.linalg.norm(offsets - depth[:, None] * axes[place], axis=1)
    radial = np.clip(np.searchsorted(RADIAL_BINS, radius) - 1, 0, len(RADIAL_BINS) - 2)
    deep = np.clip(np.searchsorted(DEPTH_BINS, depth) - 1, 0, len(DEPTH_BINS) - 2)
    num_bins = (len(RADIAL_BINS) - 1) * (len(DEPTH_BINS) - 1)
    bins = place * num_bins + radial * (len(DEPTH_BINS) - 1) + deep
    counts = np.bincount(bins, minlength=len(places) * num_bins).reshape(-1, num_bins)
    return _Places(centres, axes, np.sqrt(counts / num_faces))


def _sums(rows: IntArray, values: FloatArray, num_rows: int) -> FloatArray:
    return np.stack([np.bincount(rows, values[:, k], num_rows) for k in range(3)], axis=1)


def _turns(
    model: _Places, mm_per_unit: FloatArray, centres: FloatArray, axes: FloatArray
) -> Candidates:
    """Every roll about the axis of each place, (K * NUM_ROLLS) candidates, unscored."""
    source = _frame(model.axes)[0]
    goal = _frame(axes)  # (K, 3, 3), columns
    angles = np.arange(NUM_ROLLS) * (2.0 * np.pi / NUM_ROLLS)
    rolls = np.zeros((NUM_ROLLS, 3, 3))
    rolls[:, 0, 0] = rolls[:, 1, 1] = np.cos(angles)
    rolls[:, 1, 0], rolls[:, 0, 1], rolls[:, 2, 2] = np.sin(angles), -np.sin(angles), 1.0
    rotations = np.einsum("kij,rjl,ml->krim", goal, rolls, source).reshape(-1, 3, 3)
    scales = np.repeat(1.0 / mm_per_unit, NUM_ROLLS)
    anchors = np.repeat(centres / mm_per_unit[:, None], NUM_ROLLS, axis=0)
    translations = anchors - scales[:, None] * (rotations @ model.centres[0])
    return Candidates(scales, rotations, translations, np.zeros(len(scales)))


def _frame(axes: FloatArray) -> FloatArray:
    """(K, 3, 3) right-handed frames in columns, the third along the (K, 3) axes."""
    least = np.eye(3)[np.abs(axes).argmin(axis=1)]
    first = unit(np.cross(axes, least))
    return np.stack([first, np.cross(axes, first), axes], axis=-1)


def _scored(
    candidates: Candidates, points: FloatArray, normals: FloatArray, target: SurfaceSamples
) -> Candidates:
    tree = cKDTree(target.positions)
    moved = _apply(candidates, points)
    distances, rows = tree.query(moved.reshape(-1, 3), workers=-1)
    turned = np.einsum("hij,pj->hpi", candidates.rotations, normals).reshape(-1, 3)
    agreement = np.clip(np.sum(target.normals[rows] * turned, axis=1), 0.0, 1.0)
    far = distances.reshape(len(moved), -1) / (candidates.scales[:, None] * FAR_AGREEMENT_MM)
    scores = (np.clip(1.0 - far**2, 0.0, 1.0) * agreement.reshape(far.shape)).mean(axis=1)
    order = np.argsort(-scores, kind="stable")
    ranked = Candidates(candidates.scales, candidates.rotations, candidates.translations, scores)
    return ranked.at(order)


def _apply(candidates: Candidates, points: FloatArray) -> FloatArray:
    """(H, P, 3) places of (P, 3) template points under each candidate."""
    turned = np.einsum("hij,pj->hpi", candidates.rotations, points)
    return candidates.scales[:, None, None] * turned + candidates.translations[:, None]
