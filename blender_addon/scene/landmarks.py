"""Landmarks as empties on the face: where the match saw them, and where the artist wants them.

Those placed by hand all count. Those that a match showed count only once the artist has moved
them; the others follow every new match.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from facegen_core.landmarks import MANUAL_LANDMARKS, NUM_LANDMARKS
from facegen_core.registration.alignment import Alignment

from . import axes
from .mesh_bridge import Head

FloatArray = NDArray[np.floating]

# How large an empty is drawn: millimetres on a matched head, else a share of the mesh's height.
DISPLAY_MM, DISPLAY_SHARE = 2.0, 0.02
# Below this confidence a landmark is shown and named: the artist should look at it.
UNSURE = 0.5
# A landmark nobody is sure of is drawn this many times as large as one that is certain.
UNSURE_SIZE = 2.0
BY_HAND = -1.0
# Of a landmark that is certain, and of one that is a mere guess.
_COLOURS = ((0.20, 0.68, 0.34), (0.84, 0.15, 0.13))
# What the artist reads beside the thirteen of MANUAL_LANDMARKS: first and last number of each row.
_ROWS = (
    (0, 16, "jaw line"),
    (17, 21, "right brow"),
    (22, 26, "left brow"),
    (27, 30, "bridge of the nose"),
    (31, 35, "base of the nose"),
    (36, 41, "right eye"),
    (42, 47, "left eye"),
    (48, 59, "outer lips"),
    (60, 67, "inner lips"),
)
# Landmarks that moved less than this many digits of the head's size have not moved.
KEY_DIGITS = 5
# A landmark that was found counts once it is this share of the head's size away from there.
MOVED_SHARE = 1e-4
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


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the artist asks of a match by landmarks.

    places: {landmark number: (3,)} in the core's axes and scene units. is_by_hand: they stand for
    the search, so there must be 13; else they are pins, and any number will do.
    """

    places: dict[int, FloatArray]
    is_by_hand: bool


def words(number: int) -> str:
    """What to call a landmark: "nose tip", "jaw line 5"."""
    if number in MANUAL_LANDMARKS:
        return MANUAL_LANDMARKS[number]
    first, row = next((low, name) for low, high, name in _ROWS if low <= number <= high)
    return f"{row} {number - first + 1}"


def landmark_empties(target: bpy.types.Object) -> dict[int, bpy.types.Object]:
    """{landmark number: empty} of the landmarks placed for a head."""
    return {
        obj.facegen.landmark: obj
        for obj in target.children
        if obj.type == "EMPTY" and obj.facegen.landmark >= 0
    }


def wanted(target: bpy.types.Object) -> Wanted | None:
    """The landmarks a match has to go by, or None when it finds the face by itself."""
    empties = landmark_empties(target)
    is_by_hand = any(e.facegen.landmark_confidence < 0 for e in empties.values())
    places = {
        number: axes.to_core(np.array(empty.matrix_world.translation, np.float64))
        for number, empty in sorted(empties.items())
        if _counts(target, empty)
    }
    return Wanted(places, is_by_hand) if places else None


def landmark_key(target: bpy.types.Object) -> str:
    """Equal as long as the landmarks that count lie at the same places; empty without any."""
    size = max(*target.dimensions, 1e-12)
    empties = landmark_empties(target)
    places = [
        [number, *(round(x / size, KEY_DIGITS) for x in _local(target, empty))]
        for number, empty in sorted(empties.items())
        if _counts(target, empty)
    ]
    if not places:
        return ""
    is_by_hand = any(e.facegen.landmark_confidence < 0 for e in empties.values())
    return ("by hand " if is_by_hand else "pins ") + json.dumps(places)


def unsure_first(target: bpy.types.Object) -> list[bpy.types.Object]:
    """The landmarks below UNSURE that nobody has moved yet, the least certain first."""
    found = [
        empty
        for empty in landmark_empties(target).values()
        if 0 <= empty.facegen.landmark_confidence < UNSURE and not _counts(target, empty)
    ]
    return sorted(found, key=lambda e: (e.facegen.landmark_confidence, e.facegen.landmark))


def places_on_target(head: Head, alignment: Alignment) -> FloatArray:
    """(68, 3) landmarks of a match in the target's own space.

    head: as it was read for the match.
    """
    return head.to_target(alignment.fit.similarity.apply_inverse(alignment.fit.landmarks))


def place_by_hand(
    context: bpy.types.Context,
    target: bpy.types.Object,
    head: Head,
    places: Mapping[int, FloatArray] | None = None,
) -> list[bpy.types.Object]:
    """Add those of the 13 empties that are missing, at `places` or a first guess; all count then.

    places: {landmark number: (3,)} in the target's own space.
    """
    places = places or {n: head.to_target(place) for n, place in _guess(head).items()}
    existing = landmark_empties(target)
    height = float(np.ptp(head.mesh.vertices[:, 1]))
    size = _size(target, DISPLAY_SHARE * height / head.units_per_local)
    made = [
        _new_empty(context, target, number, places[number], size)
        for number in MANUAL_LANDMARKS
        if number not in existing
    ]
    for empty in landmark_empties(target).values():
        empty.facegen.landmark_confidence = BY_HAND
        empty.show_name = True
    return made


