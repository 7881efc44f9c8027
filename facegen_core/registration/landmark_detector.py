"""Landmarks with confidence from the mesh alone: a network looks at it from several sides.

A place is a similarity from the target's own frame to template millimetres. The network is shown
what a camera before that place sees, and answers where 68 landmarks lie in three dimensions, how
far off each may be, and whether this is a face at all. Where its landmarks lie gives a better
place, from which to look again; from the best, five views are brought together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..landmark_network import LandmarkNetwork
from ..template import Template
from .alignment import Similarity
from .depth_view import CROP_MM, depth_image, near_crop
from .rigid import fit_similarity
from .target import SearchTarget

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# From where a face is looked at: in front, from both sides, from above and below (degrees).
_VIEW_ANGLES = ((0, 0), (0, 30), (0, -30), (20, 0), (-20, 0))
VIEW_TURNS = np.stack(
    [Rotation.from_euler("xy", angles, degrees=True).as_matrix() for angles in _VIEW_ANGLES]
)
HALF_CROP_MM = 0.5 * CROP_MM
# What a whole mesh may span, mm, when it is a head with its neck, a head or a mask.
WHOLE_SPANS_MM = (340.0, 240.0)
# How many heads a body may be tall, and how tall a head without its neck is, mm.
BODY_SHARES = (7.5, 5.0, 3.5)
HEAD_MM = 235.0
# Triangles kept around a place: those of crops that lie a little beside it, too.
REACH_MM = 330.0
# A landmark's depth is less sure than its place in the picture: share of its precision.
DEPTH_PRECISION = 0.4
NUM_ROBUST_STEPS = 5
# The identity basis counts as if it were this far off itself, mm: sculptors go beyond it.
BASIS_DEVIATION_MM = 2.5
MAX_MODES = 40


@dataclass(frozen=True, eq=False)
class Detection:
    """A face that was seen.

    similarity: the target's own frame (`SearchTarget`) → template mm.
    positions: (68, 3) landmarks, template mm. confidences: (68,) in [0, 1], the chance that each
    is within 5 mm of where it belongs. score: in [0, 1], how surely it is a face. errors_mm: (68,)
    what each position is expected to be off.
    """

    similarity: Similarity
    positions: FloatArray
    confidences: FloatArray
    score: float
    errors_mm: FloatArray

    def in_frame(self, similarity: Similarity) -> FloatArray:
        """(68, 3) positions in another frame, given by the target's own frame → it."""
        return similarity.apply(self.similarity.apply_inverse(self.positions))


@dataclass(frozen=True, eq=False)
class Look:
    """One picture's answer: a better place, and how surely it is a face."""

    place: Similarity
    score: float


def crop_middle(template: Template) -> FloatArray:
    """(3,) mm of the template that a picture is centred on: the middle of its landmarks."""
    marks = np.asarray(template.landmark_positions, np.float64)
    middle = 0.5 * (marks.min(axis=0) + marks.max(axis=0))
    middle[2] = marks[:, 2].mean()
    return middle


