"""Where moving skin may not go: lips not into each other, lids not into the eyeballs.

What is too deep is pushed out along the normal of what it met, and the skin around gives way
smoothly (contact.yielding). Lips push both ways alike, eyeballs are not moved.

`Contact` is for faces in the topology of the template, as training data is made with;
`resolve_clip` for clips on any head (contact.clip).

The neutral is the artist's: whatever touches or overlaps at rest may stay as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..registration.slits import template_sides
from ..template import Template
from ..topology import edges_of
from .clip import resolve_clip
from .eyeball import Eyeball
from .lips import Lips
from .yielding import SURE_SIDE, Yielding

__all__ = ["Contact", "resolve_clip"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# The slit: skin this near to the other side at rest.
_SLIT_MM = 3.0
# Good enough, mm; and how often forces are found anew as the skin moves.
_TOLERANCE_MM, _MAX_ROUNDS = 0.02, 8
# Lips touch where they are nearer than this, mm.
_TOUCH_MM = 0.1
_INNER_CORNERS = [60, 64]
_EYES = ("eyeball_left", "eyeball_right")


@dataclass(frozen=True, eq=False)
class Contact:
    """What may not touch deeper than at rest on one face."""

    neutral: FloatArray
    lips: Lips
    eyeballs: tuple[Eyeball, ...]

    @classmethod
    def of(cls, template: Template, neutral: FloatArray, inner: dict[str, FloatArray]) -> Contact:
        """For a (V, 3) neutral, mm, and {part: (P, 3)} where its eyeballs are.

        What does not depend on the face is kept as long as the template lives. Parts that are
        missing touch nothing.
        """
        mouth, *eyes = _yielding_of(template)
        neutral = np.asarray(neutral, np.float64)
        landmarks = template.landmarks.positions(neutral, template.triangles)
        corners = landmarks[_INNER_CORNERS]
        return cls(
            neutral,
            Lips.of(mouth, neutral, corners),
            tuple(
                Eyeball.of(skin, neutral, inner[name])
                for skin, name in zip(eyes, _EYES, strict=True)
                if name in inner
            ),
        )

    def resolve(self, displacements: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) mm: the motion with everything pushed out that went too deep."""
        result = np.array(displacements, np.float32)
        for motion in result:
            if motion.any():
                motion += self._pushed_out(motion.astype(np.float64))
        return result

    def _pushed_out(self, motion: FloatArray) -> FloatArray:
        positions = self.neutral + motion
        parts: tuple[Lips | Eyeball, ...] = (*self.eyeballs, self.lips)
        for part in parts:
            for _ in range(_MAX_ROUNDS):
                touches = part.touches(positions)
                if len(touches.depths) == 0 or touches.depths.max() < _TOLERANCE_MM:
                    break
                part.skin.push(positions, touches)
        return positions - self.neutral - motion

    def penetration(self, displacements: FloatArray) -> FloatArray:
        """(T, 2) mm, how much deeper than allowed lips and lids are at the worst place."""
        lips = self.lip_penetration_mm(displacements)
        return np.stack([lips, self.lid_penetration_mm(displacements)], axis=1)

    def lip_penetration_mm(self, displacements: FloatArray) -> FloatArray:
        """(T,) deepest point of one lip in the other, beyond what overlaps at rest."""
        return self._deepest((self.lips,), displacements)

    def lid_penetration_mm(self, displacements: FloatArray) -> FloatArray:
        """(T,) deepest point of a lid in its eyeball, beyond its clearance."""
        return self._deepest(self.eyeballs, displacements)

    def lip_closure(self, displacements: FloatArray, nearer_than: float = _TOUCH_MM) -> FloatArray:
        """(T,) share of the middle of the slit along which the lips touch, 0 to 1.

        nearer_than: mm; below 0, so deep they must be in one another.
        """
        positions = (self.neutral + motion for motion in displacements)
        return np.array([self.lips.closed_share(p, nearer_than) for p in positions])

    def _deepest(self, parts: tuple[Lips | Eyeball, ...], displacements: FloatArray) -> FloatArray:
        result = np.zeros(len(displacements))
        for frame, motion in enumerate(displacements):
            for part in parts:
                depths = part.touches(self.neutral + motion).depths
                result[frame] = max(result[frame], depths.max(initial=0.0))
        return result


_kept: WeakKeyDictionary[Template, tuple[Yielding, ...]] = WeakKeyDictionary()


def _yielding_of(template: Template) -> tuple[Yielding, ...]:
    """Mouth, left eye, right eye."""
    kept = _kept.get(template)
    if kept is None:
        sides = template_sides(template)
        rims = [_slit(template, sides[:, 0])]
        rims += [_border(template, f"eye_socket_{side}") for side in ("left", "right")]
        kept = tuple(Yielding.around(template, sides[:, k], rim) for k, rim in enumerate(rims))
        _kept[template] = kept
    return kept


def _slit(template: Template, sides: FloatArray) -> IntArray:
    """Vertices of both sides that are near the other side."""
    upper, lower = (np.flatnonzero(s * sides > SURE_SIDE) for s in (1.0, -1.0))
    if len(upper) == 0 or len(lower) == 0:
        return np.zeros(0, np.int64)
    vertices = template.vertices
    to_lower = cKDTree(vertices[lower]).query(vertices[upper])[0]
    to_upper = cKDTree(vertices[upper]).query(vertices[lower])[0]
    return np.unique(np.concatenate([upper[to_lower < _SLIT_MM], lower[to_upper < _SLIT_MM]]))


def _border(template: Template, region: str) -> IntArray:
    """Vertices at the border of a region."""
    inside = template.regions[region] > 0.5
    edges = edges_of(template.triangles)
    return np.unique(edges[inside[edges[:, 0]] != inside[edges[:, 1]]])
