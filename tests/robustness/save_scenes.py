"""Make tests/blender/saved_scenes again: scenes saved by earlier Facegens, in the Blenders at hand.

    python -m tests.robustness.save_scenes [NAME…]

Each is what the zip of one commit saved (`in_blender/save_scene.py`); a .json beside it tells what
must still be true when the scene is opened. A scene stays as it was saved: it is made again only
where what it should hold changes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.blender.blenders import ROOT, blenders, run_in_blender

SAVED = ROOT / "tests" / "blender" / "saved_scenes"
SCRIPT = Path(__file__).parent / "in_blender" / "save_scene.py"
# {name_Blender: commit}: the first Facegen, with landmarks and parts, with variations, with clips.
SCENES = {
    "main_job_4.2": "a90533f",
    "any_head_4.5": "d2e2821",
    "two_generators_4.5": "a754a38",
    "artists_desk_4.2": "b5fd939",
    "artists_desk_4.5": "b5fd939",
    "artists_desk_5.0": "b5fd939",
}


def main(names: Sequence[str]) -> int:
    for name in names or SCENES:
        with tempfile.TemporaryDirectory() as folder:
            save(name, Path(folder))
        print(SAVED / f"{name}.blend", flush=True)
    return 0


def save(name: str, folder: Path) -> None:
    version = name.rpartition("_")[2]
    blender = next(b for b in blenders() if b.version.startswith(version))
    zip_path = zip_of(SCENES[name], folder / "sources")
    work = folder / "work"
    work.mkdir()
    done = run_in_blender(blender, SCRIPT, zip_path, work)
    if done.returncode:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    for found, suffix in (("scene.blend", ".blend"), ("facts.json", ".json")):
        shutil.copyfile(work / "files" / found, SAVED / f"{name}{suffix}")


def zip_of(commit: str, sources: Path) -> Path:
    """The zip that the sources of a commit build, with the wheels at hand."""
    subprocess.run(["git", "worktree", "add", "-q", "--detach", sources, commit], check=True)
    try:
        (sources / ".cache").symlink_to((ROOT / ".cache").resolve())
        build = [sys.executable, "build_addon.py", "--out", str(sources.parent)]
        subprocess.run(build, cwd=sources, check=True, stdout=subprocess.DEVNULL)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", sources], check=True)
    return next(sources.parent.glob("facegen-*.zip"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
