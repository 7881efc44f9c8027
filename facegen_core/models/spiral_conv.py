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


class SparseProduct(torch.autograd.Function):
    """matrix @ dense for a constant sparse matrix, with its transpose kept for the way back."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, transposed: Tensor, dense: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ dense

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, None, Tensor]:
        return None, None, ctx.transposed @ gradient.contiguous()


class UpSpiralConv(nn.Module):
    """Features (V_{k+1}, N, C_in) of a coarse level → (V_k, N, C_out) of the finer one.

    operator: (V_k, S·V_{k+1}) from Hierarchy.fused_operator. Vertices come first, frames second:
    then both products run on contiguous rows.
    """

    matrix: Tensor
    transposed: Tensor

    def __init__(
        self, operator: sparse.csr_matrix, spiral_length: int, in_size: int, out_size: int
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(spiral_length, in_size, out_size))
        self.bias = nn.Parameter(torch.zeros(out_size))
        bound = (6.0 / (spiral_length * in_size + out_size)) ** 0.5  # Xavier, as in SpiralNet++
        nn.init.uniform_(self.weight, -bound, bound)
        self.register_buffer("matrix", _to_torch(operator), persistent=False)
        self.register_buffer("transposed", _to_torch(operator.T.tocsr()), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        V, N, C = features.shape  # noqa: N806
        S, _, D = self.weight.shape  # noqa: N806
        per_neighbour = self.weight.permute(1, 0, 2).reshape(C, S * D)
        transformed = (features.reshape(V * N, C) @ per_neighbour).reshape(V, N, S, D)
        stacked = transformed.permute(2, 0, 1, 3).reshape(S * V, N * D)
        gathered = SparseProduct.apply(self.matrix, self.transposed, stacked)  # (V_k, N·D)
        return gathered.reshape(-1, N, D) + self.bias


def _to_torch(matrix: sparse.csr_matrix) -> Tensor:
    with warnings.catch_warnings():
        # torch calls its CSR layout beta; tests compare the products used here with SciPy's.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
            check_invariants=True,
        )
