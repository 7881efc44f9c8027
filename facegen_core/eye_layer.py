"""Blinks and gaze over a motion: lids before it is carried to a head, eyeballs after."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .deformation_transfer import ShapeTransfer
from .errors import BundleError
from .eye_lids import SIDES, Lids, prepare_transfer
from .eye_motion import EyeMotion
from .face_shapes import TemplateShapes
from .gaze import turn_eyeballs
from .motion import FaceMotion
from .registration.alignment import Alignment
from .registration.inner_fit import carry_inner_parts

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

NO_SHAPES = (
    "This model has no face shapes to blink with: switch blinks and gaze off, or use a model that "
    "`training add-face-shapes` gave them."
)
# What a bundle's shapes need to be carried anywhere; lids per alignment and the face they are for.
_transfers: WeakKeyDictionary[TemplateShapes, ShapeTransfer] = WeakKeyDictionary()
_lids: WeakKeyDictionary[Alignment, tuple[TemplateShapes, FloatArray, Lids]] = WeakKeyDictionary()


def add_lids(
    motion: FaceMotion,
    alignment: Alignment,
    eyes: EyeMotion | None,
    shapes: TemplateShapes | None,
    rows: IntArray | slice = slice(None),
) -> FaceMotion:
    """The motion with the lids of `eyes` on top; itself where these rest all the time.

    rows: which of the frames of `eyes` the motion holds. Raises BundleError where the bundle has no
    shapes to move lids with.
    """
    if eyes is None or not eyes.is_moving.any():
        return motion
    if shapes is None:
        raise BundleError(NO_SHAPES)
    face = alignment.template.vertices if motion.neutral is None else motion.neutral
    return _lids_of(alignment, shapes, face).added(motion, eyes.rows(rows))


def add_gaze(
    displacements: FloatArray,
    alignment: Alignment,
    eyes: EyeMotion | None,
    mask: FloatArray | None = None,
    rows: IntArray | slice = slice(None),
) -> None:
    """Turn the eyeballs in (T, M, 3) displacements of the target, in place."""
    if eyes is not None:
        turn_eyeballs(displacements, alignment, eyes.gaze[rows], mask)


def _lids_of(alignment: Alignment, shapes: TemplateShapes, face: FloatArray) -> Lids:
    kept = _lids.get(alignment)
    if kept is not None and kept[0] is shapes and np.array_equal(kept[1], face):
        return kept[2]
    template = alignment.template
    if shapes not in _transfers:
        _transfers[shapes] = prepare_transfer(shapes, template)
    inner = carry_inner_parts(template, np.zeros(0), np.asarray(face, np.float64))
    eyeballs = {side: inner[f"eyeball_{side.lower()}"] for side in SIDES}
    lids = Lids.of(template, _transfers[shapes], face, eyeballs)
    _lids[alignment] = shapes, np.array(face), lids
    return lids
