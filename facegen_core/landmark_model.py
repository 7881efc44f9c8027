"""The second generator of a bundle: configuration and weights of LM-4DGAN, and where they are from.

Stored beside the first generator's, in half precision; the decoder weighs the first generator's
blendshapes, so that these lie in a bundle once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .bundle_config import read_decoder_config, read_generators_config
from .errors import BundleError
from .models.config import ModelConfig
from .models.displacement_config import DisplacementDecoderConfig, displacement_weight_shapes
from .models.landmark_config import LandmarkGanConfig, landmark_weight_shapes
from .template import Template
from .template_arrays import check_finite, check_names, check_shape

PARTS = "generators", "decoder"
_HEADER_FIELDS = {*PARTS, "provenance"}


@dataclass(frozen=True, eq=False)
class LandmarkModel:
    """weights: {"generators.NAME" or "decoder.NAME": float32 array}.

    provenance: JSON values: training_data, licences, metrics, commit, seed, command, date.
    """

    generators: LandmarkGanConfig
    decoder: DisplacementDecoderConfig
    weights: dict[str, NDArray[np.float32]]
    provenance: dict[str, Any]

    def part(self, name: str) -> dict[str, NDArray[np.float32]]:
        """The weights of "generators" or "decoder" under their own names."""
        prefix = f"{name}."
        return {n.removeprefix(prefix): w for n, w in self.weights.items() if n.startswith(prefix)}

    def header(self) -> dict[str, Any]:
        """What the bundle's header tells of it."""
        return {
            "generators": dataclasses.asdict(self.generators),
            "decoder": dataclasses.asdict(self.decoder),
            "provenance": self.provenance,
        }


def stored_weights(model: LandmarkModel) -> dict[str, NDArray[np.float16]]:
    """The weights as they lie in a bundle."""
    return {name: np.asarray(values, np.float16) for name, values in model.weights.items()}


def read_landmark_model(
    header: object, weights: Mapping[str, NDArray], config: ModelConfig, template: Template
) -> LandmarkModel:
    """Raises BundleError, one sentence, where it does not fit the bundle it lies in."""
    if not isinstance(header, dict):
        raise BundleError("Its second generator's description is damaged.")
    check_names(header, _HEADER_FIELDS, "the second generator's description")
    if not isinstance(header["provenance"], dict):
        raise BundleError("Its second generator's description is damaged.")
    for name, values in weights.items():
        check_finite(name, values)
    model = LandmarkModel(
        read_generators_config(header["generators"]),
        read_decoder_config(header["decoder"]),
        {name: np.asarray(values, np.float32) for name, values in weights.items()},
        header["provenance"],
    )
    check_landmark_model(model, config, template)
    return model


def check_landmark_model(model: LandmarkModel, config: ModelConfig, template: Template) -> None:
    """Raise BundleError unless weights and configurations fit each other and the bundle."""
    rates = model.generators.stage_rates
    widths = model.generators.widths
    if (
        not rates
        or rates[-1] != 1
        or len(widths) != len(rates)
        or any(not 0 < a < b for a, b in pairwise(rates))
    ):
        raise BundleError("Its stages of landmark motion do not go from coarse to fine.")
    hierarchy = template.hierarchy
    num_blendshapes = config.num_blendshapes if config.has_blendshapes else 0
    length = hierarchy.levels[0].spirals.shape[1]
    try:
        decoder = displacement_weight_shapes(
            model.decoder, hierarchy.sizes, length, num_blendshapes
        )
    except ValueError as error:  # levels and channels that do not fit each other
        raise BundleError(f"Its second generator does not fit its template: {error}") from error
    generators = landmark_weight_shapes(model.generators, config.num_expressions)
    shapes = {"generators": generators, "decoder": decoder}
    expected = {f"{part}.{n}": shape for part in PARTS for n, shape in shapes[part].items()}
    check_names(model.weights, set(expected), "the second generator's weights")
    for name, shape in expected.items():
        check_shape(name, model.weights[name], shape)
        check_finite(name, model.weights[name])
