"""What the six expressions are made of, in the shapes of ICT-FaceKit.

Action units after Ekman & Friesen's FACS and the EMFACS prototypes (Friesen & Ekman 1983), written
as activations of shapes at the apex. Names without a side stand for both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from facegen_core.intensity import EXPRESSIONS

# Raises the lower lip against the upper one; how much depends on the face (AU 17).
CLOSING_SHAPE = "mouthShrugLower"


@dataclass(frozen=True)
class Prototype:
    """One way of showing an expression.

    activations: {shape: activation at the apex, 0 to 1}; share: how often people show it this way.
    closes_lips: whether the lips meet at the apex, whatever face it is; CLOSING_SHAPE brings them.
    """

    variant: str
    share: float
    activations: dict[str, float] = field(hash=False)
    closes_lips: bool = False


PROTOTYPES: dict[str, tuple[Prototype, ...]] = {
    "happy": (  # AU 6 + 12 (+ 25, 26)
        Prototype(
            "closed smile",
            0.35,
            {
                "mouthSmile": 0.90,
                "cheekSquint": 0.70,
                "eyeSquint": 0.35,
                "mouthDimple": 0.25,
                "mouthPress": 0.15,
            },
            closes_lips=True,
        ),
        Prototype(
            "open smile",
            0.45,
            {
                "mouthSmile": 0.95,
                "cheekSquint": 0.75,
                "eyeSquint": 0.40,
                "mouthUpperUp": 0.35,
                "mouthLowerDown": 0.25,
                "jawOpen": 0.10,
            },
        ),
        Prototype(
            "laugh",
            0.20,
            {
                "mouthSmile": 1.00,
                "cheekSquint": 0.90,
                "eyeSquint": 0.55,
                "mouthUpperUp": 0.40,
                "mouthLowerDown": 0.30,
                "jawOpen": 0.32,
                "browOuterUp": 0.15,
            },
        ),
    ),
    "sad": (  # AU 1 + 4 + 15 (+ 17)
        Prototype(
            "corners down",
            0.60,
            {
                "browInnerUp": 1.00,
                "browDown": 0.20,
                "mouthFrown": 1.00,
                "eyeBlink": 0.20,
                "eyeSquint": 0.20,
            },
            closes_lips=True,
        ),
        Prototype(
            "about to cry",
            0.40,
            {
                "browInnerUp": 1.00,
                "browDown": 0.30,
                "mouthFrown": 0.90,
                "mouthStretch": 0.25,
                "mouthShrugUpper": 0.20,
                "cheekSquint": 0.30,
                "eyeSquint": 0.35,
                "eyeBlink": 0.18,
            },
            closes_lips=True,
        ),
    ),
    "surprise": (  # AU 1 + 2 + 5 + 26
        Prototype(
            "dropped jaw",
            0.60,
            {"browInnerUp": 0.90, "browOuterUp": 0.95, "eyeWide": 0.95, "jawOpen": 0.60},
        ),
        Prototype(
            "round mouth",
            0.40,
            {
                "browInnerUp": 0.85,
                "browOuterUp": 0.90,
                "eyeWide": 0.90,
                "jawOpen": 0.45,
                "mouthFunnel": 0.45,
            },
        ),
    ),
    "angry": (  # AU 4 + 5 + 7 + 23 / 24, or 10 + 25
        Prototype(
            "pressed lips",
            0.60,
            {
                "browDown": 1.10,
                "eyeSquint": 0.60,
                "eyeWide": 0.15,
                "noseSneer": 0.40,
                "mouthPress": 0.90,
                "mouthRollUpper": 0.20,
                "mouthRollLower": 0.20,
                "mouthFrown": 0.30,
                "jawForward": 0.10,
            },
            closes_lips=True,
        ),
        Prototype(
            "bared teeth",
            0.40,
            {
                "browDown": 1.10,
                "eyeSquint": 0.55,
                "eyeWide": 0.20,
                "noseSneer": 0.60,
                "mouthUpperUp": 0.60,
                "mouthLowerDown": 0.75,
                "mouthStretch": 0.30,
                "mouthFunnel": 0.25,
                "jawOpen": 0.10,
            },
        ),
    ),
    "disgust": (  # AU 9 + 10 + 17, or 9 + 16 + 25
        Prototype(
            "raised lip",
            0.60,
            {
                "noseSneer": 1.00,
                "mouthUpperUp": 0.65,
                "browDown": 0.55,
                "cheekSquint": 0.55,
                "eyeSquint": 0.50,
                "mouthShrugLower": 0.35,
                "mouthFrown": 0.40,
            },
        ),
        Prototype(
            "gape",
            0.40,
            {
                "noseSneer": 1.00,
                "mouthUpperUp": 0.75,
                "mouthLowerDown": 0.40,
                "browDown": 0.50,
                "cheekSquint": 0.50,
                "eyeSquint": 0.50,
                "mouthFrown": 0.30,
                "jawOpen": 0.18,
            },
        ),
    ),
    "fear": (  # AU 1 + 2 + 4 + 5 + 20 (+ 25, 26)
        Prototype(
            "stretched lips",
            0.60,
            {
                "browInnerUp": 1.00,
                "browOuterUp": 0.35,
                "browDown": 0.40,
                "eyeWide": 1.00,
                "mouthStretch": 0.90,
                "mouthLowerDown": 0.30,
                "jawOpen": 0.08,
            },
        ),
        Prototype(
            "open mouth",
            0.40,
            {
                "browInnerUp": 1.00,
                "browOuterUp": 0.45,
                "browDown": 0.35,
                "eyeWide": 1.00,
                "mouthStretch": 0.80,
                "mouthLowerDown": 0.25,
                "jawOpen": 0.28,
            },
        ),
    ),
}
assert tuple(PROTOTYPES) == EXPRESSIONS


def sides(shape: str, shape_names: tuple[str, ...]) -> tuple[str, ...]:
    """The shapes a prototype's name stands for: itself, or its left and right."""
    return (shape,) if shape in shape_names else (f"{shape}_L", f"{shape}_R")
