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
# Blender looks up buttons of operators under a context of their own.
CONTEXTS = ("*", "Operator")
_PLACE = re.compile(r"\{(\w+)\}")


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
    for pattern, text in _templates(language):
        found = pattern.fullmatch(sentence)
        if found:
            values = {k: translated(v, language) for k, v in found.groupdict().items()}
            return text.format(**values)
    return sentence


@lru_cache(maxsize=8)
def _templates(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """(pattern, translated) of every text with braces, those with most words of their own first."""
    found = [(_PLACE.sub("", key), key, text) for key, text in LANGUAGES[language].items()]
    templates = [row for row in found if row[0] != row[1]]
    templates.sort(key=lambda row: (-len(row[0]), row[1]))
    return tuple((re.compile(_pattern(key), re.DOTALL), text) for _, key, text in templates)


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
    bpy.app.translations.register(
        __package__,
        {
            language: {
                (context, english): text for english, text in texts.items() for context in CONTEXTS
            }
            for language, texts in LANGUAGES.items()
        },
    )


def unregister() -> None:
    bpy.app.translations.unregister(__package__)
