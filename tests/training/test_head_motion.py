"""What is rigid in a recording: the head, which is taken out, and the jaw, which is estimated."""

import numpy as np
from scipy.spatial.transform import Rotation

from facegen_core.inference import Engine
from facegen_core.topology import vertex_components
from tests.training.recorded_faces import actor, default_bundle, play, template, there_and_back
from training.preparation.head_motion import (
    chin_vertices,
    fit_rigid,
    head_motion,
    jaw_poses,
    moves_as_a_whole,
    still_vertices,
)
from training.template_building.own_template import build_own_template


def turned(frame, rng):
    """A frame as a camera sees a head that turns by a few degrees and moves by a centimetre."""
    return Rotation.from_rotvec(0.06 * rng.normal(size=3)).apply(frame) + 8 * rng.normal(size=3)


def left_over(frames, neutral, still) -> np.ndarray:
    """(T,) mean mm that remain of the head's motion after it was taken out."""
    rng = np.random.default_rng(0)
    moved = [turned(frame, rng) for frame in frames]
    back = [head_motion(frame, neutral, still).apply(frame) for frame in moved]
    return np.linalg.norm(np.array(back) - frames, axis=2).mean(axis=1)


def expressions_of(person) -> np.ndarray:
    names = default_bundle().config.expressions
    return np.concatenate([play(person, name, there_and_back())[::4] for name in names])


def test_a_rigid_motion_is_found_exactly_whatever_the_weights():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(30, 3))
    turn = Rotation.from_rotvec([0.4, -1.0, 2.0])
    motion = fit_rigid(points, turn.apply(points) + [1, 2, 3], rng.random(30) + 0.1)
    np.testing.assert_allclose(motion.rotation, turn.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(motion.translation, [1, 2, 3], atol=1e-12)


def test_a_mirror_image_is_never_an_answer():
    points = np.random.default_rng(1).normal(size=(30, 3))
    motion = fit_rigid(points, points * [-1, 1, 1])
    assert np.linalg.det(motion.rotation) > 0.99


def test_the_motion_of_a_whole_head_is_taken_out():
    complete = template()
    frames = complete.vertices + _motion()[0][::12]
    left = left_over(frames, complete.vertices, still_vertices(complete))
    assert left.mean() < 0.1


def test_a_face_that_ends_at_the_hairline_is_held_by_its_temples():
    """As face scanners deliver it: no skull, no neck, nothing inside."""
    people = [actor(k, 4000) for k in range(4)]
    used, triangles = front_of(people[0])
    neutrals = {str(k): person.vertices[used] for k, person in enumerate(people)}
    own = build_own_template(neutrals, tuple("0123"), triangles, template())
    assert own.residual_mm < 0.5
    still = still_vertices(own.template)
    assert 20 <= len(still) < 0.1 * len(used)
    placement = fit_rigid(neutrals["0"], own.neutrals["0"])
    frames = np.array([placement.apply(f[used]) for f in expressions_of(people[0])])
    left = left_over(frames, own.neutrals["0"], still)
    played = np.linalg.norm(frames - own.neutrals["0"], axis=2).mean(axis=1)
    assert left.mean() < 0.3
    assert left.mean() < 0.2 * played.mean()


def test_a_skull_that_is_still_is_told_from_one_that_moves():
    complete = template()
    still, neutral = still_vertices(complete), complete.vertices
    frames = np.repeat(neutral[None], 3, axis=0)
    assert not moves_as_a_whole(frames, neutral, still)
    frames[1] += [0.2, 0.0, 0.0]
    assert moves_as_a_whole(frames, neutral, still)


def test_the_jaw_is_read_off_the_chin():
    """Against the jaw the bundle generates beside its skin."""
    complete = template()
    skin, jaw = _motion()
    poses = jaw_poses(skin, complete.vertices, complete.jaw_pivot, chin_vertices(complete))
    names = default_bundle().config.expressions
    for channel, name in enumerate(names):
        apex = 40 * channel + 20
        opening, truth = poses[apex, 0], jaw[apex, 0]
        assert abs(opening - truth) < (0.08 if name == "surprise" else 0.045), name
    assert poses[:, 0].min() >= 0
    assert np.abs(poses[:, 1]).max() < 0.03  # nobody here moves it aside
    assert np.all(poses[:, 2:] == 0)
    assert np.all(jaw_poses(0 * skin[:2], complete.vertices, complete.jaw_pivot,
                            chin_vertices(complete)) == 0)  # fmt: skip


def test_a_jaw_that_turns_is_found_again():
    complete = template()
    chin, pivot = chin_vertices(complete), complete.jaw_pivot
    turn = Rotation.from_rotvec([0.15, 0.06, 0.0])
    moved = turn.apply(complete.vertices - pivot) + pivot
    pose = jaw_poses((moved - complete.vertices)[None], complete.vertices, pivot, chin)[0]
    np.testing.assert_allclose(pose[:2], [0.15, 0.06], atol=0.01)


def _motion():
    """Skin (T, V, 3) and jaw (T, 6) of the six expressions, 40 frames each."""
    bundle = default_bundle()
    count = bundle.config.num_expressions
    curve = np.interp(np.arange(40), [5, 15, 25, 35], [0, 1, 1, 0])
    intensities = np.kron(np.eye(count), curve[:, None])
    motion = Engine(bundle).generate(intensities, 30.0)
    return motion.skin, motion.jaw


def front_of(person):
    """Rows of the face alone and its triangles: the largest piece without mouth and eye sockets."""
    regions = template().regions
    inside = regions["mouth_bag"] + regions["eye_socket_left"] + regions["eye_socket_right"]
    is_front = (regions["face"] > 0.3)[person.rows] & (inside < 0.5)[person.rows]
    triangles = person.triangles[is_front[person.triangles].all(axis=1)]
    components = vertex_components(triangles, len(person.rows))
    largest = np.bincount(components[triangles[:, 0]]).argmax()
    triangles = triangles[components[triangles[:, 0]] == largest]
    used = np.unique(triangles)
    return used, np.searchsorted(used, triangles)
