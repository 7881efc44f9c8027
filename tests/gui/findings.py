"""What a visit in a window found: sentences that held or failed, figures, screenshots."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent

held: list[str] = []
failed: list[str] = []
figures: dict[str, float] = {}


def check(sentence: str, is_true: bool) -> None:
    (held if is_true else failed).append(sentence)
    print(f"{'held' if is_true else 'FAILED'}: {sentence}", flush=True)


def screenshot(name: str) -> None:
    subprocess.run(["import", "-window", "root", str(FOLDER / f"{name}.png")], check=False)


def report() -> None:
    content = {"held": held, "failed": failed, "figures": figures}
    (FOLDER / "steps.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
