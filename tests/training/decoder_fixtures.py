"""Short trainings of the displacement decoder on made-up bumps, also under torchrun.

`python -m tests.training.decoder_fixtures OUT`: a short run of this process and its mates.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.training.synthetic_sequences import bump_data
from training.datasets.training_data import TrainingData
from training.displacement_decoder.config import DecoderTrainConfig, decoder_config_from_dict
from training.displacement_decoder.faces import BASIS
from training.displacement_decoder.train import train_decoder
from training.expression_model.recordings import compute_basis
from training.runs.checkpoint import Checkpoint, save_checkpoint
from training.runs.distributed import joined, started_by_torchrun

NUM_BLENDSHAPES = 4
SHORT: dict[str, Any] = {
    "model": {"channels": [16, 8, 8, 8]},
    "frames_per_take": 4,
    "steps": 8,
    "faces_per_batch": 3,
    "frames_per_face": 4,
    "checkpoint_interval": 3,
    "validation_interval": 4,
}


def decoder_data() -> TrainingData:
    """Bumps on spheres of different sizes, so that neutrals tell faces apart."""
    data = bump_data()
    sequences = {
        split: [
            dataclasses.replace(s, neutral=s.neutral * (1 + 0.03 * (int(s.subject[1:]) % 4)))
            for s in members
        ]
        for split, members in data.sequences.items()
    }
    return dataclasses.replace(data, sequences=sequences)


def write_basis(folder: Path, data: TrainingData, num_shapes: int = NUM_BLENDSHAPES) -> Path:
    """The folder of a run that holds blendshapes: PCA of the bumps, fewer than there are bumps."""
    rng = np.random.default_rng(0)
    basis = compute_basis(data.sequences["train"], num_shapes, 60, rng, data.template)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint({BASIS: basis.shapes}, {}, {}, {}, {})
    save_checkpoint(checkpoint, folder / "checkpoint.npz")
    return folder


def short_decoder_config(basis_from: Path, **changes: Any) -> DecoderTrainConfig:
    """SHORT with changes."""
    return decoder_config_from_dict(SHORT | {"basis_from": str(basis_from)} | changes)


def main() -> None:
    out, processes = Path(sys.argv[1]), started_by_torchrun()
    torch.set_num_threads(1)
    config = short_decoder_config(out.parent / "basis")
    with joined(processes, torch.device("cpu")):
        train_decoder(config, decoder_data(), out, processes=processes)


if __name__ == "__main__":
    main()
