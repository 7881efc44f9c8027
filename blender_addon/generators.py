"""The generators of a model in the artist's words."""

from __future__ import annotations

from facegen_core.bundle_info import BundleInfo
from facegen_core.errors import BundleError
from facegen_core.landmark_inference import Variation
from facegen_core.pipeline import Generator

STEADY: Generator = "lstm"
VARIED: Generator = "lm4dgan"
# (identifier, name, description) as Blender's menus take them.
GENERATORS = (
    (STEADY, "Steady", "The expected motion: the same curves always move a face the same way"),
    (VARIED, "Varied", "A motion as this face might make it: another one for every seed"),
)
ONLY_STEADY = "This model has no variations: it plays the expected motion alone"


def check_generator(info: BundleInfo, generator: Generator) -> None:
    """Raise BundleError where a model does not hold the generator."""
    if generator != STEADY and not info.has_variations:
        raise BundleError(
            f"{info.file_name} has no variations, only the expected motion: choose Steady "
            "(--generator lstm), or a model with both generators."
        )


def words(generator: Generator, variation: Variation) -> str:
    """Which motion it is: "Steady", or "Varied, seed 7, amount 1"."""
    name = {identifier: name for identifier, name, _ in GENERATORS}[generator]
    if generator == STEADY:
        return name
    return f"{name}, seed {variation.seed}, amount {variation.amount:.4g}"
