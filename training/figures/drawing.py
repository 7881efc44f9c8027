"""One face drawn in NumPy: mild perspective, a z-buffer, two lights, smooth normals, soft edges.

No OpenGL, no window: the pictures are the same on every machine that evaluates or trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from facegen_core.errors import TopologyMismatchError
from facegen_core.mesh import vertex_normals
from facegen_core.rasteriser import Visible, rasterise

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Picture = NDArray[np.uint8]

SKIN = (0.87, 0.71, 0.62)  # sRGB of a face without colours of its own
BACKGROUND = 1.0  # white, so that faces stand on the page without boxes

# Pixels are drawn this fine and averaged, against stairs at silhouettes.
_SUPERSAMPLING = 2
# From how far away the head is seen, mm: a portrait lens, so that noses and ears keep their size.
_CAMERA_DISTANCE_MM = 900.0
_GAMMA = 2.2

# Directions to the lights in the picture's axes (right, up, towards the eye) and their strengths.
_KEY_DIRECTION, _KEY = (-0.45, 0.55, 0.70), 0.66
_FILL_DIRECTION, _FILL = (0.80, 0.10, 0.45), 0.24
_SKY, _GROUND = 0.30, 0.13  # ambient light from above and from below
_GLOSS_EXPONENT = 180.0

# Depth darkening (Luft, Colditz, Deussen: Image Enhancement by Unsharp Masking the Depth Buffer,
# SIGGRAPH 2006): what lies deeper than its surroundings gets less light, such as an open mouth.
_SURROUNDINGS_MM = 11.0
_DARKENING_PER_MM = 0.065
_DARKEST = 0.15
_BEHIND_MM = 150.0  # how deep the background counts

# Faces are framed about the tip of the nose, in units of its distance to the top of the head.
_FRAME_UP, _FRAME_DOWN = 0.96, 0.93
# Lower share of a picture over which neck and shoulders fade out.
_FADE = 0.10


class Part(NamedTuple):
    """Something drawn with the skin: eyeballs, teeth, tongue.

    vertices: (P, 3) mm; triangles: (Q, 3); colour: (3,) or (P, 3) sRGB in [0, 1].
    gloss: strength of the highlight.
    """

    vertices: FloatArray
    triangles: IntArray
    colour: FloatArray | tuple[float, float, float]
    gloss: float = 0.0


@dataclass(frozen=True)
class View:
    """What a picture shows: the point in its middle (mm) and the height it covers there (mm).

    yaw_degrees turns the head about its upright axis: with 30 its left cheek comes to the front.
    fades: whether the lower edge fades out, for heads with a neck.
    """

    centre: tuple[float, float, float]
    height_mm: float
    yaw_degrees: float = 0.0
    fades: bool = True


def head_view(vertices: FloatArray, yaw_degrees: float = 0.0) -> View:
    """The view that shows the face of a neutral (V, 3); for all pictures of one subject.

    It is found from the tip of the nose (the foremost point) and the top of the head.
    """
    nose = vertices[vertices[:, 2].argmax()]
    top, bottom = vertices[:, 1].max(), vertices[:, 1].min()
    up = top - nose[1]
    upper, lower = nose[1] + _FRAME_UP * up, max(nose[1] - _FRAME_DOWN * up, bottom)
    fades = bool(lower > bottom)
    margin = 0.04 * (upper - lower)
    upper, lower = upper + margin, lower - (0.0 if fades else margin)
    # About the middle of the head in depth, so that turned faces stay in the middle.
    seen = vertices[(vertices[:, 1] > lower) & (vertices[:, 1] < upper)]
    x, z = (0.5 * (seen[:, k].min() + seen[:, k].max()) for k in (0, 2))
    centre = (float(x), float((upper + lower) / 2), float(z))
    return View(centre, float(upper - lower), yaw_degrees, fades)


def draw_face(
    vertices: FloatArray,
    triangles: IntArray,
    colours: FloatArray | None = None,
    size: tuple[int, int] = (400, 400),
    yaw_degrees: float = 0.0,
    *,
    parts: Sequence[Part | tuple] = (),
    view: View | None = None,
    relief: float = 1.0,
) -> Picture:
    """(H, W, 3) picture of a face of (V, 3) vertices, mm, and (F, 3) triangles, on white.

    colours: (V, 3) sRGB in [0, 1] per vertex, or None for plain skin. size: (W, H) pixels.
    parts: eyeballs and the like, drawn with it. view: by default `head_view` of these vertices;
    give that of the neutral to compare frames. relief: how strongly light shows the form, 0 to 1;
    less keeps the colours of a heat map readable.
    Raises TopologyMismatchError where arrays do not belong together.
    """
    _check(vertices, triangles, colours)
    view = replace(view or head_view(vertices), yaw_degrees=yaw_degrees + _yaw_of(view))
    skin = np.broadcast_to(SKIN, vertices.shape) if colours is None else colours
    scene = _joined([Part(vertices, triangles, skin), *(Part(*part) for part in parts)])
    width, height = size
    rows, columns = height * _SUPERSAMPLING, width * _SUPERSAMPLING
    turned = _turned(scene.positions, view)
    visible = rasterise(
        _on_screen(turned, view, rows, columns), turned[:, 2], scene.triangles, rows, columns
    )
    light = _lit(scene, turned, visible, relief)
    return _developed(light, visible, view, width, height, relief)


@dataclass(frozen=True, eq=False)
class _Scene:
    """All parts in one: (P, 3) positions, (P, 3) linear colours, (P,) gloss, (Q, 3) triangles."""

    positions: FloatArray
    colours: FloatArray
    gloss: FloatArray
    triangles: IntArray


def _check(vertices: FloatArray, triangles: IntArray, colours: FloatArray | None) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise TopologyMismatchError(f"vertices: expected (V, 3), got {vertices.shape}.")
    if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.max() >= len(vertices):
        raise TopologyMismatchError(
            f"triangles: expected (F, 3) indices below {len(vertices)}, got {triangles.shape} "
            f"up to {triangles.max()}."
        )
    if colours is not None and colours.shape != vertices.shape:
        raise TopologyMismatchError(
            f"colours: expected {vertices.shape}, one per vertex, got {colours.shape}."
        )


def _yaw_of(view: View | None) -> float:
    return 0.0 if view is None else view.yaw_degrees


def _joined(parts: Sequence[Part]) -> _Scene:
    sizes = [len(part.vertices) for part in parts]
    bases = np.cumsum([0, *sizes[:-1]])
    colours = [np.broadcast_to(p.colour, np.shape(p.vertices)) for p in parts]
    return _Scene(
        np.concatenate([p.vertices for p in parts]).astype(np.float32),
        (np.concatenate(colours).clip(0.0, 1.0) ** _GAMMA).astype(np.float32),
        np.repeat(np.array([p.gloss for p in parts], np.float32), sizes),
        np.concatenate([p.triangles + base for p, base in zip(parts, bases, strict=True)]),
    )


def _turned(positions: FloatArray, view: View) -> FloatArray:
    """(P, 3) positions about the middle of the view: right, up and towards the eye, mm."""
    angle = np.deg2rad(-view.yaw_degrees)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    return ((positions - view.centre) @ turn.T).astype(np.float32)


def _on_screen(turned: FloatArray, view: View, rows: int, columns: int) -> FloatArray:
    """(P, 2) pixels of points about the middle of the view; y down."""
    nearness = _CAMERA_DISTANCE_MM / (_CAMERA_DISTANCE_MM - turned[:, 2])
    pixels_per_mm = rows / view.height_mm
    x = 0.5 * columns + turned[:, 0] * nearness * pixels_per_mm
    y = 0.5 * rows - turned[:, 1] * nearness * pixels_per_mm
    return np.stack([x, y], axis=1)


def _lit(scene: _Scene, turned: FloatArray, visible: Visible, relief: float) -> FloatArray:
    """(N, 3) linear light of the visible pixels, before depth darkening."""
    normals = vertex_normals(turned, scene.triangles).astype(np.float32)
    attributes = np.concatenate([normals, scene.colours, scene.gloss[:, None]], axis=1)
    corners = scene.triangles[visible.triangles]
    values = sum(attributes[corners[:, k]] * visible.shares[:, k, None] for k in range(3))
    normal = values[:, :3]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)

    key, fill = (_unit(d) for d in (_KEY_DIRECTION, _FILL_DIRECTION))
    upward = 0.5 + 0.5 * normal[:, 1]
    light = _GROUND + (_SKY - _GROUND) * upward
    light += _KEY * np.maximum(normal @ key, 0) + _FILL * np.maximum(normal @ fill, 0)
    light = 1.0 + relief * (light - 1.0)
    half_way = _unit(key + np.array([0.0, 0.0, 1.0]))
    glint = values[:, 6] * np.maximum(normal @ half_way, 0) ** _GLOSS_EXPONENT
    return values[:, 3:6] * light[:, None] + glint[:, None]


def _unit(direction: Sequence[float] | FloatArray) -> FloatArray:
    vector = np.asarray(direction, np.float32)
    return vector / np.linalg.norm(vector)


def _developed(
    light: FloatArray, visible: Visible, view: View, width: int, height: int, relief: float
) -> Picture:
    """(H, W, 3): light and cover averaged over each pixel, darkened by depth, on white."""
    s = _SUPERSAMPLING
    fine = np.zeros((height * s * width * s, 5), np.float32)  # light, cover, depth
    fine[visible.pixels, :3] = light
    fine[visible.pixels, 3] = 1.0
    fine[visible.pixels, 4] = visible.depths
    pixels = fine.reshape(height, s, width, s, 5).mean(axis=(1, 3))
    cover = pixels[..., 3]
    blur = _SURROUNDINGS_MM * height / view.height_mm
    shadow = relief * (1.0 - _depth_light(pixels[..., 4], cover, blur))
    seen = pixels[..., :3] * (1.0 - shadow)[..., None]
    if view.fades:
        from_below = (height - 0.5 - np.arange(height)) / (_FADE * height)
        fade = np.clip(from_below, 0.0, 1.0) ** 2
        seen, cover = seen * fade[:, None, None], cover * fade[:, None]
    linear = seen + BACKGROUND * (1.0 - cover)[..., None]
    return np.rint(255.0 * linear.clip(0.0, 1.0) ** (1.0 / _GAMMA)).astype(np.uint8)


def _depth_light(depth_sums: FloatArray, cover: FloatArray, blur: float) -> FloatArray:
    """(H, W) share of the light that reaches each pixel past its surroundings.

    The background counts as far behind, so that ears and silhouettes stay light.
    """
    depths = np.where(cover > 0, depth_sums / np.maximum(cover, 1e-3), -_BEHIND_MM)
    deeper = gaussian_filter(depths, blur) - depths
    return np.maximum(np.exp(-_DARKENING_PER_MM * np.maximum(deeper, 0.0)), _DARKEST)
