"""The loop of a stage: draw, loss, gradient, step; save, validate and log when it is time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from training.expression_model.objective import LOSS_NAMES
from training.expression_model.run import Run
from training.expression_model.run_checkpoint import save_run
from training.expression_model.run_log import RunLog
from training.expression_model.schedule import STAGES, Schedule
from training.expression_model.validation import validate
from training.runs.averaging import WeightAverage
from training.runs.checkpoint import restore_optimiser
from training.runs.loss_guard import MEDIAN_WINDOW, check_loss, check_weights


class StageBatch(Protocol):
    """What a stage draws; names: of all sequences of the batch."""

    names: tuple[str, ...]
    signal: Tensor


Drawn = TypeVar("Drawn", bound=StageBatch)


class Stage(Protocol[Drawn]):
    """What the loop needs of a stage."""

    name: str
    schedule: Schedule

    def trains(self, parameter_name: str) -> bool: ...
    def draw(self, step: int) -> Drawn: ...
    def losses(self, batch: Drawn) -> dict[str, Tensor]: ...


def fit(run: Run, stage: Stage, log: RunLog) -> None:
    """Do what is left of a stage, from where the run is."""
    num_steps = stage.schedule.num_steps
    if STAGES.index(run.stage) > STAGES.index(stage.name):
        return
    if run.stage != stage.name:
        run.stage, run.step = stage.name, 0
    if run.step >= num_steps:
        return
    trained = _start(run, stage)
    log.start_stage(run, num_steps)
    for step, batch in drawn_ahead(stage.draw, range(run.step, num_steps)):
        losses = _take_gradients(run, stage, batch, list(trained.values()))
        _check(run, losses, batch)
        if run.step > 0 and run.step % run.config.checkpoint_interval == 0:
            save_run(run)  # only now: these weights have just given a sound loss
        rate = stage.schedule.learning_rate(step)
        _change_weights(run, list(trained.values()), rate)
        run.history[stage.name].append(losses)
        run.step += 1
        log.step(run, losses, rate)
        if run.step % run.config.validation_interval == 0 and run.step < num_steps:
            validate(run, log)
    log.end_stage()
    _end(run)


def drawn_ahead(draw: Callable[[int], Drawn], steps: range) -> Iterator[tuple[int, Drawn]]:
    """(step, what it draws), each drawn while the one before is used."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="draw") as pool:
        upcoming = pool.submit(draw, steps[0])
        for step in steps:
            drawn = upcoming.result()
            if step + 1 in steps:
                upcoming = pool.submit(draw, step + 1)
            yield step, drawn


def _start(run: Run, stage: Stage) -> dict[str, nn.Parameter]:
    """Optimiser and average of a stage, from a checkpoint where it was in the midst of it; returns
    the parameters it trains."""
    config = run.config
    trained = {}
    for name, parameter in run.model.named_parameters():
        parameter.requires_grad_(stage.trains(name))
        if stage.trains(name):
            trained[name] = parameter
    run.processes.share_first([*run.model.state_dict().values()])
    run.optimiser = torch.optim.Adam(
        trained.values(),
        lr=stage.schedule.first_rate,
        weight_decay=config.weight_decay,
    )
    run.average = WeightAverage(trained, config.average)
    run.scaler = run.device.gradient_scaler()
    run.history.setdefault(stage.name, [])
    if run.left_over is not None and run.step > 0:
        restore_optimiser(run.optimiser, run.left_over.optimiser)
        run.average.restore(run.left_over.average)
        run.scaler.load_state_dict(run.left_over.progress["gradient_scaler"])
    run.left_over = None
    return trained


def _take_gradients(
    run: Run, stage: Stage, batch: StageBatch, trained: list[nn.Parameter]
) -> list[float]:
    """Gradients of the whole batch on every process; returns its LOSS_NAMES."""
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)
    values = torch.zeros(len(LOSS_NAMES), device=run.device.torch_device)
    if len(batch.signal):  # the last batch of an epoch may leave nothing for this process
        losses = stage.losses(batch)
        run.scaler.scale(losses["total"]).backward()
        values = torch.stack([losses[name].detach() for name in LOSS_NAMES])
    run.processes.add_up([*(parameter.grad for parameter in trained), values])
    return values.tolist()


def _check(run: Run, losses: list[float], batch: StageBatch) -> None:
    place = f"step {run.step} of stage {run.stage}"
    earlier = [row[0] for row in run.history[run.stage][-MEDIAN_WINDOW:]]
    factor = run.config.explosion_factor
    check_loss(losses[0], earlier, factor, place, batch.names, run.last_saved)


def _change_weights(run: Run, trained: list[nn.Parameter], rate: float) -> None:
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    run.scaler.unscale_(run.optimiser)
    if run.config.max_gradient_norm:
        torch.nn.utils.clip_grad_norm_(trained, run.config.max_gradient_norm)
    run.scaler.step(run.optimiser)
    run.scaler.update()
    run.average.update(run.step)


def _end(run: Run) -> None:
    """The average becomes the weights; what only this stage needed goes."""
    check_weights(run.model, f"the last step of stage {run.stage}", run.last_saved)
    run.average.settle()
    run.average = run.optimiser = run.scaler = None
    save_run(run)
