"""Links and shared folders: what strangers lay in wait for those who read and write files.

Each case makes its folder, acts as the product acts, and says what a user reads; a fault is
anything that was read aloud, written, or removed elsewhere.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from facegen_core import files
from facegen_core.array_files import read_arrays
from facegen_core.bundle import load_bundle
from facegen_core.errors import FacegenError
from facegen_core.landmarks import read_landmark_file
from facegen_core.preset_files import read_preset
from tests.robustness import security_samples as samples
from tests.robustness.inputs.judging import fault_of
from tests.robustness.report import Case

GROUP = "Links and shared folders"
SECRET = "correct horse battery staple"
_NOBODY = 65534


def cases() -> list[Case]:
    """All of them; none where the system lets no links be made."""
    if os.name != "posix":
        return []
    return [_tried(name, act) for name, act in _CASES.items()]


def _tried(name: str, act: Callable[[Path, Path], str]) -> Case:
    """act: given a folder to work in and a secret file elsewhere; returns what was accepted."""
    with tempfile.TemporaryDirectory() as elsewhere, tempfile.TemporaryDirectory() as folder:
        secret = Path(elsewhere) / "secret"
        secret.write_text(SECRET)
        try:
            said, fault = act(Path(folder), secret), ""
        except FacegenError as error:
            said = str(error).replace(f"{folder}/", "").replace(folder, "…")
            said = said.replace(str(secret), "secret")
            fault = fault_of(said)
        except AssertionError as error:
            said, fault = "", str(error)
        except Exception as error:
            said, fault = "", f"{type(error).__name__}: {error}"
        if sorted(os.listdir(elsewhere)) != ["secret"] or secret.read_text() != SECRET:
            fault = "changed what lies elsewhere"
        if SECRET in said:
            fault = "reads a secret aloud"
        return Case(GROUP, name, f"{said} — {fault}".strip(" —") if fault else said, not fault)


def _read_link(read: Callable[[Path], object], name: str) -> Callable[[Path, Path], str]:
    def act(folder: Path, secret: Path) -> str:
        (folder / name).symlink_to(secret)
        read(folder / name)
        raise AssertionError("opened")

    return act


def _read_folder(read: Callable[[Path], object], name: str) -> Callable[[Path, Path], str]:
    def act(folder: Path, secret: Path) -> str:
        (folder / name).symlink_to(secret.parent, target_is_directory=True)
        read(folder / name)
        raise AssertionError("opened")

    return act


def _zip_with_links(folder: Path, secret: Path) -> str:
    """An entry that says of itself that it is a link, and one whose name climbs."""
    path = folder / "a.facegen"
    sound = samples.bundles()[0]
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry))
        link = zipfile.ZipInfo("linked.npy")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        new.writestr(link, str(secret))
    load_bundle(path)
    raise AssertionError("opened")


def _climbing_zip(folder: Path, secret: Path) -> str:
    path = folder / "a.npz"
    with zipfile.ZipFile(io.BytesIO(samples.bundles()[0])) as old:
        content = old.read(old.infolist()[0])
    with zipfile.ZipFile(path, "w") as new:
        new.writestr(f"../{secret.parent.name}/new.npy", content)
        new.writestr("/etc/facegen.npy", content)
    arrays = read_arrays(path)
    assert os.listdir(folder) == ["a.npz"], "unpacked to disk"
    return f"*read in memory under {len(arrays)} names, nothing on disk*"


def _tar_with_links(folder: Path, secret: Path) -> str:
    from training.ict4d.ict_facekit import read_ict_facekit

    path = folder / "a.tar"
    with tarfile.open(path, "w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "vertex_indices.json"), (tarfile.LNKTYPE, "a.obj")):
            entry = tarfile.TarInfo(f"ICT/FaceXModel/{name}")
            entry.type, entry.linkname = kind, str(secret)
            archive.addfile(entry)
    read_ict_facekit(path)
    raise AssertionError("opened")


def _own_link(folder: Path, secret: Path) -> str:
    """A link the artist has laid leads where he wants his file, and stays a link."""
    target = folder / "there"
    target.write_text("old")
    (folder / "smile.fbx").symlink_to(target)
    files.write_text(folder / "smile.fbx", "new")
    assert (folder / "smile.fbx").is_symlink(), "the link is gone"
    assert target.read_text() == "new", "not written"
    return "*written to the file the link leads to*"


def _strangers_link(folder: Path, secret: Path) -> str:
    """The same, laid by somebody else in a folder where all may write."""
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "smile.fbx").symlink_to(secret)
    if os.geteuid() != 0:
        return "*not tried: only an administrator can give a link away*"
    os.chown(shared / "smile.fbx", _NOBODY, _NOBODY, follow_symlinks=False)
    files.write_text(shared / "smile.fbx", "new")
    raise AssertionError("written")


def _guessed_names(folder: Path, secret: Path) -> str:
    """Names of temporary files that were used once are not used again, and follow no rule."""
    names = {files.temporary_beside(folder / "a.fbx").name for _ in range(1000)}
    letters = {name.split("-")[-1] for name in names}
    assert len(letters) == 1000, "names come again"
    assert min(map(len, letters)) >= 16, "names are short enough to be guessed"
    return "*1,000 names, all different, 128 random bits each*"


def _leftover_links(folder: Path, secret: Path) -> str:
    """What looks like the leftover of a killed process and is a link to a folder elsewhere."""
    name = files.temporary_beside(folder / "a").name.split("-")
    dead = f"{'-'.join(name[:2])}-999999999-{'0' * 8}"
    (folder / dead).symlink_to(secret.parent, target_is_directory=True)
    inner = folder / f"{dead[:-1]}1"
    inner.mkdir()
    (inner / "link").symlink_to(secret.parent, target_is_directory=True)
    count = files.remove_leftovers(folder)
    assert not os.listdir(folder), "the links are still there"
    return f"*{count} links removed, what they lead to stays*"


def _linked_folder(folder: Path, secret: Path) -> str:
    """A folder of the output replaced by a link: written where it leads, nothing else removed."""
    (folder / "real").mkdir()
    (folder / "out").symlink_to(folder / "real", target_is_directory=True)
    files.write_text(folder / "out" / "a.json", "{}")
    assert os.listdir(folder / "real") == ["a.json"], "not written, or something left"
    return "*written into the folder the link leads to*"


def _names_from_lists(folder: Path, secret: Path) -> str:
    """Names in a list of heads that climb out of the folder of a batch."""
    from blender_addon.command.batch_jobs import jobs_of

    rng, names = Random(0), []
    for text in (f"../{secret.parent.name}/x", "/etc/x", "a/../../x", "..", "C:\\x", "a\x00b"):
        path = folder / "heads.json"
        path.write_text(f'[{{"head": "a.obj", "name": {_quoted(text)}}}]')
        names += [job.name for job in jobs_of([path], [f"happy@1,2,3,{rng.randrange(4, 9)}"])]
    assert not any(set(name) & set("/\\\0") or name.startswith(".") for name in names), names
    return f"*become {', '.join(names)}*".replace(secret.parent.name, "elsewhere")


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"'


_CASES: dict[str, Callable[[Path, Path], str]] = {
    "a preset that is a link to a secret": _read_link(read_preset, "a.json"),
    "landmarks that are a link to a secret": _read_link(read_landmark_file, "a.json"),
    "a bundle that is a link to a secret": _read_link(load_bundle, "a.facegen"),
    "a bundle that is a link to a folder": _read_folder(load_bundle, "a.facegen"),
    "a preset that is a link to a folder": _read_folder(read_preset, "a.json"),
    "a bundle with an entry that is a link": _zip_with_links,
    "arrays under names that climb": _climbing_zip,
    "a data pack of links": _tar_with_links,
    "an export onto a link of one's own": _own_link,
    "an export onto somebody else's link in a shared folder": _strangers_link,
    "an export through a linked folder": _linked_folder,
    "temporary names in a shared folder": _guessed_names,
    "leftovers that are links": _leftover_links,
    "heads of a batch whose names climb": _names_from_lists,
}
