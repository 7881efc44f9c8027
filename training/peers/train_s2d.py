"""Training the S2D-Dec peer: L1 by nearness to a landmark, Adam, 0.99 per epoch.

Otberdout et al., CVPR 2022: Σ w |x̂ − x| + 0.1 · mean |x̂ − x|, w = 1 − the distance to the closest
landmark. Deviation: the first term is a mean over the vertices, too. To Adam the size of a loss is
nothing, but their weight decay of 5e-5 is next to nothing beside a sum over thousands of vertices:
so there is none here. Epochs are as many as one CPU thread has time for; the weights that are kept
are a moving average.
"""

from __future__ import annotations

import math
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from facegen_core.template import Template
from training.datasets.sequence import Sequence
from training.peers.config import PeersConfig, S2DConfig
from training.peers.run_folder import RunFolder, torch_device
from training.peers.s2d_decoder import S2DDecoder, landmark_nearness
from training.runs.averaging import WeightAverage
from training.runs.checkpoint import (
    Checkpoint,
    model_arrays,
    optimiser_arrays,
    restore_model,
    restore_optimiser,
)
from training.runs.loss_guard import TrainingStoppedError


@dataclass(frozen=True, eq=False)
class Frames:
    """Single frames. landmarks: (N, 204); skin: (N, V, 3) in half precision (0.005 mm at 10 mm);
    both displacements from the own neutral, mm."""

    landmarks: NDArray[np.float32]
    skin: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.landmarks)


def sample_frames(
    sequences: Rows[Sequence], template: Template, per_sequence: int, rng: np.random.Generator
) -> Frames:
    """Frames between first onset and last offset, as many of each sequence, drawn at random."""
    landmarks, skin = [], []
    for sequence in tqdm(sequences, desc="Sampling frames", unit="seq", mininterval=2.0):
        first = min(int(part.marks[0]) for part in sequence.components) + 1
        last = max(int(np.ceil(part.marks[3])) for part in sequence.components)
        moving = np.arange(first, max(first + 1, min(last, sequence.num_frames)))
        chosen = np.sort(rng.choice(moving, min(per_sequence, len(moving)), replace=False))
        frames = np.asarray(sequence.displacements(chosen), np.float32)
        seen = template.landmarks.positions(frames, template.triangles)
        landmarks.append(seen.reshape(len(frames), -1).astype(np.float32))
        skin.append(frames.astype(np.float16))
    return Frames(np.concatenate(landmarks), np.concatenate(skin))


@dataclass(eq=False)
class _Run:
    config: S2DConfig
    seed: int
    frames: Frames
    template: Template
    device: torch.device
    model: S2DDecoder = field(init=False)
    step: int = 0
    history: list[float] = field(default_factory=list)
    validations: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        hierarchy = self.template.hierarchy
        self.model = S2DDecoder(self.config.channels, hierarchy).to(self.device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), self.config.learning_rate)
        self.average = WeightAverage(self.model.state_dict(), self.config.average)
        nearness = landmark_nearness(self.template.vertices, self.template.landmark_positions)
        weights = torch.from_numpy(nearness + np.float32(self.config.plain_weight))
        self.weights = weights.to(self.device)[:, None, None]

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.frames) // self.config.batch)

    @property
    def num_steps(self) -> int:
        return self.config.epochs * self.steps_per_epoch

    def averaged(self) -> S2DDecoder:
        """A copy of the model with the averaged weights."""
        model = S2DDecoder(self.config.channels, self.template.hierarchy)
        model.load_state_dict(self.average.tensors())
        return model.requires_grad_(False).to(self.device)

    def restore(self, checkpoint: Checkpoint) -> None:
        restore_model(self.model, checkpoint.weights)
        restore_optimiser(self.optimiser, checkpoint.optimiser)
        self.average.restore(checkpoint.average)
        self.step = int(checkpoint.progress["step"])
        self.history = checkpoint.history["losses"].tolist()
        self.validations = checkpoint.progress["validations"]

    def save(self, folder: RunFolder) -> None:
        progress = {
            "step": self.step,
            "validations": self.validations,
            "is_finished": self.step >= self.num_steps,
        }
        folder.save(
            model_arrays(self.model),
            progress,
            self.average.arrays(),
            optimiser_arrays(self.optimiser),
            {"losses": np.array(self.history)},
        )


def train_s2d(
    config: PeersConfig,
    folder: RunFolder,
    frames: Frames,
    held_out: Frames | None,
    template: Template,
    resume: bool,
) -> dict[str, Any]:
    """Train, or go on; returns the metrics, which are also in the folder.

    held_out: frames of validation subjects, measured after every epoch; None leaves that out.
    Raises TrainingStoppedError where the loss is not finite.
    """
    run = _Run(config.s2d, config.seed, frames, template, torch_device(config))
    checkpoint = folder.resume() if resume else None
    if checkpoint is not None:
        run.restore(checkpoint)
    bar = tqdm(total=run.num_steps, initial=run.step, desc="S2D", unit="step", mininterval=5.0)
    while run.step < run.num_steps:
        loss = _train_step(run)
        if not math.isfinite(loss):
            raise TrainingStoppedError(
                f"The loss of S2D is {loss} at step {run.step}: lower s2d.learning_rate and go on "
                "with --resume from the last checkpoint."
            )
        run.history.append(loss)
        run.average.update(run.step)
        run.step += 1
        bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        bar.update()
        is_last = run.step == run.num_steps
        if held_out is not None and (run.step % run.steps_per_epoch == 0 or is_last):
            error = measure_frames(run.averaged(), held_out)
            run.validations.append({"step": run.step, "all_mm": round(error, 4)})
            tqdm.write(f"S2D step {run.step}: {error:.4f} mm on unseen faces")
        if run.step % config.s2d.checkpoint_interval == 0:
            run.save(folder)
    bar.close()
    run.save(folder)
    metrics = {
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "steps": run.step,
        "frames": len(frames),
        "loss": float(np.mean(run.history[-run.steps_per_epoch :])),
        "validations": run.validations,
    }
    folder.finish(metrics)
    return metrics


@torch.no_grad()
def measure_frames(model: S2DDecoder, frames: Frames) -> float:
    """Mean distance over vertices and frames, mm, true landmarks given."""
    device, errors = next(model.parameters()).device, []
    for start in range(0, len(frames), 32):
        rows = slice(start, start + 32)
        truth = torch.from_numpy(frames.skin[rows].astype(np.float32)).to(device)
        skin = model(torch.from_numpy(frames.landmarks[rows]).to(device))
        errors.append((skin.transpose(0, 1) - truth).norm(dim=2).mean(dim=1))
    return float(torch.cat(errors).mean())


def _train_step(run: _Run) -> float:
    epoch, place = divmod(run.step, run.steps_per_epoch)
    order = np.random.default_rng([run.seed, 37, epoch]).permutation(len(run.frames))
    rows = np.sort(order[place * run.config.batch : (place + 1) * run.config.batch])
    landmarks = torch.from_numpy(run.frames.landmarks[rows]).to(run.device)
    skin = torch.from_numpy(run.frames.skin[rows]).to(run.device).float().transpose(0, 1)
    for group in run.optimiser.param_groups:
        group["lr"] = run.config.learning_rate * run.config.epoch_decay**epoch
    loss = weighted_loss(run.model(landmarks), skin, run.weights)
    run.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    run.optimiser.step()
    return loss.item()


def weighted_loss(predicted: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Mean of the L1 differences of (V, N, 3) by (V, 1, 1) weights, mm."""
    return (weights * (predicted - truth).abs()).mean()
