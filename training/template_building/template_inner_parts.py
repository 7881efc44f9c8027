"""The inner parts of the template: light proxies of eyeballs, teeth with gums, and tongue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.decimation import decimate
from facegen_core.template import InnerPart
from training.ict4d.ict_facekit import IctFaceKit
from training.template_building.catmull_clark import catmull_clark, triangulated
from training.template_building.template_regions import LOWER_TEETH_GROUP, UPPER_TEETH_GROUP

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Outer shells with the cornea; the second shell inside each ICT eyeball is never seen.
LEFT_EYEBALL_GROUP, RIGHT_EYEBALL_GROUP = (21451, 22221), (23021, 23791)
GUMS_AND_TONGUE_GROUP = (14062, 17039)

# Vertices of each proxy.
EYEBALL_SIZE, TEETH_SIZE, GUMS_SIZE, TONGUE_SIZE = 480, 900, 260, 320
# The tongue is what lies further than this from the lower teeth, mm, and goes with the jaw.
TONGUE_TO_TEETH_MM = 5.0


def build_inner_parts(model: IctFaceKit) -> tuple[InnerPart, ...]:
    """The five parts of facegen_core.template.PART_MOTIONS, with the identity basis carried."""
    gums = _gums_and_tongue(model)
    return (
        _proxy(model, "eyeball_left", [(_group(model, LEFT_EYEBALL_GROUP), EYEBALL_SIZE)]),
        _proxy(model, "eyeball_right", [(_group(model, RIGHT_EYEBALL_GROUP), EYEBALL_SIZE)]),
        _proxy(
            model,
            "upper_teeth",
            [(_group(model, UPPER_TEETH_GROUP), TEETH_SIZE), (gums["upper"], GUMS_SIZE)],
        ),
        _proxy(
            model,
            "lower_teeth",
            [(_group(model, LOWER_TEETH_GROUP), TEETH_SIZE), (gums["lower"], GUMS_SIZE)],
        ),
        _proxy(model, "tongue", [(gums["tongue"], TONGUE_SIZE)]),
    )


def _group(model: IctFaceKit, group: tuple[int, int]) -> IntArray:
    """(G,) polygons whose corners are all in a range of vertices."""
    corners = np.where(model.polygons < 0, model.polygons[:, :1], model.polygons)
    return np.flatnonzero(((corners >= group[0]) & (corners < group[1])).all(axis=1))


def _gums_and_tongue(model: IctFaceKit) -> dict[str, IntArray]:
    """Polygons of upper gums, lower gums and tongue: one sheet in ICT, torn in the throat.

    What jawOpen moves goes with the jaw; of that, what is far from the lower teeth is the tongue.
    """
    polygons = _group(model, GUMS_AND_TONGUE_GROUP)
    corners = np.where(model.polygons < 0, model.polygons[:, :1], model.polygons)[polygons]
    motion = np.linalg.norm(model.expression("jawOpen"), axis=1)[corners].min(axis=1)
    moves = motion > 1.0
    teeth = cKDTree(model.neutral[slice(*LOWER_TEETH_GROUP)])
    distances = teeth.query(model.neutral[corners].mean(axis=1))[0]
    is_tongue = moves & (distances > TONGUE_TO_TEETH_MM)
    return {
        "upper": polygons[~moves],
        "lower": polygons[moves & ~is_tongue],
        "tongue": polygons[is_tongue],
    }


def _proxy(model: IctFaceKit, name: str, pieces: list[tuple[IntArray, int]]) -> InnerPart:
    """One part from (polygons, number of vertices) pieces."""
    vertices, triangles, bases, base = [], [], [], 0
    for polygons, size in pieces:
        used, local = np.unique(model.polygons[polygons], return_inverse=True)
        local = local.reshape(-1, 4)
        if used[0] < 0:  # the filler of triangles is kept as -1
            used, local = used[1:], local - 1
        smooth, quads = catmull_clark(local, len(used))
        fine = smooth @ model.neutral[used]
        coarse = decimate(fine, triangulated(quads), [size])[0]
        carry = smooth[coarse.kept]
        vertices.append(carry @ model.neutral[used])
        triangles.append(coarse.triangles + base)
        bases.append(np.stack([carry @ mode[used] for mode in model.identity_basis]))
        base += len(coarse.kept)
    return InnerPart(
        name,
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate(bases, axis=1).astype(np.float32),
    )
