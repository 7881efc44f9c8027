"""One person of ICT-4D: a face, its own expression shapes, and takes of the six expressions.

Everything follows from the person's name and the seed of the set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.intensity import EXPRESSIONS
from facegen_core.metrics import mean_displacement
from facegen_core.one_thread import on_one_thread
from training.datasets.ict import write_sequence
from training.datasets.sequence import Component, sequence_name
from training.ict4d.correction_frames import between_frames, choose_frames
from training.ict4d.performance import (
    EXTREMENESS_RANGE,
    Performance,
    blend,
    draw_compound_timing,
    draw_style,
    perform,
)
from training.ict4d.subject_shapes import SubjectShapes, open_studio
from training.preparation.resumable import write_npy, write_npz

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Identity coefficients are clipped here: beyond, faces of the model stop being plausible.
MAX_COEFFICIENT = 2.5
# Frames of a take whose correction is solved, beside those at its marks.
SOLVED_FRAMES, SOLVED_FRAMES_OF_COMPOUNDS = 10, 14
# In choosing them, how much a millimetre that the lips would overlap counts, beside the mean
# displacement of the whole face in millimetres.
OVERLAP_WEIGHT = 0.1


@dataclass(frozen=True)
class Job:
    """What every worker needs to know: folder of the set, its seed, takes of each expression and
    takes with two expressions."""

    out: Path
    seed: int
    num_takes: int
    num_compounds: int


@dataclass(frozen=True, eq=False)
class _Take:
    """What was performed: one or two expressions in one take, and the name of how they mix."""

    number: int
    expressions: tuple[str, ...]
    performances: tuple[Performance, ...]

    @property
    def activations(self) -> NDArray[np.float32]:
        """(T, K)"""
        alone = len(self.performances) == 1
        return self.performances[0].activations if alone else blend(self.performances)


@on_one_thread
def make_subject(job: Job, subject: str) -> None:
    """Write one subject: shapes, sequences, corrections, then the file that says it is complete."""
    studio = open_studio(job.out)
    coefficients = identity_coefficients(subject, job.seed, len(studio.template.identity_basis))
    neutral = studio.template.with_identity(coefficients).astype(np.float32)
    own = SubjectShapes.of(studio, coefficients, neutral)
    folder = job.out / "subjects"
    write_npy(folder / f"{subject}_shapes.npy", own.shapes)
    corrections: list[FloatArray] = []
    first = 0
    for take in _perform_all(job, subject, own):
        arrays, solved = _record(take, own)
        components = tuple(Component(e, p.marks) for e, p in _parts(take))
        path = job.out / "sequences" / f"{sequence_name(subject, components, take.number)}.npz"
        write_sequence(path, arrays | {"first_correction": np.array(first)})
        corrections.append(solved)
        first += len(solved)
    write_npy(folder / f"{subject}_corrections.npy", np.concatenate(corrections))
    write_npz(
        folder / f"{subject}.npz",
        neutral=neutral,
        coefficients=coefficients.astype(np.float32),
        jaw_pivot=own.combination.jaw.pivot,
        lip_gap=np.array(own.lips.gap),
        lip_changes=own.lips.changes,
        lip_variants=np.array(list(own.lips.touching)),
        lip_touching=np.array(list(own.lips.touching.values())),
    )


def is_complete(job: Job, subject: str) -> bool:
    """Whether a subject needs no work: the file looked for is written last."""
    return (job.out / "subjects" / f"{subject}.npz").exists()


def identity_coefficients(subject: str, seed: int, num_modes: int) -> FloatArray:
    """(N,) clipped normal coefficients of a subject: its name and the seed alone decide."""
    drawn = _generator(subject, seed, "identity").normal(size=num_modes)
    return np.clip(drawn, -MAX_COEFFICIENT, MAX_COEFFICIENT)


def _generator(subject: str, seed: int, purpose: str) -> np.random.Generator:
    """A stream for each purpose: more takes or another style must not change the faces."""
    return np.random.default_rng([seed, *f"{subject} {purpose}".encode()])


def _perform_all(job: Job, subject: str, own: SubjectShapes) -> list[_Take]:
    names = own.studio.shape_names
    style = draw_style(names, _generator(subject, job.seed, "style"))
    takes = []
    for expression in EXPRESSIONS:
        for number in range(1, job.num_takes + 1):
            rng = _generator(subject, job.seed, f"{expression} {number}")
            performance = perform(expression, style, own.lips, names, rng)
            takes.append(_Take(number, (expression,), (performance,)))
    for number in range(1, job.num_compounds + 1):
        rng = _generator(subject, job.seed, f"compound {number}")
        pair = tuple(EXPRESSIONS[k] for k in rng.choice(len(EXPRESSIONS), 2, replace=False))
        timings, _ = draw_compound_timing(*pair, rng)
        performances = tuple(
            perform(e, style, own.lips, names, rng, timing, rng.uniform(*EXTREMENESS_RANGE))
            for e, timing in zip(pair, timings, strict=True)
        )
        takes.append(_Take(number, pair, performances))
    return takes


def _parts(take: _Take) -> list[tuple[str, Performance]]:
    return list(zip(take.expressions, take.performances, strict=True))


def _record(take: _Take, own: SubjectShapes) -> tuple[dict[str, NDArray], NDArray[np.float16]]:
    """The arrays of a sequence, and the (R, V, 3) corrections of the frames solved for it."""
    activations = take.activations
    marks = np.array([p.marks for p in take.performances])
    nodes = _solved_frames(activations, marks, own)
    weights = between_frames(nodes, len(activations))[:, 1:-1]  # at both ends the correction is 0
    solved = own.correction(activations[nodes[1:-1]]).astype(np.float16)
    alone = len(take.performances) == 1
    arrays = {
        "activations": activations,
        "jaw": own.jaw(activations),
        "expressions": np.array(take.expressions),
        "marks": marks,
        "magnitudes": np.array([np.nan if alone else _magnitude(p, own) for _, p in _parts(take)]),
        "extremeness": np.array([p.extremeness for p in take.performances]),
        "variants": np.array([p.variant for p in take.performances]),
        "correction_weights": weights.astype(np.float32),
    }
    return arrays, solved


def _solved_frames(activations: FloatArray, marks: FloatArray, own: SubjectShapes) -> IntArray:
    """Sorted frames; the first and last are at rest."""
    used = np.flatnonzero(activations.any(axis=0))
    sizes = np.linalg.norm(own.shapes[used].astype(np.float32), axis=2).mean(axis=1)
    scaled = activations[:, used] * np.sqrt(sizes)
    products = (scaled[:, :, None] * scaled[:, None, :]).reshape(len(activations), -1)
    # A single shape at activation a leaves the chord by about a (1 - a).
    stand_in = np.concatenate([products, activations[:, used] * sizes], axis=1)
    if own.lips.touching:
        # Lips that lie closed at rest overlap without moving: what counts is how much more.
        meets = min(own.lips.gap, max(own.lips.touching.values()))
        heights = own.lips.gap + activations @ own.lips.changes
        overlap = np.maximum(meets - heights, 0.0)
        stand_in = np.concatenate([stand_in, OVERLAP_WEIGHT * overlap[:, None]], axis=1)
    count = SOLVED_FRAMES if len(marks) == 1 else SOLVED_FRAMES_OF_COMPOUNDS
    return choose_frames(stand_in, marks.astype(int).ravel(), count)


def _magnitude(performance: Performance, own: SubjectShapes) -> float:
    """mm, mean displacement over vertices and apex frames if it were played alone."""
    apex = slice(int(np.ceil(performance.marks[1])), int(performance.marks[2]) + 1)
    return float(mean_displacement(own.linear(performance.activations[apex])).mean())
