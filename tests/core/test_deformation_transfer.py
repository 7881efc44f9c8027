"""Expression shapes that fit another face."""

import numpy as np
import pytest

from facegen_core import deformation_transfer
from facegen_core.deformation_transfer import BasisTransfer, SourceShapes, transfer_shapes
from tests.sphere_template import RADIUS, open_sphere


@pytest.fixture
def source():
    """Two bumps near the top of the open sphere; its lower half is never moved."""
    vertices, triangles = open_sphere()
    shapes = []
    for centre, direction in (([0, 60, 50], [0, 4, 6]), ([50, 60, 0], [-5, 2, 0])):
        reach = np.exp(-(np.linalg.norm(vertices - centre, axis=1) ** 2) / 30**2)
        shapes.append(np.where(reach > 0.02, reach, 0)[:, None] * np.array(direction, float))
    return SourceShapes(vertices, triangles, np.array(shapes))


def test_a_face_gets_its_own_shapes_back(source):
    moved = source.supports == 1
    back = transfer_shapes(source, source.neutral)
    np.testing.assert_allclose(back[moved], source.displacements[moved], atol=2e-3)


def test_what_a_shape_leaves_alone_stays_exactly_still(source):
    squashed = source.neutral * [1.1, 0.9, 1.2]
    shapes = transfer_shapes(source, squashed)
    still = np.linalg.norm(source.displacements, axis=2) == 0
    assert still.any()
    assert not shapes[still].any()


def test_a_larger_face_moves_as_much_more(source, monkeypatch):
    monkeypatch.setattr(deformation_transfer, "SCREENING_LENGTH_MM", 1e6)
    shapes = transfer_shapes(source, 1.25 * source.neutral)
    full = source.supports == 1
    np.testing.assert_allclose(shapes[full], 1.25 * source.displacements[full], atol=3e-3)


def test_shapes_follow_a_smooth_change_of_the_face_smoothly(source):
    """Half of a change of the face makes about half of the change of the shapes."""
    wider = source.neutral * [1.2, 1.0, 1.0]
    half = 0.5 * (wider + source.neutral)
    own, middle, full = (transfer_shapes(source, n) for n in (source.neutral, half, wider))
    assert np.abs(full - own).max() > 0.05
    assert np.abs(middle - 0.5 * (own + full)).max() < 0.1 * np.abs(full - own).max()


def test_the_sparse_solution_is_the_dense_least_squares_one(source):
    target = source.neutral * [1.1, 0.95, 1.05] + 0.02 * RADIUS * np.sin(source.neutral / 30)
    fast = transfer_shapes(source, target)
    slow = _dense_transfer(source, target)
    np.testing.assert_allclose(fast, slow, atol=2e-3)


def _dense_transfer(source: SourceShapes, target: np.ndarray) -> np.ndarray:
    """Triangle after triangle, with numpy.linalg.lstsq."""
    V = len(target)  # noqa: N806
    free = np.flatnonzero(~source.is_still)
    results = []
    for displacement in source.displacements:
        rows, wanted = [], []
        area_of = np.zeros(V)
        for triangle in source.triangles:
            gradient, area = _hat_gradients(target[triangle])  # (3 corners, 3)
            area_of[triangle] += area / 3
            stretch = _stretch(source.neutral[triangle], (source.neutral + displacement)[triangle])
            row = np.zeros((3, V))
            row[:, triangle] = gradient.T
            rows.append(np.sqrt(area) * row)
            wanted.append(np.sqrt(area) * gradient.T @ target[triangle] @ stretch.T)
        pull = np.sqrt(area_of) / deformation_transfer.SCREENING_LENGTH_MM
        rows.append(np.diag(pull))
        wanted.append(pull[:, None] * displacement)
        solution = np.zeros((V, 3))
        stacked = np.concatenate(rows)[:, free]
        solution[free] = np.linalg.lstsq(stacked, np.concatenate(wanted), rcond=None)[0]
        results.append(solution)
    return np.array(results) * source.supports[..., None]


def _hat_gradients(corners: np.ndarray) -> tuple[np.ndarray, float]:
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    double_area = np.linalg.norm(normal)
    normal = normal / double_area
    edges = [corners[(k + 2) % 3] - corners[(k + 1) % 3] for k in range(3)]
    return np.array([np.cross(normal, e) for e in edges]) / double_area, double_area / 2


def _stretch(rest: np.ndarray, moved: np.ndarray) -> np.ndarray:
    def frame(c):
        normal = np.cross(c[1] - c[0], c[2] - c[0])
        return np.stack([c[1] - c[0], c[2] - c[0], normal / np.sqrt(np.linalg.norm(normal))], 1)

    return frame(moved) @ np.linalg.inv(frame(rest)) - np.eye(3)


@pytest.fixture
def transfer(source):
    return BasisTransfer(source.neutral, source.triangles, source.displacements)


def test_a_basis_comes_back_exactly_on_its_own_face(transfer, source):
    np.testing.assert_allclose(transfer.to(source.neutral), source.displacements, atol=1e-6)


def test_a_basis_grows_with_the_face(transfer, source, monkeypatch):
    monkeypatch.setattr(deformation_transfer, "SCREENING_LENGTH_MM", 1e6)
    transfer = BasisTransfer(source.neutral, source.triangles, source.displacements)
    larger = transfer.to(1.25 * source.neutral)
    np.testing.assert_allclose(larger, 1.25 * source.displacements, atol=5e-3)


def test_small_parts_of_a_basis_are_carried_too(source):
    """A few hundredths of a millimetre, times the weight of a basis, are a motion one sees."""
    basis = 0.1 * source.displacements
    sizes = np.linalg.norm(basis, axis=2)
    small = (sizes > 0.01) & (sizes < 0.05)
    assert small.any()
    carried = BasisTransfer(source.neutral, source.triangles, basis).to(1.1 * source.neutral)
    assert np.median(np.linalg.norm(carried, axis=2)[small] / sizes[small]) > 0.9
