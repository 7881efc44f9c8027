"""Pictures as a film: H.264 in an MP4, by the FFmpeg that Blender brings; every player opens it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

from .picture_render import new_scene, remove_scene
from .png import encode_png_quickly


def check_movies() -> None:
    """Raise FacegenError where Blender was built without FFmpeg."""
    if not bpy.app.build_options.codec_ffmpeg:
        raise FacegenError(
            "This Blender was built without FFmpeg and writes no films: use the one of "
            "blender.org, or pip install bpy."
        )


def write_movie(pictures: NDArray[np.uint8], pictures_per_second: float, path: Path) -> None:
    """Write (N, rows, columns, 3) sRGB pictures as a film; rows and columns must be even.

    Raises FacegenError where no film comes of it.
    """
    rows, columns = pictures.shape[1:3]
    scene = new_scene("Facegen film", (columns, rows))
    try:
        with tempfile.TemporaryDirectory() as folder:
            names = [f"{k:05d}.png" for k in range(len(pictures))]
            for name, picture in zip(names, pictures, strict=True):
                (Path(folder) / name).write_bytes(encode_png_quickly(picture))
            _fill_sequencer(scene, Path(folder), names)
            _film(scene, pictures_per_second, path)
            bpy.ops.render.render(scene=scene.name, animation=True)
    finally:
        remove_scene(scene)
    if not path.is_file():
        raise FacegenError(f"Blender wrote no film to {path.name}.")


def _fill_sequencer(scene: bpy.types.Scene, folder: Path, names: list[str]) -> None:
    scene.frame_start, scene.frame_end = 1, len(names)
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # before 4.4
    strip = strips.new_image("Facegen film", str(folder / names[0]), 1, 1)
    for name in names[1:]:
        strip.elements.append(name)
    strip.frame_final_duration = len(names)


def _film(scene: bpy.types.Scene, pictures_per_second: float, path: Path) -> None:
    render = scene.render
    render.use_sequencer = True
    render.fps = max(1, round(pictures_per_second))
    render.fps_base = render.fps / pictures_per_second
    if hasattr(render.image_settings, "media_type"):  # from 5.0 on
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
    render.ffmpeg.constant_rate_factor, render.ffmpeg.audio_codec = "HIGH", "NONE"
    render.use_file_extension = False
    render.filepath = str(path)
