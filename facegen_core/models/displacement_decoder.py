"""Landmark displacements and a neutral → displacements of every vertex and the pose of the jaw.

A linear head, closed for each face, on the blendshapes as the face shows them; and a residual that
starts at zero: the trunk of S2D-Dec (Otberdout et al., CVPR 2022; FC to the coarsest level, then up
and spiral convolution) with cross-attention at its coarse levels (LM-4DGAN, arXiv 2603.10337).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..hierarchy import Hierarchy
from ..landmarks import NUM_LANDMARKS
from .config import JAW_SIZE
from .cross_attention import CrossAttention, LandmarkTokens, NeutralTokens
from .displacement_config import (
    FRAME_SIZE,
    LEAK,
    DisplacementDecoderConfig,
    attended_sizes,
    frame_inputs,
)
from .neutral_reading import Offsets, coefficient_spread, head_gain
from .spiral_conv import UpSpiralConv


@dataclass(frozen=True, eq=False)
class FaceOffsets:
    """`neutral_reading.Offsets` of F faces: spirals of (F, V_k, S, 3), landmarks (F, 68, 3)."""

    spirals: tuple[Tensor, ...]
    landmarks: Tensor

    @classmethod
    def of(cls, faces: list[Offsets]) -> FaceOffsets:
        levels = zip(*(face.spirals for face in faces), strict=True)
        spirals = tuple(torch.stack([torch.from_numpy(f) for f in level]) for level in levels)
        return cls(spirals, torch.stack([torch.from_numpy(face.landmarks) for face in faces]))

    def to(self, device: torch.device) -> FaceOffsets:
        moved = tuple(level.to(device) for level in self.spirals)
        return FaceOffsets(moved, self.landmarks.to(device))


class DisplacementDecoder(nn.Module):
    """The whole decoder; head and jaw are found in closed form, the residual is learnt."""

    def __init__(
        self, config: DisplacementDecoderConfig, hierarchy: Hierarchy, num_blendshapes: int
    ) -> None:
        super().__init__()
        self.config = config
        if config.linear_head:
            self.head = HeadStatistics(num_blendshapes)
        self.jaw = JawMap(frame_inputs(config, num_blendshapes))
        if config.residual:
            self.residual = SpiralResidual(config, hierarchy, num_blendshapes)

    def forward(
        self,
        landmarks: Tensor,
        offsets: FaceOffsets,
        shapes: Tensor,
        landmark_basis: Tensor,
        gain: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """(N, V, 3) mm and (N, 6) of (N, 68, 3) mm on one face.

        offsets: of its neutral; shapes: (K, V, 3) the blendshapes as it shows them, and (K, 204)
        at its landmarks. gain: of `gain`, where it is known already.
        """
        N, V = len(landmarks), shapes.shape[1]  # noqa: N806
        skin, read = landmarks.new_zeros(N, V, 3), landmarks.flatten(1)
        coefficients = landmarks.new_zeros(N, 0)
        if self.config.linear_head:
            gain = self.gain(landmark_basis) if gain is None else gain
            coefficients = read @ gain.T  # (N, K)
            skin = (coefficients @ shapes.flatten(1)).reshape(N, V, 3)
            read = torch.cat([coefficients, read], dim=1)
        if self.config.residual:
            told = coefficients / self.head.spread if self.config.linear_head else coefficients
            added = self.residual(landmarks[None], told[None], offsets)
            skin = skin + added[:, 0].transpose(0, 1)
        return skin, read @ self.jaw.weight.T

    def gain(self, landmark_basis: Tensor) -> Tensor:
        """(K, 204) of a face, see `neutral_reading.head_gain`."""
        parts = (self.head.factor, self.head.noise, landmark_basis)
        factor, noise, basis = (part.numpy(force=True) for part in parts)
        gain = head_gain(factor, noise, self.config.landmark_noise_mm, basis)
        return torch.from_numpy(gain).to(landmark_basis.device)


class SpiralResidual(nn.Module):
    """Landmarks (F, N, 68, 3) mm of N frames of F faces → (V, F, N, 3) mm.

    Deviation from S2D-Dec: a hidden layer before the linear one, and beside the landmarks the
    coefficients that the head found, over their spread: what distinguishes two smiles is small in
    millimetres.

    What it makes of no motion at all is subtracted, so that zero gives zero and biases may stay:
    without them, values that attention finds would have to be multiplied by the motion, and a
    face could not correct a small motion and a large one differently.
    """

    def __init__(
        self, config: DisplacementDecoderConfig, hierarchy: Hierarchy, num_blendshapes: int
    ) -> None:
        super().__init__()
        self.config = config
        sizes = attended_sizes(config, hierarchy.sizes)
        length, num_ups = hierarchy.levels[0].spirals.shape[1], len(config.channels)
        self.read = nn.Linear(frame_inputs(config, num_blendshapes), config.hidden)
        self.expand = nn.Linear(config.hidden, hierarchy.sizes[-1] * config.channels[0])
        widths = (*config.channels, 3)
        self.convs = nn.ModuleList(
            UpSpiralConv(hierarchy.fused_operator(k), length, widths[i], widths[i + 1])
            for i, k in enumerate(reversed(range(num_ups)))
        )
        attentions = []
        for size, width in zip(sizes, config.channels, strict=False):
            tokens: nn.Module = LandmarkTokens(NUM_LANDMARKS, width)
            if config.attention == "neutral":
                tokens = NeutralTokens(length, size, width)
            attentions.append(CrossAttention(config, width, size, tokens))
        self.attentions = nn.ModuleList(attentions)

    def forward(self, landmarks: Tensor, coefficients: Tensor, offsets: FaceOffsets) -> Tensor:
        """coefficients: (F, N, K) over their spread, K is 0 without a linear head."""
        scaled = landmarks / self.config.landmark_unit_mm
        fields = self._fields(_with_rest(scaled), _with_rest(coefficients), offsets)
        return self.config.output_unit_mm * (fields[:, :, :-1] - fields[:, :, -1:])

    def start_at_zero(self) -> None:
        """Make the last convolution zero, so that training starts from the linear head alone."""
        for parameter in self.convs[-1].parameters():
            nn.init.zeros_(parameter)

    def _fields(self, landmarks: Tensor, coefficients: Tensor, offsets: FaceOffsets) -> Tensor:
        F, N = landmarks.shape[:2]  # noqa: N806
        hidden = functional.silu(self.read(torch.cat([coefficients, landmarks.flatten(2)], dim=2)))
        coarse = self.expand(hidden).reshape(F * N, -1, self.config.channels[0])
        features = coarse.transpose(0, 1)  # (V_L, F·N, C)
        for i, conv in enumerate(self.convs):
            if i < len(self.attentions):
                features = features + self._attended(i, features, landmarks, offsets)
            features = conv(features)
            if i < len(self.convs) - 1:
                features = functional.leaky_relu(features, LEAK)
        return features.reshape(len(features), F, N, 3)

    def _attended(
        self, level: int, features: Tensor, landmarks: Tensor, offsets: FaceOffsets
    ) -> Tensor:
        V, _, C = features.shape  # noqa: N806
        asked = features.reshape(V, *landmarks.shape[:2], C)
        seen: tuple[Tensor, ...] = (landmarks, offsets.landmarks)
        if self.config.attention == "neutral":
            seen = (offsets.spirals[level],)
        return self.attentions[level](asked, *seen).reshape(features.shape)


def _with_rest(frames: Tensor) -> Tensor:
    """(F, N + 1, …) frames and after them one of rest."""
    return torch.cat([frames, torch.zeros_like(frames[:, :1])], dim=1)


class HeadStatistics(nn.Module):
    """What the linear head knows of training: a factor (K, K) of the second moment of coefficients,
    and what the basis leaves over at the landmarks (204,), mm. Kept with the weights, not learnt
    by gradients."""

    factor: Tensor
    noise: Tensor

    def __init__(self, num_blendshapes: int) -> None:
        super().__init__()
        self.register_buffer("factor", torch.eye(num_blendshapes))
        self.register_buffer("noise", torch.full((FRAME_SIZE,), 0.05))

    @property
    def spread(self) -> Tensor:
        """(K,) RMS of every coefficient in training."""
        return torch.from_numpy(coefficient_spread(self.factor.numpy(force=True))).to(self.factor)


class JawMap(nn.Module):
    """The (6, R) linear map to the pose of the jaw, found in closed form."""

    weight: Tensor

    def __init__(self, num_inputs: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(JAW_SIZE, num_inputs))
