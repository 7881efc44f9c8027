"""Training the Motion3DGAN peer: WGAN-GP in the tangent space at the mean path.

Gulrajani et al. 2017 for the penalty; losses and their weights as published (Otberdout et al., CVPR
2022): adversarial, 10 · L1 of tangent vectors, 10 · geodesic distance, both between a generated
path and a real one of the same class; generator first, then four steps of the critic.

Deviations, for one CPU thread: narrower layers, a higher rate for 800 steps instead of 1e-6 for
some 80,000, and the generator that is kept is a moving average of its weights. The critic and
the L1 see tangent vectors in units of PATH_UNIT; the original's are those of the sphere, if our
reading is right, in which its geodesic term would leave nothing to the critic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from training.peers.config import Motion3DGANConfig, PeersConfig
from training.peers.landmark_paths import Paths
from training.peers.motion3dgan import (
    PathCritic,
    PathGenerator,
    angle,
    class_code,
    log_map,
)
from training.peers.run_folder import RunFolder, torch_device
from training.peers.srvf import angle as angles_between
from training.peers.srvf import karcher_mean
from training.runs.averaging import WeightAverage
from training.runs.checkpoint import (
    Checkpoint,
    model_arrays,
    optimiser_arrays,
    restore_model,
    restore_optimiser,
)
from training.runs.loss_guard import TrainingStoppedError

# Length on the sphere that the critic sees as 1. Smaller, and paths learn to be rough before they
# learn their class (at 1/78, where entries are 1 on average, twice the steps were needed).
PATH_UNIT = 1.0 / 20.0
# What is kept of every step: losses of the critic without its penalty, the penalty, and the
# generator's three.
LOSS_NAMES = ("critic", "penalty", "adversarial", "log", "geodesic")
BETAS = (0.5, 0.9)
SAMPLES_LOOKED_AT = 10
# The largest entry of a generated path, beside that of the recorded ones.
_HEADROOM = 1.2


@dataclass(eq=False)
class _Run:
    """What training changes, and what it is saved as."""

    config: Motion3DGANConfig
    seed: int
    paths: Paths
    device: torch.device
    generator: PathGenerator = field(init=False)
    critic: PathCritic = field(init=False)
    step: int = 0
    history: list[list[float]] = field(default_factory=list)
    validations: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        num_classes = len(self.paths.lengths)
        generator = PathGenerator(self.config, num_classes)
        generator.scale.fill_(_HEADROOM * float(np.abs(self.paths.pictures).max()))
        flat = self.paths.pictures.reshape(len(self.paths.pictures), -1).astype(np.float64)
        reference = karcher_mean(flat).reshape(generator.reference.shape)
        generator.reference.copy_(torch.from_numpy(reference))
        # A third faster on a CPU.
        self.generator = generator.to(self.device, memory_format=torch.channels_last)
        self.critic = PathCritic(self.config, num_classes).to(self.device)
        rate = self.config.learning_rate
        self.optimisers = {
            name: torch.optim.Adam(model.parameters(), rate, BETAS)
            for name, model in (("generator", self.generator), ("critic", self.critic))
        }
        self.average = WeightAverage(self.generator.state_dict(), self.config.average)

    def averaged(self) -> PathGenerator:
        """A copy of the generator with the averaged weights, on the CPU."""
        generator = PathGenerator(self.config, len(self.paths.lengths))
        generator.load_state_dict(self.average.tensors())
        return generator.requires_grad_(False)

    def restore(self, checkpoint: Checkpoint) -> None:
        for name, model in (("generator", self.generator), ("critic", self.critic)):
            restore_model(model, below(name, checkpoint.weights))
            restore_optimiser(self.optimisers[name], below(name, checkpoint.optimiser))
        self.average.restore(checkpoint.average)
        self.step = int(checkpoint.progress["step"])
        self.history = checkpoint.history["losses"].tolist()
        self.validations = checkpoint.progress["validations"]

    def save(self, folder: RunFolder) -> None:
        models = {"generator": self.generator, "critic": self.critic}
        weights = {f"{n}/{k}": a for n, m in models.items() for k, a in model_arrays(m).items()}
        moments = {
            f"{n}/{k}": a
            for n, o in self.optimisers.items()
            for k, a in optimiser_arrays(o).items()
        }
        progress = {
            "step": self.step,
            "validations": self.validations,
            "lengths": self.paths.lengths.tolist(),
            "is_finished": self.step >= self.config.steps,
        }
        history = {"losses": np.array(self.history).reshape(-1, len(LOSS_NAMES))}
        folder.save(weights, progress, self.average.arrays(), moments, history)


def train_motion3dgan(
    config: PeersConfig, folder: RunFolder, paths: Paths, held_out: Paths | None, resume: bool
) -> dict[str, Any]:
    """Train, or go on; returns the metrics, which are also in the folder.

    held_out: paths of validation subjects the samples are compared with; None leaves that out.
    Raises TrainingStoppedError where a loss is not finite.
    """
    run = _Run(config.motion3dgan, config.seed, paths, torch_device(config))
    checkpoint = folder.resume() if resume else None
    if checkpoint is not None:
        run.restore(checkpoint)
    settings = config.motion3dgan
    bar = tqdm(
        total=settings.steps, initial=run.step, desc="Motion3DGAN", unit="step", mininterval=5.0
    )
    while run.step < settings.steps:
        losses = _train_step(run)
        if not all(math.isfinite(loss) for loss in losses):
            raise TrainingStoppedError(
                f"A loss of Motion3DGAN is not finite at step {run.step}: lower "
                "motion3dgan.learning_rate and go on with --resume from the last checkpoint."
            )
        run.history.append(losses)
        run.average.update(run.step)
        run.step += 1
        bar.set_postfix(critic=f"{losses[0]:.2f}", geodesic=f"{losses[4]:.2f}", refresh=False)
        bar.update()
        is_last = run.step == settings.steps
        if held_out is not None and (run.step % settings.validation_interval == 0 or is_last):
            run.validations.append({"step": run.step} | look_at_samples(run.averaged(), held_out))
            tqdm.write(f"Motion3DGAN {run.validations[-1]}")
        if run.step % settings.checkpoint_interval == 0:
            run.save(folder)
    bar.close()
    run.save(folder)
    metrics = {
        "parameters": {
            "generator": _count(run.generator),
            "critic": _count(run.critic),
        },
        "steps": run.step,
        "losses": dict(zip(LOSS_NAMES, run.history[-1], strict=True)),
        "validations": run.validations,
    }
    folder.finish(metrics)
    return metrics


def look_at_samples(generator: PathGenerator, real: Paths) -> dict[str, float]:
    """Whether samples are like paths of people not trained on, and as different among each other.

    Degrees, means over classes: `among_real` and `among_samples` between pairs of a class;
    `to_nearest_real` from a sample to the nearest real path, `to_nearest_sample` the other way;
    `to_mean` from the path of no noise to the real ones.
    """
    num_classes, rng = len(real.lengths), np.random.default_rng(0)
    rows: list[list[float]] = []
    for expression in range(num_classes):
        chosen = real.pictures[real.classes == expression].astype(np.float64)
        if len(chosen) < 2:
            continue
        flat = chosen.reshape(len(chosen), -1)
        samples = _samples(generator, expression, num_classes, rng)
        mean = _samples(generator, expression, num_classes, None)
        across = _angles(samples, flat)
        rows.append(
            [
                _among(flat),
                _among(samples),
                float(across.min(axis=1).mean()),
                float(across.min(axis=0).mean()),
                float(_angles(mean, flat).mean()),
            ]
        )
    names = ("among_real", "among_samples", "to_nearest_real", "to_nearest_sample", "to_mean")
    means = np.mean(rows, axis=0) if rows else np.zeros(len(names))
    return {name: round(float(value), 2) for name, value in zip(names, means, strict=True)}


def below(name: str, arrays: dict[str, NDArray]) -> dict[str, NDArray]:
    """The arrays of one model of several in a checkpoint."""
    prefix = f"{name}/"
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}


def _train_step(run: _Run) -> list[float]:
    """One of the generator, then those of the critic. Returns LOSS_NAMES."""
    rng = np.random.default_rng([run.seed, 31, run.step])
    config = run.config
    rate = config.learning_rate * config.final_rate ** (run.step / config.steps)
    for optimiser in run.optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = rate
    real, classes = _draw(run, rng)
    noise, label = _draw_noise(run, rng, classes)
    reference = run.generator.reference
    run.critic.requires_grad_(False)
    fake = run.generator(noise, label)
    fake_tangent = log_map(fake, reference) / PATH_UNIT
    real_tangent = log_map(real, reference) / PATH_UNIT
    adversarial = -run.critic(fake_tangent, label).mean()
    log_loss = (fake_tangent - real_tangent).abs().mean()
    geodesic = angle(fake, real).mean()
    loss = adversarial + config.log_weight * log_loss + config.geodesic_weight * geodesic
    _descend(run, "generator", loss)
    run.critic.requires_grad_(True)
    for _ in range(config.critic_steps):
        critic, penalty = _critic_step(run, rng)
    return [critic, penalty, adversarial.item(), log_loss.item(), geodesic.item()]


def _critic_step(run: _Run, rng: np.random.Generator) -> tuple[float, float]:
    real, classes = _draw(run, rng)
    noise, label = _draw_noise(run, rng, classes)
    reference = run.generator.reference
    with torch.no_grad():
        fake = log_map(run.generator(noise, label), reference) / PATH_UNIT
        real = log_map(real, reference) / PATH_UNIT
    scores = run.critic(torch.cat([fake, real]), torch.cat([label, label]))
    difference = scores[: len(fake)].mean() - scores[len(fake) :].mean()
    share = torch.from_numpy(rng.random((len(fake), 1, 1)).astype(np.float32)).to(run.device)
    between = (share * real + (1.0 - share) * fake).requires_grad_(True)
    total = run.critic(between, label).sum()
    (gradient,) = torch.autograd.grad(total, between, create_graph=True)
    penalty = (gradient.flatten(1).norm(dim=1) - 1.0).square().mean()
    _descend(run, "critic", difference + run.config.penalty_weight * penalty)
    return difference.item(), penalty.item()


def _descend(run: _Run, name: str, loss: Tensor) -> None:
    run.optimisers[name].zero_grad(set_to_none=True)
    loss.backward()
    run.optimisers[name].step()


def _draw(run: _Run, rng: np.random.Generator) -> tuple[Tensor, NDArray[np.int64]]:
    rows = rng.integers(len(run.paths.classes), size=run.config.batch)
    return torch.from_numpy(run.paths.pictures[rows]).to(run.device), run.paths.classes[rows]


def _draw_noise(
    run: _Run, rng: np.random.Generator, classes: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    noise = rng.normal(size=(len(classes), run.config.noise_size)).astype(np.float32)
    label = class_code(classes, len(run.paths.lengths), rng)
    return torch.from_numpy(noise).to(run.device), torch.from_numpy(label).to(run.device)


def _samples(
    generator: PathGenerator, expression: int, num_classes: int, rng: np.random.Generator | None
) -> NDArray[np.float64]:
    """(N, 204 · 30) of a class; the one of no noise without a generator of random numbers."""
    count = SAMPLES_LOOKED_AT if rng else 1
    label = class_code(np.full(count, expression), num_classes, rng)
    noise = np.zeros((count, generator.expand.in_features - label.shape[1]), np.float32)
    if rng:
        noise = rng.normal(size=noise.shape).astype(np.float32)
    with torch.no_grad():
        pictures = generator(torch.from_numpy(noise), torch.from_numpy(label))
    return pictures.flatten(1).numpy().astype(np.float64)


def _angles(first: NDArray, second: NDArray) -> NDArray[np.float64]:
    """(N, M) degrees."""
    return np.degrees(np.stack([angles_between(row, second) for row in first]))


def _among(points: NDArray) -> float:
    """Mean of the degrees between pairs."""
    return float(_angles(points, points)[~np.eye(len(points), dtype=bool)].mean())


def _count(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())
