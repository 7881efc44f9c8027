"""Schemas of what outlives a session: the version of each, and the way up from older ones.

A version grows when something that was written could be read wrongly by a Facegen that does not
know of the change; a field that older ones may ignore needs none. What is newer is refused and left
as it is. A head in a scene has a schema too; its steps need Blender (`scene.migration` there).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import FacegenError
from .json_text import quoted

Content = dict[str, Any]
Step = Callable[[Content], Content]


@dataclass(frozen=True)
class Schema:
    """version: what this Facegen writes. steps: {N: content of N made content of N + 1}."""

    version: int
    steps: Mapping[int, Step] = field(default_factory=dict)

    @property
    def oldest(self) -> int:
        """The oldest version that can be read."""
        return min(self.steps, default=self.version)

    def check(self, found: object, what: str, error: type[FacegenError] = FacegenError) -> int:
        """The version that was found, where this Facegen can read it.

        Raises `error` with one sentence that begins with `what`.
        """
        reads = f"version {self.version}"
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise error(f"{what} has version {quoted(found)}, expected {reads}: get it again.")
        if found > self.version:
            raise error(newer(what, found, self.version))
        if found < self.oldest:
            raise error(
                f"{what} has version {found}, expected {reads}: use one of the same age as this "
                "Facegen."
            )
        return found

    def brought_up(
        self, content: Content, found: object, what: str, error: type[FacegenError] = FacegenError
    ) -> Content:
        """Content of the version that was found as that of `version`; `content` stays as it is.

        Raises `error` as `check` does, and where content of an old version lacks what it must have.
        """
        for version in range(self.check(found, what, error), self.version):
            try:
                content = self.steps[version](dict(content))
            except (KeyError, TypeError, ValueError, AttributeError) as reason:
                raise error(
                    f"{what} is damaged: it is no whole version {version} ({quoted(reason)}); get "
                    "it again."
                ) from reason
        return content


def newer(what: str, found: int, known: int) -> str:
    """What is said of anything that a newer Facegen wrote."""
    return (
        f"{what} was made by a newer Facegen (schema version {quoted(found)}, expected at most "
        f"version {known}): update Facegen; nothing was changed."
    )


def _bundle_with_date_and_neutral(header: Content) -> Content:
    """Version 1 knew six expressions, no neutral but the template's, and no date."""
    model = {
        "expressions": ("happy", "sad", "surprise", "angry", "disgust", "fear"),
        "bidirectional": False,
        "follows_neutral": False,
        "reads_lip_gap": False,
        **dict(header["model"]),
    }
    return {**header, "date": "unknown", "model": model, "schema_version": 2}


BUNDLE = Schema(2, {1: _bundle_with_date_and_neutral})
RECORD = Schema(1)  # of a clip, on its action and as a file
PRESET = Schema(1)
LANDMARK_FILE = Schema(1)
PARTS_FILE = Schema(1)

# {what an artist keeps or sends: its schema}; what training writes is made again, not brought up.
SCHEMAS = {
    "model bundle": BUNDLE,
    "clip record": RECORD,
    "preset": PRESET,
    "landmark file": LANDMARK_FILE,
    "parts file": PARTS_FILE,
}
