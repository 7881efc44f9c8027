"""The shape keys of a copy as plain displacements: relative, masked, under the modifiers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.numeric import counted

from .copy_sampling import Track, live_modifiers
from .mesh_bridge import neutral_vertices

FloatArray = NDArray[np.floating]

# A key that moves nothing further than this share of the object's size is empty.
EMPTY_SHARE = 1e-7


@dataclass(frozen=True, eq=False)
class Shapes:
    """A mesh at rest and what keys do to it, in the object's own space.

    mesh: a new data-block without keys, P vertices. displacements: (K, P, 3). weights: (T, K).
    """

    mesh: bpy.types.Mesh
    names: tuple[str, ...]
    displacements: FloatArray
    weights: FloatArray


def shapes_of(track: Track, scene: bpy.types.Scene) -> Shapes:
    """The keys of an object as displacements under its modifiers; empty ones are left out.

    Raises FacegenError for a vertex that is no number and for modifiers that make other vertices
    of one key than of another, or none at all.
    """
    double = track.double
    basis = neutral_vertices(double.data)
    _check_finite(track.name, "Basis", basis)
    displacements = np.array([_displacement(track, name, basis) for name in track.key_names])
    displacements = displacements.reshape(len(track.key_names), *basis.shape)
    bare = double.copy()
    bare.data = double.data.copy()
    bare.shape_key_clear()
    scene.collection.objects.link(bare)
    mesh = _mesh_at(scene, bare, basis)
    if live_modifiers(bare):
        at_rest, layout = _positions_at(scene, bare, basis)
        if not len(at_rest):
            raise FacegenError(_nothing_left(scene, track, bare, basis))
        under = []
        for name, moved in zip(track.key_names, displacements, strict=True):
            positions, own_layout = _positions_at(scene, bare, basis + moved)
            if own_layout != layout:
                raise FacegenError(_different_layout(scene, track, bare, basis, name))
            under.append(positions)
        displacements = np.array([p - at_rest for p in under]).reshape(-1, *at_rest.shape)
    size = float(np.ptp(basis, axis=0).max(initial=0.0))
    lengths = np.abs(displacements).max(axis=(1, 2), initial=0.0)
    kept = np.flatnonzero(lengths > EMPTY_SHARE * size)
    names = tuple(track.key_names[k] for k in kept)
    return Shapes(mesh, names, displacements[kept], track.weights[:, kept])


def between_0_and_1(shapes: Shapes) -> Shapes:
    """The same motion with weights in [0, 1]: keys are scaled, and split where a weight is below 0.

    A key <name> whose weight goes below 0 gets a partner <name>_neg that moves the other way.
    """
    names: list[str] = []
    moved, weights = [], []
    for name, displacement, column in zip(
        shapes.names, shapes.displacements, shapes.weights.T, strict=True
    ):
        highest, lowest = max(1.0, column.max(initial=0.0)), column.min(initial=0.0)
        names.append(name)
        moved.append(displacement * highest)
        weights.append(np.clip(column, 0.0, None) / highest)
        if lowest < 0.0:
            names.append(f"{name[:58]}_neg")
            moved.append(displacement * lowest)
            weights.append(np.clip(column, None, 0.0) / lowest)
    return Shapes(
        shapes.mesh,
        tuple(names),
        np.array(moved).reshape(len(names), *shapes.displacements.shape[1:]),
        np.array(weights).reshape(len(names), len(shapes.weights)).T,
    )


def _displacement(track: Track, name: str, basis: FloatArray) -> FloatArray:
    """(P, 3) what one key adds at weight 1, weakened by its vertex group."""
    shape_keys = track.double.data.shape_keys
    block = shape_keys.key_blocks[name]
    positions = _coordinates(block, basis.shape)
    _check_finite(track.name, name, positions)
    if not shape_keys.use_relative:
        return positions - basis
    moved = positions - _coordinates(block.relative_key, basis.shape)
    return moved * _group_weights(track.double, block.vertex_group)[:, None]


def _coordinates(block: bpy.types.ShapeKey, shape: tuple[int, ...]) -> FloatArray:
    places = np.empty(shape[0] * 3, np.float32)
    block.data.foreach_get("co", places)
    return places.reshape(shape).astype(np.float64)


def _group_weights(obj: bpy.types.Object, name: str) -> FloatArray:
    weights = np.ones(len(obj.data.vertices))
    group = obj.vertex_groups.get(name) if name else None
    if group is None:
        return weights
    for vertex in obj.data.vertices:
        own = [g.weight for g in vertex.groups if g.group == group.index]
        weights[vertex.index] = own[0] if own else 0.0
    return weights


def _check_finite(object_name: str, key: str, positions: FloatArray) -> None:
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if len(bad):
        raise FacegenError(
            f"The shape key '{key}' of '{object_name}' has a vertex that is not a finite number "
            f"({bad[0]}): repair or delete the key first."
        )


def _evaluated(
    scene: bpy.types.Scene, bare: bpy.types.Object, positions: FloatArray
) -> tuple[bpy.types.Object, bpy.types.Depsgraph]:
    bare.data.vertices.foreach_set("co", positions.astype(np.float32).ravel())
    bare.data.update()
    layer = scene.view_layers[0]
    layer.update()
    return bare.evaluated_get(layer.depsgraph), layer.depsgraph


def _mesh_at(
    scene: bpy.types.Scene, bare: bpy.types.Object, positions: FloatArray
) -> bpy.types.Mesh:
    evaluated, depsgraph = _evaluated(scene, bare, positions)
    return bpy.data.meshes.new_from_object(
        evaluated, preserve_all_data_layers=True, depsgraph=depsgraph
    )


def _positions_at(
    scene: bpy.types.Scene, bare: bpy.types.Object, positions: FloatArray
) -> tuple[FloatArray, tuple[int, bytes]]:
    """(P', 3) vertices under the modifiers, and what is equal for the same vertices and faces."""
    mesh = _evaluated(scene, bare, positions)[0].data
    found = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", found)
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    return found.reshape(-1, 3).astype(np.float64), (len(mesh.vertices), corners.tobytes())


def _different_layout(
    scene: bpy.types.Scene,
    track: Track,
    bare: bpy.types.Object,
    basis: FloatArray,
    key: str,
) -> str:
    """The sentence that names the first modifier that makes another mesh of a key."""
    displaced = basis + _displacement(track, key, basis)
    for modifier in _one_by_one(bare):
        culprit = modifier.name
        (count, rest), (other, moved) = (
            _positions_at(scene, bare, at)[1] for at in (basis, displaced)
        )
        if (count, rest) != (other, moved):
            break
    what = (
        f"{counted(count, 'vertex', 'vertices')} of the Basis and {other:,}"
        if count != other
        else "other faces"
    )
    return (
        f"The modifier '{culprit}' of '{track.name}' makes {what} of the shape key '{key}', "
        "so the keys cannot be kept: apply it by hand or turn it off."
    )


def _nothing_left(
    scene: bpy.types.Scene, track: Track, bare: bpy.types.Object, basis: FloatArray
) -> str:
    """The sentence that names the first modifier after which there are no vertices."""
    emptying = next(m for m in _one_by_one(bare) if not len(_positions_at(scene, bare, basis)[0]))
    return (
        f"The modifier '{emptying.name}' of '{track.name}' leaves no vertices, so there is nothing "
        "to export: turn it off, or leave the object out."
    )


def _one_by_one(bare: bpy.types.Object) -> Iterator[bpy.types.Modifier]:
    """Its live modifiers, each turned on after those above it; all are off at first."""
    modifiers = live_modifiers(bare)
    for modifier in modifiers:
        modifier.show_viewport = False
    for modifier in modifiers:
        modifier.show_viewport = True
        yield modifier


def safe_names(names: Sequence[str]) -> dict[str, str]:
    """{name: unique ASCII name} in order; letters, digits, dots, dashes and underscores stay."""
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        ascii_only = "".join(
            c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name
        )
        plain = ascii_only.strip()[:58] or "key"
        unique, number = plain, 1
        while unique in found.values() or (unique != name and unique in names):
            number += 1
            unique = f"{plain}_{number}"
        found[name] = unique
    return found
