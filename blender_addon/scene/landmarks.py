"""Landmarks by hand: empties the artist drags onto the face, and their places for the core."""

from __future__ import annotations

import json
from collections.abc import Mapping

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.landmarks import MANUAL_LANDMARKS
from facegen_core.registration.alignment import Alignment

from . import axes
from .mesh_bridge import Head

FloatArray = NDArray[np.floating]

# How large an empty is drawn, as a share of the head's height.
DISPLAY_SHARE = 0.02
# Landmarks that moved less than this many digits of the head's size have not moved.
KEY_DIGITS = 5
# Where the face is on an unknown mesh, as shares of its bounding box: a first guess to drag from.
GUESSED_PLACES: dict[int, tuple[float, float]] = {
    36: (0.30, 0.56),
    39: (0.42, 0.56),
    42: (0.58, 0.56),
    45: (0.70, 0.56),
    19: (0.33, 0.63),
    24: (0.67, 0.63),
    30: (0.50, 0.44),
    33: (0.50, 0.40),
    48: (0.39, 0.29),
    54: (0.61, 0.29),
    51: (0.50, 0.32),
    57: (0.50, 0.26),
    8: (0.50, 0.14),
}


def landmark_empties(target: bpy.types.Object) -> dict[int, bpy.types.Object]:
    """{landmark number: empty} of the landmarks placed for a head."""
    return {
        obj.facegen.landmark: obj
        for obj in target.children
        if obj.type == "EMPTY" and obj.facegen.landmark >= 0
    }


def landmark_positions(target: bpy.types.Object) -> dict[int, FloatArray] | None:
    """{landmark number: (3,)} in the core's axes and scene units, or None when none is placed."""
    empties = landmark_empties(target)
    places = {k: axes.to_core(np.array(e.matrix_world.translation)) for k, e in empties.items()}
    return places or None


def landmark_key(target: bpy.types.Object) -> str:
    """Equal as long as the landmarks lie at the same places of the head; empty without any."""
    empties = landmark_empties(target)
    to_local = target.matrix_world.inverted_safe()
    size = max(*target.dimensions, 1e-12)
    places = [
        [number, *(round(x / size, KEY_DIGITS) for x in to_local @ e.matrix_world.translation)]
        for number, e in sorted(empties.items())
    ]
    return json.dumps(places) if places else ""


def matched_places(alignment: Alignment, matched: Head, head: Head) -> dict[int, FloatArray]:
    """{landmark number: (3,)} of a match, on the vertices of the head where it stands now."""
    found = alignment.fit.similarity.apply_inverse(alignment.fit.landmarks)  # (68, 3)
    nearest = cKDTree(matched.mesh.vertices).query(found)[1]
    return {number: head.mesh.vertices[nearest[number]] for number in MANUAL_LANDMARKS}


def place_landmarks(
    context: bpy.types.Context,
    target: bpy.types.Object,
    head: Head,
    places: Mapping[int, FloatArray] | None = None,
) -> list[bpy.types.Object]:
    """Add the empties that are missing, parented to the head, at `places` or a first guess.

    places: {landmark number: (3,)} in the core's axes. Empties already there stay where they are.
    """
    places = places or _guess(head)
    existing = landmark_empties(target)
    height = float(np.ptp(head.mesh.vertices[:, 1]))
    made = []
    for number, words in MANUAL_LANDMARKS.items():
        if number in existing:
            continue
        empty = bpy.data.objects.new(f"Landmark {number:02d} {words}", None)
        empty.empty_display_type = "SPHERE"
        empty.empty_display_size = DISPLAY_SHARE * height
        empty.show_in_front = empty.show_name = True
        empty.facegen.landmark = number
        for collection in target.users_collection or [context.scene.collection]:
            collection.objects.link(empty)
        empty.parent = target
        # The empty keeps its round shape and its place under any scale of the head.
        empty.matrix_parent_inverse = target.matrix_world.inverted()
        empty.matrix_basis = Matrix.Translation(Vector(axes.to_blender(places[number])))
        made.append(empty)
    context.view_layer.update()
    return made


def remove_landmarks(target: bpy.types.Object) -> int:
    """Remove the empties of a head; returns how many went."""
    empties = list(landmark_empties(target).values())
    for empty in empties:
        bpy.data.objects.remove(empty)
    return len(empties)


def _guess(head: Head) -> dict[int, FloatArray]:
    """First places on the front of the mesh: the uppermost cube of its bounding box is the head."""
    vertices = head.mesh.vertices
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    side = min(high[0] - low[0], high[1] - low[1])
    corner = np.array([(low[0] + high[0] - side) / 2, high[1] - side])
    places = {}
    for number, share in GUESSED_PLACES.items():
        across = corner + side * np.array(share)
        nearest = np.abs(vertices[:, :2] - across).max(axis=1)
        column = vertices[nearest <= max(float(nearest.min()) * 1.01, 0.03 * side)]
        places[number] = np.array([*across, column[:, 2].max()])
    return places
