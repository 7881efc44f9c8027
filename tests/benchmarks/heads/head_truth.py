"""What is known of a head whose motion is known, and what every such head is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from facegen_core.intensity import EXPRESSIONS
from facegen_core.mesh import Mesh
from facegen_core.motion import FaceMotion
from training.ict4d.expression_prototypes import PROTOTYPES

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# What every head is asked to do: the six expressions at their apex, both eyes closed, and an open
# smile of which the forehead must feel nothing.
BLINK, LOWER_FACE = "blink", "lower face"
FRAMES = (*EXPRESSIONS, BLINK, LOWER_FACE)
# Whether the lips meet in a frame, as its first prototype has it.
CLOSED_LIPS = tuple(name in PROTOTYPES and PROTOTYPES[name][0].closes_lips for name in FRAMES)


@dataclass(frozen=True, eq=False)
class HeadTruth:
    """A head and its motion at the apex of T frames; P points, millimetres, Y up, face to +Z.

    mesh: the head as it was made. landmarks: (68, 3), None where nobody knows them.
    groups: {what: (N,) vertices}. regions: {region of the template: (P,)}, 0 off the skin.
    displacements: (T, P, 3). motion: the same in the template's topology, for this identity.
    jaw_poses: (T, 6) about jaw_pivot (3,), how the lower teeth move.
    """

    name: str
    mesh: Mesh
    landmarks: FloatArray | None
    groups: dict[str, IntArray]
    regions: dict[str, FloatArray]
    displacements: FloatArray
    motion: FaceMotion
    jaw_poses: FloatArray
    jaw_pivot: FloatArray

    @cached_property
    def is_outer_face(self) -> NDArray[np.bool_]:
        """(P,) skin that an expression may move and that is seen: no mouth bag, no sockets."""
        hidden = sum(self.regions[n] for n in ("mouth_bag", "eye_socket_left", "eye_socket_right"))
        return (self.regions["face"] > 0.5) & (hidden < 0.5)

    @cached_property
    def is_skin(self) -> NDArray[np.bool_]:
        """(P,) the one connected skin, mouth bag and sockets included."""
        result = np.zeros(self.mesh.num_vertices, bool)
        result[self.groups["skin"]] = True
        return result
