"""Platforms: the zips, what they are made of, odd folders, other locales and every Blender."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import build_addon
from build_addon import rules, wheels
from tests.blender.blenders import SCRIPTS, as_common_user, blenders, run_in_blender
from tests.robustness.odd_names import ODD_NAMES
from tests.robustness.report import Case, Chapter, Line

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "python -m tests.robustness platforms"
BUILT_FROM = ("blender_addon", "facegen_core", ".ci", "LICENSES", "LICENSE", "build_addon.py")
LOCALES = {
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "cp1252 console": {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "cp1252"},
}


def run(scale: float, seed: int) -> Chapter:
    """All of it at scale 1; below, fewer names, one locale, no training."""
    lines: list[Line] = []
    cases: list[Case] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lines += [*_zips(place / "dist"), _wheels(), _reproducible(place)]
        found = list(_odd_names(place, _some(list(ODD_NAMES), scale)))
        cases += found
        good = sum(case.ok for case in found)
        lines.append(
            Line(
                "folders and files of odd names: written, read back, reopened in Blender",
                f"{good} of {len(found)} names in bpy {_odd_blender()}, in a user folder "
                "with an odd name",
                good == len(found),
            )
        )
        commands = list(_commands(place, _some(list(LOCALES), scale), scale >= 1))
        lines.append(_share("the command in an odd folder, under other locales", commands))
        closed = list(_read_only(place))
        asked = "folders that may not be written to: one sentence, nothing left there"
        lines.append(_share(asked, closed))
        cases += [*commands, *closed]
    command = COMMAND if scale == 1 else f"{COMMAND} --scale {scale:g}"
    return Chapter("platforms", command, lines, cases, NOTES)


NOTES = [
    "Blender's own USD library crashes the process where Blender itself lies in a folder whose "
    "name has brackets, such as `Blender [1]`; files in such folders are written and read.",
    "Run on Linux. Windows and macOS are covered by what can be checked without them: names, "
    "encodings, modules and calls of one system (tests/test_platforms.py), the rules of "
    ".ci/release/rules.py, wheels held to their published hashes; the core of the Windows zip runs "
    "its tests on Windows' own Python under Wine (`make test-windows`). Nobody has started Blender "
    "with these zips there.",
    "Every story of tests/blender/in_blender is told in Blender 4.2, 4.5 and 5.0 by `make test`; "
    "one in 5.2 (Python 3.13, NumPy 2.3) by `make test`, all by `make test-newest`.",
]


def _share(asked: str, cases: Sequence[Case]) -> Line:
    good = sum(case.ok for case in cases)
    return Line(asked, f"{good} of {len(cases)}", good == len(cases))


def _some(names: list[str], scale: float) -> list[str]:
    count = max(1, round(min(scale, 1.0) * len(names)))
    return names[:: max(1, len(names) // count)][:count]


def _zips(out: Path) -> Iterator[Line]:
    """A line for each zip; the wheels are those that were published, so this may download."""
    for platform in wheels.PLATFORMS:
        for is_for_review in (False, True):
            kind = "for the extension platform" if is_for_review else "to download"
            try:
                path = build_addon.build(
                    platform, build_addon.DEFAULT_BUNDLE, out, is_for_review=is_for_review
                )
                broken = rules.broken_rules(path, is_for_review)
                verdict = build_addon.validate(path)
                size = f"{path.stat().st_size / 1e6:.1f} MB"
                path.unlink()
            except build_addon.BuildError as error:
                broken, verdict, size = [str(error)], "not built", ""
            measured = "; ".join([size, f"Blender says {verdict}", *broken])
            asked = f"zip {kind}, {platform}: no rule broken, valid"
            yield Line(asked, measured, not broken and verdict == "valid")


def _wheels() -> Line:
    """Each file in each wheel against the hash in the wheel's own RECORD."""
    num_wheels = num_files = 0
    changed = []
    for wheel in wheels.PUBLISHED:
        path = wheels.fetch(wheel, build_addon.WHEEL_CACHE)
        with zipfile.ZipFile(path) as archive:
            (record,) = [n for n in archive.namelist() if n.endswith(".dist-info/RECORD")]
            rows = list(csv.reader(io.StringIO(archive.read(record).decode("utf-8"))))
            listed = {name: digest.partition("=")[2] for name, digest, _ in rows}
            files = [n for n in archive.namelist() if not n.endswith("/")]
            for name in files:
                found = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest())
                if name != record and found.rstrip(b"=").decode() != listed.get(name):
                    changed.append(f"{path.name}: {name}")
            num_files += len(files)
        num_wheels += 1
    return Line(
        "the wheels in the zips: SHA-256 as published, every file as its RECORD says",
        f"{num_wheels} wheels, {num_files} files, {len(changed)} differ",
        not changed,
    )


def _reproducible(place: Path) -> Line:
    """Two builds of the same sources: here, and where everything else is different."""
    copy = place / "ein Ort’s 复制 é"
    for name in BUILT_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    (copy / ".cache").mkdir()
    (copy / ".cache" / "wheels").symlink_to(build_addon.WHEEL_CACHE, target_is_directory=True)
    first = build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, place / "here")
    code = "import build_addon as b, pathlib; b.build('linux-x64', b.DEFAULT_BUNDLE, "
    code += "pathlib.Path('out'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy,
        env={"PATH": os.environ["PATH"], **LOCALES["ASCII"], "TZ": "Asia/Tokyo"}
        | {"PYTHONHASHSEED": "7"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        umask=0o077,
    )
    second = next((copy / "out").glob("*.zip"), None)
    hashes = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (first, second) if p}
    shutil.rmtree(copy)
    return Line(
        "same sources, same bytes: other folder, umask, locale, time zone, hash seed",
        ("the same bytes" if len(hashes) == 1 else "different bytes")
        if second
        else done.stderr[-200:],
        len(hashes) == 1 and second is not None,
    )


