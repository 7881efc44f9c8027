"""Eyes, teeth and tongue to draw with the skin: a face without them looks dead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.mesh import Mesh
from facegen_core.motion import pose_points
from facegen_core.template import PART_MOTIONS, InnerPart, Template
from training.figures.drawing import SKIN, Part

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

TEETH, GUMS, TONGUE = (0.93, 0.90, 0.85), (0.72, 0.42, 0.41), (0.74, 0.42, 0.41)
MOUTH_BAG = (0.50, 0.24, 0.23)
# What is wider than three teeth in a row is gums.
_ARCH_MM = 30.0
_TEETH_GLOSS = 0.25
_EYE_GLOSS = 0.9

# An adult eye: eyeball 12 mm, iris 5.9, pupil 2.1; angles seen from the middle of the eyeball.
_PUPIL_ANGLE, _IRIS_ANGLE = np.arcsin(2.1 / 12.0), np.arcsin(5.9 / 12.0)
_WHITE, _IRIS, _RIM, _PUPIL = (
    (0.95, 0.94, 0.93),
    (0.42, 0.55, 0.60),
    (0.15, 0.22, 0.26),
    (0.03, 0.03, 0.04),
)
# Rings of the drawn eye from its front, as (angle, colour); close pairs make edges.
_RINGS = (
    (0.5 * _PUPIL_ANGLE, _PUPIL),
    (0.95 * _PUPIL_ANGLE, _PUPIL),
    (1.10 * _PUPIL_ANGLE, _IRIS),
    (0.70 * _IRIS_ANGLE, _IRIS),
    (0.90 * _IRIS_ANGLE, _RIM),
    (0.97 * _IRIS_ANGLE, _RIM),
    (1.05 * _IRIS_ANGLE, _WHITE),
    *((angle, _WHITE) for angle in np.linspace(1.3 * _IRIS_ANGLE, 0.95 * np.pi, 9)),
)
_NUM_SEGMENTS = 36
# Vertices of the template's eyeball that tell how far out it reaches in one direction.
_NUM_NEIGHBOURS = 6


def posed_parts(template: Template, identity: FloatArray, jaw: FloatArray) -> list[Part]:
    """What lies behind the skin of one frame, ready for `draw_face`.

    identity: (N,) coefficients of the template's identity basis, N may be 0. jaw: (6,) pose, as in
    `FaceMotion`. Eyes look ahead along +Z. A template without inner parts gives an empty list.
    """
    return [_drawn(template, part, identity, jaw) for part in template.inner_parts]


def skin_colours(template: Template) -> FloatArray:
    """(V, 3) sRGB of plain skin with a red inside of the mouth."""
    inside = template.regions["mouth_bag"][:, None]
    return np.array(SKIN) * (1 - inside) + np.array(MOUTH_BAG) * inside


def _drawn(template: Template, part: InnerPart, identity: FloatArray, jaw: FloatArray) -> Part:
    basis = part.identity_basis[: len(identity)]
    vertices = part.vertices + np.tensordot(identity[: len(basis)], basis, axes=1)
    if PART_MOTIONS[part.name] == "jaw":
        vertices = pose_points(vertices, template.jaw_pivot, jaw[None])[0]
    if part.name.startswith("eyeball"):
        return _eye(vertices)
    if part.name == "tongue":
        return Part(vertices, part.triangles, TONGUE)
    is_gum = _gums(part)
    return Part(vertices, part.triangles, np.where(is_gum[:, None], GUMS, TEETH), _TEETH_GLOSS)


def _gums(part: InnerPart) -> NDArray[np.bool_]:
    """(P,) true for the loose pieces that span an arch of teeth: they hold the single ones."""
    pieces = Mesh.from_triangles(part.vertices, part.triangles).loose_parts
    x = part.vertices[:, 0]
    widths = [np.ptp(x[pieces == k]) for k in range(pieces.max() + 1)]
    return (np.array(widths) > _ARCH_MM)[pieces]


def _eye(vertices: FloatArray) -> Part:
    """The eyeball of (P, 3) vertices on rings about its gaze, so that iris and pupil are round."""
    middle, directions = _middle(vertices), _directions()
    reach = _reach(vertices - middle, directions)
    colours = np.concatenate(
        [[_PUPIL], np.repeat([colour for _, colour in _RINGS], _NUM_SEGMENTS, axis=0), [_WHITE]]
    )
    return Part(middle + directions * reach[:, None], _ring_triangles(), colours, _EYE_GLOSS)


def _middle(vertices: FloatArray) -> FloatArray:
    """(3,) middle of the eyeball's bounding box, moved back from the bulge of the cornea."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    radius = (high - low)[:2].mean() / 2.0
    return np.array([(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0, low[2] + radius])


def _directions() -> FloatArray:
    """(P, 3) unit vectors: the front pole, a ring for each of _RINGS, the back pole."""
    angles = np.array([angle for angle, _ in _RINGS])[:, None]
    around = np.arange(_NUM_SEGMENTS) * 2.0 * np.pi / _NUM_SEGMENTS
    x, y = np.sin(angles) * np.cos(around), np.sin(angles) * np.sin(around)
    rings = np.stack([x, y, np.broadcast_to(np.cos(angles), x.shape)], axis=-1)
    return np.concatenate([[[0.0, 0.0, 1.0]], rings.reshape(-1, 3), [[0.0, 0.0, -1.0]]])


def _reach(arms: FloatArray, directions: FloatArray) -> FloatArray:
    """(P,) mm from the middle to the template's eyeball, smoothed over its nearest vertices."""
    lengths = np.linalg.norm(arms, axis=1)
    distances, rows = cKDTree(arms / lengths[:, None]).query(directions, k=_NUM_NEIGHBOURS)
    weights = 1.0 / (distances + 0.02)
    return (weights * lengths[rows]).sum(axis=1) / weights.sum(axis=1)


def _ring_triangles() -> IntArray:
    """(Q, 3) outward triangles between the points of `_directions`."""
    here = np.arange(_NUM_SEGMENTS)
    there = np.roll(here, -1)
    last = 1 + len(_RINGS) * _NUM_SEGMENTS
    rows = [np.stack([np.zeros_like(here), 1 + here, 1 + there], axis=1)]
    for ring in range(len(_RINGS) - 1):
        inner, outer = 1 + ring * _NUM_SEGMENTS, 1 + (ring + 1) * _NUM_SEGMENTS
        rows.append(np.stack([inner + here, outer + here, outer + there], axis=1))
        rows.append(np.stack([inner + here, outer + there, inner + there], axis=1))
    final = last - _NUM_SEGMENTS
    rows.append(np.stack([final + here, np.full_like(here, last), final + there], axis=1))
    return np.concatenate(rows)
