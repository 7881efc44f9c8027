"""A template of one's own topology: everything the generator and the add-on ask of one.

A template that is complete (the default bundle's) is registered onto the mean neutral of the
training subjects; landmarks, regions, the jaw's pivot and the inner parts are carried over by
closest points. The identity basis is learned from the subjects themselves.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.errors import DatasetError, InvalidMeshError, RegistrationFailedError
from facegen_core.hierarchy import build_hierarchy, check_manifold
from facegen_core.landmarks import Landmarks
from facegen_core.mesh import Mesh, vertex_normals
from facegen_core.progress import Progress, no_progress
from facegen_core.registration import register
from facegen_core.registration.alignment import Alignment
from facegen_core.registration.inner_fit import carry_inner_parts
from facegen_core.registration.local_change import JAW_SURROUNDINGS_MM, carry_point
from facegen_core.registration.matching import TriangleSearch
from facegen_core.template import REGIONS, InnerPart, Template
from training.preparation.head_motion import RigidMotion, fit_rigid

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

NOSE_TIP_LANDMARK = 30
# Rounds of aligning all subjects to their mean and taking the mean again; the third changes
# nothing that can be measured.
ALIGNMENT_ROUNDS = 3
# Levels below the finest, as many as the default decoder has convolutions, down to this many
# vertices where the factors in between allow it (CoMA: 5023, 1256, 314, 79, 20).
NUM_LEVELS = 5
COARSEST_SIZE = 20
MIN_FACTOR, MAX_FACTOR = 2, 5
# A mode with less than this part of the first one's variance is rounding.
NEGLIGIBLE_VARIANCE = 1e-6
# Subjects whose neutrals differ by no more than this are one subject.
SAME_SHAPE_MM = 1e-2
# Heads this much larger or smaller than the mean of adults are in another unit.
LARGEST_SCALE = 2.0
# Which region the loose parts of an own topology count as: they lie inside eye sockets or mouth,
# so that no skin of an artist's head is matched to them.
_REGIONS_OF_PARTS = {
    "eyeball_left": "eye_socket_left",
    "eyeball_right": "eye_socket_right",
    "upper_teeth": "mouth_bag",
    "lower_teeth": "mouth_bag",
    "tongue": "mouth_bag",
    "mouth_interior": "mouth_bag",
}


@dataclass(frozen=True, eq=False)
class OwnTemplate:
    """The template, and where each subject is in it.

    placement: from the data's own frame, in mm, to the template's.
    neutrals: {subject: (V, 3) mm in the template's frame}; identities: {subject: (N,)}.
    residual_mm: mean distance between the registered template and the mean neutral's face.
    """

    template: Template
    placement: RigidMotion
    neutrals: dict[str, FloatArray]
    identities: dict[str, FloatArray]
    residual_mm: float


def build_own_template(
    neutrals: dict[str, FloatArray],
    training_subjects: tuple[str, ...],
    triangles: IntArray,
    complete: Template,
    landmarks: dict[int, FloatArray] | None = None,
    progress: Progress = no_progress,
) -> OwnTemplate:
    """From {subject: (V, 3) neutral, mm} and (F, 3) triangles; half a minute at 5,000 vertices.

    complete: the template whose landmarks, regions and inner parts are carried over. landmarks: by
    hand, {number: (3,)} mm on the neutral of the first training subject.
    Raises DatasetError where the topology has no spirals or no face is found.
    """
    first = next(iter(neutrals.values()))
    try:
        check_manifold(triangles, len(first))
    except InvalidMeshError as error:
        raise DatasetError(f"The meshes cannot be trained on: {error}") from error
    progress(0.0, "aligning the neutrals")
    trained = [neutrals[name] for name in training_subjects]
    mean = mean_shape(trained)
    _check_they_differ(trained, mean)
    progress(0.1, "finding the face")
    if landmarks is not None:
        landmarks = _on_mean(landmarks, neutrals[training_subjects[0]], mean)
    alignment = _find_face(complete, mean, triangles, landmarks)
    placement, mean = _place(alignment, mean)
    placed = {name: fit_rigid(shape, mean).apply(shape) for name, shape in neutrals.items()}
    mean = np.mean([placed[name] for name in training_subjects], axis=0)
    progress(0.6, "learning who is who")
    basis = identity_basis([placed[name] for name in training_subjects])
    progress(0.7, "building the hierarchy")
    template = _assembled(alignment, mean, triangles, basis)
    identities = {name: coefficients(template, shape) for name, shape in placed.items()}
    progress(1.0, "ready")
    residual = alignment.fit.residual.mean_mm / alignment.fit.similarity.scale
    return OwnTemplate(template, placement, placed, identities, residual)


def mean_shape(shapes: list[FloatArray]) -> FloatArray:
    """(V, 3) mean of shapes (V, 3) after rigid alignment to it, in the frame of the first."""
    mean = np.asarray(shapes[0], np.float64)
    for _ in range(ALIGNMENT_ROUNDS):
        mean = np.mean([fit_rigid(shape, mean).apply(shape) for shape in shapes], axis=0)
        mean = fit_rigid(mean, shapes[0]).apply(mean)
    return mean


def identity_basis(shapes: list[FloatArray]) -> NDArray[np.float32]:
    """(N, V, 3) principal components of aligned shapes (V, 3), in mm per standard deviation.

    N is one less than the number of shapes, or fewer where they do not differ.
    """
    flat = np.stack(shapes).reshape(len(shapes), -1).astype(np.float64)
    flat -= flat.mean(axis=0)
    _, sizes, directions = np.linalg.svd(flat, full_matrices=False)
    deviations = sizes / np.sqrt(max(len(shapes) - 1, 1))
    is_real = sizes**2 > NEGLIGIBLE_VARIANCE * sizes[0] ** 2
    is_real &= np.arange(len(sizes)) < len(shapes) - 1
    # The sign of a principal component is arbitrary: the same data must give the same bytes.
    signs = np.sign(directions[np.arange(len(sizes)), np.abs(directions).argmax(axis=1)])
    modes = directions * (signs * deviations)[:, None]
    return modes[is_real].reshape(-1, *shapes[0].shape).astype(np.float32)


def coefficients(template: Template, shape: FloatArray) -> NDArray[np.float32]:
    """(N,) identity coefficients of an aligned shape (V, 3), by least squares."""
    modes = template.identity_basis.reshape(len(template.identity_basis), -1).astype(np.float64)
    offset = (shape - template.vertices).ravel()
    return np.linalg.solve(modes @ modes.T, modes @ offset).astype(np.float32)


def level_factor(num_vertices: int) -> int:
    """How much coarser each level is: 5 as in the paper, less for small meshes."""
    factor = (num_vertices / COARSEST_SIZE) ** (1.0 / (NUM_LEVELS - 1))
    return int(np.clip(round(factor), MIN_FACTOR, MAX_FACTOR))


def _check_they_differ(shapes: list[FloatArray], mean: FloatArray) -> None:
    farthest = max(np.abs(fit_rigid(shape, mean).apply(shape) - mean).max() for shape in shapes)
    if farthest < SAME_SHAPE_MM:
        raise DatasetError(
            f"The neutrals of the {len(shapes)} training subjects are one and the same mesh: every "
            "subject needs its own."
        )


def _on_mean(
    landmarks: dict[int, FloatArray], shape: FloatArray, mean: FloatArray
) -> dict[int, FloatArray]:
    """Landmarks of one subject's shape (V, 3) beside the same vertices of the mean."""
    tree = cKDTree(shape)
    nearest = {number: int(tree.query(position)[1]) for number, position in landmarks.items()}
    return {k: mean[row] + landmarks[k] - shape[row] for k, row in nearest.items()}


def _find_face(
    complete: Template,
    mean: FloatArray,
    triangles: IntArray,
    landmarks: dict[int, FloatArray] | None,
) -> Alignment:
    try:
        alignment = register(complete, Mesh.from_triangles(mean, triangles), landmarks)
    except RegistrationFailedError as error:
        raise DatasetError(
            "No face was found in the mean neutral: place 13 landmarks on the neutral of the first "
            "training subject and pass them with --landmarks."
        ) from error
    scale = alignment.fit.similarity.scale
    if not 1.0 / LARGEST_SCALE < scale < LARGEST_SCALE:
        raise DatasetError(
            f"The heads are {1.0 / scale:.2g} times as large as heads are: check the unit."
        )
    return alignment


def _place(alignment: Alignment, mean: FloatArray) -> tuple[RigidMotion, FloatArray]:
    """The data's frame turned and moved to the template's, at its own size; the mean in it."""
    similarity = alignment.fit.similarity
    placement = RigidMotion(similarity.rotation, similarity.translation / similarity.scale)
    return placement, placement.apply(mean)


def _assembled(
    alignment: Alignment, mean: FloatArray, triangles: IntArray, basis: NDArray[np.float32]
) -> Template:
    complete, fit = alignment.template, alignment.fit
    scale = fit.similarity.scale
    landmarks = _carried_landmarks(alignment, mean, triangles)
    positions = landmarks.positions(mean, triangles)
    tip = int(np.linalg.norm(mean - positions[NOSE_TIP_LANDMARK], axis=1).argmin())
    before = np.asarray(complete.vertices, np.float64)
    _, pivot = carry_point(
        before, fit.neutral, np.asarray(complete.jaw_pivot, np.float64), JAW_SURROUNDINGS_MM
    )
    template = Template(
        vertices=mean.astype(np.float32),
        triangles=np.asarray(triangles, np.int32),
        landmarks=landmarks,
        regions=_carried_regions(alignment),
        identity_basis=basis,
        inner_parts=_still_parts(alignment, len(basis)),
        jaw_pivot=(pivot / scale).astype(np.float32),
        hierarchy=build_hierarchy(
            mean.astype(np.float32), triangles, NUM_LEVELS, level_factor(len(mean)), 9, tip
        ),
    )
    return dataclasses.replace(template, inner_parts=_parts_with_identity(template))


def _carried_landmarks(alignment: Alignment, mean: FloatArray, triangles: IntArray) -> Landmarks:
    """Closest points of the skin that face as the landmarks do: lips that touch stay two."""
    complete, fit = alignment.template, alignment.fit
    normals = vertex_normals(fit.neutral, complete.triangles)
    at_landmarks = complete.landmarks.positions(normals, complete.triangles)
    is_skin = np.zeros(len(mean), bool)
    for part in alignment.parts:
        if part.kind == "skin":
            is_skin[part.vertex_indices] = True
    skin = np.flatnonzero(is_skin[triangles].all(axis=1))
    search = TriangleSearch(Mesh.from_triangles(mean, triangles), skin)
    found = search.closest(fit.landmarks / fit.similarity.scale, at_landmarks)
    return Landmarks(found.triangle_indices, found.barycentrics.astype(np.float32))


def _carried_regions(alignment: Alignment) -> dict[str, FloatArray]:
    regions = {name: alignment.region_weights[name].copy() for name in REGIONS}
    for part in alignment.parts:
        name = _REGIONS_OF_PARTS.get(part.kind)
        if name is not None:
            regions[name][part.vertex_indices] = 1.0
    return regions


def _still_parts(alignment: Alignment, num_modes: int) -> tuple[InnerPart, ...]:
    """The complete template's inner parts, fitted into the mean head, the same for everybody."""
    scale = alignment.fit.similarity.scale
    parts = []
    for part in alignment.template.inner_parts:
        vertices = (alignment.fit.inner[part.name] / scale).astype(np.float32)
        none = np.zeros((num_modes, *vertices.shape), np.float32)
        parts.append(InnerPart(part.name, vertices, part.triangles, none))
    return tuple(parts)


def _parts_with_identity(template: Template) -> tuple[InnerPart, ...]:
    """Inner parts go where the skin around them goes with each mode."""
    mean, nobody = template.vertices, np.zeros(len(template.identity_basis))
    moved = [carry_inner_parts(template, nobody, mean + mode) for mode in template.identity_basis]
    return tuple(
        dataclasses.replace(
            part,
            identity_basis=np.array(
                [shapes[part.name] - part.vertices for shapes in moved], np.float32
            ).reshape(-1, *part.vertices.shape),
        )
        for part in template.inner_parts
    )
