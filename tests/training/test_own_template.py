"""A template of another topology, from neutrals alone: a complete one is carried over to it.

The topology is FLAME's in structure (3,931 vertices of head, two eyeballs of 546), its faces are
those of the default bundle, so every place that is carried over is known.
"""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facegen_core.errors import DatasetError
from facegen_core.mesh import Mesh
from facegen_core.registration import register
from facegen_core.template_arrays import template_arrays, template_from_arrays
from facegen_core.topology import vertex_components
from tests.sphere_template import open_sphere
from tests.training.recorded_faces import FLAME_HEAD_VERTICES, actor, template
from training.preparation.head_motion import fit_rigid, head_motion, still_vertices
from training.template_building.own_template import (
    build_own_template,
    coefficients,
    identity_basis,
    level_factor,
)

TURN = Rotation.from_rotvec([0.3, -0.8, 0.2])
SUBJECTS = tuple("ABCDEF")
TRAINING = SUBJECTS[:4]


@pytest.fixture(scope="module")
def people():
    return {
        name: actor(k, FLAME_HEAD_VERTICES, has_eyeballs=True) for k, name in enumerate(SUBJECTS)
    }


@pytest.fixture(scope="module")
def neutrals(people):
    """As files have them: turned, far from the origin, each a little otherwise."""
    rng = np.random.default_rng(0)
    return {
        name: (TURN * Rotation.from_rotvec(0.05 * rng.normal(size=3))).apply(person.vertices)
        + [100.0, 1500.0, -50.0]
        for name, person in people.items()
    }


@pytest.fixture(scope="module")
def own(people, neutrals):
    return build_own_template(neutrals, TRAINING, people["A"].triangles, template())


def test_the_data_comes_to_lie_in_the_template_s_frame(own, people):
    assert own.residual_mm < 0.2
    for name, person in people.items():
        offsets = own.neutrals[name] - person.vertices
        assert np.linalg.norm(offsets.mean(axis=0)) < 5.0
        turn = Rotation.from_matrix(fit_rigid(person.vertices, own.neutrals[name]).rotation)
        assert turn.magnitude() < np.radians(6.0)  # heads differ, and with them what is upright
    mean = np.mean([own.neutrals[name] for name in TRAINING], axis=0)
    np.testing.assert_allclose(own.template.vertices, mean, atol=1e-3)


def test_landmarks_come_to_lie_where_they_are_on_the_face(own, people):
    """Against the landmarks of the actors themselves, in the same frame."""
    complete = template()
    whole = [
        complete.with_identity(np.random.default_rng(SUBJECTS.index(n)).normal(size=30))
        for n in TRAINING
    ]
    truth = np.mean(
        [
            fit_rigid(people[n].vertices, own.neutrals[n]).apply(
                complete.landmarks.positions(vertices, complete.triangles)
            )
            for n, vertices in zip(TRAINING, whole, strict=True)
        ],
        axis=0,
    )
    errors = np.linalg.norm(own.template.landmark_positions - truth, axis=1)
    assert errors[17:].mean() < 1.0  # brows, nose, eyes, lips; the jaw line slides
    assert errors[36:].max() < 2.5
    corners = own.template.triangles[own.template.landmarks.triangle_indices]
    assert corners.max() < FLAME_HEAD_VERTICES  # on skin, never on an eyeball


def test_regions_are_those_of_the_same_places(own, people):
    rows = people["A"].rows[:FLAME_HEAD_VERTICES]
    for name, values in own.template.regions.items():
        truth = template().regions[name][rows]
        skin = values[:FLAME_HEAD_VERTICES]
        assert np.abs(skin - truth).mean() < 0.03, name
    for side, start in (("left", FLAME_HEAD_VERTICES), ("right", FLAME_HEAD_VERTICES + 546)):
        eyeball = slice(start, start + 546)
        assert np.all(own.template.regions[f"eye_socket_{side}"][eyeball] == 1)
        assert np.all(own.template.regions["face"][eyeball] == 0)


def test_teeth_eyes_and_jaw_come_along(own):
    complete = template()
    for part in complete.inner_parts:
        mine = own.template.inner_part(part.name)
        assert np.array_equal(mine.triangles, part.triangles)
        middle = mine.vertices.mean(axis=0) - part.vertices.mean(axis=0)
        assert np.linalg.norm(middle) < 6.0, part.name
    assert np.linalg.norm(own.template.jaw_pivot - complete.jaw_pivot) < 6.0
    # The proxies lie where the topology's own eyeballs are, also when the identity changes.
    for side, start in (("left", FLAME_HEAD_VERTICES), ("right", FLAME_HEAD_VERTICES + 546)):
        for mode in (None, 0, 1):
            part = own.template.inner_part(f"eyeball_{side}")
            shape, proxy = own.template.vertices, part.vertices
            if mode is not None:
                shape = shape + own.template.identity_basis[mode]
                proxy = proxy + part.identity_basis[mode]
            centre = shape[start : start + 546].mean(axis=0)
            assert np.linalg.norm(proxy.mean(axis=0) - centre) < 2.5


