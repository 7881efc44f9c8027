"""Export to FBX, glTF and .blend, and reading an export back to prove it.

What the exporters get wrong by default is set right here (docs/blender.md):
- one live modifier would drop every shape key, so modifiers are not applied;
- values are baked on every frame, without simplification;
- weights stay in [0, 1], because several importers clamp them;
- a frame is written at the time frame / fps, as every tool but Blender's own importer expects;
  that importer adds one frame unless its Animation Offset is 0 (`anim_offset=0.0`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bpy

from facegen_core import files
from facegen_core.errors import FacegenError

from . import frame_limits
from .export_check import read_back_error_mm

__all__ = [
    "FBX_CLIP",
    "GLTF_CLIP",
    "export_blend",
    "export_fbx",
    "export_file",
    "export_glb",
    "preflight",
    "read_back_error_mm",
]

# An operator that fails with less room than this failed for lack of it.
_FULL_BYTES = 1_000_000
_REFUSALS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO)
# What every export of a clip asks of Blender's exporters: shape keys as they are, every frame.
FBX_CLIP = {
    "use_mesh_modifiers": False,
    "add_leaf_bones": False,
    "mesh_smooth_type": "FACE",
    "bake_anim": True,
    "bake_anim_use_nla_strips": False,
    "bake_anim_use_all_actions": False,
    "bake_anim_force_startend_keying": True,
    "bake_anim_step": 1.0,
    "bake_anim_simplify_factor": 0.0,
}
GLTF_CLIP = {
    "export_apply": False,
    "export_morph": True,
    "export_animations": True,
    "export_animation_mode": "ACTIVE_ACTIONS",
    "export_frame_range": True,
    "export_force_sampling": True,
    "export_optimize_animation_size": False,
}


def export_file(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    path: Path,
    frame_range: tuple[int, int],
) -> None:
    """Export by the suffix of `path`: .fbx, .glb or .blend. Raises FacegenError."""
    exporters = {".fbx": export_fbx, ".glb": export_glb, ".blend": export_blend}
    exporter = exporters.get(Path(path).suffix.lower())
    if exporter is None:
        raise FacegenError(f"{path}: choose a name that ends in .fbx, .glb or .blend.")
    exporter(context, objects, path, frame_range)


def export_fbx(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    path: Path,
    frame_range: tuple[int, int],
) -> None:
    """Write the objects with their shape keys and curves, atomically. Raises FacegenError."""
    if "fbx" not in dir(bpy.ops.export_scene):
        raise FacegenError("Blender's FBX add-on is off: enable it in the preferences (Add-ons).")

    def write(temporary: Path) -> None:
        bpy.ops.export_scene.fbx(
            filepath=str(temporary),
            check_existing=False,
            use_selection=True,
            object_types={"MESH"},
            bake_anim_use_all_bones=False,
            **FBX_CLIP,
        )

    with _only_selected(context, objects), _scene_range(context.scene, frame_range):
        _write_atomically(Path(path), write)


def export_glb(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    path: Path,
    frame_range: tuple[int, int],
) -> None:
    """Write a binary glTF with morph targets, atomically. Raises FacegenError."""
    if "gltf" not in dir(bpy.ops.export_scene):
        raise FacegenError("Blender's glTF add-on is off: enable it in the preferences (Add-ons).")

    def write(temporary: Path) -> None:
        bpy.ops.export_scene.gltf(
            filepath=str(temporary),
            check_existing=False,
            export_format="GLB",
            use_selection=True,
            export_morph_normal=False,
            export_skins=False,
            **GLTF_CLIP,
        )

    with _only_selected(context, objects), _scene_range(context.scene, frame_range):
        _write_atomically(Path(path), write)


def export_blend(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    path: Path,
    frame_range: tuple[int, int],
) -> None:
    """Save a copy of the whole file, atomically; the range becomes the scene's in that copy."""

    def write(temporary: Path) -> None:
        bpy.ops.wm.save_as_mainfile(
            filepath=str(temporary), check_existing=False, copy=True, compress=True
        )

    with _scene_range(context.scene, frame_range):
        _write_atomically(Path(path), write)


def preflight(objects: Sequence[bpy.types.Object]) -> list[str]:
    """Sentences about what an export will leave out or may surprise with."""
    warnings = []
    for obj in objects:
        live = [m.name for m in obj.modifiers if m.show_viewport]
        if live:
            warnings.append(
                f"'{obj.name}': the modifiers {', '.join(live)} are not exported, because applying "
                "them would lose the shape keys."
            )
        keys = obj.data.shape_keys.key_blocks[1:] if obj.data.shape_keys else ()
        wide = [k.name for k in keys if k.slider_min < 0.0 or k.slider_max > 1.0]
        if wide:
            warnings.append(
                f"'{obj.name}': the slider of '{wide[0]}' leaves 0 to 1, which several importers "
                "clamp."
            )
    return warnings


