"""That the benchmark of heads measures what it says, on cases made by hand and in a small run."""

import json

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.transform import Rotation

from facegen_core.mesh import Mesh
from facegen_core.motion import FaceMotion
from tests.benchmarks.heads.eye_opening import EyeOpening, sphere_centre
from tests.benchmarks.heads.head_truth import FRAMES, HeadTruth
from tests.benchmarks.heads.lip_measures import Mouth
from tests.benchmarks.heads.outcome import at_most
from tests.benchmarks.heads.sheet_distance import Sheet
from tests.benchmarks.heads.skin_measures import edge_stretch, num_inverted, teeth
from tests.benchmarks.heads.variation import as_made, joined, polygons_within, selected

REGIONS = ("face", "mouth_bag", "eye_socket_left", "eye_socket_right")


def grid(count: int, size: float, height: float = 0.0, upwards: bool = True):
    """(vertices, triangles) of a square about the origin, facing +Y or -Y."""
    steps = np.linspace(-size / 2, size / 2, count)
    x, z = (a.ravel() for a in np.meshgrid(steps, steps, indexing="ij"))
    vertices = np.stack([x, np.full_like(x, height), z], axis=1)
    place = np.arange(count * count).reshape(count, count)
    a, b, c, d = (
        q.ravel() for q in (place[:-1, :-1], place[:-1, 1:], place[1:, 1:], place[1:, :-1])
    )
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return vertices, triangles if upwards else triangles[:, ::-1]


def patch_truth(vertices, triangles, groups=None, frames=1):
    """A head truth that is all face, at rest."""
    count = len(vertices)
    regions = {name: np.zeros(count) for name in REGIONS} | {"face": np.ones(count)}
    still = np.zeros((frames, count, 3))
    motion = FaceMotion(still.astype(np.float32), np.zeros((frames, 6), np.float32), vertices)
    return HeadTruth(
        "patch",
        Mesh.from_triangles(vertices, triangles),
        None,
        {"skin": np.arange(count)} | (groups or {}),
        regions,
        still,
        motion,
        np.zeros((frames, 6)),
        np.zeros(3),
    )


def test_distance_from_a_sheet_is_signed_by_the_side_of_it():
    sheet = Sheet(*grid(21, 20.0))
    found = sheet.measure(np.array([[0.3, 2.0, 0.1], [0.3, -1.5, 0.1], [14.0, -3.0, 0.0]]))
    np.testing.assert_allclose(found.signed[:2], [2.0, -1.5], atol=1e-9)
    np.testing.assert_allclose(found.normals[:2], [[0, 1, 0]] * 2, atol=1e-9)
    assert found.at_rim.tolist() == [False, False, True]  # beside a sheet there is no side
    assert abs(found.signed[2]) == pytest.approx(5.0)


def test_lips_that_overlap_are_as_deep_as_they_were_made():
    """Two sheets facing one another: the lower lip looks up, the upper one down."""
    lower, faces = grid(31, 30.0, 0.0)
    upper, upper_faces = grid(31, 30.0, 0.8, upwards=False)
    count = len(lower)
    positions = np.concatenate([lower, upper])
    is_upper = np.arange(2 * count) >= count
    along = (positions[:, 0] + 15.0) / 30.0
    mouth = Mouth(np.concatenate([faces, upper_faces + count]), is_upper, ~is_upper, along)
    np.testing.assert_allclose(mouth.gaps(positions), 0.8, atol=1e-6)
    assert not mouth.penetrations(positions).any()
    pressed = positions - is_upper[:, None] * [0.0, 1.1, 0.0]
    np.testing.assert_allclose(mouth.gaps(pressed), -0.3, atol=1e-6)
    assert mouth.penetrations(pressed).max() == pytest.approx(0.3)


def shutters(opening: float):
    """Two plates before an eye, with a slit of so many mm between them."""
    vertices, faces = grid(41, 60.0)
    turned = vertices[:, [0, 2, 1]] + [0.0, 0.0, 12.0]
    above = turned * [1, 0.5, 1] + [0, 15.0 + opening / 2, 0]
    below = turned * [1, 0.5, 1] - [0, 15.0 + opening / 2, 0]
    return np.concatenate([above, below]), np.concatenate([faces, faces + len(vertices)])


def test_an_eye_is_open_by_what_its_lids_leave_free():
    wide, triangles = shutters(8.0)
    eye = EyeOpening(np.zeros(3), triangles)
    assert eye.openness(shutters(0.0)[0]) == 0.0
    ratio = eye.openness(shutters(2.0)[0]) / eye.openness(wide)
    assert ratio == pytest.approx(0.25, abs=0.05)


def test_the_middle_of_a_ball_is_found_from_a_part_of_it():
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(200, 3)) * [1, 1, 0.2] + [0, 0, 2.0]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    np.testing.assert_allclose(sphere_centre(12.0 * directions + [1, 2, 3]), [1, 2, 3], atol=1e-9)


def test_stretched_edges_and_triangles_turned_over_are_counted():
    vertices, triangles = grid(11, 10.0)
    whole = as_made(patch_truth(vertices, triangles))
    wider = vertices * [0.5, 0, 0]
    assert edge_stretch(whole, wider[None]) == pytest.approx(1.5)
    assert num_inverted(whole, np.zeros((1, 121, 3)), np.zeros((1, 121, 3))) == 0
    folded = np.zeros((1, 121, 3))
    folded[0, 60] = [3.0, 0.0, 0.0]  # the middle vertex, over its neighbours
    assert num_inverted(whole, np.zeros_like(folded), folded) > 0
    assert num_inverted(whole, folded, folded) == 0  # what the truth does is no fault


