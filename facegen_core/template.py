"""`Template`: the canonical head every model is trained on and every target is fitted with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .hierarchy import Hierarchy
from .landmarks import Landmarks
from .mesh import Mesh

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Skin regions every template names, as soft masks in [0, 1]. Left and right are the subject's.
REGIONS = (
    "face",  # what an expression may move: brows to chin, ear to ear
    "upper_lip",  # everything above the mouth slit near the mouth, down to the inner rim
    "lower_lip",
    "mouth_bag",  # inside of the mouth, upper and lower half together
    "mouth_bag_lower",  # its lower half, which goes with the jaw
    "upper_lid_left",
    "lower_lid_left",
    "upper_lid_right",
    "lower_lid_right",
    "eye_socket_left",
    "eye_socket_right",
    "nose",
    "ear_left",
    "ear_right",
    "neck",
    "scalp",
)

# Inner parts and how each follows the motion.
PART_MOTIONS = {
    "eyeball_left": "still",
    "eyeball_right": "still",
    "upper_teeth": "still",  # upper gums included
    "lower_teeth": "jaw",  # lower gums included
    "tongue": "jaw",
}


@dataclass(frozen=True, eq=False)
class InnerPart:
    """A proxy of what lies behind the skin: vertices (P, 3) mm, triangles (Q, 3), its own indices.

    name: a key of PART_MOTIONS. identity_basis: (N, P, 3) mm per unit of identity coefficient.
    """

    name: str
    vertices: FloatArray
    triangles: IntArray
    identity_basis: FloatArray


@dataclass(frozen=True, eq=False)
class Template:
    """The neutral head in canonical topology; millimetres, Y up, the face towards +Z.

    vertices: (V, 3) float32 skin at rest, one connected manifold whose only opening is the neck.
    triangles: (F, 3) int32.
    landmarks: 68 points on the skin.
    regions: {name of REGIONS: (V,) float32 in [0, 1]}.
    identity_basis: (N, V, 3) float32 mm per unit of coefficient; coefficients are N(0, 1).
    inner_parts: proxies of eyeballs, teeth and tongue, in the same space.
    jaw_pivot: (3,) mm, middle between the condyles, about which jaw poses turn.
    hierarchy: coarser levels, up-transforms and spirals of the skin.
    landmark_detector: weights of `landmark_network.LandmarkNetwork` taught on this head, by name,
    or None: then faces are found by shape alone.
    """

    vertices: FloatArray
    triangles: IntArray
    landmarks: Landmarks
    regions: dict[str, FloatArray]
    identity_basis: FloatArray
    inner_parts: tuple[InnerPart, ...]
    jaw_pivot: FloatArray
    hierarchy: Hierarchy
    landmark_detector: dict[str, NDArray] | None = None

    @property
    def num_vertices(self) -> int:
        return len(self.vertices)

    @cached_property
    def mesh(self) -> Mesh:
        """The skin alone, as a Mesh."""
        return Mesh.from_triangles(self.vertices, self.triangles)

    @cached_property
    def landmark_positions(self) -> FloatArray:
        """(68, 3) landmarks of the neutral, mm."""
        return self.landmarks.positions(self.vertices, self.triangles)

    def with_identity(self, coefficients: FloatArray) -> FloatArray:
        """(V, 3) neutral skin of an identity given (N',) coefficients, N' <= N."""
        basis = self.identity_basis[: len(coefficients)]
        return self.vertices + np.tensordot(coefficients, basis, axes=1)

    def inner_part(self, name: str) -> InnerPart:
        return next(part for part in self.inner_parts if part.name == name)

    def whole_head(self) -> Mesh:
        """Skin and inner parts in one Mesh: the sample head."""
        vertices, triangles, base = [self.vertices], [self.triangles], len(self.vertices)
        for part in self.inner_parts:
            vertices.append(part.vertices)
            triangles.append(part.triangles + base)
            base += len(part.vertices)
        return Mesh.from_triangles(np.concatenate(vertices), np.concatenate(triangles))
