"""Why a package cannot be built, in sentences."""

from __future__ import annotations


class BuildError(Exception):
    """The package cannot be built; the text says what to do."""


class DownloadError(BuildError):
    """A wheel that is not in the cache could not be downloaded."""