def test_identity_is_what_the_training_subjects_differ_by(own):
    assert len(own.template.identity_basis) == len(TRAINING) - 1
    known = np.stack([own.identities[name] for name in TRAINING])
    np.testing.assert_allclose(known.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(known.std(axis=0, ddof=1), 1, atol=1e-3)
    for name in TRAINING:
        rebuilt = own.template.with_identity(own.identities[name])
        np.testing.assert_allclose(rebuilt, own.neutrals[name], atol=0.01)
    for name in SUBJECTS[4:]:  # unseen ones as near as those modes allow
        rebuilt = own.template.with_identity(own.identities[name])
        left = np.linalg.norm(rebuilt - own.neutrals[name])
        assert left < np.linalg.norm(own.template.vertices - own.neutrals[name])


def test_the_hierarchy_is_coma_s_and_keeps_the_eyeballs(own):
    assert own.template.hierarchy.sizes == (5023, 1256, 314, 79, 20)
    for level in own.template.hierarchy.levels:
        components = vertex_components(level.triangles, len(level.vertices))
        assert len(np.unique(components)) == 3


def test_it_is_a_template_a_bundle_can_hold(own):
    again = template_from_arrays(template_arrays(own.template))
    assert np.array_equal(again.identity_basis, own.template.identity_basis)


def test_it_is_found_in_an_artist_s_head(own):
    """No skin follows an eyeball, and lips and eyes are where they are."""
    complete = template()
    coefficients_of_head = np.random.default_rng(21).normal(size=30)
    vertices = complete.with_identity(coefficients_of_head)
    alignment = register(own.template, Mesh.from_triangles(0.01 * vertices, complete.triangles))
    assert alignment.fit.residual.mean_mm < 1.0
    truth = complete.landmarks.positions(vertices, complete.triangles)
    found = alignment.fit.similarity.apply_inverse(alignment.fit.landmarks) / 0.01
    assert np.linalg.norm(found - truth, axis=1)[36:].mean() < 2.0
    triangles = alignment.correspondence.triangle_indices
    matched = own.template.triangles[triangles[triangles >= 0]]
    assert matched.max() < FLAME_HEAD_VERTICES


# ---- the small parts ------------------------------------------------------------------------


def test_modes_are_orthogonal_standard_deviations_strongest_first():
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(60, 2)))[0].T
    weights = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]])
    shapes = [(5 + w @ directions).reshape(20, 3) for w in weights]
    basis = identity_basis(shapes).reshape(-1, 60)
    assert len(basis) == 2
    np.testing.assert_allclose(
        np.linalg.norm(basis, axis=1), [np.sqrt(8 / 3), np.sqrt(2 / 3)], rtol=1e-5
    )
    np.testing.assert_allclose(np.abs(basis @ directions.T)[[0, 1], [1, 0]], 0, atol=1e-6)


def test_coefficients_rebuild_a_shape_in_the_span(own):
    wanted = np.array([0.5, -1.2, 2.0])
    found = coefficients(own.template, own.template.with_identity(wanted))
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def test_levels_are_the_paper_s_for_large_meshes_and_coma_s_for_its_own():
    assert [level_factor(size) for size in (28431, 13863, 5023, 800)] == [5, 5, 4, 3]


def test_the_head_is_held_still_by_its_skull_whatever_the_face_does(own):
    still = still_vertices(own.template)
    neutral = own.neutrals["A"]
    moved = Rotation.from_rotvec([0.05, 0.1, -0.02]).apply(neutral) + [8.0, -3.0, 5.0]
    face = own.template.regions["face"] > 0.5
    moved[face] += [0.0, -15.0, 0.0]
    back = head_motion(moved, neutral, still).apply(moved)
    assert np.abs(back - neutral)[~face].max() < 0.1


def test_one_face_for_everybody_is_refused(people):
    same = {name: people["A"].vertices for name in SUBJECTS}
    with pytest.raises(DatasetError, match="4 training subjects are one and the same mesh"):
        build_own_template(same, TRAINING, people["A"].triangles, template())


def test_a_mesh_without_a_face_is_refused_and_asks_for_landmarks():
    vertices, triangles = open_sphere(40, 50)
    rng = np.random.default_rng(0)
    balls = {name: vertices * (1 + 0.1 * rng.random(3)) for name in SUBJECTS}
    with pytest.raises(DatasetError, match=r"No face was found in the mean neutral.*--landmarks"):
        build_own_template(balls, TRAINING, triangles, template())


def test_a_topology_without_spirals_is_refused_by_its_vertices(people):
    person = people["A"]
    loose = np.vstack([person.vertices, [[0, 0, 0.0]]])
    with pytest.raises(DatasetError, match="cannot be trained on: No face uses vertex 5023"):
        build_own_template({"A": loose}, ("A",), person.triangles, template())


def test_landmarks_by_hand_take_the_place_of_the_search(people, neutrals):
    """Also where the search would fail: here they come from the actor's own face."""
    complete = template()
    first = complete.with_identity(np.random.default_rng(0).normal(size=30))
    placed = fit_rigid(people["A"].vertices, neutrals["A"]).apply(
        complete.landmarks.positions(first, complete.triangles)
    )
    numbers = (36, 39, 42, 45, 19, 24, 30, 33, 48, 54, 51, 57, 8)
    by_hand = {number: placed[number] for number in numbers}
    own = build_own_template(
        {n: neutrals[n] for n in "ABC"}, tuple("ABC"), people["A"].triangles, complete, by_hand
    )
    found = fit_rigid(neutrals["A"], own.neutrals["A"]).apply(placed)
    mine = own.template.landmarks.positions(own.neutrals["A"], own.template.triangles)
    assert np.linalg.norm(mine - found, axis=1)[list(numbers)].mean() < 2.0
