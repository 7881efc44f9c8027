"""Train the expression model: setup → main → fit → validate → save.

Potamias et al., ECCV 2020, section 4 (L1 + temporal L1, Adam), in two stages. `motion` trains the
LSTM, the blendshape weights and the jaw on PCA coefficients, with the loss at random vertices:
cheap steps, many of them. `detail` trains the spiral decoder on whole meshes; without a motion
stage it trains everything, which is the paper's way.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from facegen_core.models.expression_encoder import rest_gate
from facegen_core.models.expression_model import ExpressionModel
from facegen_core.template import Template
from training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    model_arrays,
    optimiser_arrays,
    restore_model,
    restore_optimiser,
    save_checkpoint,
)
from training.examples import ExampleSource, pad
from training.losses import reconstruction_loss, temporal_loss
from training.reconstruction import Judges, class_means, error_table, measure_errors
from training.recordings import MotionBasis, compute_basis, magnitude_statistics, record
from training.train_config import TrainConfig, TrainingConfigError, read_config, write_config
from training.training_data import TrainingData, read_training_data

DEFAULT_CONFIG = Path(__file__).parent / "configs" / "default.yaml"
# The LSTM keeps codes within ±1 and reaches the ends only slowly: leave it this much room.
CODE_HEADROOM = 1.5
# Sequences looked at by the validation between steps; all test sequences are measured at the end.
NUM_VALIDATED = 12
MAX_GRADIENT_NORM = 1.0


@dataclass(eq=False)
class Run:
    """The state of one training run."""

    config: TrainConfig
    data: TrainingData
    model: ExpressionModel
    judges: Judges
    source: ExampleSource
    rng: np.random.Generator
    stage: str = "motion"
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    optimiser_state: dict[str, NDArray] = field(default_factory=dict)

    @property
    def checkpoint_path(self) -> Path:
        return self.config.out / "checkpoint.npz"


def train(config: TrainConfig, data: TrainingData, resume: bool = False) -> dict[str, Any]:
    """Run all stages; returns the metrics, which are also in OUT/metrics.json."""
    started = time.monotonic()
    run = set_up(config, data)
    if resume and run.checkpoint_path.exists():
        resume_run(run)
    fit(run, "motion", config.motion_steps, _motion_step)
    if "motion" not in run.metrics and config.motion_steps:
        run.metrics["motion"] = _validate(run, "test")
    fit(run, "detail", config.detail_steps, _detail_step)
    run.metrics["final"] = _validate(run, "test")
    run.metrics["seconds"] = round(time.monotonic() - started, 1)
    _save(run, None)
    (config.out / "metrics.json").write_text(json.dumps(run.metrics, indent=1) + "\n")
    return run.metrics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `train`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="YAML of differences")
    parser.add_argument("--data", type=Path, help="prepared data set, instead of the file's")
    parser.add_argument("--out", type=Path, help="folder of the run, instead of the file's")
    parser.add_argument("--seed", type=int, help="of everything drawn, instead of the file's")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")


def main(args: argparse.Namespace) -> None:
    """Train what the command line asks for."""
    paths = {name: str(p) for name in ("data", "out") if (p := getattr(args, name)) is not None}
    config = read_config(args.config, seed=args.seed, **paths)
    metrics = train(config, read_training_data(config), args.resume)
    tqdm.write(error_table(metrics["final"]))


def set_up(config: TrainConfig, data: TrainingData) -> Run:
    """Basis, labels and model; the effective configuration is saved beside the checkpoint."""
    if config.model.model_rate != data.frame_rate:
        raise TrainingConfigError(
            f"model.model_rate is {config.model.model_rate:g}, but the data has "
            f"{data.frame_rate:g} frames per second: they must agree."
        )
    config.out.mkdir(parents=True, exist_ok=True)
    write_config(config, config.out / "config.yaml")
    basis_rng, step_rng = np.random.default_rng(config.seed).spawn(2)
    train_sequences = data.sequences["train"]
    basis = compute_basis(
        train_sequences, config.model.num_blendshapes, config.pca_frames, basis_rng
    )
    labels = config.model.labels
    recordings = record(train_sequences, basis, labels)
    statistics = magnitude_statistics(recordings)
    source = ExampleSource(recordings, statistics, labels, config.augmentation)
    judges = Judges(statistics, class_means(recordings, statistics, labels), basis)
    model = _build_model(config, data.template, basis, np.concatenate([r.jaw for r in recordings]))
    return Run(config, data, model, judges, source, step_rng)


def fit(run: Run, stage: str, num_steps: int, step: Callable[[Run], dict[str, Tensor]]) -> None:
    """One stage of `num_steps`, from where the run is."""
    if num_steps == 0 or (run.stage == "detail" and stage == "motion"):
        return
    if run.stage != stage:
        run.stage, run.step, run.optimiser_state = stage, 0, {}
    optimiser, schedule = _optimiser(run, num_steps)
    bar = tqdm(range(run.step, num_steps), desc=f"Stage {stage}", mininterval=2.0)
    for run.step in bar:
        losses = step(run)
        optimiser.zero_grad()
        losses["total"].backward()
        torch.nn.utils.clip_grad_norm_(_trained(run), MAX_GRADIENT_NORM)
        optimiser.step()
        schedule.step()
        values = {name: round(float(loss.detach()), 4) for name, loss in losses.items()}
        if not np.isfinite(values["total"]):
            raise FloatingPointError(f"The loss is not finite at step {run.step} of {stage}.")
        bar.set_postfix(values, refresh=False)
        _look_up(run, optimiser, values, num_steps)
    run.step = num_steps
    run.optimiser_state = optimiser_arrays(optimiser)
    _save(run, optimiser)


def _build_model(
    config: TrainConfig, template: Template, basis: MotionBasis, jaws: NDArray
) -> ExpressionModel:
    torch.manual_seed(config.seed)
    model = ExpressionModel(config.model, template.hierarchy)
    spread = np.maximum(np.abs(jaws).max(axis=0), 1e-4)
    model.jaw.scales.copy_(torch.from_numpy(spread.astype(np.float32)))
    if config.model.has_blendshapes:
        model.blendshapes.basis.copy_(torch.from_numpy(basis.shapes))
        model.blendshapes.scales.copy_(torch.from_numpy(CODE_HEADROOM * basis.ranges))
    return model


def _optimiser(
    run: Run, num_steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    config = run.config
    is_first = run.stage == "motion" or config.motion_steps == 0
    rate = config.learning_rate if is_first else config.detail_learning_rate
    optimiser = torch.optim.Adam(_trained(run), lr=rate, weight_decay=config.weight_decay)
    restore_optimiser(optimiser, run.optimiser_state)
    for group in optimiser.param_groups:
        group["initial_lr"] = rate
    gamma = config.final_rate ** (1 / num_steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: gamma**step, last_epoch=run.step - 1
    )
    return optimiser, schedule


def _trained(run: Run) -> list[torch.nn.Parameter]:
    """Motion: all but the spirals. Detail: the spirals, or everything without a motion stage."""
    if run.config.motion_steps == 0:
        return list(run.model.parameters())
    in_detail = run.stage == "detail"
    named = run.model.named_parameters()
    return [p for name, p in named if name.startswith("spirals.") == in_detail]


def _motion_step(run: Run) -> dict[str, Tensor]:
    """Loss of a batch at random vertices, drawn by how much they move."""
    config, model = run.config, run.model
    batch = run.source.draw_batch(config.motion_batch, run.rng)
    chance = run.judges.basis.motion + run.judges.basis.motion.mean()
    size = min(config.motion_vertices, len(chance))
    vertices = run.rng.choice(len(chance), size, replace=False, p=chance / chance.sum())
    signal, mask = torch.from_numpy(batch.signal), torch.from_numpy(batch.mask)
    codes = model.encoder(signal)
    gate = _gate(model, signal)
    error = model.blendshapes.coefficients(codes) * gate - torch.from_numpy(batch.coefficients)
    B, T, K = error.shape  # noqa: N806
    shapes = model.blendshapes.basis[:, vertices].reshape(K, -1)
    skin = (error.reshape(B * T, K) @ shapes).reshape(1, B, T, -1)
    importance = mask * torch.where(gate[..., 0] < 1.0, config.quiet_weight, 1.0)
    return _losses(config, skin, model, (codes, gate, torch.from_numpy(batch.jaw)), importance)


def _detail_step(run: Run) -> dict[str, Tensor]:
    """Loss of some consecutive frames of whole meshes, at a random strength."""
    config, model, sequences = run.config, run.model, run.data.sequences["train"]
    indices = run.rng.choice(len(sequences), config.detail_batch)
    strengths = run.rng.uniform(0.3, 1.0, len(indices)).astype(np.float32)
    if run.config.augmentation.weakened == 0:
        strengths[:] = 1.0
    batch = pad([run.source.as_recorded(i) for i in indices])
    lengths = batch.mask.sum(axis=1).astype(int)
    window = min(config.detail_window, int(lengths.min()))
    starts = run.rng.integers(0, lengths - window + 1)
    frames = starts[:, None] + np.arange(window)  # (B, W)
    truth = np.stack(
        [
            s * sequences[i].displacements()[f]
            for i, f, s in zip(indices, frames, strengths, strict=True)
        ]
    )
    signal = torch.from_numpy(batch.signal * strengths[:, None, None])
    rows = torch.arange(len(indices))[:, None]
    codes = model.encoder(signal)[rows, torch.from_numpy(frames)]
    gate = _gate(model, signal)[rows, torch.from_numpy(frames)]
    B, W, _ = codes.shape  # noqa: N806
    skin = model.decode(codes.reshape(B * W, -1)).reshape(-1, B, W, 3) * gate
    error = skin - torch.from_numpy(truth).permute(2, 0, 1, 3)
    jaw = batch.jaw[np.arange(B)[:, None], frames] * strengths[:, None, None]
    return _losses(config, error, model, (codes, gate, torch.from_numpy(jaw)), torch.ones(B, W))


def _losses(
    config: TrainConfig,
    skin_error: Tensor,
    model: ExpressionModel,
    jaw: tuple[Tensor, Tensor, Tensor],
    mask: Tensor,
) -> dict[str, Tensor]:
    """L_r and L_c of (V, B, T, C) errors, mm, and of the jaw (codes, gate, truth) in its spread.

    mask: (B, T) how much each frame counts, 0 for padding.
    """
    codes, gate, jaw_truth = jaw
    jaw_error = ((model.jaw(codes) * gate - jaw_truth) / model.jaw.scales)[None]
    none = skin_error.new_zeros(())
    losses = {
        "reconstruction": reconstruction_loss(skin_error, none, mask),
        "temporal": temporal_loss(skin_error, none, mask),
        "jaw": reconstruction_loss(jaw_error, none, mask) + temporal_loss(jaw_error, none, mask),
    }
    weights = {"reconstruction": 1.0, "temporal": config.temporal_weight, "jaw": config.jaw_weight}
    total = sum((weights[name] * loss for name, loss in losses.items()), none)
    return {**losses, "total": total}


def _gate(model: ExpressionModel, signal: Tensor) -> Tensor:
    return rest_gate(signal, model.config.rest_gate)


def _look_up(
    run: Run, optimiser: torch.optim.Optimizer, values: dict[str, float], num_steps: int
) -> None:
    """Validate and save when it is time."""
    done = run.step + 1
    if done % run.config.validation_interval == 0 and done < num_steps:
        errors = _validate(run, "val")
        values["validation_mm"] = errors["model_mm"]["total"]
        run.history.append({"step": done, **values})
        tqdm.write(f"{run.stage} {done}: {values}")
    if done % run.config.checkpoint_interval == 0:
        run.step += 1
        _save(run, optimiser)
        run.step -= 1


def _validate(run: Run, split: str) -> dict[str, dict[str, float]]:
    sequences, stride = run.data.sequences[split], run.config.evaluation_stride
    if split == "val":
        chosen = np.linspace(0, len(sequences) - 1, min(NUM_VALIDATED, len(sequences))).astype(int)
        sequences = [sequences[int(i)] for i in chosen]
    return measure_errors(run.model, sequences, run.data.template, run.judges, stride)


def _save(run: Run, optimiser: torch.optim.Optimizer | None) -> None:
    statistics = run.judges.statistics
    progress = {
        "stage": run.stage,
        "step": run.step,
        "random_state": run.rng.bit_generator.state,
        "history": run.history,
        "metrics": run.metrics,
        "magnitude_means": statistics.means,
        "magnitude_deviations": statistics.deviations,
        "frame_rate": run.data.frame_rate,
        "training_data": run.data.provenance,
    }
    moments = optimiser_arrays(optimiser) if optimiser else {}
    checkpoint = Checkpoint(model_arrays(run.model), moments, progress)
    save_checkpoint(checkpoint, run.checkpoint_path)


def resume_run(run: Run) -> None:
    """Take weights, optimiser, random state and history from the run's checkpoint."""
    checkpoint = load_checkpoint(run.checkpoint_path)
    restore_model(run.model, checkpoint.weights)
    run.stage, run.step = checkpoint.progress["stage"], checkpoint.progress["step"]
    run.rng.bit_generator.state = checkpoint.progress["random_state"]
    run.history, run.metrics = checkpoint.progress["history"], checkpoint.progress["metrics"]
    run.optimiser_state = checkpoint.optimiser
