"""The presets at hand: those that come with Facegen and the artist's own, with their pictures.

Own ones lie as files in the folder Blender gives an extension of its own; they survive an update.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import bpy
import bpy.utils.previews
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import PresetError, WriteError
from facegen_core.file_names import portable
from facegen_core.file_words import unwritten
from facegen_core.files import bring_to_disk, put_in_place, write_bytes
from facegen_core.preset_files import content_of, read_preset
from facegen_core.presets import Preset

from . import SHIPPED_PRESETS
from .scene.png import encode_png

_PACKAGE = __package__


@dataclass(frozen=True)
class Shelved:
    """A preset and the file it lies in; `key` names it to operators."""

    preset: Preset
    path: Path
    is_own: bool

    @property
    def key(self) -> str:
        return f"{'own' if self.is_own else 'facegen'}/{self.path.stem}"

    @property
    def picture(self) -> Path:
        return self.path.with_suffix(".png")


def shelf() -> tuple[Shelved, ...]:
    """All presets: ours in the order of their expressions, then the artist's by name."""
    return (*_shipped(), *_own()[0])


def damaged() -> tuple[str, ...]:
    """A sentence for every file among the artist's own that is no preset."""
    return _own()[1]


def find(key: str) -> Shelved:
    """The preset of a key. Raises PresetError where there is none."""
    for shelved in shelf():
        if shelved.key == key:
            return shelved
    raise PresetError(f"There is no preset '{key.partition('/')[2]}' any more: choose another one.")


def icon_of(shelved: Shelved) -> int:
    """The icon of its picture, 0 where it has none."""
    global _previews
    if not shelved.picture.is_file():
        return 0
    if _previews is None:
        _previews = bpy.utils.previews.new()
    changed = shelved.picture.stat().st_mtime_ns
    name = f"{shelved.path}?{changed}"
    if name not in _previews:
        _previews.load(name, str(shelved.picture), "IMAGE")
    return _previews[name].icon_id


def save_own(preset: Preset, picture: NDArray[np.uint8] | None) -> bool:
    """Keep a preset among the artist's own; returns whether it took the place of one of its name.

    picture: (N, N, 4) sRGB and cover. Raises PresetError where the folder cannot be written.
    """
    path = _own_path(preset.name)
    is_there = path.is_file()
    text = json.dumps(content_of(preset), indent=1) + "\n"
    with _written(path.parent, preset.name), put_in_place(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        bring_to_disk(temporary)  # before the picture: neither is new without the other
        if picture is not None:
            write_bytes(path.with_suffix(".png"), encode_png(picture))
        elif is_there:
            path.with_suffix(".png").unlink(missing_ok=True)
    return is_there


def remove_own(shelved: Shelved) -> None:
    """Delete one of the artist's own presets. Raises PresetError."""
    if not shelved.is_own:
        raise PresetError(
            f"'{shelved.preset.name}' comes with Facegen and stays"
            ": only your own presets can be removed."
        )
    with _written(shelved.path.parent, shelved.preset.name):
        shelved.path.unlink(missing_ok=True)
        shelved.picture.unlink(missing_ok=True)


def user_folder(name: str, is_needed: bool = False) -> Path | None:
    """A folder of the artist's own for this extension, or None where it is not installed as one.

    is_needed: make it; PresetError where that is not possible.
    """
    try:
        return Path(bpy.utils.extension_path_user(_PACKAGE, path=name, create=is_needed))
    except (ValueError, OSError) as error:
        if not is_needed:
            return None
        why = str(error)
        if isinstance(error, OSError):
            why = "; ".join(unwritten(Path(str(error.filename or name)), error))
        raise PresetError(f"Blender gives Facegen no folder to keep this in: {why}.") from None


def forget() -> None:
    """Let go of pictures and of what was read."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
    _shipped.cache_clear()
    _read_own.cache_clear()


_previews: bpy.utils.previews.ImagePreviewCollection | None = None


@lru_cache(maxsize=1)
def _shipped() -> tuple[Shelved, ...]:
    found = [
        Shelved(read_preset(path), path, False) for path in sorted(SHIPPED_PRESETS.glob("*.json"))
    ]
    order = ("happy", "surprise", "sad", "angry", "disgust", "fear")
    places = {name: place for place, name in enumerate(order)}

    def place(shelved: Shelved) -> tuple[int, float]:
        expression = shelved.preset.events[0].expression
        return places.get(expression, len(places)), shelved.preset.seconds[1]

    return tuple(sorted(found, key=place))


def _own() -> tuple[tuple[Shelved, ...], tuple[str, ...]]:
    folder = _folder()
    if folder is None or not folder.is_dir():
        return (), ()
    files = sorted(folder.glob("[!.]*.json"))  # what starts with a dot is being written
    stamps = []
    for path in files:
        with suppress(OSError):  # gone since it was listed
            stamps.append((path, path.stat().st_mtime_ns))
    return _read_own(tuple(stamps))


@lru_cache(maxsize=1)
def _read_own(
    stamps: tuple[tuple[Path, int], ...],
) -> tuple[tuple[Shelved, ...], tuple[str, ...]]:
    found, sentences = [], []
    for path, _ in stamps:
        try:
            found.append(Shelved(read_preset(path), path, True))
        except PresetError as error:
            sentences.append(str(error))
    found.sort(key=lambda shelved: shelved.preset.name.lower())
    return tuple(found), tuple(sentences)


def _folder(is_needed: bool = False) -> Path | None:
    return user_folder("presets", is_needed)


def _own_path(name: str) -> Path:
    """Where the preset of a name is kept; names that differ by more than letters a-z never meet."""
    for shelved in _own()[0]:
        if shelved.preset.name == name:
            return shelved.path
    path = _folder(is_needed=True) / f"{_stem(name)}.json"
    if path.exists():
        path = path.with_stem(f"{path.stem}-{zlib.crc32(name.encode()):08x}")
    return path


def _stem(name: str) -> str:
    """A name as a file of any system may have it; a name without any letter is numbered."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return portable(words or "preset-" + "-".join(f"{ord(letter):x}" for letter in name[:8]))


@contextmanager
def _written(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except WriteError as error:
        raise PresetError(f"The preset '{name}' cannot be changed: {error}") from error
    except OSError as error:
        why = "; ".join(unwritten(Path(str(error.filename or folder / name)), error))
        raise PresetError(f"The preset '{name}' cannot be changed in {folder}: {why}.") from error
