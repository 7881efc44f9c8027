"""One person of ICT-4D: a face, its own expression shapes, and takes of the six expressions.

Everything follows from the person's name and the seed of the set.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.bundle import template_from_arrays
from facegen_core.intensity import EXPRESSIONS
from facegen_core.motion import fit_pose, pose_points
from facegen_core.template import Template
from training.datasets.sequence import write_sequence
from training.deformation_transfer import SourceShapes, transfer_shapes
from training.performance import Lips, draw_style, perform

FloatArray = NDArray[np.floating]

# Identity coefficients are clipped here: beyond, faces of the model stop being plausible.
MAX_COEFFICIENT = 2.5
# The skin near the condyles, with whose identity the jaw pivot moves, mm.
CONDYLE_SIDE_MM, CONDYLE_RADIUS_MM = 68.0, 20.0
# A rigid pose needs few points: every so many of the proxy's lower teeth.
TEETH_STRIDE = 12
# A shape turns the jaw if it moves a tooth more than this, mm.
JAW_MOTION_MM = 1e-2
# Landmarks of the inner edges of the lips, one above the other.
UPPER_INNER_LIP, LOWER_INNER_LIP = [61, 62, 63], [67, 66, 65]


@dataclass(frozen=True)
class Job:
    """What every worker needs to know: the folder of the set, its seed, takes per expression."""

    out: Path
    seed: int
    num_takes: int


@dataclass(frozen=True, eq=False)
class _Studio:
    """What all people share: template, shapes of the mean face, (K, 6) what they do to the jaw."""

    template: Template
    source: SourceShapes
    shape_names: tuple[str, ...]
    jaw_poses: FloatArray


def make_subject(job: Job, subject: str) -> None:
    """Write one subject: shapes, then sequences, then the file that says it is complete."""
    studio = _open_studio(job.out)
    coefficients = identity_coefficients(subject, job.seed, len(studio.template.identity_basis))
    neutral = studio.template.with_identity(coefficients).astype(np.float32)
    shapes = transfer_shapes(studio.source, neutral).astype(np.float16)
    folder = job.out / "subjects"
    partial = folder / f"{subject}_shapes.partial.npy"
    np.save(partial, shapes)
    partial.replace(folder / f"{subject}_shapes.npy")
    jaw = _Jaw.of_subject(studio, coefficients, neutral)
    _record_takes(job, subject, studio, jaw, _lips(studio.template, neutral, shapes))
    partial = folder / f"{subject}.partial.npz"
    np.savez(partial, neutral=neutral, coefficients=coefficients, jaw_pivot=jaw.pivot)
    partial.replace(folder / f"{subject}.npz")


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


@cache
def _open_studio(out: Path) -> _Studio:
    """Read once per worker process."""
    with np.load(out / "template.npz", allow_pickle=False) as arrays:
        template = template_from_arrays(dict(arrays))
    with np.load(out / "source" / "shapes.npz", allow_pickle=False) as arrays:
        shapes = {name: arrays[name] for name in arrays.files}
    neutral = template.vertices.astype(np.float64)
    source = SourceShapes(neutral, template.triangles, shapes["displacements"])
    return _Studio(template, source, tuple(map(str, shapes["names"])), shapes["jaw_poses"])


def _record_takes(job: Job, subject: str, studio: _Studio, jaw: _Jaw, lips: Lips) -> None:
    style = draw_style(studio.shape_names, _generator(subject, job.seed, "style"))
    for expression in EXPRESSIONS:
        for take in range(1, job.num_takes + 1):
            rng = _generator(subject, job.seed, f"{expression} {take}")
            performance = perform(expression, style, lips, studio.shape_names, rng)
            write_sequence(
                job.out / "sequences" / f"{subject}_{expression}_{take}.npz",
                {
                    "activations": performance.activations,
                    "jaw": jaw.poses(performance.activations),
                    "marks": performance.marks,
                    "extremeness": np.array(performance.extremeness),
                    "variant": np.array(performance.variant),
                },
            )


def _lips(template: Template, neutral: FloatArray, shapes: FloatArray) -> Lips:
    """Mean height between the inner edges of the lips, and what each shape does to it."""

    def heights(vertices: FloatArray) -> FloatArray:
        points = template.landmarks.positions(vertices, template.triangles)[..., 1]
        return (points[..., UPPER_INNER_LIP] - points[..., LOWER_INNER_LIP]).mean(axis=-1)

    return Lips(float(heights(neutral)), heights(shapes.astype(np.float64)))


@dataclass(frozen=True, eq=False)
class _Jaw:
    """A subject's lower teeth (P, 3), what each shape does to them (K, P, 3), and both pivots."""

    teeth: FloatArray
    motions: FloatArray
    pivot: FloatArray
    template_pivot: FloatArray

    @classmethod
    def of_subject(cls, studio: _Studio, coefficients: FloatArray, neutral: FloatArray) -> _Jaw:
        """Teeth carried by identity; the pivot moves like the skin at the condyles."""
        template = studio.template
        part = template.inner_part("lower_teeth")
        carried = part.vertices + np.tensordot(coefficients, part.identity_basis, axes=1)
        teeth = carried[::TEETH_STRIDE].astype(np.float64)
        pivot = template.jaw_pivot.astype(np.float64)
        condyles = pivot + np.array([[CONDYLE_SIDE_MM, 0, 0], [-CONDYLE_SIDE_MM, 0, 0]])
        distances = np.linalg.norm(template.vertices - condyles[:, None], axis=2).min(axis=0)
        near = distances < CONDYLE_RADIUS_MM
        shift = (neutral - template.vertices)[near].mean(axis=0)
        shift[0] = 0.0
        motions = pose_points(teeth, pivot + shift, studio.jaw_poses) - teeth
        return cls(teeth, motions, pivot + shift, pivot)

    def poses(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, 6) rigid poses about the template's pivot of the teeth as the shapes move them."""
        moved = self.teeth + np.tensordot(activations, self.motions, axes=1)
        poses = np.zeros((len(activations), 6), np.float32)
        uses_jaw = np.abs(self.motions).max(axis=(1, 2)) > JAW_MOTION_MM
        for frame in np.flatnonzero(activations[:, uses_jaw].any(axis=1)):
            poses[frame] = fit_pose(self.teeth, moved[frame], self.template_pivot)
        return poses
