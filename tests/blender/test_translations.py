"""What the add-on says is there in every language, and a translated sentence keeps its values."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from blender_addon.translations import LANGUAGES, translated
from facegen_core import file_words, files
from facegen_core.numeric import counted
from tests.blender.translatable import ADDON, sources, texts_of, without_names

# Labels, tooltips, menu items, reports and refusals are translated. Files are read and pictures of
# the command drawn in English.
ROOMS = ("engine_setup", "operators", "panels", "properties", "scene")
FILES = ("preferences.py", "engine.py", "engine_view.py", "generators.py")
COMMAND = ("scene/import_head.py", "scene/movie.py", "scene/picture_render.py")
# Said to developers, or the same in every language.
NOT_SAID = {
    "Frames by which the {} {} later than the curves; below 0 earlier",  # run, runs
    "{} has no variations, only the expected motion: choose Steady (--generator lstm), or a model "
    "with both generators.",
    "{}: choose a name that ends in .fbx, .glb or .blend.",
    "Expected shapes {} and weights {}, got {} and {}.",
    "Shape {} of the clip is not finite; nothing was written.",
    "A weight of the clip leaves 0 to 1; nothing was written.",
    # Ends of a sentence of the system's own
    "Blender wrote no file; is there room on the disk? ({})",
    "the file is incomplete, so the disk may be full",
    "Blender's {}.",
    "Blender's FBX add-on is off: enable it in the preferences (Add-ons).",
    "Blender's glTF add-on is off: enable it in the preferences (Add-ons).",
}
languages = pytest.mark.parametrize("language", LANGUAGES)


def said_in_the_window() -> dict[str, str]:
    """{text: where it is said}."""
    found: dict[str, str] = {}
    for path in sources():
        name = path.relative_to(ADDON).as_posix()
        if name not in COMMAND and (name in FILES or path.parent.name in ROOMS):
            for text, line in texts_of(path).items():
                if text not in NOT_SAID and not text.isupper():
                    found.setdefault(text, f"{name}:{line}")
    return found


@languages
def test_everything_that_is_said_has_a_translation(language: str) -> None:
    known = {without_names(text) for text in LANGUAGES[language]}
    missing = {text: place for text, place in said_in_the_window().items() if text not in known}
    lines = [f"{place}\n    {text!r}: (\n        ''\n    )," for text, place in missing.items()]
    assert not missing, f"{len(missing)} texts without {language}:\n" + "\n".join(lines)


@languages
def test_a_translation_keeps_every_place_and_nothing_is_left_empty(language: str) -> None:
    for text, other in LANGUAGES[language].items():
        assert other.strip(), text
        places, others = (set(re.findall(r"\{(\w+)\}", t)) for t in (text, other))
        assert places == others, f"{text!r} -> {other!r}"
        assert text.count("\n") >= other.count("\n"), text
        assert text.endswith(".") == other.endswith("."), f"{text!r} -> {other!r}"


@languages
def test_every_sentence_is_found_by_its_own_template(language: str) -> None:
    for text, other in LANGUAGES[language].items():
        values = {name: f"«{name}»" for name in re.findall(r"\{(\w+)\}", text)}
        assert translated(text.format(**values), language) == other.format(**values), text


def test_values_are_taken_over_and_translated_themselves() -> None:
    german = "de_DE"
    assert translated("'Bob' is hidden: show it in the Outliner first", german) == (
        "'Bob' ist verborgen: blende es erst im Outliner ein"
    )
    assert translated("Good match: 0.31 mm", german) == "Anpassung gut: 0.31 mm"
    assert translated("No such sentence.", german) == "No such sentence."
    assert translated("Match first", "xx_XX") == "Match first"


def test_what_the_disk_refuses_is_german_from_end_to_end(tmp_path: Path) -> None:
    """Why and advice are put together in the core, where no search finds them."""
    numbers = [*file_words._UNWRITTEN, errno.ENOSPC, errno.ENOENT, errno.EACCES, -2]
    for number in numbers:
        error = OSError(number, "words of the system")
        why, advice = file_words.unwritten(tmp_path / "a.fbx", error)
        for size in {0, 2_000_000 if number in files._FULL else 0}:
            sentence = str(files.unwritable(tmp_path / "a.fbx", error, size))
            german = translated(sentence, "de_DE")
            assert german.startswith(f"{tmp_path / 'a.fbx'} lässt sich nicht schreiben: "), sentence
            assert why not in german, german
            assert advice not in german, german
    reasons = [why for why, _ in file_words._UNREAD.values()] + [*file_words._UNRUN.values()]
    for why in [*reasons, file_words._OPEN_ELSEWHERE[0], file_words._ELSE[0]]:
        assert translated(why, "de_DE") != why


@pytest.mark.parametrize(
    ("count", "english", "german"),
    [
        (1, "1 shape key, within 0.100 mm", "1 Formschlüssel, innerhalb von 0.100 mm"),
        (2, "2 shape keys, within 0.100 mm", "2 Formschlüssel, innerhalb von 0.100 mm"),
    ],
)
def test_one_is_counted_as_one(count: int, english: str, german: str) -> None:
    sentence = f"{counted(count, 'shape key')}, within 0.100 mm"
    assert sentence == english
    assert translated(sentence, "de_DE") == german


def test_what_may_be_one_is_counted_by_numeric_counted() -> None:
    """Which knows one from many: "1 shape keys" was said where a clip was small."""
    nouns = "vertices|frames|shape keys|keys|landmarks|parts|heads|objects|edges|polygons"
    never_one = (
        "shape keys: a compact bake",  # too many of them
        "shape keys used",  # "1 of 51 shape keys used"
        "frames per second",
        "frames: GPU worker",
        ', f"{num_vertices:,} vertices")',  # of the template
    )
    found = [
        f"{path.relative_to(ADDON)}: {line.strip()}"
        for path in sorted(ADDON.rglob("*.py"))
        if "translations" not in path.parts
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(rf"\{{[^{{}}]*\}} ({nouns})\b", line)
    ]
    assert not [line for line in found if not any(words in line for words in never_one)]
