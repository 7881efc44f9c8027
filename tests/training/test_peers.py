"""What the peers are made of: paths on the sphere, pictures of them, spreading over the skin."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="peers are trained with torch")
pytest.importorskip("yaml", reason="settings are YAML")

from facegen_core.errors import LandmarkError  # noqa: E402
from tests.sphere_template import sphere_template  # noqa: E402
from training.peers import motion3dgan, srvf  # noqa: E402
from training.peers.class_mean_rbf import (  # noqa: E402
    RBFSkin,
    apart,
    choose_anchors,
    spreading_weights,
)
from training.peers.config import Motion3DGANConfig  # noqa: E402
from training.peers.s2d_decoder import (  # noqa: E402
    S2DDecoder,
    S2DSkin,
    landmark_nearness,
    spiral_gather,
)
from training.peers.timing import eased_place  # noqa: E402
from training.runs.settings import TrainingConfigError  # noqa: E402

TEMPLATE = sphere_template()


def a_curve(num_frames: int = 200, power: float = 1.0) -> np.ndarray:
    """(T, 6) a smooth way from 0, run through at a speed that `power` changes."""
    t = np.linspace(0, 1, num_frames)[:, None] ** power
    phases = np.arange(6)
    return 5.0 * (np.sin(1.5 * t + phases) - np.sin(phases)) + 2.0 * t**2 * (phases - 2)


def paths(count: int, seed: int = 0) -> np.ndarray:
    """(M, 60) points of a sphere, in one half of it."""
    points = np.random.default_rng(seed).normal(size=(count, 60)) + 0.3
    return points / np.linalg.norm(points, axis=1, keepdims=True)


# ---- square-root velocities ----------------------------------------------------------------------


def test_a_path_and_its_length_give_the_curve_back():
    curve = a_curve()
    length = srvf.path_length(curve)
    rebuilt = srvf.from_srvf(srvf.to_srvf(curve), length)
    wanted = srvf.resample_by_length(curve) - curve[0]
    assert np.abs(rebuilt - wanted).max() < 0.003 * length


def test_a_path_does_not_know_its_speed_its_length_or_its_frame_count():
    q = srvf.to_srvf(a_curve())
    for other in (a_curve(power=2.0), 7.0 * a_curve(), a_curve(num_frames=431)):
        assert srvf.angle(q.ravel(), srvf.to_srvf(other).ravel()) < 0.02


def test_a_path_has_norm_one_and_integrates_to_a_length_of_one():
    q = srvf.to_srvf(a_curve())
    assert np.linalg.norm(q) == pytest.approx(1.0, abs=1e-12)
    assert srvf.path_length(srvf.from_srvf(q)) == pytest.approx(1.0, abs=0.01)


def test_points_lie_at_equal_arc_length():
    steps = np.linalg.norm(np.diff(srvf.resample_by_length(a_curve(power=3.0)), axis=0), axis=1)
    assert steps.std() < 0.01 * steps.mean()


def test_what_does_not_move_has_no_path():
    with pytest.raises(ValueError, match="does not move"):
        srvf.to_srvf(np.zeros((10, 6)))


def test_exp_undoes_log_and_log_is_as_long_as_the_way():
    points = paths(20)
    reference = points[0]
    tangent = srvf.log_map(points, reference)
    np.testing.assert_allclose(srvf.exp_map(tangent, reference), points, atol=1e-12)
    lengths = np.linalg.norm(tangent, axis=1)
    np.testing.assert_allclose(lengths, srvf.angle(points, reference), atol=1e-7)
    np.testing.assert_allclose(tangent @ reference, 0.0, atol=1e-9)
    np.testing.assert_allclose(tangent[0], 0.0, atol=1e-12)


def test_the_mean_path_is_where_ways_to_all_others_cancel():
    points = paths(50)
    mean = srvf.karcher_mean(points)
    assert np.linalg.norm(mean) == pytest.approx(1.0)
    assert np.linalg.norm(srvf.log_map(points, mean).mean(axis=0)) < 1e-8


# ---- networks ------------------------------------------------------------------------------------


def small_generator() -> motion3dgan.PathGenerator:
    torch.manual_seed(0)
    return motion3dgan.PathGenerator(Motion3DGANConfig(width=8, noise_size=5), num_classes=6)


def test_pictures_hold_axis_above_axis_and_go_back():
    q = np.random.default_rng(0).normal(size=(2, 30, 204))
    picture = motion3dgan.to_picture(q)
    assert picture.shape == (2, 204, 30)
    by_landmark = q.reshape(2, 30, 68, 3)
    np.testing.assert_array_equal(picture[1, 68 + 5], by_landmark[1, :, 5, 1])
    np.testing.assert_array_equal(motion3dgan.from_picture(picture), q)


def test_generated_paths_have_norm_one_and_follow_the_label():
    generator = small_generator()
    label = torch.from_numpy(motion3dgan.class_code(np.array([0, 3]), 6, None))
    pictures = generator(torch.zeros(2, 5), label)
    assert pictures.shape == (2, 204, 30)
    np.testing.assert_allclose(pictures.flatten(1).norm(dim=1).detach(), 1.0, atol=1e-5)
    assert (pictures[0] - pictures[1]).abs().max() > 1e-4


def test_the_label_code_names_its_class_by_sign_and_carries_noise():
    code = motion3dgan.class_code(np.array([2]), 6, np.random.default_rng(0)).reshape(6, 3)
    assert (code[2] > 0).all()
    assert (np.delete(code, 2, axis=0) < 0).all()
    assert len(np.unique(np.abs(code))) == 18
    plain = motion3dgan.class_code(np.array([2]), 6, None).reshape(6, 3)
    assert set(np.abs(plain).ravel()) == {0.5}


def test_the_paper_s_width_makes_the_paper_s_first_layer():
    """(128 + 36) numbers to 51 × 7 × 1024; the paper's 73 M count 36 more, its label again."""
    with torch.device("meta"):
        generator = motion3dgan.PathGenerator(Motion3DGANConfig(width=1024), num_classes=12)
    assert generator.expand.weight.numel() == (128 + 36) * 51 * 7 * 1024


