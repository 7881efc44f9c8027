"""The oracle of ICT-4D: the expected sequence given what a model may know, the label and the face.

Personal style, variant and delays are not in the label, so no model of label and identity can reach
0 mm. Because the set is made by a known process, what remains can be computed: many performances
of the same face with the same marks are drawn, those whose label comes out as the given one are
kept, and their activations are averaged, variant by variant.

Deviations: within one variant, the motion of the mean activations stands for the mean of the
motions; they differ only by the curvature of how shapes combine. What is not linear in them is
solved at some frames and follows smoothly between, as when the set was made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.datasets.ict import IctDataset, IctSequence
from training.expression_model.recordings import MagnitudeStatistics, magnitude
from training.ict4d.correction_frames import between_frames
from training.ict4d.performance import draw_style, perform
from training.ict4d.subject_shapes import SubjectShapes

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Performances drawn for every sequence, and how near their label must come to the given one.
NUM_DRAWS, LABEL_WIDTH = 500, 0.03
# Magnitudes are means over vertices: every so many tell them well enough.
VERTEX_STRIDE = 16
# Frames solved between two marks.
SOLVED_BETWEEN_MARKS = 3
# A variant that hardly ever gives this label is left out.
NEGLIGIBLE_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class Performances:
    """Draws of the simulator for one face and one set of marks.

    activations: (N, T, K); variants: (N,) what each plays; weights: (N,) how likely each is given
    the label, summing to 1.
    """

    activations: NDArray[np.float32]
    variants: NDArray
    weights: FloatArray


class Oracle:
    """Expected sequences of a prepared ICT-4D set.

    statistics: of the magnitudes of the training subjects; labels: the rule of the amplitudes.
    """

    def __init__(
        self,
        dataset: IctDataset,
        statistics: MagnitudeStatistics,
        labels: str,
        seed: int = 0,
        num_draws: int = NUM_DRAWS,
    ) -> None:
        self.dataset, self.statistics, self.labels = dataset, statistics, labels
        self.seed, self.num_draws = seed, num_draws
        self._face: tuple[str, SubjectShapes] | None = None

    def expected(
        self, sequence: IctSequence, amplitude: float, frames: IntArray
    ) -> NDArray[np.float32]:
        """(N, V, 3) mm at (N,) frames of a sequence of one expression, given its face, marks and
        amplitude."""
        drawn = self.performances(sequence, amplitude)
        activations, variants, weights = drawn.activations, drawn.variants, drawn.weights
        subject = self._shapes(sequence.subject)
        solved, follow = _solved_frames(sequence, frames)
        result = np.zeros((len(frames), len(sequence.neutral), 3), np.float32)
        shares = {name: weights[variants == name].sum() for name in np.unique(variants)}
        kept = {name: share for name, share in shares.items() if share > NEGLIGIBLE_SHARE}
        for name, share in kept.items():
            chosen = np.where(variants == name, weights, 0.0)
            mean = np.tensordot(chosen / chosen.sum(), activations, axes=1)
            motion = subject.linear(mean[frames])
            motion += np.tensordot(follow, subject.correction(mean[solved]), axes=1)
            result += np.float32(share / sum(kept.values())) * motion
        return result

    def performances(
        self, sequence: IctSequence, amplitude: float, stream: str | None = None
    ) -> Performances:
        """Performances of people with this face and these marks, and how near the label of each
        comes to the amplitude.

        stream: sequences of the same stream are played by people of the same styles; by default
        each sequence has its own.
        """
        activations, variants = self._draw(sequence, stream)
        used = np.flatnonzero(activations.any(axis=(0, 1)))
        few = np.asarray(sequence.shapes[used, ::VERTEX_STRIDE], np.float32)
        channel = self.dataset.expressions.index(sequence.expression)
        magnitudes = [
            magnitude(np.tensordot(drawn, few, axes=1), sequence.marks, self.labels)
            for drawn in activations[..., used]
        ]
        amplitudes = [self.statistics.amplitude(channel, m, self.labels) for m in magnitudes]
        return Performances(activations, variants, _likeness(np.array(amplitudes), amplitude))

    def _shapes(self, subject: str) -> SubjectShapes:
        """The face asked for last is kept."""
        if self._face is None or self._face[0] != subject:
            self._face = subject, self.dataset.shapes(subject)
        return self._face[1]

    def _draw(
        self, sequence: IctSequence, stream: str | None = None
    ) -> tuple[NDArray[np.float32], NDArray]:
        """(N, T, K) activations of people with this face, and the (N,) variants they played."""
        rng = np.random.default_rng([self.seed, *(stream or sequence.name).encode()])
        names = self.dataset.shape_names
        lips = self.dataset.subject_lips(sequence.subject)
        timing = np.asarray(sequence.marks), sequence.num_frames
        drawn = [
            perform(sequence.expression, draw_style(names, rng), lips, names, rng, timing)
            for _ in range(self.num_draws)
        ]
        return np.stack([p.activations for p in drawn]), np.array([p.variant for p in drawn])


def _solved_frames(sequence: IctSequence, frames: IntArray) -> tuple[IntArray, NDArray[np.float32]]:
    """(R,) frames to solve, and (N, R) weights with which (N,) frames follow them."""
    clock = np.linspace(0, 3, 3 * (SOLVED_BETWEEN_MARKS + 1) + 1)
    nodes = np.unique(np.rint(np.interp(clock, [0, 1, 2, 3], sequence.marks)).astype(int))
    weights = between_frames(nodes, sequence.num_frames)[frames, 1:-1]  # both ends are at rest
    return nodes[1:-1], weights.astype(np.float32)


def _likeness(amplitudes: FloatArray, wanted: float) -> FloatArray:
    """(N,) weights of the draws, summing to 1; the nearest ones where none is near."""
    distances = np.abs(amplitudes - wanted)
    width = max(LABEL_WIDTH, float(np.sort(distances)[min(10, len(distances) - 1)]))
    weights = np.exp(-0.5 * (distances / width) ** 2)
    return weights / weights.sum()
