"""Why the scene did not take something: actions, keys, curves, files."""

from __future__ import annotations

TEXTS = {
    # Actions and curves
    "The action '{action}' of '{name}' is linked from another file: make it local first.": (
        "Die Action '{action}' von '{name}' ist aus einer anderen Datei verknüpft: mach sie erst "
        "lokal."
    ),
    "The action '{action}' is linked from another file: make it local first.": (
        "Die Action '{action}' ist aus einer anderen Datei verknüpft: mach sie erst lokal."
    ),
    "The curve of {channel} is locked: unlock it in the Graph Editor first, or leave out "
    "Regions.": (
        "Die Kurve von {channel} ist gesperrt: entsperre sie erst im Graph Editor, oder lass "
        "Regionen weg."
    ),
    "The value of '{key}' of '{name}' is not a finite number at frame {frame}: repair its curve "
    "or driver first.": (
        "Der Wert von '{key}' von '{name}' ist in Bild {frame} keine endliche Zahl: repariere "
        "erst Kurve oder Treiber."
    ),
    # Expressions of a model
    "'{name}' is full of keys for other models: remove the curves of expressions you no longer "
    "need, or set them to 0.": (
        "'{name}' ist voll mit Keyframes für andere Modelle: entferne die Kurven von Ausdrücken, "
        "die du nicht mehr brauchst, oder setze sie auf 0."
    ),
    "This model has {count} expressions of its own, Facegen has room for {room}: train one with "
    "fewer.": (
        "Dieses Modell hat {count} eigene Ausdrücke, Facegen hat Platz für {room}: trainiere "
        "eines mit weniger."
    ),
    # Shape keys
    "'{name}' has more absolute shape keys than vertices: make them relative.": (
        "'{name}' hat mehr absolute Formschlüssel als Punkte: mach sie relativ."
    ),
    "Name the shape keys to solve into, for example: jawOpen, mouth*.": (
        "Nenne die Formschlüssel, in die gelöst werden soll, zum Beispiel: jawOpen, mouth*."
    ),
    "The shape key '{key}' has vertices that are not finite: repair or remove "
    "it, then press again.": (
        "Der Formschlüssel '{key}' hat Punkte, die nicht endlich sind: repariere "
        "oder entferne ihn, dann drücke noch einmal."
    ),
    "'{key}' of '{name}' has keyframes of your own: choose Replace Curves, or leave the key out.": (
        "'{key}' von '{name}' hat eigene Keyframes: wähle Kurven ersetzen, oder lass den "
        "Schlüssel weg."
    ),
    "'{other}' and '{name}' share one mesh but move differently: make it single-user first "
    "(Object > Relations > Make Single User).": (
        "'{other}' und '{name}' teilen ein Mesh, bewegen sich aber verschieden: mach es erst "
        "einzeln (Objekt > Beziehungen > Einzelnutzer machen)."
    ),
    # The head
    "'{name}' has an attribute '{attribute}' that Facegen did not make: rename it.": (
        "'{name}' hat ein Attribut '{attribute}', das nicht von Facegen ist: benenne es um."
    ),
    "'{name}' has no vertex group '{group}': choose another under Weaken by Vertex Group, or "
    "clear that field.": (
        "'{name}' hat keine Vertexgruppe '{group}': wähle unter Nach Vertexgruppe abschwächen "
        "eine andere, oder leere das Feld."
    ),
    "'{name}' has no such part: Match first.": "'{name}' hat keinen solchen Teil: erst anpassen.",
    "This part has no vertices any more: Match again.": (
        "Dieser Teil hat keine Punkte mehr: passe neu an."
    ),
    "'{name}' has no clip '{clip}'; it has: {there}.": (
        "'{name}' hat keinen Clip '{clip}'; es gibt: {there}."
    ),
    # Presets as assets
    "The file of the asset '{name}' is not there any more: put it back, or choose another asset.": (
        "Die Datei des Assets '{name}' ist nicht mehr da: leg sie zurück, oder wähle "
        "ein anderes Asset."
    ),
    "The action '{action}' has no curve of an expression: choose a preset that Facegen saved.": (
        "Die Action '{action}' hat keine Kurve eines Ausdrucks: wähle eine Vorlage, "
        "die Facegen gespeichert hat."
    ),
    "The asset library cannot be written. {why}": (
        "Die Asset-Bibliothek lässt sich nicht schreiben. {why}"
    ),
    "The action '{action}' is gone or renamed: choose it again in the Asset Browser.": (
        "Die Action '{action}' ist weg oder umbenannt: wähle sie noch einmal im Asset-Browser."
    ),
    "{file} has no action '{action}' any more: choose another asset, or save the "
    "preset again.": "{file} hat keine Action '{action}' mehr: wähle ein anderes Asset, oder "
    "speichere die Vorlage noch einmal.",
    "{file} cannot be read: it is damaged, or no .blend of this Blender; save it again.": (
        "{file} lässt sich nicht lesen: die Datei ist beschädigt oder keine .blend-Datei dieses "
        "Blenders; speichere sie noch einmal."
    ),
    # Export
    "{preset} wants {suffix}: name '{name}' so.": "{preset} will {suffix}: benenne '{name}' so.",
    "This Blender cannot read {suffix} files back: enable their importer.": (
        "Dieses Blender kann {suffix} nicht gegenlesen: schalte den Importer dafür ein."
    ),
    "'{name}' is not in the file that was written: export again, or choose another format.": (
        "'{name}' ist nicht in der Datei, die geschrieben wurde: exportiere noch "
        "einmal, oder wähle ein anderes Format."
    ),
    "{file} could not be read back: {why}; try another folder, or another format.": (
        "{file} ließ sich nicht gegenlesen: {why}; versuche es in einem anderen Ordner oder Format."
    ),
    "The modifier '{modifier}' of '{name}' leaves no vertices, so there is nothing to export: turn "
    "it off, or leave the object out.": (
        "Der Modifikator '{modifier}' von '{name}' lässt keine Punkte übrig, also gibt es nichts "
        "zu exportieren: schalte ihn aus, oder lass das Objekt weg."
    ),
    "Cannot write {path}: USD takes the backslash in it for a slash, so no program would find the "
    "file; choose a folder and a name without one.": (
        "{path} lässt sich nicht schreiben: USD hält den umgekehrten Schrägstrich darin für einen "
        "Schrägstrich, also fände kein Programm die Datei; nimm Ordner und Namen ohne ihn."
    ),
    "'{name}' moves on its own, which one root bone cannot play: turn Root Bone off, or parent it"
    " to the head.": (
        "'{name}' bewegt sich selbst, was ein Wurzelknochen nicht spielen kann: schalte "
        "Wurzelknochen aus, oder ordne es dem Kopf unter."
    ),
}
