"""The recipe on the default bundle and its own head: what must be true at each door."""

import numpy as np
import pytest

from facegen_core import pipeline
from facegen_core.bundle import Bundle
from facegen_core.errors import CancelledError, IntensityError
from facegen_core.intensity import EXPRESSIONS, Envelope, sample_envelopes
from facegen_core.measure import measure_apexes
from facegen_core.registration.alignment import Alignment
from facegen_core.template import PART_MOTIONS
from tests.core.sample_head import default_bundle, matched_sample_head

FRAMES = np.arange(1.0, 86.0)
DEMO = (Envelope("happy", 1, 12, 30, 45), Envelope("surprise", 50, 56, 70, 85, 0.8))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return default_bundle()


@pytest.fixture(scope="module")
def alignment() -> Alignment:
    return matched_sample_head()


@pytest.fixture(scope="module")
def clip(alignment, bundle) -> pipeline.Clip:
    return pipeline.generate(alignment, sample_envelopes(DEMO, FRAMES), 30.0, bundle)


def test_the_template_matches_itself(alignment, bundle):
    fit = alignment.fit
    assert fit.residual.mean_mm < 0.05
    assert fit.similarity.scale == pytest.approx(1.0, abs=1e-3)
    assert np.abs(fit.neutral - bundle.template.vertices).max() < 0.3


def test_every_inner_part_of_the_sample_head_follows_as_it_should(alignment, bundle):
    motion_of = np.empty(alignment.target.num_vertices, object)
    for part in alignment.parts:
        motion_of[part.vertex_indices] = part.motion
    start = bundle.template.num_vertices
    for inner in bundle.template.inner_parts:
        end = start + len(inner.vertices)
        assert set(motion_of[start:end]) == {PART_MOTIONS[inner.name]}, inner.name
        start = end


def test_the_face_rests_exactly_where_the_curves_are_zero(clip):
    at_rest = ~clip.intensities.any(axis=1)
    assert at_rest[[0, -1]].all()
    assert not clip.displacements[at_rest].any()
    assert clip.displacements[~at_rest].any(axis=(1, 2)).all()


def test_zero_intensity_is_exactly_zero_motion(alignment, bundle):
    still = pipeline.generate(alignment, np.zeros((20, 6)), 30.0, bundle)
    assert not still.displacements.any()


def test_the_same_curves_make_the_same_clip(alignment, bundle, clip):
    again = pipeline.generate(alignment, sample_envelopes(DEMO, FRAMES), 30.0, bundle)
    np.testing.assert_array_equal(again.displacements, clip.displacements)


def test_a_smile_pulls_the_mouth_corners_up_and_outward(alignment, clip):
    happy = measure_apexes(alignment, clip)[0]
    assert happy.expression == "happy"
    assert happy.mouth_corners.up > 3.0
    assert happy.mouth_corners.outward > 3.0


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_higher_curve_never_moves_the_face_less(alignment, bundle, expression):
    amounts = []
    for intensity in (0.2, 0.4, 0.6, 0.8, 1.0):
        event = Envelope(expression, 0, 10, 14, 24, intensity)
        curves = sample_envelopes([event], np.arange(15.0))
        moved = pipeline.generate(alignment, curves, 30.0, bundle).displacements[14]
        amounts.append(np.linalg.norm(moved, axis=1).mean())
    assert (np.diff(amounts) > 0).all()


def test_eyeballs_and_upper_teeth_stay_and_lower_teeth_stay_rigid(alignment, clip):
    for part in alignment.parts:
        moved = clip.displacements[:, part.vertex_indices]
        if part.motion == "still":
            assert not moved.any()
        if part.kind == "lower_teeth":
            rest = alignment.target.vertices[part.vertex_indices]
            frame = rest + moved[np.abs(moved).sum(axis=(1, 2)).argmax()]
            before = np.linalg.norm(rest[::7, None] - rest[None, ::7], axis=-1)
            after = np.linalg.norm(frame[::7, None] - frame[None, ::7], axis=-1)
            assert np.abs(after - before).max() < 0.05
            assert np.abs(moved).max() > 1.0


def test_motion_is_smooth_in_time(clip):
    """No flicker: accelerations stay small beside the motion itself."""
    speed = np.linalg.norm(np.diff(clip.displacements, axis=0), axis=-1).max()
    acceleration = np.linalg.norm(np.diff(clip.displacements, n=2, axis=0), axis=-1).max()
    assert acceleration < 0.75 * speed


def test_contact_says_what_it_did_and_can_be_switched_off(alignment, bundle, clip):
    report = clip.contact
    assert report.before.lid_penetration_mm > report.after.lid_penetration_mm
    assert report.after.lip_penetration_mm < 0.2
    assert report.after.lid_penetration_mm < 0.2
    assert report.after.teeth_outside_mm <= report.before.teeth_outside_mm
    curves = sample_envelopes(DEMO, FRAMES)
    free = pipeline.generate(alignment, curves, 30.0, bundle, contact=False)
    assert free.contact is None
    changed = np.linalg.norm(clip.displacements - free.displacements, axis=2).max(axis=0)
    assert 0.05 < changed.max() < 5.0
    forehead = alignment.target.vertices[:, 1] > alignment.fit.landmarks[27, 1] + 30
    assert not changed[forehead].any()


def test_a_compact_bake_of_the_demo_needs_at_most_twelve_keys(clip):
    shapes = pipeline.bake(clip, "compact", 0.1)
    assert shapes.num_shapes <= 12
    assert shapes.max_error * clip.mm_per_unit <= 0.1
    errors = np.linalg.norm(shapes.rebuild() - clip.displacements, axis=-1)
    assert errors.max() * clip.mm_per_unit <= 0.1 + 1e-4


def test_a_bake_of_frames_is_exact(clip):
    shapes = pipeline.bake(clip, "frames")
    np.testing.assert_array_equal(shapes.rebuild(), clip.displacements)


def test_cancel_stops_the_work(bundle):
    def press_escape(fraction: float, message: str) -> None:
        if fraction > 0.1:
            raise CancelledError

    with pytest.raises(CancelledError):
        pipeline.match(bundle.template.whole_head(), bundle, progress=press_escape)


def test_an_empty_range_is_refused(alignment, bundle):
    with pytest.raises(IntensityError, match="empty"):
        pipeline.generate(alignment, np.zeros((0, 6)), 30.0, bundle)
