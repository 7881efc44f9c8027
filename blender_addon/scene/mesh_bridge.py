"""Between Blender's objects and the core's one `Mesh`: gather a head, hand displacements back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError, InvalidMeshError
from facegen_core.mesh import Mesh

from . import axes, mirror, places_over_time, schema

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Relative transforms equal to this many digits count as the same head for the match memory.
FINGERPRINT_DIGITS = 5
# Sizes up to this many units, and down to one part in as many, have cubes in single precision.
LARGEST = 1e9


@dataclass(frozen=True, eq=False)
class HeadPart:
    """One object of the head and its vertices `start` to `end` of the joined mesh.

    local_from_core: (3, 3), takes a displacement in the core's axes into the object's own space.
    layout: equal as long as the object has the same polygons, whatever its shape.
    mirroring: how its vertices make those of the joined mesh, where a modifier mirrors it.
    world: (4, 4) the object's matrix when it was gathered.
    """

    name: str
    start: int
    end: int
    local_from_core: FloatArray
    layout: str = ""
    mirroring: mirror.Mirroring | None = None
    world: FloatArray | None = None

    @property
    def num_vertices(self) -> int:
        """P, the vertices of the object itself."""
        return len(self.mirroring.own) if self.mirroring else self.end - self.start

    def local_displacements(self, displacements: FloatArray) -> FloatArray:
        """(..., P, 3) displacements in the object's space, of (..., M, 3) of the joined mesh."""
        local = displacements[..., self.start : self.end, :] @ self.local_from_core.T
        return self.mirroring.half(local) if self.mirroring else local

    def joined_vertices(self, local: FloatArray) -> FloatArray:
        """(end - start, 3) vertices of the joined mesh in the object's space, of its own (P, 3)."""
        return self.mirroring.whole(local) if self.mirroring else local

    def joined_values(self, values: FloatArray) -> FloatArray:
        """(end - start,) values of the joined mesh, of the object's own (P,)."""
        return values[self.mirroring.sources] if self.mirroring else values

    def own_values(self, values: FloatArray, missing: float = np.nan) -> FloatArray:
        """(P,) values of the object's vertices, of (M,) of the joined mesh."""
        mine = values[self.start : self.end]
        return self.mirroring.half_values(mine, missing) if self.mirroring else mine

    def own_vertices(self, joined: IntArray) -> IntArray:
        """Those of some vertices of the joined mesh that are this object's, as its own indices."""
        mine = joined[(joined >= self.start) & (joined < self.end)] - self.start
        return np.unique(self.mirroring.sources[mine]) if self.mirroring else mine


@dataclass(frozen=True, eq=False)
class Head:
    """All objects of one head as the core sees them; holds arrays only, so threads may read it.

    mesh: every object joined, in the world's space and units, in the core's axes.
    parts: the objects in order, the first is the target the artist works with.
    fingerprint: equal for the same shape, wherever the head is moved, turned or evenly scaled.
    units_per_local: scene units in one unit of the target's own space.
    target_from_core: (4, 4), takes a point of `mesh` into the target's own space.
    notes: sentences for the artist about how the objects were read.
    """

    mesh: Mesh
    parts: tuple[HeadPart, ...]
    fingerprint: str
    units_per_local: float
    target_from_core: FloatArray
    notes: tuple[str, ...] = ()

    def to_target(self, points: FloatArray) -> FloatArray:
        """(..., 3) points of `mesh` in the target's own space."""
        return points @ self.target_from_core[:3, :3].T + self.target_from_core[:3, 3]

    def from_target(self, points: FloatArray) -> FloatArray:
        """(..., 3) points of the target's own space in the coordinates of `mesh`."""
        core_from_target = np.linalg.inv(self.target_from_core)
        return points @ core_from_target[:3, :3].T + core_from_target[:3, 3]

    def objects(self) -> list[bpy.types.Object]:
        """The Blender objects now; FacegenError when one is gone or has other vertices."""
        found = []
        for part in self.parts:
            obj = bpy.data.objects.get(part.name)
            if obj is None or obj.type != "MESH":
                raise FacegenError(f"'{part.name}' is gone or renamed: match the head again.")
            if len(obj.data.vertices) != part.num_vertices:
                raise FacegenError(f"'{part.name}' has other vertices now: match the head again.")
            found.append(obj)
        return found


