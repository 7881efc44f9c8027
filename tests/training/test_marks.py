import numpy as np
import pytest

from facegen_core.errors import DatasetError
from training.datasets.marks import (
    Row,
    cut_take,
    derive_takes,
    marked_take,
    read_cuts,
    read_marks,
)

RATE = 30.0


def ramps(*corners: tuple[int, float]) -> np.ndarray:
    """(N,) piecewise linear motion in mm through (frame, value) corners."""
    frames, values = zip(*corners, strict=True)
    return np.interp(np.arange(frames[-1] + 1), frames, values)


def test_marks_are_where_the_motion_passes_a_tenth_and_nine_tenths():
    motion = ramps((0, 0), (10, 0), (30, 2), (50, 2), (70, 0), (80, 0))
    (take,) = derive_takes("clip", motion, RATE)
    marks = take.marks + take.frames[0]
    # 10 % of the way up is frame 12, 90 % frame 28; the way down mirrors them at 40.
    assert marks == pytest.approx([11, 28, 52, 69], abs=1)
    assert (take.frames[0], take.frames[-1]) == (marks[0] - 8, marks[3] + 8)


def test_a_baseline_that_is_not_zero_does_not_move_the_marks():
    motion = ramps((0, 0), (10, 0), (30, 2), (50, 2), (70, 0), (80, 0))
    plain, lifted = derive_takes("clip", motion, RATE)[0], derive_takes("c", motion + 0.7, RATE)[0]
    assert np.array_equal(plain.marks, lifted.marks)


def test_every_cycle_is_a_take_and_a_twitch_is_none():
    one = [(10, 0), (20, 3), (25, 3), (35, 0)]
    two = [(60, 0), (70, 2), (75, 2), (85, 0)]
    twitch = [(100, 0), (103, 0.8), (106, 0), (120, 0)]
    takes = derive_takes("clip", ramps((0, 0), *one, *two, *twitch), RATE)
    assert len(takes) == 2
    assert takes[0].frames[-1] < takes[1].frames[0]


def test_a_recording_that_ends_at_the_apex_returns_the_way_it_came():
    motion = ramps((0, 0), (10, 0), (30, 2), (35, 2))
    (take,) = derive_takes("clip", motion, RATE)
    assert np.array_equal(take.frames, take.frames[::-1])
    assert take.frames.max() == 35
    played = motion[take.frames]
    assert played[0] == played[-1] == 0
    assert played[int(take.marks[1]) : int(take.marks[2]) + 1].min() > 0.85 * 2


def test_a_recording_that_begins_at_the_apex_is_led_there_the_way_it_returns():
    motion = ramps((0, 2), (5, 2), (25, 0), (40, 0))
    (take,) = derive_takes("clip", motion, RATE)
    played = motion[take.frames]
    assert played[0] == 0
    assert played.max() == 2
    assert np.array_equal(take.frames, take.frames[::-1])
    assert list(take.marks) == sorted(take.marks)


def test_what_never_moves_or_is_too_short_is_refused():
    with pytest.raises(DatasetError, match=r"clip shows no expression.*0\.010 mm"):
        derive_takes("clip", ramps((0, 0), (20, 0.01), (40, 0)), RATE)
    with pytest.raises(DatasetError, match="clip has 4 frames, expected at least 5"):
        derive_takes("clip", np.array([0, 1, 1, 0.0]), RATE)


def test_given_marks_keep_rest_around_them_and_count_in_frame_numbers():
    numbers = np.arange(101, 161)
    take = marked_take("clip", Row("a", "b", (110, 120, 130, 140), 2), numbers, 4)
    assert (take.frames[0], take.frames[-1]) == (5, 43)
    assert (take.marks + take.frames[0] + 101).tolist() == [110, 120, 130, 140]
    with pytest.raises(DatasetError, match="outside the frames 101 to 160"):
        marked_take("clip", Row("a", "b", (110, 120, 130, 161), 2), numbers, 4)


def test_a_reversed_cut_is_played_from_rest_to_the_peak_and_back():
    motion = ramps((0, 3), (20, 3), (40, 0), (50, 0))
    numbers = np.arange(1, 52)
    take = cut_take("clip", Row("a", "b", (46, 16), 2), numbers, motion)
    assert take.frames[0] == take.frames[-1] == 45
    assert take.frames.min() == 15
    assert motion[take.frames[int(take.marks[1])]] >= 0.9 * 3
    assert len(take.frames) == 61
    assert take.marks[0] + take.marks[3] == take.marks[1] + take.marks[2] == 60


def test_a_cut_outside_the_recording_is_refused():
    with pytest.raises(DatasetError, match="the cut 5 to 60 lies outside the frames 1 to 51"):
        cut_take("clip", Row("a", "b", (5, 60), 2), np.arange(1, 52), np.zeros(51))


def write(path, text):
    path.write_text(text)
    return path


def test_marks_file(tmp_path):
    text = "subject, expression, onset, apex, apex_end, offset\nanna, smile, 1, 5, 9, 14\n"
    (row,) = read_marks(write(tmp_path / "marks.csv", text))
    assert (row.subject, row.expression, row.numbers) == ("anna", "smile", (1, 5, 9, 14))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("subject,expression,onset,apex\n", "lacks the column 'apex_end'"),
        ("subject,expression,onset,apex,apex_end,offset\n", "no lines below its header"),
        (
            "subject,expression,onset,apex,apex_end,offset\nanna,smile,9,5,6,7\n",
            "line 2: expected onset < apex <= apex_end < offset, got 9, 5, 6, 7",
        ),
        (
            "subject,expression,onset,apex,apex_end,offset\nanna,smile,1,two,6,7\n",
            "line 2: expected .* whole frame numbers",
        ),
        (
            "subject,expression,onset,apex,apex_end,offset\nanna,smile,1,2\n",
            "line 2: expected .* whole frame numbers",
        ),
    ],
)
def test_wrong_marks_files_are_refused_with_their_line(tmp_path, text, sentence):
    with pytest.raises(DatasetError, match=sentence):
        read_marks(write(tmp_path / "marks.csv", text))


def test_cuts_are_read_from_columns_and_from_the_public_naming(tmp_path):
    names = ("mouth_open", "open")
    rows = read_cuts(write(tmp_path / "a", "subject,expression,from,to\nX_TA,open,20,3\n"), names)
    assert (rows[0].expression, rows[0].numbers) == ("open", (20, 3))
    lines = "Face_1_TA_mouth_open_from_18_to_49\nFace_1_TA_mouth_open_from_90_to_60\n"
    rows = read_cuts(write(tmp_path / "b", lines), names)
    assert [(r.subject, r.expression, r.numbers) for r in rows] == [
        ("Face_1_TA", "mouth_open", (18, 49)),
        ("Face_1_TA", "mouth_open", (90, 60)),
    ]


def test_a_cut_of_an_unknown_expression_or_of_few_frames_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="line 1: expected SUBJECT_EXPRESSION_from_A_to_B"):
        read_cuts(write(tmp_path / "a", "Face_1_TA_grin_from_1_to_9\n"), ("mouth_open",))
    with pytest.raises(DatasetError, match="line 2: from 3 to 5 are too few frames"):
        read_cuts(write(tmp_path / "b", "subject,expression,from,to\nx,open,3,5\n"), ("open",))
