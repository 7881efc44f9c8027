"""Bake modes: rig, existing keys, ARKit."""

from __future__ import annotations

TEXTS = {
    "Rig": "Rig",
    "A shape key for every expression and region of the face, which sliders or curves play: "
    "editable forever": (
        "Ein Formschlüssel für jeden Ausdruck und jede Region, von Reglern oder Kurven "
        "gespielt: für "
        "immer bearbeitbar"
    ),
    "Existing Keys": "Vorhandene",
    "Play shape keys that the head has already; no key is made, and the error is told": (
        "Spielt Formschlüssel, die der Kopf schon hat; keiner wird gemacht, der Fehler wird gesagt"
    ),
    "ARKit": "ARKit",
    "Play the shape keys of face tracking and game engines, which are made where they are "
    "missing": (
        "Spielt die Formschlüssel von Gesichtserfassung und Spiele-Engines; fehlende werden gemacht"
    ),
    "Drivers": "Treiber",
    "The sliders and curves of the expressions move the face by themselves, with no Generate": (
        "Regler und Kurven der Ausdrücke bewegen das Gesicht von selbst, ohne Erzeugen"
    ),
    "Curves": "Kurven",
    "Keyframes on every key of the rig, as near to the generated motion as they come": (
        "Keyframes auf jedem Schlüssel des Rigs, so nah an der erzeugten Bewegung wie möglich"
    ),
    "All": "Alle",
    "Every relative shape key of the head that Facegen did not make": (
        "Jeder relative Formschlüssel des Kopfes, der nicht von Facegen ist"
    ),
    "ARKit Names": "ARKit-Namen",
    "Only keys with the names that face tracking uses: jawOpen, …": (
        "Nur Schlüssel mit den Namen der Gesichtserfassung: jawOpen, …"
    ),
    "By Name": "Nach Namen",
    "Only the keys that are listed": "Nur die genannten Schlüssel",
    "Played by": "Gespielt von",
    "Names": "Namen",
    "Names of shape keys, separated by commas; a star stands for any ending: jawOpen, mouth*": (
        "Namen von Formschlüsseln, durch Kommas getrennt; ein Stern steht für jedes Ende: jawOpen, "
        "mouth*"
    ),
    "Replace Curves": "Kurven ersetzen",
    "Let keyframes of your own on these keys give way; otherwise Facegen refuses": (
        "Lässt eigene Keyframes auf diesen Schlüsseln weichen; sonst weigert sich Facegen"
    ),
    "Smoothness": "Glätte",
    "How much the keys are kept from jumping between frames: 0 is each frame for itself": (
        "Wie sehr die Schlüssel vom Springen zwischen Bildern abgehalten werden: 0 ist jedes "
        "Bild für "
        "sich"
    ),
    "Prefer Few Keys": "Wenige Schlüssel",
    "How much a key must do to be used at all: 0 uses every key that helps": (
        "Wie viel ein Schlüssel bewirken muss, um benutzt zu werden: 0 nimmt jeden, der hilft"
    ),
    "Keys Played": "Gespielte Schlüssel",
    "{count}, by {who}": "{count}, von {who}",
    "{used} of {count} shape keys used": "{used} von {count} Formschlüsseln benutzt",
    "{keys} moved by the sliders of this head; from the generated motion: {error}": (
        "{keys}, von den Reglern dieses Kopfes bewegt; von der erzeugten Bewegung: {error}"
    ),
    "{frames} played by {keys} of a rig, {error}": (
        "{frames}, gespielt durch {keys} eines Rigs, {error}"
    ),
    "{frames} solved into {used} of {keys}, {error}": (
        "{frames} gelöst: {keys}, davon {used} benutzt, {error}"
    ),
    "mean {mean} mm, 95 % within {most} mm, at most {max} mm (frame {frame}, {key})": (
        "im Mittel {mean} mm, 95 % innerhalb von {most} mm, höchstens {max} mm "
        "(Bild {frame}, {key})"
    ),
    "mean {mean} mm, 95 % within {most} mm, at most {max} mm": (
        "im Mittel {mean} mm, 95 % innerhalb von {most} mm, höchstens {max} mm"
    ),
    "drivers": "Treibern",
    "curves": "Kurven",
    "Overlapping expressions add up: {error}": "Überlappende Ausdrücke summieren sich: {error}",
}
