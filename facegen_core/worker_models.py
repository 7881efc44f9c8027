"""The two generators of a bundle in torch, as the GPU worker runs them: inputs of frames, decoding.

Each answers two questions. `moving`: which frames of a request move, and what are they decoded
from (codes or landmarks)? `decode`: how does the skin of a face move in such frames? The torch
modules of `models` do the work; clock, noise and splines are those of the NumPy engines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from torch import Tensor, nn

from .bundle import Bundle
from .conditioning import conditioning_signal, model_times, rest_gate, signal_features
from .inference import codes_at_times
from .landmark_inference import draw_noise, landmark_model_of
from .landmarks import NUM_LANDMARKS
from .models.displacement_decoder import DisplacementDecoder, FaceOffsets
from .models.expression_model import ExpressionModel
from .models.landmark_config import FRAME_SIZE
from .models.landmark_gan import LandmarkGenerators
from .models.neutral_reading import NeutralReader, landmark_map
from .motion_engine import MotionRequest

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Steps of the model that go through a network over time at once, over all clips.
_STEPS_AT_ONCE = 1 << 15


@dataclass(frozen=True, eq=False)
class Moving:
    """The N rows of a request that move: which, what they are decoded from, and the rest gate.

    rows: (N,) of those to hand back; inputs: (N, …) codes or landmarks; gates: (N,) factors on the
    decoded motion.
    """

    rows: IntArray
    inputs: NDArray[np.float32]
    gates: NDArray[np.float32]


class GeneratorModel(Protocol):
    """One generator on one device. A face is whatever `face` makes of a neutral and its shapes."""

    def face(self, neutral: FloatArray | None, shapes: FloatArray | None) -> object:
        """neutral: (V, 3) mm and shapes: (K, V, 3) as it shows them; None is the mean face."""

    def moving(self, requests: Sequence[MotionRequest], face: object) -> list[Moving]:
        """Of requests for one face."""

    def decode(self, inputs: Tensor, face: object) -> tuple[Tensor, Tensor]:
        """(V, n, 3) mm and (n, 6) of n moving rows, before their gates."""


class SteadyModel:
    """LSTM and decoder of the first generator (`inference.Engine`); a face is its shapes."""

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        self.config, self.device = bundle.config, device
        self.model = ExpressionModel(bundle.config, bundle.template.hierarchy)
        _load(self.model, bundle.weights, device)

    def face(self, neutral: FloatArray | None, shapes: FloatArray | None) -> Tensor | None:
        return None if shapes is None else torch.from_numpy(shapes).to(self.device)

    def moving(self, requests: Sequence[MotionRequest], face: object) -> list[Moving]:
        signals = [_signal(request, self.config.model_rate) for request in requests]
        coded: dict[int, NDArray[np.float32]] = {}
        for numbers in _together(signals):
            gaps = torch.tensor([requests[k].lip_gap for k in numbers], dtype=torch.float32)
            stacked = torch.from_numpy(np.stack([signals[k] for k in numbers]))
            codes = self.model.encoder(stacked.to(self.device), gaps.to(self.device))
            coded |= dict(zip(numbers, codes.cpu().numpy(), strict=True))
        return [self._moving(request, coded[k]) for k, request in enumerate(requests)]

    def _moving(self, request: MotionRequest, codes: NDArray[np.float32]) -> Moving:
        times, gate = _times(request), rest_gate(request.intensities, self.config.rest_gate)
        steps = model_times(times, self.config.model_rate)
        inputs = codes_at_times(codes, steps, times)
        if request.rows is not None:
            inputs, gate = inputs[request.rows], gate[request.rows]
        rows = np.flatnonzero(gate)
        return Moving(rows, inputs[rows], gate[rows])

    def decode(self, inputs: Tensor, face: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.model.decode(inputs, face), self.model.jaw(inputs)


@dataclass(frozen=True, eq=False)
class VariedFace:
    """All that depends on a neutral alone; see `models.displacement_decoder`, and:

    landmarks: (204,) where they rest; landmark_map: (204, 204) or None where stages know the face;
    gain: (K, 204) of the linear head or None.
    """

    offsets: FaceOffsets
    shapes: Tensor
    landmark_basis: Tensor
    landmarks: Tensor
    landmark_map: Tensor | None
    gain: Tensor | None


class VariedModel:
    """Landmark generators and displacement decoder (`landmark_inference.LandmarkEngine`).

    Raises BundleError where the bundle has none.
    """

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        second = landmark_model_of(bundle)
        self.config, self.device, self.template = bundle.config, device, bundle.template
        basis = bundle.weights.get("blendshapes.basis")
        if basis is None:
            basis = np.zeros((0, bundle.template.num_vertices, 3), np.float32)
        self._basis = basis
        self._reader = NeutralReader(bundle.template, second.decoder)
        self.generators = LandmarkGenerators(
            second.generators, bundle.config.num_expressions, bundle.config.rest_gate
        )
        _load(self.generators, second.part("generators"), device)
        self.decoder = DisplacementDecoder(second.decoder, bundle.template.hierarchy, len(basis))
        _load(self.decoder, second.part("decoder"), device)

    def face(self, neutral: FloatArray | None, shapes: FloatArray | None) -> VariedFace:
        template, reader = self.template, self._reader
        points = template.vertices if neutral is None else neutral
        resting = template.landmarks.positions(points, template.triangles).reshape(-1)
        shown = self._basis
        if shapes is not None and self.decoder.config.linear_head:
            shown = shapes
        seen, carried = reader.landmark_basis(shown), None
        if self.generators.config.follows_neutral:
            carried = np.eye(FRAME_SIZE, dtype=np.float32)
            if len(self._basis):
                carried = landmark_map(reader.landmark_basis(self._basis), seen)
        basis = self._tensor(seen)
        return VariedFace(
            FaceOffsets.of([reader.offsets(neutral)]).to(self.device),
            self._tensor(shown),
            basis,
            self._tensor(resting),
            None if carried is None else self._tensor(carried),
            self.decoder.gain(basis) if self.decoder.config.linear_head else None,
        )

    def moving(self, requests: Sequence[MotionRequest], face: VariedFace) -> list[Moving]:
        signals = [_signal(request, self.config.model_rate) for request in requests]
        imagined: dict[int, NDArray[np.float32]] = {}
        for numbers in _together(signals):
            told = [signal_features(signals[k], self.config.model_rate) for k in numbers]
            noise = [
                draw_noise(signals[k], self.generators.config, requests[k].variation)
                for k in numbers
            ]
            code = self.generators.neutral_code(face.landmarks[None]).expand(len(numbers), -1)
            carried = face.landmark_map
            motion = self.generators(
                self._tensor(np.stack(told)),
                code,
                self._tensor(np.stack(noise)),
                None if carried is None else carried[None],
                is_gated=False,
            )[-1]
            imagined |= dict(zip(numbers, motion.cpu().numpy(), strict=True))
        return [self._moving(request, imagined[k]) for k, request in enumerate(requests)]

    def _moving(self, request: MotionRequest, motion: NDArray[np.float32]) -> Moving:
        times, gate = _times(request), rest_gate(request.intensities, self.config.rest_gate)
        steps = model_times(times, self.config.model_rate)
        if request.rows is not None:
            times, gate = times[request.rows], gate[request.rows]
        landmarks = CubicSpline(steps, motion, axis=0, bc_type="natural")(times)
        landmarks = (landmarks * gate[:, None]).astype(np.float32)
        rows = np.flatnonzero(landmarks.any(axis=1))
        shaped = landmarks[rows].reshape(-1, NUM_LANDMARKS, 3)
        return Moving(rows, shaped, np.ones(len(rows), np.float32))

    def decode(self, inputs: Tensor, face: VariedFace) -> tuple[Tensor, Tensor]:
        skin, jaw = self.decoder(inputs, face.offsets, face.shapes, face.landmark_basis, face.gain)
        return skin.transpose(0, 1), jaw

    def _tensor(self, values: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)


def _times(request: MotionRequest) -> FloatArray:
    return np.arange(len(request.intensities)) / request.frames_per_second


def _signal(request: MotionRequest, model_rate: float) -> NDArray[np.float32]:
    return conditioning_signal(request.intensities, _times(request), model_rate)


def _together(signals: Sequence[FloatArray]) -> Iterator[list[int]]:
    """Numbers of signals of one length that go through a network at once."""
    lengths: dict[int, list[int]] = {}
    for number, signal in enumerate(signals):
        lengths.setdefault(len(signal), []).append(number)
    for length, numbers in lengths.items():
        step = max(1, _STEPS_AT_ONCE // length)
        for start in range(0, len(numbers), step):
            yield numbers[start : start + step]


def _load(model: nn.Module, weights: Mapping[str, FloatArray], device: torch.device) -> None:
    model.load_state_dict({name: torch.as_tensor(values) for name, values in weights.items()})
    model.requires_grad_(False).eval().to(device)
