"""What heads lack: necks, scalps, ears, the inside of mouth and sockets, holes anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Skin:
    """middles: (F, 3) of the triangles, mm. vertices: (F,) one vertex of each, of the template.

    landmarks: (68, 3). regions: {name: (V,) weights} of the template.
    """

    middles: FloatArray
    vertices: IntArray
    landmarks: FloatArray
    regions: Mapping[str, FloatArray]

    def share(self, *names: str) -> FloatArray:
        """(F,) of these regions together."""
        weights: FloatArray = sum(self.regions[name] for name in names)[self.vertices]
        return weights


def what_is_missing(skin: Skin, rng: np.random.Generator) -> tuple[BoolArray, set[str]]:
    """(F,) which triangles go, never all of them, and the names of what goes with them."""
    gone, names = np.zeros(len(skin.middles), bool), set()
    for name, (chance, choose) in _LOSSES.items():
        if rng.random() < chance:
            gone |= choose(skin, rng)
            names.add(name)
    if gone.all():
        gone[:] = False
    return gone, names


def _neck(skin: Skin, rng: np.random.Generator) -> BoolArray:
    slope, height = rng.normal(0, 0.3, 2), skin.landmarks[8, 1] - rng.uniform(5, 70)
    return skin.middles[:, 1] < height + (skin.middles[:, [0, 2]] - [0.0, 80.0]) @ slope


def _scalp(skin: Skin, rng: np.random.Generator) -> BoolArray:
    front, brow = skin.landmarks[:, 2].mean(), skin.landmarks[17:27, 1].max()
    if rng.random() < 0.5:
        return skin.middles[:, 2] < front - rng.uniform(20, 140)
    return skin.middles[:, 1] > brow + rng.uniform(12, 60)


def _ears(skin: Skin, rng: np.random.Generator) -> BoolArray:
    return skin.share("ear_left", "ear_right") > 0.3


def _inside(skin: Skin, rng: np.random.Generator) -> BoolArray:
    return skin.share("eye_socket_left", "eye_socket_right", "mouth_bag") > 0.5


def _mask(skin: Skin, rng: np.random.Generator) -> BoolArray:
    return skin.share("face") < 0.5


def _holes(skin: Skin, rng: np.random.Generator) -> BoolArray:
    gone = np.zeros(len(skin.middles), bool)
    for _ in range(int(rng.integers(1, 5))):
        spot = skin.middles[rng.integers(len(skin.middles))]
        gone |= np.linalg.norm(skin.middles - spot, axis=1) < rng.uniform(6, 28)
    return gone


_LOSSES: dict[str, tuple[float, Callable[[Skin, np.random.Generator], BoolArray]]] = {
    "no neck": (0.25, _neck),
    "no scalp": (0.15, _scalp),
    "no ears": (0.12, _ears),
    "no sockets and mouth": (0.25, _inside),
    "mask": (0.05, _mask),
    "holes": (0.12, _holes),
}
