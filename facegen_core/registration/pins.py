"""Landmarks that the artist puts right: any number of them, on a head that was found."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import LandmarkError
from ..landmarks import check_points
from ..template import Template
from .alignment import Similarity

FloatArray = NDArray[np.floating]

# A pin farther from where its landmark lies on the fit belongs to another place or another head.
MAX_PIN_DISTANCE_MM = 120.0


def check_pins(pins: Mapping[int, FloatArray], template: Template, similarity: Similarity) -> None:
    """Raise LandmarkError unless every pin is known, finite, and near the head that was found.

    pins: {number 0–67: (3,)}. similarity: takes their coordinates to template mm.
    """
    check_points(pins)
    for number in sorted(pins):
        here = template.landmark_positions[number]
        distance = float(np.linalg.norm(similarity.apply(pins[number]) - here))
        if distance > MAX_PIN_DISTANCE_MM:
            raise LandmarkError(
                f"Landmark {number} lies {distance:.0f} mm from where the face that was found has "
                "it: move it onto the face, or place 13 landmarks by hand to say where the face is."
            )
