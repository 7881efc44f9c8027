"""The panel Export."""

from __future__ import annotations

TEXTS = {
    "Export": "Export",
    "Export FBX": "FBX exportieren",
    "Write the head with its shape keys and their animation as FBX.\nTo import it into another "
    "Blender, set Animation Offset to 0 there": (
        "Schreibt den Kopf mit Formschlüsseln und deren Animation als FBX.\nZum Import in "
        "ein anderes "
        "Blender dort Animation Offset auf 0 setzen"
    ),
    "Read Back": "Gegenlesen",
    "Read the file again, compare it with the viewport on every fifth frame and report the largest "
    "difference": (
        "Liest die Datei wieder ein, vergleicht sie bei jedem fünften Bild mit der Ansicht "
        "und meldet "
        "den größten Unterschied"
    ),
    "Wrote {file}": "{file} geschrieben",
    "Wrote {file} for {program}: {keys}, {frames}, {size} MB, not read back": (
        "{file} für {program} geschrieben: {keys}, {frames}, {size} MB, nicht gegengelesen"
    ),
    "Wrote {file} for {program}: {keys}, {frames}, {size} MB, read back within {mm} mm": (
        "{file} für {program} geschrieben: {keys}, {frames}, {size} MB, gegengelesen bis auf "
        "{mm} mm"
    ),
    "Wrote {file}, read back within {mm} mm": "{file} geschrieben, gegengelesen bis auf {mm} mm",
    "Wrote {what}{more}": "{what}{more} geschrieben",
    "Export the head with its shape keys and their animation for the chosen program. A "
    "repaired\ncopy "
    "is written, read back and compared with what you see; the head itself is not touched": (
        "Exportiert den Kopf mit Formschlüsseln und Animation für das gewählte Programm. Eine "
        "reparierte\nKopie wird geschrieben und gegengelesen; der Kopf selbst bleibt unberührt"
    ),
    "Read the file again, compare it with what you see on every fifth frame and report the largest "
    "difference and what is missing": (
        "Liest die Datei wieder ein, vergleicht sie bei jedem fünften Bild mit der Ansicht "
        "und meldet "
        "den größten Unterschied und was fehlt"
    ),
    "For": "Für",
    "Where the clip goes: decides format, axes, unit and what is exported": (
        "Wohin der Clip geht: bestimmt Format, Achsen, Einheit und was exportiert wird"
    ),
    "Web": "Web",
    "Film": "Film",
    "FBX, Y up, in metres, nothing turned or scaled; the clip starts at 0": (
        "FBX, Y oben, in Metern, nichts gedreht oder skaliert; der Clip beginnt bei 0"
    ),
    "FBX, Z up, in centimetres, skinned to a root bone; the clip starts at 0": (
        "FBX, Z oben, in Zentimetern, an einen Wurzelknochen gebunden; der Clip beginnt bei 0"
    ),
    "FBX at the frames of the scene; import it with Animation Offset 0": (
        "FBX mit den Bildern der Szene; mit Animation Offset 0 importieren"
    ),
    "glTF with the normals of every key; the clip starts at 0": (
        "glTF mit den Normalen jedes Schlüssels; der Clip beginnt bei 0"
    ),
    "Alembic point cache, or USD with blendshapes, at the frames of the scene": (
        "Alembic-Punktcache oder USD mit Blendshapes, mit den Bildern der Szene"
    ),
    "Format": "Format",
    "Blendshapes and their animation": "Blendshapes und ihre Animation",
    "Alembic": "Alembic",
    "Point cache: every vertex on every frame": "Punktcache: jeder Punkt in jedem Bild",
    "Root Bone": "Wurzelknochen",
    "Skin everything to one bone, for engines that take only a skinned mesh for one that can have "
    "shape keys": (
        "Bindet alles an einen Knochen, für Engines, die nur an Knochen gebundenen Meshes "
        "Formschlüssel zugestehen"
    ),
    "Start at 0": "Bei 0 beginnen",
    "The first frame of the clip is frame 0 of the file; else it is the frame it has in the "
    "scene": (
        "Das erste Bild des Clips ist Bild 0 der Datei; sonst das Bild, das es in der Szene hat"
    ),
    "Write Report": "Bericht schreiben",
    "Also write what was found and proved as JSON beside the file": (
        "Schreibt auch, was gefunden und bewiesen wurde, als JSON neben die Datei"
    ),
    "Findings": "Befunde",
    "Last Export": "Letzter Export",
    "Options": "Optionen",
    "As it is, without the repaired copy:": "Wie es ist, ohne die reparierte Kopie:",
    "Doctor": "Doktor",
    "Check": "Prüfen",
    "List what an export of this head would lose or surprise with, and what the repaired "
    "copy\nthat "
    "is exported does about it. Changes nothing on the head": (
        "Listet auf, was ein Export dieses Kopfes verlöre oder womit er überraschte, und was die "
        "reparierte\nKopie dagegen tut. Ändert nichts am Kopf"
    ),
    "Nothing found": "Nichts gefunden",
    "Nothing found: this head can be exported as it is": (
        "Nichts gefunden: dieser Kopf kann so exportiert werden"
    ),
    "{count} found, {repaired} repaired in the copy": (
        "{count} gefunden, {repaired} in der Kopie repariert"
    ),
    "{keys}, frames {first} to {last}": "{keys}, Bilder {first} bis {last}",
    "Read back within {mm} mm": "Gegengelesen bis auf {mm} mm",
    "Missing: {what}": "Es fehlt: {what}",
    # What the Doctor finds
    "No object of the head has shape keys: press Generate first.": (
        "Kein Objekt des Kopfes hat Formschlüssel: drücke erst Erzeugen."
    ),
    "The Unit Scale of the scene is {scale}: some programs ignore it.": (
        "Der Einheitenmaßstab der Szene ist {scale}: manche Programme übergehen ihn."
    ),
    "The copy is in metres.": "Die Kopie ist in Metern.",
    "This head will be {times} times the size of a real one: scale it, or set the Unit Scale "
    "of the "
    "scene.": (
        "Dieser Kopf wird {times}-mal so groß wie ein echter: skaliere ihn, oder setze den "
        "Einheitenmaßstab der Szene."
    ),
    "'{name}' is linked from another file.": "'{name}' ist aus einer anderen Datei verknüpft.",
    "The copy is local; the other file is not touched.": (
        "Die Kopie ist lokal; die andere Datei bleibt unberührt."
    ),
    "'{name}' shares its mesh with '{other}'.": "'{name}' teilt sein Mesh mit '{other}'.",
    "The copy has a mesh of its own.": "Die Kopie hat ein eigenes Mesh.",
    "The copy is visible.": "Die Kopie ist sichtbar.",
    "'{name}' has a negative scale, which turns faces inside out elsewhere.": (
        "'{name}' hat eine negative Skalierung, die Flächen anderswo umstülpt."
    ),
    "The copy has it applied and its faces turned.": (
        "In der Kopie ist sie angewendet, und die Flächen sind gewendet."
    ),
    "'{name}' has a scale that is not applied ({sizes}).": (
        "'{name}' hat eine Skalierung, die nicht angewendet ist ({sizes})."
    ),
    "The copy has it applied.": "In der Kopie ist sie angewendet.",
    "'{name}' has absolute shape keys, which exporters ignore.": (
        "'{name}' hat absolute Formschlüssel, die Exporter übergehen."
    ),
    "The copy has relative keys that play the same.": (
        "Die Kopie hat relative Schlüssel, die dasselbe spielen."
    ),
    "'{name}' has {count} shape keys: a compact bake plays the same with few.": (
        "'{name}' hat {count} Formschlüssel: kompakt gebacken spielen wenige dasselbe."
    ),
}
