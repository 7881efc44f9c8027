"""Layers over the generated motion: what each does, in millimetres, with both generators."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from facegen_core import pipeline
from facegen_core.bundle import Bundle, load_bundle
from facegen_core.errors import IntensityError
from facegen_core.eye_motion import EyeMotion
from facegen_core.intensity import Envelope, in_between, sample_envelopes
from facegen_core.landmark_inference import Variation
from facegen_core.layers import Layers, plays_of
from facegen_core.registration.alignment import Alignment
from tests.blender.in_blender.toy_variations import with_variations
from tests.core.sample_head import aligned_sample_head

BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"
FPS = 30.0
SMILE = sample_envelopes([Envelope("happy", 4, 12, 22, 32)], np.arange(48.0))
GASP = sample_envelopes([Envelope("surprise", 4, 12, 22, 32)], np.arange(48.0))
APEX = 17
T = len(SMILE)
GENERATORS = ("lstm", "lm4dgan")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    shipped = load_bundle(BUNDLE)
    if shipped.landmark_model is not None:
        return shipped
    return with_variations(shipped, lambda name: importlib.import_module(f"facegen_core.{name}"))


@pytest.fixture(scope="module")
def alignment(bundle) -> Alignment:
    return aligned_sample_head(bundle)


@pytest.fixture(scope="module")
def motion(alignment, bundle):
    """{curves}(layers, generator): (T, V, 3) mm of the skin, as the artist's head moves."""

    def moved(curves=SMILE, layers=None, generator="lstm", **more):
        clip = pipeline.generate(
            alignment,
            curves,
            FPS,
            bundle,
            contact=False,
            generator=generator,
            layers=layers,
            **more,
        )
        return clip.displacements

    return moved


def lengths_at(bundle, motion, *landmarks):
    """(T, N) mm at landmarks of (T, M, 3), whose first V are the template's."""
    template = bundle.template
    skin = motion[:, : template.num_vertices]
    return np.linalg.norm(
        template.landmarks.positions(skin, template.triangles)[:, list(landmarks)], axis=2
    )


@pytest.mark.parametrize("generator", GENERATORS)
def test_neutral_layers_are_no_layers_to_the_last_bit(motion, generator):
    plain = motion(generator=generator)
    np.testing.assert_array_equal(motion(layers=Layers.constant(T), generator=generator), plain)


@pytest.mark.parametrize("generator", GENERATORS)
def test_layers_move_nothing_where_the_curves_are_zero(motion, generator):
    strong = Layers.constant(T, (2.0, 0.5, 1.5), (0.2, 0.0, -0.1), 0.7, 2.0)
    assert not motion(np.zeros_like(SMILE), strong, generator).any()
    shifted = Layers.constant(T, shifts=(0.0, 0.0, 0.1))
    moved = motion(layers=shifted, generator=generator).any(axis=(1, 2))
    assert moved.any()
    assert not moved[:5].any()
    assert not moved[32 + 3 :].any()


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_region_alone_leaves_the_others_at_rest(bundle, motion, generator):
    plain = lengths_at(bundle, motion(GASP, generator=generator), 19, 24, 48, 54, 57, 8)[APEX]
    only = Layers.constant(T, gains=(1.0, 0.0, 0.0))
    moved = lengths_at(bundle, motion(GASP, only, generator), 19, 24, 48, 54, 57, 8)[APEX]
    assert moved[:2] == pytest.approx(plain[:2], rel=0.35)
    assert moved[:2].min() > 1.0
    assert moved[2:].max() < 0.05
    only = Layers.constant(T, gains=(0.0, 0.0, 1.0))
    moved = lengths_at(bundle, motion(GASP, only, generator), 19, 24, 48, 54, 57, 8)[APEX]
    assert moved[2:] == pytest.approx(plain[2:], abs=0.05)
    assert moved[:2].max() < 0.2 * plain[:2].max()


def test_gains_are_read_frame_by_frame(motion):
    gains = np.ones((T, 3))
    gains[APEX:] = 0.5
    plain = motion()
    changed = motion(layers=Layers(gains, (0.0, 0.0, 0.0), np.zeros(T), np.ones(T)))
    np.testing.assert_array_equal(changed[:APEX], plain[:APEX])
    np.testing.assert_allclose(changed[APEX:], 0.5 * plain[APEX:], atol=0.4)
    assert np.abs(changed[APEX] - plain[APEX]).max() > 2.0


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_shift_makes_one_region_late_by_so_many_frames(bundle, motion, generator):
    frames = 6
    late = Layers.constant(T, shifts=(0.0, 0.0, frames / FPS))
    plain = lengths_at(bundle, motion(generator=generator), 48, 54, 37, 44)
    moved = lengths_at(bundle, motion(layers=late, generator=generator), 48, 54, 37, 44)
    corners, lids = slice(0, 2), slice(2, 4)
    np.testing.assert_allclose(moved[frames:, corners], plain[:-frames, corners], atol=0.7)
    assert np.abs(moved[:-frames, corners] - plain[:-frames, corners]).max() > 3.0
    np.testing.assert_allclose(moved[:, lids], plain[:, lids], atol=0.1)


