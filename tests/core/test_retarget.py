"""What must be true of motion carried to another head."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse.linalg import spsolve
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from facegen_core.errors import TopologyMismatchError
from facegen_core.mesh import Mesh
from facegen_core.motion import FaceMotion
from facegen_core.registration import align
from facegen_core.registration.alignment import Similarity
from facegen_core.registration.filling import prepare_filling
from facegen_core.registration.local_change import turn_and_size
from facegen_core.registration.surface import weld
from facegen_core.retarget import retarget
from tests.core.face_fixtures import (
    SLIT_HEIGHT,
    exact_fit,
    face_patch,
    face_template,
    inner_shapes,
    joined,
    lower_lip,
    whole_face,
)

JAW_OPEN = np.array([0.25, 0.0, 0.0, 0.0, -2.0, 1.0])


@pytest.fixture(scope="module")
def template():
    return face_template()


@pytest.fixture(scope="module")
def opening(template):
    """Two frames: rest, then a jaw that opens 10 mm; only the lower lip and its bag move."""
    skin = np.zeros((2, template.num_vertices, 3), np.float32)
    skin[1, :, 1] = -10.0 * lower_lip(template)
    return FaceMotion(skin, np.stack([np.zeros(6), JAW_OPEN]).astype(np.float32))


@pytest.fixture(scope="module")
def head():
    """A finer face with everything in it."""
    return whole_face(2.0)


@pytest.fixture(scope="module")
def alignment(template, head):
    return align(template, head[0], exact_fit(template))


def random_motion(template, num_frames=3, seed=0):
    rng = np.random.default_rng(seed)
    skin = rng.normal(0, 3, (num_frames, template.num_vertices, 3)).astype(np.float32)
    return FaceMotion(skin, rng.normal(0, 0.1, (num_frames, 6)).astype(np.float32))


def test_retargeting_to_the_template_itself_is_the_identity(template):
    alignment = align(template, template.whole_head(), exact_fit(template))
    motion = random_motion(template)
    moved = retarget(motion, alignment)[:, : template.num_vertices]
    np.testing.assert_allclose(moved, motion.skin, atol=1e-5)


def test_a_motion_made_for_this_very_face_is_not_scaled_again(template):
    larger = dataclasses.replace(template, identity_basis=0.2 * template.vertices[None])
    neutral = larger.with_identity(np.ones(1))
    fit = dataclasses.replace(exact_fit(larger), neutral=neutral)
    alignment = align(larger, Mesh.from_triangles(neutral, larger.triangles), fit)
    motion = random_motion(larger)
    for_it = dataclasses.replace(motion, neutral=neutral)
    np.testing.assert_allclose(retarget(for_it, alignment), motion.skin, atol=1e-4)
    np.testing.assert_allclose(retarget(motion, alignment), 1.2 * motion.skin, atol=1e-2)


def test_zero_motion_is_exactly_zero(template, alignment):
    still = FaceMotion(np.zeros((2, template.num_vertices, 3), np.float32), np.zeros((2, 6)))
    assert not retarget(still, alignment).any()


def test_resting_frames_are_exactly_zero_between_moving_ones(alignment, opening):
    assert not retarget(opening, alignment)[0].any()
    assert retarget(opening, alignment)[1].any()


def test_the_motion_turns_and_scales_with_the_head(template, head, alignment, opening):
    turn = Rotation.from_euler("xyz", [0.4, -1.1, 2.0]).as_matrix()
    pose = Similarity(25.0, turn, np.array([3.0, -80.0, 12.0]))
    moved = head[0].with_vertices(pose.apply_inverse(head[0].vertices))
    elsewhere = align(template, moved, exact_fit(template, pose))
    found = pose.apply_vectors(retarget(opening, elsewhere))
    np.testing.assert_allclose(found, retarget(opening, alignment), atol=5e-3)


def test_skin_displacements_add_up(template, head, alignment):
    first, second = random_motion(template, seed=1), random_motion(template, seed=2)
    both = FaceMotion(first.skin + second.skin, np.zeros_like(first.jaw))
    skin = head[1]["skin"]
    sums = sum(
        retarget(FaceMotion(m.skin, np.zeros_like(m.jaw)), alignment)[:, skin]
        for m in (first, second)
    )
    np.testing.assert_allclose(retarget(both, alignment)[:, skin], sums, atol=1e-4)


def test_lips_part_and_the_upper_lip_stays(head, alignment, opening):
    mesh, ranges, codes = head
    moved = retarget(opening, alignment)[1, ranges["skin"]]
    at_rim = (np.abs(mesh.vertices[ranges["skin"], 1] - SLIT_HEIGHT) < 0.1) & (codes == 0)
    inside = at_rim & (np.abs(mesh.vertices[ranges["skin"], 0]) < 13)
    triangles = mesh.triangles[(mesh.triangles < len(codes)).all(axis=1)]
    face = triangles[(codes[triangles] == 0).all(axis=1)]
    is_under = np.zeros(len(codes), bool)
    is_under[face[mesh.vertices[face].mean(axis=1)[:, 1] < SLIT_HEIGHT]] = True
    assert np.abs(moved[inside & ~is_under]).max() < 0.05
    assert moved[inside & is_under, 1].max() < -9.0


def test_teeth_and_tongue_follow_the_jaw_rigidly(template, head, alignment, opening):
    mesh, ranges, _ = head
    moved = retarget(opening, alignment)[1]
    turn = Rotation.from_rotvec(JAW_OPEN[:3]).as_matrix()
    for name in ("lower_teeth", "tongue"):
        rest = mesh.vertices[ranges[name]]
        posed = (rest - template.jaw_pivot) @ turn.T + template.jaw_pivot + JAW_OPEN[3:]
        np.testing.assert_allclose(rest + moved[ranges[name]], posed, atol=1e-3)
        stretch = np.abs(pdist(rest + moved[ranges[name]]) - pdist(rest))
        assert stretch.max() < 0.05  # mm


def test_eyeballs_and_upper_teeth_stay_exactly(template, head, alignment):
    moved = retarget(random_motion(template), alignment)
    for name in ("eyeball_left", "eyeball_right", "upper_teeth"):
        assert not moved[:, head[1][name]].any()


def test_a_brow_turns_with_the_skin_under_it(template, head, alignment):
    mesh, ranges, _ = head
    turn = Rotation.from_euler("x", 0.5).as_matrix()
    centre = np.array([30.0, 55.0, 50.0])
    neutral = np.asarray(template.vertices, np.float64)
    skin = (neutral - centre) @ turn.T + centre - neutral
    moved = retarget(FaceMotion(skin[None].astype(np.float32), np.zeros((1, 6))), alignment)
    rest = mesh.vertices[ranges["brow"]]
    expected = (rest - centre) @ turn.T + centre
    np.testing.assert_allclose(rest + moved[0, ranges["brow"]], expected, atol=0.05)


def test_nothing_moves_far_below_the_face(template):
    """A face that goes on 150 mm below the template, as a body does below the neck."""
    vertices, triangles, _ = face_patch(3.0)
    reach = np.clip((vertices[:, 1] + 60.0) / -12.0, 0.0, 1.0)
    longer = vertices - np.stack([0 * reach, 150.0 * reach, 0 * reach], axis=1)
    mesh, ranges = joined((longer, triangles), *inner_shapes().values())
    alignment = align(template, mesh, exact_fit(template))
    push = FaceMotion(np.full((1, template.num_vertices, 3), 4.0, np.float32), np.zeros((1, 6)))
    moved = retarget(push, alignment)[0, ranges[0]]
    below = longer[:, 1] < -72.0 - 60.0
    assert below.any()
    assert not moved[below].any()
    np.testing.assert_allclose(moved[vertices[:, 1] > -60.0], 4.0, atol=1e-3)


def test_filling_agrees_with_solving_for_everything_at_once(template, head):
    """The naive twin: minimise bending with the fixed vertices kept, in one dense-minded solve."""
    mesh = head[0]
    surface = weld(mesh, mesh.vertices, exact_fit(template))
    is_skin = surface.parts == 0
    confidences = is_skin.astype(float)
    hole = is_skin & (np.linalg.norm(surface.vertices - [25.0, 0.0, 65.0], axis=1) < 9.0)
    confidences[hole] = 0.0
    regions = {name: np.zeros(surface.num_vertices) for name in template.regions}
    filling = prepare_filling(surface, is_skin, confidences, regions)
    rng = np.random.default_rng(3)
    moved = np.where((is_skin & ~hole)[:, None], rng.normal(size=(surface.num_vertices, 2)), 0.0)
    laplacian, areas = surface.laplacian, surface.vertex_areas
    bending = (laplacian.multiply(1.0 / areas[:, None]).T @ laplacian).tocsr()
    free = np.flatnonzero(hole)
    expected = spsolve(bending[free][:, free].tocsc(), -(bending[free] @ moved))
    filling.fill_in_place(moved, np.empty(0, int), np.empty((0, 2)))
    np.testing.assert_allclose(moved[free], expected, atol=1e-4)


def test_the_surroundings_tell_turn_and_size():
    vertices = face_patch(3.0)[0]
    turn = Rotation.from_euler("xyz", [0.1, 0.2, -0.3]).as_matrix()
    changes = turn_and_size(vertices, 1.3 * vertices @ turn.T + [1.0, 2.0, 3.0])
    np.testing.assert_allclose(changes, np.broadcast_to(1.3 * turn, changes.shape), atol=1e-9)


def test_a_face_longer_in_one_direction_carries_motion_farther_along_it_only():
    vertices = face_patch(3.0)[0]
    changes = turn_and_size(vertices, vertices * [1.0, 1.4, 1.0])
    inside = (np.abs(vertices[:, :2]) < [30.0, 40.0]).all(axis=1) & (vertices[:, 2] > 50.0)
    along, across = changes[inside, 1, 1], changes[inside, 0, 0]
    assert (along > 1.3).all()
    assert (across < 1.1).all()


def test_motion_of_another_template_is_refused(alignment):
    with pytest.raises(TopologyMismatchError, match=r"skin \(T, "):
        retarget(FaceMotion(np.zeros((2, 7, 3)), np.zeros((2, 6))), alignment)


def test_a_face_with_normals_inwards_moves_the_same(template, head, alignment, opening):
    mesh = head[0]
    inwards = Mesh.from_triangles(mesh.vertices, mesh.triangles[:, ::-1])
    found = retarget(opening, align(template, inwards, exact_fit(template)))
    np.testing.assert_allclose(found, retarget(opening, alignment), atol=5e-3)


def test_a_quad_mesh_moves_like_its_triangles(template, opening):
    vertices, triangles, _ = face_patch(3.0)
    mesh, _ = joined((vertices, triangles), *inner_shapes().values())
    polygons, rest = [], [list(t) for t in mesh.triangles]
    while len(rest) > 1:
        first, second = rest[0], rest[1]
        is_quad = first[0] == second[0] and first[2] == second[1]
        polygons.append([*first, second[2]] if is_quad else first)
        rest = rest[2:] if is_quad else rest[1:]
    polygons += rest
    quads = Mesh.from_polygons(mesh.vertices, polygons)
    assert quads.num_polygons < 0.6 * mesh.num_polygons
    results = [retarget(opening, align(template, m, exact_fit(template))) for m in (mesh, quads)]
    np.testing.assert_allclose(results[0], results[1], atol=1e-3)


def test_polygons_with_corners_of_their_own_move_like_the_mesh_they_were_cut_from(
    template, head, alignment, opening
):
    mesh = head[0]
    corners = mesh.triangles.ravel()
    soup = Mesh.from_triangles(mesh.vertices[corners], np.arange(len(corners)).reshape(-1, 3))
    found = retarget(opening, align(template, soup, exact_fit(template)))
    skin = np.flatnonzero(corners < head[1]["skin"].stop)
    expected = retarget(opening, alignment)[:, corners]
    # Where lip lies on lip exactly, four fragments share an edge and keep apart.
    differences = np.linalg.norm(found - expected, axis=2)[:, skin]
    assert np.percentile(differences, 97) < 0.05
