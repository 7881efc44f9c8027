"""Pictures to learn from: random heads and other things in random poses, on disk as one array."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from facegen_core.array_files import TRAINING_BYTES, read_arrays
from facegen_core.bundle import Bundle
from facegen_core.registration.depth_view import (
    CROP_MM,
    depth_image,
    near_crop,
)
from facegen_core.registration.landmark_detector import VIEW_TURNS, crop_middle
from facegen_core.registration.rigid import fit_similarity
from facegen_core.template import Template
from facegen_core.template_arrays import template_hash
from training.landmark_detector.dressing import dressed, no_face
from training.landmark_detector.heads import HeadMaker
from training.preparation.resumable import write_npz

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
# Scale, (3, 3) turn and (3,) shift of the head before the camera.
Pose = tuple[float, FloatArray, FloatArray]

NUM_VIEWS = 6  # of each scene
NUM_FACE_VIEWS = 4  # of them that show the face, the others must be told from it
NO_FACE_SHARE = 0.12
SCENES_PER_FILE = 100
VERSION = 1
# Every name of an augmentation, so that the table can tell them apart: a bit each.
NAMES = (
    "expression", "stylised", "smoothed", "coarse", "very coarse", "noise", "blocky", "no neck",
    "no scalp", "no ears", "no sockets and mouth", "mask", "holes", "eyes", "bulging eyes",
    "no eyes", "hair", "beard", "crown", "glasses", "horns", "body", "clutter", "far pose",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pictures:
    """images: (N, C, P, P) float16; landmarks: (N, 68, 3) in half crops; is_face: (N,) bool.

    millimetres: (N,) head mm per half crop; names: (N,) bits of NAMES; scenes: (N,) which scene.
    """

    images: NDArray[np.float16]
    landmarks: NDArray[np.float32]
    is_face: NDArray[np.bool_]
    millimetres: NDArray[np.float32]
    names: NDArray[np.int32]
    scenes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.images)

    def at(self, rows: NDArray[np.integer]) -> Pictures:
        return Pictures(*(getattr(self, f.name)[rows] for f in dataclasses.fields(self)))


_FIELDS = dataclasses.fields(Pictures)


@dataclass(frozen=True, eq=False)
class _View:
    image: NDArray[np.float32]
    landmarks: FloatArray
    is_face: bool
    millimetres: float
    is_far: bool


def make_pictures(bundle: Bundle, folder: Path, num_scenes: int, seed: int) -> Pictures:
    """Draw num_scenes scenes from NUM_VIEWS sides each, SCENES_PER_FILE to a file of `folder`.

    Files of the same seed and template are kept: an interrupted or larger set goes on from there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = f"v{VERSION}_seed{seed}_{template_hash(bundle.template)[:8]}"
    maker, parts = HeadMaker(bundle), []
    for start in tqdm(
        range(0, num_scenes, SCENES_PER_FILE), desc="Pictures", unit=f" × {SCENES_PER_FILE} scenes"
    ):
        path = folder / f"{mark}_{start:06d}.npz"
        if not path.exists():
            _write_scenes(maker, path, start, seed)
        parts.append(Pictures(**read_arrays(path, largest=TRAINING_BYTES)))
    joined = (np.concatenate([getattr(part, f.name) for part in parts]) for f in _FIELDS)
    pictures = Pictures(*joined)
    return pictures.at(np.flatnonzero(pictures.scenes < num_scenes))


def _write_scenes(maker: HeadMaker, path: Path, start: int, seed: int) -> None:
    rows = []
    for scene in range(start, start + SCENES_PER_FILE):
        bits, views = _scene(maker, np.random.default_rng([seed, scene]))
        for view in views:
            names = bits | (view.is_far << NAMES.index("far pose"))
            row = (view.image, view.landmarks, view.is_face, view.millimetres, names, scene)
            rows.append(row)
    types = (np.float16, np.float32, bool, np.float32, np.int32, np.int32)
    columns = zip(_FIELDS, types, zip(*rows, strict=True), strict=True)
    arrays = {field.name: np.asarray(values, kind) for field, kind, values in columns}
    write_npz(path, **arrays)


