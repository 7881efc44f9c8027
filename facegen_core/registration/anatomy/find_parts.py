"""Every part of the target with its kind: loose parts first, then what is welded into them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...mesh import Mesh
from ...template import Template
from ..alignment import KIND_MOTIONS, Fit, Part
from ..correspondence import inner_regions
from ..matching import Matches
from ..surface import Surface
from .around_eyes import eye_kind
from .around_head import head_kind
from .inside_mouth import mouth_parts
from .scene import MARKER_VERTICES, Scene, members_of
from .welded import Piece, mouth_pieces, welded_pieces

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A part is skin when most of it lies this close to the fitted skin, facing the same way ...
_SKIN_DISTANCE_MM, _SKIN_COSINE, _SKIN_SHARE = 4.0, 0.3, 0.5
# ... and is more than a patch lying on skin that is already there (brows, stubble, decals).
_NEW_SKIN_SHARE, _COVER_DISTANCE_MM = 0.5, 4.0


def find_parts(
    template: Template, fit: Fit, target: Mesh, surface: Surface, matches: Matches
) -> tuple[Part, ...]:
    """Every loose part of the target, and every piece welded into one, with kind and motion.

    surface, matches: the target welded, in mm, and its unrestricted matches on the fitted skin.
    Every vertex belongs to exactly one part. The same mesh and fit give the same parts.
    """
    scene = Scene.of(template, fit, surface, matches)
    members = members_of(surface.parts)
    skins = _skin_parts(scene, members)
    rest = [number for number in range(len(members)) if number not in skins]
    in_mouth, shift = mouth_parts(scene, {n: members[n] for n in rest})
    pieces: list[Piece] = []
    for number, indices in enumerate(members):
        if number in skins:
            found = welded_pieces(scene, indices, shift)
            pieces += _with_rest(Piece("skin", indices, skins[number]), found)
        elif number in in_mouth:
            kind, confidence = in_mouth[number]
            found = mouth_pieces(scene, indices, shift) if kind == "mouth_interior" else []
            pieces += _with_rest(Piece(kind, indices, confidence), found)
        else:
            pieces.append(Piece(*_kind_elsewhere(scene, indices)))
    return _as_parts(target, surface, members, pieces)


def _with_rest(whole: Piece, pieces: list[Piece]) -> list[Piece]:
    """The pieces of a loose part, and what they leave of it."""
    if not pieces:
        return [whole]
    left = np.setdiff1d(whole.indices, np.concatenate([piece.indices for piece in pieces]))
    rest = [Piece(whole.kind, left, whole.confidence)] if len(left) else []
    return rest + pieces


def _as_parts(
    target: Mesh, surface: Surface, members: list[IntArray], pieces: list[Piece]
) -> tuple[Part, ...]:
    """Parts of the mesh for pieces of the welded surface, in the order of their lowest vertex."""
    owner = np.empty(surface.num_vertices, np.int64)
    for number, piece in enumerate(pieces):
        owner[piece.indices] = number
    sizes = np.bincount(surface.parts)
    parts = []
    for piece, indices in zip(pieces, members_of(owner[surface.welded_indices]), strict=True):
        is_welded = len(piece.indices) < sizes[surface.parts[piece.indices[0]]]
        parts.append(
            Part(
                int(target.loose_parts[indices[0]]),
                piece.kind,
                KIND_MOTIONS[piece.kind],
                indices.astype(np.int32),
                piece.confidence,
                is_welded and piece.kind != "skin",
            )
        )
    return tuple(sorted(parts, key=lambda part: part.key))


def _skin_parts(scene: Scene, members: list[IntArray]) -> dict[int, float]:
    """The part that covers most of the face, and parts that add skin beside it: {number: sureness}.

    How surely a part is skin is how much of it lies on the fitted skin.
    """
    matches, triangles = scene.matches, scene.template.triangles
    lies_on_skin = (matches.distances < _SKIN_DISTANCE_MM) & (matches.cosines > _SKIN_COSINE)
    # Teeth may lie on the wall of the mouth, eyeballs on that of their socket.
    lies_on_skin &= matches.values(triangles, inner_regions(scene.template)) < 0.5
    face = matches.values(triangles, scene.template.regions["face"])
    areas = scene.surface.vertex_areas
    covered = np.bincount(scene.surface.parts, areas * lies_on_skin * face, len(members))
    main = int(covered.argmax())
    points = matches.values(triangles, np.asarray(scene.template.vertices, np.float64))
    cover = cKDTree(points[members[main]][lies_on_skin[members[main]]])
    skins = {main: 1.0}
    for number, indices in enumerate(members):
        on_skin = indices[lies_on_skin[indices]]
        share = len(on_skin) / len(indices)
        if number == main or share < _SKIN_SHARE or len(indices) <= MARKER_VERTICES:
            continue
        is_new = cover.query(points[on_skin])[0] > _COVER_DISTANCE_MM
        if is_new.mean() > _NEW_SKIN_SHARE:
            skins[number] = share
    return skins


def _kind_elsewhere(scene: Scene, indices: IntArray) -> tuple[str, IntArray, float]:
    """Kind, vertices and confidence of a loose part that is neither skin nor in the mouth."""
    if scene.is_marker[scene.surface.parts[indices[0]]]:
        return "helper", indices, 1.0
    points = scene.surface.vertices[indices]
    kind, confidence = eye_kind(scene, points) or head_kind(scene, indices)
    return kind, indices, confidence
