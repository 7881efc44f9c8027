"""Finished runs as systems; one that is missing or of another set is named with why."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.errors import FacegenError
from training.datasets.training_data import TrainingData
from training.evaluation.reference import Reference
from training.evaluation.shipped import open_shipped
from training.evaluation.systems import RUN_FOLDERS, System, open_run
from training.expression_model.export_bundle import DEFAULT_BUNDLE
from training.landmark_evaluation.systems import (
    ABLATIONS,
    CLASS_MEAN,
    FIRST_GENERATOR,
    MEAN_S2D,
    OURS,
    PEER,
    RBF,
    Candidate,
    LandmarkSystem,
    SkinDecoder,
    SkinSystem,
    class_mean_system,
)
from training.peers.open_peers import open_peers
from training.runs.settings import read_settings

# Who opens a stage of the second generator: module and function(folder, data), which raises a
# FacegenError with the reason where it cannot.
OPENERS = {
    "landmarks": ("training.landmark_gan.open_run", "open_generator"),
    "decoder": ("training.displacement_decoder.open_run", "open_decoder"),
}
# Below the folder of runs.
OURS_FOLDER, ABLATIONS_FOLDER = "lm4dgan", "ablations"
# The ablation that leaves nothing out: trained with the budget of the others.
FULL = "full"
# Settings of a run that count its steps.
_STEPS = ("steps", "stage_steps")


@dataclass(frozen=True, eq=False)
class OpenedAblation:
    """A system without a part, beside the full one: of the same budget, or ours as it is."""

    ablated: Candidate
    full: Candidate
    is_same_budget: bool


@dataclass(frozen=True, eq=False)
class OpenedLandmarkSystems:
    """candidates: whole systems in the order of the tables; decoders: by the name of the system
    they belong to; ablations by name; missing: {name: why}."""

    candidates: dict[str, Candidate]
    decoders: dict[str, SkinDecoder] = field(default_factory=dict)
    ablations: dict[str, OpenedAblation] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def open_landmark_systems(
    runs: Path, data: TrainingData, reference: Reference
) -> OpenedLandmarkSystems:
    """Everything there is below the folder of runs; the class mean needs no run."""
    candidates: dict[str, Candidate] = {}
    decoders: dict[str, SkinDecoder] = {}
    missing: dict[str, str] = {}
    folder = runs / OURS_FOLDER
    generator = _attempt(OURS, missing, "landmarks", folder / "landmarks", data)
    decoder = _attempt(OURS, missing, "decoder", folder / "decoder", data)
    peers = open_peers(runs, data)
    for name, imagines, draws, is_random in (
        (OURS, generator, decoder, True),
        (PEER, peers.generators.get("motion3dgan"), peers.decoders.get("s2d"), True),
        (RBF, peers.generators.get("class_mean"), peers.decoders.get("rbf"), False),
    ):
        if draws is not None:
            decoders[name] = draws
        if imagines is not None and draws is not None:
            candidates[name] = LandmarkSystem(imagines, draws, is_random)
    mean, learned = peers.generators.get("class_mean"), peers.decoders.get("s2d")
    if mean is not None and learned is not None:
        candidates[MEAN_S2D] = LandmarkSystem(mean, learned, False)
    _note_missing_peers(peers.missing, missing)
    try:
        candidates[FIRST_GENERATOR] = SkinSystem(_first_generator(runs, data), data.template)
    except FacegenError as error:
        missing[FIRST_GENERATOR] = str(error)
    candidates[CLASS_MEAN] = class_mean_system(reference, data.template)
    opened = OpenedLandmarkSystems(candidates, decoders, missing=missing)
    if generator is not None and decoder is not None:
        _open_ablations(runs / ABLATIONS_FOLDER, folder, data, opened, generator, decoder)
    return opened


def _first_generator(runs: Path, data: TrainingData) -> System:
    """Its run where there is one, else as it ships."""
    folder = runs / RUN_FOLDERS[FIRST_GENERATOR]
    if (folder / "checkpoint.npz").exists():
        return open_run(folder, data)
    return open_shipped(DEFAULT_BUNDLE, data)


def _open_ablations(
    folder: Path,
    ours: Path,
    data: TrainingData,
    opened: OpenedLandmarkSystems,
    generator: Any,
    decoder: Any,
) -> None:
    """Beside the full system of the ablations, or ours where there is none."""
    fulls: dict[str, tuple[Candidate, int]] = {}
    for name, kind in ABLATIONS.items():
        part = _attempt(name, opened.missing, kind, folder / name / kind, data)
        if part is None:
            continue
        if kind not in fulls:
            own = folder / FULL / kind
            found = _attempt(FULL, opened.missing, kind, own, data) if own.exists() else None
            if found is not None:
                fulls[kind] = _with(kind, found, generator, decoder), num_steps(own)
            else:
                fulls[kind] = opened.candidates[OURS], num_steps(ours / kind)
        full, budget = fulls[kind]
        is_same = num_steps(folder / name / kind) == budget
        ablated = _with(kind, part, generator, decoder)
        opened.ablations[name] = OpenedAblation(ablated, full, is_same)


def num_steps(folder: Path) -> int:
    """How long a run was trained, by its config.yaml; -1 where that does not say."""
    try:
        content = read_settings(folder / "config.yaml")
    except FacegenError:
        return -1
    if isinstance(content, dict) and len(content) == 1:
        section = next(iter(content.values()))
        content = section if isinstance(section, dict) else content  # of a recipe
    if not isinstance(content, dict):
        return -1
    told = [content[name] for name in _STEPS if name in content]
    return int(np.sum(told[0])) if told else -1


def _with(kind: str, part: Any, generator: Any, decoder: Any) -> LandmarkSystem:
    """Our system with one stage in place of its own."""
    if kind == "landmarks":
        return LandmarkSystem(part, decoder)
    return LandmarkSystem(generator, part)


def _note_missing_peers(found: dict[str, str], missing: dict[str, str]) -> None:
    """Under the names of the systems they belong to."""
    for part, why in found.items():
        name = RBF if part == "rbf" else PEER
        missing[name] = f"{missing[name]} {why}" if name in missing else why


def _attempt(
    name: str, missing: dict[str, str], kind: str, folder: Path, data: TrainingData
) -> Any:
    """A generator or decoder, None where it cannot be had; why is noted under `name`."""
    try:
        return opener_of(kind)(folder, data)
    except FacegenError as error:
        missing[name] = f"{missing[name]} {error}" if name in missing else str(error)
        return None


def opener_of(kind: str) -> Callable[[Path, TrainingData], Any]:
    """Raises FacegenError where this version of the code cannot open such a run."""
    module, function = OPENERS[kind]
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise FacegenError(f"This version cannot open a run of {kind}: {error}.") from error
