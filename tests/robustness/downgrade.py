"""A scene of this Facegen, opened and saved by an older one, and opened by this one again."""

from __future__ import annotations

import json
from pathlib import Path

from tests.blender.blenders import Blender, run_in_blender
from tests.robustness.report import Line
from tests.robustness.save_scenes import SAVED, zip_of

SCRIPT = Path(__file__).parent / "in_blender" / "resave.py"
# Two generators, no clips: it knows neither clips nor schemas, layers, eyes or records.
OLDER = "a754a38"


def survives(blender: Blender, version: str, zip_path: Path, folder: Path) -> Line:
    """What of all that Facegen keeps is still there."""
    old = zip_of(OLDER, folder / "older" / "sources")
    new_scene, old_scene = folder / "new.blend", folder / "old.blend"
    saved = SAVED / f"artists_desk_{version}.blend"
    _resaved(blender, zip_path, folder / "first", saved, new_scene)
    _resaved(blender, old, folder / "second", new_scene, old_scene)
    before = _resaved(blender, zip_path, folder / "third", new_scene, None)
    after = _resaved(blender, zip_path, folder / "fourth", old_scene, None)
    lost = sorted(name for name, value in before.items() if after.get(name) != value)
    told = f"{len(before) - len(lost)} of {len(before)} properties"
    if lost:
        told += f"; lost: {', '.join(lost[:3])}"
    return Line(
        "a scene that an older Facegen opens and saves keeps what it does not know", told, not lost
    )


def _resaved(
    blender: Blender, zip_path: Path, folder: Path, scene: Path, save_to: Path | None
) -> dict[str, str]:
    folder.mkdir(parents=True)
    options = {"scene": str(scene), "save_to": str(save_to or "")}
    (folder / "options.json").write_text(json.dumps(options), encoding="utf-8")
    done = run_in_blender(blender, SCRIPT, zip_path, folder)
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])
    return dict(json.loads((folder / "files" / "kept.json").read_text(encoding="utf-8")))
