"""What the displacement decoder is made of, and which weights it has. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..landmarks import NUM_LANDMARKS
from .config import JAW_SIZE

# Coordinates of a frame of landmarks.
FRAME_SIZE = NUM_LANDMARKS * 3
# Numbers a landmark token is made of: how it is displaced, where it rests.
TOKEN_SIZE = 6
# Attention over more vertices than this costs more than all the rest (methods 4.3 (10)).
LARGEST_ATTENDED_LEVEL = 600
# Slope of the residual's rectifiers below 0: channels this few must not die.
LEAK = 0.1


@dataclass(frozen=True)
class DisplacementDecoderConfig:
    """Landmark displacements and neutral → displacements of every vertex, pose of the jaw.

    A linear head on the blendshapes as the face shows them, and a spiral residual after S2D-Dec
    (Otberdout et al., CVPR 2022) with cross-attention to the neutral (LM-4DGAN, arXiv 2603.10337).
    """

    # Without it the residual has to do everything, as in S2D-Dec.
    linear_head: bool = True
    # Whether there is a residual at all, and what its vertices attend to at the coarse levels.
    residual: bool = True
    attention: Literal["neutral", "landmarks", "none"] = "neutral"
    # How many of the coarsest levels attend; none may have more than 600 vertices.
    attention_levels: int = 2
    heads: int = 4
    dropout: float = 0.1
    # The factor on what attention adds, before it is learnt.
    attention_scale: float = 0.1
    # Features a frame is read into before it is spread over the coarsest level.
    hidden: int = 128
    # Features per vertex of the residual, coarsest level to last but one; 3 follow.
    channels: tuple[int, ...] = (48, 32, 16, 8)
    # Landmarks are trusted to no less than this, whatever the noise was in training: those that
    # are generated are not as sure as those that were measured.
    landmark_noise_mm: float = 0.05
    # Units that bring the residual's inputs and output near 1, mm.
    landmark_unit_mm: float = 4.0
    neutral_unit_mm: float = 5.0
    output_unit_mm: float = 0.1


def attended_sizes(
    config: DisplacementDecoderConfig, level_sizes: tuple[int, ...]
) -> tuple[int, ...]:
    """Vertices of the levels that attend, coarsest first.

    Raises ValueError where one is too large, channels do not divide among the heads, or levels and
    channels do not fit.
    """
    if len(level_sizes) != len(config.channels) + 1:
        raise ValueError(
            f"channels: {len(config.channels)} need {len(config.channels) + 1} levels, the "
            f"hierarchy has {len(level_sizes)}."
        )
    if not config.residual or config.attention == "none":
        return ()
    sizes = tuple(reversed(level_sizes))[: config.attention_levels]
    if not sizes or config.attention_levels > len(config.channels):
        raise ValueError(
            f"attention_levels: expected 1 to {len(config.channels)}, got "
            f"{config.attention_levels}; attention 'none' switches it off."
        )
    if max(sizes) > LARGEST_ATTENDED_LEVEL:
        raise ValueError(
            f"attention_levels: level of {max(sizes)} vertices, at most {LARGEST_ATTENDED_LEVEL} "
            "can attend: choose fewer levels."
        )
    uneven = [width for width in config.channels[: len(sizes)] if width % config.heads]
    if uneven:
        raise ValueError(f"heads: {config.heads} do not divide {uneven[0]} channels evenly.")
    return sizes


def frame_inputs(config: DisplacementDecoderConfig, num_blendshapes: int) -> int:
    """Numbers residual and jaw read of a frame: coefficients where there are any, and landmarks."""
    return (num_blendshapes if config.linear_head else 0) + FRAME_SIZE


def displacement_weight_shapes(
    config: DisplacementDecoderConfig,
    level_sizes: tuple[int, ...],
    spiral_length: int,
    num_blendshapes: int,
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of a decoder on levels of V_0 > V_1 > … vertices.

    The (K, V, 3) basis is not among them: it is that of the expression model.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    if config.linear_head:
        shapes["head.factor"] = (num_blendshapes, num_blendshapes)
        shapes["head.noise"] = (FRAME_SIZE,)
    shapes["jaw.weight"] = (JAW_SIZE, frame_inputs(config, num_blendshapes))
    if not config.residual:
        return shapes
    channels = config.channels
    shapes["residual.read.weight"] = (config.hidden, frame_inputs(config, num_blendshapes))
    shapes["residual.read.bias"] = (config.hidden,)
    shapes["residual.expand.weight"] = (level_sizes[-1] * channels[0], config.hidden)
    shapes["residual.expand.bias"] = (level_sizes[-1] * channels[0],)
    widths = (*channels, 3)
    for i in range(len(channels)):
        shapes[f"residual.convs.{i}.weight"] = (spiral_length, widths[i], widths[i + 1])
        shapes[f"residual.convs.{i}.bias"] = (widths[i + 1],)
    for i, size in enumerate(attended_sizes(config, level_sizes)):
        name, width = f"residual.attentions.{i}", channels[i]
        for part in ("query", "key", "value", "output"):
            shapes[f"{name}.{part}"] = (width, width)
        shapes[f"{name}.scale"] = ()
        shapes[f"{name}.place"] = (size, width)
        if config.attention == "neutral":
            shapes[f"{name}.tokens.weight"] = (spiral_length, 3, width)
            shapes[f"{name}.tokens.place"] = (size, width)
        else:
            shapes[f"{name}.tokens.weight"] = (TOKEN_SIZE, width)
            shapes[f"{name}.tokens.place"] = (NUM_LANDMARKS, width)
    return shapes
