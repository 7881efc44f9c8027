"""What the artist says the parts of a head are, kept on the objects the parts belong to.

A part goes by its lowest vertex (`Part.key`). It is stored by the object's own numbering, so that
it holds when another object joins the head, and together with the object's layout, because after
a change of the mesh the same number is another vertex.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import bpy

from facegen_core.registration.alignment import KIND_MOTIONS

from . import kept
from .mesh_bridge import Head, HeadPart


def read(head: Head) -> dict[int, str]:
    """{`Part.key` in the joined mesh: kind} for a head as it was gathered."""
    found = {}
    for part, obj in zip(head.parts, head.objects(), strict=True):
        kinds = _kinds_of(obj, part)
        found.update({part.start + key: kind for key, kind in kinds.items()})
    return found


def outdated(head: Head) -> tuple[str, ...]:
    """A sentence per object whose mesh changed since its parts were corrected."""
    sentences = []
    for part, obj in zip(head.parts, head.objects(), strict=True):
        stored = _stored(obj)
        if stored and stored["layout"] != part.layout:
            sentences.append(
                f"The mesh of '{obj.name}' changed: {_times(len(stored['kinds']))} dropped, "
                "look at Parts Found again."
            )
    return tuple(sentences)


def write(head: Head, corrections: Mapping[int, str]) -> None:
    """Store {`Part.key` in the joined mesh: kind} on the objects; replaces what was there."""
    for part, obj in zip(head.parts, head.objects(), strict=True):
        kinds = {
            str(key - part.start): kind
            for key, kind in sorted(corrections.items())
            if part.start <= key < part.end
        }
        text = json.dumps({"layout": part.layout, "kinds": kinds}) if kinds else ""
        if obj.facegen.corrections != text:
            obj.facegen.corrections = text


def changed(corrections: Mapping[int, str], keys: Iterable[int], kind: str | None) -> dict:
    """The corrections with some parts taken for a kind, or for what was found where it is None."""
    keys = set(keys)
    kept = {key: old for key, old in corrections.items() if key not in keys}
    return kept if kind is None else kept | dict.fromkeys(sorted(keys), kind)


def _kinds_of(obj: bpy.types.Object, part: HeadPart) -> dict[int, str]:
    stored = _stored(obj)
    if not stored or stored["layout"] != part.layout:
        return {}
    return {int(key): kind for key, kind in stored["kinds"].items() if kind in KIND_MOTIONS}


def _stored(obj: bpy.types.Object) -> dict:
    found = kept.mapping(obj.facegen.corrections, "layout", "kinds")
    kinds = found.get("kinds")
    return found if isinstance(kinds, dict) and all(key.isdecimal() for key in kinds) else {}


def _times(count: int) -> str:
    return "1 correction of a part was" if count == 1 else f"{count} corrections of parts were"
