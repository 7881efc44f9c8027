"""Settings of strangers: no aliases, no objects, no depth; one reason each."""

import pytest

from training.runs.plain_yaml import read_yaml
from training.runs.settings import TrainingConfigError, read_settings

BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: &a {b: *a}",
        "a: !!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system",
        "[" * 5000,
        "a: 2001-99-99",
        "a: " + "9" * 5000,
        "a: [",
        "\x00",
        "x" * (2 << 20),
    ],
)
def test_what_is_no_plain_settings_is_refused_with_a_reason(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"\S"):
        read_yaml(path)
    with pytest.raises(TrainingConfigError) as caught:
        read_settings(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_plain_settings_are_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: [x, 2.5]\nc: {d: true}\n")
    assert read_yaml(path) == {"a": 1, "b": ["x", 2.5], "c": {"d": True}}
