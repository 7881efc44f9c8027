"""Pre-training the landmark autoencoder: single frames of real faces in motion."""

from __future__ import annotations

import math

import numpy as np
import torch
from tqdm import tqdm

from training.landmark_gan.run import LandmarkRun, save_run
from training.runs.loss_guard import check_loss


def train_autoencoder(run: LandmarkRun) -> None:
    """Squared error per coordinate, Adam with a cosine; frozen from then on."""
    config, autoencoder = run.config, run.networks.autoencoder
    assert autoencoder is not None
    frames = _frames(run, "train")
    autoencoder.requires_grad_(True)
    optimiser = torch.optim.Adam(autoencoder.parameters(), config.autoencoder_rate)
    run.history["autoencoder"] = []
    history = run.history["autoencoder"]
    bar = tqdm(range(config.autoencoder_steps), desc="Autoencoder", unit="step", mininterval=2.0)
    for step in bar:
        for group in optimiser.param_groups:
            share = 0.5 * (1 + math.cos(math.pi * step / config.autoencoder_steps))
            group["lr"] = config.autoencoder_rate * max(share, config.final_rate)
        chosen = run.rng(0, step).integers(len(frames), size=config.autoencoder_batch)
        faces = frames[run.processes.part_of(chosen)]
        errors = (autoencoder(faces) - faces) / autoencoder.scale
        loss = errors.pow(2).mean(dim=1).sum() / config.autoencoder_batch
        optimiser.zero_grad()
        loss.backward()
        run.processes.add_up([p.grad for p in autoencoder.parameters() if p.grad is not None])
        value = [loss.detach()]
        run.processes.add_up(value)
        check_loss(
            float(value[0]),
            [row[0] for row in history],
            config.explosion_factor * 100,
            f"step {step} of stage autoencoder",
            ["single frames"],
            run.last_saved,
        )
        optimiser.step()
        history.append([float(value[0])])
    autoencoder.requires_grad_(False)
    run.metrics["autoencoder_mm"] = {
        split: float(_error_mm(run, _frames(run, split))) for split in ("val", "test")
    }
    run.stage, run.step = "0", 0
    save_run(run)


def _frames(run: LandmarkRun, split: str) -> torch.Tensor:
    """(N, 204) landmarks of all frames of a split, those at rest once per take; mm."""
    rows = []
    for take in run.takes[split]:
        moving = take.displacements[np.abs(take.displacements).max(axis=(1, 2)) > 0]
        faces = take.neutral + np.concatenate([np.zeros((1, *take.neutral.shape)), moving])
        rows.append(faces.reshape(len(faces), -1).astype(np.float32))
    return torch.from_numpy(np.concatenate(rows)).to(run.device.torch_device)


@torch.no_grad()
def _error_mm(run: LandmarkRun, faces: torch.Tensor) -> torch.Tensor:
    """Mean distance of landmarks from what 16 numbers tell of them."""
    autoencoder = run.networks.autoencoder
    assert autoencoder is not None
    errors = (autoencoder(faces) - faces).unflatten(1, (-1, 3))
    return errors.norm(dim=2).mean()
