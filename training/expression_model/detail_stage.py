"""Stage detail: whole meshes of a few consecutive frames of each sequence.

After a motion stage only the spirals learn, what the blendshapes leave over. Without one everything
does, which is the paper's way (Potamias et al. 2020, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.expression_model.examples import Batch, pad
from training.expression_model.losses import (
    FrameWeights,
    frame_weights,
    reconstruction_loss,
    temporal_loss,
)
from training.expression_model.objective import Truth, jaw_loss, on_device, weighted_sum
from training.expression_model.run import Run
from training.expression_model.schedule import schedule_of


@dataclass(frozen=True, eq=False)
class DetailBatch:
    """This process's part of a batch, as tensors on the CPU; names: of all of its sequences.

    signal: (B, T, C); lip_gap: (B,); frames: (B, W) those looked at; skin: (V, B, W, 3) true
    displacements there, mm; jaw: (B, W, 6); shapes: B times (K, V, 3) of each face, none where all
    have the same.
    """

    names: tuple[str, ...]
    signal: Tensor
    lip_gap: Tensor
    frames: Tensor
    skin: Tensor
    jaw: Tensor
    shapes: tuple[Tensor, ...]
    weights: FrameWeights


class DetailStage:
    """Draws windows of recorded sequences and tells their loss."""

    name = "detail"

    def __init__(self, run: Run) -> None:
        self.run = run
        self.schedule = schedule_of(run.config, self.name, len(run.source.recordings))
        self._follows = run.config.model.follows_neutral and run.config.model.has_blendshapes
        if self._follows:  # before batches are drawn by a thread of their own
            for sequence in {s.subject: s for s in run.sequences}.values():
                run.shapes_of(sequence)

    def trains(self, parameter_name: str) -> bool:
        return parameter_name.startswith("spirals.") or not self.run.config.has_motion_stage

    def draw(self, step: int) -> DetailBatch:
        """The batch of a step; reads only the frames it looks at."""
        run, config = self.run, self.run.config
        rng, indices = self.schedule.generator(step), self.schedule.indices(step)
        batch = pad([run.source.as_recorded(int(index)) for index in indices])
        strengths = self._strengths(len(indices), rng)
        frames = self._frames(batch, rng)
        part = run.processes.part(len(indices))
        sequences = [run.sequences[index] for index in indices[part]]
        skin = [
            strength * sequence.displacements(window).transpose(1, 0, 2)  # (V, W, 3)
            for sequence, window, strength in zip(
                sequences, frames[part], strengths[part], strict=True
            )
        ]
        shapes = [run.shapes_of(sequence) for sequence in sequences] if self._follows else []
        scales = strengths[part, None, None]
        jaw = np.take_along_axis(batch.jaw[part], frames[part, :, None], axis=1) * scales
        # What comes after the last window matters only to an encoder that reads from both ends.
        length = None if config.model.bidirectional else int(frames.max()) + 1
        signal = batch.signal[part, :length] * scales
        return DetailBatch(
            tuple(run.source.recordings[index].name for index in indices),
            torch.from_numpy(signal),
            torch.from_numpy(batch.lip_gap[part]),
            torch.from_numpy(frames[part]),
            torch.from_numpy(np.stack(skin, axis=1)) if skin else torch.zeros(0),
            torch.from_numpy(jaw),
            tuple(torch.from_numpy(face) for face in shapes),
            frame_weights(np.ones(frames.shape, np.float32), part),
        )

    def losses(self, batch: DetailBatch) -> dict[str, Tensor]:
        """The losses of the windows, this process's share of each."""
        model = self.run.model
        moved = on_device(batch, self.run.device.torch_device)
        codes, gate = self.run.codes(moved.signal, moved.lip_gap)
        rows = torch.arange(len(codes), device=codes.device)[:, None]
        codes, gate = codes[rows, moved.frames], gate[rows, moved.frames]
        error = self._decode(codes, batch.shapes) * gate - moved.skin
        return weighted_sum(
            self.run.config,
            reconstruction_loss(error, moved.weights, self.run.config.metric),
            temporal_loss(error, moved.weights, self.run.config.metric),
            jaw_loss(model, Truth(codes, gate, moved.jaw), moved.weights),
        )

    def _decode(self, codes: Tensor, shapes: tuple[Tensor, ...]) -> Tensor:
        """(V, B, W, 3) displacements of (B, W, 64) codes, each on its own face."""
        model = self.run.model
        B, W, _ = codes.shape  # noqa: N806
        parts = []
        if shapes:
            pairs = zip(codes, shapes, strict=True)
            blended = [model.blendshapes(code, face.to(code.device)) for code, face in pairs]
            parts.append(torch.stack(blended, dim=1))
        elif model.config.has_blendshapes:
            parts.append(model.blendshapes(codes.flatten(0, 1)).reshape(-1, B, W, 3))
        if model.config.has_spirals:
            with self.run.device.autocast():
                spirals = model.spirals(codes.flatten(0, 1))
            parts.append(spirals.float().reshape(-1, B, W, 3))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _strengths(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """(B,) of label and motion alike, as ExampleSource weakens them."""
        is_weakened = rng.random(count) < self.run.config.augmentation.weakened
        return np.where(is_weakened, rng.random(count), 1.0).astype(np.float32)

    def _frames(self, batch: Batch, rng: np.random.Generator) -> NDArray[np.int64]:
        """(B, W) consecutive frames of each sequence; of a model that rests exactly where its
        label does, only windows that move."""
        window = self.run.config.detail_window
        lengths = batch.mask.sum(axis=1).astype(int)
        first, last = np.zeros(len(lengths), int), lengths - 1
        if self.run.config.model.rest_gate > 0:
            moves = batch.signal.any(axis=2)
            has_motion = moves.any(axis=1)
            length = moves.shape[1]
            first = np.where(has_motion, moves.argmax(axis=1), first)
            last = np.where(has_motion, length - 1 - moves[:, ::-1].argmax(axis=1), last)
        latest = np.minimum(np.maximum(last - window + 1, first), lengths - window)
        starts = rng.integers(np.minimum(first, latest), latest + 1)
        return starts[:, None] + np.arange(window)