def test_torch_maps_are_those_of_numpy():
    rng = np.random.default_rng(1)
    q = rng.normal(size=(4, 204, 30)) + 0.5
    q /= np.linalg.norm(q.reshape(4, -1), axis=1)[:, None, None]
    tensor = torch.from_numpy(q)
    flat = q.reshape(4, -1)
    tangents = motion3dgan.log_map(tensor[1:], tensor[0]).flatten(1).numpy()
    np.testing.assert_allclose(tangents, srvf.log_map(flat[1:], flat[0]), atol=1e-8)
    angles = motion3dgan.angle(tensor[1:], tensor[:1]).numpy()
    np.testing.assert_allclose(angles, srvf.angle(flat[1:], flat[0]), atol=1e-6)


def test_the_critic_judges_each_sample_by_itself():
    """The gradient penalty is of each sample: nothing may tie those of a batch together."""
    torch.manual_seed(0)
    critic = motion3dgan.PathCritic(Motion3DGANConfig(critic_channels=(4, 4, 4)), num_classes=6)
    pictures, label = torch.randn(5, 204, 30), torch.randn(5, 18)
    alone = torch.cat([critic(pictures[i : i + 1], label[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(critic(pictures, label).detach(), alone.detach(), atol=1e-5)


def test_places_on_the_way_rise_hold_and_return_without_a_jolt():
    place = eased_place(np.array([5.0, 20.0, 30.0, 50.0]), 60)
    assert not place[:6].any()
    assert not place[50:].any()
    np.testing.assert_array_equal(place[20:31], 1.0)
    assert (np.diff(place[5:21]) > 0).all()
    assert (np.diff(place[30:51]) < 0).all()
    assert place[6] < 0.01  # starts slower than the ramp, at 1/15


# ---- decoders ------------------------------------------------------------------------------------


def s2d(channels=(8, 6, 4, 4, 4)) -> S2DDecoder:
    torch.manual_seed(0)
    return S2DDecoder(channels, TEMPLATE.hierarchy)


def landmark_motion(num_frames: int = 5) -> np.ndarray:
    motion = np.random.default_rng(2).normal(size=(num_frames, 68, 3)).astype(np.float32)
    motion[0] = 0.0
    return motion


def test_s2d_leaves_a_face_at_rest_exactly_at_rest():
    model = s2d()
    torch.nn.init.constant_(model.last.bias, 3.0)
    skin = S2DSkin(model).decode(TEMPLATE.vertices, landmark_motion())
    assert skin.shape == (5, TEMPLATE.num_vertices, 3)
    assert not skin[0].any()
    assert np.abs(skin[1:]).max(axis=(1, 2)).min() > 1e-3


def test_s2d_frames_do_not_depend_on_how_many_are_decoded_together():
    decoder, motion = S2DSkin(s2d()), landmark_motion(50)
    whole = decoder.decode(TEMPLATE.vertices, motion)
    alone = decoder.decode(TEMPLATE.vertices, motion[17:18])
    np.testing.assert_allclose(whole[17:18], alone, atol=1e-5)


def test_s2d_needs_a_size_for_every_level():
    with pytest.raises(TrainingConfigError, match="5 sizes"):
        s2d((8, 4, 4))


def test_the_gather_lays_neighbours_side_by_side():
    spirals = TEMPLATE.hierarchy.levels[0].spirals
    numbers = np.arange(1.0, TEMPLATE.num_vertices + 1)
    length = spirals.shape[1]
    # Column S·v + j holds vertex v as neighbour j; with all of them the sum is over the spiral.
    summed = spiral_gather(spirals) @ np.repeat(numbers, length)
    wanted = np.where(spirals >= 0, numbers[spirals], 0.0).sum(axis=1)
    np.testing.assert_allclose(summed, wanted)


def test_nearness_is_one_at_landmarks_and_zero_farthest_from_them():
    points = TEMPLATE.vertices[[3, 50]]
    nearness = landmark_nearness(TEMPLATE.vertices, points)
    np.testing.assert_allclose(nearness[[3, 50]], 1.0)
    assert nearness.min() == 0.0


def back_anchors() -> np.ndarray:
    motion = np.clip(TEMPLATE.vertices[:, 2], 0.0, None)
    return choose_anchors(TEMPLATE, motion, 0.01, 20)


def test_radial_functions_hit_their_landmarks_and_leave_the_back_still():
    anchors, motion = back_anchors(), landmark_motion(3)
    points = TEMPLATE.landmark_positions.astype(np.float64)
    weights = spreading_weights(points, points, TEMPLATE.vertices[anchors])
    np.testing.assert_allclose(weights, np.eye(68), atol=1e-6)
    skin = RBFSkin(TEMPLATE, anchors, 5.0).decode(TEMPLATE.vertices, motion)
    assert not skin[0].any()
    assert np.abs(skin[:, anchors]).max() < 1e-5
    assert np.abs(skin[1:]).max() > 0.5


def test_lips_do_not_pull_each_other_where_slits_stand_apart():
    """Two landmarks on both sides of a slit: what is near one is pulled less by the other."""
    upper = np.clip(np.sign(TEMPLATE.vertices[:, 1]), 0, 1).astype(np.float32)
    regions = {name: np.zeros_like(upper) for name in TEMPLATE.regions}
    regions |= {"upper_lip": upper, "lower_lip": 1 - upper}
    template = dataclasses.replace(TEMPLATE, regions=regions)
    order = np.argsort(np.abs(TEMPLATE.vertices[:, 1]) - TEMPLATE.vertices[:, 2])
    lips = [next(v for v in order if upper[v] == side) for side in (1, 0)]
    beside = [
        min(
            (v for v in range(TEMPLATE.num_vertices) if upper[v] == side and v not in lips),
            key=lambda v: np.linalg.norm(TEMPLATE.vertices[v] - TEMPLATE.vertices[lips[1 - side]]),
        )
        for side in (1, 0)
    ]
    pulled = []
    for slit_mm in (0.0, 40.0):
        points = apart(template, TEMPLATE.vertices.astype(np.float64), slit_mm)
        weights = spreading_weights(points, points[lips], points[back_anchors()])
        pulled.append(np.abs(weights[beside, [1, 0]]).max())
    assert pulled[1] < 0.75 * pulled[0]


def test_radial_functions_are_made_for_each_face():
    decoder, motion = RBFSkin(TEMPLATE, back_anchors(), 0.0), landmark_motion(2)
    larger = TEMPLATE.vertices * np.float32([1.2, 1.0, 0.9])
    first = decoder.decode(TEMPLATE.vertices, motion)
    other = decoder.decode(larger, motion)
    assert np.abs(first - other).max() > 0.01
    np.testing.assert_array_equal(decoder.decode(TEMPLATE.vertices, motion), first)


def test_two_landmarks_in_one_point_are_refused():
    points = TEMPLATE.landmark_positions.astype(np.float64).copy()
    points[5] = points[6]
    with pytest.raises(LandmarkError, match="one point"):
        spreading_weights(TEMPLATE.vertices, points, TEMPLATE.vertices[back_anchors()])


def test_anchors_hardly_move_and_are_spread():
    anchors = back_anchors()
    assert len(anchors) == 20
    assert (TEMPLATE.vertices[anchors, 2] <= 0.01 * TEMPLATE.vertices[:, 2].max()).all()
    gaps = np.linalg.norm(TEMPLATE.vertices[anchors][:, None] - TEMPLATE.vertices[anchors], axis=2)
    assert gaps[~np.eye(20, dtype=bool)].min() > 20.0


# ---- settings ------------------------------------------------------------------------------------