def _scene(maker: HeadMaker, rng: np.random.Generator) -> tuple[int, list[_View]]:
    if rng.random() < NO_FACE_SHARE:
        vertices, triangles = no_face(rng)
        return 0, [
            _draw(vertices, triangles, np.zeros((68, 3)), _wrong_pose(rng)[0], False)
            for _ in range(NUM_VIEWS)
        ]
    head, done = maker.random_head(rng)
    (vertices, triangles), more = dressed(head, maker, rng)
    bits = sum(1 << NAMES.index(name) for name in done | more)
    vertices, landmarks = _upright(maker.template, vertices, head.landmarks)
    views = []
    for k in range(NUM_VIEWS):
        if k < NUM_FACE_VIEWS:
            views.append(_face_view(vertices, triangles, landmarks, rng))
        else:
            pose, far = _wrong_pose(rng)
            if far > 0:  # beside the face: on other parts of the head or body
                shift = rng.normal(size=3)
                shift *= far / np.linalg.norm(shift)
                pose = (pose[0], pose[1], shift)
            views.append(_draw(vertices, triangles, landmarks, pose, False))
    return bits, views


def _upright(
    template: Template, vertices: FloatArray, landmarks: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Brought to the template's place and size as a similarity of the landmarks asks for."""
    place = fit_similarity(landmarks, np.asarray(template.landmark_positions, np.float64))
    middle = crop_middle(template)
    return place.apply(vertices) - middle, place.apply(landmarks) - middle


def _face_view(
    vertices: FloatArray, triangles: IntArray, landmarks: FloatArray, rng: np.random.Generator
) -> _View:
    is_far = rng.random() < 0.5
    if is_far:
        angles = rng.uniform(-45.0, 45.0, 3)
        turn = Rotation.from_euler("zxy", angles, degrees=True).as_matrix()
        scale = np.exp(rng.uniform(np.log(0.7), np.log(1.35)))
        shift = rng.uniform(-40.0, 40.0, 3)
    else:
        jitter = Rotation.from_rotvec(rng.normal(0.0, 9.0, 3), degrees=True).as_matrix()
        turn = VIEW_TURNS[rng.integers(len(VIEW_TURNS))] @ jitter
        scale, shift = np.exp(rng.normal(0.0, 0.07)), rng.normal(0.0, 9.0, 3)
    return _draw(vertices, triangles, landmarks, (scale, turn, shift), True, is_far)


def _wrong_pose(rng: np.random.Generator) -> tuple[Pose, float]:
    """A pose from which no upright face is seen, and how far beside the face to look, mm."""
    kind = rng.integers(4)
    turn = Rotation.from_rotvec(rng.normal(0.0, 25.0, 3), degrees=True)
    scale, far = np.exp(rng.uniform(np.log(0.6), np.log(1.5))), 0.0
    if kind == 0:  # back, top, side, upside down
        while True:
            turn = Rotation.random(random_state=rng)
            if turn.magnitude() > np.radians(95.0):
                break
    elif kind == 1:  # far too large or too small
        scale = np.exp(rng.choice([-1.0, 1.0]) * rng.uniform(np.log(2.1), np.log(5.0)))
    elif kind == 2:  # beside it
        far = rng.uniform(120.0, 260.0)
    else:  # beside it in any turn
        turn, far = Rotation.random(random_state=rng), rng.uniform(110.0, 400.0)
    return (scale, turn.as_matrix(), np.zeros(3)), far


def _draw(
    vertices: FloatArray,
    triangles: IntArray,
    landmarks: FloatArray,
    pose: Pose,
    is_face: bool,
    is_far: bool = False,
) -> _View:
    scale, turn, shift = pose
    placed = scale * vertices @ turn.T + shift
    marks = (scale * landmarks @ turn.T + shift) / (0.5 * CROP_MM)
    image = depth_image(*near_crop(placed, triangles))
    return _View(image, marks, is_face, 0.5 * CROP_MM / scale, is_far)
