"""What an export would lose or surprise with, said before a file is written.

The examination reads; it changes nothing. Every finding says what the repaired copy
(scene/repaired_copy.py) does about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from . import doctor_motion, live_key
from .copy_geometry import EMPTY_SHARE, safe_names
from .copy_sampling import live_modifiers
from .finding import ERROR, NOTE, WARNING, Finding
from .mesh_bridge import neutral_vertices
from .places_over_time import why_no_place

FloatArray = NDArray[np.floating]

# More keys than this and engines and exporters begin to be slow.
MANY_KEYS = 100
# Scales this near 1 count as applied.
UNSCALED = 1e-4
# A head this many times larger or smaller than a real one has probably the wrong unit.
WRONG_SIZE = 3.0


@dataclass(frozen=True)
class Patient:
    """What is examined. mm_per_unit: of the scene on a head of real size; None: not matched."""

    context: bpy.types.Context
    objects: Sequence[bpy.types.Object]
    frame_range: tuple[int, int]
    mm_per_unit: float | None = None
    is_for_web: bool = False
    starts_at_zero: bool = False


def examine(patient: Patient) -> list[Finding]:
    """All findings, the gravest first."""
    findings = [*_of_scene(patient), *_of_names(patient.objects)]
    for obj in patient.objects:
        findings += [*_of_object(patient, obj), *_of_keys(obj), *doctor_motion.of_keys(obj)]
    findings += doctor_motion.of_range(
        patient.context.scene, patient.objects, patient.frame_range, patient.starts_at_zero
    )
    rank = {ERROR: 0, WARNING: 1, NOTE: 2}
    return sorted(findings, key=lambda found: rank[found.severity])


def _of_scene(patient: Patient) -> Iterator[Finding]:
    if not any(obj.data.shape_keys for obj in patient.objects):
        yield Finding(
            "no_keys", WARNING, "No object of the head has shape keys: press Generate first."
        )
    unit = patient.context.scene.unit_settings.scale_length
    if abs(unit - 1.0) > UNSCALED:
        yield Finding(
            "unit_scale",
            NOTE,
            f"The Unit Scale of the scene is {unit:g}: some programs ignore it.",
            "The copy is in metres.",
        )
    if patient.mm_per_unit:
        times = 1000.0 * unit / patient.mm_per_unit
        if not 1 / WRONG_SIZE < times < WRONG_SIZE:
            yield Finding(
                "size",
                WARNING,
                f"This head will be {times:.3g} times the size of a real one: scale it, or set "
                "the Unit Scale of the scene.",
            )


def _of_object(patient: Patient, obj: bpy.types.Object) -> Iterator[Finding]:
    dropping = [m.name for m in live_modifiers(obj)]
    if dropping and obj.data.shape_keys:
        yield Finding(
            "modifiers",
            WARNING,
            f"'{obj.name}': exporters drop all shape keys under the modifiers "
            f"{', '.join(dropping)}, or leave the modifiers out.",
            "The copy applies them to the Basis and to every key.",
        )
    if any(m.type == "ARMATURE" and m.show_viewport for m in obj.modifiers):
        yield Finding(
            "armature",
            NOTE,
            f"'{obj.name}' follows an armature, which is not exported: the clip is of the face "
            "alone, in the rest pose.",
        )
    if obj.library or obj.data.library or obj.override_library or obj.data.override_library:
        yield Finding(
            "linked",
            NOTE,
            f"'{obj.name}' is linked from another file.",
            "The copy is local; the other file is not touched.",
        )
    others = [o.name for o in bpy.data.objects if o.data == obj.data and o != obj]
    if others:
        yield Finding(
            "multi_user",
            NOTE,
            f"'{obj.name}' shares its mesh with '{others[0]}'.",
            "The copy has a mesh of its own.",
        )
    in_layer = obj.name in patient.context.view_layer.objects
    if not in_layer or not obj.visible_get():
        reason = "hidden" if in_layer else "in a collection that is excluded"
        yield Finding(
            "hidden",
            NOTE,
            f"'{obj.name}' is {reason}, so exporters skip it.",
            "The copy is visible.",
        )
    yield from _of_scale(obj)
    if patient.is_for_web and any(not polygon.use_smooth for polygon in obj.data.polygons):
        yield Finding(
            "flat",
            NOTE,
            f"'{obj.name}' is shaded flat: a .glb of it has a vertex per corner and is several "
            "times as large; Shade Smooth first where you can.",
        )


def _of_scale(obj: bpy.types.Object) -> Iterator[Finding]:
    world = np.array(obj.matrix_world, np.float64)
    linear, reason = world[:3, :3], why_no_place(obj.name, world)
    if reason:
        yield Finding("no_place", ERROR, reason)
        return
    scale = np.linalg.norm(linear, axis=0)
    if np.linalg.det(linear) < 0:
        yield Finding(
            "negative_scale",
            WARNING,
            f"'{obj.name}' has a negative scale, which turns faces inside out elsewhere.",
            "The copy has it applied and its faces turned.",
        )
    elif np.abs(scale - 1.0).max() > UNSCALED:
        sizes = " × ".join(f"{s:.4g}" for s in scale)
        yield Finding(
            "scale",
            NOTE,
            f"'{obj.name}' has a scale that is not applied ({sizes}).",
            "The copy has it applied.",
        )


def _of_keys(obj: bpy.types.Object) -> Iterator[Finding]:
    shape_keys = obj.data.shape_keys
    if shape_keys is None:
        return
    if not shape_keys.use_relative:
        yield Finding(
            "absolute",
            WARNING,
            f"'{obj.name}' has absolute shape keys, which exporters ignore.",
            "The copy has relative keys that play the same.",
        )
    basis = neutral_vertices(obj.data)
    size = float(np.ptp(basis, axis=0).max(initial=0.0))
    blocks = [block for block in shape_keys.key_blocks if block != shape_keys.reference_key]
    empty = []
    for block in blocks:
        positions = _coordinates(block)
        bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
        if len(bad):
            yield Finding(
                "not_finite",
                ERROR,
                f"The shape key '{block.name}' of '{obj.name}' has a vertex that is not a finite "
                f"number ({bad[0]}): repair or delete the key first.",
            )
        elif np.abs(positions - _coordinates(block.relative_key)).max() <= EMPTY_SHARE * size:
            empty.append(block.name)
        if block.name == live_key.NAME:
            yield Finding(
                "live_key",
                NOTE,
                f"'{obj.name}' shows a slider that is being tried out ({live_key.NAME}).",
                "The copy is without it.",
            )
    yield from _of_key_settings(obj, blocks, empty)


def _of_key_settings(
    obj: bpy.types.Object, blocks: Sequence[bpy.types.ShapeKey], empty: Sequence[str]
) -> Iterator[Finding]:
    if empty:
        yield Finding(
            "empty",
            WARNING,
            f"'{obj.name}' has keys that move nothing: {_listed(empty)}; empty keys crash Unity.",
            "The copy leaves them out.",
        )
    masked = [block.name for block in blocks if block.vertex_group]
    if masked:
        yield Finding(
            "vertex_group",
            NOTE,
            f"'{obj.name}': the vertex group of {_listed(masked)} is lost in most formats.",
            "The copy has it worked into the keys.",
        )
    muted = [block.name for block in blocks if block.mute]
    if muted and live_key.NAME not in obj.data.shape_keys.key_blocks:  # which mutes the others
        yield Finding(
            "muted_keys", NOTE, f"'{obj.name}' has muted keys, which will rest: {_listed(muted)}."
        )
    wide = [b.name for b in blocks if b.slider_min < 0.0 or b.slider_max > 1.0]
    if wide:
        yield Finding(
            "slider",
            WARNING,
            f"'{obj.name}': the slider of {_listed(wide)} leaves 0 to 1, where several readers "
            "clamp it.",
            "The copy has the same motion with weights from 0 to 1.",
        )
    if len(blocks) > MANY_KEYS:
        yield Finding(
            "many_keys",
            NOTE,
            f"'{obj.name}' has {len(blocks)} shape keys: a compact bake plays the same with few.",
        )


def _of_names(objects: Sequence[bpy.types.Object]) -> Iterator[Finding]:
    names = {obj.name: _key_names(obj) for obj in objects}
    every = [name for own in names.values() for name in own]
    foreign = [name for name, safe in safe_names(every).items() if name != safe]
    if foreign:
        yield Finding(
            "names",
            WARNING,
            f"The name of {_listed(foreign)} has characters that engines and readers trip over.",
            "The copy has plain ASCII names, each one once.",
        )
    folded = Counter(name.casefold() for name in dict.fromkeys(every))
    same = [name for name in dict.fromkeys(every) if folded[name.casefold()] > 1]
    if same:
        yield Finding(
            "case",
            NOTE,
            f"{_listed(same)} differ in capital letters only, which Unreal takes for one name.",
        )
    if len(objects) < 2:
        return
    head = objects[0]
    for obj in objects[1:]:
        strange = [n for n in names[obj.name] if n not in names[head.name] and n != live_key.NAME]
        if strange and names[head.name]:
            yield Finding(
                "different_names",
                NOTE,
                f"'{obj.name}' has {_listed(strange)}, which '{head.name}' has not.",
                "The copy gives keys that play the same curve the same name.",
            )


def _key_names(obj: bpy.types.Object) -> list[str]:
    shape_keys = obj.data.shape_keys
    if shape_keys is None:
        return []
    return [block.name for block in shape_keys.key_blocks if block != shape_keys.reference_key]


def _coordinates(block: bpy.types.ShapeKey) -> FloatArray:
    places = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", places)
    return places.reshape(-1, 3)


def _listed(names: Sequence[str]) -> str:
    """The first names, quoted, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
