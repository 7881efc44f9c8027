"""Spiral convolution right after an up-transform, fused into one sparse product.

f*_v = Σ_j f(S_j(v)) W_j (Lim et al. 2018; Potamias et al. 2020, section 3.1), on features that come
from the coarser level through U. Deviation in the order of work only: see Hierarchy.fused_operator.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

# Frames below which one product of all vertices is faster than one for each, though it has to be
# put in order afterwards.
FEW_FRAMES = 12
# Numbers gathered at once where rows are added one by one: 256 MB.
_GATHERED_NUMBERS = 64_000_000


class UpSpiralConv(nn.Module):
    """Features (V_{k+1}, N, C_in) of a coarse level → (V_k, N, C_out) of the finer one.

    operator: (V_k, V_{k+1}·S) from Hierarchy.fused_operator. Frames lie innermost in memory, (V, C,
    N), in all that is computed here: both products then read and write whole rows, and nothing is
    copied between them. What comes in and goes out is that memory seen as (V, N, C).
    """

    def __init__(
        self, operator: sparse.csr_matrix, spiral_length: int, in_size: int, out_size: int
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(spiral_length, in_size, out_size))
        self.bias = nn.Parameter(torch.zeros(out_size))
        bound = (6.0 / (spiral_length * in_size + out_size)) ** 0.5  # Xavier, as in SpiralNet++
        nn.init.uniform_(self.weight, -bound, bound)
        self.matrix = SparseMatrix(operator)
        self.transposed = SparseMatrix(operator.T.tocsr())

    def forward(self, features: Tensor) -> Tensor:
        V, N, C = features.shape  # noqa: N806
        S, _, D = self.weight.shape  # noqa: N806
        transform = self.weight.permute(0, 2, 1).reshape(S * D, C)
        if N < FEW_FRAMES:
            together = features.reshape(V * N, C) @ transform.T
            transformed = together.reshape(V, N, S * D).transpose(1, 2)
        else:
            transformed = torch.bmm(transform.expand(V, -1, -1), features.transpose(1, 2))
        rows = transformed.reshape(V * S, D * N).to(self.bias.dtype)
        gathered = SparseProduct.apply(self.matrix, self.transposed, rows)
        gathered = gathered.reshape(self.matrix.shape[0], D, N)
        return gathered.add_(self.bias[:, None]).transpose(1, 2)


class SparseMatrix(nn.Module):
    """A constant sparse matrix, by rows; its buffers are not among the weights of a model.

    Three plain tensors, because sparse ones can be neither copied nor sent everywhere plain ones
    can; 32-bit indices, because reading them is a part of the cost.
    """

    starts: Tensor
    columns: Tensor
    values: Tensor

    def __init__(self, matrix: sparse.csr_matrix) -> None:
        super().__init__()
        self.shape = matrix.shape
        self.register_buffer("starts", _buffer(matrix.indptr, np.int32), persistent=False)
        self.register_buffer("columns", _buffer(matrix.indices, np.int32), persistent=False)
        self.register_buffer("values", _buffer(matrix.data, np.float32), persistent=False)

    def product(self, dense: Tensor) -> Tensor:
        """matrix @ dense (columns, n), in the precision of the matrix."""
        if dense.shape[1] == 0:  # no frames; embedding_bag refuses rows of no length
            return dense.new_zeros(self.shape[0], 0)
        if dense.is_cuda:
            with torch.autocast("cuda", enabled=False):
                return self._as_sparse_tensor() @ dense
        if dense.device.type != "cpu":
            return self.product_by_rows(dense)
        # Sums of weighted rows are what embedding_bag computes, and three times as fast on a CPU
        # as the product of a sparse tensor; every row by itself, so with the same bits always.
        return functional.embedding_bag(
            self.columns,
            dense,
            self.starts,
            mode="sum",
            per_sample_weights=self.values,
            include_last_offset=True,
        )

    def product_by_rows(self, dense: Tensor) -> Tensor:
        """The same by gathering and adding rows, for devices without the products above (MPS)."""
        counts = self.starts[1:] - self.starts[:-1]
        rows = torch.repeat_interleave(torch.arange(self.shape[0], device=dense.device), counts)
        result = dense.new_zeros(self.shape[0], dense.shape[1])
        step = max(1, _GATHERED_NUMBERS // max(dense.shape[1], 1))
        for start in range(0, len(rows), step):  # gathered rows are many times the dense ones
            part = slice(start, start + step)
            gathered = dense.index_select(0, self.columns[part].long())
            result.index_add_(0, rows[part], gathered * self.values[part, None])
        return result

    def _as_sparse_tensor(self) -> Tensor:
        with warnings.catch_warnings():
            # torch calls its CSR layout beta; tests compare the products used here with SciPy's.
            warnings.filterwarnings("ignore", message="Sparse")
            return torch.sparse_csr_tensor(
                self.starts, self.columns, self.values, size=self.shape, check_invariants=False
            )


class SparseProduct(torch.autograd.Function):
    """matrix @ dense for a constant sparse matrix, with its transpose kept for the way back."""

    @staticmethod
    def forward(ctx: Any, matrix: SparseMatrix, transposed: SparseMatrix, dense: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix.product(dense)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.transposed.product(gradient.contiguous())


def _buffer(values: np.ndarray, dtype: type) -> Tensor:
    return torch.from_numpy(values.astype(dtype))
