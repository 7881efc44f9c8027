"""A rig of a head: one shape per expression and region, which sliders, curves or drivers play.

The shapes of an expression sum to its apex on this head, whatever stands between lips, lids and
teeth included. Played together they add up, which generated motion need not: the difference is
the price of a rig, and measured with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .region_masks import REGIONS, region_masks
from .registration.alignment import Alignment, vertices_moving
from .registration.correspondence import CONFIDENT
from .retarget import first_of_welded, retargeter_of

__all__ = ["REGIONS", "Rig", "apex_intensities", "build_rig", "driven_weights", "face_areas"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A region that an expression moves no farther than this gets no shape of its own there; what little
# it moves goes with the region the expression moves most.
HARDLY_MOVES_MM = 0.3
# The curve by which an apex is reached, held long enough to be still, and left; seconds.
APEX_RATE = 10.0
_ONSET_SECONDS, _HOLD_SECONDS = 0.5, 1.0
_MOUTH = REGIONS.index("mouth")
# The share of the importance that each area of a face has in a solve, however many vertices it has.
_SHARES = {
    "the lips": 0.30,
    "the eyes": 0.22,
    "the brows": 0.15,
    "the cheeks, nose and chin": 0.20,
    "the inside of the mouth": 0.05,
    "the rest of the head": 0.08,
}


@dataclass(frozen=True, eq=False)
class Rig:
    """K shapes of a head.

    channels: (K,) which expression each belongs to. regions: (K,) which of REGIONS.
    shapes: (K, M, 3) float32 displacements from the neutral in the target's coordinates and unit.
    """

    channels: IntArray
    regions: IntArray
    shapes: FloatArray

    @property
    def num_shapes(self) -> int:
        return len(self.shapes)

    def apex(self, channel: int) -> FloatArray:
        """(M, 3) what an expression at 1 looks like."""
        return self.shapes[self.channels == channel].sum(axis=0)


def apex_intensities(num_expressions: int, channel: int) -> tuple[FloatArray, int]:
    """(T, C) curves at APEX_RATE that bring one expression to 1 and back, and the row of its apex.

    They begin and end at rest; around the apex the curve lies flat for half a second either side.
    """
    onset, hold = round(_ONSET_SECONDS * APEX_RATE), round(_HOLD_SECONDS * APEX_RATE)
    rise = np.linspace(0.0, 1.0, onset + 1)
    curve = np.concatenate([[0.0], rise[:-1], np.ones(hold + 1), rise[::-1][1:], [0.0]])
    intensities = np.zeros((len(curve), num_expressions))
    intensities[:, channel] = curve
    return intensities, len(curve) // 2


def build_rig(
    alignment: Alignment, num_expressions: int, apex_of: Callable[[int], FloatArray]
) -> Rig:
    """Split the apex of every expression into what each region does.

    apex_of: tells the (M, 3) apex of a channel, in the target's coordinates and unit.
    """
    masks = target_masks(alignment)
    threshold = HARDLY_MOVES_MM / alignment.fit.similarity.scale
    channels, regions, shapes = [], [], []
    for channel in range(num_expressions):
        apex = np.asarray(apex_of(channel), np.float64)
        pieces = masks[:, :, None] * apex  # (R, M, 3)
        reach = np.linalg.norm(pieces, axis=2).max(axis=1, initial=0.0)
        kept = np.flatnonzero(reach > threshold)
        if len(kept) == 0:
            if not apex.any():
                continue
            kept = reach.argmax(keepdims=True)
        leading = kept[reach[kept].argmax()]
        pieces[leading] = apex - pieces[[k for k in kept if k != leading]].sum(axis=0)
        for region in kept:
            channels.append(channel)
            regions.append(int(region))
            shapes.append(pieces[region].astype(np.float32))
    num_vertices = alignment.target.num_vertices
    stacked = np.stack(shapes) if shapes else np.zeros((0, num_vertices, 3), np.float32)
    return Rig(np.array(channels, np.int32), np.array(regions, np.int32), stacked)


def driven_weights(rig: Rig, intensities: FloatArray, factors: FloatArray) -> FloatArray:
    """(T, K) weights that drivers give: (T, C) intensities times (T, R) factors, up to 1."""
    return np.clip(intensities[:, rig.channels] * factors[:, rig.regions], 0.0, 1.0)


def is_mixed(intensities: FloatArray) -> NDArray[np.bool_]:
    """(T,) whether two or more expressions are played at once."""
    return (np.asarray(intensities) > 0).sum(axis=1) > 1


def target_masks(alignment: Alignment) -> FloatArray:
    """(R, M) shares of REGIONS on the target that sum to 1; what the jaw carries is the mouth's."""
    retargeter = retargeter_of(alignment)
    surface = retargeter.surface
    known = alignment.correspondence.confidences[first_of_welded(surface)] > CONFIDENT
    values = retargeter.interpolation @ region_masks(alignment.template).regions.T  # (W, R)
    values = np.clip(surface.harmonic_extension(known, values), 0.0, 1.0)
    # What stands apart, such as lashes and hair, goes with the skin next to it.
    apart = np.flatnonzero(values.sum(axis=1) < 0.5)
    sure = np.flatnonzero(known)
    if len(apart) and len(sure):
        nearest = cKDTree(surface.vertices[sure]).query(surface.vertices[apart])[1]
        values[apart] = values[sure[nearest]]
    shares = values[surface.welded_indices].T
    jaw = vertices_moving(alignment.parts, "jaw")
    shares[:, jaw] = np.arange(len(REGIONS))[:, None] == _MOUTH
    shares[_MOUTH, shares.sum(axis=0) <= 0.0] = 1.0
    return shares / shares.sum(axis=0)


