"""The blendshapes of FACS that a bundle may hold beside its generators, under their ARKit names.

The eye layer moves lids with them, and `head_shapes` makes of them the 51 keys that face tracking
and game engines know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .deformation_transfer import ShapeTransfer, SourceShapes
from .errors import BundleError
from .template import Template
from .template_arrays import check_finite, check_names, check_shape

FloatArray = NDArray[np.floating]

# What face tracking calls the shapes (Apple's ARKit, ARFaceAnchor.BlendShapeLocation); left and
# right are the subject's. tongueOut is not among them: no source of ours has it.
SIDED = (
    "browDown",
    "browOuterUp",
    "cheekSquint",
    "eyeBlink",
    "eyeLookDown",
    "eyeLookIn",
    "eyeLookOut",
    "eyeLookUp",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthLowerDown",
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
)
WHOLE = (
    "browInnerUp",
    "cheekPuff",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthFunnel",
    "mouthLeft",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
)
ARKIT_NAMES = tuple(sorted((*(f"{n}{side}" for n in SIDED for side in ("Left", "Right")), *WHOLE)))

# Displacements lie in the bundle in steps of so much: half the diagonal of a step is 0.0048 mm.
STEP_MM = 0.0055
_INT16_MAX = 32767
_HEADER_FIELDS = {"names", "provenance"}
_ARRAYS = {"skin", "jaw"}
# Of what Blender keeps of a name.
_LONGEST_NAME = 63


@dataclass(frozen=True, eq=False)
class TemplateShapes:
    """S shapes of the template at full weight.

    names: S, different. skin: (S, V, 3) mm from the neutral. jaw: (S, 6) what they do to the lower
    jaw, as `FaceMotion.jaw`. provenance: JSON values: source, licence, command, ….
    """

    names: tuple[str, ...]
    skin: NDArray[np.float32]
    jaw: NDArray[np.float32]
    provenance: dict[str, Any]

    def header(self) -> dict[str, Any]:
        """What the bundle's header tells of them."""
        return {"names": list(self.names), "provenance": self.provenance}

    def rows_of(self, names: Iterable[str]) -> list[int]:
        """Where named shapes are. Raises BundleError for one that is not there."""
        rows = []
        for name in names:
            if name not in self.names:
                raise BundleError(f"The face shapes of this model lack '{name}'.")
            rows.append(self.names.index(name))
        return rows

    def transfer(self, template: Template, names: Iterable[str] | None = None) -> ShapeTransfer:
        """Carries the skin of all shapes, or of those named, to other faces of the template."""
        rows = list(range(len(self.names))) if names is None else self.rows_of(names)
        neutral = np.asarray(template.vertices, np.float64)
        return ShapeTransfer(SourceShapes(neutral, template.triangles, self.skin[rows]))


def stored_shapes(shapes: TemplateShapes) -> dict[str, NDArray]:
    """The arrays as they lie in a bundle: steps and their size, as `quantisation` reads them."""
    largest = np.abs(shapes.skin).max(axis=(1, 2), initial=0.0)
    scales = np.maximum(STEP_MM, largest / _INT16_MAX).astype(np.float32)
    steps = np.rint(shapes.skin / scales[:, None, None])
    return {
        "skin": np.clip(steps, -_INT16_MAX, _INT16_MAX).astype(np.int16),
        "skin/scales": scales,
        "jaw": np.asarray(shapes.jaw, np.float32),
    }


def read_face_shapes(
    header: object, arrays: Mapping[str, NDArray], template: Template
) -> TemplateShapes:
    """From dequantised arrays. Raises BundleError, one sentence, where they are damaged."""
    if not isinstance(header, dict):
        raise BundleError("The description of its face shapes is damaged.")
    check_names(header, _HEADER_FIELDS, "the description of the face shapes")
    check_names(arrays, _ARRAYS, "the face shapes")
    names, provenance = header["names"], header["provenance"]
    if not isinstance(names, list) or not isinstance(provenance, dict):
        raise BundleError("The description of its face shapes is damaged.")
    shapes = TemplateShapes(tuple(names), arrays["skin"], arrays["jaw"], provenance)
    check_face_shapes(shapes, template)
    return shapes


def _is_name(text: str) -> bool:
    """Whether a shape key may be called so everywhere."""
    return 0 < len(text) <= _LONGEST_NAME and text.isascii() and text.isprintable()


def check_face_shapes(shapes: TemplateShapes, template: Template) -> None:
    """Raise BundleError unless names and arrays fit each other and the template."""
    names = shapes.names
    is_text = all(isinstance(name, str) and _is_name(name) for name in names)
    if not names or not is_text or len(set(names)) != len(names):
        raise BundleError("Its face shapes do not have different names.")
    count, num_vertices = len(names), template.num_vertices
    check_shape("face_shapes/skin", shapes.skin, (count, num_vertices, 3))
    check_shape("face_shapes/jaw", shapes.jaw, (count, 6))
    check_finite("face_shapes/skin", shapes.skin)
    check_finite("face_shapes/jaw", shapes.jaw)
