"""The panel Clips: clips of a head, their strips and records."""

from __future__ import annotations

TEXTS = {
    "Clips": "Clips",
    "New Clip": "Neuer Clip",
    "Begin a clip with empty curves; the one before rests in the NLA, muted, with its keys": (
        "Beginnt einen Clip mit leeren Kurven; der vorige ruht stumm mit seinen Formschlüsseln in "
        "der NLA"
    ),
    "Duplicate Clip": "Clip duplizieren",
    "Copy a clip with its curves and shape keys; the copy plays": (
        "Kopiert einen Clip mit Kurven und Formschlüsseln; die Kopie spielt"
    ),
    "Switch Clip": "Clip wechseln",
    "Let this clip play, and it alone: keys of other clips rest at 0": (
        "Lässt diesen Clip spielen, und nur ihn: Formschlüssel anderer Clips ruhen auf 0"
    ),
    "Remove Clip": "Clip entfernen",
    "Remove a clip: its expression curves, and keys and curves that Facegen made; others stay": (
        "Entfernt einen Clip: seine Ausdruckskurven und was Facegen an Formschlüsseln und Kurven "
        "gemacht hat; andere bleiben"
    ),
    "Push Down": "In die NLA legen",
    "Lay a clip into the NLA: a strip on the head and on each of its shape keys, all alike": (
        "Legt einen Clip in die NLA: einen Strip am Kopf und an jedem Satz Formschlüssel, alle "
        "gleich"
    ),
    "Play Strips": "Strips spielen",
    "Let the clips that were pushed down play from the NLA, instead of one clip alone": (
        "Lässt die in die NLA gelegten Clips von dort spielen statt eines Clips allein"
    ),
    "Shape keys are called FG_<clip>_01 and so on, and follow the name": (
        "Formschlüssel heißen FG_<Clip>_01 und so weiter und folgen dem Namen"
    ),
    "Generate begins the first clip": "Erzeugen beginnt den ersten Clip",
    "There is no clip yet: press Generate first": "Noch kein Clip: zuerst Erzeugen drücken",
    "No clip was pushed down yet": "Noch kein Clip liegt in der NLA",
    "That clip is gone: choose another one in the list.": (
        "Diesen Clip gibt es nicht mehr: einen anderen in der Liste wählen."
    ),
    "Clip '{name}' begins: key its expressions": (
        "Clip '{name}' beginnt: seine Ausdrücke mit Keyframes versehen"
    ),
    "Clip '{name}' is a copy of '{other}'": "Clip '{name}' ist eine Kopie von '{other}'",
    "Clip '{name}' plays": "Clip '{name}' spielt",
    "Clip '{name}' plays from the NLA": "Clip '{name}' spielt aus der NLA",
    "Clip '{name}' removed": "Clip '{name}' entfernt",
    "The clips play from the NLA": "Die Clips spielen aus der NLA",
    "The clip '{name}' is empty: key an expression first.": (
        "Der Clip '{name}' ist leer: zuerst einen Ausdruck mit Keyframes versehen."
    ),
    "The clips of '{name}' play as strips: switch to the clip to generate first.": (
        "Die Clips von '{name}' spielen als Strips: zuerst zu dem Clip wechseln, der erzeugt "
        "werden soll."
    ),
    "There is a clip '{name}' already: switch to it in Clips, or choose another name.": (
        "Einen Clip '{name}' gibt es schon: unter Clips zu ihm wechseln oder einen anderen Namen "
        "wählen."
    ),
    "A strip of '{name}' is being tweaked: press Tab there.": (
        "Ein Strip von '{name}' wird gerade bearbeitet: dort Tab drücken."
    ),
    "Regenerate": "Neu erzeugen",
    "Make the clip again from its record, bit for bit, whatever became of curves and settings": (
        "Erzeugt den Clip aus seinem Protokoll noch einmal, Bit für Bit, was auch aus Kurven und "
        "Einstellungen wurde"
    ),
    "Go On With Present": "Mit dem Vorhandenen weiter",
    "Where model or head are no longer the recorded ones, take the present ones": (
        "Wo Modell oder Kopf nicht mehr die des Protokolls sind, die vorhandenen nehmen"
    ),
    "Restore Curves": "Kurven zurückholen",
    "Put back the curves and settings that the clip was generated with": (
        "Holt die Kurven und Einstellungen zurück, mit denen der Clip erzeugt wurde"
    ),
    "Nothing was generated here yet: press Generate first": (
        "Hier wurde noch nichts erzeugt: zuerst Erzeugen drücken"
    ),
    "The curves of '{name}' are back": "Die Kurven von '{name}' sind zurück",
    "{sentence}, the same bit for bit": "{sentence}, Bit für Bit gleich",
    "{sentence}, other than the recorded clip": "{sentence}, anders als der Clip des Protokolls",
    "Model {name}, {made}": "Modell {name}, {made}",
    "'{name}' is not the head that clip '{clip}' was made on: undo what changed its mesh, or go "
    "on with it as it is (Go On With Present; the result will differ).": (
        "'{name}' ist nicht der Kopf, auf dem der Clip '{clip}' entstand: rückgängig machen, was "
        "sein Mesh änderte, oder mit ihm weitermachen, wie er ist (Mit dem Vorhandenen weiter; das "
        "Ergebnis wird anders)."
    ),
    "The clip '{clip}' was made with another model, {file} ({hash}): choose that file, or go on "
    "with {other} (Go On With Present; the result will differ).": (
        "Der Clip '{clip}' entstand mit einem anderen Modell, {file} ({hash}): diese Datei wählen "
        "oder mit {other} weitermachen (Mit dem Vorhandenen weiter; das Ergebnis wird anders)."
    ),
    "'{name}' has no record of how its clip was made: press Generate first.": (
        "'{name}' hat kein Protokoll davon, wie sein Clip entstand: zuerst Erzeugen drücken."
    ),
    "Number": "Nummer",
    "In the NLA": "In der NLA",
    "Playing": "Spielt",
    "The clip '{clip}' was made with another model, {file} ({hash}): choose that file, or go "
    "on with "
    "{name} ({how}; the result will differ).": (
        "Der Clip '{clip}' wurde mit einem anderen Modell gemacht, {file} ({hash}): wähle "
        "diese Datei, "
        "oder mach mit {name} weiter ({how}; das Ergebnis weicht ab)."
    ),
    "{model} does not know '{name}', which the clip plays: choose the model that "
    "the clip was made with.": (
        "{model} kennt '{name}' nicht, das der Clip spielt: wähle das Modell, mit "
        "dem der Clip gemacht wurde."
    ),
    "'{name}' is not the head that clip '{clip}' was made on: undo what changed its mesh, or go on "
    "with it as it is ({how}; the result will differ).": (
        "'{name}' ist nicht der Kopf, an dem der Clip '{clip}' gemacht wurde: nimm die Änderung am "
        "Mesh zurück, oder mach weiter, wie er ist ({how}; das Ergebnis weicht ab)."
    ),
    "The record of '{clip}' holds a setting that this Facegen does not know: use the version it "
    "was made with, {version}.": (
        "Der Eintrag von '{clip}' enthält eine Einstellung, die dieses Facegen nicht kennt: nimm "
        "die Version, mit der er gemacht wurde, {version}."
    ),
}
