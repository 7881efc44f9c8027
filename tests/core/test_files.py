"""Files appear whole or not at all; what killed processes left is known and removed."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facegen_core import files
from facegen_core.errors import FacegenError, WriteError


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write_and_raise(path, error):
    """As exporters do: Blender and USD make files of their own beside the one that was named."""
    with files.put_in_place(path) as temporary:
        temporary.write_text("half")
        temporary.with_name(f"{temporary.name}@").write_text("Blender's own")
        temporary.with_suffix(".Xk4f9a").write_text("USD's own")
        raise error


def test_what_is_written_takes_the_place_of_the_old_one(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")
    with files.put_in_place(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == ".json"
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_an_error_leaves_the_old_file_and_nothing_an_exporter_made(tmp_path):
    path = tmp_path / "a.blend"
    path.write_text("old")
    with pytest.raises(ValueError, match="no"):
        write_and_raise(path, ValueError("no"))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.blend"]


@pytest.mark.parametrize(
    ("number", "why", "advice"),
    [
        (errno.ENOSPC, "the disk is full", "MB free: make room there or choose another folder"),
        (errno.EDQUOT, "your share of the disk is used up", "choose another disk"),
        (errno.EFBIG, "the disk takes no file of this size", "choose a folder on another disk"),
        (errno.EROFS, "the disk is read-only", "choose a folder you may write to"),
        (errno.EACCES, "you have no right to write there", "choose a folder you may write to"),
        (errno.EPERM, "you have no right to write there", "choose a folder you may write to"),
        (errno.ENOENT, "there is no such folder", "make the folder"),
        (errno.ENAMETOOLONG, "its name is too long", "choose a shorter name"),
        (errno.EIO, "the disk fails to take it", "choose a folder on another disk"),
        (9999, "the system does not let it be written", "choose a folder on another disk"),
    ],
)
def test_what_the_disk_refuses_is_said_in_one_sentence(tmp_path, number, why, advice):
    """In our words: the system has its own for each language, and speaks of devices."""
    path = tmp_path / "a.npz"
    with pytest.raises(WriteError) as told:
        write_and_raise(path, OSError(number, os.strerror(number)))
    sentence = str(told.value)
    assert sentence.startswith(f"Cannot write {path}: {why}")
    assert os.strerror(number).lower() not in sentence.lower()
    assert advice in sentence
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert not list(tmp_path.iterdir())


def test_errors_of_other_files_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError), files.put_in_place(tmp_path / "a.txt"):
        (tmp_path / "missing.txt").read_text()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FacegenError, match="make the folder"):
        files.write_text(tmp_path / "no" / "a.txt", "x")


def test_leftovers_of_dead_processes_go_and_those_at_work_stay(tmp_path):
    mine = files.temporary_beside(tmp_path / "a.fbx")
    _, host, _, letters = mine.stem.split("-")
    dead = [tmp_path / f".facegen-{host}-{dead_process()}-{letters}{end}"
            for end in (".fbx", ".blend@", "")]  # fmt: skip
    other_host = tmp_path / f".facegen-00000000-{os.getpid()}-{letters}.fbx"
    forgotten = tmp_path / f".facegen-00000001-1-{letters}.fbx"
    foreign = tmp_path / ".facegen-notes.txt"
    for path in (mine, *dead[:2], other_host, forgotten, foreign):
        path.write_text("half")
    dead[2].mkdir()
    (dead[2] / "part").write_text("half")
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(forgotten, (long_ago, long_ago))
    # Where nobody tells whether a process lives, it is taken to live for a day.
    kept = [] if os.name == "posix" else dead
    assert files.remove_leftovers(tmp_path) == 4 - len(kept)
    assert set(tmp_path.iterdir()) == {mine, other_host, foreign, *kept}


def test_a_link_keeps_leading_to_the_file_that_is_written(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real, link = tmp_path / "elsewhere" / "a.txt", tmp_path / "a.txt"
    real.write_text("old")
    link.symlink_to(real)
    if not link.is_symlink():
        pytest.skip("this system makes no links")
    files.write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the disk cannot be asked here")
def test_room_is_asked_of_the_disk_not_only_of_its_free_bytes(tmp_path):
    files.check_room(tmp_path, 1_000_000)
    script = (
        "import resource, sys; from pathlib import Path; from facegen_core import files\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try: files.check_room(Path(sys.argv[1]), 1_000_000)\n"
        "except OSError as error: print(error.strerror)\n"
    )
    said = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True)
    assert said.stdout == "it may take 1.0 MB, and the disk gives less\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="links and rights of this kind are Unix's")
def test_a_link_of_somebody_else_in_everybodys_folder_is_not_followed(tmp_path, monkeypatch):
    """The kernel follows none; reading where it leads and writing there went around that."""
    real, shared = tmp_path / "real.txt", tmp_path / "shared"
    real.write_text("old")
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "a.txt").symlink_to(real)
    files.write_text(shared / "a.txt", "mine")
    assert real.read_text() == "mine"
    monkeypatch.setattr(os, "geteuid", lambda: -7)  # nobody's, neither the link's nor the folder's
    own = (shared / "a.txt").lstat().st_uid
    assert not files._is_strangers(shared / "a.txt")  # the folder's owner may lay links in it
    stat = Path.stat
    monkeypatch.setattr(
        Path,
        "stat",
        lambda self, **how: (
            os.stat_result((0o41777, *stat(self, **how)[1:4], own + 1, *stat(self, **how)[5:10]))
            if self == shared
            else stat(self, **how)
        ),
    )
    with pytest.raises(WriteError, match="somebody else"):
        files.write_text(shared / "a.txt", "theirs")
    monkeypatch.undo()
    assert real.read_text() == "mine"
    assert sorted(p.name for p in shared.iterdir()) == ["a.txt"]


def test_temporary_names_cannot_be_guessed(tmp_path):
    names = {files.temporary_beside(tmp_path / "a.fbx").stem for _ in range(100)}
    assert len(names) == 100
    assert min(len(name.split("-")[-1]) for name in names) == 32
