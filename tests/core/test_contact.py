"""Lips that do not interpenetrate and lids that ride on the eyeballs, on the default template."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from facegen_core.bundle import load_bundle
from facegen_core.contact import Contact
from facegen_core.contact.eyeball import Eyeball
from facegen_core.contact.yielding import _pushing_forces
from facegen_core.topology import edges_of
from tests.core.face_fixtures import lower_lip

PATH = Path(__file__).parent.parent.parent / "blender_addon" / "assets" / "default.facegen"
TOLERANCE_MM = 0.03

pytestmark = pytest.mark.skipif(not PATH.exists(), reason="no default bundle has been exported")


@pytest.fixture(scope="module")
def template():
    return load_bundle(PATH).template


@pytest.fixture(scope="module")
def inner(template):
    return {part.name: part.vertices for part in template.inner_parts}


@pytest.fixture(scope="module")
def contact(template, inner):
    return Contact.of(template, template.vertices, inner)


@pytest.fixture(scope="module")
def lip_lifted(template):
    """(5, V, 3): the lower lip rises 0 to 2.4 mm and ends deep in the upper one."""
    lift = lower_lip(template)[:, None] * [0.0, 1.0, 0.3]
    return (np.linspace(0, 2.4, 5)[:, None, None] * lift).astype(np.float32)


@pytest.fixture(scope="module")
def lid_sunk(template):
    """(4, V, 3): the left lids sink 0 to 3 mm into the eye."""
    lids = np.clip(template.regions["upper_lid_left"] + template.regions["lower_lid_left"], 0, 1)
    return (np.linspace(0, 3, 4)[:, None, None] * lids[:, None] * [0.0, 0.0, -1.0]).astype("f4")


def test_rest_is_left_alone(contact, template):
    rest = np.zeros((2, template.num_vertices, 3), np.float32)
    assert not contact.penetration(rest).any()
    assert not contact.resolve(rest).any()


def test_lips_end_touching_instead_of_overlapping(contact, lip_lifted):
    before = contact.lip_penetration_mm(lip_lifted)
    assert (np.diff(before) >= 0).all()
    assert before[-1] > 1.5
    resolved = contact.resolve(lip_lifted)
    assert contact.lip_penetration_mm(resolved).max() < TOLERANCE_MM
    assert contact.lip_closure(lip_lifted)[0] < 0.5
    assert contact.lip_closure(resolved)[-1] > 0.7


def test_both_lips_give_way(contact, template, lip_lifted):
    pushed = (contact.resolve(lip_lifted) - lip_lifted)[-1, :, 1]
    upper, lower = (template.regions[name] > 0.5 for name in ("upper_lip", "lower_lip"))
    assert pushed[upper].max() > 0.5
    assert pushed[lower].min() < -0.5
    assert 0.4 < pushed[upper].max() / -pushed[lower].min() < 2.5


def test_lips_that_part_are_not_touched(contact, lip_lifted):
    opened = -2.0 * lip_lifted
    np.testing.assert_array_equal(contact.resolve(opened), opened)
    assert contact.lip_closure(opened)[-1] == 0


def test_lids_ride_on_the_eyeball(contact, lid_sunk):
    before = contact.lid_penetration_mm(lid_sunk)
    assert before[-1] > 1.0
    resolved = contact.resolve(lid_sunk)
    assert contact.lid_penetration_mm(resolved).max() < TOLERANCE_MM


def test_no_lid_vertex_is_deeper_in_the_eyeball_than_at_rest(contact, template, inner, lid_sunk):
    """Against the triangles' own vertices, independent of how contact measures depth."""
    eyeball = inner["eyeball_left"].astype(np.float64)
    centre = eyeball.mean(axis=0)
    lid = template.regions["upper_lid_left"] > 0.8

    def clearances(positions):
        offsets = positions[lid] - centre
        lengths = np.linalg.norm(offsets, axis=1)
        away = eyeball - centre
        radii = np.linalg.norm(away, axis=1)
        nearest = cKDTree(away / radii[:, None]).query(offsets / lengths[:, None])[1]
        return lengths - radii[nearest]

    at_rest = clearances(template.vertices)
    sunk = clearances(template.vertices + lid_sunk[-1])
    resolved = clearances(template.vertices + contact.resolve(lid_sunk)[-1])
    outside = at_rest > 0.4
    assert outside.sum() > 20
    assert sunk[outside].min() < -0.5
    assert resolved[outside].min() > 0.1


