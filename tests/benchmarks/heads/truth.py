"""Heads whose motion is known, from ICT-FaceKit: identities no training has seen.

The truth is made in the original topology, eyeballs, teeth, gums, tongue and lashes included: the
53 shapes are carried to the identity by deformation transfer, combined to expressions as the
training data is, and lips and lids are kept out of each other. The *played motion* is the same
motion in the template's topology, made for this very identity: retargeting it onto the head asks
registration and retargeting alone, not the generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from facegen_core.contact import Contact
from facegen_core.deformation_transfer import FaceEquations, SourceShapes, transfer_shapes
from facegen_core.intensity import EXPRESSIONS
from facegen_core.mesh import Mesh, vertex_normals
from facegen_core.motion import FaceMotion, pose_points
from facegen_core.template import Template
from tests.benchmarks.heads.eye_opening import EyeOpening, sphere_centre
from tests.benchmarks.heads.head_truth import BLINK, FRAMES, LOWER_FACE, HeadTruth
from tests.shared_heads import ICT_ARCHIVE
from training.ict4d.expression_prototypes import CLOSING_SHAPE, PROTOTYPES, Prototype, sides
from training.ict4d.ict_facekit import IctFaceKit, read_ict_facekit
from training.ict4d.make_subject import MAX_COEFFICIENT
from training.ict4d.performance import EXTREMENESS_MEAN
from training.ict4d.shape_combination import Combination, JawArc, TurnsAndStretches
from training.ict4d.subject_shapes import Studio, SubjectShapes, subject_pivot, sum_of_shapes
from training.template_building.catmull_clark import catmull_clark, triangulated
from training.template_building.surface import Surface
from training.template_building.template_inner_parts import LEFT_EYEBALL_GROUP, RIGHT_EYEBALL_GROUP
from training.template_building.template_regions import (
    LOWER_TEETH_GROUP,
    SKIN_GROUP,
    UPPER_TEETH_GROUP,
    jaw_poses,
)

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
# (T, K) activations → skin of the original (T, skin, 3) and of the template (T, V, 3), mm.
Act = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".cache" / "heads"

# No other use of ICT-FaceKit draws its identities from seeds as high as this.
FIRST_SEED = 900_000
# The frames that are no expressions.
SINGLE_ACTS = {
    BLINK: {"eyeBlink": 1.0},
    LOWER_FACE: {"mouthSmile": 0.8, "jawOpen": 0.4},
}
# Vertices of the ICT mesh by what they are (README of the shared material); left is the subject's.
ICT_GROUPS = {
    "skin": SKIN_GROUP,
    "gums_and_tongue": (14062, 17039),
    "upper_teeth": UPPER_TEETH_GROUP,
    "lower_teeth": LOWER_TEETH_GROUP,
    "eyeball_left": (21451, 23021),
    "eyeball_right": (23021, 24591),
    "eye_surroundings": (24591, 25351),
    "lashes": (25351, 26719),
}
# How strong a blink may have to be, and the share of the open eye at which it is closed.
_BLINKS, _CLOSED_SHARE = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6), 0.01
# The mouth is opened this much to tell upper from lower lip where they touch.
_PARTED = 0.35


@dataclass(frozen=True, eq=False)
class IctStudio:
    """ICT-FaceKit next to the template: what all identities share.

    to_template: (V, skin) carries fields of the ICT skin to the template's vertices.
    to_ict: (skin, V) the other way.
    """

    model: IctFaceKit
    template: Template
    to_template: sparse.csr_matrix
    to_ict: sparse.csr_matrix

    @classmethod
    def open(cls, template: Template, archive: Path = ICT_ARCHIVE) -> IctStudio:
        """Read the model and find the template on its skin; some ten seconds the first time."""
        model = read_ict_facekit(archive, CACHE / "ict.npz")
        skin = slice(*SKIN_GROUP)
        rest, opened = model.neutral[skin], _PARTED * model.expression("jawOpen")[skin]
        polygons = model.polygons[(model.polygons < SKIN_GROUP[1]).all(axis=1)]
        # The template lies on the smooth surface, as it was built: two levels come close to it.
        once, quads = catmull_clark(polygons, len(rest))
        twice, fine_quads = catmull_clark(quads, once.shape[0])
        smooth = (twice @ once).tocsr()
        surface = Surface(smooth @ rest, triangulated(fine_quads))
        normals = vertex_normals(template.vertices, template.triangles)
        places = surface.closest(template.vertices.astype(np.float64), normals)
        to_template = (surface.carry_matrix(*places) @ smooth).tocsr()
        own = Surface(template.vertices + to_template @ opened, template.triangles)
        parted = rest + opened
        normals = vertex_normals(parted, triangulated(polygons))
        to_ict = own.carry_matrix(*own.closest(parted, normals))
        return cls(model, template, to_template, to_ict)

    @cached_property
    def mesh(self) -> Mesh:
        """The mean head with all it has."""
        rows = [p[p >= 0] for p in self.model.polygons]
        return Mesh.from_polygons(self.model.neutral, rows)

    @cached_property
    def source(self) -> SourceShapes:
        """The 53 shapes of the mean skin, in the original topology."""
        skin = slice(*SKIN_GROUP)
        polygons = self.model.polygons[(self.model.polygons < SKIN_GROUP[1]).all(axis=1)]
        shapes = self.model.expressions[:, skin]
        return SourceShapes(self.model.neutral[skin], triangulated(polygons), shapes)

    @cached_property
    def parts(self) -> TurnsAndStretches:
        """How the shapes turn and stretch every triangle of the original skin."""
        return TurnsAndStretches.of(self.source)

    @cached_property
    def jaw_poses(self) -> FloatArray:
        """(K, 6) what the shapes do to the lower teeth, about the template's jaw pivot."""
        return jaw_poses(self.model, self.template.jaw_pivot.astype(np.float64))

    @cached_property
    def studio(self) -> Studio:
        """The shapes in the template's topology, as training data is made of them."""
        shapes = self._carried(self.source.displacements)
        neutral = self.template.vertices.astype(np.float64)
        source = SourceShapes(neutral, self.template.triangles, shapes)
        return Studio(self.template, source, self.model.expression_names, self.jaw_poses)

    @cached_property
    def regions(self) -> dict[str, FloatArray]:
        """{region: (P,)} of the template on the ICT mesh; 0 off the skin."""
        result = {}
        for name, values in self.template.regions.items():
            result[name] = np.zeros(len(self.model.neutral))
            result[name][slice(*SKIN_GROUP)] = self.to_ict @ values
        return result

    def coefficients(self, seed: int) -> FloatArray:
        """(N,) of a held-out identity: clipped normal numbers, as people of ICT-4D have them."""
        if seed < FIRST_SEED:
            raise ValueError(f"Held-out identities have seeds from {FIRST_SEED}, got {seed}.")
        drawn = np.random.default_rng(seed).normal(size=len(self.model.identity_basis))
        return np.clip(drawn, -MAX_COEFFICIENT, MAX_COEFFICIENT)

    def neutral(self, seed: int) -> FloatArray:
        """(P, 3) mm, a held-out identity in the original topology."""
        weights = self.coefficients(seed)
        return self.model.neutral + np.tensordot(weights, self.model.identity_basis, axes=1)

    def still_head(self, seed: int) -> HeadTruth:
        """An identity without motion, where only its shape is asked: 0.1 s instead of 3."""
        neutral = self.neutral(seed)
        empty = np.zeros((0, 6))
        template_neutral = self.to_template @ neutral[slice(*SKIN_GROUP)]
        motion = FaceMotion(np.zeros((0, *template_neutral.shape)), empty, template_neutral)
        return self._head(seed, neutral, np.zeros((0, *neutral.shape)), motion, empty)

    def head(self, seed: int) -> HeadTruth:
        """An identity with its expressions."""
        neutral = self.neutral(seed)
        skin = slice(*SKIN_GROUP)
        template_neutral = self.to_template @ neutral[skin]
        equations = FaceEquations.of(self.source, neutral[skin])
        shapes = transfer_shapes(self.source, neutral[skin], equations)
        own = self._in_template(seed, neutral, template_neutral, shapes)
        activations = self._activations(own)
        jaw = own.combination.jaw
        follows = JawArc.skin_follows(self.source, self.jaw_poses, self.template.jaw_pivot)
        combination = Combination(
            self.parts,
            self.source.supports,
            equations,
            replace(jaw, follows=follows),
            neutral[skin],
        )

        def act(activations: FloatArray) -> tuple[FloatArray, FloatArray]:
            """The skin in the original topology (T, skin, 3) and in the template's (T, V, 3)."""
            free = sum_of_shapes(activations, shapes) + combination.beyond_linear(activations)
            played = self._carried(free)
            pushed = own.contact.resolve(played)
            return free + [self.to_ict @ frame for frame in pushed - played], pushed

        activations[FRAMES.index(BLINK)] = self._closing_eyes(activations, neutral, act)
        displacements = np.tensordot(activations, self.model.expressions, axes=1)
        displacements[:, skin], pushed = act(activations)
        # About the face's own pivot, as the jaw of a FaceMotion turns.
        poses = activations @ self.jaw_poses
        teeth = slice(*LOWER_TEETH_GROUP)
        displacements[:, teeth] = pose_points(neutral[teeth], jaw.pivot, poses) - neutral[teeth]
        motion = FaceMotion(pushed.astype(np.float32), poses.astype(np.float32), template_neutral)
        return self._head(seed, neutral, displacements, motion, poses)

    def _in_template(
        self, seed: int, neutral: FloatArray, template_neutral: FloatArray, shapes: FloatArray
    ) -> SubjectShapes:
        """The identity as training data would have it, with the eyeballs of the original."""
        coefficients = self.coefficients(seed)[: len(self.template.identity_basis)]
        carried = self._carried(shapes).astype(np.float16)
        own = SubjectShapes.of(
            self.studio, coefficients, template_neutral.astype(np.float32), carried
        )
        eyes = {
            "eyeball_left": neutral[slice(*LEFT_EYEBALL_GROUP)],
            "eyeball_right": neutral[slice(*RIGHT_EYEBALL_GROUP)],
        }
        return replace(own, contact=Contact.of(self.template, template_neutral, eyes))

    def _activations(self, own: SubjectShapes) -> FloatArray:
        """(T, K) of FRAMES: the first prototype of each expression, as strong as most."""
        names = self.model.expression_names
        rows = [_apex(PROTOTYPES[name][0], names, own) for name in EXPRESSIONS]
        for shapes in SINGLE_ACTS.values():
            rows.append(np.zeros(len(names)))
            for shape, activation in shapes.items():
                rows[-1][[names.index(name) for name in sides(shape, names)]] = activation
        return np.array(rows)

    def _closing_eyes(
        self, activations: FloatArray, neutral: FloatArray, act: Act
    ) -> NDArray[np.float32]:
        """(K,) the weakest blink that closes both eyes: wide eyes need more than the shape has."""
        tries = np.array(_BLINKS)[:, None] * activations[FRAMES.index(BLINK)]
        skin = act(tries)[0]
        worst = np.zeros(len(tries))
        for group in (LEFT_EYEBALL_GROUP, RIGHT_EYEBALL_GROUP):
            centre = sphere_centre(neutral[slice(*group)])
            rest = neutral[slice(*SKIN_GROUP)]
            near = np.linalg.norm(rest - centre, axis=1) < 32.0
            around = self.source.triangles[near[self.source.triangles].all(axis=1)]
            opening = EyeOpening(centre, around)
            shares = [opening.openness(rest + frame) for frame in skin]
            worst = np.maximum(worst, np.array(shares) / opening.openness(rest))
        closed = np.flatnonzero(worst < _CLOSED_SHARE)
        return tries[closed[0] if len(closed) else worst.argmin()]

    def _carried(self, fields: FloatArray) -> FloatArray:
        """(T, V, 3) of (T, skin, 3)"""
        return np.stack([self.to_template @ field for field in fields])

    def _head(
        self,
        seed: int,
        neutral: FloatArray,
        displacements: FloatArray,
        motion: FaceMotion,
        poses: FloatArray,
    ) -> HeadTruth:
        return HeadTruth(
            name=f"ICT {seed}",
            mesh=self.mesh.with_vertices(neutral),
            landmarks=neutral[self.model.landmark_vertices],
            groups={name: np.arange(*group) for name, group in ICT_GROUPS.items()},
            regions=self.regions,
            displacements=displacements,
            motion=motion,
            jaw_poses=poses,
            jaw_pivot=subject_pivot(self.template, motion.neutral),
        )


def _apex(prototype: Prototype, names: Sequence[str], own: SubjectShapes) -> FloatArray:
    """(K,) activations of an expression at its apex; lips that close do so on this face."""
    names = tuple(names)
    peaks = np.zeros(len(names))
    for shape, activation in prototype.activations.items():
        for name in sides(shape, names):
            peaks[names.index(name)] = EXTREMENESS_MEAN * activation
    if prototype.closes_lips:
        closing = names.index(CLOSING_SHAPE)
        peaks[closing] = own.lips.closing(prototype.variant, peaks, closing)
    return peaks
