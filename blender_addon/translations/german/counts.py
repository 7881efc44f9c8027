"""What is counted, one and many, as facegen_core.numeric.counted says it."""

from __future__ import annotations

# English: German, one and many
_COUNTED = {
    ("frame", "frames"): ("Bild", "Bilder"),
    ("key", "keys"): ("Schlüssel", "Schlüssel"),
    ("landmark", "landmarks"): ("Landmarke", "Landmarken"),
    ("shape key", "shape keys"): ("Formschlüssel", "Formschlüssel"),
    ("vertex", "vertices"): ("Punkt", "Punkte"),
}

TEXTS: dict[str, str] = {
    **{f"1 {one}": f"1 {eins}" for (one, _), (eins, _) in _COUNTED.items()},
    **{f"{{count}} {many}": f"{{count}} {viele}" for (_, many), (_, viele) in _COUNTED.items()},
}
