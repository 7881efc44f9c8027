"""One frame of a clip, fast enough to follow a hand: what live update shows before the clip.

The generator reads the whole curve, since how a face moves depends on what comes before and after,
but only one frame is decoded and carried to the head. Lids close and folds open as in the clip;
contact alone is left out unless asked for, as it takes as long as all the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .contact import resolve_clip
from .eye_layer import add_gaze
from .landmark_inference import MEAN_MOTION, Variation
from .layers import Layers, eyes_of
from .motion import FaceMotion
from .one_thread import on_one_thread
from .registration.alignment import Alignment
from .registration.masking import check_mask
from .retarget import retarget

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


# What the motion at (N,) rows is made from: (T, C) intensities, frames per second, generator,
# variation, layers, rows.
Generator = Literal["lstm", "lm4dgan"]
Moves = Callable[[FloatArray, float, Generator, Variation, Layers | None, IntArray], FaceMotion]


class Poser:
    """One matched head, posed a frame at a time.

    alignment: of the head. moves: makes its motion. mask: (M,) in [0, 1], how much of the motion
    each vertex takes, None is all of it; InvalidMeshError for another one.
    """

    def __init__(self, alignment: Alignment, moves: Moves, mask: FloatArray | None = None) -> None:
        if mask is not None:
            check_mask(mask, alignment.target.num_vertices)
        self._alignment, self._moves, self._mask = alignment, moves, mask

    @on_one_thread
    def pose(
        self,
        intensities: FloatArray,
        frames_per_second: float,
        row: int,
        layers: Layers | None = None,
        generator: Generator = "lstm",
        variation: Variation = MEAN_MOTION,
        contact: bool = False,
    ) -> NDArray[np.float32]:
        """(M, 3) displacements of the target in its own unit, at one row of (T, C) intensities.

        layers, generator, variation: as `pipeline.generate` takes them; errors are the same.
        contact: whether lips, lids and teeth are kept apart too.
        """
        row = range(len(intensities))[row]
        rows = np.array([row])
        motion = self._moves(intensities, frames_per_second, generator, variation, layers, rows)
        moved = retarget(motion, self._alignment, mask=self._mask)
        add_gaze(moved, self._alignment, eyes_of(layers), self._mask, rows)
        if contact:
            moved = resolve_clip(self._alignment, moved, self._mask)[0]
        return np.asarray(moved[0])
