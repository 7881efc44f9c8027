"""A pose of one frame against the same frame of the whole clip, in millimetres."""

import numpy as np
import pytest

from facegen_core import pipeline
from facegen_core.bundle import Bundle
from facegen_core.errors import FacegenError, IntensityError, InvalidMeshError
from facegen_core.intensity import Envelope, sample_envelopes
from facegen_core.landmark_inference import Variation
from facegen_core.layered_motion import engine_of, landmark_engine_of
from facegen_core.layers import Layers
from facegen_core.registration.alignment import Alignment
from tests.core.sample_head import default_bundle, matched_sample_head

CURVES = sample_envelopes(
    (Envelope("happy", 2, 12, 30, 45), Envelope("surprise", 38, 46, 52, 60, 0.8)), np.arange(62.0)
)
ROWS = (0, 5, 20, 42, 50, 61)
# Nothing but rounding: products of one frame are summed in another order than those of many.
SAME_MM = 1e-4


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return default_bundle()


@pytest.fixture(scope="module")
def alignment() -> Alignment:
    return matched_sample_head()


def largest_mm(alignment: Alignment, one: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(one - other, axis=-1).max() * alignment.fit.similarity.scale)


@pytest.mark.parametrize("generator", ["lstm", "lm4dgan"])
@pytest.mark.parametrize("layered", [False, True])
def test_a_pose_is_the_frame_of_the_clip_without_contact(alignment, bundle, generator, layered):
    layers = None
    if layered:
        layers = Layers.constant(len(CURVES), (0.6, 1.0, 1.3), (0.1, 0.0, -0.1), 0.4)
    how = {"generator": generator, "variation": Variation(5), "layers": layers}
    clip = pipeline.generate(alignment, CURVES, 25.0, bundle, contact=False, **how)
    poser = pipeline.poser(alignment, bundle)
    for row in ROWS:
        pose = poser.pose(CURVES, 25.0, row, **how)
        assert pose.dtype == np.float32
        assert largest_mm(alignment, pose, clip.displacements[row]) < SAME_MM
    assert np.abs(clip.displacements[20]).max() > 1.0


def test_with_contact_a_pose_is_the_frame_of_the_whole_clip(alignment, bundle):
    clip = pipeline.generate(alignment, CURVES, 25.0, bundle)
    poser = pipeline.poser(alignment, bundle)
    left_out = 0.0
    for row in ROWS:
        pose = poser.pose(CURVES, 25.0, row, contact=True)
        assert largest_mm(alignment, pose, clip.displacements[row]) < SAME_MM
        free = poser.pose(CURVES, 25.0, row)
        left_out = max(left_out, largest_mm(alignment, free, clip.displacements[row]))
    # What live update leaves out shows at lids and lips only, by less than two millimetres.
    assert 0.02 < left_out < 2.0


def test_a_mask_weakens_a_pose_as_it_does_the_clip(alignment, bundle):
    mask = np.linspace(0.0, 1.0, alignment.target.num_vertices)
    mask[:100] = 0.0
    clip = pipeline.generate(alignment, CURVES, 25.0, bundle, mask=mask, contact=False)
    pose = pipeline.poser(alignment, bundle, mask).pose(CURVES, 25.0, 20)
    assert largest_mm(alignment, pose, clip.displacements[20]) < SAME_MM
    assert not pose[:100].any()
    with pytest.raises(InvalidMeshError):
        pipeline.poser(alignment, bundle, mask[1:])


def test_a_face_at_rest_is_posed_exactly_at_rest(alignment, bundle):
    poser = pipeline.poser(alignment, bundle)
    assert not poser.pose(CURVES, 25.0, 0).any()
    assert not poser.pose(np.zeros((30, 6)), 25.0, 7).any()


def test_two_heads_posed_in_turn_keep_their_own_faces(alignment, bundle):
    """What one takes is kept while the other is posed: each pose would else cost a second."""
    person = bundle.template.with_identity(np.linspace(-1.5, 1.5, 8))
    head = bundle.template.whole_head()
    vertices = np.concatenate([person, head.vertices[len(person) :]])
    other = pipeline.match(head.with_vertices(vertices), bundle)
    posers = [pipeline.poser(a, bundle) for a in (alignment, other)]
    first = [poser.pose(CURVES, 25.0, 20) for poser in posers]
    assert np.abs(first[0] - first[1]).max() > 0.1
    calls = []
    engine = engine_of(bundle)
    engine._transfer.to, kept = lambda neutral: calls.append(neutral), engine._transfer.to
    try:
        again = [poser.pose(CURVES, 25.0, 20) for poser in posers]
    finally:
        engine._transfer.to = kept
    assert not calls
    np.testing.assert_array_equal(first, again)


def test_curves_that_cannot_be_played_are_refused(alignment, bundle):
    poser = pipeline.poser(alignment, bundle)
    with pytest.raises(IntensityError):
        poser.pose(np.full((10, 6), 1.5), 25.0, 0)
    with pytest.raises(IntensityError):
        poser.pose(CURVES, 0.0, 0)
    with pytest.raises(IndexError):
        poser.pose(CURVES, 25.0, len(CURVES))
    with pytest.raises(FacegenError):
        poser.pose(CURVES, 25.0, 0, layers=Layers.constant(3, asymmetry=0.5))


def test_another_engine_makes_the_motion_of_clips_and_variations(alignment, bundle):
    """It is asked for all runs at once, and the rest of the way is the same to the last bit."""
    asked = []

    class Another:
        def motions(self, bundle, requests, progress):
            asked.append([request.variation.seed for request in requests])
            progress(1.0, "made")
            given = [(r.intensities, r.frames_per_second, r.neutral) for r in requests]
            return [
                landmark_engine_of(bundle).generate(*g, r.variation, r.rows)
                for g, r in zip(given, requests, strict=True)
            ]

    heard, how = [], {"generator": "lm4dgan", "variation": Variation(5), "contact": False}
    here = pipeline.generate(alignment, CURVES, 25.0, bundle, **how)
    there = pipeline.generate(
        alignment, CURVES, 25.0, bundle, lambda f, _: heard.append(f), engine=Another(), **how
    )
    np.testing.assert_array_equal(here.displacements, there.displacements)
    assert heard == sorted(heard)
    sheets = [
        pipeline.variations(alignment, CURVES, 25.0, bundle, (1, 2), num_pixels=16, engine=engine)
        for engine in (None, Another())
    ]
    np.testing.assert_array_equal(*sheets)
    assert asked == [[5], [1, 2]]
