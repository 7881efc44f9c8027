"""Blinks and gaze on the template: lids close from wherever the expression has left them.

A blink goes all the way of what is open: from a squint it is shorter, from wide eyes longer, and at
its end the rims have met. On the way lids stay on the ball, as they turn about the middle of the
eye: half of a straight way would go through it. Lids follow a gaze up and down nearly as far as it
goes (Becker & Fuchs 1988, J. Neurophysiol. 60).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .contact.eyeball import sphere_centre
from .deformation_transfer import ShapeTransfer
from .eye_motion import EyeMotion
from .face_shapes import TemplateShapes
from .motion import FaceMotion
from .registration.lid_rims import Rims, are_open, find_rims
from .registration.slits import template_sides
from .template import Template
from .topology import edges_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Columns of `EyeMotion.blink`, with the columns of sides in `registration.slits`.
SIDES = {"Right": 2, "Left": 1}
_LOOKS = ("Up", "Down", "In", "Out")
EYE_SHAPES = tuple(
    f"eye{what}{side}" for side in SIDES for what in ("Blink", *(f"Look{d}" for d in _LOOKS))
)
# The gaze at which a look shape is full, radians: what its lids' way is on the eyeball, up and
# down, and what face tracking takes for full to the sides.
_FULL_LOOK = dict(zip(_LOOKS, np.deg2rad([18.0, 30.0, 35.0, 35.0]), strict=True))
# Looks go on beyond full by so much; a blink closes eyes so wide, of what they are open at rest.
_MOST_LOOK, _WIDEST = 1.3, 1.6
# A shape that closes less of the eye than this is no blink on this face.
_LEAST_CLOSING = 0.3


def look_of(shape: str) -> tuple[str, FloatArray] | None:
    """("Left" or "Right", (2,) radians) of the eye and the gaze that a look shape is full at."""
    for side in SIDES:
        for direction, angle in _FULL_LOOK.items():
            if shape == f"eyeLook{direction}{side}":
                outwards = angle if side == "Left" else -angle
                gazes = {
                    "Up": (0.0, angle),
                    "Down": (0.0, -angle),
                    "In": (-outwards, 0.0),
                    "Out": (outwards, 0.0),
                }
                return side, np.array(gazes[direction])
    return None


def prepare_transfer(shapes: TemplateShapes, template: Template) -> ShapeTransfer:
    """What carries the eyes' shapes to other faces. Raises BundleError where any is missing."""
    return shapes.transfer(template, EYE_SHAPES)


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of one person. N vertices around both eyes.

    openness: (N, 3) per mm: how much of what is open at rest a displacement opens, 0 where the eye
    has no rims. blink: (N, 3) mm, shut; looks: {direction: (N, 3) mm}; centre: (3,) mm.
    """

    openness: FloatArray
    blink: FloatArray
    looks: Mapping[str, FloatArray]
    centre: FloatArray


@dataclass(frozen=True, eq=False)
class Lids:
    """The lids of one person in the topology of the template.

    vertices: (N,) of the template that blinks and looks move; rest: (N, 3) mm. eyes: right, left.
    """

    vertices: IntArray
    rest: FloatArray
    eyes: tuple[Eye, ...]

    @classmethod
    def of(
        cls,
        template: Template,
        transfer: ShapeTransfer,
        person: FloatArray,
        eyeballs: Mapping[str, FloatArray],
    ) -> Lids:
        """person: (V, 3) mm; eyeballs: {"Right", "Left": (P, 3) mm}. Some tenths of a second."""
        shapes = dict(zip(EYE_SHAPES, transfer.to(person).astype(np.float64), strict=True))
        openness = lid_openness(template, person)
        fields = [*shapes.values(), *openness.values()]
        vertices = np.flatnonzero(np.any([np.any(f != 0.0, axis=1) for f in fields], axis=0))
        eyes = []
        for side in SIDES:
            blink = shapes[f"eyeBlink{side}"] * shutting(shapes[f"eyeBlink{side}"], openness[side])
            looks = {d: shapes[f"eyeLook{d}{side}"][vertices] for d in _LOOKS}
            centre = sphere_centre(eyeballs[side])
            eyes.append(Eye(openness[side][vertices], blink[vertices], looks, centre))
        return cls(vertices, np.asarray(person, np.float64)[vertices], tuple(eyes))

    def added(self, motion: FaceMotion, eyes: EyeMotion) -> FaceMotion:
        """The motion of T frames with blinks and looks on top; frames at rest to the last bit."""
        frames = np.flatnonzero(eyes.is_moving)
        if len(frames) == 0:
            return motion
        skin = np.array(motion.skin)
        moving = eyes.rows(frames)
        places = np.ix_(frames, self.vertices)
        moved = skin[places].astype(np.float64)
        for number, eye in enumerate(self.eyes):
            moved = self._looking(moved, eye, moving.gaze, number == 0)
            moved = self._blinking(moved, eye, moving.blink[:, number])
        skin[places] = moved
        return replace(motion, skin=skin)

    def _looking(self, moved: FloatArray, eye: Eye, gaze: FloatArray, is_right: bool) -> FloatArray:
        """(F, N, 3) displacements whose lids follow (F, 2) gaze as far as the eye is open."""
        yaw, pitch = gaze.T
        inward = yaw if is_right else -yaw
        # What is half shut has half the way to go down; what is wide open has no more than all.
        is_open = np.clip(1.0 + _sum(moved, eye.openness), 0.0, 1.0)
        for direction, angles, share in (
            ("Up", pitch, 1.0),
            ("Down", -pitch, is_open),
            ("In", inward, 1.0),
            ("Out", -inward, 1.0),
        ):
            weights = np.clip(angles / _FULL_LOOK[direction], 0.0, _MOST_LOOK) * share
            moved = self._along(moved, eye, np.ones(len(gaze)), eye.looks[direction], weights)
        return moved

    def _blinking(self, moved: FloatArray, eye: Eye, blink: FloatArray) -> FloatArray:
        """(F, N, 3) displacements with (F,) of what is still open closed."""
        is_open = np.clip(1.0 + _sum(moved, eye.openness), 0.0, _WIDEST)
        return self._along(moved, eye, is_open, eye.blink, blink)

    def _along(
        self,
        moved: FloatArray,
        eye: Eye,
        lengths: FloatArray,
        shape: FloatArray,
        shares: FloatArray,
    ) -> FloatArray:
        """(F, N, 3), changed in place: (F,) shares of the way (F,) lengths times a shape, round the
        eye."""
        going = np.flatnonzero(shares)
        if len(going) == 0:
            return moved
        acting = np.flatnonzero(shape.any(axis=1))
        places = np.ix_(going, acting)
        start = self.rest[acting] + moved[places] - eye.centre
        way = lengths[going, None, None] * shape[acting]
        share = shares[going, None, None]
        straight = start + share * way
        radii = [np.linalg.norm(p, axis=2, keepdims=True) for p in (start, start + way, straight)]
        wanted = (1.0 - share) * radii[0] + share * radii[1]
        moved[places] += straight * (wanted / np.maximum(radii[2], 1e-9)) - start
        return moved


def lid_openness(template: Template, person: FloatArray) -> dict[str, FloatArray]:
    """{"Right", "Left": (V, 3) per mm}: as `Eye.openness`, of a (V, 3) mm face."""
    person = np.asarray(person, np.float64)
    landmarks = template.landmarks.positions(person, template.triangles)
    rims = find_rims(person, edges_of(template.triangles), template_sides(template), landmarks)
    rims = rims.chosen(are_open(rims))
    return {
        side: _openness(rims.chosen(rims.columns == column), len(person))
        for side, column in SIDES.items()
    }


def shutting(blink: FloatArray, openness: FloatArray) -> float:
    """The factor at which a (V, 3) blink closes the eye wholly: shut means shut on every face."""
    closing = -float((openness * blink).sum())
    return 1.0 / closing if closing > _LEAST_CLOSING else 1.0


def _openness(rims: Rims, num_vertices: int) -> FloatArray:
    """(V, 3): times a displacement and summed, the change of the eye's opening as a share of it."""
    lengths = np.linalg.norm(rims.apertures, axis=1)
    if len(lengths) == 0:
        return np.zeros((num_vertices, 3))
    along = rims.apertures / lengths[:, None] / lengths.sum()
    return np.asarray((rims.upper_rows - rims.lower_rows).T @ along)


def _sum(moved: FloatArray, openness: FloatArray) -> FloatArray:
    """(F,) what (F, N, 3) displacements do to the opening."""
    return np.einsum("fnx,nx->f", moved, openness)
