"""Training sequences small enough for memory: PCA coefficients instead of vertices.

The basis is the PCA of displacements from the neutral (Potamias et al. 2020, section 5.2), not
centred, so that zero coefficients are the neutral. Deviation: frames are sampled, each expression
alike, instead of taken all.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.conditioning import extremeness, label_signal, proportional_amplitude
from facegen_core.metrics import mean_displacement
from facegen_core.template import Template
from training.expression_model.face_bases import FaceBases, on_the_mean_face

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]

# A shape with less than this part of the strongest one's variance is rounding, not motion.
NEGLIGIBLE_VARIANCE = 1e-6


@dataclass(frozen=True, eq=False)
class MotionBasis:
    """shapes: (K, V, 3) orthonormal, scaled so that a coefficient of 1 is RMS 1 mm per vertex.

    ranges: (K,) largest coefficient met; motion: (V,) RMS displacement of each vertex, mm.
    """

    shapes: NDArray[np.float32]
    ranges: NDArray[np.float32]
    motion: NDArray[np.float32]

    def project(self, displacements: FloatArray) -> NDArray[np.float32]:
        """(T, K) coefficients of (T, V, 3) displacements."""
        flat = self.shapes.reshape(len(self.shapes), -1)
        return displacements.reshape(len(displacements), -1) @ flat.T / self.shapes.shape[1]


@dataclass(frozen=True, eq=False)
class RecordedComponent:
    """One expression of a recording.

    expression: its channel; marks: (4,) frames of onset start, apex start, apex end, offset end;
    magnitude: mm, see the function.
    """

    expression: int
    marks: FloatArray
    magnitude: float


@dataclass(frozen=True, eq=False)
class Recording:
    """One sequence in the basis.

    components: one, or two where two expressions are played. coefficients: (T, K); jaw: (T, 6) rad
    and mm; lip_gap: of the face at rest, as a model reads it.
    """

    name: str
    subject: str
    components: tuple[RecordedComponent, ...]
    coefficients: NDArray[np.float32]
    jaw: NDArray[np.float32]
    lip_gap: float = 0.0

    @property
    def num_frames(self) -> int:
        return len(self.coefficients)

    @property
    def is_single(self) -> bool:
        return len(self.components) == 1


@dataclass(frozen=True)
class MagnitudeStatistics:
    """Mean and deviation (mm) of the magnitudes of each expression over the training subjects."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def amplitude(self, expression: int, magnitude: float, labels: str) -> float:
        """The apex of a sequence's label, by the rule the model is configured for."""
        rule = extremeness if labels == "extremeness" else proportional_amplitude
        return rule(magnitude, self.means[expression], self.deviations[expression])

    def signal(
        self, components: Rows[RecordedComponent], num_frames: int, labels: str, strength: float = 1
    ) -> NDArray[np.float32]:
        """(T, C) the label of a sequence, all amplitudes times `strength`."""
        signal = np.zeros((num_frames, len(self.means)), np.float32)
        for part in components:
            amplitude = strength * self.amplitude(part.expression, part.magnitude, labels)
            signal += label_signal(
                part.expression, amplitude, part.marks, num_frames, len(self.means)
            )
        return np.minimum(signal, 1.0)


def compute_basis(
    sequences: Rows[Sequence],
    num_shapes: int,
    num_frames: int,
    rng: np.random.Generator,
    template: Template | None = None,
) -> MotionBasis:
    """PCA of `num_frames` moving frames of the sequences, by the Gram matrix of the frames.

    template: where given, every frame is first carried to its mean face by deformation transfer,
    so that the shapes differ by what faces do, not by whose they are.
    """
    frames = _sample_frames(sequences, num_frames, rng, template)  # (N, V, 3)
    N, V, _ = frames.shape  # noqa: N806
    flat = frames.reshape(N, -1)
    values, vectors = np.linalg.eigh((flat @ flat.T).astype(np.float64))
    order = np.argsort(values)[::-1][:num_shapes]
    is_real = values[order] > NEGLIGIBLE_VARIANCE * values[order[0]]
    combine = vectors[:, order] * np.where(is_real, 1 / np.sqrt(np.abs(values[order]) + 1e-30), 0)
    directions = combine.T.astype(np.float32) @ flat  # (K', 3V), unit length
    shapes = np.zeros((num_shapes, 3 * V), np.float32)
    shapes[: len(order)] = directions * np.sqrt(V)
    coefficients = flat @ shapes.T / V
    ranges = np.maximum(np.abs(coefficients).max(axis=0), 1e-6)
    motion = np.sqrt(np.mean(np.sum(frames**2, axis=2), axis=0))
    return MotionBasis(shapes.reshape(num_shapes, V, 3), ranges, motion)


