"""A copy of a head as an exporter wants it; the head itself is not touched.

In a scene of its own, removed whatever happens: modifiers applied to the Basis and to every key,
relative keys with equal ASCII names on all objects, one plain linear curve each with weights in
[0, 1], no drivers, strips or empty keys, scale applied, metres (or centimetres) whatever the unit
of the scene, visible, and starting at the frame the preset asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

from . import actions, aside, frame_limits, heat_map, places_over_time, root_bone
from .copy_geometry import Shapes, between_0_and_1, safe_names, shapes_of
from .copy_sampling import Track, sample

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class CopyOptions:
    """How the copy shall be.

    metres_per_unit: 1 or 0.01, of the scene that is exported. turn: (3, 3) rotation that the
    exporter is about to undo on every object, so that objects arrive unturned; identity: none.
    has_root_bone: everything is skinned to one bone at the origin. first_frame: where the clip
    starts; None is where it starts in the scene. check_every: frames between those that are kept
    for comparing. step_metres: displacements are multiples of about this, 0: as they are; digits
    nobody sees make files a third larger.
    """

    metres_per_unit: float = 1.0
    turn: tuple[tuple[float, float, float], ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    has_root_bone: bool = False
    first_frame: int | None = None
    check_every: int = 5
    step_metres: float = 0.0


@dataclass(frozen=True, eq=False)
class Expected:
    """What a reader of the file must find of one object.

    positions: (N, P, 3) world positions in metres, as the artist saw them. is_animated: whether
    any key has a curve.
    """

    name: str
    key_names: tuple[str, ...]
    positions: FloatArray
    is_animated: bool


@dataclass(frozen=True, eq=False)
class RepairedCopy:
    """scene: holds nothing but the copy. frames: (N,) those of `expected`, as in the copy."""

    scene: bpy.types.Scene
    objects: list[bpy.types.Object]
    frame_range: tuple[int, int]
    frames: list[int]
    expected: list[Expected]


@contextmanager
def repaired_copy(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    frame_range: tuple[int, int],
    clip_name: str,
    options: CopyOptions,
) -> Iterator[RepairedCopy]:
    """Make the copy, and take everything away again. Raises FacegenError where none can be made."""
    start, end = frame_range
    frame_limits.check(frame_range)
    frame_limits.check_fits_memory(objects, frame_range, options.check_every)
    original, unit = context.scene, context.scene.unit_settings.scale_length
    frames = list(range(start, end + 1))
    rows = sorted({*range(0, len(frames), options.check_every), len(frames) - 1})
    with aside.scene_aside(context, clip_name) as scene:
        scene.render.frame_map_old = original.render.frame_map_old
        scene.render.frame_map_new = original.render.frame_map_new
        tracks = sample(scene, objects, frames, rows)
        _check_places(tracks, frames)
        shapes = _same_names([between_0_and_1(shapes_of(t, scene)) for t in tracks])
        for obj in list(scene.collection.all_objects):
            bpy.data.objects.remove(obj)
        scene.render.frame_map_old = scene.render.frame_map_new = 100
        scene.unit_settings.scale_length = options.metres_per_unit
        first = start if options.first_frame is None else options.first_frame
        shifted = np.array(frames) + (first - start)
        scene.frame_start, scene.frame_end = int(shifted[0]), int(shifted[-1])
        scale = unit / options.metres_per_unit
        with _names_lent(scene, objects) as names:
            made = _build(scene, tracks, shapes, names, shifted, clip_name, scale, options)
            scene.frame_set(scene.frame_start)
            expected = [
                Expected(t.name, s.names, t.seen * unit, bool(np.ptp(s.weights, axis=0).any()))
                for t, s in zip(tracks, shapes, strict=True)
            ]
            kept = [int(shifted[row]) for row in rows]
            span = (scene.frame_start, scene.frame_end)
            yield RepairedCopy(scene, made, span, kept, expected)


def _check_places(tracks: Sequence[Track], frames: Sequence[int]) -> None:
    """Raise FacegenError where an object is flat in the first frame or nowhere in any."""
    for track in tracks:
        lost = np.flatnonzero(~np.isfinite(track.places).all(axis=(1, 2)))
        reason = places_over_time.why_no_place(track.name, track.places[0])
        if len(lost) and not reason:
            reason = (
                f"'{track.name}' has no place at frame {frames[lost[0]]}: repair the curves of its "
                "location, rotation and scale first."
            )
        if reason:
            raise FacegenError(reason)


def _same_names(found: Sequence[Shapes]) -> list[Shapes]:
    """Unique ASCII names, the same on every object for keys that play the same weights.

    A key whose name the first object lacks takes the name of the first object's key with the very
    same curve, where that one has no partner.
    """
    head = found[0]
    paired = []
    for shapes in found:
        names = list(shapes.names)
        for k, name in enumerate(names):
            column = shapes.weights[:, k]
            if name in head.names or not np.ptp(column):
                continue
            for other, theirs in zip(head.names, head.weights.T, strict=True):
                if other not in names and np.array_equal(theirs, column):
                    names[k] = other
                    break
        paired.append(names)
    safe = safe_names([name for names in paired for name in names])
    return [
        replace(shapes, names=tuple(safe[name] for name in names))
        for shapes, names in zip(found, paired, strict=True)
    ]


def _build(
    scene: bpy.types.Scene,
    tracks: Sequence[Track],
    shapes: Sequence[Shapes],
    names: Sequence[str],
    frames: FloatArray,
    clip_name: str,
    scale: float,
    options: CopyOptions,
) -> list[bpy.types.Object]:
    """The objects of the copy, playing at frames (T,); scale: its units in one of the scene."""
    turn = np.eye(4)
    turn[:3, :3] = np.array(options.turn, np.float64)
    places = [_scaled(track.places, scale) for track in tracks]
    made: list[bpy.types.Object] = []
    action = None
    for shape, place, name in zip(shapes, places, names, strict=True):
        obj = bpy.data.objects.new(name, shape.mesh)
        obj.data.name = name
        scene.collection.objects.link(obj)
        if options.has_root_bone:
            into_mesh, stands = np.linalg.inv(turn) @ place[0], turn[None]
        else:
            unscaled = _rigid(place[0])
            into_mesh = np.linalg.inv(turn) @ np.linalg.inv(unscaled) @ place[0]
            stands = place @ np.linalg.inv(place[0]) @ unscaled @ turn
        linear = into_mesh.copy()
        linear[:3, :3] *= scale
        _fill(obj, shape, linear, options.step_metres / options.metres_per_unit)
        action = _animate(obj, shape, frames, clip_name, action)
        _place(obj, stands, frames, clip_name)
        made.append(obj)
    if options.has_root_bone:
        motion = root_bone.shared_motion(places, [t.name for t in tracks])
        armature = root_bone.add(scene, made, turn, motion, frames, clip_name, 0.1 * scale)
        made.insert(0, armature)
    return made


def _scaled(places: FloatArray, scale: float) -> FloatArray:
    scaled = places.copy()
    scaled[:, :3, 3] *= scale
    return scaled


def _rigid(place: FloatArray) -> FloatArray:
    """(4, 4) the same place without scale and shear."""
    location, rotation, _ = Matrix(place.tolist()).decompose()
    return np.array(Matrix.LocRotScale(location, rotation, None), np.float64)


def _fill(obj: bpy.types.Object, shapes: Shapes, matrix: FloatArray, step: float) -> None:
    """Vertices and keys of a new mesh, moved by a (4, 4) matrix of the object's space.

    step: displacements become multiples of the power of 2 below it, which float32 adds exactly.
    """
    mesh, linear = obj.data, matrix[:3, :3]
    attribute = mesh.color_attributes.get(heat_map.ATTRIBUTE)
    if attribute is not None:
        mesh.color_attributes.remove(attribute)
    at_rest = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", at_rest)
    at_rest = at_rest.reshape(-1, 3) @ linear.T + matrix[:3, 3]
    mesh.vertices.foreach_set("co", at_rest.astype(np.float32).ravel())
    if np.linalg.det(linear) < 0:
        mesh.flip_normals()
    mesh.update()
    if not shapes.names:
        return
    obj.shape_key_add(name="Basis", from_mix=False)
    for name, displacement in zip(shapes.names, shapes.displacements, strict=True):
        block = obj.shape_key_add(name=name, from_mix=False)
        block.slider_min, block.slider_max, block.value = 0.0, 1.0, 0.0
        moved = displacement @ linear.T
        if step > 0.0:
            grid = 2.0 ** np.floor(np.log2(step))
            coarse = np.round(moved / grid) * grid
            moved = coarse if coarse.any() else moved
        positions = (at_rest + moved).astype(np.float32)
        block.data.foreach_set("co", positions.ravel())


def _animate(
    obj: bpy.types.Object,
    shapes: Shapes,
    frames: FloatArray,
    clip_name: str,
    shared: bpy.types.Action | None,
) -> bpy.types.Action | None:
    """One linear curve for every key that is ever in play; the action others may share."""
    playing = np.flatnonzero(shapes.weights.any(axis=0))
    if len(playing) == 0:
        return shared
    shape_keys = obj.data.shape_keys
    fcurves = actions.ensure_fcurves(shape_keys, clip_name, shared)
    for k in playing:
        path = f'key_blocks["{shapes.names[k]}"].value'
        actions.write_linear_fcurve(fcurves, path, frames, shapes.weights[:, k])
    return shape_keys.animation_data.action


def _place(obj: bpy.types.Object, places: FloatArray, frames: FloatArray, clip_name: str) -> None:
    """Stand at (1, 4, 4) or follow (T, 4, 4) world matrices."""
    obj.rotation_mode = "QUATERNION"
    obj.matrix_world = Matrix(places[0].tolist())
    if not places_over_time.is_moving(places):
        return
    fcurves = actions.ensure_fcurves(obj, f"{clip_name} {obj.name}")
    places_over_time.write_places(fcurves, "", places, frames)


@contextmanager
def _names_lent(scene: bpy.types.Scene, objects: Sequence[bpy.types.Object]) -> Iterator[list[str]]:
    """Free the names of local objects and meshes for their copies: engines know them by name.

    Names of data-blocks are unique, so for the time being the originals are called otherwise.
    """
    names = [obj.name for obj in objects]
    stranger = bpy.data.objects.get(root_bone.ARMATURE_NAME)
    blocks = [*objects, *(obj.data for obj in objects), *([stranger] if stranger else [])]
    lenders = [(b, b.name) for b in dict.fromkeys(blocks) if b.library is None]
    try:
        for block, _ in lenders:
            _rename_away(block)
        yield names
    finally:
        for obj in scene.collection.all_objects:
            _rename_away(obj)
            _rename_away(obj.data)
        for block, name in lenders:
            block.name = name


def _rename_away(block: bpy.types.ID) -> None:
    block.name = f"{block.name[:50]} (Facegen)"
