"""All networks of a run: the generators that ship, and those that only judge them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facegen_core.conditioning import LOWER_INNER_LIP, UPPER_INNER_LIP
from facegen_core.landmarks import NUM_LANDMARKS
from facegen_core.models.landmark_autoencoder import CODE_SIZE, LandmarkAutoencoder
from facegen_core.models.landmark_config import FRAME_SIZE, told_size
from facegen_core.models.landmark_critics import IdentityDiscriminator, MotionCritic
from facegen_core.models.landmark_gan import LandmarkGenerators
from training.landmark_gan.batches import LandmarkBatch
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.takes import LandmarkTake

# Where nothing but rest is recorded, a unit of motion is this, mm.
SMALLEST_UNIT_MM = 0.1


class Networks(nn.Module):
    """generators; critics and identity: one per stage; identity and autoencoder: None where off."""

    def __init__(self, config: LandmarkTrainConfig, num_expressions: int) -> None:
        super().__init__()
        stages = config.generators.num_stages
        told = told_size(num_expressions) + config.generators.neutral_size
        self.generators = LandmarkGenerators(config.generators, num_expressions, config.rest_gate)
        self.critics = nn.ModuleList(MotionCritic(told) for _ in range(stages))
        self.autoencoder = LandmarkAutoencoder() if config.autoencoder else None
        size = CODE_SIZE if config.autoencoder else FRAME_SIZE
        self.identity = None
        if config.identity_discriminator:
            self.identity = nn.ModuleList(
                IdentityDiscriminator(size, num_expressions) for _ in range(stages)
            )

    def told_code(self, batch: LandmarkBatch) -> Tensor:
        """(B, N) the faces of a batch as the generators are told of them while they train."""
        return self.generators.neutral_code(batch.neutral) * batch.code_kept + batch.code_noise

    def identity_codes(self, neutral: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N) of a face at rest and (B, K, N) in motion, as the identity discriminator sees it.

        neutral (B, 204) and motion (B, K, 204): mm.
        """
        faces = neutral[:, None] + motion
        if self.autoencoder is not None:
            return self.autoencoder.encode(neutral), self.autoencoder.encode(faces)
        mean, scale = self.generators.neutral_mean, self.generators.scale
        return (neutral - mean) / scale, (faces - mean) / scale

    def judges(self, stage: int) -> list[nn.Parameter]:
        """What is trained against the generators of a stage."""
        judges = list(self.critics[stage].parameters())
        if self.identity is not None:
            judges += list(self.identity[stage].parameters())
        return judges


def build_networks(
    config: LandmarkTrainConfig, takes: list[LandmarkTake], num_expressions: int
) -> Networks:
    """Networks that know the size of motion and the spread of faces in the training takes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        networks = Networks(config, num_expressions)
    generators = networks.generators
    faces = {take.subject: take.neutral.reshape(-1) for take in takes}
    mean, basis = _spread_of_faces(np.stack(list(faces.values())), config.generators.neutral_size)
    generators.neutral_mean.copy_(torch.from_numpy(mean))
    generators.neutral_basis.copy_(torch.from_numpy(basis))
    generators.scale.fill_(_unit_of_motion(takes))
    if networks.autoencoder is not None:
        networks.autoencoder.mean.copy_(generators.neutral_mean)
        networks.autoencoder.scale.copy_(generators.scale)
        networks.autoencoder.requires_grad_(False)
    return networks


def _spread_of_faces(
    faces: NDArray[np.float32], size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean (204,) and (N, 204) directions that tell faces apart, each of variance 1 in people.

    The first is the gap of the lips: closing them takes more of one face than of another. The
    others are principal components.
    """
    mean = faces.mean(axis=0)
    _, values, directions = np.linalg.svd(faces - mean, full_matrices=False)
    deviations = values / np.sqrt(max(len(faces) - 1, 1))
    basis = np.zeros((size, faces.shape[1]), np.float32)
    kept = min(size - 1, int((deviations > 1e-3 * max(deviations[0], 1e-9)).sum()))
    basis[1 : 1 + kept] = directions[:kept] / deviations[:kept, None]
    gap = np.zeros((NUM_LANDMARKS, 3), np.float32)
    gap[UPPER_INNER_LIP, 1], gap[LOWER_INNER_LIP, 1] = 1.0 / 3.0, -1.0 / 3.0
    spread = float(np.std((faces - mean) @ gap.reshape(-1)))
    if size > 0 and spread > SMALLEST_UNIT_MM:
        basis[0] = gap.reshape(-1) / spread
    return mean, basis


def _unit_of_motion(takes: list[LandmarkTake]) -> float:
    """RMS displacement of landmarks in frames that move, mm."""
    squares = [np.square(take.displacements).sum(axis=2).mean(axis=1) for take in takes]
    moving = np.concatenate(squares)
    moving = moving[moving > 0]
    return float(max(np.sqrt(moving.mean()) if len(moving) else 0.0, SMALLEST_UNIT_MM))
