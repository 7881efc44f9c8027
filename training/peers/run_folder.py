"""The folder of one trained peer: checkpoint, settings and metrics, and going on after a kill."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from numpy.typing import NDArray

from facegen_core.files import write_text
from training.expression_model.train_config import TrainConfig
from training.peers.config import PeersConfig, peers_config_to_dict
from training.runs.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from training.runs.device import choose_device
from training.runs.settings import differing_setting, settings_to_go_on

# Settings of a peer a run may change when it goes on: it may also be made longer or shorter.
FREE_SETTINGS = ("validation_interval checkpoint_interval validation_frames steps epochs").split()


@dataclass(eq=False)
class RunFolder:
    """Where a peer is kept.

    told: what every checkpoint of the run says: settings, data_hash, frame rate, expressions.
    seconds: of training so far, over all sessions.
    """

    path: Path
    told: dict[str, Any]
    seconds: float = 0.0
    _session: float = field(default_factory=time.monotonic)

    @property
    def checkpoint_path(self) -> Path:
        return self.path / "checkpoint.npz"

    def resume(self) -> Checkpoint | None:
        """The checkpoint of the run, None where there is none. Raises CheckpointError where it was
        made with other settings or other data."""
        if not self.checkpoint_path.exists():
            return None
        checkpoint = load_checkpoint(self.checkpoint_path)
        now = _decisive(self.told)
        saved = settings_to_go_on(_decisive(checkpoint.progress), now, self.checkpoint_path)
        name = differing_setting(saved, now)
        if name is not None:
            raise CheckpointError(
                f"{self.checkpoint_path} was made with another {name.split('.')[-1]}: go on with "
                "the old one, or choose another --out."
            )
        self.seconds = float(checkpoint.progress["seconds"])
        self._session = time.monotonic()
        return checkpoint

    def save(
        self,
        weights: dict[str, NDArray],
        progress: dict[str, Any],
        average: dict[str, NDArray] | None = None,
        optimiser: dict[str, NDArray] | None = None,
        history: dict[str, NDArray] | None = None,
    ) -> None:
        """Write the checkpoint, at once or not at all."""
        now = time.monotonic()
        self.seconds, self._session = self.seconds + now - self._session, now
        told = self.told | {"seconds": round(self.seconds, 1)} | progress
        content = Checkpoint(weights, average or {}, optimiser or {}, history or {}, told)
        save_checkpoint(content, self.checkpoint_path)

    def finish(self, metrics: dict[str, Any]) -> None:
        """Write OUT/metrics.json."""
        text = json.dumps(metrics | {"seconds": round(self.seconds, 1)}, indent=1) + "\n"
        write_text(self.path / "metrics.json", text)


def start_folder(path: Path, config: PeersConfig, section: str, told: dict[str, Any]) -> RunFolder:
    """The folder of the peer that a section of the configuration is of; writes its config.yaml."""
    settings = peers_config_to_dict(config)
    path.mkdir(parents=True, exist_ok=True)
    common = {"seed": config.seed, "num_threads": config.num_threads}
    shown = {"data": settings["data"], **common, section: settings[section]}
    write_text(path / "config.yaml", yaml.safe_dump(shown, sort_keys=False))
    return RunFolder(path, told | common | {"settings": settings[section]})


def open_finished(path: Path, told: dict[str, Any]) -> Checkpoint:
    """The checkpoint of a finished run. Raises CheckpointError with why it cannot be used here."""
    if not (path / "checkpoint.npz").exists():
        raise CheckpointError(f"{path} holds no run: train it first.")
    checkpoint = load_checkpoint(path / "checkpoint.npz")
    if not checkpoint.progress.get("is_finished"):
        raise CheckpointError(f"{path} is not finished: resume it with --resume.")
    for name in ("expressions", "frame_rate"):
        if checkpoint.progress[name] != told[name]:
            raise CheckpointError(
                f"{path} was trained with {name.replace('_', ' ')} {checkpoint.progress[name]}, "
                f"the data set has {told[name]}: evaluate it on data of its own kind."
            )
    return checkpoint


def torch_device(config: PeersConfig) -> torch.device:
    """Where a peer is trained. Raises TrainingConfigError where there is no such device."""
    return choose_device(TrainConfig(device=config.device, precision="float32")).torch_device


def _decisive(told: dict[str, Any]) -> dict[str, Any]:
    settings = {n: v for n, v in told["settings"].items() if n not in FREE_SETTINGS}
    common = {name: told[name] for name in ("seed", "num_threads", "data_hash") if name in told}
    return {"settings": settings, **common}
