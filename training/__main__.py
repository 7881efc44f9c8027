"""The command line of training: ``python -m training VERB …``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor

from facegen_core.errors import FacegenError
from facegen_core.files import disk_refusal

# Of the processes torchrun starts, only the first shows progress bars; tqdm reads this as it loads.
if os.environ.get("RANK", "0") != "0":
    os.environ.setdefault("TQDM_DISABLE", "1")

# Systems that are trained by commands of their own; the first is meant where none is named.
TRAINED = {
    "expression": "training.expression_model.train_expression_model",
    "lm4dgan": "training.landmark_gan.command",
    "peers": "training.peers.command",
}
EVALUATED = {
    "expression": "training.evaluation.evaluate",
    "lm4dgan": "training.landmark_evaluation.command",
}
# What each verb does, and the module that does it, of every system where these differ: it has
# add_arguments(parser) and main(args). Imported only when asked for, so that preparing data needs
# no torch.
VERBS: dict[str, tuple[str, str | dict[str, str]]] = {
    "prepare": ("build a 4D data set", "training.preparation.prepare"),
    "train": ("train a model", TRAINED),
    "evaluate": ("measure a model on unseen subjects", EVALUATED),
    "protocol": ("train and test in folds, as papers do", "training.protocols.command"),
    "export": ("write a model bundle", "training.expression_model.export_bundle"),
    "detector": ("train the landmark detector", "training.landmark_detector.command"),
    "add-landmark-model": (
        "put the second generator into a bundle",
        "training.landmark_gan.add_to_bundle",
    ),
    "add-face-shapes": (
        "put the shapes of FACS into a bundle",
        "training.face_shapes.add_to_bundle",
    ),
    "add-detector": ("put a detector into a bundle", "training.landmark_detector.add_to_bundle"),
}


# What is prepared by several processes goes on where it stopped.
WORKER_ENDED = (
    "A process of this run was ended from outside, perhaps for lack of memory: give the same "
    "command again, with fewer --workers; what is finished is kept."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; what the user can mend is said in one sentence and returns 1."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    chosen = arguments[0] if arguments else ""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    module = None
    for verb, (purpose, module_name) in VERBS.items():
        subparser = verbs.add_parser(verb, help=purpose, description=purpose)
        if verb != chosen:
            continue
        if isinstance(module_name, dict):
            module_name = module_name[_named_system(subparser, list(module_name), arguments)]
        module = importlib.import_module(module_name)
        module.add_arguments(subparser)
    args = parser.parse_args(arguments)
    assert module is not None  # the parser knows no other verbs
    try:
        module.main(args)
    except FacegenError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenExecutor:
        print(WORKER_ENDED, file=sys.stderr)
        return 1
    except OSError as error:
        refusal = disk_refusal(error)
        if refusal is None:
            raise
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _named_system(
    parser: argparse.ArgumentParser, systems: Sequence[str], arguments: Sequence[str]
) -> str:
    """The system the command line names, which decides what else it may say."""
    parser.add_argument("--system", choices=systems, default=systems[0], help="what to work on")
    first = argparse.ArgumentParser(add_help=False)
    first.add_argument("--system", choices=systems, default=systems[0])
    return str(first.parse_known_args(arguments)[0].system)


if __name__ == "__main__":
    sys.exit(main())