def _odd_blender() -> str:
    return blenders()[min(1, len(blenders()) - 1)].version


def _odd_names(place: Path, chosen: list[str]) -> Iterator[Case]:
    """The story of odd paths with these names, its user folder below an odd name of its own."""
    home = place / "Ünï ’x’ 脸 😀"  # no brackets: here lies Blender itself, and USD would crash
    home.mkdir()
    listed = place / "names.json"
    told = place / "told.json"
    listed.write_text(json.dumps([ODD_NAMES[k] for k in chosen]), encoding="utf-8")
    blender = next(b for b in blenders() if b.version == _odd_blender())
    done = run_in_blender(
        blender,
        SCRIPTS / "odd_paths.py",
        build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, place / "here"),
        home,
        3000.0,
        FACEGEN_ODD_NAMES=str(listed),
        FACEGEN_ODD_TOLD=str(told),
    )
    answers = json.loads(told.read_text(encoding="utf-8")) if told.is_file() else {}
    rest = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    for key in chosen:
        sentence = answers.get(ODD_NAMES[key], "not reached: " + ", ".join(rest))
        yield Case("Odd names in Blender", key, sentence, sentence.startswith("Wrote"))
    yield Case(
        "Odd names in Blender",
        "every other promise of the story, in that user folder",
        ", ".join(rest) or done.stdout.strip().splitlines()[-1],
        done.returncode == 0,
    )
    shutil.rmtree(home, ignore_errors=True)


def _commands(place: Path, locales: list[str], has_training: bool) -> Iterator[Case]:
    for locale in locales:
        folder = place / f"Szene “{locale}” 脸 😀 te\u0301te [1]"
        folder.mkdir()
        head, clip, record = "Köpf 'x' 脸.obj", "lä ch [2].fbx", "lä ch.json"
        smile = ("-e", "happy@1,3,4,6")
        steps = {
            "head": ("head", "-o", head),
            "generate": ("generate", head, *smile, "-o", clip, "-o", "z.usdc", "--record", record),
            "replay": ("replay", record, "-o", "wieder é.abc"),
            "batch": ("batch", head, *smile, "--out", "viele 脸", "--preset", "unity"),
            "info": ("info", "model ß.facegen"),
            "a file that is not there": ("replay", "ça n'est pas là.json", "-o", "x.fbx"),
        }
        shutil.copy(build_addon.DEFAULT_BUNDLE, folder / "model ß.facegen")
        for step, arguments in steps.items():
            done = _process(folder, locale, "blender_addon.cli", *arguments)
            said = (done.stdout + done.stderr).strip().splitlines()
            expected = 2 if step.startswith("a file") else 0
            is_ok = done.returncode == expected and "Traceback" not in done.stderr
            yield Case(f"The command, {locale}", step, said[-1] if said else "", is_ok)
        made = {p.name for p in folder.rglob("*")}
        missing = {head, clip, record, "z.usdc", "wieder é.abc", "index.html"} - made
        yield Case(f"The command, {locale}", "files", f"missing: {sorted(missing)}", not missing)
        if has_training and locale == "ASCII":
            yield from _training(folder / "études 学", locale)
        shutil.rmtree(folder)


def _training(folder: Path, locale: str) -> Iterator[Case]:
    """docs/train-your-own.md on a few small scans, where the locale knows only ASCII."""
    from tests.training.recorded_faces import write_sequence_folder
    from tests.training.test_train_your_own import FEWER_STEPS, blocks, training_commands

    write_sequence_folder(folder / "scans", num_frames=30)
    settings, config = blocks("yaml")
    (marks,) = blocks("csv")
    (folder / "scans" / "dataset.yaml").write_text(settings, encoding="utf-8")
    (folder / "scans" / "marks.csv").write_text(marks, encoding="utf-8-sig")
    (folder / "scans.yaml").write_text(config + FEWER_STEPS, encoding="utf-8", newline="\r\n")
    for arguments in training_commands():
        if arguments[0] in ("prepare", "train", "export"):
            done = _process(folder, locale, "training", *arguments)
            said = (done.stdout + done.stderr).strip().splitlines()
            sentence = said[-1] if said else ""
            yield Case(f"Training, {locale}", arguments[0], sentence, done.returncode == 0)


def _process(
    folder: Path, locale: str, module: str, *arguments: str, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **LOCALES[locale],
    }
    return subprocess.run(
        [*before, sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=1800,
    )


def _read_only(place: Path) -> Iterator[Case]:
    """Without the right of root to write anywhere, as a common user."""
    closed = place / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    for name, arguments in {
        "head": ("head", "-o", "closed/head.obj"),
        "generate": ("generate", "none.obj", "-e", "happy@1,3,4,6", "-o", "closed/clip.fbx"),
        "batch": ("batch", "none.obj", "-e", "happy@1,3,4,6", "--out", "closed/out"),
    }.items():
        (place / "none.obj").write_text("v 0 0 0\n", encoding="utf-8")
        done = _process(
            place, "cp1252 console", "blender_addon.cli", *arguments, before=as_common_user()
        )
        said = done.stderr.strip().splitlines()
        is_ok = done.returncode == 2 and "Traceback" not in done.stderr
        is_ok &= not list(closed.iterdir())
        yield Case("Read-only folders", name, said[-1] if said else "", is_ok)
