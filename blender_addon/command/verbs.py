"""What each verb of the command does with its options and prints; they return the exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from facegen_core.errors import FacegenError
from facegen_core.numeric import counted

from . import batch_options, generate_options, replay_options, variations_options
from .info import info_text

EXIT_INTERRUPTED = 130
Made = TypeVar("Made")
# Exit codes end at 255, and those of the shell begin at 126.
_MOST_FAILED = 100


def generate(options: argparse.Namespace) -> int:
    return animate(generate_options.request_of(options), options.verbose)


def variations(options: argparse.Namespace) -> int:
    from .variations_file import draw_variations

    request = variations_options.request_of(options)
    print("\n".join(_with_progress(draw_variations, request, options.verbose)))
    return 0


def batch(options: argparse.Namespace) -> int:
    from .batch_run import run_batch

    request = batch_options.request_of(options)
    try:
        outcomes = run_batch(request, lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print("facegen: stopped; heads that were finished are kept.", file=sys.stderr)
        return EXIT_INTERRUPTED
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    heads = counted(len(outcomes), "head")
    print(f"{len(outcomes) - failed} of {heads}: {request.folder / 'index.html'}")
    return min(failed, _MOST_FAILED)


def replay(options: argparse.Namespace) -> int:
    from .replay_file import replay_file

    return _made(replay_options.request_of(options), replay_file, options.verbose)


def animate(request: Any, verbose: bool) -> int:
    from .animate_file import animate_file

    return _made(request, animate_file, verbose)


def _made(request: Any, recipe: Callable[..., dict[str, Any]], verbose: bool) -> int:
    """Follow a recipe of clips, and tell what came of it."""
    from .report import summary_lines

    report = _with_progress(recipe, request, verbose)
    print("\n".join(summary_lines(report)))
    for product in request.products:
        print(f"  {product}  ({product.stat().st_size / 1e6:.1f} MB)")
    return 0


def _with_progress(recipe: Callable[..., Made], request: Any, verbose: bool) -> Made:
    """Follow a recipe under a progress line, Blender's own words kept away."""
    from .console import ProgressLine, blender_silenced

    with blender_silenced(verbose) as real_error:
        line = ProgressLine(real_error)
        try:
            return recipe(request, line)
        finally:
            line.finish()


def head(options: argparse.Namespace) -> int:
    from ..preferences import DEFAULT_BUNDLE
    from ..scene import sample_file
    from .console import blender_silenced
    from .products import Products, check_products

    if options.output.suffix.lower() != ".obj":
        raise FacegenError(f"The sample head is an OBJ: name '{options.output.name}' .obj.")
    check_products([options.output], [])
    with blender_silenced(options.verbose), Products() as products:
        sample_file.write_sample_head(
            options.bundle or DEFAULT_BUNDLE, products.path_for(options.output)
        )
        products.publish()
    print(options.output)
    return 0


def info(options: argparse.Namespace) -> int:
    print(info_text(options))
    return 0
