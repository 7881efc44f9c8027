"""Finding a button by what is written on it: the label is drawn with Blender's own font and looked
for in a screenshot, so that a panel may be rearranged without this hand losing its way.
"""

from __future__ import annotations

import subprocess
from functools import lru_cache

import blf
import bpy
import gpu
import numpy as np
from findings import FOLDER
from gpu_extras.presets import draw_texture_2d  # noqa: F401  (loads the shaders of text)

# Of a widget's text at a scale of 1, in points; the theme's default.
POINTS = 11.0
# Correlation above which a place on the screen counts as the label, which itself reaches 0.97;
# "Export" in the beginning of "Expressions" has 0.85.
SURE = 0.93


def find(text: str, box: tuple[int, int, int, int]) -> tuple[float, int, int]:
    """How sure, and (x, y) of the middle of the label in a box (x, y, width, height) from below."""
    screen = screen_pixels()
    x0, y0, width, height = box
    x1, y1 = min(x0 + width, screen.shape[1]), min(y0 + height, screen.shape[0])
    found, x, y = best_match(screen[y0:y1, x0:x1], label_pixels(text))
    return found, x0 + x, y0 + y


def screen_pixels() -> np.ndarray:
    """(H, W) brightness of the whole screen, the first row at the bottom."""
    path = FOLDER / "screen-now.png"
    subprocess.run(["import", "-window", "root", f"PNG24:{path}"], check=True)
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        pixels = np.empty(4 * width * height, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
        path.unlink()
    return pixels.reshape(height, width, 4)[..., :3].mean(axis=2)


@lru_cache(maxsize=64)
def label_pixels(text: str) -> np.ndarray:
    """(h, w) brightness of a label as Blender draws it, cut to its ink."""
    blf.size(0, POINTS * bpy.context.preferences.system.ui_scale)
    width, height = (int(np.ceil(side)) + 8 for side in blf.dimensions(0, text))
    height = max(height, 24)
    offscreen = gpu.types.GPUOffScreen(width, height)
    try:
        with offscreen.bind():
            frame = gpu.state.active_framebuffer_get()
            frame.clear(color=(0.0, 0.0, 0.0, 1.0))
            with gpu.matrix.push_pop(), gpu.matrix.push_pop_projection():
                gpu.matrix.load_matrix(_scaled(1.0, 1.0, 0.0))
                gpu.matrix.load_projection_matrix(_scaled(2.0 / width, 2.0 / height, -1.0))
                blf.position(0, 4, 8, 0)
                blf.color(0, 1.0, 1.0, 1.0, 1.0)
                blf.draw(0, text)
            buffer = frame.read_color(0, 0, width, height, 4, 0, "FLOAT")
    finally:
        offscreen.free()
    buffer.dimensions = width * height * 4
    ink = np.array(buffer, np.float32).reshape(height, width, 4)[..., 0]
    rows, columns = np.flatnonzero(ink.max(axis=1) > 0.2), np.flatnonzero(ink.max(axis=0) > 0.2)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def best_match(screen: np.ndarray, label: np.ndarray) -> tuple[float, int, int]:
    """Highest correlation of a label with the screen, and (x, y) of the label's middle there."""
    if screen.shape[0] < label.shape[0] or screen.shape[1] < label.shape[1]:
        return 0.0, 0, 0
    height, width = label.shape
    wanted = label - label.mean()
    shape = [s + n for s, n in zip(screen.shape, label.shape, strict=True)]
    spectrum = np.fft.rfft2(screen, shape)

    def sums(kernel: np.ndarray, of: np.ndarray = spectrum) -> np.ndarray:
        full = np.fft.irfft2(of * np.conj(np.fft.rfft2(kernel, shape)), shape)
        return full[: screen.shape[0] - height + 1, : screen.shape[1] - width + 1]

    ones = np.ones_like(label)
    products, total = sums(wanted), sums(ones)
    squares = sums(ones, np.fft.rfft2(screen**2, shape))
    spread = np.sqrt(np.maximum(squares - total**2 / label.size, 1e-3))
    match = np.abs(products) / (spread * np.linalg.norm(wanted))  # dark letters count too
    y, x = np.unravel_index(match.argmax(), match.shape)
    return float(match[y, x]), int(x + width // 2), int(y + height // 2)


def _scaled(x: float, y: float, shift: float) -> object:
    from mathutils import Matrix

    matrix = Matrix.Diagonal((x, y, 1.0, 1.0))
    matrix[0][3] = matrix[1][3] = shift
    return matrix