def face_areas(alignment: Alignment) -> dict[str, FloatArray]:
    """{area of a face, in words: (M,) share in [0, 1]} of the target; they sum to 1."""
    weights = alignment.region_weights
    brows = target_masks(alignment)[REGIONS.index("brows")]
    lids = [f"{half}_lid_{side}" for half in ("upper", "lower") for side in ("left", "right")]
    is_jaw = np.zeros(alignment.target.num_vertices)
    is_jaw[vertices_moving(alignment.parts, "jaw")] = 1.0
    wanted = {
        "the inside of the mouth": is_jaw + weights["mouth_bag"],
        "the lips": weights["upper_lip"] + weights["lower_lip"],
        "the eyes": np.sum([weights[name] for name in lids], axis=0),
        "the brows": brows * weights["face"],
        "the cheeks, nose and chin": weights["face"],
        "the rest of the head": np.ones(alignment.target.num_vertices),
    }
    left, areas = np.ones(alignment.target.num_vertices), {}
    for name, share in wanted.items():
        areas[name] = np.minimum(np.clip(share, 0.0, 1.0), left)
        left = left - areas[name]
    return areas


def vertex_importance(alignment: Alignment, areas: dict[str, FloatArray]) -> FloatArray:
    """(M,) importance in a solve: every area has its share, by its surface, and a neck no more."""
    surface = retargeter_of(alignment).surface
    counts = np.bincount(surface.welded_indices, minlength=surface.num_vertices)
    extent = (surface.vertex_areas / np.maximum(counts, 1))[surface.welded_indices]
    importance = np.zeros(alignment.target.num_vertices)
    for name, share in _SHARES.items():
        total = float((areas[name] * extent).sum())
        if total > 0:
            importance += share * areas[name] * extent / total
    return importance


def is_of_mouth(shapes: FloatArray, masks: FloatArray, names: Sequence[str] = ()) -> IntArray:
    """(N,) those of (K, M, 3) shapes that speech needs: named for the mouth or mostly moving it.

    masks: (R, M) of `target_masks`.
    """
    energy = np.einsum("kmx,kmx->km", shapes, shapes)
    share = (energy @ masks[_MOUTH]) / np.maximum(energy.sum(axis=1), 1e-30)
    named = [any(word in name.lower() for word in _OF_SPEECH) for name in names]
    return np.flatnonzero((share > 0.5) | (np.array(named) if named else False))


_OF_SPEECH = ("viseme", "mouth", "jaw", "tongue", "lip")
