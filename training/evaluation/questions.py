"""What a system may know of a test sequence: its marks, how strongly it was played, whose face.

The strength of a test sequence is measured on the sequence itself, as the paper seems to do
(Potamias et al., ECCV 2020, section 5.1.1, gives no other source): "true". With "fixed" every
sequence is taken to be of average strength, and nothing leaks.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from training.expression_model.recordings import (
    MagnitudeStatistics,
    RecordedComponent,
    components_of,
)

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

Strength = Literal["true", "fixed"]
STRENGTHS: tuple[Strength, ...] = ("true", "fixed")
# Rules by which a magnitude becomes the apex of a label, see ModelConfig.labels.
LABEL_RULES = ("proportional", "extremeness")


@dataclass(frozen=True, eq=False)
class Question:
    """One test sequence, asked with a strength.

    components: {label rule: the sequence's expressions with their magnitudes by that rule}.
    """

    sequence: Sequence
    components: dict[str, tuple[RecordedComponent, ...]]
    strength: Strength = "true"

    @classmethod
    def about(
        cls, sequence: Sequence, displacements: FloatArray, expressions: Rows[str]
    ) -> Question:
        """Magnitudes measured on the (T, V, 3) displacements of the sequence itself."""
        return cls(
            sequence,
            {
                rule: components_of(sequence, displacements, expressions, rule)
                for rule in LABEL_RULES
            },
        )

    def with_strength(self, strength: Strength) -> Question:
        return replace(self, strength=strength)


@dataclass(frozen=True)
class Labels:
    """How a system is told a strength: its rule, and the statistics of its training subjects."""

    statistics: MagnitudeStatistics
    rule: str

    def components(self, question: Question) -> tuple[RecordedComponent, ...]:
        """Of the question, in this system's magnitudes; the mean of the class where it is fixed."""
        parts = question.components[self.rule]
        if question.strength == "true":
            return parts
        means = self.statistics.means
        return tuple(replace(part, magnitude=means[part.expression]) for part in parts)

    def amplitude(self, question: Question) -> float:
        """Apex of the label of a question about one expression."""
        part = self.components(question)[0]
        return self.statistics.amplitude(part.expression, part.magnitude, self.rule)

    def signal(self, question: Question) -> NDArray[np.float32]:
        """(T, C) the label of the whole sequence."""
        parts = self.components(question)
        return self.statistics.signal(parts, question.sequence.num_frames, self.rule)