def head_objects(
    target: bpy.types.Object, selected: Sequence[bpy.types.Object] = ()
) -> list[bpy.types.Object]:
    """The target, then its mesh children and the other selected meshes, each once, by name.

    Objects without faces are left out, except the target, which `gather` then refuses.
    """
    others = {
        obj
        for obj in [*target.children_recursive, *selected]
        if obj is not target and obj.type == "MESH" and len(obj.data.polygons) > 0
    }
    return [target, *sorted(others, key=lambda obj: obj.name)]


def gather(objects: Sequence[bpy.types.Object], worlds: Sequence[FloatArray] | None = None) -> Head:
    """Read the neutral of the objects (Basis key or mesh) into one Head.

    Of modifiers only Mirror counts: half a face is no face. worlds: (4, 4) each, to read the head
    as if it stood there; None is where it stands. Raises FacegenError with one sentence about the
    first object that cannot be used.
    """
    check_objects(objects)
    if worlds is None:
        worlds = [np.array(obj.matrix_world, np.float64) for obj in objects]
    world = list(worlds)
    local, polygons, mirrorings = zip(*(_shape_of(obj) for obj in objects), strict=True)
    starts = np.concatenate([[0], np.cumsum([len(v) for v in local])])
    parts = tuple(
        HeadPart(
            obj.name,
            int(start),
            int(end),
            np.linalg.inv(m[:3, :3]) @ axes.BLENDER_FROM_CORE,
            _layout(len(v), p),
            mirroring,
            m,
        )
        for obj, m, start, end, v, p, mirroring in zip(
            objects, world, starts[:-1], starts[1:], local, polygons, mirrorings, strict=True
        )
    )
    vertices = [v @ m[:3, :3].T + m[:3, 3] for v, m in zip(local, world, strict=True)]
    for obj, own, placed in zip(objects, local, vertices, strict=True):
        _check_size(obj, own, placed)
    mesh = _joined(axes.to_core(np.concatenate(vertices)), polygons, starts)
    units_per_local = float(np.cbrt(abs(np.linalg.det(world[0][:3, :3]))))
    target_from_core = np.linalg.inv(world[0])
    target_from_core[:3, :3] = target_from_core[:3, :3] @ axes.BLENDER_FROM_CORE
    fingerprint = _fingerprint(local, polygons, world)
    return Head(mesh, parts, fingerprint, units_per_local, target_from_core, _notes(parts))


def layout_of(obj: bpy.types.Object) -> str:
    """What `HeadPart.layout` of the object would be now."""
    vertices, polygons, _ = _shape_of(obj)
    return _layout(len(vertices), polygons)


def check_objects(objects: Sequence[bpy.types.Object]) -> None:
    """Raise FacegenError unless every object is a local mesh with a usable transform."""
    if not objects:
        raise FacegenError("Nothing is selected: select the mesh of a head first.")
    for obj in objects:
        if obj.type != "MESH":
            raise FacegenError(f"'{obj.name}' is not a mesh: select the mesh of a head.")
        schema.check(obj)
        if obj.library or obj.data.library:
            raise FacegenError(
                f"'{obj.name}' is linked from another file: make it local first "
                "(Object > Relations > Make Local > Selected Objects and Data)."
            )
        if obj.data.override_library:
            raise FacegenError(
                f"The mesh of '{obj.name}' is a library override, which cannot take shape keys: "
                "make it local first (Object > Relations > Make Local)."
            )
        if obj.mode == "EDIT":
            raise FacegenError(f"'{obj.name}' is in Edit Mode: switch to Object Mode first.")
        if len(obj.data.polygons) == 0:
            raise InvalidMeshError(f"'{obj.name}' is empty: select a head with vertices and faces.")
        _check_transform(obj)


