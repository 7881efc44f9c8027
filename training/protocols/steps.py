"""The steps of one fold, each finished once: basis, landmark generators, decoder, peers, measures.

What a fold trains lies in its folder as the runs of `train` do, so that `evaluate --system lm4dgan
--runs FOLD` can look at it too.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from facegen_core.file_words import reason_of
from facegen_core.json_text import read_json
from facegen_core.one_thread import on_one_thread
from training.datasets.training_data import TrainingData
from training.displacement_decoder.faces import BASIS
from training.displacement_decoder.train import train_decoder
from training.evaluation.reference import read_reference
from training.expression_model.recordings import compute_basis
from training.landmark_evaluation.opening import OURS_FOLDER, open_landmark_systems
from training.landmark_evaluation.systems import CLASS_MEAN, MEAN_S2D, OURS, PEER, RBF
from training.landmark_gan.train_landmarks import train_landmarks
from training.peers.train_peers import train_peers
from training.preparation.resumable import write_json
from training.protocols.config import ProtocolConfig
from training.protocols.measures import FoldFindings, measure_fold
from training.runs.checkpoint import Checkpoint, CheckpointError, save_checkpoint
from training.runs.provenance import data_hash
from training.runs.settings import differing_setting, settings_dict, settings_to_go_on

MEASURES = "measures"
# Whole systems that are compared; "predict neutral" needs nothing.
_TRAINED_SYSTEMS = (OURS, PEER, RBF, MEAN_S2D)
_RECORD, _FINDINGS = "steps.json", "measures.json"
# Settings that decide no weight: where things are, and how often is looked.
_FREE = (
    "data out device precision basis_from validation_interval checkpoint_interval "
    "evaluation_stride explosion_factor validation_frames"
).split()


@dataclass(frozen=True, eq=False)
class FoldRun:
    """folder: of everything that is made in the fold; data: the set as the fold sees it."""

    number: int
    folder: Path
    data: TrainingData
    config: ProtocolConfig

    @property
    def basis_folder(self) -> Path:
        return self.folder / "basis"


def run_fold(run: FoldRun, resume: bool) -> None:
    """All steps that are not finished. resume: go on within a step from its checkpoint.

    Raises CheckpointError where a finished step is of other settings or data.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    record, fingerprint = read_record(run.folder), data_hash(run.data)
    for step, work in STEPS.items():
        told = {"data_hash": fingerprint, "settings": _deciding(run.config, step)}
        if _is_finished(run, step, record.get(step), told):
            tqdm.write(f"Fold {run.number}: {step} is finished.")
            continue
        tqdm.write(f"Fold {run.number}: {step}")
        started = time.monotonic()
        work(run, resume)
        record[step] = told | {"seconds": round(time.monotonic() - started, 1)}
        if step != MEASURES:
            record.pop(MEASURES, None)  # of what was there before
        write_json(run.folder / _RECORD, record)


def read_record(folder: Path) -> dict[str, Any]:
    """{finished step: its settings, data_hash and seconds} of a fold."""
    path = folder / _RECORD
    if not path.exists():
        return {}
    try:
        return read_json(path)
    except ValueError as error:
        raise CheckpointError(f"{path} is not JSON ({error}): remove it, and go on.") from error


def unfinished_step(folder: Path) -> str | None:
    """The first step of a fold that is not finished, None where all are."""
    record = read_record(folder)
    return next((step for step in STEPS if step not in record), None)


def read_findings(
    folder: Path, expressions: tuple[str, ...], config: ProtocolConfig
) -> FoldFindings:
    """What a finished fold has measured.

    Raises CheckpointError where it is not finished, or was with other settings.
    """
    unfinished = unfinished_step(folder)
    if unfinished is not None:
        raise CheckpointError(
            f"{folder} is not finished: its step '{unfinished}' is still to do, go on with "
            "--resume."
        )
    for step, told in read_record(folder).items():
        now = _deciding(config, step)
        changed = differing_setting(_saved(folder, told, now), now)
        if changed is not None:
            raise CheckpointError(
                f"{folder} was finished with another '{changed}' of {step} than now: go on with "
                "the same settings for all folds."
            )
    path = folder / _FINDINGS
    try:
        content = read_json(path)
        return FoldFindings.of_plain(content, expressions)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({reason_of(error)}): remove {folder / _RECORD}, and go on "
            "with --resume."
        ) from error


