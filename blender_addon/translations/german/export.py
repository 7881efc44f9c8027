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
    "Wrote {file}, read back within {mm} mm": "{file} geschrieben, gegengelesen bis auf {mm} mm",
}
