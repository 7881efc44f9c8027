"""The shape keys a head has already, read so that a clip can be solved into them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.face_shapes import ARKIT_NAMES

from . import actions, live_key, shape_keys, solved_curves
from .mask import group_weights
from .mesh_bridge import Head, HeadPart

FloatArray = NDArray[np.floating]

# tongueOut has no source among the shapes of a model, but an artist may have made it.
ARKIT_KEYS = frozenset({*ARKIT_NAMES, "tongueOut"})


@dataclass(frozen=True, eq=False)
class ExistingKeys:
    """K keys of a head; holds arrays only, so threads may read it.

    names: (K,). shapes: (K, M, 3) float32 displacements of the joined mesh, in its space.
    bounds: (K, 2) lowest and highest value, within 0 to 1. left_out: {key: why it is left alone}.
    """

    names: tuple[str, ...]
    shapes: FloatArray
    bounds: FloatArray
    left_out: Mapping[str, str] = field(default_factory=dict)

    def without(self, names: Collection[str], why: str) -> ExistingKeys:
        """These keys, some of them left alone too."""
        kept = [k for k, name in enumerate(self.names) if name not in names]
        more = {name: why for name in self.names if name in names}
        return ExistingKeys(
            tuple(self.names[k] for k in kept),
            self.shapes[kept],
            self.bounds[kept],
            {**self.left_out, **more},
        )


def chooser(choice: str, patterns: str) -> Callable[[str], bool]:
    """Whether a name is wanted: "all", those of "arkit", or those of a list, "named".

    patterns: names separated by commas; a star at the end stands for any ending.
    Raises FacegenError for an empty list.
    """
    if choice == "all":
        return lambda name: True
    if choice == "arkit":
        return lambda name: name in ARKIT_KEYS
    listed = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()]
    if not listed:
        raise FacegenError("Name the shape keys to solve into, for example: jawOpen, mouth*.")
    whole = {pattern for pattern in listed if not pattern.endswith("*")}
    starts = tuple(pattern[:-1] for pattern in listed if pattern.endswith("*"))
    return lambda name: name in whole or name.startswith(starts)


def read_keys(
    head: Head, is_wanted: Callable[[str], bool], replaces_curves: bool = False
) -> ExistingKeys:
    """The wanted keys of all objects of a head that are the artist's, joined by their names.

    Keys that are muted, driven or whose curve is locked are left out. Raises FacegenError for
    absolute keys, and where an artist's own curve is in the way and not to be replaced.
    """
    objects = head.objects()
    left_out: dict[str, str] = {}
    names: list[str] = []
    for obj in objects:
        for block in artist_keys(obj):
            if is_wanted(block.name):
                reason = why_not(obj, block)
                if reason:
                    left_out.setdefault(block.name, reason)
                elif block.name not in names:
                    names.append(block.name)
    names = [name for name in names if name not in left_out]
    if not replaces_curves:
        check_curves(objects, names)
    shapes = np.zeros((len(names), head.mesh.num_vertices, 3), np.float32)
    bounds = np.tile([0.0, 1.0], (len(names), 1))
    for obj, part in zip(objects, head.parts, strict=True):
        blocks = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
        for k, name in enumerate(names):
            block = blocks.get(name)
            if block is not None:
                shapes[k, part.start : part.end] = _displacements(obj, part, block)
                bounds[k, 0] = max(bounds[k, 0], min(block.slider_min, 1.0))
                bounds[k, 1] = min(bounds[k, 1], max(block.slider_max, bounds[k, 0]))
    if not np.isfinite(shapes).all():
        bad = int(np.flatnonzero(~np.isfinite(shapes).all(axis=(1, 2)))[0])
        raise FacegenError(
            f"The shape key '{names[bad]}' has vertices that are not finite"
            ": repair or remove it, then press again."
        )
    return ExistingKeys(tuple(names), shapes, bounds, left_out)


def artist_keys(obj: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    """The relative keys of an object that Facegen did not make; FacegenError for absolute ones."""
    keys = obj.data.shape_keys
    if keys is None:
        return []
    if not keys.use_relative:
        raise FacegenError(
            f"'{obj.name}' has absolute shape keys: switch its Shape Keys panel to Relative first."
        )
    ours = {name for names in shape_keys.clips_of(obj).values() for name in names}
    ours.add(live_key.NAME)
    return [b for b in keys.key_blocks if b != keys.reference_key and b.name not in ours]


def why_not(obj: bpy.types.Object, block: bpy.types.ShapeKey) -> str:
    """Why a key of the artist's must be left alone, in a word; "" where it may be played."""
    data, path = obj.data.shape_keys.animation_data, solved_curves.value_path(block.name)
    if block.mute:
        return "muted"
    if data is not None and any(driver.data_path == path for driver in data.drivers):
        return "driven"
    curves = actions.fcurves_of(obj.data.shape_keys) or ()
    if block.lock_shape or any(curve.data_path == path and curve.lock for curve in curves):
        return "locked"
    return ""


def check_curves(objects: Sequence[bpy.types.Object], names: Collection[str]) -> None:
    """Raise FacegenError where a key has a curve of the artist's own."""
    for obj in objects:
        own = solved_curves.artist_curves(obj)
        taken = [name for name in names if solved_curves.value_path(name) in own]
        if taken:
            raise FacegenError(
                f"'{taken[0]}' of '{obj.name}' has keyframes of your own: choose Replace Curves, "
                "or leave the key out."
            )


def _displacements(
    obj: bpy.types.Object, part: HeadPart, block: bpy.types.ShapeKey
) -> NDArray[np.float32]:
    """(end - start, 3) what a key at 1 does to the part, in the space of the joined mesh."""
    moved, rest = _places(block), _places(block.relative_key)
    local = part.joined_vertices(moved) - part.joined_vertices(rest)
    group = obj.vertex_groups.get(block.vertex_group) if block.vertex_group else None
    if group is not None:
        shares = group_weights(obj.data, group.index)
        local = local * part.joined_values(shares)[:, None]
    return (local @ np.linalg.inv(part.local_from_core).T).astype(np.float32)


def _places(block: bpy.types.ShapeKey) -> FloatArray:
    places = np.empty(3 * len(block.data), np.float32)
    block.data.foreach_get("co", places)
    return places.reshape(-1, 3).astype(np.float64)
