"""A finished run of the displacement decoder, to ask how a face looks whose landmarks move."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.displacement_inference import DisplacementDecoder
from training.datasets.training_data import TrainingData
from training.displacement_decoder.config import CONFIG_FILE, SECTION, decoder_config_from_dict
from training.displacement_decoder.faces import read_basis
from training.displacement_decoder.run import basis_hash
from training.runs.checkpoint import CheckpointError
from training.runs.finished import open_finished
from training.runs.settings import read_settings

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class OpenedDecoder:
    """engine: what the add-on runs; data_hash: of the data it was trained on."""

    engine: DisplacementDecoder
    data_hash: str

    def decode(self, neutral: FloatArray, landmarks: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) mm of the skin of a (V, 3) neutral whose landmarks are moved (T, 68, 3) mm."""
        return self.engine.decode(landmarks, neutral)[0]


def open_decoder(folder: Path, data: TrainingData) -> OpenedDecoder:
    """The decoder of a run, on the template of the data. Raises CheckpointError with the reason."""
    advice = "`python -m training train --system lm4dgan` makes one"
    checkpoint = open_finished(folder, advice)
    progress = checkpoint.progress
    settings = read_settings(Path(folder) / CONFIG_FILE)
    # A run's file may be a recipe, with the settings in their section.
    config = decoder_config_from_dict(settings.get(SECTION, settings))
    basis = read_basis(config.basis_from, data.template)
    if basis_hash(basis) != progress["basis_hash"]:
        raise CheckpointError(
            f"{folder} was trained on other blendshapes than {config.basis_from} holds now: train "
            "it again."
        )
    engine = DisplacementDecoder(data.template, config.model, checkpoint.weights, basis)
    return OpenedDecoder(engine, progress["data_hash"])
