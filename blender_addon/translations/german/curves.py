"""The panel Expressions: channels and events."""

from __future__ import annotations

TEXTS = {
    "Expressions": "Ausdrücke",
    "Happy": "Freude",
    "Sad": "Trauer",
    "Surprise": "Überraschung",
    "Angry": "Wut",
    "Disgust": "Ekel",
    "Fear": "Angst",
    "happy": "Freude",
    "sad": "Trauer",
    "surprise": "Überraschung",
    "angry": "Wut",
    "disgust": "Ekel",
    "fear": "Angst",
    "Intensity of {name}: 0 is the neutral face, 1 the full expression": (
        "Stärke von {name}: 0 ist das neutrale Gesicht, 1 der volle Ausdruck"
    ),
    "an expression that the model in use has beside the six": (
        "einem Ausdruck, den das benutzte Modell neben den sechs hat"
    ),
    "Own Expression {number}": "Eigener Ausdruck {number}",
    "Own Expressions": "Eigene Ausdrücke",
    "Add Expression": "Ausdruck hinzufügen",
    "Key an expression that rises, holds and fades, beginning at the current frame": (
        "Setzt Keyframes für einen Ausdruck, der entsteht, steht und vergeht, ab dem aktuellen Bild"
    ),
    "Expression": "Ausdruck",
    "None": "Keiner",
    "The expression alone": "Der Ausdruck allein",
    "Blend With": "Mischen mit",
    "A second expression: the face becomes an in-between of both": (
        "Ein zweiter Ausdruck: das Gesicht wird ein Zwischending aus beiden"
    ),
    "Share": "Anteil",
    "Of the second expression: 0 is the first alone, 1 the second alone": (
        "Des zweiten Ausdrucks: 0 ist der erste allein, 1 der zweite allein"
    ),
    "Onset Start": "Beginn",
    "Apex Start": "Höhepunkt ab",
    "Apex End": "Höhepunkt bis",
    "Offset End": "Ende",
    "Frame at which the face begins to move": "Bild, bei dem sich das Gesicht zu bewegen beginnt",
    "Frame at which the expression is reached": "Bild, bei dem der Ausdruck erreicht ist",
    "Frame at which the expression begins to fade": (
        "Bild, bei dem der Ausdruck zu vergehen beginnt"
    ),
    "Frame at which the face is at rest again": "Bild, bei dem das Gesicht wieder ruht",
    "Intensity": "Stärke",
    "Of the apex": "Des Höhepunkts",
    "Keyed, but not of this model: {names}": "Mit Keyframes, aber nicht aus diesem Modell: {names}",
    "Linear": "Linear",
    "Smooth": "Weich",
}