def _is_finished(
    run: FoldRun, step: str, record: dict[str, Any] | None, told: dict[str, Any]
) -> bool:
    if record is None:
        return False
    known = {"data_hash": record.get("data_hash")}
    known["settings"] = _saved(run.folder, record, told["settings"])
    changed = differing_setting(known, told)
    if changed is None or step == MEASURES:
        return changed is None
    raise CheckpointError(
        f"{run.folder}: the step '{step}' was finished with another "
        f"'{changed.removeprefix('settings.')}': go on with the old one, or choose another --out."
    )


def _saved(folder: Path, record: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The settings a step was finished with, to be compared with those of now."""
    return settings_to_go_on(record.get("settings") or {}, now, folder / _RECORD, is_told=False)


def _deciding(config: ProtocolConfig, step: str) -> dict[str, Any]:
    """The settings that decide what a step makes."""
    whole = settings_dict(config)
    if step in ("landmarks", "decoder", "peers"):
        return _without_free(whole[step])
    names = {
        "basis": ("seed", "num_blendshapes", "basis_frames"),
        MEASURES: ("seed", "noises", "looked", "takes", "classifier_frames", "classifier_takes"),
    }
    return {name: whole[name] for name in names[step]}


def _without_free(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_free(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name not in _FREE
    }


@on_one_thread
def _make_basis(run: FoldRun, resume: bool) -> None:
    """Shapes as the first generator finds them, in the form its runs keep them in.

    That generator need not be trained: landmark generators and decoder ask of it only the shapes.
    """
    config = run.config
    basis = compute_basis(
        run.data.sequences["train"],
        config.num_blendshapes,
        config.basis_frames,
        np.random.default_rng([config.seed]),
        run.data.template,
    )
    progress = {"seed": config.seed, "data_hash": data_hash(run.data)}
    run.basis_folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint({BASIS: basis.shapes}, {}, {}, {}, progress)
    save_checkpoint(checkpoint, run.basis_folder / "checkpoint.npz")


def _train_landmarks(run: FoldRun, resume: bool) -> None:
    out = run.folder / OURS_FOLDER / "landmarks"
    config = dataclasses.replace(run.config.landmarks, out=out, basis_from=run.basis_folder)
    train_landmarks(config, run.data, resume)


def _train_decoder(run: FoldRun, resume: bool) -> None:
    config = dataclasses.replace(run.config.decoder, basis_from=run.basis_folder)
    train_decoder(config, run.data, run.folder / OURS_FOLDER / "decoder", resume)


def _train_peers(run: FoldRun, resume: bool) -> None:
    train_peers(run.config.peers, run.data, run.folder / "peers", resume)


def _measure(run: FoldRun, resume: bool) -> None:
    config = run.config
    reference = read_reference(run.data, config.classifier_frames, config.seed)
    opened = open_landmark_systems(run.folder, run.data, reference)
    for name in _TRAINED_SYSTEMS:
        if name not in opened.candidates:
            raise CheckpointError(
                f"Fold {run.number} cannot be measured, '{name}' is missing: {opened.missing[name]}"
            )
    compared = (*_TRAINED_SYSTEMS, CLASS_MEAN)
    candidates = {name: opened.candidates[name] for name in compared}
    findings = measure_fold(run.data, candidates, opened.decoders, reference, config)
    write_json(run.folder / _FINDINGS, findings.plain())


# In order; each needs those before it.
STEPS = {
    "basis": _make_basis,
    "landmarks": _train_landmarks,
    "decoder": _train_decoder,
    "peers": _train_peers,
    MEASURES: _measure,
}