def magnitude(displacements: FloatArray, marks: FloatArray, labels: str) -> float:
    """m of a sequence (T, V, 3), mm: its mean displacement over vertices and frames.

    "extremeness": over all frames, as in the paper. "proportional": over the apex alone, so that a
    long rest does not make an expression weak.
    """
    lengths = mean_displacement(displacements)  # (T,)
    if labels == "proportional":
        lengths = lengths[int(np.ceil(marks[1])) : int(marks[2]) + 1]
    return float(lengths.mean())


def components_of(
    sequence: Sequence, displacements: FloatArray, expressions: Rows[str], labels: str
) -> tuple[RecordedComponent, ...]:
    """The expressions of a sequence; magnitudes are its own words, or measured where it has one."""
    return tuple(
        RecordedComponent(
            expressions.index(part.expression),
            np.asarray(part.marks, np.float64),
            magnitude(displacements, part.marks, labels)
            if part.magnitude is None
            else part.magnitude,
        )
        for part in sequence.components
    )


class Projection(Protocol):
    """What motion is told in, the same for everybody."""

    def project(self, displacements: FloatArray) -> NDArray[np.float32]:
        """(T, K) of (T, V, 3) displacements."""
        ...


def record(
    sequences: Rows[Sequence],
    basis: Projection | FaceBases,
    expressions: Rows[str],
    labels: str,
) -> list[Recording]:
    """Project every sequence on the basis, or on what it is on the sequence's own face."""
    recordings = []
    for sequence in tqdm(sequences, desc="Reading sequences", unit="seq", mininterval=2.0):
        displacements = sequence.displacements()
        own = basis.of(sequence.neutral) if isinstance(basis, FaceBases) else basis
        recordings.append(
            Recording(
                sequence.name,
                sequence.subject,
                components_of(sequence, displacements, expressions, labels),
                own.project(displacements).astype(np.float32),
                np.asarray(sequence.jaw(), np.float32),
                basis.lip_gap(sequence.neutral) if isinstance(basis, FaceBases) else 0.0,
            )
        )
    return recordings


def magnitude_statistics(recordings: Rows[Recording], num_expressions: int) -> MagnitudeStatistics:
    """μ_e and σ_e of eq. 6, of the training recordings that show one expression."""
    groups: list[list[float]] = [[] for _ in range(num_expressions)]
    for recording in recordings:
        if recording.is_single:
            groups[recording.components[0].expression].append(recording.components[0].magnitude)
    means = tuple(float(np.mean(g)) if g else 1.0 for g in groups)
    return MagnitudeStatistics(means, tuple(float(np.std(g)) if g else 0.0 for g in groups))


def _sample_frames(
    sequences: Rows[Sequence],
    num_frames: int,
    rng: np.random.Generator,
    template: Template | None,
) -> NDArray[np.float32]:
    """(N, V, 3) displacements between onset and offset, two or more from each drawn sequence."""
    per_sequence = max(2, -(-num_frames // len(sequences)))
    num_drawn = min(len(sequences), -(-num_frames // per_sequence))
    drawn = np.sort(rng.permutation(len(sequences))[:num_drawn])
    of_face: dict[str, list[NDArray[np.float32]]] = {}
    neutrals = {}
    for index in tqdm(drawn, desc="Sampling frames", unit="seq", mininterval=2.0):
        sequence = sequences[index]
        first = int(min(part.marks[0] for part in sequence.components)) + 1
        last = int(max(part.marks[2] for part in sequence.components)) + 1
        moving = np.arange(first, min(last, sequence.num_frames - 1) + 1)
        chosen = np.sort(rng.choice(moving, min(per_sequence, len(moving)), replace=False))
        frames = sequence.displacements(chosen).astype(np.float32)
        of_face.setdefault(sequence.subject, []).append(frames)
        neutrals[sequence.subject] = sequence.neutral
    faces = {subject: np.concatenate(frames) for subject, frames in of_face.items()}
    if template is not None:
        for subject in tqdm(faces, desc="To the mean face", unit="face", mininterval=2.0):
            faces[subject] = on_the_mean_face(template, neutrals[subject], faces[subject])
    return np.concatenate(list(faces.values()))
