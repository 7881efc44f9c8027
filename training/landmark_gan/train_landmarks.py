"""Train the landmark generators: autoencoder, then stage after stage, coarse to fine.

Each stage is trained with the stages before it finished, as the groups of GANimator are (Li et al.,
SIGGRAPH 2022). One process, or many with torchrun: every process draws the same batch and works on
its part of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from facegen_core.files import write_text
from training.datasets.training_data import TrainingData
from training.landmark_gan.batches import LandmarkBatch, training_noise
from training.landmark_gan.calibration import calibrate
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.guard import check_step
from training.landmark_gan.objective import (
    CRITIC_NAMES,
    LOSS_NAMES,
    critic_losses,
    generator_losses,
)
from training.landmark_gan.run import (
    LandmarkRun,
    resume,
    save_run,
    set_up,
    start_stage,
    write_session,
)
from training.landmark_gan.train_autoencoder import train_autoencoder
from training.landmark_gan.validation import measure_takes
from training.runs.distributed import Processes
from training.runs.loss_guard import check_weights
from training.runs.threads import on_set_threads

# Steps over which the rate rises at the start of a stage.
WARM_UP = 50
# Every so many validation takes are looked at while training goes on.
VALIDATION_STRIDE = 4


@on_set_threads
def train_landmarks(
    config: LandmarkTrainConfig,
    data: TrainingData,
    go_on: bool = False,
    processes: Processes | None = None,
) -> dict[str, Any]:
    """Run all stages; returns the metrics, which are in OUT/metrics.json too."""
    run = set_up(config, data, processes)
    if go_on and run.path.exists():
        resume(run)
    write_session(run)
    for stage in run.stages:
        if run.stage != stage:
            continue
        if stage == "autoencoder":
            train_autoencoder(run)
        else:
            train_stage(run)
    if "final" not in run.metrics:
        if config.diversity > 0:
            run.metrics["calibration"] = calibrate(run)
        run.metrics["final"] = vars(measure_takes(run, "test"))
        run.metrics["num_test_subjects"] = len({t.subject for t in run.takes["test"]})
        save_run(run)
    if run.processes.is_first:
        metrics = {**run.metrics, "seconds": run.seconds()}
        text = json.dumps(metrics, indent=1) + "\n"
        write_text(config.out / "metrics.json", text)
    run.processes.wait()
    return run.metrics


def train_stage(run: LandmarkRun) -> None:
    """What is left of the stage the run is at; then the run is at the next."""
    config, stage = run.config, int(run.stage)
    num_steps = config.stage_steps[stage]
    start_stage(run)
    history, spreads = run.history[run.stage], []
    bar = tqdm(
        total=num_steps,
        initial=run.step,
        desc=f"Stage {stage}",
        unit="step",
        mininterval=2.0,
        disable=not run.processes.is_first,
    )
    for batches in _drawn_ahead(run, range(run.step, num_steps)):
        _set_rates(run, num_steps)
        for update, batch in enumerate(batches[1:], start=1):
            told = _update_critics(run, stage, update, batch)
            if told:
                spreads.append(told[CRITIC_NAMES.index("spread")])
        losses = _update_generators(run, stage, batches[0])
        place = f"step {run.step} of stage {stage}"
        watched = spreads if config.critics else []
        check_step(
            losses,
            watched,
            history,
            config.explosion_factor,
            place,
            batches[0].names,
            run.last_saved,
        )
        history.append(losses)
        run.step += 1
        bar.set_postfix(loss=f"{losses[0]:.3f}", refresh=False)
        bar.update()
        if run.step % config.checkpoint_interval == 0:
            save_run(run)
        if run.step % config.validation_interval == 0:
            _validate(run)
    bar.close()
    assert run.average is not None
    run.average.settle()
    check_weights(run.networks, f"the last step of stage {stage}", run.last_saved)
    run.average, run.optimisers = None, {}
    following = stage + 1
    run.stage = str(following) if following < config.generators.num_stages else "done"
    run.step = 0
    save_run(run)


def _drawn_ahead(run: LandmarkRun, steps: range) -> Iterator[list[LandmarkBatch]]:
    """Batches of each step, for the generators and for each update of the critics; those of the
    next step are drawn while one is used."""
    judged = bool(run.networks.judges(int(run.stage))) and (
        run.config.critics or run.config.identity_discriminator
    )
    updates = 1 + (run.config.critic_updates if judged else 0)
    part, device = run.processes.part(run.config.batch), run.device.torch_device
    first = sum(run.config.stage_steps[: int(run.stage)])

    def draw(step: int) -> list[LandmarkBatch]:
        return [run.source.draw(first + step, u, part).on(device) for u in range(updates)]

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="draw") as pool:
        if not steps:
            return
        upcoming = pool.submit(draw, steps[0])
        for step in steps:
            batches = upcoming.result()
            if step + 1 in steps:
                upcoming = pool.submit(draw, step + 1)
            yield batches


def _set_rates(run: LandmarkRun, num_steps: int) -> None:
    share = 0.5 * (1 + math.cos(math.pi * run.step / num_steps))
    share = max(share, run.config.final_rate) * min(1.0, (run.step + 1) / WARM_UP)
    rates = {"generators": run.config.learning_rate, "critics": run.config.critic_rate}
    for name, optimiser in run.optimisers.items():
        for group in optimiser.param_groups:
            group["lr"] = share * rates[name]


def _update_critics(run: LandmarkRun, stage: int, update: int, batch: LandmarkBatch) -> list[float]:
    rng = run.rng(1, stage, run.step, update)
    noise = _noise(run, batch, 1, rng)
    mixing = torch.from_numpy(rng.random((batch.size, 1, 1)).astype("float32"))
    mixing = mixing[run.processes.part(batch.size)].to(batch.motion.device)
    losses = critic_losses(run.config, run.networks, stage, batch, noise, mixing)
    return _step(run, "critics", losses, run.networks.judges(stage), 0.0)


def _update_generators(run: LandmarkRun, stage: int, batch: LandmarkBatch) -> list[float]:
    noise = _noise(run, batch, 2, run.rng(2, stage, run.step))
    losses = generator_losses(run.config, run.networks, stage, batch, noise)
    trained = [p for p in run.networks.generators.parameters() if p.requires_grad]
    values = _step(run, "generators", losses, trained, run.config.max_gradient_norm)
    assert run.average is not None
    run.average.update(run.step)
    return [values[LOSS_NAMES.index(name)] for name in LOSS_NAMES]


def _step(
    run: LandmarkRun,
    name: str,
    losses: dict[str, Tensor],
    trained: list[nn.Parameter],
    max_norm: float,
) -> list[float]:
    """Gradients of the whole batch, one step of Adam; the losses of all processes together."""
    optimiser = run.optimisers[name]
    gradients = torch.autograd.grad(losses["total"], trained, allow_unused=True)
    for parameter, gradient in zip(trained, gradients, strict=True):
        parameter.grad = torch.zeros_like(parameter) if gradient is None else gradient
    run.processes.add_up([p.grad for p in trained if p.grad is not None])
    values = [loss.detach().clone() for loss in losses.values()]
    run.processes.add_up(values)
    if max_norm > 0:
        nn.utils.clip_grad_norm_(trained, max_norm)
    if all(bool(torch.isfinite(v)) for v in values):
        optimiser.step()
    return [float(value) for value in values]


def _noise(run: LandmarkRun, batch: LandmarkBatch, draws: int, rng: Any) -> Tensor:
    """(draws · B', S, K, Z) for this process's rows, the same whatever the number of processes."""
    K = batch.features.shape[1]  # noqa: N806
    part = run.processes.part(batch.size)
    rows = [training_noise(run.config.generators, batch.size, K, rng)[part] for _ in range(draws)]
    return torch.cat(rows).to(batch.motion.device)


def _validate(run: LandmarkRun) -> None:
    """Of the averaged weights; the run goes on with its own."""
    if not run.processes.is_first:
        return
    assert run.average is not None
    kept = {n: p.detach().clone() for n, p in run.networks.generators.named_parameters()}
    run.average.settle()
    errors = measure_takes(run, "val", VALIDATION_STRIDE)
    with torch.no_grad():
        for name, parameter in run.networks.generators.named_parameters():
            parameter.copy_(kept[name])
    tqdm.write(
        f"stage {run.stage}, step {run.step}: expected {errors.expected_mm:.3f} mm, drawn "
        f"{errors.mean_mm:.3f}, best {errors.best_mm:.3f}, apart {errors.apart_mm:.3f}, jitter "
        f"{errors.jitter:.2f}"
    )
    run.metrics.setdefault("validations", []).append(
        {"stage": run.stage, "step": run.step, **vars(errors)}
    )