def test_teeth_that_bend_are_told_from_teeth_that_turn():
    vertices, triangles = grid(11, 10.0)
    rows = {"lower_teeth": np.arange(55), "upper_teeth": np.arange(60, 121)}
    whole = as_made(patch_truth(vertices, triangles, rows))
    turned = np.zeros((1, 121, 3))
    turn = Rotation.from_rotvec([0.3, 0.0, 0.1])
    turned[0, :55] = turn.apply(vertices[:55]) + [0, -4.0, 1.0] - vertices[:55]
    assert teeth(whole, turned) == pytest.approx((0.0, 0.0), abs=1e-9)
    turned[0, 0] += [0.0, 0.4, 0.0]
    turned[0, 70] = [0.0, 0.0, 0.2]
    lower, upper = teeth(whole, turned)
    assert 0.2 < lower < 0.4
    assert upper == pytest.approx(0.2)


def test_parts_of_a_head_know_where_they_come_from():
    vertices, triangles = grid(11, 10.0)
    whole = as_made(patch_truth(vertices, triangles))
    left = selected(whole, "left", polygons_within(whole, vertices[:, 0] <= 0.0))
    right = selected(whole, "right", polygons_within(whole, vertices[:, 0] >= 0.0))
    both = joined("both", [right, left])
    assert both.mesh.num_polygons == whole.mesh.num_polygons
    np.testing.assert_allclose(both.origins @ vertices, both.positions)
    matrix = np.eye(4)
    matrix[:3, :3] = 0.01 * Rotation.from_euler("y", 70, degrees=True).as_matrix()
    matrix[:3, 3] = [4.0, 5.0, 6.0]
    placed = both.placed("away", matrix)
    np.testing.assert_allclose(placed.positions, both.positions, atol=1e-9)
    motion = np.ones((1, both.mesh.num_vertices, 3))
    there = motion @ matrix[:3, :3].T
    np.testing.assert_allclose(placed.in_mm(there), motion)


def test_a_gate_holds_for_the_worst():
    assert at_most("x", "≤ 1", 1.0, [0.2, 0.9]).reached
    assert not at_most("x", "≤ 1", 1.0, [0.2, 1.1]).reached
    assert at_most("x", "≤ 1", 1.0, []).reached is None


def test_every_variation_leads_back_to_the_head_it_was_made_of():
    pytest.importorskip("bpy", reason="Blender makes the variations")
    pytest.importorskip("matplotlib", reason="faces are drawn with it")
    from tests.benchmarks.heads import motion_trials
    from tests.benchmarks.heads.truth import FIRST_SEED
    from tests.benchmarks.heads.variations import VARIATIONS, make

    missing = motion_trials.missing_file()
    if missing is not None:
        pytest.skip(f"{missing} is not here")
    truth = motion_trials.studio().still_head(FIRST_SEED + 77)
    for name in VARIATIONS:
        varied = make(name, truth, seed=3)
        assert sparse.issparse(varied.origins)
        assert varied.origins.shape == (varied.mesh.num_vertices, truth.mesh.num_vertices)
        assert varied.is_outer_face.sum() > 100, name
        comes_from = varied.origins @ truth.mesh.vertices
        if varied.warp is not None:
            comes_from = varied.warp(comes_from)
        if varied.mirrored is None:
            off = np.linalg.norm(comes_from - varied.positions, axis=1)[varied.is_outer_face]
            assert np.mean(off) < 1.0, name


def test_a_small_run_reports_every_check(tmp_path):
    pytest.importorskip("bpy", reason="Blender makes the variations")
    pytest.importorskip("matplotlib", reason="faces are drawn with it")
    pytest.importorskip("torch", reason="the machine is described with it")
    from tests.benchmarks.heads import motion_trials, report, suite
    from tests.benchmarks.heads.__main__ import main

    missing = motion_trials.missing_file()
    if missing is not None:
        pytest.skip(f"{missing} is not here")
    assert main(["--quick", "--out", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "heads.json").read_text())
    assert tuple(results["checks"]) == suite.CHECKS
    gates = [gate for check in results["checks"].values() for gate in check["gates"]]
    assert len(gates) >= 20
    page = (tmp_path / "heads.md").read_text()
    assert all(gate["name"] in page and gate["measured"] in page for gate in gates)
    assert list((tmp_path / "figures").glob("heads_sheet_*.png"))
    rows = results["checks"]["tessellation"]["rows"]
    assert [row[0] for row in rows] == [
        "ICT 900000, decimated to 500",
        "ICT 900000, mouth sealed",
    ]
    assert all(float(row[1]) < float(row[5]) for row in rows)  # better than not moving at all
    assert len(FRAMES) == 8
    again, about = report.read(tmp_path / "heads.json")
    report.write({"lids": again["lids"]}, about["lids"] | {"command": "once more"}, tmp_path)
    kept = json.loads((tmp_path / "heads.json").read_text())
    assert kept["checks"] == results["checks"]
    assert "| lids | `once more` |" in (tmp_path / "heads.md").read_text()
