"""When a peer's motion is played, which the originals leave open: by the curve of the label."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from facegen_core.conditioning import phase_curve
from training.evaluation.questions import Labels, Question
from training.expression_model.recordings import RecordedComponent

FloatArray = NDArray[np.floating]


def eased_place(marks: FloatArray, num_frames: int) -> FloatArray:
    """(T,) where on the way from the neutral (0) to the apex (1) a face is.

    The linear ramps of the label with the minimum-jerk profile of human movement (Flash & Hogan
    1985), forward at the onset and back at the offset.
    """
    a = phase_curve(marks, np.arange(num_frames, dtype=np.float64))
    return a**3 * (10.0 - 15.0 * a + 6.0 * a**2)


def mixed(labels: Labels, question: Question, motions: Iterable[FloatArray]) -> FloatArray:
    """(T, 68, 3) the sum of the motions (T, 68, 3) of a question's parts; their weighted mean where
    labels add up to more than 1, as `expression_model.examples.blend` has it."""
    num_frames = question.sequence.num_frames
    told = sum(
        labels.statistics.signal([part], num_frames, labels.rule).sum(axis=1)
        for part in labels.components(question)
    )
    return sum(motions) / np.maximum(told, 1.0)[:, None, None]


def amplitude(labels: Labels, part: RecordedComponent) -> float:
    """The apex of the label of a part."""
    return labels.statistics.amplitude(part.expression, part.magnitude, labels.rule)
