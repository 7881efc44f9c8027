"""Why a file could not be read is said in words, and with what to do."""

import errno
import json
import os

import pytest

from facegen_core.array_files import ArrayFileError, read_arrays
from facegen_core.errors import WriteError
from facegen_core.file_words import reason_of, unread, unwritten, why_unread, why_unwritten
from facegen_core.files import write_text
from facegen_core.json_text import parse_json, read_json


def refusal(path):
    try:
        path.open("rb").close()
    except OSError as error:
        return unread(error)
    return "read"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_the_system_is_put_into_words(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refusal(tmp_path / "none") == "there is no such file; look at its name and folder"
    assert refusal(tmp_path) == "it is a folder; choose a file"
    assert refusal(tmp_path / "loop").startswith("it is a link that leads back to itself; ")
    assert refusal(tmp_path / ("x" * 300)).startswith("its name is too long; ")


def test_a_folder_that_windows_denies_is_a_folder(tmp_path):
    error = PermissionError(errno.EACCES, "Permission denied", str(tmp_path))
    assert why_unread(error) == "it is a folder"
    error.filename = str(tmp_path / "a.json")
    assert why_unread(error) == "you have no right to read it"


def test_who_denies_a_write_is_told_apart(tmp_path, monkeypatch):
    """Read-only folder, file of others, open elsewhere: one and the same error of the system."""
    path, denied = tmp_path / "a.fbx", PermissionError(errno.EACCES, "Permission denied")
    assert unwritten(path, denied) == (
        "you have no right to write there",
        "choose a folder you may write to",
    )
    path.write_text("")
    theirs = unwritten(path, denied)
    if os.name == "nt":
        assert theirs[0] == "another program has it open"
    else:
        assert theirs == ("you have no right to replace it", "choose another name or folder")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert unwritten(path, denied) == (
        "its folder may not be written to",
        "choose a folder you may write to",
    )
    denied.winerror = 32  # a sharing violation
    assert unwritten(path, denied) == (
        "another program has it open",
        "close it there, or choose another name",
    )


@pytest.mark.skipif(os.name != "nt", reason="elsewhere what is open can be replaced")
def test_a_file_that_is_open_on_windows_is_told_so(tmp_path):
    path = tmp_path / "a.fbx"
    with path.open("w"), pytest.raises(WriteError, match="another program has it open; close it"):
        write_text(path, "new")
    path.chmod(0o444)
    with pytest.raises(WriteError, match="it is read-only; unlock it"):
        write_text(path, "new")
    path.chmod(0o666)
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match="it is a folder; choose another name"):
        write_text(tmp_path / "folder", "new")
    # A folder is not renamed while a file in it is open; Wine does it.
    names = (str(tmp_path / "folder"), 5, str(tmp_path / "aside"))
    moved = PermissionError(errno.EACCES, "Access is denied", *names)
    assert why_unwritten(tmp_path / "folder", moved) == "another program has it open"


@pytest.mark.parametrize("number", [0, errno.EINVAL, 9999])
def test_whatever_else_it_says_nothing_of_it_is_repeated(number):
    assert unread(OSError(number, "[Errno] axis")) == (
        "the system does not let it be read; copy it to another folder"
    )


def test_other_reasons_lose_their_full_stop_and_their_types():
    assert reason_of(ValueError("it is damaged.")) == "it is damaged"
    assert reason_of(KeyError("name")) == "it lacks 'name'"
    assert reason_of(TypeError("'NoneType' object is not iterable")) == (
        "a value is of a wrong kind"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("nul", "line 1, column 1: a value is missing"),
        ('{"a": 1,\n b}', "line 2, column 2: a name in double quotes is missing"),
        ("[1 2]", "line 1, column 4: a comma or the end of a list is missing"),
        ('{"a" 1}', "line 1, column 6: a colon is missing"),
        ("[] []", "line 1, column 4: more follows after its end"),
        ('["a', "line 1, column 2: a text has no closing quote"),
        ('["a\n"]', "line 1, column 4: a text holds a line break or another control character"),
        ('["\\q"]', "line 1, column 3: a backslash stands before the wrong letter"),
        (b"\xff\xfa", "it is no text in UTF-8; save it as such"),
        ("9" * 5000, "it holds a number of thousands of digits"),
    ],
)
def test_what_is_no_json_is_told_by_line_and_column(text, words):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_json(text)
    assert str(caught.value) == words
    assert not isinstance(caught.value, json.JSONDecodeError)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no such device here")
def test_a_file_without_end_is_not_read_to_it():
    with pytest.raises(ValueError, match="larger than 64 MB"):
        read_json("/dev/zero")


def test_an_archive_that_is_none_is_told_in_words(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"hello")
    with pytest.raises(ArrayFileError, match=r"^it is of another kind, or damaged at its end$"):
        read_arrays(tmp_path / "a.npz")
