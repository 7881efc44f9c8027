"""Which kinds of bad meshes have to be in the table, and which cases stand for them."""

from __future__ import annotations

GROUP, BROKEN = "Meshes that show no face", "Broken heads"
GROUPS = ("Arrays that are no mesh", GROUP, BROKEN)
# {kind of bad mesh: words in the names of its cases}
KINDS: dict[str, tuple[str, ...]] = {
    "degenerate": ("needle", "pancake", "on a line", "in one point"),
    "duplicate": ("duplicates", "same triangle"),
    "non-manifold": ("non-manifold",),
    "NaN": ("NaN",),
    "Inf": ("Inf",),
    "huge": ("1e30", "1e300"),
    "tiny": ("1e-30", "1e-320"),
    "zero area": ("without area",),
    "ngons": ("ngon",),
    "loose edges": ("loose edges", "loose vertices and edges"),
    "1,000,000 vertices": ("1,000,000 vertices of",),
    "one vertex": ("one vertex",),
}

_NAMED = (
    "1,000,000 vertices of a wave",
    "1,000,000 loose vertices around a ball",
    "non-manifold: edges of three and four faces",
    "duplicates: every face twice",
    "the head in units of 1e30",
    "a head of ngons, 6 corners each",
    "5,000 loose vertices and edges",
)


def is_named(name: str, is_heavy: bool) -> bool:
    """Whether it is its kind's: of those that take long, a few."""
    if is_heavy:
        return name in _NAMED
    return any(word in name for words in KINDS.values() for word in words)
