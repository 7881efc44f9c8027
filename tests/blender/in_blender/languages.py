"""What Blender itself shows of the add-on is translated: labels, tooltips, menu items, refusals."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import harness
from harness import addon, new_sphere

translations = addon("translations")
GERMAN = translations.LANGUAGES["de_DE"]
# Names that are the same in every language, or are never shown.
SAME = {"FBX", "glTF", "USD", "Blender", "Unity", "Unreal"}


def said_by_classes() -> Iterator[tuple[str, str]]:
    """(where, text) of every operator and panel, and of the properties of operators."""
    for cls in (*addon("operators").CLASSES, *addon("panels").CLASSES):
        yield cls.__name__, cls.bl_label
        if hasattr(cls, "execute"):
            yield cls.__name__, cls.bl_description
        own = set(getattr(cls, "__annotations__", {}))
        for prop in cls.bl_rna.properties:
            if prop.identifier in own and not prop.is_hidden:
                yield f"{cls.__name__}.{prop.identifier}", prop.name
                yield f"{cls.__name__}.{prop.identifier}", prop.description


def test_every_label_and_tooltip_of_a_class_is_translated() -> None:
    missing = [
        (where, text)
        for where, text in said_by_classes()
        if text
        and text not in SAME
        and translations.translated(text, "de_DE") == text
        and text not in GERMAN
    ]
    assert not missing, "\n".join(f"{where}: {text!r}" for where, text in missing)


def test_every_property_of_a_head_is_translated() -> None:
    missing = [
        text
        for text in sorted(translations.said_by_properties())
        if text not in SAME
        and text not in GERMAN
        and translations.translated(text, "de_DE") == text
    ]
    assert not missing, "\n".join(map(repr, missing))


def test_english_stays_english() -> None:
    harness.empty_scene()
    sentence = harness.refused(bpy.ops.facegen.match, "Nothing is selected")
    assert translations.said("Match first") == "Match first"
    assert "ausgewählt" in translations.translated(
        sentence.removeprefix("RuntimeError: ").splitlines()[-1].split("poll() ")[-1], "de_DE"
    )


def test_the_head_is_refused_in_german_as_in_english() -> None:
    head = new_sphere("Head")
    head.scale.z = 0.0
    bpy.context.view_layer.update()
    english = harness.refused(bpy.ops.facegen.match, "scale of zero").removeprefix("Error: ")
    german = translations.translated(english, "de_DE")
    assert german == "'Head' hat auf mindestens einer Achse die Größe null: setze sie erst.", german


if __name__ == "__main__":
    harness.run(globals())
