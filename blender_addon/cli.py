"""The command `facegen`: a head in, an animated file out. Also ``python -m blender_addon.cli``."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import facegen_core
from facegen_core.bundle_info import read_bundle_info
from facegen_core.errors import FacegenError
from facegen_core.files import disk_refusal
from facegen_core.intensity import EXPRESSIONS

from .command import (
    batch_options,
    batch_processes,
    generate_options,
    info,
    replay_options,
    variations_options,
    verbs,
)

EXIT_REFUSED = 2
# A fault of the program, told in full.
EXIT_BROKEN = 1
_ROOT = Path(__file__).resolve().parents[1]

DEMO_EXPRESSIONS = ("happy@1,12,30,45=1.0", "surprise@50,56,70,85=1.0")

_EXAMPLES = """\
examples:
  facegen generate head.obj -e happy@1,12,30,45=1.0 -o smile.fbx
  facegen generate body.fbx -e happy@1,12,30,45 -e surprise@50,56,70,85=0.8 --fps 30 \\
      -o clip.glb --report clip.json --picture clip.png
  facegen generate head.obj -e happy~surprise:0.4@1,12,30,45 -o mixed.fbx
  facegen generate head.obj -e happy@1,12,30,45 --variation 7 --amount 1.0 -o smile.fbx
  facegen variations head.obj -e happy@1,12,30,45 --out sheet.png
                                nine variations to choose from, also moving: sheet.mp4
  facegen generate head.blend --landmarks-out landmarks.json --parts-out parts.json \\
      --residual fit.ply            what was found, and how well it fits; moves nothing
  facegen batch heads/*.obj -e happy@1,12,30,45 --out clips --jobs 4
                                many heads, a process each, and a page of all: clips/index.html
  facegen generate head.obj -e happy@1,12,30,45 --record smile.json
  facegen replay smile.json -o smile.fbx        the same again, bit for bit, on any machine alike
  facegen replay scene.blend --clip smile -o smile.glb
  facegen info my.facegen           what a model can play, and how well
  facegen head -o head.obj          the sample head, neutral
  facegen demo --folder out         the sample head, happy and surprised
"""


def command() -> None:
    """The console script: run, then leave at once.

    Blender's module may crash (4.2, after glTF) or hang (4.5) while Python ends, and by then
    everything is written.
    """
    _speak_utf8()
    batch_processes.end_with_batch()
    for stream in (sys.stdout, sys.stderr):
        # A console of another code page would otherwise fail on the name of a file.
        stream.reconfigure(errors="backslashreplace")
    try:
        try:
            code = main()
        except SystemExit as ended:  # --help, --version and argparse's own refusals
            code = ended.code if isinstance(ended.code, int) else 0
        except BrokenPipeError:
            raise
        except Exception:  # raised on, Blender's module would hang on the way out
            traceback.print_exc()
            code = EXIT_BROKEN
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # whoever read along, such as `facegen info | head`, has read enough
        code = 0
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is written, 2 after one sentence on stderr, nothing written."""
    options = _parser().parse_args(arguments)
    try:
        if options.needs_blender:
            _require_blender()
        return options.run(options)
    except FacegenError as error:
        print(f"facegen: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except OSError as error:
        refusal = disk_refusal(error)
        if refusal is None:
            raise
        print(f"facegen: {refusal}", file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        print("facegen: stopped; nothing was written.", file=sys.stderr)
        return verbs.EXIT_INTERRUPTED


def _speak_utf8() -> None:
    """Start again in UTF-8 where the locale knows fewer letters: Blender takes no other paths."""
    if os.name != "posix" or sys.getfilesystemencoding().replace("-", "").lower() == "utf8":
        return
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    again = [sys.executable, "-P", "-X", "utf8", "-m", "blender_addon.cli", *sys.argv[1:]]
    os.execve(sys.executable, again, environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="facegen",
        description="Animate any neutral head: expressions over time, as shape keys and clips.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(needs_blender=True)
    parser.add_argument(
        "--version", action="version", version=f"facegen {facegen_core.__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_generate(commands)
    _add_variations(commands)
    _add_batch(commands)
    _add_replay(commands)
    _add_head(commands)
    _add_demo(commands)
    _add_info(commands)
    return parser


def _add_generate(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "generate",
        help="animate a head from a file",
        description="Find the face in a head, move it by expressions, write an animated file.",
    )
    command.set_defaults(run=verbs.generate)
    generate_options.add_arguments(command)
    _add_common(command)


def _add_variations(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "variations",
        help="draw nine variations of a motion to choose from",
        description="Find the face in a head and draw nine variations of one motion: a sheet of "
        "their apexes (PNG), and beside it the same sheet moving (MP4).",
    )
    command.set_defaults(run=verbs.variations)
    variations_options.add_arguments(command)
    _add_common(command)


def _add_batch(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "batch",
        help="animate many heads, with a page of all",
        description="Animate many heads in processes of their own, with a page that shows them "
        "all. Finished heads are not made again. The exit code is how many failed, 100 at most.",
    )
    command.set_defaults(run=verbs.batch)
    batch_options.add_arguments(command)
    _add_common(command)


def _add_replay(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "replay",
        help="make a recorded clip again, bit for bit",
        description="Make a clip again from its record (facegen generate --record, or a .blend), "
        "and say whether it came out bit for bit as recorded.",
    )
    command.set_defaults(run=verbs.replay)
    replay_options.add_arguments(command)
    _add_common(command)


def _add_head(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("head", help="write the sample head, neutral, in millimetres")
    command.set_defaults(run=verbs.head)
    command.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.obj")
    _add_common(command)


def _add_demo(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser("demo", help="animate the sample head: happy, then surprised")
    command.set_defaults(run=_demo)
    command.add_argument("--folder", type=Path, default=Path("out"), help="where to write (out)")
    _add_common(command)


def _add_info(commands: argparse._SubParsersAction) -> None:
    command = commands.add_parser(
        "info",
        help="tell what a model bundle is",
        description="Tell of a model bundle what it was trained on, by whom it may be used, what "
        "it can play and how large its error is. Needs no Blender.",
    )
    command.set_defaults(run=verbs.info, needs_blender=False)
    info.add_arguments(command)


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--bundle", type=Path, metavar="FILE", help="another model bundle")
    command.add_argument(
        "--verbose", action="store_true", help="show what Blender prints, and errors in full"
    )


def _require_blender() -> None:
    try:
        import bpy  # noqa: F401
    except ModuleNotFoundError as error:
        raise FacegenError(
            f"The command needs Blender as a Python module ({error}): "
            "pip install 'bpy==4.5.*' on Python 3.11."
        ) from None
    except ImportError as error:
        raise FacegenError(f"Blender's Python module does not load here: {error}.") from None


def _demo(options: argparse.Namespace) -> int:
    from .command.animate_file import Request

    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    request = Request(
        head=None,
        envelopes=generate_options.envelopes(_demo_expressions(options.bundle)),
        outputs=(folder / "demo.fbx", folder / "demo.blend"),
        frames_per_second=generate_options.DEFAULT_FRAMES_PER_SECOND,
        report_file=folder / "demo.json",
        picture_file=folder / "demo.png",
        clip_name="demo",
        **_bundle_option(options),
    )
    return verbs.animate(request, options.verbose)


def _demo_expressions(bundle: Path | None) -> list[str]:
    """Happy, then surprised; of a model without those, its first two."""
    names, marks = zip(*(event.split("@") for event in DEMO_EXPRESSIONS), strict=True)
    known = read_bundle_info(bundle).expressions if bundle else EXPRESSIONS
    played = names if set(names) <= set(known) else known[: len(names)]
    return [f"{name}@{when}" for name, when in zip(played, marks, strict=False)]


def _bundle_option(options: argparse.Namespace) -> dict[str, Path]:
    return {"bundle_file": options.bundle} if options.bundle else {}


if __name__ == "__main__":
    command()
