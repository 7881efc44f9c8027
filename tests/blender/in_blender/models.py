"""Other models to choose in the preferences, made from the shipped one in the installed add-on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import bpy
from harness import FOLDER, PACKAGE, addon
from toy_variations import with_variations

bundle_module = addon("facegen_core.bundle")
DEFAULT = addon("preferences").DEFAULT_BUNDLE


def renamed_model(name: str, plays: Mapping[str, str], **header: object) -> Path:
    """A bundle whose expressions are the keys of `plays`, each moving as the shipped one named."""
    shipped = bundle_module.load_bundle(DEFAULT)
    columns = [shipped.config.expressions.index(old) for old in plays.values()]
    weights = dict(shipped.weights)
    for key in [key for key in weights if ".weight_ih_" in key]:  # of both directions
        weights[key] = weights[key][:, columns]
    config = dataclasses.replace(shipped.config, expressions=tuple(plays))
    path = FOLDER / f"{name}.facegen"
    bundle_module.save_bundle(
        bundle_module.Bundle(shipped.template, weights, config, shipped.header | header), path
    )
    return path


def varied_model() -> Path:
    """A bundle of both generators: the shipped one where it is, else one with a toy beside it."""
    shipped = bundle_module.load_bundle(DEFAULT)
    if shipped.landmark_model is not None:
        return DEFAULT
    path = FOLDER / "varied.facegen"
    both = with_variations(shipped, lambda name: addon(f"facegen_core.{name}"))
    bundle_module.save_bundle(both, path)
    return path


def use_model(path: Path | str) -> None:
    """Choose a bundle in the preferences; "" is the one that comes with Facegen."""
    bpy.context.preferences.addons[PACKAGE].preferences.bundle = str(path)
