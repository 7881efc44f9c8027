"""Other languages: what Blender translates by itself, and sentences with names and numbers in them.

English is the source. Labels, tooltips and menu items are handed to Blender, which shows them in
the language of its preferences. A sentence that is put together goes through `said`, which finds
the template it was made from: "{name} is hidden" stands for "'Bob' is hidden".

Another language is another module beside `german`, and a line in LANGUAGES.
"""

from __future__ import annotations

import re
from functools import lru_cache

import bpy

from . import german

# {Blender's name of a language: {English: translated}}; values in braces are taken over by name.
LANGUAGES = {"de_DE": german.TEXTS}
# Panels and acts are looked up under a context of ours: Blender's own German calls a face a Fläche.
CONTEXT = "Facegen"
CONTEXTS = ("*", "Operator", CONTEXT)
_PLACE = re.compile(r"\{(\w+)\}")
_QUOTED = re.compile(r"'\{(\w+)\}'")


def said(sentence: str) -> str:
    """A sentence in the language of the interface; English where there is no translation."""
    return translated(sentence, bpy.app.translations.locale)


@lru_cache(maxsize=512)
def translated(sentence: str, language: str) -> str:
    """A sentence in a language, "de_DE" for example, by its text or by its template."""
    texts = LANGUAGES.get(language)
    if not texts or not sentence:
        return sentence
    if sentence in texts:
        return texts[sentence]
    for key, pattern in _templates(language):
        found = pattern.fullmatch(sentence)
        if found:
            names = {*_QUOTED.findall(key), "object"}  # of the artist's objects, keys and files
            values = {
                k: v if k in names else translated(v, language)
                for k, v in found.groupdict().items()
            }
            return texts[key].format(**values)
    return sentence


@lru_cache(maxsize=8)
def _templates(language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """(text, pattern) of every text with braces, those with most words of their own first."""
    templates = [text for text in LANGUAGES[language] if _PLACE.search(text)]
    templates.sort(key=lambda text: (-len(_PLACE.sub("", text)), text))
    return tuple((text, re.compile(_pattern(text), re.DOTALL)) for text in templates)


def _pattern(template: str) -> str:
    """The template as a pattern; a name that comes twice must be the same both times."""
    pieces, seen = _PLACE.split(template), set()
    for k in range(1, len(pieces), 2):
        name = pieces[k]
        pieces[k] = f"(?P={name})" if name in seen else f"(?P<{name}>.+?)"
        seen.add(name)
    pieces[::2] = [re.escape(piece) for piece in pieces[::2]]
    return "".join(pieces)


def register() -> None:
    """Hand Blender the texts, and those of properties that were put together when they were made.

    After the properties: Blender looks up what they say as a whole and knows no templates.
    """
    tables = {}
    for language, texts in LANGUAGES.items():
        exact = texts | {text: translated(text, language) for text in said_by_properties()}
        tables[language] = {
            (context, english): text for english, text in exact.items() for context in CONTEXTS
        }
    bpy.app.translations.register(__package__, tables)


def said_by_properties() -> set[str]:
    """Names, tooltips and menu items of what Facegen keeps on objects."""
    found = set()
    from ..properties import FacegenObject

    for prop in FacegenObject.bl_rna.properties:
        if prop.identifier in bpy.types.PropertyGroup.bl_rna.properties:
            continue
        found |= {prop.name, prop.description} - {prop.identifier}  # which nameless ones show
        if prop.type == "ENUM":
            for item in prop.enum_items:
                found |= {item.name, item.description}
    return found - {""}


def unregister() -> None:
    bpy.app.translations.unregister(__package__)
