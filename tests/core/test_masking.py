"""A painted mask weakens the motion without tearing or shearing anything."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from facegen_core.errors import InvalidMeshError
from facegen_core.motion import FaceMotion
from facegen_core.registration import align
from facegen_core.registration.masking import check_mask
from facegen_core.retarget import retarget
from tests.core.face_fixtures import exact_fit, face_template, whole_face


@pytest.fixture(scope="module")
def template():
    return face_template()


@pytest.fixture(scope="module")
def head():
    return whole_face(3.0)


@pytest.fixture(scope="module")
def alignment(template, head):
    return align(template, head[0], exact_fit(template))


@pytest.fixture(scope="module")
def motion(template):
    rng = np.random.default_rng(0)
    skin = rng.normal(0, 3, (2, template.num_vertices, 3)).astype(np.float32)
    return FaceMotion(skin, np.array([[0.4, 0.1, 0.0, 1.0, -2.0, 1.0]] * 2, np.float32))


def test_a_full_mask_changes_nothing(head, alignment, motion):
    masked = retarget(motion, alignment, mask=np.ones(head[0].num_vertices))
    np.testing.assert_array_equal(masked, retarget(motion, alignment))


def test_a_zero_mask_rests_exactly(head, alignment, motion):
    assert not retarget(motion, alignment, mask=np.zeros(head[0].num_vertices)).any()
    rng = np.random.default_rng(1)
    mask = rng.uniform(size=head[0].num_vertices) * rng.integers(0, 2, head[0].num_vertices)
    assert not retarget(motion, alignment, mask=mask)[:, mask == 0].any()


def test_skin_takes_its_share(head, alignment, motion):
    mask = np.random.default_rng(2).uniform(size=head[0].num_vertices)
    skin = head[1]["skin"]
    found = retarget(motion, alignment, mask=mask)[:, skin]
    expected = retarget(motion, alignment)[:, skin] * mask[skin, None]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_teeth_keep_their_shape_and_take_the_mean(head, alignment, motion):
    mesh, ranges, _ = head
    mask = np.random.default_rng(3).uniform(0.2, 0.8, mesh.num_vertices)
    masked, free = (retarget(motion, alignment, mask=m)[0] for m in (mask, None))
    for name in ("lower_teeth", "tongue"):
        rest = mesh.vertices[ranges[name]]
        assert np.abs(pdist(rest + masked[ranges[name]]) - pdist(rest)).max() < 1e-3  # mm
        lengths = [np.linalg.norm(moved[ranges[name]], axis=1).mean() for moved in (masked, free)]
        assert lengths[0] / lengths[1] == pytest.approx(mask[ranges[name]].mean(), rel=0.05)


def test_what_rides_on_weakened_skin_is_not_weakened_twice(head, alignment, motion):
    mesh, ranges, _ = head
    half = np.full(mesh.num_vertices, 0.5)
    on_skin_only = half.copy()
    on_skin_only[ranges["brow"]] = 1.0
    both, skin_only, free = (
        retarget(motion, alignment, mask=m)[:, ranges["brow"]] for m in (half, on_skin_only, None)
    )
    np.testing.assert_allclose(both, skin_only, atol=1e-4)
    sizes = [np.linalg.norm(moved, axis=2).mean() for moved in (both, free)]
    assert sizes[0] / sizes[1] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.ones(3), "one value for each of the 4 vertices"),
        (np.ones((4, 1)), "one value for each of the 4 vertices"),
        ([0.0, np.nan, 1.0, 0.5], "no number at 1 vertex:"),
        ([0.0, 1.5, 1.0, 0.5], "from 0 to 1, got 0 to 1.5"),
    ],
)
def test_masks_that_make_no_sense_are_refused(mask, words):
    with pytest.raises(InvalidMeshError, match=words):
        check_mask(mask, 4)
