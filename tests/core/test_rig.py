"""A rig: its shapes sum to the apex that is generated, region by region."""

import numpy as np
import pytest

from facegen_core import pipeline, rig, rigging
from facegen_core.intensity import EXPRESSIONS, Envelope, sample_envelopes
from facegen_core.solving import SolveSettings, accuracy
from tests.core.sample_head import default_bundle, matched_sample_head

FRAMES = np.arange(1.0, 91.0)
HAPPY, MOUTH = EXPRESSIONS.index("happy"), rig.REGIONS.index("mouth")


@pytest.fixture(scope="module")
def bundle():
    return default_bundle()


@pytest.fixture(scope="module")
def alignment():
    return matched_sample_head()


@pytest.fixture(scope="module")
def made(alignment, bundle):
    return rigging.make_rig(alignment, bundle)


@pytest.fixture(scope="module")
def clip(alignment, bundle):
    events = (Envelope("happy", 1, 12, 30, 45), Envelope("surprise", 50, 60, 70, 85))
    return pipeline.generate(alignment, sample_envelopes(events, FRAMES), 30.0, bundle)


def test_the_shapes_of_an_expression_sum_to_its_generated_apex(alignment, bundle, made):
    for channel in (HAPPY, EXPRESSIONS.index("sad")):
        intensities, row = rig.apex_intensities(len(EXPRESSIONS), channel)
        apex = pipeline.generate(alignment, intensities, rig.APEX_RATE, bundle).displacements[row]
        distances = np.linalg.norm(made.apex(channel) - apex, axis=1)
        assert distances.max() * alignment.fit.similarity.scale < 0.01
        assert np.linalg.norm(apex, axis=1).max() > 3.0


def test_the_apex_is_held_long_enough_to_be_still(alignment, bundle):
    intensities, row = rig.apex_intensities(len(EXPRESSIONS), HAPPY)
    moved = pipeline.generate(alignment, intensities, rig.APEX_RATE, bundle).displacements
    size = np.linalg.norm(moved[row], axis=1).max()
    assert np.linalg.norm(moved[row + 1] - moved[row], axis=1).max() < 0.03 * size


def test_no_weight_is_exactly_the_neutral(made):
    weights = rig.driven_weights(made, np.zeros((2, 6)), np.ones((2, 3)))
    assert not np.tensordot(weights, made.shapes, axes=1).any()


def test_the_mouth_of_happy_leaves_the_brows_alone(alignment, made):
    (k,) = np.flatnonzero((made.channels == HAPPY) & (made.regions == MOUTH))
    reach = np.linalg.norm(made.shapes[k], axis=1)
    masks = rig.target_masks(alignment)
    np.testing.assert_allclose(masks.sum(axis=0), 1.0, atol=1e-9)
    assert reach[masks[rig.REGIONS.index("brows")] > 0.99].max(initial=0.0) < 0.05
    assert reach.max() > 3.0


def test_what_hardly_moves_gets_no_shape_and_is_not_lost(alignment):
    masks = rig.target_masks(alignment)
    apex = np.zeros((alignment.target.num_vertices, 3))
    apex[:, 1] = 5.0 * (masks[MOUTH] > 0.99) + 0.1 * (masks[0] > 0.99)
    made = rig.build_rig(alignment, 2, lambda channel: apex if channel else 0.0 * apex)
    assert made.channels.tolist() == [1] * made.num_shapes
    assert made.regions.tolist() == [MOUTH]
    assert np.abs(made.apex(1) - apex).max() < 1e-5


def test_drivers_multiply_and_stop_at_1(made):
    intensities, factors = np.zeros((1, 6)), np.array([[0.0, 1.0, 2.0]])
    intensities[0, HAPPY] = 0.8
    weights = rig.driven_weights(made, intensities, factors)[0]
    own = made.channels == HAPPY
    assert not weights[~own].any()
    expected = np.array([0.0, 0.8, 1.0])[made.regions[own]]
    np.testing.assert_allclose(weights[own], expected)


def test_curves_solved_against_the_clip_are_nearer_than_drivers(alignment, clip, made):
    areas = rig.face_areas(alignment)
    driven = rig.driven_weights(made, clip.intensities, np.ones((len(FRAMES), 3)))
    apart = accuracy(clip.displacements, made.shapes, driven, clip.mm_per_unit, areas)
    solved = rigging.solve_into(alignment, clip, made.shapes)
    assert solved.weights.min() >= 0.0
    assert solved.weights.max() <= 1.0
    assert solved.accuracy.mean_mm < 0.5 * apart.mean_mm
    assert solved.accuracy.mean_mm < 0.15
    assert solved.accuracy.max_mm < 2.5
    assert not solved.weights[~clip.intensities.any(axis=1)].any()


def test_every_area_counts_by_its_share_not_by_its_vertices(alignment):
    areas = rig.face_areas(alignment)
    np.testing.assert_allclose(sum(areas.values()), 1.0, atol=1e-6)
    importance = rig.vertex_importance(alignment, areas)
    lips = (importance * areas["the lips"]).sum()
    rest = (importance * areas["the rest of the head"]).sum()
    assert lips > 2.0 * rest
    assert areas["the rest of the head"].sum() > 2.0 * areas["the lips"].sum()


def test_shapes_of_the_mouth_are_told_by_what_they_move_or_by_name(alignment, made):
    masks = rig.target_masks(alignment)
    found = rig.is_of_mouth(made.shapes, masks)
    assert set(found) == set(np.flatnonzero(made.regions == MOUTH))
    names = ["viseme_aa"] + ["x"] * (made.num_shapes - 1)
    assert 0 in rig.is_of_mouth(made.shapes, masks, names)


def test_a_rig_plays_its_own_motion_with_smooth_weights(alignment, made, clip):
    settings = SolveSettings(smoothness=0.1, sparsity=0.002)
    solved = rigging.solve_into(alignment, clip, made.shapes, settings=settings)
    rough = np.abs(np.diff(solved.weights, 2, axis=0)).max()
    assert rough < 0.12
