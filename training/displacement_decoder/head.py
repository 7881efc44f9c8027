"""What the linear head and the jaw are told of the training set, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.models.displacement_config import DisplacementDecoderConfig
from facegen_core.models.neutral_reading import head_gain
from training.displacement_decoder.faces import Face

# Keeps the factor of the second moment regular where a shape is never used; share of the mean.
RIDGE = 1e-6


@dataclass(frozen=True, eq=False)
class Head:
    """factor: (K, K), noise: (204,) mm, see `head_gain`; jaw: (6, K + 204), of landmarks alone
    (6, 204) where there is no linear head."""

    factor: NDArray[np.float32]
    noise: NDArray[np.float32]
    jaw: NDArray[np.float32]


def fit_head(faces: list[Face], config: DisplacementDecoderConfig) -> Head:
    """Second moments of training; the jaw by ridge regression on what the head will read."""
    coefficients = np.concatenate([face.coefficients for face in faces]).astype(np.float64)
    moment = coefficients.T @ coefficients / len(coefficients)
    moment += RIDGE * np.trace(moment) / len(moment) * np.eye(len(moment))
    left_over = np.concatenate(
        [_flat(face.landmarks) - face.coefficients @ face.landmark_basis for face in faces]
    )
    factor = np.linalg.cholesky(moment).astype(np.float32)
    noise = np.sqrt(np.mean(left_over.astype(np.float64) ** 2, axis=0)).astype(np.float32)
    head = Head(factor, noise, np.zeros((6, 0), np.float32))
    read = np.concatenate([head_inputs(face, head, config) for face in faces]).astype(np.float64)
    jaw = np.concatenate([face.jaw for face in faces]).astype(np.float64)
    return Head(factor, noise, _ridge(read, jaw, config.landmark_noise_mm))


def face_gain(face: Face, head: Head, config: DisplacementDecoderConfig) -> NDArray[np.float32]:
    """(K, 204) from landmarks to coefficients on one face."""
    return head_gain(head.factor, head.noise, config.landmark_noise_mm, face.landmark_basis)


def head_inputs(face: Face, head: Head, config: DisplacementDecoderConfig) -> NDArray[np.float32]:
    """(N, …) what the jaw is read from: coefficients where there is a linear head, landmarks."""
    landmarks = _flat(face.landmarks)
    if not config.linear_head:
        return landmarks
    return np.concatenate([landmarks @ face_gain(face, head, config).T, landmarks], axis=1)


def _ridge(inputs: NDArray, outputs: NDArray, noise: float) -> NDArray[np.float32]:
    """(O, I) linear map through zero; inputs are trusted to `noise` mm, which is what a ridge says
    of inputs that are uncertain by so much."""
    penalty = len(inputs) * noise**2 * np.eye(inputs.shape[1])
    return np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ outputs).T.astype(np.float32)


def _flat(landmarks: NDArray) -> NDArray:
    return landmarks.reshape(len(landmarks), -1)
