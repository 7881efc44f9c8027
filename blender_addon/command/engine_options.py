"""Options of the engine that generates motion: the built-in one, or PyTorch on graphics cards."""

from __future__ import annotations

import argparse
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from facegen_core.errors import FacegenError

from ..engine import BUILT_IN, Choice

BUILT_IN_NAME, GPU_NAME = "built-in", "gpu"
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,2})?")


def add_engine(command: argparse.ArgumentParser) -> None:
    """Which engine, and where it computes."""
    command.add_argument(
        "--engine",
        choices=(BUILT_IN_NAME, GPU_NAME),
        default=BUILT_IN_NAME,
        help=f"what computes the motion: {BUILT_IN_NAME} (NumPy), or {GPU_NAME} (PyTorch in a "
        "process of its own); they agree within 0.0001 mm",
    )
    command.add_argument(
        "--engine-python",
        type=Path,
        metavar="PYTHON",
        help=f"with --engine {GPU_NAME}: the python program of an environment that has PyTorch "
        "(this one, where it has it)",
    )
    command.add_argument(
        "--devices",
        metavar="DEVICE,…",
        help="where PyTorch computes: auto, cuda:0, mps, cpu (auto); facegen batch takes several, "
        "and spreads its processes over them",
    )


def choice_of(options: argparse.Namespace) -> Choice:
    """The engine asked for, on one device. Raises FacegenError."""
    choices = choices_of(options)
    if len(choices) > 1:
        raise FacegenError(
            f"One clip is made on one device, got --devices {options.devices}: give one, or make "
            "many clips with facegen batch."
        )
    return choices[0]


def choices_of(options: argparse.Namespace) -> tuple[Choice, ...]:
    """The engine asked for, once per device. Raises FacegenError."""
    if options.engine == BUILT_IN_NAME:
        for name in ("engine_python", "devices"):
            if getattr(options, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise FacegenError(f"{option} is for the GPU engine: add --engine {GPU_NAME}.")
        return (BUILT_IN,)
    python = options.engine_python or _python_here()
    if not python.is_file():
        raise FacegenError(
            f"There is no Python at {python}: give the python program of an environment with "
            "PyTorch to --engine-python."
        )
    devices = [word.strip() for word in (options.devices or "auto").split(",")]
    for device in devices:
        if not _DEVICE.fullmatch(device):
            raise FacegenError(
                f"'{device}' is no device: give auto, cuda:0, cuda:1, …, mps or cpu to --devices, "
                "separated by commas."
            )
    return tuple(Choice(True, python.absolute(), device) for device in devices)


def arguments_of(choice: Choice) -> list[str]:
    """The options that ask for a choice."""
    if not choice.is_worker:
        return []
    place = [f"--engine-python={choice.python}", f"--devices={choice.device}"]
    return [f"--engine={GPU_NAME}", *place]


def _python_here() -> Path:
    if find_spec("torch") is None:
        raise FacegenError(
            f"--engine {GPU_NAME} needs PyTorch, which this Python has not: give one that has it "
            "with --engine-python."
        )
    return Path(sys.executable)
