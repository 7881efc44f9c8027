"""What contact on any head is made of: pushes, zones, eyeballs, rows of teeth."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.transform import Rotation

from facegen_core.contact import response
from facegen_core.contact.forces import largest_stretch, solve_pushes
from facegen_core.contact.lid_contact import EyeShape, lies_on_ball
from facegen_core.contact.lip_contact import LipContact
from facegen_core.contact.resolving import Opening
from facegen_core.contact.teeth_contact import ToothShape, rigid_motion
from facegen_core.contact.yielding import _pushing_forces
from facegen_core.contact.zone import Reach, zone_around
from tests.core.face_fixtures import ball, face_patch

REACH = Reach(touching=9.0, yielding=20.0, response=2.5, patch=2.4, spacing=1.3)


def random_problem(seed, num_handles=12, num_frames=5):
    rng = np.random.default_rng(seed)
    levers = rng.normal(size=(num_handles, 16)) + 0.5
    gram = levers @ levers.T / 16 + 0.5 * np.eye(num_handles)
    normals = rng.normal(size=(num_handles, num_frames, 3)) + [0, 0, 2.0]
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return gram, normals, rng.uniform(-1.0, 2.0, (num_handles, num_frames))


def test_pushes_are_those_of_the_exact_problem():
    """Against the active-set solver that training uses, frame by frame."""
    gram, normals, depths = random_problem(0)
    pushes = np.zeros(depths.shape)
    for _ in range(30):
        pushes = solve_pushes(gram, largest_stretch(gram), normals, depths, pushes)
    for frame in range(depths.shape[1]):
        give = gram * (normals[:, frame] @ normals[:, frame].T)
        left = give @ pushes[:, frame] - depths[:, frame]
        assert (pushes[:, frame] >= 0).all()
        assert left.min() > -0.03
        assert np.abs(left * pushes[:, frame]).max() < 0.03
        deep = depths[:, frame] > 0
        exact = _pushing_forces(give[np.ix_(deep, deep)], depths[deep, frame])
        if (give[:, deep] @ exact - depths[:, frame] > -0.05)[~deep].all():
            np.testing.assert_allclose(give[:, deep] @ exact, give @ pushes[:, frame], atol=0.15)


def test_each_frame_is_solved_by_itself():
    gram, normals, depths = random_problem(1)
    stretch, start = largest_stretch(gram), np.zeros(depths.shape)
    together = solve_pushes(gram, stretch, normals, depths, start)
    alone = solve_pushes(gram, stretch, normals[:, 2:3], depths[:, 2:3], start[:, 2:3])
    np.testing.assert_allclose(alone[:, 0], together[:, 2], atol=1e-10)


@pytest.mark.parametrize("spacing", [1.5, 3.0, 6.0])
def test_points_lie_equally_close_on_fine_and_coarse_skin(spacing):
    vertices, triangles, _ = face_patch(spacing)
    sides = np.sign(vertices[:, 1] + 24.0)
    away = np.abs(vertices[:, 1] + 24.0)
    everywhere = np.ones(len(vertices))
    zone = zone_around(
        vertices, triangles, sides, away, everywhere, everywhere > 0, REACH, least_side=0.1
    )
    points = zone.points @ zone.rest
    assert 800 < len(points) < 6000
    np.testing.assert_allclose(zone.points.sum(axis=1), 1.0)
    assert zone.gram.shape == (zone.num_handles,) * 2
    assert np.linalg.eigvalsh(zone.gram).min() > -1e-6
    assert np.diag(zone.gram).mean() == pytest.approx(1.0, abs=1e-5)
    normals = zone.normals_of(zone.rest[:, None])[:, 0]
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0)
    # What is pushed as one is of one side.
    patches = np.split(zone.sides, zone.starts[1:])
    assert all(len(set(patch)) == 1 for patch in patches)


def test_what_may_not_move_does_not_give_way():
    vertices, triangles, _ = face_patch(3.0)
    sides = np.sign(vertices[:, 1] + 24.0)
    away = np.abs(vertices[:, 1] + 24.0)
    mobility = np.where(vertices[:, 0] > 0, 0.0, 1.0)
    zone = zone_around(vertices, triangles, sides, away, mobility, away >= 0, REACH, 0.1)
    assert (vertices[zone.vertices, 0] <= 0).all()
    assert zone_around(vertices, triangles, sides, away, 0 * away, away >= 0, REACH, 0.1) is None


def test_dense_skin_gives_way_as_if_every_vertex_had_been_solved_for(monkeypatch):
    """Two sheets of 25 mm side by side, cut from one another: pushed on one, the other is still."""
    x, y = np.meshgrid(np.arange(0.0, 25.1, 0.4), np.arange(0.0, 25.1, 0.4))
    sheet = np.stack([x, y, 0.02 * x**2], axis=-1).reshape(-1, 3)
    place = np.arange(len(sheet)).reshape(x.shape)
    corners = [place[:-1, :-1], place[:-1, 1:], place[1:, 1:], place[1:, :-1]]
    a, b, c, d = (corner.ravel() for corner in corners)
    triangles = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    vertices = np.concatenate([sheet, sheet + [0.0, 25.1, 0.0]])
    both = np.concatenate([triangles, triangles + len(sheet)])
    everything, mobility = np.arange(len(vertices)), np.ones(len(vertices))
    pushed = np.array([place[31, 31], place[60, 20]])
    handles = sparse.identity(len(vertices), format="csr")[pushed]
    problem = vertices, both, everything, 0.0 * mobility, mobility, handles, 2.5
    on_nodes, gram = response.prepare_response(*problem)
    monkeypatch.setattr(response, "_WORTH_IT", np.inf)
    exact, exact_gram = response.prepare_response(*problem)
    assert len(on_nodes.at_nodes) < 0.2 * len(exact.at_nodes) == 0.2 * len(vertices)
    pushes = np.eye(2)[:, :, None] * np.ones(3)
    moved, expected = (r.moved(pushes)[..., 0] for r in (on_nodes, exact))
    np.testing.assert_allclose(moved, expected, atol=0.06 * expected.max())
    assert np.linalg.norm(moved - expected) < 0.03 * np.linalg.norm(expected)
    np.testing.assert_allclose(gram, exact_gram, atol=0.06 * exact_gram.max())
    assert not moved[len(sheet) :].any()
    # Smooth: neighbours move alike, as where all are solved for.
    steps, exact_steps = (np.abs(np.diff(m[place], axis=1)).max() for m in (moved, expected))
    assert steps < 1.15 * exact_steps


def test_clearances_from_a_sphere():
    centre = np.array([30.0, 20.0, -5.0])
    vertices, triangles = ball(centre, 12.0, num_rings=60, num_sectors=90)
    eye = EyeShape.of(vertices, triangles)
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(400, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    directions = directions[directions[:, 2] > -0.7]
    points = centre + directions * rng.uniform(9.0, 20.0, (len(directions), 1))
    measured, outward = eye.clearances(points)
    exact = np.linalg.norm(points - centre, axis=1) - 12.0
    np.testing.assert_allclose(measured, exact, atol=0.03)
    np.testing.assert_allclose(outward, directions, atol=1e-2)


def test_the_cornea_counts():
    vertices, triangles = ball(np.zeros(3), 12.0, num_rings=40, num_sectors=60)
    bulge, faces = ball(np.array([0.0, 0.0, 6.5]), 8.0, num_rings=40, num_sectors=60)
    both = np.concatenate([vertices, bulge])
    eye = EyeShape.of(both, np.concatenate([triangles, faces + len(vertices)]))
    front = np.array([[0.0, 0.0, 15.0], [13.0, 0.0, 0.0]])
    clearances = eye.clearances(front)[0]
    assert clearances[0] == pytest.approx(0.5, abs=0.1)
    assert clearances[1] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("winding", [1, -1])
def test_before_and_behind_a_row_of_teeth(winding):
    """A vertical plate, wound either way."""
    x, y = np.meshgrid(np.linspace(-20, 20, 21), np.linspace(0, 8, 5))
    vertices = np.stack([x, y, np.full_like(x, 30.0)], axis=-1).reshape(-1, 3)
    rows = np.arange(105).reshape(5, 21)
    quads = np.stack([rows[:-1, :-1], rows[:-1, 1:], rows[1:, 1:], rows[1:, :-1]], axis=-1)
    quads = quads.reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])[:, ::winding]
    skin = np.array([[-20.0, -5, 25], [20, 13, 36]])
    shape = ToothShape.of(vertices, triangles, np.array([0.0, 4, 0]), skin)
    heights, out = shape.heights_of(np.array([[0.0, 4, 32], [5, 4, 28.5], [0, -4, 28.5]]))
    assert heights[0] == pytest.approx(2.0, abs=0.1)
    assert heights[1] == pytest.approx(-1.5, abs=0.1)
    assert heights[2] > 0.9  # under the teeth there is nothing to run into
    np.testing.assert_allclose(out[0], [0, 0, 1], atol=1e-6)


def test_rigid_motion_is_found():
    rng = np.random.default_rng(5)
    rest = rng.normal(size=(9, 3)) * 20
    turns = Rotation.from_rotvec(rng.normal(size=(4, 3)) * 0.3).as_matrix()
    shifts = rng.normal(size=(4, 3))
    moved = np.einsum("txy,py->ptx", turns, rest) + shifts - rest[:, None]
    found_turns, found_shifts = rigid_motion(rest, moved)
    np.testing.assert_allclose(found_turns, turns, atol=1e-9)
    np.testing.assert_allclose(found_shifts, shifts, atol=1e-8)


def test_what_stands_off_the_eyeball_is_no_cornea():
    sphere = np.random.default_rng(3).normal(size=(200, 3))
    sphere *= 12.0 / np.linalg.norm(sphere, axis=1, keepdims=True)
    front = sphere[sphere[:, 2] > 9.0]
    assert lies_on_ball(1.1 * front, sphere)
    lashes = np.concatenate([front, 1.7 * front[:3]])
    assert not lies_on_ball(lashes, sphere)


def test_lids_lifted_off_the_eyeball_do_not_part_and_others_are_brought_back():
    """A closed eye, low on the eyeball: upper and lower rim, one vertex each."""
    rest = np.array([[0.0, -5.0, 11.0], [0.0, -5.0, 11.0]])[:, None]
    spread = np.array([[0.75], [-0.25]])
    opening = Opening(sparse.csr_matrix(np.eye(2)), spread, np.zeros(3))
    lifted = np.array([0.3, 0.0])[:, None, None] * rest
    np.testing.assert_allclose(opening.spread_of(-opening.widened(rest, lifted)), 0.0, atol=1e-12)
    raised = np.array([[0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])[:, None]
    kept = raised + opening.spread_of(-opening.widened(rest, raised))
    turned = (rest + raised)[0, 0], (rest + kept)[0, 0], (rest + kept)[1, 0]
    raised_to, upper, lower = (p[1] / p[2] for p in turned)
    assert abs(upper - lower) < 0.3 * abs(raised_to - rest[1, 0, 1] / rest[1, 0, 2])


def test_flat_triangles_of_coarse_lips_may_overlap_and_their_vertices_may_not():
    allowed = {}
    for spacing in (3.0, 6.0):
        vertices, triangles, _ = face_patch(spacing)
        sides, away = np.sign(vertices[:, 1] + 24.0), np.abs(vertices[:, 1] + 24.0)
        everywhere = np.ones(len(vertices))
        zone = zone_around(
            vertices, triangles, sides, away, everywhere, everywhere > 0, REACH, least_side=0.1
        )
        is_vertex = np.diff(zone.points.indptr) == 1
        contact = LipContact.of(zone, 1.0)
        assert contact.allowed[is_vertex].max() < 1e-9
        allowed[spacing] = np.median(contact.allowed[~is_vertex])
    assert allowed[6.0] > 3.0 * allowed[3.0] > 0.0
