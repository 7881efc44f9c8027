"""Presets in the sidebar and in the asset browser; their names stay as they are."""

from __future__ import annotations

TEXTS = {
    "Presets": "Vorlagen",
    "Preset": "Vorlage",
    "Your own": "Deine eigenen",
    "Apply Preset": "Vorlage anwenden",
    "Play this preset from the current frame on": "Spielt diese Vorlage ab dem aktuellen Bild",
    "{description}. {seconds} seconds from the current frame on": (
        "{description}. {seconds} Sekunden ab dem aktuellen Bild"
    ),
    "{seconds} seconds from the current frame on": "{seconds} Sekunden ab dem aktuellen Bild",
    "Over the whole clip at another time: {regions}": (
        "Über den ganzen Clip zu anderer Zeit: {regions}"
    ),
    "Strength": "Stärke",
    "Factor on the intensities, which end at 1": "Faktor auf die Stärken, die bei 1 enden",
    "Tempo": "Tempo",
    "2 plays twice as fast": "2 spielt doppelt so schnell",
    "Key the regions, the asymmetry and the extremeness of the preset too": (
        "Setzt auch Keyframes für Regionen, Asymmetrie und Übersteigerung der Vorlage"
    ),
    "Save Preset": "Vorlage sichern",
    "Keep what this head plays in the range of its clip as a preset of your own, for any head;\n"
    "one of the same name is replaced": (
        "Behält, was dieser Kopf im Bereich seines Clips spielt, als eigene Vorlage für jeden "
        "Kopf; eine gleichen Namens wird ersetzt"
    ),
    "Shown over its picture": "Wird über dem Bild gezeigt",
    "Remove Preset": "Vorlage entfernen",
    "Delete this preset of your own; keys it has made stay. This cannot be undone": (
        "Löscht diese eigene Vorlage; Keyframes, die sie gesetzt hat, bleiben. Das lässt sich "
        "nicht rückgängig machen"
    ),
    "Presets as Asset Library": "Vorlagen als Asset-Bibliothek",
    "Write every preset as an asset with its picture, and add their folder to the asset libraries\n"
    "in Blender's preferences. Press again after saving presets of your own": (
        "Schreibt jede Vorlage als Asset mit Bild und fügt ihren Ordner zu den Asset-Bibliotheken "
        "in Blenders Einstellungen hinzu. Nach dem Sichern eigener Vorlagen noch einmal drücken"
    ),
    "Play on Head": "Auf dem Kopf spielen",
    "Play the expressions of this action asset on the active head, from the current frame on": (
        "Spielt die Ausdrücke dieses Action-Assets auf dem aktiven Kopf, ab dem aktuellen Bild"
    ),
    "This asset is no action: choose one of the Facegen presets": (
        "Dieses Asset ist keine Action: wähle eine der Facegen-Vorlagen"
    ),
    "Choose an action in the Asset Browser first": "Wähle zuerst eine Action im Asset-Browser",
    "'{name}' plays {expressions} from frame {frame} on": (
        "„{name}“ spielt {expressions} ab Bild {frame}"
    ),
    "Saved the preset '{name}'": "Vorlage „{name}“ gesichert",
    "Replaced the preset '{name}'": "Vorlage „{name}“ ersetzt",
    "Removed the preset '{name}'": "Vorlage „{name}“ entfernt",
    "Give the preset a name.": "Gib der Vorlage einen Namen.",
    "There is no preset '{name}' any more: choose another one.": (
        "Die Vorlage „{name}“ gibt es nicht mehr: wähle eine andere."
    ),
    "'{name}' comes with Facegen and stays: only your own presets can be removed.": (
        "„{name}“ gehört zu Facegen und bleibt: nur eigene Vorlagen lassen sich entfernen."
    ),
    "'{name}' plays {expressions}, which the model in use does not have: choose "
    "another preset, or the model it was made for.": (
        "„{name}“ spielt {expressions}, was das benutzte Modell nicht hat: wähle "
        "eine andere Vorlage, oder das Modell, für das sie gemacht ist."
    ),
    "There is nothing to save: every expression is at zero in this range.": (
        "Es gibt nichts zu sichern: jeder Ausdruck ist in diesem Bereich bei null."
    ),
    "{count} presets are in the asset library '{library}': open the Asset Browser, right-click "
    "one, Play on Head": (
        "{count} Vorlagen sind in der Asset-Bibliothek „{library}“: Asset-Browser öffnen, "
        "Rechtsklick auf eine, Auf dem Kopf spielen"
    ),
    "{done} the preset '{name}'": "Vorlage „{name}“ {done}",
    "Saved": "gesichert",
    "Replaced": "ersetzt",
    "Name": "Name",
    "Description": "Beschreibung",
    "Action": "Action",
    "File": "Datei",
    "A preset needs two frames at least, this range is one: widen the range.": (
        "Eine Vorlage braucht mindestens zwei Bilder, dieser Bereich hat eines: erweitere ihn."
    ),
}