def test_skin_gives_way_smoothly_and_only_nearby(contact, template, lip_lifted, lid_sunk):
    edges = edges_of(template.triangles)
    lengths = np.linalg.norm(np.subtract(*template.vertices[edges.T]), axis=1)
    far = template.vertices[:, 1] > template.landmark_positions[27, 1] + 45  # the upper skull
    for motion in (lip_lifted, lid_sunk):
        pushed = (contact.resolve(motion) - motion)[-1]
        assert not pushed[far].any()
        steps = np.linalg.norm(np.subtract(*pushed[edges.T]), axis=1) / lengths
        assert steps.max() < 1.0
        assert np.percentile(steps[steps > 1e-4], 95) < 0.4


def test_a_deeper_push_gives_way_continuously(contact, lip_lifted):
    lifts = np.linspace(0.4, 0.9, 16)[:, None, None] * lip_lifted[-1]
    pushed = contact.resolve(lifts.astype(np.float32)) - lifts
    steps = np.abs(np.diff(pushed, axis=0)).max(axis=(1, 2))
    assert steps.max() < 0.3  # mm, for 0.08 mm of lift: contacts come and go, skin does not jump


def test_an_eye_that_is_missing_holds_nothing_back(template, inner, lid_sunk):
    blind = Contact.of(template, template.vertices, {})
    np.testing.assert_allclose(blind.resolve(lid_sunk), lid_sunk, atol=1e-12)
    one_eyed = Contact.of(template, template.vertices, {"eyeball_right": inner["eyeball_right"]})
    assert not one_eyed.lid_penetration_mm(lid_sunk).any()


def test_the_same_motion_gives_the_same_answer(contact, lip_lifted):
    np.testing.assert_array_equal(contact.resolve(lip_lifted), contact.resolve(lip_lifted))
    alone = contact.resolve(lip_lifted[3:4])
    np.testing.assert_array_equal(alone[0], contact.resolve(lip_lifted)[3])


def test_clearances_from_a_sphere_are_the_exact_ones(contact):
    """480 points, as many as the template's proxy has."""
    k = np.arange(480) + 0.5
    polar, around = np.arccos(1 - 2 * k / 480), np.pi * (1 + 5**0.5) * k
    sphere = np.stack(
        [np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)], axis=1
    )
    own = contact.eyeballs[0]
    eyeball = Eyeball.of(own.skin, contact.neutral, own.centre + 14.0 * sphere)
    measured, outward = eyeball._clearances(contact.neutral)
    offsets = contact.neutral[own.skin.touching] - own.centre
    exact = np.linalg.norm(offsets, axis=1) - 14.0
    np.testing.assert_allclose(measured, exact, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(outward, axis=1), 1)


def test_forces_push_and_never_pull():
    rng = np.random.default_rng(0)
    for _ in range(50):
        levers = rng.normal(size=(12, 8)) + 1.0
        give = levers @ levers.T + 0.1 * np.eye(12)
        depths = rng.uniform(0.1, 2.0, 12)
        forces = _pushing_forces(give, depths)
        assert (forces >= 0).all()
        pushing = forces > 0
        assert pushing.any()
        moved = give @ forces
        softened = moved + 0.03 * np.diag(give) * forces
        np.testing.assert_allclose(softened[pushing], depths[pushing], rtol=1e-6)
