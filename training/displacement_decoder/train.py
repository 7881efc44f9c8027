"""Train the displacement decoder: read faces → close the head → teach the residual → measure.

Adam on what the linear head leaves over. Everything drawn is a function of seed and step, so that a
run that was killed goes on exactly; losses and gradients of several processes add up.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn
from tqdm import tqdm

from facegen_core.errors import WriteError
from facegen_core.file_words import why_unwritten
from facegen_core.files import write_text
from training.datasets.training_data import TrainingData
from training.displacement_decoder.config import (
    CONFIG_FILE,
    DecoderTrainConfig,
    decoder_config_to_dict,
)
from training.displacement_decoder.examples import Batch
from training.displacement_decoder.measure import single_takes
from training.displacement_decoder.objective import Objective
from training.displacement_decoder.run import DecoderRun, resume_decoder, save_decoder, set_up
from training.expression_model.fit import drawn_ahead
from training.expression_model.validation import some_of_each
from training.runs.distributed import Processes
from training.runs.loss_guard import MEDIAN_WINDOW, check_loss, check_weights
from training.runs.provenance import commit, versions
from training.runs.settings import TrainingConfigError
from training.runs.threads import on_set_threads


@on_set_threads
def train_decoder(
    config: DecoderTrainConfig,
    data: TrainingData,
    out: Path,
    resume: bool = False,
    processes: Processes | None = None,
) -> dict[str, Any]:
    """Train into OUT: checkpoint.npz, config.yaml and metrics.json; returns the metrics.

    Raises TrainingConfigError, CheckpointError or TrainingStoppedError, one sentence each.
    """
    started, code = time.monotonic(), commit()  # of what runs, whatever is committed meanwhile
    processes = processes or Processes()
    _check(config, processes)
    if processes.is_first:
        _open_folder(config, out)
    run = set_up(config, data, out, processes)
    if resume and run.checkpoint_path.exists():
        resume_decoder(run)
    if config.model.residual and run.step < config.steps:
        _fit(run)
    if "final" not in run.metrics:
        _measure(run)
    if processes.is_first:
        provenance = {"commit": code, "versions": versions(), "device": str(run.device)}
        metrics = {
            **run.metrics,
            **provenance,
            "num_weights": sum(w.numel() for w in run.decoder.state_dict().values()),
            "seconds": round(run.seconds_before + time.monotonic() - started, 1),
        }
        write_text(out / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    processes.wait()
    return run.metrics


def _check(config: DecoderTrainConfig, processes: Processes) -> None:
    if config.faces_per_batch < processes.size:
        raise TrainingConfigError(
            f"faces_per_batch is {config.faces_per_batch}, but there are {processes.size} "
            "processes: each needs a face of every batch."
        )


def _open_folder(config: DecoderTrainConfig, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(decoder_config_to_dict(config), sort_keys=False)
        write_text(out / CONFIG_FILE, text)
    except WriteError:  # tells by itself
        raise
    except OSError as error:
        why = why_unwritten(out, error)
        raise TrainingConfigError(
            f"The run cannot be written to {out}: {why}; choose another --out."
        ) from error


def _fit(run: DecoderRun) -> None:
    """Teach the residual what is left of its steps."""
    config = run.config
    trained = [p for p in run.decoder.residual.parameters() if p.requires_grad]
    run.processes.share_first([*run.decoder.state_dict().values()])
    objective = Objective(config, run.data.template).to(run.device.torch_device)
    bar = tqdm(
        total=config.steps,
        initial=run.step,
        desc="Displacement decoder",
        unit="step",
        mininterval=2.0,
        disable=not run.processes.is_first,
    )
    run.decoder.train()
    for step, batch in drawn_ahead(run.source.draw, range(run.step, config.steps)):
        losses = _take_gradients(run, objective, batch, trained)
        earlier = [row[0] for row in run.history[-MEDIAN_WINDOW:]]
        check_loss(
            losses[0],
            earlier,
            config.explosion_factor,
            f"step {step} of the displacement decoder",
            batch.names,
            run.last_saved,
        )
        if run.step > 0 and run.step % config.checkpoint_interval == 0:
            save_decoder(run)  # only now: these weights have just given a sound loss
        _change_weights(
            run, trained, config.learning_rate * config.final_rate ** (step / config.steps)
        )
        run.history.append(losses)
        run.step += 1
        bar.set_postfix(loss=f"{losses[0]:.4f}", refresh=False)
        bar.update()
        if run.step % config.validation_interval == 0 and run.step < config.steps:
            _validate(run)
    bar.close()
    check_weights(run.decoder, "the last step of the displacement decoder", run.last_saved)
    run.average.settle()
    save_decoder(run)


def _take_gradients(
    run: DecoderRun, objective: Objective, batch: Batch, trained: list[nn.Parameter]
) -> list[float]:
    """Gradients of the whole batch on every process; returns its LOSS_NAMES."""
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)
    # Dropout too is a function of seed, step and process.
    torch.manual_seed((run.config.seed * 1_000_003 + run.step) * 1009 + run.processes.rank)
    losses = objective(_errors(run, batch), batch.share)
    losses[0].backward()
    values = losses.detach().clone()
    run.processes.add_up([*(parameter.grad for parameter in trained), values])
    return values.tolist()


def _errors(run: DecoderRun, batch: Batch) -> Tensor:
    device = run.device.torch_device
    with run.device.autocast():
        added = run.decoder.residual(
            batch.landmarks.to(device), batch.coefficients.to(device), batch.offsets.to(device)
        )
    return added.float() - batch.target.to(device)


def _change_weights(run: DecoderRun, trained: list[nn.Parameter], rate: float) -> None:
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    if run.config.max_gradient_norm:
        torch.nn.utils.clip_grad_norm_(trained, run.config.max_gradient_norm)
    run.optimiser.step()
    run.average.update(run.step)


def _validate(run: DecoderRun) -> None:
    """Measure some validation takes with the averaged weights; the first process does."""
    if not run.processes.is_first or not run.data.sequences.get("val"):
        return
    table = run.measure.of(run.averaged_weights(), some_of_each(run.data.sequences["val"]))
    row = {name: values["total"] for name, values in table.items()}
    run.metrics.setdefault("validations", []).append({"step": run.step} | row)
    tqdm.write(f"decoder {run.step}: {row['decoder_mm']:.4f} mm on unseen faces")


def _measure(run: DecoderRun) -> None:
    """The table of the test subjects, or of those for validation where there are none."""
    split = "test" if run.data.sequences.get("test") else "val"
    takes = single_takes(run.data.sequences.get(split, ()))
    if not run.processes.is_first or not takes:
        return
    bar = tqdm(takes, desc=f"Measuring {split}", unit="seq", mininterval=2.0)
    run.metrics["split"] = split
    run.metrics["final"] = run.measure.of(run.averaged_weights(), bar)
    save_decoder(run)
