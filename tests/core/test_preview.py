"""Small pictures of a head: which moments they show, and that they show what the face does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facegen_core.bundle import Bundle, load_bundle
from facegen_core.inference import Engine
from facegen_core.intensity import EXPRESSIONS, Envelope, sample_envelopes
from facegen_core.mesh import Mesh
from facegen_core.preview import (
    MAX_PICTURES,
    NUM_PIXELS,
    PICTURES_PER_SECOND,
    Sitter,
    apex_picture,
    picture_frames,
    sit,
)
from facegen_core.preview_colours import part_colours
from facegen_core.registration.alignment import Alignment, Correspondence, Fit, Residual, Similarity
from facegen_core.template import Template
from tests.sphere_template import sphere_template

BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"
REST = np.zeros(6, np.float32)


def fitted(template: Template, landmarks: np.ndarray | None = None) -> Alignment:
    """The template as if it had been found on itself."""
    places = template.landmark_positions if landmarks is None else landmarks
    inner = {part.name: np.asarray(part.vertices) for part in template.inner_parts}
    residual = Residual.from_distances(np.zeros(1))
    fit = Fit(Similarity.identity(), np.zeros(1), template.vertices, inner, places, residual)
    nowhere = Correspondence(np.zeros(0, int), np.zeros((0, 3)), np.zeros(0))
    head = Mesh.from_triangles(template.vertices, template.triangles)
    return Alignment(template, head, fit, nowhere, ())


def event(*marks: float, num_frames: int) -> np.ndarray:
    return sample_envelopes([Envelope("happy", *marks)], np.arange(float(num_frames)))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(BUNDLE)


@pytest.fixture(scope="module")
def sitter(bundle) -> Sitter:
    return sit(fitted(bundle.template), bundle.template.jaw_pivot)


@pytest.fixture(scope="module")
def apexes(bundle, sitter) -> dict[str, np.ndarray]:
    """{expression: (96, 96, 4) picture of its apex}, and of the neutral face."""
    engine = Engine(bundle)
    pictures = {"neutral": sitter.picture(np.zeros((bundle.template.num_vertices, 3)), REST)}
    for name in EXPRESSIONS:
        curves = sample_envelopes([Envelope(name, 0, 10, 14, 24)], np.arange(15.0))
        motion = engine.generate(curves, 30.0)
        pictures[name] = sitter.picture(motion.skin[14], motion.jaw[14])
    return pictures


def test_pictures_follow_the_curves_at_their_own_pace():
    frames = picture_frames(event(20, 30, 45, 80, num_frames=120), 30.0)
    assert frames[0] == 20  # the last frame of rest
    assert frames[-1] == 80
    steps = np.diff(frames)
    assert steps.mean() == pytest.approx(30.0 / PICTURES_PER_SECOND, abs=0.15)
    assert steps.max() - steps.min() <= 1


def test_few_frames_a_second_are_all_shown():
    np.testing.assert_array_equal(
        picture_frames(event(2, 4, 6, 9, num_frames=12), 8.0), np.arange(2, 10)
    )


def test_of_a_long_take_the_liveliest_stretch_is_shown():
    weak, strong = Envelope("sad", 0, 300, 600, 900, 0.2), Envelope("fear", 1200, 1215, 1260, 1280)
    curves = sample_envelopes([weak, strong], np.arange(1800.0))
    frames = picture_frames(curves, 30.0)
    assert len(frames) == MAX_PICTURES
    assert frames[0] <= 1201 < 1279 <= frames[-1]
    assert np.ptp(frames) / 30.0 <= MAX_PICTURES / PICTURES_PER_SECOND


def test_a_face_at_rest_has_one_picture():
    assert picture_frames(np.zeros((40, 6)), 30.0).tolist() == [0]


def test_the_apex_is_the_middle_of_where_the_curves_are_highest():
    assert apex_picture(event(0, 10, 20, 30, num_frames=31)) == 15
    assert apex_picture(np.zeros((1, 6))) == 0


def test_a_picture_is_a_face_on_nothing(apexes):
    neutral = apexes["neutral"]
    assert neutral.shape == (NUM_PIXELS, NUM_PIXELS, 4)
    assert neutral.dtype == np.uint8
    middle, edge = slice(30, 66), slice(0, 2)
    assert (neutral[middle, middle, 3] == 255).all()
    assert not neutral[40:, edge, 3].any()
    assert neutral[middle, middle, :3].mean() > 90


def test_the_key_light_comes_from_the_upper_left(apexes):
    brightness = apexes["neutral"][..., :3].sum(axis=2, dtype=int)
    assert brightness[20:70, 30:44].mean() > 1.1 * brightness[20:70, 52:66].mean()


def test_eyes_have_dark_pupils_between_whites(apexes, bundle):
    brightness = apexes["neutral"][..., :3].mean(axis=2)
    eyes = brightness[20:32]
    for half in (eyes[:, 20:46], eyes[:, 50:76]):
        assert half.min() < 70
        assert half.max() > 150


def test_what_does_not_move_looks_the_same_twice(sitter, bundle, apexes):
    still = np.zeros((bundle.template.num_vertices, 3), np.float32)
    np.testing.assert_array_equal(sitter.picture(still, REST), apexes["neutral"])
    both = sitter.pictures(np.stack([still, still]), np.stack([REST, REST]))
    np.testing.assert_array_equal(both, np.stack([apexes["neutral"]] * 2))


def test_each_expression_can_be_told_from_every_other(apexes):
    """A smile is not a sneer: the pictures differ by as much as each does from the neutral."""
    seen = {name: picture[..., :3].astype(float) for name, picture in apexes.items()}
    for name in EXPRESSIONS:
        assert np.abs(seen[name] - seen["neutral"]).mean() > 2.0
        for other in EXPRESSIONS:
            if other != name:
                assert np.abs(seen[name] - seen[other]).mean() > 2.0, (name, other)


def test_a_jaw_that_drops_takes_the_lower_teeth_along(sitter, bundle):
    """Seen through the skin, which is left out: the teeth go down by as much as the jaw."""
    still = np.zeros((bundle.template.num_vertices, 3), np.float32)
    far = still - np.array([0.0, 0.0, 400.0], np.float32)  # all skin behind all else
    drop = np.array([0, 0, 0, 0, -15.0, 0], np.float32)
    shut, opened = (sitter.picture(far, pose)[..., :3].sum(axis=2) for pose in (REST, drop))
    moved = np.flatnonzero((shut != opened).any(axis=1))
    pixels_per_mm = NUM_PIXELS / sitter.height_mm
    assert np.ptp(moved) > 15 * pixels_per_mm
    eyes = slice(0, 36)
    np.testing.assert_array_equal(shut[eyes], opened[eyes])


@pytest.mark.parametrize("name", ["upper_teeth", "lower_teeth"])
def test_teeth_stand_in_gums_of_another_colour(name, bundle):
    part = next(part for part in bundle.template.inner_parts if part.name == name)
    is_gum = (part_colours(part)[:, 1] < 0.5 * part_colours(part)[:, 0]).astype(bool)
    assert 0.1 < is_gum.mean() < 0.5
    towards_the_bite = -1.0 if name == "upper_teeth" else 1.0
    at_the_front = part.vertices[:, 2] > part.vertices[:, 2].max() - 10.0
    heights = towards_the_bite * part.vertices[:, 1]
    assert heights[at_the_front & ~is_gum].max() > heights[at_the_front & is_gum].max() + 4.0


def test_teeth_and_gums_in_one_piece_have_the_colour_of_teeth(bundle):
    part = next(part for part in bundle.template.inner_parts if part.name == "upper_teeth")
    joined = np.column_stack([np.arange(len(part.vertices) - 2) + k for k in range(3)])
    colours = part_colours(replace(part, triangles=joined))
    np.testing.assert_array_equal(colours, colours[:1].repeat(len(colours), axis=0))


def test_a_template_without_eyes_is_drawn_all_the_same():
    template = sphere_template()
    landmarks = np.zeros((68, 3))
    landmarks[17:27, 1], landmarks[8, 1], landmarks[36:48, 2] = 30.0, -60.0, 60.0
    drawn = sit(fitted(template, landmarks), template.jaw_pivot)
    neutral = drawn.picture(np.zeros_like(template.vertices), REST)
    assert (neutral[40:60, 40:60, 3] == 255).all()
    lifted = np.zeros_like(template.vertices)
    lifted[:, 1] = 10.0
    moved = drawn.picture(lifted, REST)
    assert (moved != neutral).any()
