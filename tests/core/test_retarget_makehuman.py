"""A whole body of foreign topology: only the face and what hangs on it moves."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from facegen_core import pipeline
from facegen_core.bundle import load_bundle
from facegen_core.intensity import NUM_EXPRESSIONS
from tests.core.face_fixtures import kinds_of
from tests.shared_heads import MAKEHUMAN, read_mesh

BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"

pytestmark = pytest.mark.skipif(
    not (MAKEHUMAN.exists() and BUNDLE.exists()),
    reason="the MakeHuman body or the bundle is not here",
)


@pytest.fixture(scope="module")
def body():
    return read_mesh(MAKEHUMAN)


@pytest.fixture(scope="module")
def alignment(body):
    return pipeline.match(body[0], load_bundle(BUNDLE))


@pytest.fixture(scope="module")
def displacements(alignment):
    """(12, M, 3) mm: each expression at its strongest, after a resting frame."""
    bundle = load_bundle(BUNDLE)
    intensities = np.repeat(np.eye(NUM_EXPRESSIONS), 12, axis=0)
    clip = pipeline.generate(alignment, intensities, 30.0, bundle)
    return alignment.fit.similarity.apply_vectors(clip.displacements[11::12])


def test_every_helper_of_the_body_is_recognised(alignment, body):
    kind_of = kinds_of(alignment)
    expected = {
        "body": "skin",
        "helper-l-eye": "eyeball_left",
        "helper-r-eye": "eyeball_right",
        "helper-upper-teeth": "upper_teeth",
        "helper-lower-teeth": "lower_teeth",
        "helper-tongue": "tongue",
        "helper-l-eyelashes-1": "lashes",
        "helper-r-eyelashes-2": "lashes",
        "joint-head": "helper",
    }
    for group, kind in expected.items():
        assert set(kind_of[body[1][group]]) == {kind}, group


def test_joints_eyes_clothes_and_upper_teeth_stay_exactly(displacements, body):
    for group, indices in body[1].items():
        still = ("joint", "helper-l-eye", "helper-r-eye", "helper-upper", "helper-tights")
        if group.startswith(still) and "lashes" not in group:
            assert not displacements[:, indices].any(), group


def test_nothing_below_the_neck_moves(displacements, alignment, body):
    positions = alignment.fit.similarity.apply(body[0].vertices)
    chin = alignment.fit.landmarks[8, 1]
    below = positions[:, 1] < chin - 130.0  # mm, the collarbones
    assert below.sum() > 8000
    assert not displacements[:, below].any()


def test_lower_teeth_and_tongue_keep_their_shape(displacements, alignment, body):
    for group in ("helper-lower-teeth", "helper-tongue"):
        rest = alignment.fit.similarity.apply(body[0].vertices[body[1][group]])
        moved = rest + displacements[:, body[1][group]]
        stretch = [np.abs(pdist(frame) - pdist(rest)).max() for frame in moved]
        assert max(stretch) < 0.05  # mm


def test_no_edge_of_the_skin_is_torn(displacements, alignment, body):
    mesh = body[0]
    positions = alignment.fit.similarity.apply(mesh.vertices)
    edges = np.unique(np.sort(mesh.triangles[:, [0, 1]], axis=1), axis=0)
    edges = edges[np.isin(edges[:, 0], body[1]["body"])]
    rest = np.linalg.norm(np.subtract(*positions[edges].transpose(1, 0, 2)), axis=1)
    for frame in displacements:
        moved = (positions + frame)[edges]
        lengths = np.linalg.norm(np.subtract(*moved.transpose(1, 0, 2)), axis=1)
        # A jaw that opens 20 mm stretches inner lips; a torn vertex stretches 20 times.
        assert ((lengths - rest) / np.maximum(rest, 0.5)).max() < 6.0
