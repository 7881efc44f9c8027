"""What is known about a head: alignments in memory, their summary on the object in the file."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.bundle import Bundle, load_bundle
from facegen_core.bundle_info import BundleInfo, read_bundle_info
from facegen_core.errors import BundleError, FacegenError
from facegen_core.file_words import why_unread
from facegen_core.registration.alignment import Alignment
from facegen_core.registration.residual_map import residual_map

from . import part_rows, schema
from .landmarks import UNSURE, Wanted
from .mesh_bridge import Head, head_objects

# An alignment of a 27 k head holds some tens of megabytes; an artist works on a few heads at once,
# each with and without landmarks that were dragged.
NUM_REMEMBERED = 6

_remembered: OrderedDict[tuple[str, ...], Match] = OrderedDict()


@dataclass(frozen=True, eq=False)
class Match:
    """An alignment, the head as it stood when it was made, and the bundle that made it.

    corrections: {`Part.key`: kind} that the alignment holds to. landmarks: those it went by, in the
    coordinates of `head`. is_pulled: they are pins that pulled an earlier match of `head`, which
    ends a hair apart from a match that knows them from the start.
    """

    head: Head
    alignment: Alignment
    bundle_hash: str
    corrections: Mapping[int, str] = field(default_factory=dict)
    landmarks: Wanted | None = None
    is_pulled: bool = False

    def for_head(self, head: Head) -> Match:
        """The same match for the objects of `head`, which has the same fingerprint.

        They may be renamed or duplicates; displacements stay in the space of the first match.
        """
        parts = tuple(
            replace(part, name=now.name)
            for part, now in zip(self.head.parts, head.parts, strict=True)
        )
        return replace(self, head=replace(self.head, parts=parts))


@dataclass(frozen=True, eq=False)
class OpenBundle:
    """A bundle in memory and the hash of its file."""

    bundle: Bundle
    file_hash: str


def open_bundle(path: Path) -> OpenBundle:
    """Load a bundle, once for as long as the file stays the same. Raises BundleError."""
    return _open_bundle(Path(path), *_version_of(path))


def bundle_info(path: Path) -> BundleInfo:
    """What a bundle's header tells, read once like the bundle. Raises BundleError."""
    return _bundle_info(Path(path), *_version_of(path))


@lru_cache(maxsize=2)
def _open_bundle(path: Path, modified: int, size: int) -> OpenBundle:
    bundle = load_bundle(path)
    return OpenBundle(bundle, hashlib.sha256(path.read_bytes()).hexdigest())


@lru_cache(maxsize=2)
def _bundle_info(path: Path, modified: int, size: int) -> BundleInfo:
    return read_bundle_info(path)


def _version_of(path: Path) -> tuple[int, int]:
    """When a bundle was written, and its size: while both stay, so does the file."""
    try:
        stat = Path(path).stat()
    except OSError as error:
        raise BundleError(
            f"The model {path} cannot be read ({why_unread(error)}): choose a .facegen file in the "
            "preferences of the add-on, or install Facegen again."
        ) from error
    return stat.st_mtime_ns, stat.st_size


