"""What the shipped model promises; skipped where it has not been exported yet."""

from pathlib import Path

import numpy as np
import pytest

from facegen_core.bundle import load_bundle
from facegen_core.inference import Engine
from facegen_core.intensity import EXPRESSIONS, Envelope, sample_envelopes

PATH = Path(__file__).parent.parent.parent / "blender_addon" / "assets" / "default.facegen"
MAX_BYTES = 20 * 1024 * 1024
# Corners of envelopes between frames: measured 0.26 mm of 22 mm at 24 frames per second.
FRAME_RATE_TOLERANCE_MM = 0.4

pytestmark = pytest.mark.skipif(not PATH.exists(), reason="no default bundle has been exported")


@pytest.fixture(scope="module")
def engine():
    return Engine(load_bundle(PATH))


def held(engine: Engine, expression: str, intensity: float):
    """One frame of a held expression."""
    ramp = intensity * np.clip((np.arange(40) - 3) / 10, 0, 1)
    intensities = np.zeros((40, 6))
    intensities[:, EXPRESSIONS.index(expression)] = ramp
    motion = engine.generate(intensities, 30.0)
    return motion.skin[35], motion.jaw[35]


def test_it_fits_into_the_repository_and_says_where_it_comes_from():
    assert PATH.stat().st_size <= MAX_BYTES
    header = load_bundle(PATH).header
    assert header["licences"]["training_data"] == "MIT"
    assert "dirty" not in header["commit"]
    final = header["metrics"]["final"]
    assert final["model_mm"]["total"] < final["class_mean_mm"]["total"]
    assert 0.9 < final["apex_ratio"]["total"] < 1.1


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_more_intensity_is_more_motion_from_nothing_on(engine, expression):
    steps = (0.0, 0.1, 0.3, 0.5, 0.7, 0.85, 1.0)
    sizes = [np.linalg.norm(held(engine, expression, i)[0], axis=1).mean() for i in steps]
    assert sizes[0] == 0
    assert np.all(np.diff(sizes) > 0)
    assert sizes[-1] > 1.0  # mm, the whole skin included


def test_a_smile_lifts_and_widens_the_mouth_corners(engine):
    template = load_bundle(PATH).template
    skin, _ = held(engine, "happy", 1.0)
    moved = template.landmarks.positions(template.vertices + skin, template.triangles)
    right, left = (moved - template.landmark_positions)[[48, 54]]
    assert min(right[1], left[1]) > 3.0
    assert left[0] > 1.0 > -1.0 > right[0]


def test_surprise_opens_the_jaw_and_a_closed_face_does_not(engine):
    assert held(engine, "surprise", 1.0)[1][0] > 0.15
    assert abs(held(engine, "sad", 1.0)[1][0]) < 0.03


def test_a_smile_held_for_twenty_seconds_stays(engine):
    intensities = np.zeros((640, 6))
    intensities[:, 0] = np.interp(np.arange(640), [10, 20, 600, 620], [0, 1, 1, 0])
    skin = engine.generate(intensities, 30.0).skin
    assert np.abs(skin[590] - skin[60]).max() < 0.3
    assert not skin[620:].any()


@pytest.mark.parametrize("fps", [24, 25, 60])
def test_a_clip_moves_alike_at_every_frame_rate(engine, fps):
    def motion(rate):
        marks = np.array([1, 12, 30, 45]) * rate / 30
        frames = np.arange(round(1.6 * rate) + 1.0)
        return engine.generate(sample_envelopes([Envelope("happy", *marks)], frames), rate).skin

    reference, other = motion(120), motion(fps)
    for index in range(len(other)):
        fine = index * 120 / fps
        if fine == int(fine) and int(fine) < len(reference):
            distance = np.linalg.norm(other[index] - reference[int(fine)], axis=1).max()
            assert distance < FRAME_RATE_TOLERANCE_MM
