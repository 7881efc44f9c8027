"""The list of parts as the panel shows it: rows on the head, alike parts under one heading."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

import bpy
import numpy as np

from facegen_core.errors import FacegenError
from facegen_core.registration.alignment import KIND_MOTIONS, Alignment, Part

from . import kept
from .mesh_bridge import Head

# More parts alike than this come under one heading, which can be opened.
MAX_ALIKE = 3
NO_GROUP = -1

# What an artist calls the kinds of the core.
KIND_WORDS = {
    "skin": "Skin",
    "eyeball_left": "Left eyeball",
    "eyeball_right": "Right eyeball",
    "cornea_left": "Left cornea",
    "cornea_right": "Right cornea",
    "tears": "Tears",
    "lashes": "Eyelashes",
    "brows": "Eyebrows",
    "upper_teeth": "Upper teeth",
    "lower_teeth": "Lower teeth",
    "tongue": "Tongue",
    "mouth_interior": "Inside of the mouth",
    "hair": "Hair",
    "beard": "Beard",
    "patch": "Piece of skin",
    "glasses": "Glasses",
    "clothes": "Clothes",
    "body": "Body",
    "helper": "Helper mesh",
    "unknown": "Not recognised",
}
# How a part moves, in a word for the list and in some for a sentence.
MOTION_WORDS = {"skin": "moves", "carried": "rides", "still": "stays", "jaw": "jaw"}
MOTION_SENTENCES = {
    "skin": "moves with the face",
    "carried": "rides on the skin",
    "still": "stays",
    "jaw": "follows the jaw",
}


def kind_words(kind: str) -> str:
    """The kind as the artist reads it."""
    return KIND_WORDS.get(kind, kind.replace("_", " ").capitalize())


def kind_items() -> list[tuple[str, str, str]]:
    """Every kind a part can be, for a menu: identifier, words, how it moves."""
    return [
        (kind, kind_words(kind), f"It {MOTION_SENTENCES.get(motion, motion)}")
        for kind, motion in KIND_MOTIONS.items()
    ]


def fill(
    settings: bpy.types.PropertyGroup, head: Head, alignment: Alignment, corrected: Sequence[int]
) -> None:
    """Write the rows of a match: the largest kinds first; headings that were open stay open."""
    open_kinds = {row.name for row in settings.found_parts if row.is_expanded}
    settings.found_parts.clear()
    for parts in _groups(alignment.parts):
        heading = NO_GROUP
        if len(parts) > MAX_ALIKE:
            heading = len(settings.found_parts)
            row = _add_row(settings, head, parts, corrected, NO_GROUP)
            row.is_heading, row.is_expanded = True, row.name in open_kinds
        for part in parts:
            _add_row(settings, head, [part], corrected, heading)
    settings.active_part = min(settings.active_part, max(len(settings.found_parts) - 1, 0))


def row_of(target: bpy.types.Object, number: int) -> bpy.types.PropertyGroup:
    """A row of Parts Found, the active one for -1. FacegenError when there is none."""
    rows = target.facegen.found_parts
    number = target.facegen.active_part if number < 0 else number
    if not target.facegen.is_matched or number >= len(rows):
        raise FacegenError(f"'{target.name}' has no such part: Match first.")
    return rows[number]


def keys_of(row: bpy.types.PropertyGroup) -> list[int]:
    """`Part.key` of every part that a row stands for, in the joined mesh."""
    return kept.numbers(row.keys)


def vertices_of(alignment: Alignment, keys: Sequence[int]) -> np.ndarray:
    """The vertices of the joined mesh that belong to the parts with these keys."""
    wanted = set(keys)
    found = [part.vertex_indices for part in alignment.parts if part.key in wanted]
    return np.concatenate([np.zeros(0, np.int32), *found])


def _groups(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts of one kind and motion together, the kinds with most vertices first."""
    groups: dict[tuple[str, bool], list[Part]] = defaultdict(list)
    for part in parts:
        groups[part.kind, part.is_welded].append(part)
    for alike in groups.values():
        alike.sort(key=lambda part: (-len(part.vertex_indices), part.key))
    return sorted(
        groups.values(), key=lambda alike: -sum(len(part.vertex_indices) for part in alike)
    )


def _add_row(
    settings: bpy.types.PropertyGroup,
    head: Head,
    parts: Sequence[Part],
    corrected: Sequence[int],
    group: int,
) -> bpy.types.PropertyGroup:
    row = settings.found_parts.add()
    first = parts[0]
    row.name, row.motion, row.is_welded = first.kind, first.motion, bool(first.is_welded)
    row.num_parts, row.group = len(parts), group
    row.num_vertices = sum(len(part.vertex_indices) for part in parts)
    row.confidence = float(min(part.confidence for part in parts))
    row.keys = json.dumps([part.key for part in parts])
    row.is_corrected = any(part.key in corrected for part in parts)
    row.object_name = next(p.name for p in head.parts if p.start <= first.key < p.end)
    return row
