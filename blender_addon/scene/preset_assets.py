"""Presets as assets of Blender: an action each, with picture and tags, in a file of their own.

An action also carries the preset itself, so that it plays at any frame rate; one that does not,
because an artist made it, is read from its curves.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError, PresetError
from facegen_core.files import write_text
from facegen_core.intensity import EXPRESSIONS
from facegen_core.json_text import parse_json
from facegen_core.layers import REGIONS, Layers
from facegen_core.preset_files import content_of, preset_of
from facegen_core.preset_making import make_preset
from facegen_core.presets import LAYERS, Preset, Staging

from . import actions, fbx, preset_curves

Pixels = NDArray[np.uint8]

LIBRARY, FILE_NAME = "Facegen Presets", "facegen_presets.blend"
# Custom property of an action: the JSON of its preset.
PRESET_KEY = "facegen_preset"
# Catalogues keep their identity when the library is written again.
_NAMESPACE = uuid.UUID("6c0d3c53-7a0e-4c2b-9b6e-0f4f5a0f7d1b")


def write_library(
    scene: bpy.types.Scene, folder: Path, presets: Sequence[tuple[Preset, Pixels | None]]
) -> Path:
    """Write one Action asset per preset, with its picture; returns the file.

    The open file is left as it was. Raises PresetError where the folder cannot be written.
    """
    path = folder / FILE_NAME
    try:
        with _actions(scene, presets) as made, fbx.put_in_place(path) as temporary:
            bpy.data.libraries.write(str(temporary), made, fake_user=True, compress=True)
            write_text(folder / "blender_assets.cats.txt", _catalogues(presets))
    except FacegenError as error:
        raise PresetError(f"The asset library cannot be written. {error}") from error
    return path


def register_library(preferences: bpy.types.Preferences, folder: Path) -> bool:
    """Make Blender's asset browser know a folder; returns whether it is new to it."""
    libraries = preferences.filepaths.asset_libraries
    if any(Path(library.path) == folder for library in libraries):
        return False
    libraries.new(name=LIBRARY, directory=str(folder))
    preferences.is_dirty = True
    return True


def read_asset(name: str, path: Path | None, frames_per_second: float) -> Preset:
    """The preset of an action by its name: of this file, or of another. Raises PresetError.

    frames_per_second: of this scene, for actions that carry no preset.
    """
    if path is None or path == Path(bpy.data.filepath):
        action = bpy.data.actions.get(name)
        if action is None:
            raise PresetError(
                f"The action '{name}' is gone or renamed: choose it again in the Asset Browser."
            )
        return preset_of_action(action, frames_per_second)
    if not path.is_file():
        raise PresetError(
            f"The file of the asset '{name}' is not there any more"
            ": put it back, or choose another asset."
        )
    before = set(bpy.data.actions)
    try:
        try:
            with bpy.data.libraries.load(str(path), link=False) as (there, wanted):
                wanted.actions = [name] if name in there.actions else []
        except (OSError, RuntimeError) as error:
            raise PresetError(
                f"{path.name} cannot be read: it is damaged, or no .blend of this Blender; save it "
                "again."
            ) from error
        if not wanted.actions:
            raise PresetError(
                f"{path.name} has no action '{name}' any more"
                ": choose another asset, or save the preset again."
            )
        return preset_of_action(wanted.actions[0], frames_per_second)
    finally:
        for action in set(bpy.data.actions) - before:
            bpy.data.actions.remove(action)


