"""Options of what a clip is baked into: --bake, --rig-by, --onto and what belongs to them."""

from __future__ import annotations

import argparse
import math
from typing import Any

from facegen_core.errors import FacegenError

MODES = ("compact", "frames", "rig", "existing", "arkit")


def add_bake(command: argparse.ArgumentParser) -> None:
    """What the clip becomes, and how near to the motion it has to be."""
    command.add_argument(
        "--bake",
        choices=MODES,
        default="compact",
        help="few shape keys within the tolerance; one per frame; a rig with a key per expression "
        "and region; the keys the head has already; or those of ARKit, made where they are "
        "missing (compact)",
    )
    command.add_argument(
        "--tolerance", type=float, default=0.1, metavar="MM", help="of a compact bake, mm (0.1)"
    )
    command.add_argument(
        "--rig-by",
        choices=("drivers", "curves"),
        help="what plays a rig: the sliders of the head, which are keyed, or keyframes on every "
        "key as near to the motion as they come (drivers)",
    )
    command.add_argument(
        "--onto",
        metavar="NAME,…",
        help="of existing keys only these; a star at the end stands for any ending, 'ARKit' for "
        "the names of face tracking",
    )
    command.add_argument(
        "--replace-curves",
        action="store_true",
        help="let curves that the head's file has on these keys give way",
    )
    command.add_argument(
        "--smoothness",
        type=float,
        metavar="S",
        help="how much solved keys are kept from jumping between frames, 0 and up (0.1)",
    )
    command.add_argument(
        "--sparsity",
        type=float,
        metavar="S",
        help="how much a solved key must do to be used at all, 0 to 0.1 (0.002)",
    )


def bake_settings(options: argparse.Namespace) -> dict[str, Any]:
    """{property of `object.facegen`: value} of what was said beside --bake. Raises FacegenError."""
    _check(options)
    settings: dict[str, Any] = {}
    if options.rig_by:
        settings["rig_by"] = options.rig_by
    if options.onto is not None:
        is_arkit = options.onto.strip().lower() == "arkit"
        settings |= {"onto": "arkit"} if is_arkit else {"onto": "named", "onto_names": options.onto}
    if options.replace_curves:
        settings["replaces_curves"] = True
    for name, high in (("smoothness", 10.0), ("sparsity", 0.1)):
        value = getattr(options, name)
        if value is None:
            continue
        if not (math.isfinite(value) and 0.0 <= value <= high):
            raise FacegenError(f"--{name} is between 0 and {high:g}, got {value:g}.")
        settings[f"solve_{name}"] = value
    return settings


def _check(options: argparse.Namespace) -> None:
    """Refuse what belongs to another bake, which would silently do nothing."""
    belongs = {
        "rig_by": ("rig",),
        "onto": ("existing",),
        "replace_curves": ("existing", "arkit"),
        "smoothness": ("rig", "existing", "arkit"),
        "sparsity": ("rig", "existing", "arkit"),
    }
    for name, modes in belongs.items():
        value = getattr(options, name)
        if value not in (None, False) and options.bake not in modes:
            option = "--" + name.replace("_", "-")
            raise FacegenError(f"{option} goes with --bake {' or '.join(modes)}.")
