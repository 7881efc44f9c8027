"""Which heads the contact sheets show."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.heads.motion_trials import MAKEHUMAN, bundle, studio, truth_of
from tests.benchmarks.heads.outcome import Outcome
from tests.benchmarks.heads.sheets import draw_row, write_sheets
from tests.benchmarks.heads.truth import FIRST_SEED
from tests.benchmarks.heads.variations import make

# Other identities than those of the numbers.
SHEET_ROWS: tuple[tuple[int | str, str], ...] = (
    (21, "as is"),
    (22, "decimated to 3,000"),
    (23, "decimated to 500"),
    (24, "voxel remesh"),
    (25, "mouth sealed"),
    (26, "noise"),
    (27, "eyes removed"),
    (28, "hair cap"),
    (29, "asymmetric"),
    (30, "big eyes"),
    (31, "no nose"),
    (32, "toon"),
    (33, "long face"),
    (34, "wide mouth"),
    (35, "mirrored half"),
    (MAKEHUMAN, "as is"),
)


def draw_sheets(rows: tuple[tuple[int | str, str], ...], folder: Path) -> Outcome:
    """Draw every row and write the sheets."""
    drawn = []
    for head, name in rows:
        truth = truth_of(head) if head == MAKEHUMAN else studio().still_head(FIRST_SEED + int(head))
        drawn.append((f"{truth.name} ({name})", draw_row(make(name, truth, seed=1), bundle())))
    paths = write_sheets(drawn, folder)
    pictures = "\n\n".join(f"![heads × expressions]({folder.name}/{path.name})" for path in paths)
    return Outcome(
        "Contact sheets",
        (),
        "The default bundle on heads of all kinds, each expression alone at its apex; matched "
        f"without help.\n\n{pictures}",
    )
