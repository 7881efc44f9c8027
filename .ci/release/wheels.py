"""The wheels of a zip, byte for byte as published: SciPy for each platform and Python of Blender,
and threadpoolctl, which is the same for all.

The package index publishes a SHA-256 with every file. Those stand here: pip is told to take no
other file, and the cache is checked again each time, so that a wheel somebody changed is refused.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import BuildError, DownloadError

# Blender 4.2, 4.5 and 5.0 run on the first, 5.1 and 5.2 on the second.
PYTHONS = ("311", "313")
# Blender's platform names and the wheel tags that fit them.
PLATFORMS = {
    "linux-x64": "manylinux_2_17_x86_64",
    "windows-x64": "win_amd64",
    "macos-arm64": "macosx_12_0_arm64",
    "macos-x64": "macosx_10_13_x86_64",
}
# {name of the file: SHA-256}, as the package index has them. SciPy: the newest that runs on every
# NumPy of Blender 4.2 to 5.x (1.24 to 2.3).
PUBLISHED = {
    "scipy-1.15.3-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": (
        "39cb9c62e471b1bb3750066ecc3a3f3052b37751c7c3dfd0fd7e48900ed52982"
    ),
    "scipy-1.15.3-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": (
        "c9deabd6d547aee2c9a81dee6cc96c6d7e9a9b1953f74850c179f91fdc729cb7"
    ),
    "scipy-1.15.3-cp311-cp311-win_amd64.whl": (
        "ae48a786a28412d744c62fd7816a4118ef97e5be0bee968ce8f0a2fba7acf3bb"
    ),
    "scipy-1.15.3-cp313-cp313-win_amd64.whl": (
        "b90ab29d0c37ec9bf55424c064312930ca5f4bde15ee8619ee44e69319aab163"
    ),
    "scipy-1.15.3-cp311-cp311-macosx_12_0_arm64.whl": (
        "34716e281f181a02341ddeaad584205bd2fd3c242063bd3423d61ac259ca7eba"
    ),
    "scipy-1.15.3-cp313-cp313-macosx_12_0_arm64.whl": (
        "7e11270a000969409d37ed399585ee530b9ef6aa99d50c019de4cb01e8e54e62"
    ),
    "scipy-1.15.3-cp311-cp311-macosx_10_13_x86_64.whl": (
        "993439ce220d25e3696d1b23b233dd010169b62f6456488567e830654ee37a6b"
    ),
    "scipy-1.15.3-cp313-cp313-macosx_10_13_x86_64.whl": (
        "2c620736bcc334782e24d173c0fdbb7590a0a436d2fdf39310a8902505008759"
    ),
    "threadpoolctl-3.6.0-py3-none-any.whl": (
        "43a0b8fd5a2928500110039e43a5eed8480b918967083ea48dc3ab9f13c4a7fb"
    ),
}


def names_for(platform: str) -> list[str]:
    """The wheels that a zip for one platform brings."""
    tags = PLATFORMS[platform], "-none-any."
    return [name for name in PUBLISHED if any(tag in name for tag in tags)]


def fetch(name: str, cache: Path) -> Path:
    """The wheel in the cache, downloaded where it is not there. Raises BuildError."""
    path = cache / name
    if not path.is_file():
        _download(name, cache)
    if not path.is_file():
        raise BuildError(f"pip brought no {name}.")
    check(path, path.read_bytes())
    return path


def check(path: Path, content: bytes) -> None:
    """Raise BuildError unless these are the bytes the package index published by this name."""
    expected, found = PUBLISHED.get(path.name), hashlib.sha256(content).hexdigest()
    if found != expected:
        raise BuildError(
            f"{path} is not the wheel that was published (SHA-256 {found[:12]}…, expected "
            f"{str(expected)[:12]}…): remove it, and it is downloaded anew."
        )


def _download(name: str, cache: Path) -> None:
    """Into a folder of its own first: another build may be looking into the cache meanwhile."""
    package, release, python, abi, platforms = name.removesuffix(".whl").split("-")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(
            f"{package}=={release} --hash=sha256:{PUBLISHED[name]}\n", encoding="utf-8"
        )
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--requirement", str(wanted)]
        command += ["--platform", platforms.split(".")[0], "--implementation", python[:2]]
        version = python[2:] if abi != "none" else PYTHONS[0]
        command += ["--python-version", version, "--abi", abi, "--dest", folder]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace"
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"]
            raise DownloadError(f"{name} could not be downloaded: {said[-1]}")
        for wheel in Path(folder).glob("*.whl"):
            wheel.replace(cache / wheel.name)
