"""`Similarity`, `Fit`, `Correspondence`, `Part`, `Alignment`: what registration hands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidMeshError
from ..mesh import Mesh
from ..template import Template
from .half_head import SymmetryCut

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Verdict = Literal["good", "fair", "poor"]
PartMotion = Literal["skin", "carried", "still", "jaw"]

# Every kind a part can be, and how it follows the motion; also what an artist may correct it to.
KIND_MOTIONS: dict[str, PartMotion] = {
    "skin": "skin",
    "eyeball_left": "still",
    "eyeball_right": "still",
    "cornea_left": "still",
    "cornea_right": "still",
    "tears": "carried",
    "lashes": "carried",
    "brows": "carried",
    "upper_teeth": "still",  # gums included
    "lower_teeth": "jaw",
    "tongue": "jaw",
    "mouth_interior": "jaw",
    "hair": "carried",
    "beard": "carried",
    "patch": "carried",
    "glasses": "still",
    "jewellery": "carried",
    "clothes": "still",
    "body": "still",
    "helper": "still",
    "unknown": "still",
}

# Mean distance over the face between fitted template and target, in mm on a real-size head:
# below the first the match is as close as the meshes' own coarseness, above the second it shows.
GOOD_RESIDUAL_MM = 1.0
FAIR_RESIDUAL_MM = 2.5


@dataclass(frozen=True, eq=False)
class Similarity:
    """Takes the target's own coordinates to template millimetres: ``scale * R @ x + t``.

    scale: millimetres per unit of the target, above 0.
    rotation: (3, 3) proper rotation, never a reflection.
    translation: (3,) mm.
    """

    scale: float
    rotation: FloatArray
    translation: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", float(self.scale))
        object.__setattr__(self, "rotation", np.asarray(self.rotation, np.float64))
        object.__setattr__(self, "translation", np.asarray(self.translation, np.float64))
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise InvalidMeshError(
                f"The scale of the head came out as {self.scale}: the mesh has no size to fit."
            )

    @classmethod
    def identity(cls) -> Similarity:
        """Leaves every point where it is."""
        return cls(1.0, np.eye(3), np.zeros(3))

    def apply(self, points: FloatArray) -> FloatArray:
        """(..., 3) points of the target → (..., 3) template mm."""
        return self.scale * np.asarray(points, np.float64) @ self.rotation.T + self.translation

    def apply_inverse(self, points: FloatArray) -> FloatArray:
        """(..., 3) template mm → (..., 3) coordinates of the target."""
        return (np.asarray(points, np.float64) - self.translation) @ self.rotation / self.scale

    def apply_vectors(self, vectors: FloatArray) -> FloatArray:
        """(..., 3) displacements of the target → (..., 3) displacements in template mm."""
        return self.scale * np.asarray(vectors, np.float64) @ self.rotation.T

    def inverse_vectors(self, vectors: FloatArray) -> FloatArray:
        """(..., 3) displacements in template mm → (..., 3) displacements of the target."""
        return np.asarray(vectors, np.float64) @ self.rotation / self.scale

    def after(self, first: Similarity) -> Similarity:
        """The similarity that applies `first`, then this one."""
        return Similarity(
            self.scale * first.scale, self.rotation @ first.rotation, self.apply(first.translation)
        )

    def inverse(self) -> Similarity:
        """Takes template millimetres back to the target's coordinates."""
        return Similarity(1.0 / self.scale, self.rotation.T, self.apply_inverse(np.zeros(3)))


@dataclass(frozen=True)
class Residual:
    """Distance between the fitted template and the target over the face region.

    mean_mm, p95_mm: millimetres on a head scaled to real size.
    verdict: what to tell the artist.
    """

    mean_mm: float
    p95_mm: float
    verdict: Verdict

    @classmethod
    def from_distances(cls, distances: FloatArray) -> Residual:
        """Summarise (N,) distances in mm."""
        mean, p95 = float(np.mean(distances)), float(np.percentile(distances, 95))
        verdict: Verdict = "poor"
        if mean <= FAIR_RESIDUAL_MM:
            verdict = "good" if mean <= GOOD_RESIDUAL_MM else "fair"
        return cls(mean, p95, verdict)


