"""Baking into keys that are not made from the clip: a rig of the head, or shapes there already.

rig      = make_rig(alignment, bundle)              # once per head and generator
solution = solve_into(alignment, clip, rig.shapes)  # or shapes of the artist's own
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bundle import Bundle
from .landmark_inference import MEAN_MOTION, Variation
from .one_thread import on_one_thread
from .pipeline import Clip, Generator, generate
from .progress import Progress, no_progress, subprogress
from .registration.alignment import Alignment
from .rig import APEX_RATE, Rig, apex_intensities, build_rig, face_areas, vertex_importance
from .solving import Accuracy, Solution, SolveSettings, accuracy, solve_weights

FloatArray = NDArray[np.floating]


@on_one_thread
def make_rig(
    alignment: Alignment,
    bundle: Bundle,
    progress: Progress = no_progress,
    mask: FloatArray | None = None,
    contact: bool = True,
    generator: Generator = "lstm",
    variation: Variation = MEAN_MOTION,
) -> Rig:
    """One shape per expression of the bundle and region of the face, which sum to its apexes.

    The apexes are generated, with contact; see `generate` for the arguments and what it raises.
    """
    names = bundle.config.expressions

    def apex_of(channel: int) -> FloatArray:
        intensities, row = apex_intensities(len(names), channel)
        start, end = channel / len(names), (channel + 1) / len(names)
        progress(start, f"Making the rig: {names[channel]}")
        generating = subprogress(progress, start, end)
        clip = generate(
            alignment,
            intensities,
            APEX_RATE,
            bundle,
            generating,
            mask,
            contact,
            generator,
            variation,
        )
        return clip.displacements[row]

    return build_rig(alignment, len(names), apex_of)


@on_one_thread
def solve_into(
    alignment: Alignment,
    clip: Clip,
    shapes: FloatArray,
    bounds: FloatArray | None = None,
    settings: SolveSettings | None = None,
    progress: Progress = no_progress,
) -> Solution:
    """The clip as weights of (K, M, 3) shapes that are there already, with the error it costs.

    bounds: (K, 2) lowest and highest weight of each, [0, 1] by default. Lips, lids and brows
    count by their share of a face, not by their vertices.
    """
    areas = face_areas(alignment)
    importance = vertex_importance(alignment, areas)
    weights = solve_weights(clip.displacements, shapes, bounds, importance, settings, progress)
    return Solution(weights, accuracy(clip.displacements, shapes, weights, clip.mm_per_unit, areas))


@on_one_thread
def accuracy_of(
    alignment: Alignment, clip: Clip, shapes: FloatArray, weights: FloatArray
) -> Accuracy:
    """How far (T, K) weights of (K, M, 3) shapes are from the clip, and where on the face."""
    areas = face_areas(alignment)
    return accuracy(clip.displacements, shapes, weights, clip.mm_per_unit, areas)
