"""Small moving pictures of a matched head: what an artist picks a variation by.

Drawn from the fitted template, not the artist's mesh: every head then costs the same, a few
milliseconds a picture, and eyes, teeth and tongue come with the fit. Everything is NumPy; there is
no OpenGL and no window, so it may run in any thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import uniform_filter

from .motion import pose_points
from .preview_colours import IRIS, PUPIL, as_srgb, linear, part_colours, skin_colours
from .rasteriser import Visible, rasterise
from .registration.alignment import Alignment
from .template import PART_MOTIONS

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Pictures = NDArray[np.uint8]

NUM_PIXELS = 96
# Pictures per second, enough to judge timing by; and how many at most, so that a long take shows
# its liveliest seconds at their own pace.
PICTURES_PER_SECOND, MAX_PICTURES = 12.0, 48

# Drawn finer and averaged, against stairs at lips and lids.
_OVERSAMPLING = 2
# From how far away the head is seen, mm: a portrait lens, so that noses keep their size.
_CAMERA_DISTANCE_MM = 900.0
# The picture reaches this far above the brows and below the chin, in units of the way between
# them: forehead above, below room for a jaw that drops.
_ABOVE, _BELOW = 0.13, 0.15
# Triangles that turn away by more than this at rest are left out: no expression turns them back.
_TURNED_AWAY = -0.35
# Triangles this far outside the picture are left out too, as a share of its height.
_MARGIN = 0.1

_EYES = ("eyeball_left", "eyeball_right")
# Of an adult eye, as shares of the radius of the eyeball: 5.9 and 2.1 of 12 mm.
_IRIS_SHARE, _PUPIL_SHARE = 0.49, 0.19
# Directions to the lights (right, up, towards the eye) and their strengths: one from above at the
# side, so that a fold of the cheek throws its shade, and light from the sky more than the ground.
_KEY_DIRECTION, _KEY = np.array([-0.50, 0.62, 0.60]), 0.78
_FILL_DIRECTION, _FILL = np.array([0.80, 0.05, 0.45]), 0.20
_SKY, _GROUND = 0.30, 0.06
# Depth darkening (Luft, Colditz, Deussen: Image Enhancement by Unsharp Masking the Depth Buffer,
# SIGGRAPH 2006): what lies deeper than its surroundings gets less light, such as an open mouth.
_SURROUNDINGS_MM, _DARKENING_PER_MM, _DARKEST = 14.0, 0.07, 0.12
_BEHIND_MM = 150.0  # how deep the background counts


def picture_frames(intensities: FloatArray, frames_per_second: float) -> IntArray:
    """(N,) rows of (T, C) intensities to draw: where the curves act, evenly, in order.

    Rest before and after is left out but for one picture each; of a take that is longer than
    MAX_PICTURES, the stretch over which the curves add up to most.
    """
    strength = np.asarray(intensities).sum(axis=1)
    acting = np.flatnonzero(strength > 0)
    if len(acting) == 0:
        return np.zeros(1, np.int64)
    step = max(frames_per_second / PICTURES_PER_SECOND, 1.0)
    first, last = max(acting[0] - 1, 0), min(acting[-1] + 1, len(strength) - 1)
    span = int(np.floor(step * (MAX_PICTURES - 1)))
    if last - first > span:
        total = np.concatenate([[0.0], np.cumsum(strength)])
        starts = np.arange(first, last - span + 1)
        first = int(starts[np.argmax(total[starts + span + 1] - total[starts])])
        last = first + span
    num_pictures = min(int(np.ceil((last - first) / step)) + 1, MAX_PICTURES)
    return np.unique(np.rint(np.linspace(first, last, num_pictures)).astype(np.int64))


def apex_picture(intensities: FloatArray) -> int:
    """The row of (N, C) intensities that shows most: the middle of where they add up to most."""
    strength = np.asarray(intensities).sum(axis=1)
    highest = np.flatnonzero(strength >= strength.max() - 1e-6)
    return int(highest[len(highest) // 2])


@dataclass(frozen=True, eq=False)
class Sitter:
    """A head made ready to be drawn; P points of skin in the picture and of the inner parts.

    skin_indices: (S,) vertices of the template among the points, the first S of them.
    points: (P, 3) mm at rest. triangles: (F, 3). colours: (P, 3), linear light.
    jaw_indices: (J,) points that follow the jaw; jaw_pivot: (3,) mm.
    eye_offsets: (P, 2) of eyes, across and up from the middle of the eyeball in its radii.
    first_eye_triangle: triangles from this row on are of eyes.
    normal_sums: (P, F) sparse, which triangles meet at a point.
    centre: (3,) mm, shown in the middle; height_mm: what a picture covers there, num_pixels high.
    """

    skin_indices: IntArray
    points: NDArray[np.float32]
    triangles: IntArray
    colours: NDArray[np.float32]
    jaw_indices: IntArray
    jaw_pivot: FloatArray
    eye_offsets: NDArray[np.float32]
    first_eye_triangle: int
    normal_sums: sparse.csr_matrix
    centre: NDArray[np.float32]
    height_mm: float
    num_pixels: int = NUM_PIXELS

    def pictures(self, skin: FloatArray, jaw: FloatArray) -> Pictures:
        """(T, num_pixels, num_pixels, 4) of T frames, `picture` by `picture`."""
        return np.stack([self.picture(*frame) for frame in zip(skin, jaw, strict=True)])

    def picture(self, skin: FloatArray, jaw: FloatArray) -> Pictures:
        """(num_pixels, num_pixels, 4) sRGB and cover, the first row at the top.

        skin: (V, 3) mm displacements of the template's vertices; jaw: (6,) pose, as in FaceMotion.
        """
        points = self.points.copy()
        points[: len(self.skin_indices)] += skin[self.skin_indices]
        if len(self.jaw_indices) and np.any(jaw):
            resting = self.points[self.jaw_indices].astype(np.float64)
            points[self.jaw_indices] = pose_points(resting, self.jaw_pivot, jaw[None])[0]
        turned = points - self.centre
        size = self.num_pixels * _OVERSAMPLING
        seen = rasterise(
            _on_screen(turned, self.height_mm, size), turned[:, 2], self.triangles, size, size
        )
        return _developed(self._light(turned, seen), seen, self.num_pixels, self.height_mm)

    def _light(self, turned: FloatArray, seen: Visible) -> FloatArray:
        """(3, N) linear light of the fine pixels that see something, smooth within triangles."""
        a, b, c = (turned[self.triangles[:, k]] for k in range(3))
        normals = (self.normal_sums @ _cross(b - a, c - a)).T
        normals = normals / np.maximum(np.sqrt((normals**2).sum(axis=0)), 1e-9)
        light = _GROUND + (_SKY - _GROUND) * (0.5 + 0.5 * normals[1])
        for direction, strength in ((_KEY_DIRECTION, _KEY), (_FILL_DIRECTION, _FILL)):
            unit = (direction / np.linalg.norm(direction)).astype(np.float32)
            light += strength * np.maximum(unit @ normals, 0)
        corners, shares = self.triangles.T[:, seen.triangles], seen.shares.T
        coloured = np.stack([_mixed(light * colour, corners, shares) for colour in self.colours.T])
        in_eye = np.flatnonzero(seen.triangles >= self.first_eye_triangle)
        across, up = (
            _mixed(offset, corners[:, in_eye], shares[:, in_eye]) for offset in self.eye_offsets.T
        )
        shone = _mixed(light, corners[:, in_eye], shares[:, in_eye])
        for share, colour in ((_IRIS_SHARE, IRIS), (_PUPIL_SHARE, PUPIL)):
            within = np.hypot(across, up) < share  # NaN, behind the eye, is never below
            coloured[:, in_eye[within]] = linear(colour)[:, None] * shone[within]
        return coloured


def sit(alignment: Alignment, jaw_pivot: FloatArray, num_pixels: int = NUM_PIXELS) -> Sitter:
    """Make a matched head ready: the template fitted to it, as much of it as the picture shows.

    jaw_pivot: (3,) mm, about which poses of its jaw turn: that of the head's Retargeter.
    """
    template, fit = alignment.template, alignment.fit
    neutral = np.asarray(fit.neutral, np.float32)
    centre, height_mm = _frame(fit.landmarks)
    kept = _shown(neutral, template.triangles, centre, height_mm)
    is_used = np.zeros(len(neutral), bool)
    is_used[kept] = True
    shapes = [(neutral[is_used], (np.cumsum(is_used) - 1)[kept])]
    colours, followers = [skin_colours(template)[is_used]], [np.zeros(0, np.int64)]
    parts = [part for part in template.inner_parts if part.name in fit.inner]
    eyes_last = sorted(parts, key=lambda part: part.name in _EYES)
    for part in eyes_last:
        places = fit.inner[part.name]
        start = sum(len(points) for points, _ in shapes)
        shapes.append((places, part.triangles + start))
        colours.append(part_colours(part))
        if PART_MOTIONS[part.name] == "jaw":
            followers.append(start + np.arange(len(places)))
    points = np.concatenate([points for points, _ in shapes]).astype(np.float32)
    triangles = np.concatenate([rows for _, rows in shapes])
    num_eyes = sum(part.name in _EYES for part in eyes_last)
    offsets = [_eye_offsets(points) for points, _ in shapes[len(shapes) - num_eyes :]]
    num_eye_points = sum(map(len, offsets))
    return Sitter(
        np.flatnonzero(is_used),
        points,
        triangles,
        np.concatenate(colours).astype(np.float32),
        np.concatenate(followers),
        jaw_pivot,
        np.concatenate([np.zeros((len(points) - num_eye_points, 2)), *offsets]).astype(np.float32),
        len(triangles) - sum(len(rows) for _, rows in shapes[len(shapes) - num_eyes :]),
        _corner_sums(triangles, len(points)),
        centre,
        height_mm,
        num_pixels,
    )


def _frame(landmarks: FloatArray) -> tuple[NDArray[np.float32], float]:
    """What the picture shows: the point in its middle, and the millimetres it covers there."""
    brows, chin = landmarks[17:27], landmarks[8]
    way = float(brows[:, 1].max() - chin[1])
    top, bottom = brows[:, 1].max() + _ABOVE * way, chin[1] - _BELOW * way
    middle = np.array(
        [landmarks[27:31, 0].mean(), 0.5 * (top + bottom), landmarks[36:48, 2].mean()]
    )
    return middle.astype(np.float32), top - bottom


def _shown(
    neutral: FloatArray, triangles: IntArray, centre: FloatArray, height_mm: float
) -> IntArray:
    """(F', 3) triangles of the skin that can come into the picture and face the eye."""
    reach = (0.5 + _MARGIN) * height_mm
    is_near = (np.abs(neutral - centre)[:, :2] < reach).all(axis=1)
    a, b, c = (neutral[triangles[:, k]] for k in range(3))
    normals = _cross(b - a, c - a)
    lengths = np.sqrt((normals**2).sum(axis=1))
    is_shown = is_near[triangles].any(axis=1) & (normals[:, 2] > _TURNED_AWAY * lengths)
    return triangles[is_shown]


def _eye_offsets(places: FloatArray) -> FloatArray:
    """(P, 2) across and up from the middle of an eyeball, in radii; NaN on its far half."""
    low, high = places.min(axis=0), places.max(axis=0)
    radius = 0.25 * float((high - low)[:2].sum())
    offsets = (places[:, :2] - 0.5 * (low + high)[:2]) / radius
    return np.where((places[:, 2] > high[2] - 1.2 * radius)[:, None], offsets, np.nan)


def _corner_sums(triangles: IntArray, num_points: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(triangles)), 3)
    ones = np.ones(3 * len(triangles), np.float32)
    return sparse.csr_matrix((ones, (triangles.ravel(), rows)), (num_points, len(triangles)))


