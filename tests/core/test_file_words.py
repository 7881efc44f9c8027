"""Why a file could not be read is said in words, and with what to do."""

import errno
import json
import os

import pytest

from facegen_core.array_files import ArrayFileError, read_arrays
from facegen_core.file_words import reason_of, unread, why_unread
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
