"""Blinks and gaze on heads: shut lids, gaze in degrees, round eyeballs, nothing for nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from facegen_core import pipeline
from facegen_core.contact.eyeball import sphere_centre
from facegen_core.errors import BundleError
from facegen_core.eye_motion import EyeMotion
from facegen_core.gaze import eyeballs_of, find_eyeball, fit_ball, rotations, turn_eyeballs
from facegen_core.layers import Layers
from facegen_core.mesh import Mesh
from facegen_core.registration.alignment import vertices_moving
from tests.benchmarks.heads.eye_opening import EyeOpening
from tests.core.sample_head import default_bundle, matched_sample_head
from tests.core.welding import welded_together

FPS, RAMP = 30.0, 16


def layers_of(blink, gaze_degrees):
    eyes = EyeMotion(np.array(blink, float), np.deg2rad(np.array(gaze_degrees, float)))
    return dataclasses.replace(Layers.constant(len(blink)), eyes=eyes)


def played(expression, blink, gaze_degrees=None, alignment=None, **options):
    """The clip's frames after a ramp to the expression's apex, with blinks and gaze in them."""
    bundle = default_bundle()
    intensities = np.zeros((RAMP + len(blink), bundle.config.num_expressions))
    if expression:
        column = bundle.config.expressions.index(expression)
        intensities[:, column] = np.minimum(np.arange(len(intensities)) / RAMP, 1.0)
    still = [[0.0, 0.0]]
    blinks = still * RAMP + list(blink)
    looks = still * RAMP + list(still * len(blink) if gaze_degrees is None else gaze_degrees)
    clip = pipeline.generate(
        alignment or matched_sample_head(),
        intensities,
        FPS,
        bundle,
        layers=layers_of(blinks, looks),
        **options,
    )
    return clip, clip.displacements[RAMP:]


def open_shares(alignment, moved):
    """(T, 2) how much the right and the left eye see, of what they see at rest."""
    vertices = alignment.fit.similarity.apply(alignment.target.vertices)
    is_skin = np.zeros(len(vertices), bool)
    is_skin[vertices_moving(alignment.parts, "skin")] = True
    motion = alignment.fit.similarity.apply_vectors(moved)
    columns = []
    for side in ("right", "left"):
        centre = sphere_centre(alignment.fit.inner[f"eyeball_{side}"])
        near = is_skin & (np.linalg.norm(vertices - centre, axis=1) < 32.0)
        triangles = alignment.target.triangles
        opening = EyeOpening(centre, triangles[near[triangles].all(axis=1)])
        rest = opening.openness(vertices)
        columns.append([opening.openness(vertices + frame) / rest for frame in motion])
    return np.array(columns).T


@pytest.mark.parametrize("expression", [None, "happy", "surprise", "angry"])
def test_a_blink_shuts_the_eye_from_every_expression_and_not_through(expression):
    clip, moved = played(expression, [[0, 0], [1, 1]])
    before, shut = open_shares(matched_sample_head(), moved)
    assert before.min() > 0.5, "the eye was open"
    assert shut.max() < 0.03
    assert clip.contact.after.lid_penetration_mm < 0.2


def test_half_a_blink_half_closes_and_one_eye_leaves_the_other():
    _, moved = played(None, [[0, 0], [0.5, 0.5], [1, 0]])
    _, half, one = open_shares(matched_sample_head(), moved)
    assert half == pytest.approx([0.5, 0.5], abs=0.15)
    assert one[0] < 0.03
    assert one[1] == pytest.approx(1.0, abs=0.02)


def test_a_squint_needs_a_shorter_blink_than_wide_eyes():
    """The upper lid goes down by what is open, not by what a neutral eye would be."""
    upper = {}
    for expression in ("happy", "surprise"):
        _, moved = played(expression, [[0, 0], [1, 1]])
        template = matched_sample_head().template
        skin = moved[:, : template.num_vertices]
        at = template.landmarks.positions(skin, template.triangles)[:, [37, 38, 43, 44], 1]
        upper[expression] = float((at[0] - at[1]).mean())
    assert 1.0 < upper["happy"] < upper["surprise"] - 2.0


def test_the_cheeks_and_the_mouth_do_not_blink():
    _, moved = played(None, [[1, 1]])
    template = matched_sample_head().template
    at = template.landmarks.positions(moved[:, : template.num_vertices], template.triangles)
    assert np.linalg.norm(at[0, 48:68], axis=1).max() < 0.3


@pytest.mark.parametrize("degrees", [(12.0, 0.0), (-12.0, 0.0), (0.0, 10.0), (0.0, -10.0), (8, -6)])
def test_the_eyes_look_where_they_are_told_to_and_stay_round(degrees):
    _, moved = played(None, [[0, 0]], [degrees])
    alignment, vertices = matched_sample_head(), matched_sample_head().target.vertices
    for side in ("left", "right"):
        eyeball = find_eyeball(alignment, side)
        rest = vertices[eyeball.vertices]
        now = rest + moved[0][eyeball.vertices]
        arms, turned = rest - eyeball.centre, now - eyeball.centre
        matrix = np.linalg.lstsq(arms, turned, rcond=None)[0].T
        ahead = matrix @ [0.0, 0.0, 1.0]
        yaw, pitch = np.arctan2(ahead[0], ahead[2]), np.arcsin(ahead[1] / np.linalg.norm(ahead))
        assert np.rad2deg([yaw, pitch]) == pytest.approx(degrees, abs=0.1)
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-5)  # rigid
        np.testing.assert_allclose(arms @ matrix.T, turned, atol=1e-3)


def test_lids_follow_a_gaze_up_and_down():
    _, moved = played(None, [[0, 0]] * 3, [[0, 0], [0, 15], [0, -20]])
    template = matched_sample_head().template
    at = template.landmarks.positions(moved[:, : template.num_vertices], template.triangles)
    upper = at[:, [37, 38, 43, 44], 1].mean(axis=1)
    assert upper[1] > 1.0
    assert upper[2] < -3.0
    assert open_shares(matched_sample_head(), moved)[2].min() > 0.25, "looking down is not shutting"


def test_lids_keep_off_a_cornea_that_looks_aside():
    looks = [[25, 0], [-25, 0], [0, 15], [0, -20], [20, -15]]
    clip, _ = played(None, [[0, 0]] * len(looks), looks)
    assert clip.contact.after.lid_penetration_mm < 0.2
    assert clip.contact.before.lid_penetration_mm > 0.3, "there was something to keep off"


def test_eyes_at_rest_change_no_bit_and_frames_at_rest_none():
    bundle, alignment = default_bundle(), matched_sample_head()
    intensities = np.zeros((10, bundle.config.num_expressions))
    intensities[:, 0] = np.linspace(0, 1, 10)
    plain = pipeline.generate(alignment, intensities, FPS, bundle)
    resting = layers_of(np.zeros((10, 2)), np.zeros((10, 2)))
    again = pipeline.generate(alignment, intensities, FPS, bundle, layers=resting)
    assert np.array_equal(plain.displacements, again.displacements)
    blink = np.zeros((10, 2))
    blink[4] = 1.0
    blinking = pipeline.generate(
        alignment, intensities, FPS, bundle, layers=layers_of(blink, np.zeros((10, 2)))
    )
    others = np.arange(10) != 4
    assert np.array_equal(plain.displacements[others], blinking.displacements[others])
    assert not np.array_equal(plain.displacements[4], blinking.displacements[4])


def test_a_masked_eye_stays():
    alignment = matched_sample_head()
    mask = np.ones(alignment.target.num_vertices)
    left = find_eyeball(alignment, "left").vertices
    right = find_eyeball(alignment, "right").vertices
    mask[left] = 0.0
    moved = np.zeros((1, len(mask), 3), np.float32)
    assert turn_eyeballs(moved, alignment, np.deg2rad([[10.0, 0.0]]), mask) == 2
    assert not moved[:, left].any()
    assert np.abs(moved[:, right]).max() > 1.0


def test_a_posed_frame_is_the_clip_s():
    bundle, alignment = default_bundle(), matched_sample_head()
    intensities = np.full((3, bundle.config.num_expressions), 0.2)
    layers = layers_of([[0, 0], [0.4, 0.4], [0, 0]], [[0, 0], [6, -3], [0, 0]])
    clip = pipeline.generate(alignment, intensities, FPS, bundle, layers=layers, contact=False)
    posed = pipeline.poser(alignment, bundle).pose(intensities, FPS, 1, layers)
    np.testing.assert_allclose(posed, clip.displacements[1], atol=2e-4)


def test_a_model_without_shapes_says_so_in_one_sentence():
    bundle = dataclasses.replace(default_bundle(), face_shapes=None)
    intensities = np.zeros((2, bundle.config.num_expressions))
    layers = layers_of([[1, 1], [1, 1]], np.zeros((2, 2)))
    with pytest.raises(BundleError, match="no face shapes"):
        pipeline.generate(matched_sample_head(), intensities, FPS, bundle, layers=layers)
    with pytest.raises(BundleError, match="no face shapes"):
        pipeline.face_shapes(matched_sample_head(), bundle)


def test_a_ball_with_an_iris_dent_and_a_stalk_keeps_its_middle():
    generator = np.random.default_rng(2)
    points = generator.normal(size=(400, 3))
    points *= 12.0 / np.linalg.norm(points, axis=1, keepdims=True)
    points[points[:, 2] > 11.0, 2] -= 2.0  # a flat iris
    stalk = np.stack([np.zeros(40), np.zeros(40), -np.linspace(12, 30, 40)], axis=1)
    centre, radius = fit_ball(np.concatenate([points, stalk]) + [5.0, 6.0, 7.0])
    assert centre == pytest.approx([5.0, 6.0, 7.0], abs=0.15)
    assert radius == pytest.approx(12.0, abs=0.1)


def test_eyes_never_turn_about_the_line_of_sight():
    for turn in rotations(np.deg2rad([[20.0, 15.0], [-10.0, 5.0], [0.0, 0.0]])):
        axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        assert abs(axis[2]) < 1e-12


def test_baked_as_shapes_the_eyeballs_keep_their_size_to_the_tolerance():
    """A sum of shapes cuts the corner of a turn; a bake that keeps its word hides it."""
    swing = 15.0 * np.sin(np.linspace(0, 2 * np.pi, 20))
    clip, _ = played(None, [[0, 0]] * 20, np.stack([swing, 0.5 * swing], axis=1))
    baked = pipeline.bake(clip, "compact", 0.1)
    played_back = baked.weights @ baked.shapes.reshape(len(baked.shapes), -1)
    played_back = played_back.reshape(clip.displacements.shape)
    eyeball = find_eyeball(matched_sample_head(), "left")
    rest = matched_sample_head().target.vertices[eyeball.vertices]
    radii = [
        np.linalg.norm(rest + frame[eyeball.vertices] - eyeball.centre, axis=1)
        for frame in played_back
    ]
    assert np.abs(radii - np.linalg.norm(rest - eyeball.centre, axis=1)).max() < 0.1


def test_a_head_without_eyeballs_still_blinks():
    bundle = default_bundle()
    skin = Mesh.from_triangles(bundle.template.vertices, bundle.template.triangles)
    alignment = pipeline.match(skin, bundle)
    assert find_eyeball(alignment, "left") is None
    _, moved = played(None, [[0, 0], [1, 1]], [[10, 0], [0, 0]], alignment)
    assert open_shares(alignment, moved)[1].max() < 0.03


def test_eyeballs_welded_to_the_skin_turn_as_rigidly():
    bundle = default_bundle()
    alignment = pipeline.match(welded_together(bundle.template.whole_head()), bundle)
    eyeballs = eyeballs_of(alignment)
    assert set(eyeballs) == {"left", "right"}
    assert any(part.is_welded for part in alignment.parts if part.kind == "eyeball_left")
    moved = np.zeros((1, alignment.target.num_vertices, 3), np.float32)
    turn_eyeballs(moved, alignment, np.deg2rad([[10.0, 0.0]]))
    for side, loose in eyeballs_of(matched_sample_head()).items():
        ball = eyeballs[side]
        assert np.linalg.norm(ball.centre - loose.centre) < 0.5
        rest = alignment.target.vertices[ball.vertices]
        now = rest + moved[0, ball.vertices]
        apart = np.linalg.norm(rest[1:] - rest[0], axis=1)
        assert np.linalg.norm(now[1:] - now[0], axis=1) == pytest.approx(apart, abs=1e-3)
        front = rest[:, 2] > ball.centre[2] + 0.97 * ball.radius
        assert moved[0, ball.vertices[front], 0].mean() == pytest.approx(2.6, abs=0.4)