def _on_screen(turned: FloatArray, height_mm: float, size: int) -> FloatArray:
    """(P, 2) fine pixels of points about the middle of the picture; y down."""
    nearness = (size / height_mm) * _CAMERA_DISTANCE_MM / (_CAMERA_DISTANCE_MM - turned[:, 2])
    x = 0.5 * size + turned[:, 0] * nearness
    return np.stack([x, 0.5 * size - turned[:, 1] * nearness], axis=1)


def _developed(light: FloatArray, seen: Visible, num_pixels: int, height_mm: float) -> Pictures:
    """Light and cover averaged over each pixel, darkened by depth, as sRGB bytes."""
    s = _OVERSAMPLING
    fine = np.zeros((5, num_pixels * s * num_pixels * s), np.float32)  # light, depth, cover
    fine[:3, seen.pixels], fine[3, seen.pixels], fine[4, seen.pixels] = light, seen.depths, 1.0
    fine = fine.reshape(5, num_pixels, s, num_pixels, s)
    pixels = np.add.reduce([fine[:, :, i, :, k] for i in range(s) for k in range(s)]) / (s * s)
    cover = pixels[4]
    seen_share = np.maximum(cover, 1e-3)
    depths = np.where(cover > 0, pixels[3] / seen_share, -_BEHIND_MM)
    blur = max(round(_SURROUNDINGS_MM * num_pixels / height_mm), 1)
    deeper = np.maximum(uniform_filter(depths, blur) - depths, 0.0)
    shade = np.maximum(np.exp(-_DARKENING_PER_MM * deeper), _DARKEST)
    light = pixels[:3] * (shade / seen_share)
    picture = np.concatenate([as_srgb(light), cover[None]])
    return np.rint(255.0 * picture).astype(np.uint8).transpose(1, 2, 0)


def _mixed(values: FloatArray, corners: IntArray, shares: FloatArray) -> FloatArray:
    """(N,) of (P,) values at the three corners (3, N) with weights (3, N)."""
    mixed = values[corners[0]] * shares[0]
    mixed += values[corners[1]] * shares[1]
    mixed += values[corners[2]] * shares[2]
    return mixed


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Of (N, 3) rows; several times as fast as numpy.cross."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=1)