def find_target(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head the artist means: the active object, or the head it is a part or landmark of."""
    active = context.active_object
    if active is None:
        return None
    head = active.parent if active.facegen.landmark >= 0 else active.facegen.head
    is_here = head is not None and head.name in context.scene.objects
    return head if is_here else active


def head_named(name: str) -> bpy.types.Object:
    """A head by its name, for work that has been away from the main thread.

    Objects themselves are not kept over such a time: an undo would leave them dangling. Raises
    FacegenError where it is gone, not in the scene any more, or being edited.
    """
    found, scene = bpy.data.objects.get(name), bpy.context.scene
    if found is None:
        raise FacegenError(f"'{name}' is gone or renamed; nothing was changed.")
    if name not in scene.objects:
        raise FacegenError(
            f"'{name}' is not in the scene '{scene.name}': go back to its scene and press again; "
            "nothing was changed."
        )
    if found.mode != "OBJECT":
        raise FacegenError(
            f"'{name}' is being edited: leave {found.mode.replace('_', ' ').title()} Mode and "
            "press again; nothing was changed."
        )
    return found


def objects_of(
    context: bpy.types.Context, target: bpy.types.Object, is_new_match: bool
) -> list[bpy.types.Object]:
    """The objects of a head: for a new match the target, its children and other selected meshes.

    When no other mesh is selected, a new match keeps the objects of the last one: the artist may
    have clicked on a landmark in between.
    """
    in_scene = [obj for obj in matched_objects(target) if obj.name in context.scene.objects]
    selected = [o for o in context.selected_objects if o.type == "MESH" and o is not target]
    if is_new_match or not in_scene:
        return head_objects(target, selected or in_scene)
    return in_scene


def scene_file() -> str:
    """The .blend file that is open, empty when it was never saved."""
    return bpy.data.filepath


def matched_objects(target: bpy.types.Object) -> list[bpy.types.Object]:
    """The objects of the last match, the target first; empty when it was never matched."""
    if not target.facegen.is_matched:
        return []
    others = [o for o in bpy.data.objects if o.type == "MESH" and o.facegen.head == target]
    return [target, *sorted(others, key=lambda obj: obj.name)]


def turn_off_live() -> None:
    """Live update off on every head of the file."""
    for obj in bpy.data.objects:
        if obj.facegen.is_live and not obj.library and not schema.is_newer(obj):
            obj.facegen.is_live = False


def remember(key: tuple[str, ...], match: Match) -> None:
    """Keep a match for this session, the oldest giving way."""
    _remembered[key] = match
    _remembered.move_to_end(key)
    while len(_remembered) > NUM_REMEMBERED:
        _remembered.popitem(last=False)


def recall(key: tuple[str, ...]) -> Match | None:
    """The match remembered under a key of head, landmarks and bundle, or None."""
    return _remembered.get(key)


def residuals_of(match: Match) -> NDArray[np.floating]:
    """(M,) mm from the fitted template to every vertex, NaN off the skin; any thread may call."""
    return _residuals_of(match.alignment)


@lru_cache(maxsize=2)
def _residuals_of(alignment: Alignment) -> NDArray[np.floating]:
    return residual_map(alignment)


def forget_all() -> None:
    """Drop everything kept in memory; what is in the file stays."""
    _remembered.clear()
    _residuals_of.cache_clear()
    _open_bundle.cache_clear()
    _bundle_info.cache_clear()


def store_match(target: bpy.types.Object, match: Match, notes: Sequence[str] = ()) -> None:
    """Write the summary of a match on the target and link its other objects to it.

    notes: sentences for the artist beside those of the fit.
    """
    settings, alignment = target.facegen, match.alignment
    residual = alignment.fit.residual
    for obj in matched_objects(target):
        obj.facegen.head = None
    target.facegen.head = None
    for obj in match.head.objects()[1:]:
        obj.facegen.head = target
    settings.is_matched = True
    for obj in match.head.objects():
        schema.stamp(obj)
    settings.residual_mean_mm, settings.residual_p95_mm = residual.mean_mm, residual.p95_mm
    settings.verdict = residual.verdict
    settings.warnings = "\n".join([*notes, *alignment.fit.warnings])
    settings.mm_per_local_unit = alignment.fit.similarity.scale * match.head.units_per_local
    settings.num_unsure = int((alignment.fit.landmark_confidences < UNSURE).sum())
    settings.bundle_hash, settings.fingerprint = match.bundle_hash, match.head.fingerprint
    part_rows.fill(settings, match.head, alignment, list(match.corrections))


def mm_per_unit(target: bpy.types.Object) -> float:
    """Millimetres on a head of real size in one scene unit, for a matched head as it stands."""
    volume = abs(target.matrix_world.to_3x3().determinant())
    return target.facegen.mm_per_local_unit / max(volume ** (1 / 3), 1e-30)