def check_writable(path: Path) -> None:
    """Raise FacegenError unless a file can be made beside `path` and `path` is no folder."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IWUSR
    except OSError as error:  # the name is too long, a folder on the way is a file or closed
        refusal = files.disk_refusal(error) or files.unwritable(path, error)
        raise refusal from error
    if stat.S_ISDIR(mode):
        raise FacegenError(f"Cannot write {path}: it is a folder; choose another name.")
    if not mode & stat.S_IWUSR:
        raise FacegenError(
            f"Cannot write {path}: the file is read-only; check it out, or choose another name."
        )
    temporary = files.temporary_beside(path)
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise files.unwritable(path, error) from error
    finally:
        files.discard(temporary)


@contextmanager
def put_in_place(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; what is there in the end takes the place of `path`.

    On errors nothing is left; those of files and of Blender's operators become one FacegenError.
    """
    check_writable(path)
    try:
        with files.put_in_place(path) as temporary:
            try:
                yield temporary
            except OSError as error:  # of bpy.data, which puts all it knows into the text
                if error.errno is None and not isinstance(error, FacegenError):
                    raise RuntimeError(str(error)) from error
                raise
    except FacegenError as error:
        if str(temporary) in str(error):  # a name that nobody knows, and that is gone
            raise type(error)(str(error).replace(str(temporary), str(path))) from error
        raise
    except (OSError, RuntimeError) as error:
        raise _unwritable(path, str(error).replace(str(temporary), str(path))) from error


def _write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, then put it in place; on errors nothing is left."""
    with put_in_place(path) as temporary:
        write(temporary)


def _unwritable(path: Path, text: str) -> FacegenError:
    """Why Blender did not write; only some of its errors say so by a number."""
    found = re.search(r"\[Errno (\d+)\]", text)
    said = (number for number in _REFUSALS if os.strerror(number) in text)
    number = int(found[1]) if found else next(said, None)
    if number is None and shutil.disk_usage(path.parent).free < _FULL_BYTES:
        number = errno.ENOSPC
    if number is not None:
        return files.unwritable(path, OSError(number, os.strerror(number)))
    return FacegenError(f"Cannot write {path}: {_reason(text)}; try another folder.")


def _reason(text: str) -> str:
    """Of an operator's traceback only its last line, without the type."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = [line for line in lines if not line.startswith("Location:")][-1]
    words = re.sub(r"^(\w+(Error|Exception)|Error): (\[Errno \d+\] )?", "", last)
    return words.rstrip(".")


@contextmanager
def _only_selected(
    context: bpy.types.Context, objects: Sequence[bpy.types.Object]
) -> Iterator[None]:
    """Select just these objects for an exporter, and put selection and visibility back."""
    layer = context.view_layer
    selected = {obj: obj.select_get() for obj in layer.objects}
    hidden = {obj: (obj.hide_viewport, obj.hide_get(), obj.hide_select) for obj in objects}
    active = layer.objects.active
    missing = [obj.name for obj in objects if obj.name not in layer.objects]
    if missing:
        raise FacegenError(
            f"'{missing[0]}' is not in this view layer: enable its collection first."
        )
    try:
        for obj in selected:
            obj.select_set(False)
        for obj in objects:
            obj.hide_viewport = obj.hide_select = False
            obj.hide_set(False)
            obj.select_set(True)
        layer.objects.active = objects[0]
        layer.update()
        unseen = [obj.name for obj in objects if not obj.visible_get()]
        if unseen:  # the exporters would leave it out in silence
            raise FacegenError(
                f"'{unseen[0]}' is in a hidden collection: show that in the Outliner first."
            )
        yield
    finally:
        for obj, is_selected in selected.items():
            obj.select_set(is_selected)
        for obj, (viewport, eye, select) in hidden.items():
            obj.hide_set(eye)
            obj.hide_viewport, obj.hide_select = viewport, select
        layer.objects.active = active


@contextmanager
def _scene_range(scene: bpy.types.Scene, frame_range: tuple[int, int]) -> Iterator[None]:
    """Give the scene this frame range while an exporter runs, and put range and frame back."""
    start, end = frame_range
    frame_limits.check(frame_range)
    kept = (scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe)
    try:
        scene.frame_start, scene.frame_end = start, end
        yield
    finally:
        scene.frame_start, scene.frame_end = kept[0], kept[1]
        scene.frame_set(kept[2], subframe=kept[3])
