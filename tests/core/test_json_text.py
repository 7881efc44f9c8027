"""JSON that is deep, large or no JSON: one reason each, and no other exception."""

import pytest

from facegen_core.json_text import DEEPEST, parse_json, quoted, read_json


@pytest.mark.parametrize("depth", [DEEPEST + 2, 900, 100_000])
@pytest.mark.parametrize("pair", ["[]", '{"a":}'])
def test_depth_is_refused_with_a_reason(depth, pair):
    opened, closed = pair[:-1], pair[-1]
    with pytest.raises(ValueError, match=f"more than {DEEPEST} deep"):
        parse_json(opened * depth + "1" + closed * depth)


def test_what_we_write_is_shallow_enough():
    text = "[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1)
    assert str(parse_json(text)) == text


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{}", b"nan", b'{"a": 1}}', b"\x00"])
def test_no_json_is_a_value_error(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"\S"):
        read_json(path)


def test_a_file_that_is_missing_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "a.json")


def test_a_value_is_quoted_short_and_on_one_line():
    deep = [1]
    for _ in range(5000):
        deep = [deep]
    for value in ("a\nb" * 1000, [["x" * 500] * 500] * 500, deep, 10**1000, {"a": "\n" * 99}):
        assert len(quoted(value)) < 1000
        assert "\n" not in quoted(value)


def test_a_mark_that_notepad_writes_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"name": "Gr\xc3\xbc\xc3\x9fe"}\r\n')
    assert read_json(path) == {"name": "Grüße"}


def test_text_of_an_older_powershell_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("{}", encoding="utf-16")
    with pytest.raises(ValueError, match="UTF-16, save it as UTF-8"):
        read_json(path)
