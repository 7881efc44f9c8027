import numpy as np

from facegen_core.intensity import EXPRESSIONS
from tests.training.synthetic_sequences import bump_data
from training.expression_model.recordings import (
    compute_basis,
    magnitude,
    magnitude_statistics,
    record,
)


def basis_of(num_shapes=8):
    sequences = bump_data().sequences["train"]
    return sequences, compute_basis(sequences, num_shapes, 200, np.random.default_rng(0))


def test_the_basis_is_orthogonal_and_a_coefficient_is_millimetres_rms():
    _, basis = basis_of(6)
    flat = basis.shapes.reshape(6, -1)
    np.testing.assert_allclose(flat @ flat.T / basis.shapes.shape[1], np.eye(6), atol=1e-4)


def test_as_many_shapes_as_the_motion_has_rebuild_it():
    sequences, basis = basis_of(6)
    displacements = sequences[0].displacements()
    rebuilt = np.tensordot(basis.project(displacements), basis.shapes, axes=1)
    np.testing.assert_allclose(rebuilt, displacements, atol=1e-3)


def test_shapes_beyond_the_rank_of_the_data_are_zero():
    _, basis = basis_of(12)
    assert not basis.shapes[6:].any()
    assert np.isfinite(basis.ranges).all()


def test_rest_has_zero_coefficients():
    _, basis = basis_of()
    assert not basis.project(np.zeros((2, basis.shapes.shape[1], 3))).any()


def test_apex_magnitude_does_not_depend_on_how_long_the_rest_is():
    frames = np.zeros((20, 2, 3))
    frames[8:12, :, 0] = 3.0
    marks = np.array([6.0, 8.0, 11.0, 14.0])
    longer = np.concatenate([frames, np.zeros((30, 2, 3))])
    assert magnitude(frames, marks, "proportional") == 3.0
    assert magnitude(longer, marks, "proportional") == 3.0
    assert magnitude(longer, marks, "extremeness") < magnitude(frames, marks, "extremeness")


def test_statistics_are_those_of_each_expression():
    sequences, basis = basis_of()
    recordings = record(sequences, basis, EXPRESSIONS, "proportional")
    statistics = magnitude_statistics(recordings, len(EXPRESSIONS))
    for index in range(len(EXPRESSIONS)):
        parts = [r.components[0] for r in recordings]
        values = [p.magnitude for p in parts if p.expression == index]
        assert np.isclose(statistics.means[index], np.mean(values))
        assert np.isclose(statistics.deviations[index], np.std(values))
