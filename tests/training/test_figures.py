"""Pictures of faces and the figures of the evaluation."""

import struct

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.image import imread

from facegen_core.errors import TopologyMismatchError
from tests.sphere_template import open_sphere, sphere_template
from training.figures import cost_growth, heat_maps, interpolation, motion_frames, phase_errors
from training.figures.drawing import View, draw_face, head_view
from training.figures.faces import face_sheet
from training.figures.inner_parts import posed_parts, skin_colours
from training.figures.style import SYSTEM_COLOURS, save_png, system_styles

SPHERE, TRIANGLES = open_sphere()
SIZE = (60, 80)
WHITE = 255


def png_size(path) -> tuple[int, int]:
    """Width and height from the header of a PNG."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", content[16:24])


def has_colour(path, colour: str) -> bool:
    """Whether some pixel of a PNG is close to a colour like '#0072B2'."""
    wanted = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return bool((np.abs(imread(path)[..., :3] - wanted).max(axis=-1) < 0.04).any())


def test_a_sphere_is_drawn_round_in_the_middle_and_lit_from_the_upper_left():
    picture = draw_face(SPHERE, TRIANGLES, size=(81, 81), view=View((0, 0, 0), 400.0))
    assert picture.shape == (81, 81, 3)
    assert picture.dtype == np.uint8
    seen = (picture < WHITE).any(axis=2)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    # A radius of 80 mm where the picture covers 400 mm; perspective takes and gives a little.
    assert np.ptp(columns) + 1 == pytest.approx(160 / 400 * 81, abs=2)
    assert columns.mean() == pytest.approx(40, abs=1)
    assert rows[0] == pytest.approx((200 - 80) / 400 * 81, abs=2)
    assert picture[30, 30].sum() > picture[48, 48].sum()


def test_the_left_cheek_comes_to_the_front_with_a_positive_yaw():
    left = np.where(SPHERE[:, :1] > 0, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    shares = []
    for yaw in (0.0, 40.0):
        picture = draw_face(SPHERE, TRIANGLES, left, SIZE, yaw).astype(int)
        blue, red = picture[..., 2] > picture[..., 0] + 40, picture[..., 0] > picture[..., 2] + 40
        shares.append(blue.sum() / (blue.sum() + red.sum()))
    assert shares[0] == pytest.approx(0.5, abs=0.05)
    assert shares[1] > 0.65


def test_parts_are_seen_where_they_are_in_front_and_hidden_where_behind():
    in_front = (0.3 * SPHERE + (0, 0, 90), TRIANGLES, (0.0, 0.9, 0.0))
    behind = (0.3 * SPHERE, TRIANGLES, (0.0, 0.9, 0.0))
    view = head_view(SPHERE)
    pictures = [
        draw_face(SPHERE, TRIANGLES, size=SIZE, view=view, parts=[part]).astype(int)
        for part in (in_front, behind)
    ]
    greens = [(p[..., 1] > p[..., 0] + 50).sum() for p in pictures]
    assert greens[0] > 100
    assert greens[1] == 0


def test_without_relief_a_face_has_exactly_the_colours_given():
    view = View((0, 0, 0), 300.0, fades=False)
    colours = np.full_like(SPHERE, 0.5)
    picture = draw_face(SPHERE, TRIANGLES, colours, (61, 61), view=view, relief=0.0)
    assert picture[25:35, 25:35] == pytest.approx(128, abs=1)


def test_the_view_of_a_neutral_shows_its_face_and_leaves_out_the_shoulders():
    shoulders = np.array([[-200.0, -250.0, 0.0], [200.0, -250.0, 0.0], [0.0, -250.0, 60.0]])
    triangles = np.concatenate([TRIANGLES, [[len(SPHERE), len(SPHERE) + 1, len(SPHERE) + 2]]])
    view = head_view(np.concatenate([SPHERE, shoulders]))
    top, bottom = view.centre[1] + view.height_mm / 2, view.centre[1] - view.height_mm / 2
    assert top > 80
    assert -250 < bottom < -70
    assert view.fades
    picture = draw_face(np.concatenate([SPHERE, shoulders]), triangles, size=SIZE, view=view)
    assert (picture[-1] > 250).all()


@pytest.mark.parametrize(
    ("vertices", "triangles", "colours", "words"),
    [
        (SPHERE[:, :2], TRIANGLES, None, "vertices: expected"),
        (SPHERE[:-1], TRIANGLES, None, "triangles: expected"),
        (SPHERE, TRIANGLES, SPHERE[:-1], "colours: expected"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(vertices, triangles, colours, words):
    with pytest.raises(TopologyMismatchError, match=words):
        draw_face(vertices, triangles, colours, SIZE)


def test_a_sheet_has_a_face_for_every_row_and_column():
    sheet = face_sheet([[SPHERE] * 3] * 2, TRIANGLES, ["truth", "ours"], ["a", "b", "c"])
    coloured = np.ptp(sheet.astype(int), axis=2) > 20
    rows, columns = coloured.any(axis=1).astype(int), coloured.any(axis=0).astype(int)
    assert (np.diff(rows) == 1).sum() == 2
    assert (np.diff(columns) == 1).sum() == 3


def test_a_sheet_with_a_row_too_short_is_refused():
    with pytest.raises(TopologyMismatchError, match="rows of 2"):
        face_sheet([[SPHERE] * 2, [SPHERE]], TRIANGLES, ["truth", "ours"], ["a", "b"])


def test_inner_parts_follow_identity_and_jaw():
    template = sphere_template()
    tongue = template.inner_part("tongue")
    still = posed_parts(template, np.zeros(0), np.zeros(6))[0].vertices
    assert still == pytest.approx(tongue.vertices)
    changed = posed_parts(template, np.array([1.0, 0.5]), np.array([0, 0, 0, 0, -3.0, 0.5]))[0]
    expected = tongue.vertices + tongue.identity_basis[0] + 0.5 * tongue.identity_basis[1]
    assert changed.vertices == pytest.approx(expected + (0, -3.0, 0.5), abs=1e-4)
    assert skin_colours(template).shape == template.vertices.shape


def test_heat_maps_show_the_error_in_its_colour(tmp_path):
    quiet, loud = np.zeros(len(SPHERE)), np.where(SPHERE[:, 1] > 0, 1.0, 0.0)
    errors = {"pca_lstm": {"happy": loud, "sad": quiet}, "hybrid": {"happy": quiet, "sad": quiet}}
    path = tmp_path / "heat.png"
    heat_maps.draw(path, SPHERE, TRIANGLES, errors, 1.0)
    picture = imread(path)[..., :3]
    height, width = picture.shape[:2]
    dark = picture.mean(axis=2) < 0.4
    quarter = dark[: height // 2, : width // 2][80:, 80:]  # without the names
    assert quarter.sum() > 500
    assert dark[80 : height // 2, width // 2 + 60 :].sum() < 50
    assert path.stat().st_size < 250_000


def test_heat_maps_refuse_errors_of_another_topology(tmp_path):
    with pytest.raises(TopologyMismatchError, match="hybrid, happy"):
        heat_maps.draw(
            tmp_path / "x.png", SPHERE, TRIANGLES, {"hybrid": {"happy": np.zeros(5)}}, 1.0
        )
    assert not list(tmp_path.iterdir())


def motion_arguments() -> dict:
    signal = np.zeros((40, 2))
    signal[:, 1] = np.interp(np.arange(40), [5, 15, 25, 35], [0, 1, 1, 0], left=0, right=0)
    return {
        "triangles": TRIANGLES,
        "rows": {"truth": np.stack([SPHERE] * 3)},
        "signal": signal,
        "expressions": ("happy", "sad"),
        "frames": np.array([0, 10, 20]),
        "frame_rate": 30.0,
    }


def test_motion_frames_are_written_the_same_twice_and_leave_no_settings_behind(tmp_path):
    before = dict(rcParams)
    for name in ("a.png", "b.png"):
        motion_frames.draw(tmp_path / name, **motion_arguments())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]
    assert dict(rcParams) == before
    width, height = png_size(tmp_path / "a.png")
    assert width > 700
    assert height > 400


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": np.array([0, 10, 40])}, "frames: expected"),
        ({"frames": np.array([0, 10])}, "faces of truth: expected 2"),
        ({"expressions": ("happy",)}, "signal: expected"),
    ],
)
def test_motion_frames_refuse_what_does_not_fit(tmp_path, change, words):
    with pytest.raises(TopologyMismatchError, match=words):
        motion_frames.draw(tmp_path / "x.png", **(motion_arguments() | change))


def test_phase_errors_draw_each_system_in_its_own_colour(tmp_path):
    curve = np.sin(np.linspace(0, np.pi, 30))
    path = tmp_path / "phases.png"
    phase_errors.draw(path, {"neutral": 4 * curve, "hybrid": curve, "pca_lstm": 1.2 * curve}, 10)
    assert has_colour(path, SYSTEM_COLOURS["hybrid"])
    assert has_colour(path, SYSTEM_COLOURS["pca_lstm"])
    assert not has_colour(path, SYSTEM_COLOURS["spiral_paper"])


def test_a_curve_far_above_all_others_does_not_flatten_them():
    others = {"hybrid": np.full(3, 0.4), "pca_lstm": np.full(3, 0.5)}
    limit, cut_off = phase_errors._scale({"neutral": np.full(3, 3.0), **others})
    assert cut_off == {"neutral"}
    assert 0.5 < limit < 0.7
    assert phase_errors._scale({"class_mean": np.full(3, 0.9), **others})[1] == set()


def test_phase_errors_refuse_a_clock_of_another_length(tmp_path):
    with pytest.raises(TopologyMismatchError, match="10 steps"):
        phase_errors.draw(tmp_path / "x.png", {"hybrid": np.zeros(29)}, 10)


def test_interpolation_is_a_row_of_faces_for_each_system(tmp_path):
    faces = np.stack([SPHERE, 1.05 * SPHERE, 1.1 * SPHERE])
    path, shares = tmp_path / "x.png", np.array([0, 0.5, 1])
    interpolation.draw(path, TRIANGLES, {"hybrid": faces}, shares, ends=("happy", "sad"))
    assert png_size(path)[0] > png_size(path)[1]
    with pytest.raises(TopologyMismatchError, match="hybrid: expected 2"):
        interpolation.draw(tmp_path / "y.png", TRIANGLES, {"hybrid": faces}, np.array([0, 1]))


def test_cost_growth_draws_known_implementations_in_their_colours(tmp_path):
    path = tmp_path / "growth.png"
    series = {"fused": [1e-3, 2e-3], "plain": [1e-2, np.nan], "NumPy": [2e-3, 3e-3]}
    cost_growth.draw(path, [("vertices", [5000, 14062], series), ("batch", [1, 8], series)])
    assert has_colour(path, "#0072B2")
    assert has_colour(path, "#E69F00")
    with pytest.raises(TopologyMismatchError, match="fused over batch"):
        cost_growth.draw(path, [("batch", [1, 2, 4], {"fused": [1e-3, 2e-3]})])


def test_unknown_systems_get_colours_of_their_own():
    styles = system_styles(["hybrid", "mine", "yours"])
    assert len({style["color"] for style in styles.values()}) == 3


def test_a_page_is_as_fine_as_its_file_may_be_large(tmp_path):
    x, y = np.meshgrid(np.arange(300), np.arange(300))
    waves = 0.5 + 0.25 * np.sin(x / 7) + 0.25 * np.sin(x * y / 900)
    figure = Figure((3, 3))
    figure.add_axes((0, 0, 1, 1)).imshow(waves, cmap="gray")
    sizes = []
    for limit in (400_000, 60_000):
        save_png(figure, tmp_path / "page.png", limit)
        assert (tmp_path / "page.png").stat().st_size <= limit
        sizes.append(png_size(tmp_path / "page.png"))
    assert sizes[0] > sizes[1]
