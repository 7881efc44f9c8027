"""The configurations in a bundle's header, read as if a stranger had written them.

They size loops and arrays, so every value is of its kind and within reason before anything is
computed from it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, TypeVar

from .errors import BundleError
from .json_text import quoted
from .models.config import ModelConfig
from .models.displacement_config import DisplacementDecoderConfig
from .models.landmark_config import LandmarkGanConfig
from .template_arrays import check_names

Config = TypeVar("Config", ModelConfig, LandmarkGanConfig, DisplacementDecoderConfig)

_DECODERS = ("hybrid", "blendshape", "spiral")
_LABELS = ("proportional", "extremeness")
_ATTENTIONS = ("neutral", "landmarks", "none")
# Expressions, stages or widths a list may have, and letters of a name.
_LONGEST_LIST, _LONGEST_NAME = 200, 64
# {field: least and greatest}; of lists every item. Sizes beyond these are no model of a face.
_SIZE = (1, 8192)
_RANGES: dict[str, tuple[float, float]] = {
    "latent_size": _SIZE,
    "channels": _SIZE,
    "widths": _SIZE,
    "hidden": _SIZE,
    "num_blendshapes": (0, 8192),
    "model_rate": (1.0, 1000.0),
    "rest_gate": (0.0, 1000.0),
    "warmup_frames": (0, 10_000),
    "stage_rates": (0.01, 1.0),
    "num_blocks": (0, 64),
    "kernel": (1, 255),
    "smoothing": (0.0, 100.0),
    "noise_size": (0, 1024),
    "neutral_size": (1, 1024),
    "attention_levels": (0, 64),
    "heads": (1, 1024),
    "dropout": (0.0, 1.0),
    "attention_scale": (-1000.0, 1000.0),
    "landmark_noise_mm": (0.0, 1000.0),
    "landmark_unit_mm": (1e-6, 1e6),
    "neutral_unit_mm": (1e-6, 1e6),
    "output_unit_mm": (1e-6, 1e6),
}


def read_model_config(content: object) -> ModelConfig:
    """The first generator's. Raises BundleError, one sentence, for what cannot be one."""
    config = _read(ModelConfig, content, "the model description")
    if config.decoder not in _DECODERS:
        raise BundleError(f"It has a decoder this Facegen does not know: {quoted(config.decoder)}.")
    if config.labels not in _LABELS:
        raise BundleError(f"It has labels this Facegen does not know: {quoted(config.labels)}.")
    names = config.expressions
    if not names or len(set(names)) != len(names):
        raise BundleError("Its expressions are not a list of different names.")
    if not all(0 < len(name) <= _LONGEST_NAME and name.isprintable() for name in names):
        raise BundleError(
            f"Its expressions are not names: 1 to {_LONGEST_NAME} letters each are expected."
        )
    return config


def read_generators_config(content: object) -> LandmarkGanConfig:
    """The second generator's stages. Raises BundleError."""
    config = _read(LandmarkGanConfig, content, "the second generator's description")
    if config.kernel % 2 == 0:
        raise BundleError("Its second generator's 'kernel' is not an odd number.")
    return config


def read_decoder_config(content: object) -> DisplacementDecoderConfig:
    """The second generator's decoder. Raises BundleError."""
    config = _read(DisplacementDecoderConfig, content, "the second generator's description")
    if config.attention not in _ATTENTIONS:
        raise BundleError(
            f"It has an attention this Facegen does not know: {quoted(config.attention)}."
        )
    return config


def _read(kind: type[Config], content: object, whose: str) -> Config:
    if not isinstance(content, dict):
        raise BundleError(f"{_own(whose).capitalize()} is damaged.")
    check_names(content, {field.name for field in dataclasses.fields(kind)}, whose)
    values = {
        field.name: _value(field.name, content[field.name], field.default, whose)
        for field in dataclasses.fields(kind)
    }
    return kind(**values)


def _value(name: str, value: Any, default: Any, whose: str) -> Any:
    """A value of the kind of its default and within its range; lists become tuples."""
    if isinstance(default, tuple):
        if name == "expressions" and not _is_list_of_texts(value):
            raise BundleError("Its expressions are not a list of different names.")
        if not isinstance(value, (list, tuple)) or not 0 < len(value) <= _LONGEST_LIST:
            raise BundleError(f"{_own(whose).capitalize()} has no list of '{name}'.")
        return tuple(_value(name, item, default[0], whose) for item in value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise BundleError(
                f"{_own(whose).capitalize()} holds a switch that is neither on nor off."
            )
        return value
    if isinstance(default, (int, float)):
        return _number(name, value, default, whose)
    if not isinstance(value, str):
        raise BundleError(f"{_own(whose).capitalize()} has a '{name}' that is no word.")
    return value


def _number(name: str, value: Any, default: float, whose: str) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, int) and not isinstance(value, int):
        is_number = False
    low, high = _RANGES[name]
    if not is_number or not (-math.inf < value < math.inf and low <= value <= high):
        raise BundleError(
            f"{_own(whose).capitalize()} holds a number out of range: '{name}' is between {low:g} "
            f"and {high:g}, not {quoted(value)}."
        )
    return value


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _own(whose: str) -> str:
    return f"its {whose.removeprefix('the ')}"
