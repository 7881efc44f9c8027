"""The face shapes of a bundle on any matched head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contact import resolve_clip
from .errors import BundleError
from .eye_lids import SIDES, lid_openness, look_of, shutting
from .face_shapes import TemplateShapes
from .gaze import turn_eyeballs
from .motion import FaceMotion
from .progress import Progress, no_progress, subprogress
from .registration.alignment import Alignment
from .retarget import retarget

FloatArray = NDArray[np.floating]

# It takes back what jawOpen does to the lips; alone it presses them into one another, and has to.
_CORRECTIVES = ("mouthClose",)
_TRANSFERRED, _CARRIED = 0.3, 0.7


@dataclass(frozen=True, eq=False)
class FaceShapes:
    """names: S ARKit names; shapes: (S, M, 3) float32 from the target at rest, in its own unit."""

    names: tuple[str, ...]
    shapes: FloatArray


def shapes_on_head(
    shapes: TemplateShapes | None,
    alignment: Alignment,
    person: FloatArray,
    contact: bool = True,
    progress: Progress = no_progress,
) -> FaceShapes:
    """The shapes as a matched head shows them; teeth and tongue go with the jaw, blinks are shut
    and looks turn their eyeball.

    person: (V, 3) mm, the plausible face nearest to the head, for which the shapes are made first.
    contact: whether each shape's lids, lips and teeth are kept apart, correctives excepted.
    Raises BundleError where there are none.
    """
    if shapes is None:
        raise BundleError(
            "This model has no face shapes: use a model that `training add-face-shapes` gave them."
        )
    progress(0.0, "Shaping the expressions for this face")
    skin = shapes.transfer(alignment.template).to(person)
    openness = lid_openness(alignment.template, person)
    for side in (side for side in SIDES if f"eyeBlink{side}" in shapes.names):
        row = shapes.names.index(f"eyeBlink{side}")
        skin[row] *= shutting(skin[row], openness[side])
    motion = FaceMotion(skin, np.asarray(shapes.jaw, np.float32), person)
    carrying = subprogress(progress, _TRANSFERRED, _CARRIED if contact else 1.0)
    result = retarget(motion, alignment, carrying)
    for row, look in ((k, look_of(name)) for k, name in enumerate(shapes.names)):
        if look is not None:
            turn_eyeballs(result[row : row + 1], alignment, look[1][None], None, [look[0].lower()])
    if contact:
        alone = [k for k, name in enumerate(shapes.names) if name not in _CORRECTIVES]
        resolving = subprogress(progress, _CARRIED, 1.0)
        result[alone] = resolve_clip(alignment, result[alone], progress=resolving)[0]
    progress(1.0, "Shaped")
    return FaceShapes(shapes.names, result)
