"""Render one scene of our own with Workbench and hand back its pixels."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

FloatArray = NDArray[np.floating]

_EGL_PLATFORM_SURFACELESS = 0x31DD  # EGL_PLATFORM_SURFACELESS_MESA, no window needed


def check_rendering() -> None:
    """Raise FacegenError where Blender could not draw: it would abort the whole process there."""
    if sys.platform != "linux":
        return
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        egl.eglGetDisplay.restype = egl.eglGetPlatformDisplay.restype = ctypes.c_void_p
        egl.eglGetDisplay.argtypes = [ctypes.c_void_p]
        egl.eglGetPlatformDisplay.argtypes = [ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p]
        egl.eglInitialize.argtypes = [ctypes.c_void_p] * 3
        surfaceless = egl.eglGetPlatformDisplay(_EGL_PLATFORM_SURFACELESS, None, None)
        displays = [display for display in (surfaceless, egl.eglGetDisplay(None)) if display]
        can_draw = any(egl.eglInitialize(display, None, None) for display in displays)
    except (OSError, AttributeError):
        can_draw = False
    if not can_draw:
        raise FacegenError(
            "Pictures need OpenGL, which this machine lacks: install libegl1, libegl-mesa0 and "
            "libgl1-mesa-dri (Debian, Ubuntu), or ask for no picture."
        )


def new_scene(name: str, size: tuple[int, int]) -> bpy.types.Scene:
    """A scene with nothing in it that renders `size` (columns, rows) pixels, transparent behind."""
    scene = bpy.data.scenes.new(name)
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.render.use_sequencer = False
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.compression = 0
    scene.view_settings.view_transform = "Standard"
    return scene


def new_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """A camera in the scene, made its own."""
    camera = bpy.data.objects.new(scene.name, bpy.data.cameras.new(scene.name))
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def render(scene: bpy.types.Scene, folder: Path) -> FloatArray:
    """(rows, columns, 4) sRGB with straight alpha in [0, 1], the first row at the top."""
    file = folder / f"{scene.name}.png"
    scene.render.filepath = str(file)
    bpy.ops.render.render(scene=scene.name, write_still=True)
    image = bpy.data.images.load(str(file), check_existing=False)
    try:
        columns, rows = image.size
        pixels = np.empty(rows * columns * 4, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    return pixels.reshape(rows, columns, 4)[::-1]


def remove_scene(scene: bpy.types.Scene) -> None:
    """Remove a scene made by `new_scene` with everything that was put in it."""
    for item in list(scene.collection.objects):
        data = item.data
        bpy.data.objects.remove(item)
        if data is not None and data.users == 0:
            bpy.data.batch_remove([data])
    bpy.data.scenes.remove(scene)
