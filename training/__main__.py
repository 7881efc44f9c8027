"""The command line of training: ``python -m training VERB …``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from facegen_core.errors import FacegenError

# Of the processes torchrun starts, only the first shows progress bars; tqdm reads this as it loads.
if os.environ.get("RANK", "0") != "0":
    os.environ.setdefault("TQDM_DISABLE", "1")

# What each verb does, and the module that does it: it has add_arguments(parser) and main(args).
# Imported only when asked for, so that preparing data needs no torch.
VERBS = {
    "prepare": ("build a 4D data set", "training.preparation.prepare"),
    "train": ("train a model", "training.expression_model.train_expression_model"),
    "evaluate": ("measure a model on unseen subjects", "training.evaluation.evaluate"),
    "export": ("write a model bundle", "training.expression_model.export_bundle"),
    "detector": ("train the landmark detector", "training.landmark_detector.command"),
    "add-detector": ("put a detector into a bundle", "training.landmark_detector.add_to_bundle"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; what the user can mend is said in one sentence and returns 1."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    chosen = arguments[0] if arguments else ""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, (purpose, module_name) in VERBS.items():
        subparser = verbs.add_parser(verb, help=purpose, description=purpose)
        if verb == chosen:
            importlib.import_module(module_name).add_arguments(subparser)
    args = parser.parse_args(arguments)
    try:
        importlib.import_module(VERBS[args.verb][1]).main(args)
    except FacegenError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
