"""The sparse products of the fused layer, beside SciPy's; the layer itself is in test_models."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the layer is tested where torch is installed")

from facegen_core.models.spiral_conv import SparseMatrix, SparseProduct, UpSpiralConv  # noqa: E402
from tests.sphere_template import sphere_template  # noqa: E402


@pytest.fixture(scope="module")
def operator():
    return sphere_template().hierarchy.fused_operator(0)


@pytest.fixture
def dense(operator):
    values = np.random.default_rng(0).normal(size=(operator.shape[1], 10))
    return torch.from_numpy(values.astype(np.float32))


def test_both_products_equal_scipys(operator, dense):
    matrix = SparseMatrix(operator)
    expected = torch.from_numpy(operator @ dense.numpy())
    for found in (matrix.product(dense), matrix._as_sparse_tensor() @ dense):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_the_way_back_is_the_transposed_product(operator, dense):
    matrix, transposed = SparseMatrix(operator), SparseMatrix(operator.T.tocsr())
    dense.requires_grad_(True)
    direction = torch.rand(operator.shape[0], dense.shape[1])
    (SparseProduct.apply(matrix, transposed, dense) * direction).sum().backward()
    expected = torch.from_numpy(operator.T @ direction.numpy())
    torch.testing.assert_close(dense.grad, expected, rtol=1e-5, atol=1e-5)


def test_the_layer_keeps_float32_in_mixed_precision(operator):
    torch.manual_seed(0)
    layer = UpSpiralConv(operator, 9, 6, 4)
    features = torch.randn(operator.shape[1] // 9, 5, 6)
    exact = layer(features)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = layer(features)
    assert mixed.dtype == torch.float32
    assert torch.max(torch.abs(mixed - exact)) < 0.02 * torch.max(torch.abs(exact))


def test_the_layer_can_be_copied_and_has_only_its_weights_to_save(operator):
    layer = UpSpiralConv(operator, 9, 6, 4)
    twin = copy.deepcopy(layer)
    assert set(layer.state_dict()) == {"weight", "bias"}
    features = torch.randn(operator.shape[1] // 9, 5, 6)
    assert torch.equal(layer(features), twin(features))


def test_no_frames_make_no_motion_and_no_gradient(operator):
    layer = UpSpiralConv(operator, 9, 6, 4)
    features = torch.zeros(operator.shape[1] // 9, 0, 6, requires_grad=True)
    result = layer(features)
    assert result.shape == (operator.shape[0], 0, 4)
    result.sum().backward()
    assert not layer.weight.grad.any()
    assert features.grad.shape == features.shape


def test_the_same_batch_gives_the_same_bits_for_any_number_of_threads(operator, dense):
    matrix, threads = SparseMatrix(operator), torch.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(matrix.product(dense))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)