def preset_of_action(action: bpy.types.Action, frames_per_second: float) -> Preset:
    """The preset an action carries, or what its curves of expressions play. Raises PresetError."""
    if PRESET_KEY in action:
        try:
            content = parse_json(action[PRESET_KEY])
        except (TypeError, ValueError):
            content = None
        return preset_of(content, f"The action '{action.name}'")
    fcurves = {c.data_path: c for c in actions.all_fcurves(action) if len(c.keyframe_points)}
    played = [name for name in EXPRESSIONS if f"facegen.{name}" in fcurves]
    if not played:
        raise PresetError(
            f"The action '{action.name}' has no curve of an expression"
            ": choose a preset that Facegen saved."
        )
    first = np.floor(min(fcurves[f"facegen.{name}"].range()[0] for name in played))
    last = np.ceil(max(fcurves[f"facegen.{name}"].range()[1] for name in played))
    frames = np.arange(first, last + 1)

    def sampled(attribute: str, low: float, high: float, neutral: float) -> NDArray[np.float64]:
        fcurve = fcurves.get(f"facegen.{attribute}")
        if fcurve is None:
            return np.full(len(frames), neutral)
        return np.clip([fcurve.evaluate(float(frame)) for frame in frames], low, high)

    intensities = np.stack([sampled(name, 0.0, 1.0, 0.0) for name in EXPRESSIONS], axis=1)
    tracks = {
        name: sampled(preset_curves.ATTRIBUTES[name], *limits) for name, limits in LAYERS.items()
    }
    layers = Layers(
        np.stack([tracks[region] for region in REGIONS], axis=1),
        (0.0,) * len(REGIONS),
        tracks["asymmetry"],
        tracks["extremeness"],
    )
    return make_preset(action.name[:40], intensities, frames_per_second, EXPRESSIONS, layers)


@contextmanager
def _actions(
    scene: bpy.types.Scene, presets: Sequence[tuple[Preset, Pixels | None]]
) -> Iterator[set[bpy.types.Action]]:
    """Actions of presets for a moment; those of this file that have their names step aside."""
    names = {preset.name for preset, _ in presets}
    aside = {action: action.name for action in bpy.data.actions if action.name in names}
    made: list[bpy.types.Action] = []
    try:
        for number, action in enumerate(aside):
            action.name = f"Facegen steps aside {number}"
        for preset, pixels in presets:
            made.append(_new_action(scene, preset))
            _mark(made[-1], preset, pixels)
        yield set(made)
    finally:
        for action in made:
            bpy.data.actions.remove(action)
        for action, name in aside.items():
            action.name = name


def _new_action(scene: bpy.types.Scene, preset: Preset) -> bpy.types.Action:
    """The curves of a preset at the scene's frame rate, keyed on an object that is gone again."""
    carrier = bpy.data.objects.new("Facegen Preset", None)
    try:
        staging = Staging(1.0, scene.render.fps / scene.render.fps_base)
        preset_curves.write_preset(carrier, preset, staging, _expressions(preset))
        action = carrier.animation_data.action
        carrier.animation_data.action = None
    finally:
        bpy.data.objects.remove(carrier)
    action.name = preset.name
    action[PRESET_KEY] = json.dumps(content_of(preset))
    return action


def _expressions(preset: Preset) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*EXPRESSIONS, *preset.expressions]))


def _mark(action: bpy.types.Action, preset: Preset, pixels: Pixels | None) -> None:
    action.asset_mark()
    data = action.asset_data
    data.description, data.author = preset.description, "Facegen"
    data.catalog_id = str(_catalogue(preset)[0])
    for tag in dict.fromkeys([*preset.tags, *preset.expressions]):
        data.tags.new(tag, skip_if_exists=True)
    if pixels is not None:
        picture = action.preview_ensure()
        picture.image_size = pixels.shape[1::-1]
        upright = np.ascontiguousarray(pixels[::-1]).astype(np.float32) / 255.0
        picture.image_pixels_float.foreach_set(upright.ravel())


def _catalogue(preset: Preset) -> tuple[uuid.UUID, str]:
    """Identity and path: a catalogue for every expression a preset begins with."""
    path = f"{LIBRARY}/{preset.expressions[0].capitalize()}"
    return uuid.uuid5(_NAMESPACE, path), path


def _catalogues(presets: Sequence[tuple[Preset, Pixels | None]]) -> str:
    found = dict(_catalogue(preset) for preset, _ in presets)
    lines = [f"{identity}:{path}:{path.replace('/', '-')}" for identity, path in found.items()]
    return "\n".join(["VERSION 1", "", *sorted(lines)]) + "\n"