def test_regions_of_one_shift_share_a_run():
    assert len(plays_of(None, SMILE, FPS)) == 1
    together = plays_of(Layers.constant(T, shifts=(0.1, 0.1, 0.1)), SMILE, FPS)
    assert [play.regions for play in together] == [(0, 1, 2)]
    np.testing.assert_allclose(together[0].intensities[3:], SMILE[:-3], atol=1e-12)
    apart = plays_of(Layers.constant(T, shifts=(0.1, 0.0, 0.1)), SMILE, FPS)
    assert [play.regions for play in apart] == [(0, 2), (1,)]
    half = plays_of(Layers.constant(T, shifts=(0.5 / FPS,) * 3), SMILE, FPS)[0].intensities
    np.testing.assert_allclose(half[1:], 0.5 * (SMILE[1:] + SMILE[:-1]), atol=1e-12)


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize(("asymmetry", "still", "moving"), [(1.0, 48, 54), (-1.0, 54, 48)])
def test_asymmetry_moves_one_side_only(bundle, motion, generator, asymmetry, still, moving):
    plain = lengths_at(bundle, motion(generator=generator), still, moving)[APEX]
    one_sided = Layers.constant(T, asymmetry=asymmetry)
    moved = lengths_at(bundle, motion(layers=one_sided, generator=generator), still, moving)[APEX]
    assert plain.min() > 5.0
    assert moved[0] < 0.12 * plain[0]
    assert moved[1] == pytest.approx(plain[1], rel=0.12)


def test_half_asymmetry_weakens_one_side_by_half(bundle, motion):
    plain = lengths_at(bundle, motion(), 48, 54)[APEX]
    moved = lengths_at(bundle, motion(layers=Layers.constant(T, asymmetry=0.5)), 48, 54)[APEX]
    assert moved[0] == pytest.approx(0.5 * plain[0], rel=0.1)
    assert moved[1] == pytest.approx(plain[1], rel=0.1)


def test_asymmetry_keeps_the_chin_on_the_teeth(alignment, bundle, motion):
    """A jaw has no side: both halves of the chin go with it, and teeth stay rigid."""
    moved = motion(GASP, Layers.constant(T, asymmetry=1.0))
    chin = lengths_at(bundle, moved, 7, 9)[APEX]
    assert chin[0] == pytest.approx(chin[1], rel=0.25)
    teeth = next(part for part in alignment.parts if part.kind == "lower_teeth").vertex_indices
    rest = alignment.target.vertices[teeth]
    there = rest + moved[APEX, teeth]
    spans = [np.linalg.norm(points - points[0], axis=1) for points in (rest, there)]
    np.testing.assert_allclose(spans[1], spans[0], atol=0.02)
    assert np.abs(moved[APEX, teeth]).max() > 1.0


def test_extremeness_scales_intensities_up_to_one_and_motion_beyond(motion):
    half = motion(layers=Layers.constant(T, extremeness=0.5))
    np.testing.assert_array_equal(half, motion(0.5 * SMILE))
    stronger = motion(layers=Layers.constant(T, extremeness=1.5))
    plain = motion()
    np.testing.assert_allclose(stronger[APEX].max(), 1.5 * plain[APEX].max(), rtol=0.1)
    assert not motion(layers=Layers.constant(T, extremeness=0.0)).any()


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_mouth_left_to_speech_rests_exactly(alignment, bundle, motion, generator):
    moved = motion(GASP, Layers.constant(T, leaves_mouth=True), generator)
    template = bundle.template
    lips = (template.regions["upper_lip"] > 0.99) | (template.regions["lower_lip"] > 0.99)
    assert not moved[:, : template.num_vertices][:, lips].any()
    teeth = next(part for part in alignment.parts if part.kind == "lower_teeth").vertex_indices
    assert not moved[:, teeth].any()
    assert lengths_at(bundle, moved, 19, 24)[APEX].min() > 1.0


def test_layers_lie_over_an_in_between_as_over_one_expression(bundle, motion):
    event = Envelope("happy", 4, 12, 22, 32)
    blend = sample_envelopes(in_between(event, "surprise", 0.4), np.arange(48.0))
    plain = lengths_at(bundle, motion(blend), 48, 54)[APEX]
    moved = lengths_at(bundle, motion(blend, Layers.constant(T, asymmetry=1.0)), 48, 54)[APEX]
    assert moved[1] > 0.85 * plain[1]
    assert moved[0] < 0.4 * plain[0]


def test_layers_lie_over_a_variation(motion):
    variation = Variation(7, 1.0)
    varied = motion(generator="lm4dgan", variation=variation)
    layers = Layers.constant(T, extremeness=1.5)
    stronger = motion(layers=layers, generator="lm4dgan", variation=variation)
    assert np.abs(stronger[APEX]).max() == pytest.approx(1.5 * np.abs(varied[APEX]).max(), rel=0.1)


def test_pictures_of_variations_show_the_layers(alignment, bundle):
    def pictures(layers):
        return pipeline.variations(
            alignment, SMILE, FPS, bundle, (0,), num_pixels=48, layers=layers
        )

    np.testing.assert_array_equal(pictures(Layers.constant(T)), pictures(None))
    assert (pictures(Layers.constant(T, gains=(1.0, 1.0, 0.0))) != pictures(None)).any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gains": (1.0, 2.5, 1.0)}, "factor of a region must be between 0 and 2, not 2.5"),
        ({"gains": (1.0, np.nan, 1.0)}, "factor of a region must be a number"),
        (
            {"shifts": (0.0, 0.0, 30.0)},
            "seconds a region is shifted by must be between -10 and 10, not 30",
        ),
        ({"asymmetry": -1.2}, "asymmetry must be between -1 and 1"),
        ({"extremeness": 3.0}, "extremeness must be between 0 and 2"),
    ],
)
def test_layers_out_of_range_are_refused(change, words):
    with pytest.raises(IntensityError, match=words):
        Layers.constant(T, **change)


def test_layers_of_other_frames_are_refused(motion):
    with pytest.raises(IntensityError, match="40 frames, the curves 48"):
        motion(layers=Layers.constant(40, extremeness=0.5))
    with pytest.raises(IntensityError, match="eyes have 3 frames"):
        Layers(np.ones((T, 3)), (0.0,) * 3, np.zeros(T), np.ones(T), EyeMotion.at_rest(3))
