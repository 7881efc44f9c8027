"""One person's expression shapes, and any activations of them as motion of the face.

Motion is the plain sum of displacements, plus what the combination of turns and stretches adds
(shape_combination), plus what contact of lips and lids takes back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.array_files import read_arrays
from facegen_core.bundle import template_from_arrays
from facegen_core.contact import Contact
from facegen_core.deformation_transfer import FaceEquations, SourceShapes, transfer_shapes
from facegen_core.registration.local_change import face_jaw_pivot
from facegen_core.template import Template
from training.ict4d.expression_prototypes import CLOSING_SHAPE, PROTOTYPES, Prototype, sides
from training.ict4d.performance import EXTREMENESS_MEAN, MAX_CLOSING, Lips
from training.ict4d.shape_combination import Combination, JawArc, TurnsAndStretches

FloatArray = NDArray[np.floating]

# Landmarks of the inner edges of the lips, one above the other.
UPPER_INNER_LIP, LOWER_INNER_LIP = [61, 62, 63], [67, 66, 65]
# Lips have met when, before contact parts them, they overlap this much (mm) along this share of the
# middle of the slit.
LIP_PRESS_MM, CLOSED_SHARE = 0.3, 0.9
_BISECTIONS = 8


@dataclass(frozen=True, eq=False)
class Studio:
    """What all people of a set share.

    template; source: the shapes of the mean face, named shape_names; jaw_poses: (K, 6) what they do
    to the jaw.
    """

    template: Template
    source: SourceShapes
    shape_names: tuple[str, ...]
    jaw_poses: FloatArray

    @cached_property
    def parts(self) -> TurnsAndStretches:
        """How the shapes turn and stretch every triangle; takes seconds the first time."""
        return TurnsAndStretches.of(self.source)

    @cached_property
    def skin_follows_jaw(self) -> FloatArray:
        """(V,) how much of the jaw's turn each vertex of the skin makes."""
        pivot = self.template.jaw_pivot.astype(np.float64)
        return JawArc.skin_follows(self.source, self.jaw_poses, pivot)


@cache
def open_studio(root: Path) -> Studio:
    """The studio of a set that is being prepared or is prepared; read once per process."""
    template = template_from_arrays(read_arrays(root / "template.npz"))
    shapes = read_arrays(root / "source" / "shapes.npz", kinds="biufU")
    neutral = template.vertices.astype(np.float64)
    source = SourceShapes(neutral, template.triangles, shapes["displacements"])
    return Studio(template, source, tuple(map(str, shapes["names"])), shapes["jaw_poses"])


@dataclass(frozen=True, eq=False)
class SubjectShapes:
    """A person's (K, V, 3) float16 shapes with what combines them; neutral: (V, 3), both mm."""

    studio: Studio
    neutral: NDArray[np.float32]
    shapes: NDArray[np.float16]
    combination: Combination
    contact: Contact

    @classmethod
    def of(
        cls,
        studio: Studio,
        coefficients: FloatArray,
        neutral: NDArray[np.float32],
        shapes: NDArray[np.float16] | None = None,
    ) -> SubjectShapes:
        """Of an identity; shapes are transferred where they are not given. About a second."""
        equations = FaceEquations.of(studio.source, neutral)
        if shapes is None:
            shapes = transfer_shapes(studio.source, neutral, equations).astype(np.float16)
        pivot = studio.template.jaw_pivot.astype(np.float64)
        own_pivot = subject_pivot(studio.template, neutral)
        jaw = JawArc(studio.jaw_poses, own_pivot, pivot, studio.skin_follows_jaw)
        supports = studio.source.supports
        combination = Combination(
            studio.parts, supports, equations, jaw, neutral.astype(np.float64)
        )
        inner = {
            part.name: part.vertices + np.tensordot(coefficients, part.identity_basis, axes=1)
            for part in studio.template.inner_parts
        }
        contact = Contact.of(studio.template, neutral, inner)
        return cls(studio, neutral, shapes, combination, contact)

    def linear(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) mm, the plain sum of displacements of (T, K) activations."""
        return sum_of_shapes(activations, self.shapes)

    def correction(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) mm to add to the plain sum; exactly 0 for activations that are 0."""
        linear = self.linear(activations)
        return self.contact.resolve(linear + self.combination.beyond_linear(activations)) - linear

    def displacements(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) mm from the neutral, of (T, K) activations; about 30 ms a frame."""
        return self.linear(activations) + self.correction(activations)

    def jaw(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, 6) poses of the jaw about the template's pivot, rad and mm."""
        return self.combination.jaw.track(activations)

    @cached_property
    def lips(self) -> Lips:
        """The mouth as performances need it: where this face's own lips meet."""

        def heights(vertices: FloatArray) -> FloatArray:
            template = self.studio.template
            points = template.landmarks.positions(vertices, template.triangles)[..., 1]
            return (points[..., UPPER_INNER_LIP] - points[..., LOWER_INNER_LIP]).mean(axis=-1)

        changes = heights(self.shapes.astype(np.float64))
        open_lips = Lips(float(heights(self.neutral)), changes)
        touching = {p.variant: self._touching(p, open_lips) for p in _closed_prototypes()}
        return Lips(open_lips.gap, changes, touching)

    def _touching(self, prototype: Prototype, lips: Lips) -> float:
        """Height of the slit at which closing lips have met, mm, by bisection."""
        names = self.studio.shape_names
        peaks = np.zeros((1, len(names)))
        for shape, activation in prototype.activations.items():
            for name in sides(shape, names):
                peaks[0, names.index(name)] = EXTREMENESS_MEAN * activation
        low, high, closing = 0.0, MAX_CLOSING, names.index(CLOSING_SHAPE)
        for _ in range(_BISECTIONS):
            peaks[0, closing] = 0.5 * (low + high)
            if self.contact.lip_closure(self.linear(peaks), -LIP_PRESS_MM)[0] < CLOSED_SHARE:
                low = peaks[0, closing]
            else:
                high = peaks[0, closing]
        return lips.gap + float(lips.changes @ peaks[0])


def sum_of_shapes(activations: FloatArray, shapes: FloatArray) -> NDArray[np.float32]:
    """(T, V, 3) of (T, K) activations of (K, V, 3) shapes; reads only the shapes in use."""
    used = np.flatnonzero(activations.any(axis=0))
    some = np.asarray(shapes[used], np.float32).reshape(len(used), np.prod(shapes.shape[1:]))
    flat = activations[:, used].astype(np.float32) @ some
    return flat.reshape(len(activations), *shapes.shape[1:])


def subject_pivot(template: Template, neutral: FloatArray) -> FloatArray:
    """(3,) a face's own jaw pivot, mm: it moves like the skin at the condyles."""
    return face_jaw_pivot(template.vertices, template.jaw_pivot, neutral)


def _closed_prototypes() -> Iterable[Prototype]:
    return (p for prototypes in PROTOTYPES.values() for p in prototypes if p.closes_lips)
