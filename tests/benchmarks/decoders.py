"""The same generator with its spiral decoder computed in three ways: ours and two references.

`fused` is what the project uses. `plain` gathers `features[spirals]`. `index_select` is the form of
public code: frames first, one index_select over the vertex axis, one linear layer.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from facegen_core.bundle import Bundle
from facegen_core.hierarchy import Hierarchy
from facegen_core.models.config import ModelConfig, paper_config
from facegen_core.models.decoders import SpiralDecoder
from facegen_core.models.expression_model import ExpressionModel
from tests.core.model_fixtures import naive_up_spiral_conv, random_bundle
from tests.sphere_template import sphere_template


class PlainIndexingDecoder(SpiralDecoder):
    """The same weights with a plain gather; the naive twin of the layer's test."""

    def __init__(self, config: ModelConfig, hierarchy: Hierarchy) -> None:
        super().__init__(config, hierarchy)
        self.hierarchy = hierarchy

    def forward(self, codes: Tensor) -> Tensor:
        features = self.expand(codes).reshape(len(codes), -1, self.num_channels).transpose(0, 1)
        for i, conv in enumerate(self.convs):
            k = len(self.convs) - 1 - i
            features = naive_up_spiral_conv(self.hierarchy, k, features, conv.weight, conv.bias)
            features = torch.relu(features) if k else features
        return features


class IndexSelectDecoder(SpiralDecoder):
    """The same weights with frames first, index_select, and one linear layer of S·C inputs.

    The up-transform adds three weighted selections, the fastest of the forms tried (all corners
    selected at once and summed: 1.2 times as long; index_add: 1.3). Padding reads an extra vertex
    whose up-weights are 0, so that no zeros have to be joined on.
    """

    def __init__(self, config: ModelConfig, hierarchy: Hierarchy) -> None:
        super().__init__(config, hierarchy)
        for k in range(len(self.convs)):
            spirals = hierarchy.levels[k].spirals
            padded = np.where(spirals < 0, len(spirals), spirals).ravel()
            self._keep(f"spirals_{k}", padded.astype(np.int64))
            extra = np.zeros((1, 3))
            corners = np.concatenate([hierarchy.up_indices[k], extra]).T.astype(np.int64)
            self._keep(f"corners_{k}", corners)
            shares = np.concatenate([hierarchy.up_weights[k], extra]).T.astype(np.float32)
            self._keep(f"shares_{k}", shares[:, :, None])

    def _keep(self, name: str, values: np.ndarray) -> None:
        values = np.ascontiguousarray(values)
        self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, codes: Tensor) -> Tensor:
        features = self.expand(codes).reshape(len(codes), -1, self.num_channels)
        for i, conv in enumerate(self.convs):
            k = len(self.convs) - 1 - i
            corners, shares = getattr(self, f"corners_{k}"), getattr(self, f"shares_{k}")
            fine = features.index_select(1, corners[0]) * shares[0]
            for corner, share in zip(corners[1:], shares[1:], strict=True):
                fine = fine + features.index_select(1, corner) * share  # (N, V_k + 1, C)
            S, C, D = conv.weight.shape  # noqa: N806
            N, V = len(codes), fine.shape[1] - 1  # noqa: N806
            gathered = fine.index_select(1, getattr(self, f"spirals_{k}")).view(N, V, S * C)
            features = functional.linear(gathered, conv.weight.view(S * C, D).T, conv.bias)
            features = torch.relu(features) if k else features
        return features.transpose(0, 1)


DECODERS = {
    "fused": SpiralDecoder,
    "plain": PlainIndexingDecoder,
    "index_select": IndexSelectDecoder,
}
REFERENCES = ("plain", "index_select")


def bundle_on(hierarchy: Hierarchy) -> Bundle:
    """The paper's network with random weights on any hierarchy."""
    finest = hierarchy.levels[0]
    template = dataclasses.replace(
        sphere_template(),
        vertices=finest.vertices,
        triangles=finest.triangles,
        hierarchy=hierarchy,
    )
    return random_bundle(paper_config(), template)


def torch_model(bundle: Bundle, variant: str = "fused") -> ExpressionModel:
    """The bundle's network with the spiral decoder of a variant, a name in DECODERS."""
    hierarchy = bundle.template.hierarchy
    model = ExpressionModel(bundle.config, hierarchy)
    model.spirals = DECODERS[variant](bundle.config, hierarchy)
    model.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in bundle.weights.items()})
    return model


def random_signal(batch: int, num_frames: int, num_expressions: int = 6) -> Tensor:
    """(batch, num_frames, C) intensities; the same numbers every time."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(batch, num_frames, num_expressions, generator=generator)


class TrainingStep:
    """Forward pass, mean absolute error, gradients, Adam: what training repeats.

    The truth, (B, T, V, 3) as data sets give it, swells the neutral with the first intensity.
    """

    def __init__(self, model: ExpressionModel, signal: Tensor, neutral: np.ndarray) -> None:
        self.model, self.signal = model, signal
        self.optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        shape = torch.from_numpy(neutral.astype(np.float32) / 50).to(signal.device)
        self.truth = signal[..., 0, None, None] * shape

    def __call__(self) -> Tensor:
        """The loss before the step, without waiting for a GPU."""
        self.optimiser.zero_grad()
        error = self.model(self.signal).skin - self.truth.permute(2, 0, 1, 3)
        loss = error.abs().mean()
        loss.backward()
        self.optimiser.step()
        return loss.detach()


class ForwardPass:
    """Signal to displacements, without gradients."""

    def __init__(self, model: ExpressionModel, signal: Tensor) -> None:
        self.model, self.signal = model, signal

    @torch.no_grad()
    def __call__(self) -> Tensor:
        return self.model(self.signal).skin
