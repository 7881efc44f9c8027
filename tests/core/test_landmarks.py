import json

import numpy as np
import pytest

from facegen_core.errors import LandmarkError
from facegen_core.landmarks import (
    MANUAL_LANDMARKS,
    MIN_MANUAL_LANDMARKS,
    Landmarks,
    check_manual_landmarks,
    read_landmark_file,
    write_landmark_file,
)

POINTS = {k: np.array([k, k * 0.5, -k], float) for k in MANUAL_LANDMARKS}


def test_landmarks_move_with_the_faces_they_lie_on():
    triangle = np.array([[0, 0, 0], [2, 0, 0], [0, 2, 0]], float)
    landmark = Landmarks(np.array([0]), np.array([[0.5, 0.25, 0.25]]))
    faces = np.array([[0, 1, 2]])
    frames = np.stack([triangle, triangle + [1, 2, 3]])
    np.testing.assert_allclose(
        landmark.positions(frames, faces), [[[0.5, 0.5, 0]], [[1.5, 2.5, 3]]]
    )


def test_the_points_asked_for_by_hand_are_enough():
    assert len(MANUAL_LANDMARKS) >= MIN_MANUAL_LANDMARKS
    check_manual_landmarks(POINTS)


def test_a_landmark_file_reads_back_what_was_written(tmp_path):
    path = tmp_path / "points.json"
    write_landmark_file(path, POINTS)
    read = read_landmark_file(path)
    assert read.keys() == POINTS.keys()
    np.testing.assert_array_equal([read[k] for k in POINTS], [POINTS[k] for k in POINTS])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        (json.dumps({"version": 9, "landmarks": {}}), "expected"),
        (json.dumps({"version": 1, "landmarks": {"8": [0, 0, 0]}}), "at least 13"),
        (json.dumps({"version": 1, "landmarks": {"nose": [0, 0, 0]}}), "number 0–67"),
        (json.dumps({"version": 1}), "number 0–67"),
    ],
)
def test_a_broken_landmark_file_is_refused_in_a_sentence(tmp_path, content, words):
    path = tmp_path / "points.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(LandmarkError, match=words):
        read_landmark_file(path)


def test_a_missing_landmark_file_is_named(tmp_path):
    with pytest.raises(LandmarkError, match=r"absent\.json"):
        read_landmark_file(tmp_path / "absent.json")


def test_points_that_cannot_be_a_face_are_refused():
    with pytest.raises(LandmarkError, match="Unknown landmark 99"):
        check_manual_landmarks({**POINTS, 99: np.zeros(3)})
    with pytest.raises(LandmarkError, match="one point"):
        check_manual_landmarks({k: np.ones(3) for k in POINTS})
    with pytest.raises(LandmarkError, match="finite"):
        check_manual_landmarks({**POINTS, 8: np.array([np.nan, 0, 0])})
    with pytest.raises(LandmarkError, match="Landmark 8 is not three finite numbers"):
        check_manual_landmarks({**POINTS, 8: np.zeros(2)})