@dataclass(frozen=True, eq=False)
class Fit:
    """The template found on and bent onto a target, before correspondence.

    similarity: target coordinates → template millimetres.
    identity_coefficients: (N,) of the template's identity basis.
    neutral: (V, 3) template skin bent onto the target, mm.
    inner: {name of an inner part: (P, 3) mm}, inner parts carried along.
    landmarks: (68, 3) mm, the template's landmarks on `neutral`.
    residual: how well the face fits.
    landmark_confidences: (68,) in [0, 1], how sure we are of each.
    warnings: sentences for the artist.
    smooth_coefficients: (3 K,) of the smooth fields of `proportions`, none for ordinary heads.
    cut: where the target is half a head and was fitted together with its mirror image.
    """

    similarity: Similarity
    identity_coefficients: FloatArray
    neutral: FloatArray
    inner: dict[str, FloatArray]
    landmarks: FloatArray
    residual: Residual
    landmark_confidences: FloatArray = field(default_factory=lambda: np.ones(68))
    warnings: tuple[str, ...] = ()
    smooth_coefficients: FloatArray = field(default_factory=lambda: np.zeros(0))
    cut: SymmetryCut | None = None


@dataclass(frozen=True, eq=False)
class Correspondence:
    """Where each of M target vertices lies on the template skin.

    triangle_indices: (M,) int32 into the template's triangles, -1 where there is none.
    barycentrics: (M, 3), rows sum to 1.
    confidences: (M,) float32 in [0, 1]; 0 where there is no correspondence.
    """

    triangle_indices: IntArray
    barycentrics: FloatArray
    confidences: FloatArray


@dataclass(frozen=True, eq=False)
class Part:
    """One loose part of the target, or a piece of one, and how it follows the motion.

    index: number in `Mesh.loose_parts` of the loose part it is (a piece of).
    kind: what it is, a key of KIND_MOTIONS.
    motion: "skin" moves as the skin does, "carried" rides on the skin near it, "still" stays,
    "jaw" follows the jaw rigidly.
    vertex_indices: (P,) int32 vertices of the target.
    confidence: in [0, 1], how sure we are.
    is_welded: it is a piece of a connected surface: teeth modelled into the skin, for example.
    """

    index: int
    kind: str
    motion: PartMotion
    vertex_indices: IntArray
    confidence: float = 1.0
    is_welded: bool = False

    @property
    def key(self) -> int:
        """Tells the part from all others of this mesh: its lowest vertex."""
        return int(self.vertex_indices.min())

    def as_kind(self, kind: str) -> Part:
        """This part, taken for another kind because the artist says so."""
        return replace(self, kind=kind, motion=KIND_MOTIONS[kind], confidence=1.0)


def vertices_of(parts: Iterable[Part]) -> IntArray:
    """(N,) vertices of the target that belong to the parts, part after part."""
    return np.concatenate([np.zeros(0, np.int32), *(part.vertex_indices for part in parts)])


def vertices_moving(parts: Iterable[Part], motion: PartMotion) -> IntArray:
    """(N,) vertices of the parts with this motion, part after part."""
    return vertices_of(part for part in parts if part.motion == motion)


@dataclass(frozen=True, eq=False)
class Alignment:
    """Everything retargeting needs to know about one head; made once, then cached.

    target: the artist's mesh, in its own coordinates.
    region_weights: {name of a template region: (M,) in [0, 1]} carried over to the target.
    """

    template: Template
    target: Mesh
    fit: Fit
    correspondence: Correspondence
    parts: tuple[Part, ...]
    region_weights: dict[str, FloatArray] = field(default_factory=dict)

    def hold_cut(self, displacements: FloatArray) -> None:
        """Let the skin on the cut of half a head stay in its plane: (T, M, 3), changed in place."""
        if self.fit.cut is not None:
            self.fit.cut.keep_in_place(displacements, vertices_moving(self.parts, "jaw"))