def show_found(
    context: bpy.types.Context,
    target: bpy.types.Object,
    head: Head,
    alignment: Alignment,
    is_all: bool = False,
) -> list[bpy.types.Object]:
    """Add empties where a match saw the 13 landmarks and those it is unsure of, or all 68."""
    confidences, size = alignment.fit.landmark_confidences, _size_found(target, head, alignment)
    places = places_on_target(head, alignment)
    existing = landmark_empties(target)
    numbers = [
        number
        for number in range(NUM_LANDMARKS)
        if (is_all or number in MANUAL_LANDMARKS or confidences[number] < UNSURE)
        and number not in existing
    ]
    made = []
    for number in numbers:
        empty = _new_empty(context, target, number, places[number], size)
        _mark_found(empty, places[number], float(confidences[number]), size)
        made.append(empty)
    return made


def follow_match(
    context: bpy.types.Context, target: bpy.types.Object, head: Head, alignment: Alignment
) -> None:
    """After a match: pins stay where they are, the landmarks that nobody moved go along."""
    places = places_on_target(head, alignment)
    size = _size_found(target, head, alignment)
    for number, empty in landmark_empties(target).items():
        if empty.facegen.landmark_confidence < 0:
            continue
        if _counts(target, empty):
            empty.facegen.is_pinned = True
            confidence = float(alignment.fit.landmark_confidences[number])
            _mark_found(empty, _local(target, empty), max(confidence, UNSURE), size)
        else:
            _put(target, empty, places[number])
            confidence = float(alignment.fit.landmark_confidences[number])
            _mark_found(empty, places[number], confidence, size)
    context.view_layer.update()


def remove_landmarks(target: bpy.types.Object) -> int:
    """Remove the empties of a head; returns how many went."""
    empties = list(landmark_empties(target).values())
    for empty in empties:
        bpy.data.objects.remove(empty)
    return len(empties)


def _counts(target: bpy.types.Object, empty: bpy.types.Object) -> bool:
    """Whether a match has to go by this landmark: placed by hand, or moved from where it was."""
    settings = empty.facegen
    if settings.landmark_confidence < 0 or settings.is_pinned:
        return True
    moved = np.abs(_local(target, empty) - np.array(settings.landmark_home, float)).max()
    return bool(moved > MOVED_SHARE * max(*target.dimensions, 1e-12))


def _local(target: bpy.types.Object, empty: bpy.types.Object) -> FloatArray:
    """(3,) place of a landmark in the target's own space."""
    place = target.matrix_world.inverted_safe() @ empty.matrix_world.translation
    return np.array(place, np.float64)  # Blender 5.1 and later would hand over single precision


def _size(target: bpy.types.Object, size_in_local: float) -> float:
    """How large to draw what is so large on the target; empties keep off the target's scale."""
    return size_in_local * abs(target.matrix_world.to_3x3().determinant()) ** (1 / 3)


def _size_found(target: bpy.types.Object, head: Head, alignment: Alignment) -> float:
    return _size(target, DISPLAY_MM / (alignment.fit.similarity.scale * head.units_per_local))


def _new_empty(
    context: bpy.types.Context,
    target: bpy.types.Object,
    number: int,
    place: FloatArray,
    size: float,
) -> bpy.types.Object:
    empty = bpy.data.objects.new(f"Landmark {number:02d} {words(number)}", None)
    empty.empty_display_type, empty.empty_display_size = "SPHERE", size
    empty.show_in_front = empty.show_name = True
    empty.facegen.landmark = number
    for collection in target.users_collection or [context.scene.collection]:
        collection.objects.link(empty)
    empty.parent = target
    # The empty keeps its round shape and its place under any scale of the head.
    empty.matrix_parent_inverse = target.matrix_world.inverted()
    _put(target, empty, place)
    context.view_layer.update()
    return empty


def _put(target: bpy.types.Object, empty: bpy.types.Object, place: FloatArray) -> None:
    """Move a landmark to (3,) in the target's own space."""
    world = target.matrix_world @ Vector(place)
    parent = target.matrix_world @ empty.matrix_parent_inverse
    empty.location = parent.inverted_safe() @ world


def _mark_found(empty: bpy.types.Object, place: FloatArray, confidence: float, size: float) -> None:
    """Show how sure a landmark is: unsure ones are larger, red and carry their name."""
    settings = empty.facegen
    settings.landmark_confidence, settings.landmark_home = confidence, place
    empty.show_name = confidence < UNSURE
    empty.empty_display_size = size * (UNSURE_SIZE - (UNSURE_SIZE - 1.0) * confidence)
    mixed = [c * confidence + u * (1 - confidence) for c, u in zip(*_COLOURS, strict=True)]
    empty.color = (*mixed, 1.0)


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