class LandmarkDetector:
    """Looks at one target with the network of one template, which must carry one."""

    def __init__(self, template: Template, target: SearchTarget) -> None:
        if template.landmark_detector is None:
            raise ValueError("the template carries no landmark detector")
        self._network = LandmarkNetwork(template.landmark_detector)
        self._target = target
        self._marks = np.asarray(template.landmark_positions, np.float64)
        basis = template.identity_basis[:MAX_MODES]
        corners = template.triangles[template.landmarks.triangle_indices]
        weights = template.landmarks.barycentrics
        self._basis = np.einsum("lc,nlcx->nlx", weights, basis[:, corners]).astype(np.float64)
        self._middle = crop_middle(template)
        self._anchor = np.asarray(template.vertices, np.float64).mean(axis=0)
        self._crops: list[_Crop] = []

    def look(self, places: Sequence[Similarity]) -> list[Look]:
        """One look from the front at each place."""
        if not places:
            return []
        images = np.stack([self._image(place, np.eye(3)) for place in places])
        return self._looks(places, images)

    def look_around(self) -> list[Look]:
        """The whole mesh as one head, up any axis of its frame and facing along any other."""
        looks: list[Look] = []
        roll = Similarity(1.0, _ROLL, self._middle - _ROLL @ self._middle)
        for span in WHOLE_SPANS_MM:
            for facing in _FACINGS:
                # The middle of the mesh is the middle of the head.
                places = [Similarity(span, facing, self._anchor)]
                images = [self._image(places[0], np.eye(3))]
                for _ in range(3):  # a quarter turn of the head is a quarter turn of its picture
                    images.append(_quarter_turn(images[-1]))
                    places.append(roll.after(places[-1]))
                looks += self._looks(places, np.stack(images))
        return looks

    def look_at_ends(self) -> list[Look]:
        """The mesh as a body: a head at either end of its longest axis, facing any way around."""
        vertices = self._target.vertices
        low, high = vertices[:, 2].min(), vertices[:, 2].max()
        places = []
        for up in (1.0, -1.0):
            for share in BODY_SHARES:
                size = (high - low) / share
                end = high if up > 0 else low
                is_head = np.abs(vertices[:, 2] - end) < size
                middle = vertices[is_head].mean(axis=0)
                middle[2] = end - up * 0.5 * size
                for turn in range(4):
                    rotation = np.linalg.matrix_power(_YAW, turn) @ _UPRIGHT[up]
                    scale = HEAD_MM / size
                    shift = self._anchor - scale * rotation @ middle
                    places.append(Similarity(scale, rotation, shift))
        return self.look(places)

    def detect(self, place: Similarity) -> Detection:
        """Look from all sides at the face that is at `place` and bring together what is seen."""
        images = np.stack([self._image(place, turn) for turn in VIEW_TURNS])
        seen = self._network(images)
        points = np.einsum("vij,vlj->vli", VIEW_TURNS.transpose(0, 2, 1), seen.landmarks)
        points = HALF_CROP_MM * points.astype(np.float64)
        errors = HALF_CROP_MM * seen.errors.astype(np.float64)
        joined, expected = _joined(points, errors, VIEW_TURNS[:, 2])
        joined += self._middle
        return self._detection(place, joined, expected, float(seen.scores.mean()))

    def is_same_place(self, first: Similarity, second: Similarity) -> bool:
        """Whether two places show the same face: within 40 mm, 30° and a fifth of its size."""
        middle = first.apply(second.apply_inverse(self._middle))
        cosine = 0.5 * (np.trace(first.rotation @ second.rotation.T) - 1.0)
        is_near = np.linalg.norm(middle - self._middle) < 40.0 and cosine > np.cos(np.radians(30.0))
        return bool(is_near and abs(np.log(first.scale / second.scale)) < 0.2)

    def _detection(
        self, place: Similarity, points: FloatArray, expected: FloatArray, score: float
    ) -> Detection:
        """Pull towards the identity basis what lies far from every identity."""
        similarity, plausible = self._nearest_identity(points, expected)
        points = similarity.apply(points)
        apart = np.linalg.norm(points - plausible, axis=1)
        doubt = apart**2 / (apart**2 + (3.0 * expected + 4.0) ** 2)
        positions = points + doubt[:, None] * (plausible - points)
        total = np.sqrt(expected**2 + (0.5 * apart) ** 2)
        first, slope = self._network.calibration.astype(np.float64)
        confidences = 1.0 / (1.0 + np.exp(slope * np.log(total) - first))
        return Detection(similarity.after(place), positions, confidences, score, total)

    def _nearest_identity(
        self, points: FloatArray, expected: FloatArray
    ) -> tuple[Similarity, FloatArray]:
        """The similarity (68, 3) points → template mm, and the (68, 3) nearest plausible face."""
        flat = self._basis.transpose(1, 2, 0)  # (68, 3, N)
        plausible, weights = self._marks, 1.0 / (expected**2 + BASIS_DEVIATION_MM**2)
        for _ in range(NUM_ROBUST_STEPS):
            similarity = fit_similarity(points, plausible, weights)
            offsets = similarity.apply(points) - self._marks
            system = np.einsum("l,lxn,lxm->nm", weights, flat, flat) + np.eye(flat.shape[-1])
            goal = np.einsum("l,lxn,lx->n", weights, flat, offsets)
            plausible = self._marks + flat @ np.linalg.solve(system, goal)
            apart = np.sum((similarity.apply(points) - plausible) ** 2, axis=1)
            weights = 1.0 / (expected**2 + BASIS_DEVIATION_MM**2 + 0.25 * apart)
        return similarity, plausible

    def _looks(self, places: Sequence[Similarity], images: FloatArray) -> list[Look]:
        seen = self._network(images)
        looks = []
        for k, place in enumerate(places):
            points = HALF_CROP_MM * seen.landmarks[k].astype(np.float64) + self._middle
            weights = 1.0 / np.maximum(seen.errors[k].astype(np.float64), 1e-3) ** 2
            better = fit_similarity(points, self._marks, weights).after(place)
            looks.append(Look(better, float(seen.scores[k])))
        return looks

    def _image(self, place: Similarity, turn: FloatArray) -> NDArray[np.float32]:
        crop = self._crop(place)
        vertices = (place.apply(crop.vertices) - self._middle) @ turn.T
        return depth_image(*near_crop(vertices, crop.triangles))

    def _crop(self, place: Similarity) -> _Crop:
        centre, reach = place.apply_inverse(self._middle), REACH_MM / place.scale
        for crop in self._crops:
            # Nearly as large, and holds what a turned picture shows (its corners, 0.8 of it).
            apart = float(np.linalg.norm(crop.centre - centre))
            if apart + 0.8 * reach < crop.reach < 1.3 * reach:
                return crop
        crop = _cut(self._target, centre, reach)
        self._crops.append(crop)
        return crop


