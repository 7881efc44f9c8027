"""How near generated landmarks come to unseen subjects, and how far they are spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from facegen_core.conditioning import signal_features
from training.landmark_gan.batches import training_noise
from training.landmark_gan.networks import Networks
from training.landmark_gan.run import LandmarkRun
from training.landmark_gan.takes import LandmarkTake

FloatArray = NDArray[np.floating]
# Noises every take is generated with.
NUM_NOISES = 10


@dataclass(frozen=True)
class LandmarkErrors:
    """Means over takes, mm: expected, of the motion without noise; mean and best, of those with;
    apart: between two of these. jitter: of motion with noise, in that of the truth."""

    expected_mm: float
    mean_mm: float
    best_mm: float
    apart_mm: float
    jitter: float


def measure_takes(run: LandmarkRun, split: str, stride: int = 1) -> LandmarkErrors:
    """Over every `stride`-th take of one expression of a split, all expressions alike."""
    takes = [take for take in run.takes[split] if len(take.components) == 1]
    takes.sort(key=lambda take: (take.components[0].expression, take.name))
    takes = takes[::stride]
    rows = [_errors(run, take, number) for number, take in enumerate(takes)]
    means = np.mean(rows, axis=0)
    jitters = np.sum(rows, axis=0)
    return LandmarkErrors(
        *(round(float(v), 4) for v in means[:4]), round(float(jitters[4] / jitters[5]), 4)
    )


def _errors(run: LandmarkRun, take: LandmarkTake, number: int) -> list[float]:
    expected = generate_take(run, take, 0, number)
    drawn = generate_take(run, take, NUM_NOISES, number)
    truth = take.displacements
    errors = _distance(drawn, truth)
    return [
        float(_distance(expected, truth).mean()),
        float(errors.mean()),
        float(errors.min()),
        float(_distance(drawn[1:], drawn[:-1]).mean()),
        float(_jitter(drawn)),
        float(_jitter(truth[None])),
    ]


@torch.no_grad()
def generate_take(
    run: LandmarkRun, take: LandmarkTake, num_noises: int, number: int, amount: float = 1.0
) -> NDArray[np.float32]:
    """(N, T, 68, 3) motions of a take's label on its face; without noise where N is 0, then one."""
    signal = run.statistics.signal(take.components, take.num_frames, run.config.labels)
    features = torch.from_numpy(signal_features(signal, run.data.frame_rate))[None]
    rows = max(num_noises, 1)
    noise = amount * training_noise(run.config.generators, rows, len(signal), run.rng(9, number))
    if num_noises == 0:
        noise = torch.zeros_like(noise)
    return _generated(run.networks, features, take.neutral, run.faces[take.subject], noise)


def _generated(
    networks: Networks,
    features: torch.Tensor,
    neutral: FloatArray,
    face: FloatArray,
    noise: torch.Tensor,
) -> NDArray[np.float32]:
    generators, rows = networks.generators, len(noise)
    device = generators.scale.device
    code = generators.neutral_code(torch.from_numpy(neutral.reshape(1, -1)).to(device))
    output = generators(
        features.to(device).expand(rows, -1, -1),
        code.expand(rows, -1),
        noise.to(device),
        torch.from_numpy(face)[None].to(device).expand(rows, -1, -1),
    )[-1]
    return output.unflatten(2, (-1, 3)).numpy(force=True)


def _distance(one: FloatArray, two: FloatArray) -> FloatArray:
    """(N,) mean distance of landmarks over frames."""
    return np.linalg.norm(one - two, axis=-1).mean(axis=(-2, -1))


def _jitter(motions: FloatArray) -> float:
    """Mean third difference in time, mm per frame³."""
    return float(np.linalg.norm(np.diff(motions, n=3, axis=1), axis=-1).mean())
