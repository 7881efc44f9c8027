"""What the Doctor finds before an export, and what its repaired copy does about it."""

from __future__ import annotations

TEXTS = {
    # Objects
    "'{name}': exporters drop all shape keys under the modifiers {modifiers}, or leave the "
    "modifiers out.": (
        "'{name}': Exporter lassen unter den Modifikatoren {modifiers} alle Formschlüssel weg, "
        "oder die Modifikatoren."
    ),
    "The copy applies them to the Basis and to every key.": (
        "Die Kopie wendet sie auf die Basis und auf jeden Schlüssel an."
    ),
    "'{name}' follows an armature, which is not exported: the clip is of the face alone, in the "
    "rest pose.": (
        "'{name}' folgt einer Armatur, die nicht exportiert wird: der Clip ist vom Gesicht "
        "allein, in der Ruhehaltung."
    ),
    "'{name}' is {reason}, so exporters skip it.": (
        "'{name}' ist {reason}: Exporter übergehen das Objekt."
    ),
    "hidden": "verborgen",
    "in a collection that is excluded": "in einer ausgeschlossenen Sammlung",
    "'{name}' is shaded flat: a .glb of it has a vertex per corner and is several times as large;"
    " Shade Smooth first where you can.": (
        "'{name}' ist flach schattiert: eine .glb davon hat einen Punkt je Ecke und wird mehrmals"
        " so groß; schattiere erst weich, wo es geht."
    ),
    # Keys
    "'{name}' has keys that move nothing: {keys}; empty keys crash Unity.": (
        "'{name}' hat Schlüssel, die nichts bewegen: {keys}; leere Schlüssel bringen Unity zum "
        "Absturz."
    ),
    "The copy leaves them out.": "Die Kopie lässt sie weg.",
    "'{name}': the vertex group of {keys} is lost in most formats.": (
        "'{name}': die Vertexgruppe von {keys} geht in den meisten Formaten verloren."
    ),
    "The copy has it worked into the keys.": "In der Kopie ist sie in die Schlüssel eingearbeitet.",
    "'{name}' has muted keys, which will rest: {keys}.": (
        "'{name}' hat stumme Schlüssel, die ruhen werden: {keys}."
    ),
    "'{name}': the slider of {keys} leaves 0 to 1, where several readers clamp it.": (
        "'{name}': der Regler von {keys} verlässt 0 bis 1, wo mehrere Programme ihn abschneiden."
    ),
    "The copy has the same motion with weights from 0 to 1.": (
        "Die Kopie hat dieselbe Bewegung mit Gewichten von 0 bis 1."
    ),
    "The shape key '{key}' of '{name}' has a vertex that is not a finite number ({vertex}): "
    "repair or delete the key first.": (
        "Der Formschlüssel '{key}' von '{name}' hat einen Punkt, der keine endliche Zahl ist "
        "({vertex}): repariere oder lösche erst den Schlüssel."
    ),
    "'{name}' shows a slider that is being tried out ({key}).": (
        "'{name}' zeigt einen Regler, der gerade ausprobiert wird ({key})."
    ),
    "The copy is without it.": "In der Kopie fehlt er.",
    # Names
    "The name of {keys} has characters that engines and readers trip over.": (
        "Der Name von {keys} hat Zeichen, über die Engines und andere Programme stolpern."
    ),
    "The copy has plain ASCII names, each one once.": (
        "Die Kopie hat einfache ASCII-Namen, jeden einmal."
    ),
    "{keys} differ in capital letters only, which Unreal takes for one name.": (
        "{keys} unterscheiden sich nur in Großbuchstaben, was Unreal für einen Namen hält."
    ),
    "'{name}' has {keys}, which '{head}' has not.": "'{name}' hat {keys}, '{head}' nicht.",
    "The copy gives keys that play the same curve the same name.": (
        "Die Kopie gibt Schlüsseln, die dieselbe Kurve spielen, denselben Namen."
    ),
    # Motion
    "Drivers move shape keys of '{name}' ({count}), which are exported as they stand now, or as "
    "zero.": (
        "Treiber bewegen Formschlüssel von '{name}' ({count}), die so exportiert werden, wie sie "
        "gerade stehen, oder als null."
    ),
    "The copy has their values as plain curves.": ("Die Kopie hat ihre Werte als einfache Kurven."),
    "The driver of '{key}' of '{name}' does not work: repair it, or the key keeps its value.": (
        "Der Treiber von '{key}' von '{name}' arbeitet nicht: repariere ihn, sonst behält der "
        "Schlüssel seinen Wert."
    ),
    "NLA strips play the shape keys of '{name}', which FBX and glTF leave out.": (
        "NLA-Streifen spielen die Formschlüssel von '{name}'; FBX und glTF lassen sie weg."
    ),
    "The copy has what they play as plain curves.": (
        "Die Kopie hat, was sie spielen, als einfache Kurven."
    ),
    "'{name}' has the action '{action}' but no slot of it, so nothing plays: choose the slot in "
    "the Action Editor.": (
        "'{name}' hat die Action '{action}', aber keinen Slot davon, also spielt nichts: wähle "
        "den Slot im Action Editor."
    ),
    "'{name}' has muted curves ({count}): those keys will not move.": (
        "'{name}' hat stumme Kurven ({count}): diese Schlüssel bewegen sich nicht."
    ),
    "The curve of '{key}' of '{name}' is not a finite number at frame {frame}: delete that key of"
    " the curve first.": (
        "Die Kurve von '{key}' von '{name}' ist in Bild {frame} keine endliche Zahl: lösche erst "
        "diesen Keyframe."
    ),
    # Frames
    "The frame range is empty: it ends at {end}, before it starts at {start}.": (
        "Der Bildbereich ist leer: er endet bei {end}, bevor er bei {start} beginnt."
    ),
    "'{name}' has a location that is no number: set it anew first.": (
        "'{name}' hat einen Ort, der keine Zahl ist: setze ihn erst neu."
    ),
    "'{name}' has no place at frame {frame}: repair the curves of its location, rotation and scale "
    "first.": (
        "'{name}' ist in Bild {frame} nirgends: repariere erst die Kurven von Ort, Drehung und "
        "Skalierung."
    ),
    "The frame range reaches to frame {frame}, and Blender counts to {last}: choose a custom "
    "range, or move the keys that lie so far out.": (
        "Der Bildbereich reicht bis Bild {frame}, und Blender zählt bis {last}: wähle einen "
        "eigenen Bereich, oder verschiebe die Keys, die so weit draußen liegen."
    ),
    "An export of {frames} of this head needs about {needed} GB of memory, and {free} GB "
    "are free: shorten the frame range, or export it in pieces.": (
        "Ein Export dieses Kopfes über {frames} braucht etwa {needed} GB Speicher, und "
        "{free} GB sind frei: kürze den Bildbereich, oder exportiere ihn in Stücken."
    ),
    "The clip starts at frame {start}: several programs cut what is before 0; turn Start at 0 "
    "on.": (
        "Der Clip beginnt bei Bild {start}: mehrere Programme schneiden ab, was vor 0 liegt; "
        "schalte Bei 0 beginnen ein."
    ),
    "At {rate} frames per second several readers play another speed: use 1 or more.": (
        "Bei {rate} Bildern je Sekunde spielen mehrere Programme in anderem Tempo: nimm 1 oder "
        "mehr."
    ),
    "The scene stretches time (Output > Frame Range).": (
        "Die Szene dehnt die Zeit (Ausgabe > Bildbereich)."
    ),
    "The copy has the stretched motion on whole frames.": (
        "Die Kopie hat die gedehnte Bewegung auf ganzen Bildern."
    ),
    "Shape keys are animated from frame {first} to {last}, and only {start} to {end} are "
    "exported.": (
        "Formschlüssel sind von Bild {first} bis {last} animiert, exportiert wird nur {start} bis"
        " {end}."
    ),
    "There are keys between frames (first at {frame}): the file has whole frames only.": (
        "Es gibt Keyframes zwischen Bildern (der erste bei {frame}): die Datei hat nur ganze "
        "Bilder."
    ),
    "The frame range is one frame: nothing will move.": (
        "Der Bildbereich ist ein einziges Bild: nichts wird sich bewegen."
    ),
}
