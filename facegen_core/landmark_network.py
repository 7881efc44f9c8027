"""The small network that sees faces in pictures of depth, in NumPy: layers, shapes, forward pass.

A residual encoder and decoder (Ronneberger et al. 2015) with soft-argmax heat maps (Sun et al.
2018, Integral human pose regression): each landmark's place is the mean of all cells' votes, so
it lies between cells, and each cell votes for an offset, a depth and how far it may be off.
Normalisation layers are folded into the convolutions before they get here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .landmarks import NUM_LANDMARKS

Arrays = Mapping[str, NDArray]
FloatArray = NDArray[np.float32]

NETWORK_VERSION = 1
NUM_INPUTS = 4  # depth, share seen, normal x, normal y
GRID = 16  # cells of a heat map along each side
# heat, offset right, offset up, depth, log of the expected error
NUM_FIELDS = 5
# {convolution: (inputs, outputs, size of its kernel, stride)}; the first sees 2 × 2 pixels as one.
CONVOLUTIONS: dict[str, tuple[int, int, int, int]] = {
    "stem": (4 * NUM_INPUTS, 24, 3, 1),  # 32 × 32
    "down1": (24, 40, 3, 2),  # 16 × 16
    "block1": (40, 40, 3, 1),
    "down2": (40, 64, 3, 2),  # 8 × 8
    "block2": (64, 64, 3, 1),
    "down3": (64, 96, 3, 2),  # 4 × 4
    "block3": (96, 96, 3, 1),
    "lift2": (96, 64, 1, 1),
    "up2": (64, 64, 3, 1),  # 8 × 8
    "lift1": (64, 40, 1, 1),
    "up1": (40, 48, 3, 1),  # 16 × 16
    "fields": (48, NUM_FIELDS * NUM_LANDMARKS, 1, 1),
}
NUM_GLOBAL = 128
LINEARS: dict[str, tuple[int, int]] = {
    "overview": (96 * 16, NUM_GLOBAL),
    "score": (NUM_GLOBAL, 1),
    "context": (NUM_GLOBAL, 64),
}
# Logs of expected errors beyond these, in half pictures, are not believed.
LOG_ERROR_RANGE = (-5.5, 0.5)


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network says of B pictures.

    scores: (B,) in [0, 1], how surely an upright face looks roughly at the camera.
    landmarks: (B, 68, 3) right, up and towards the eye from the middle, in half pictures.
    errors: (B, 68) their expected error, in half pictures.
    """

    scores: FloatArray
    landmarks: FloatArray
    errors: FloatArray


def network_shapes() -> dict[str, tuple[int, ...]]:
    """{array: shape} of everything that is stored, beside the version."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, (inputs, outputs, size, _) in CONVOLUTIONS.items():
        shapes[f"{name}.weight"] = (outputs, inputs, size, size)
        shapes[f"{name}.bias"] = (outputs,)
    for name, (inputs, outputs) in LINEARS.items():
        shapes[f"{name}.weight"] = (outputs, inputs)
        shapes[f"{name}.bias"] = (outputs,)
    # Confidence = logistic(c0 - c1 * log(expected error in mm)), measured on heads held out.
    shapes["calibration"] = (2,)
    return shapes


class LandmarkNetwork:
    """The forward pass over arrays named as `network_shapes` says, of any float type."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays = {name: np.asarray(arrays[name], np.float32) for name in network_shapes()}
        axis = (np.arange(GRID, dtype=np.float32) + 0.5) * (2.0 / GRID) - 1.0
        self._cells = np.stack([np.tile(axis, GRID), np.repeat(-axis, GRID)])  # right, up

    @property
    def calibration(self) -> FloatArray:
        return self._arrays["calibration"]

    def __call__(self, images: FloatArray) -> Seen:
        """images: (B, NUM_INPUTS, 64, 64)."""
        fine = self._conv("stem", _blocks(np.asarray(images, np.float32)))
        middle = self._block("block1", self._conv("down1", fine))
        coarse = self._block("block2", self._conv("down2", middle))
        coarsest = self._block("block3", self._conv("down3", coarse))
        overview = _relu(self._linear("overview", coarsest.reshape(len(images), -1)))
        context = self._linear("context", overview)[:, :, None, None]
        lifted = _doubled(self._conv("lift2", coarsest, relu=False))
        coarse = self._conv("up2", _relu(coarse + lifted + context))
        lifted = _doubled(self._conv("lift1", coarse, relu=False))
        fields = self._conv("fields", self._conv("up1", _relu(middle + lifted)), relu=False)
        scores = 1.0 / (1.0 + np.exp(-self._linear("score", overview)[:, 0]))
        return Seen(scores, *self._votes(fields))

    def _votes(self, fields: FloatArray) -> tuple[FloatArray, FloatArray]:
        heat, right, up, depth, log_error = fields.reshape(
            len(fields), NUM_FIELDS, NUM_LANDMARKS, GRID * GRID
        ).transpose(1, 0, 2, 3)
        shares = np.exp(heat - heat.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        votes = [self._cells[0] + right, self._cells[1] + up, depth]
        places = np.stack([(shares * vote).sum(axis=-1) for vote in votes], axis=-1)
        return places, np.exp(np.clip((shares * log_error).sum(axis=-1), *LOG_ERROR_RANGE))

    def _block(self, name: str, x: FloatArray) -> FloatArray:
        return _relu(x + self._conv(name, x, relu=False))

    def _conv(self, name: str, x: FloatArray, relu: bool = True) -> FloatArray:
        """Same-size convolution as one matrix product over unrolled windows."""
        _, outputs, size, stride = CONVOLUTIONS[name]
        weight = self._arrays[f"{name}.weight"].reshape(outputs, -1)
        if size > 1:
            x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
            windows = sliding_window_view(x, (1, 1, size, size))[:, :, ::stride, ::stride, 0, 0]
            height, width = windows.shape[2:4]
            columns = windows.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), -1, height * width)
        else:
            height, width = x.shape[2:]
            columns = x.reshape(len(x), -1, height * width)
        result = weight @ columns + self._arrays[f"{name}.bias"][:, None]
        return (_relu(result) if relu else result).reshape(len(x), outputs, height, width)

    def _linear(self, name: str, x: FloatArray) -> FloatArray:
        return x @ self._arrays[f"{name}.weight"].T + self._arrays[f"{name}.bias"]


def _blocks(x: FloatArray) -> FloatArray:
    """(B, C, 2H, 2W) → (B, 4C, H, W): the four pixels of each block side by side."""
    b, c, h, w = x.shape
    split = x.reshape(b, c, h // 2, 2, w // 2, 2)
    return split.transpose(0, 1, 3, 5, 2, 4).reshape(b, 4 * c, h // 2, w // 2)


def _doubled(x: FloatArray) -> FloatArray:
    return x.repeat(2, axis=2).repeat(2, axis=3)


def _relu(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0)