def neutral_vertices(mesh: bpy.types.Mesh) -> FloatArray:
    """(P, 3) float64 positions of the neutral in the object's own space."""
    coordinates = np.empty(3 * len(mesh.vertices), np.float32)
    source = mesh.shape_keys.reference_key.data if mesh.shape_keys else mesh.vertices
    source.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3).astype(np.float64)


def _check_transform(obj: bpy.types.Object) -> None:
    reason = places_over_time.why_no_place(obj.name, np.array(obj.matrix_world, np.float64))
    if reason:
        raise FacegenError(reason)


def _check_size(obj: bpy.types.Object, *places: FloatArray) -> None:
    """Raise InvalidMeshError where (P, 3) places are too far apart or too near for float32."""
    for vertices in places:
        size = float(np.ptp(vertices, axis=0).max(initial=0.0)) if len(vertices) else 0.0
        if LARGEST < size < np.inf or 0.0 < size < 1.0 / LARGEST:
            raise InvalidMeshError(
                f"'{obj.name}' is {size:.0e} units large, which Blender cannot tell apart in "
                "single precision: scale it and its mesh to a size near 1."
            )


def _shape_of(
    obj: bpy.types.Object,
) -> tuple[FloatArray, tuple[IntArray, IntArray], mirror.Mirroring | None]:
    """Vertices and polygons of an object in its own space, made whole where it is mirrored."""
    vertices, polygons = neutral_vertices(obj.data), _polygons(obj.data)
    mirroring = mirror.mirroring_of(obj, vertices, polygons)
    if mirroring is None:
        return vertices, polygons, None
    return mirroring.whole(vertices), mirroring.polygons, mirroring


def _notes(parts: Sequence[HeadPart]) -> tuple[str, ...]:
    mirrored = [part.name for part in parts if part.mirroring]
    if not mirrored:
        return ()
    return (
        f"The Mirror modifier of '{mirrored[0]}' repeats one half of the motion: what left and "
        "right do differently is lost.",
    )


def _layout(num_vertices: int, polygons: tuple[IntArray, IntArray]) -> str:
    digest = hashlib.sha256(str(num_vertices).encode())
    for array in polygons:
        digest.update(array.astype(np.int32).tobytes())
    return digest.hexdigest()[:16]


def _polygons(mesh: bpy.types.Mesh) -> tuple[IntArray, IntArray]:
    """(corners,) vertex indices and (G,) first corners of the polygons."""
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    firsts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_start", firsts)
    return corners, firsts


def _joined(
    vertices: FloatArray, polygons: Sequence[tuple[IntArray, IntArray]], starts: IntArray
) -> Mesh:
    bases = np.concatenate([[0], np.cumsum([len(corners) for corners, _ in polygons])])
    corners = [c + s for (c, _), s in zip(polygons, starts[:-1], strict=True)]
    firsts = [f + b for (_, f), b in zip(polygons, bases[:-1], strict=True)]
    return Mesh(vertices, np.concatenate(corners), np.concatenate([*firsts, bases[-1:]]))


def _fingerprint(
    local: Sequence[FloatArray],
    polygons: Sequence[tuple[IntArray, IntArray]],
    world: Sequence[FloatArray],
) -> str:
    """A hash of shapes, polygons and where the parts lie as seen from the target.

    The target's own stretch enters as its Gram matrix scaled to trace 1: turning, moving or
    evenly scaling the whole head leaves it alone, so a match survives posing the object.
    """
    gram = world[0][:3, :3].T @ world[0][:3, :3]
    from_target = np.linalg.inv(world[0])
    size = max(float(np.ptp(local[0], axis=0).max()), 1e-12)
    digest = hashlib.sha256(_digits(gram / np.trace(gram)))
    for vertices, (corners, firsts), matrix in zip(local, polygons, world, strict=True):
        relative = from_target @ matrix
        relative[:3, 3] /= size
        digest.update(vertices.tobytes())
        for indices in (corners, firsts):
            digest.update(indices.astype(np.int32).tobytes())
        digest.update(_digits(relative))
    return digest.hexdigest()


def _digits(values: FloatArray) -> bytes:
    return (np.round(values, FINGERPRINT_DIGITS) + 0.0).tobytes()  # + 0.0 turns -0 into 0
