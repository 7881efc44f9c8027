"""Training the detector: batches changed on the fly, one loss, checkpoints it goes on from."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from facegen_core.landmarks import MIRRORED_LANDMARKS
from facegen_core.registration.depth_view import CROP_MM, DEPTH_UNIT_MM, MAX_DEPTH
from training.landmark_detector.config import DetectorConfig
from training.landmark_detector.measure import Measured, measure
from training.landmark_detector.network import TorchDetector
from training.landmark_detector.pictures import Pictures
from training.runs.averaging import WeightAverage
from training.runs.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    model_arrays,
    optimiser_arrays,
    restore_model,
    restore_optimiser,
    save_checkpoint,
)
from training.runs.settings import settings_to_go_on
from training.runs.threads import on_set_threads

# What each term of the loss counts: where landmarks are, how far off that may be, face or not.
PLACE_WEIGHT, ERROR_WEIGHT, SCORE_WEIGHT = 20.0, 0.1, 1.0
AVERAGE = 0.998
MAX_GRADIENT_NORM = 5.0
WARM_UP_STEPS = 200


@dataclass(frozen=True, eq=False)
class _Run:
    """What a training changes, and what it is kept and goes on from."""

    config: DetectorConfig
    detector: TorchDetector
    average: WeightAverage
    optimiser: torch.optim.Optimizer
    log: list[dict[str, Any]] = field(default_factory=list)

    def averaged(self) -> TorchDetector:
        """A network with the averaged weights, to measure and ship."""
        network = TorchDetector()
        network.load_state_dict(self.average.tensors())
        return network.eval()

    def save(self, path: Path, done: int) -> None:
        progress = {"settings": dataclasses.asdict(self.config), "step": done, "log": self.log}
        weights, moments = model_arrays(self.detector), optimiser_arrays(self.optimiser)
        save_checkpoint(Checkpoint(weights, self.average.arrays(), moments, {}, progress), path)

    def resume(self, path: Path) -> int:
        """Take up a checkpoint, where there is one. Returns the steps done."""
        if not path.exists():
            return 0
        checkpoint = load_checkpoint(path)
        now = dataclasses.asdict(self.config)
        if settings_to_go_on(checkpoint.progress["settings"], now, path) != now:
            raise CheckpointError(f"{path} is of other settings: name another --out.")
        restore_model(self.detector, checkpoint.weights)
        self.average.restore(checkpoint.average)
        restore_optimiser(self.optimiser, checkpoint.optimiser)
        self.log.extend(checkpoint.progress["log"])
        return int(checkpoint.progress["step"])


@on_set_threads
def train_detector(
    pictures: Pictures, held_out: Pictures, config: DetectorConfig, out: Path
) -> tuple[TorchDetector, list[dict[str, Any]]]:
    """Train, or go on where OUT/checkpoint.npz left off. Returns the averaged network and the log.

    Raises CheckpointError when the checkpoint is of other settings.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    detector = TorchDetector().to(memory_format=torch.channels_last)  # a sixth faster on a CPU
    optimiser = torch.optim.AdamW(
        detector.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    average = WeightAverage(detector.state_dict(), AVERAGE)
    run = _Run(config, detector, average, optimiser)
    first = run.resume(out / "checkpoint.npz")
    started = time.monotonic()
    bar = tqdm(
        range(first, config.total_steps), initial=first, total=config.total_steps, mininterval=5
    )
    for step in bar:
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * _rate(step, config)
        losses = _step(detector, optimiser, _batch(pictures, config, step))
        average.update(step)
        bar.set_postfix(place=f"{losses[0]:.4f}", score=f"{losses[2]:.3f}", refresh=False)
        done = step + 1
        if done % config.validation_interval == 0 or done == config.total_steps:
            errors = dataclasses.asdict(validate(run.averaged(), held_out).overall())
            run.log.append({"step": done, "seconds": round(time.monotonic() - started)} | errors)
            tqdm.write(str(run.log[-1]))
        if done % config.checkpoint_interval == 0 or done == config.total_steps:
            run.save(out / "checkpoint.npz", done)
    return run.averaged(), run.log


def validate(detector: TorchDetector, pictures: Pictures) -> Measured:
    """Errors on pictures that were not trained on."""
    detector.eval()
    scores, places, errors = [], [], []
    with torch.no_grad():
        for start in range(0, len(pictures), 64):
            images = torch.from_numpy(pictures.images[start : start + 64].astype(np.float32))
            logits, places_here, log_errors = detector(images)
            scores.append(torch.sigmoid(logits).numpy())
            places.append(places_here.numpy())
            errors.append(torch.exp(log_errors).numpy())
    return measure(pictures, *(np.concatenate(x) for x in (scores, places, errors)))


def _step(
    detector: TorchDetector,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor, Tensor],
) -> list[float]:
    images, landmarks, is_face = batch
    detector.train()
    logits, places, log_errors = detector(images)
    score = nn.functional.binary_cross_entropy_with_logits(logits, is_face)
    offsets = (places - landmarks)[is_face > 0.5]
    place = offsets.abs().mean()
    distances = offsets.detach().norm(dim=-1)
    # The likelihood of an exponential distribution: its scale becomes the expected error.
    scales = log_errors[is_face > 0.5]
    error = (distances * torch.exp(-scales) + scales).mean()
    loss = PLACE_WEIGHT * place + ERROR_WEIGHT * error + SCORE_WEIGHT * score
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(detector.parameters(), MAX_GRADIENT_NORM)
    optimiser.step()
    return [place.item(), error.item(), score.item()]


def _batch(pictures: Pictures, config: DetectorConfig, step: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pictures of a step, mirrored, moved in depth and partly hidden at random."""
    rng = np.random.default_rng([config.seed, 7, step])
    rows = np.sort(rng.integers(len(pictures), size=config.batch))
    images = pictures.images[rows].astype(np.float32)
    landmarks = pictures.landmarks[rows].copy()
    mirrored = rng.random(len(rows)) < 0.5
    images[mirrored] = images[mirrored][:, :, :, ::-1]
    images[mirrored, 2] *= -1.0
    sides = np.float32([-1.0, 1.0, 1.0])
    landmarks[mirrored] = landmarks[mirrored][:, MIRRORED_LANDMARKS] * sides
    shifts = rng.normal(0.0, 0.08, len(rows)).astype(np.float32)  # depth units
    seen = images[:, 1] > 0
    moved = np.clip(images[:, 0] + shifts[:, None, None], -MAX_DEPTH, MAX_DEPTH)
    images[:, 0] = np.where(seen, moved, 0.0)
    landmarks[:, :, 2] += shifts[:, None] * (DEPTH_UNIT_MM / (0.5 * CROP_MM))
    for k in np.flatnonzero(rng.random(len(rows)) < 0.25):
        top, left = rng.integers(0, 56, 2)
        height, width = rng.integers(4, 22, 2)
        images[k, :, top : top + height, left : left + width] = 0.0
    is_face = pictures.is_face[rows].astype(np.float32)
    pixels = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    return pixels, torch.from_numpy(landmarks), torch.from_numpy(is_face)


def _rate(step: int, config: DetectorConfig) -> float:
    """Warm up, then half a cosine down to a hundredth; once more, lower, after the restart."""
    share, passed = 1.0, step / config.num_steps
    if step >= config.num_steps:
        share, passed = config.restart_share, (step - config.num_steps) / config.restart_steps
    wave = 0.5 * (1.0 + math.cos(math.pi * passed))
    return share * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * wave)