@dataclass(frozen=True, eq=False)
class _Crop:
    """What of the target lies within `reach` of `centre`, in its own frame, thinned."""

    centre: FloatArray
    reach: float
    vertices: FloatArray
    triangles: IntArray


def _cut(target: SearchTarget, centre: FloatArray, reach: float) -> _Crop:
    per_unit = REACH_MM / reach
    vertices, triangles = near_crop(
        (target.vertices - centre) * per_unit, target.triangles, REACH_MM
    )
    return _Crop(centre, reach, vertices / per_unit + centre, triangles)


def _joined(
    points: FloatArray, errors: FloatArray, sights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(L, 3) landmarks of (V, L, 3) views and their (L,) expected errors, mm.

    errors: (V, L); sights: (V, 3) lines of sight, along which a view knows less. Weighted least
    squares with Cauchy weights: a view that sees hair in place of a jaw is outvoted.
    """
    along = np.einsum("vi,vj->vij", sights, sights)
    trust = np.eye(3) - (1.0 - DEPTH_PRECISION) * along  # (V, 3, 3)
    apart = np.zeros(errors.shape)
    for _ in range(NUM_ROBUST_STEPS):
        weights = 1.0 / (errors**2 + 1.0) / (1.0 + apart**2 / (errors**2 + 4.0))
        system = np.einsum("vl,vij->lij", weights, trust)
        goal = np.einsum("vl,vij,vlj->li", weights, trust, points)
        joined = np.linalg.solve(system, goal[..., None])[..., 0]
        apart = np.linalg.norm(points - joined, axis=-1)
    total = weights.sum(axis=0)
    spread = np.sqrt((weights * apart**2).sum(axis=0) / total)
    inner = np.sqrt((weights * errors**2).sum(axis=0) / total)
    return joined, np.sqrt(inner**2 + spread**2)


def _quarter_turn(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture of the scene turned counter-clockwise as seen by the camera."""
    turned = np.rot90(image, axes=(1, 2)).copy()
    turned[2], turned[3] = -turned[3].copy(), turned[2].copy()
    return turned


# A quarter turn about the line of sight, counter-clockwise as the camera sees it.
_ROLL = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
# A quarter turn about the upright axis, and how the third axis of a frame is put upright.
_YAW = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
_UPRIGHT = {
    1.0: np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
    -1.0: np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}
# Turns that bring each axis of a frame, both ways, towards the camera.
_FACINGS = np.stack(
    [
        Rotation.from_euler("xy", angles, degrees=True).as_matrix()
        for angles in ((0, 0), (0, 90), (0, 180), (0, 270), (90, 0), (-90, 0))
    ]
).round()
