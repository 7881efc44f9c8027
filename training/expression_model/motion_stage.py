"""Stage motion: encoder, blendshape weights and jaw, on PCA coefficients.

The loss is that of whole meshes at random vertices, so steps are cheap and there can be many.
Deviations from Potamias et al. 2020: the truth is what the basis holds of it, and where the basis
follows the neutral, an error counts as the mean face would show it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.expression_model.examples import pad
from training.expression_model.losses import FrameWeights, frame_weights, mean_size
from training.expression_model.objective import Truth, jaw_loss, on_device, weighted_sum
from training.expression_model.run import Run
from training.expression_model.schedule import schedule_of


@dataclass(frozen=True, eq=False)
class MotionBatch:
    """This process's part of a batch, as tensors on the CPU; names: of all of its sequences.

    signal: (B, T, C); lip_gap: (B,); coefficients: (B, T, K); jaw: (B, T, 6); vertices: (N,).
    """

    names: tuple[str, ...]
    signal: Tensor
    lip_gap: Tensor
    coefficients: Tensor
    jaw: Tensor
    vertices: Tensor
    weights: FrameWeights


class MotionStage:
    """Draws batches of changed recordings and tells their loss."""

    name = "motion"

    def __init__(self, run: Run) -> None:
        self.run = run
        self.schedule = schedule_of(run.config, self.name, len(run.source.recordings))
        self._chances = _vertex_chances(run.basis.motion, run.config.vertices_by_motion)

    def trains(self, parameter_name: str) -> bool:
        """All but the spirals."""
        return not parameter_name.startswith("spirals.")

    def draw(self, step: int) -> MotionBatch:
        """The batch of a step."""
        run, config = self.run, self.run.config
        rng, indices = self.schedule.generator(step), self.schedule.indices(step)
        batch = pad([run.source.draw(rng, int(index)) for index in indices])
        size = min(config.motion_vertices, len(self._chances))
        vertices = rng.choice(len(self._chances), size, replace=False, p=self._chances)
        quiet = batch.signal.sum(axis=-1) < config.model.rest_gate
        importance = batch.mask * np.where(quiet, np.float32(config.quiet_weight), 1)
        part = run.processes.part(len(indices))
        return MotionBatch(
            tuple(run.source.recordings[index].name for index in indices),
            torch.from_numpy(batch.signal[part]),
            torch.from_numpy(batch.lip_gap[part]),
            torch.from_numpy(batch.coefficients[part]),
            torch.from_numpy(batch.jaw[part]),
            torch.from_numpy(vertices),
            frame_weights(importance.astype(np.float32), part),
        )

    def losses(self, batch: MotionBatch) -> dict[str, Tensor]:
        """The losses of the drawn vertices, this process's share of each."""
        model = self.run.model
        moved = on_device(batch, self.run.device.torch_device)
        codes, gate = self.run.codes(moved.signal, moved.lip_gap)
        error = model.blendshapes.coefficients(codes) * gate - moved.coefficients
        change = error[:, 1:] - error[:, :-1]
        weights = moved.weights
        return weighted_sum(
            self.run.config,
            self._size_at(moved.vertices, error, weights.frames, weights.total),
            self._size_at(moved.vertices, change, weights.changes, weights.total_changes),
            jaw_loss(model, Truth(codes, gate, moved.jaw), weights),
        )

    def _size_at(self, vertices: Tensor, errors: Tensor, weights: Tensor, total: float) -> Tensor:
        """Mean size of errors (B, T, K) of coefficients at some vertices; the frames that do not
        count, of which there are many, are not computed."""
        basis = self.run.model.blendshapes.basis
        planes = basis[:, vertices].transpose(1, 2).reshape(len(basis), -1)  # (K, 3·N): x, y, z
        counts = weights > 0
        lifted = (errors[counts] @ planes).reshape(-1, 3, len(vertices))
        return mean_size(lifted.permute(2, 0, 1), weights[counts], total, self.run.config.metric)


def _vertex_chances(motion: NDArray[np.float32], by_motion: bool) -> NDArray[np.float64]:
    """(V,) chance of each vertex: alike, or rising with how much it moves."""
    chances = (motion + motion.mean() if by_motion else np.ones_like(motion)).astype(np.float64)
    return chances / chances.sum()
