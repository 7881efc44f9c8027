"""The vertices of the template that take part in fits of identity, and what each of them tells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..template import Template
from .closest_points import farthest_points

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

NUM_FITTED_POINTS = 2600
# How much each region says about who it is: hair, clothes and neck hide the head's own shape.
SCALP_WEIGHT, EAR_WEIGHT, NECK_WEIGHT = 0.25, 0.3, 0.2
# Lips, lids and nose are small and matter most: what they weigh more than a cheek.
RIM_GAIN, NOSE_GAIN = 4.0, 2.5
RIM_REGIONS = (
    "upper_lip",
    "lower_lip",
    "upper_lid_left",
    "lower_lid_left",
    "upper_lid_right",
    "lower_lid_right",
)


@dataclass(frozen=True, eq=False)
class FittedPoints:
    """The template vertices that take part: rows (P,), weights (P,), basis (N, P, 3)."""

    rows: IntArray
    weights: FloatArray
    basis: FloatArray


@lru_cache(maxsize=2)
def choose_points(template: Template, num_points: int = NUM_FITTED_POINTS) -> FittedPoints:
    """Spread points over the outer skin and weigh them by what their region tells."""
    weights = outer_weights(template)
    outer = np.flatnonzero(weights > 0)
    spread = farthest_points(np.asarray(template.vertices, np.float64)[outer], num_points)[0]
    rows = outer[np.sort(spread)]
    basis = np.asarray(template.identity_basis[:, rows], np.float64)
    return FittedPoints(rows, weights[rows], basis)


def outer_weights(template: Template) -> FloatArray:
    """(V,): 1 on the face, more on lips, lids and nose, less under hair and clothes, 0 inside."""
    regions = template.regions
    weights = np.full(template.num_vertices, 0.5)
    weights[regions["scalp"] > 0.5] = SCALP_WEIGHT
    weights[(regions["ear_left"] > 0.5) | (regions["ear_right"] > 0.5)] = EAR_WEIGHT
    weights[regions["neck"] > 0.5] = NECK_WEIGHT
    weights[regions["face"] > 0.5] = 1.0
    weights *= 1.0 + (RIM_GAIN - 1.0) * rims(template)
    weights[regions["nose"] > 0.5] *= NOSE_GAIN
    inside = regions["mouth_bag"] + regions["eye_socket_left"] + regions["eye_socket_right"]
    weights[inside > 0.5] = 0.0
    return weights


def rims(template: Template) -> FloatArray:
    """(V,) in [0, 1]: lips and lids."""
    return np.clip(np.sum([template.regions[name] for name in RIM_REGIONS], axis=0), 0.0, 1.0)
