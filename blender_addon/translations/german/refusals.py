"""Why a button is grey, and why an act was refused."""

from __future__ import annotations

TEXTS = {
    # Grey buttons
    "Switch to Object Mode first": "Wechsle erst in den Objektmodus",
    "Match first": "Erst anpassen",
    "Facegen is still working: wait, or press ESC": "Facegen arbeitet noch: warte oder drücke ESC",
    "Facegen is still working: wait, or press ESC.": (
        "Facegen arbeitet noch: warte oder drücke ESC."
    ),
    "Nothing is selected: select the mesh of a head first": (
        "Nichts ist ausgewählt: wähle erst das Mesh eines Kopfes"
    ),
    "'{name}' is not a mesh: select the mesh of a head": (
        "'{name}' ist kein Mesh: wähle das Mesh eines Kopfes"
    ),
    "'{name}' is hidden: show it in the Outliner first": (
        "'{name}' ist verborgen: blende es erst im Outliner ein"
    ),
    "'{name}' is linked from another file: make it local first": (
        "'{name}' ist aus einer anderen Datei verknüpft: mach es erst lokal"
    ),
    "'{name}' is {size} units large, which Blender cannot tell apart in single precision: scale it "
    "and its mesh to a size near 1.": (
        "'{name}' ist {size} Einheiten groß, was Blender in einfacher Genauigkeit nicht "
        "unterscheiden kann: skaliere es und sein Mesh auf eine Größe nahe 1."
    ),
    "The curve of {expression} has a key that is no number: delete it in the Graph Editor.": (
        "Die Kurve von {expression} hat einen Schlüssel, der keine Zahl ist: lösche ihn im "
        "Graph-Editor."
    ),
    "A preset lasts {most} seconds at most, this range {seconds}: shorten the range.": (
        "Ein Preset dauert höchstens {most} Sekunden, dieser Bereich {seconds}: kürze den Bereich."
    ),
    "This head was made by a newer Facegen: update Facegen to work on it": (
        "Dieser Kopf stammt von einem neueren Facegen: aktualisiere Facegen, um an ihm zu arbeiten"
    ),
    "'{name}' was made by a newer Facegen (schema version {found}, expected at most version "
    "{known}): update Facegen": (
        "'{name}' stammt von einem neueren Facegen (Schema {found}, erwartet höchstens {known}): "
        "aktualisiere Facegen"
    ),
    "'{name}' was made by a newer Facegen (schema version {found}, expected at most version "
    "{known}): update Facegen; nothing was changed.": (
        "'{name}' stammt von einem neueren Facegen (Schema {found}, erwartet höchstens {known}): "
        "aktualisiere Facegen; nichts wurde geändert."
    ),
    "This head has no generated keys": "Dieser Kopf hat keine erzeugten Schlüssel",
    "This head has no landmarks": "Dieser Kopf hat keine Landmarken",
    "This landmark is gone or hidden: Show Landmarks again.": (
        "Diese Landmarke ist weg oder verborgen: zeige die Landmarken neu."
    ),
    # The head
    "'{name}' is linked from another file: make it local first.": (
        "'{name}' ist aus einer anderen Datei verknüpft: mach es erst lokal."
    ),
    "'{name}' is not a mesh: select the mesh of a head.": (
        "'{name}' ist kein Mesh: wähle das Mesh eines Kopfes."
    ),
    "Nothing is selected: select the mesh of a head first.": (
        "Nichts ist ausgewählt: wähle erst das Mesh eines Kopfes."
    ),
    "'{name}' is linked from another file: make it local first (Object > Relations > Make Local > "
    "Selected Objects and Data).": (
        "'{name}' ist aus einer anderen Datei verknüpft: mach es erst lokal (Objekt > "
        "Beziehungen > "
        "Lokal machen > Ausgewählte Objekte und Daten)."
    ),
    "The mesh of '{name}' is a library override, which cannot take shape keys: make it local first "
    "(Object > Relations > Make Local).": (
        "Das Mesh von '{name}' ist eine Bibliotheksüberschreibung, die keine Formschlüssel nimmt: "
        "mach es erst lokal (Objekt > Beziehungen > Lokal machen)."
    ),
    "'{name}' is in Edit Mode: switch to Object Mode first.": (
        "'{name}' ist im Bearbeitungsmodus: wechsle erst in den Objektmodus."
    ),
    "'{name}' is empty: select a head with vertices and faces.": (
        "'{name}' ist leer: wähle einen Kopf mit Punkten und Flächen."
    ),
    "'{name}' has a scale of zero on at least one axis: set its scale first.": (
        "'{name}' hat auf mindestens einer Achse die Größe null: setze sie erst."
    ),
    "'{name}' is gone or renamed: match the head again.": (
        "'{name}' ist weg oder umbenannt: pass den Kopf neu an."
    ),
    "'{name}' has other vertices now: match the head again.": (
        "'{name}' hat jetzt andere Punkte: pass den Kopf neu an."
    ),
    "'{name}' is gone or renamed; nothing was changed.": (
        "'{name}' ist weg oder umbenannt; nichts wurde geändert."
    ),
    "'{name}' is not in the scene '{scene}': go back to its scene and press again; nothing was "
    "changed.": (
        "'{name}' ist nicht in der Szene '{scene}': geh in seine Szene zurück und drücke "
        "noch einmal; "
        "nichts wurde geändert."
    ),
    "'{name}' is being edited: leave {mode} Mode and press again; nothing was changed.": (
        "'{name}' wird gerade bearbeitet: verlass den Modus {mode} und drücke noch einmal; nichts "
        "wurde geändert."
    ),
    "'{name}' changed since it was matched, and its parts with it: Match again.": (
        "'{name}' hat sich seit dem Anpassen geändert, und seine Teile auch: pass neu an."
    ),
    "'{name}' is hidden: show it first.": "'{name}' ist verborgen: blende es erst ein.",
    # Keys and curves
    "'{name}' is not in Object Mode: switch to it first.": (
        "'{name}' ist nicht im Objektmodus: wechsle erst dorthin."
    ),
    "'{name}' has absolute shape keys: switch its Shape Keys panel to Relative first.": (
        "'{name}' hat absolute Formschlüssel: schalte seine Formschlüssel erst auf relativ."
    ),
    "'{other}' uses the mesh of '{name}' too and would move with it: make it single-user first "
    "(Object > Relations > Make Single User > Object & Data).": (
        "'{other}' benutzt das Mesh von '{name}' auch und würde sich mitbewegen: mach es erst "
        "eigenständig (Objekt > Beziehungen > Zu Einzelbenutzer machen > Objekt & Daten)."
    ),
    "'{name}' already has a shape key '{key}' that Facegen did not make: rename it, or give "
    "the clip "
    "another name.": (
        "'{name}' hat schon einen Formschlüssel '{key}', der nicht von Facegen ist: benenne "
        "ihn um, "
        "oder gib dem Clip einen anderen Namen."
    ),
    "The shape key '{key}' of '{name}' is locked: unlock it, or give the clip another name.": (
        "Der Formschlüssel '{key}' von '{name}' ist gesperrt: entsperre ihn, oder gib dem "
        "Clip einen "
        "anderen Namen."
    ),
    "The clip name '{name}' has no letter that engines accept in a key: use A to Z, 0 to 9 and "
    "underscores.": (
        "Der Clipname '{name}' hat kein Zeichen, das Engines in einem Schlüssel annehmen: "
        "nimm A bis "
        "Z, 0 bis 9 und Unterstriche."
    ),
    "The frame range is empty: it ends at {end}, before it starts at {start}.": (
        "Der Bildbereich ist leer: er endet bei {end}, bevor er bei {start} beginnt."
    ),
    "'{name}' does not fit into memory for {frames}: shorten the range to {most} at most.": (
        "'{name}' passt für {frames} nicht in den Speicher: kürze den Bereich auf höchstens {most}."
    ),
    "Every expression curve of '{name}' is muted: unmute one in the Graph Editor (select it, "
    "Channel "
    "> Toggle Channel Setting), or delete them.": (
        "Jede Ausdruckskurve von '{name}' ist stumm: schalte im Grafikeditor eine ein (auswählen, "
        "Kanal > Kanaleinstellung umschalten), oder lösche sie."
    ),
    "The driver of {name} has an error: repair or delete it (right click on the slider, Edit "
    "Driver).": (
        "Der Treiber von {name} hat einen Fehler: repariere oder lösche ihn (Rechtsklick auf den "
        "Regler, Treiber bearbeiten)."
    ),
    "Every expression is at zero in this range: add an expression to see variations of.": (
        "Jeder Ausdruck steht in diesem Bereich auf null: füg einen hinzu, um Variationen zu sehen."
    ),
    "'{name}' has a pinned shape key and shows that alone: unpin it (the pin below the list "
    "of shape "
    "keys) to see the clip": (
        "'{name}' hat einen festgesteckten Formschlüssel und zeigt nur ihn: löse ihn (die "
        "Nadel unter "
        "der Liste der Formschlüssel), um den Clip zu sehen"
    ),
    "The curves of the record of '{clip}' are damaged: undo, and generate the clip again.": (
        "Die Kurven der Aufzeichnung von '{clip}' sind beschädigt: mach es rückgängig, und erzeuge "
        "den Clip noch einmal."
    ),
    # Work and files
    "Cancelled; nothing was changed.": "Abgebrochen; nichts wurde geändert.",
    "An undo came while Facegen was working, which stopped it; press again.": (
        "Während Facegen arbeitete, wurde etwas rückgängig gemacht; drücke noch einmal."
    ),
    "{act} failed, nothing was changed: {why}; Copy Report, and send it to us": (
        "{act} schlug fehl, nichts wurde geändert: {why}; Bericht kopieren, und an uns schicken"
    ),
    "Cannot write {path}: it is a folder; choose another name.": (
        "{path} lässt sich nicht schreiben: es ist ein Ordner; nimm einen anderen Namen."
    ),
    "Cannot write {path}: the file is read-only; check it out, or choose another name.": (
        "{path} lässt sich nicht schreiben: die Datei ist schreibgeschützt; gib sie frei, "
        "oder nimm "
        "einen anderen Namen."
    ),
    "Cannot write {path}: {why}; try another folder.": (
        "{path} lässt sich nicht schreiben: {why}; versuche es in einem anderen Ordner."
    ),
    "Blender's Alembic writer broke off, as it does on a full disk": (
        "Blenders Alembic-Export brach ab, wie er es auf einem vollen Datenträger tut"
    ),
    "Blender's Alembic writer stood still for two minutes and was ended": (
        "Blenders Alembic-Export stand zwei Minuten still und wurde beendet"
    ),
    "'{name}' is not in this view layer: enable its collection first.": (
        "'{name}' ist nicht in dieser Ansichtsebene: schalte erst seine Sammlung ein."
    ),
    "'{name}' is in a hidden collection: show that in the Outliner first.": (
        "'{name}' ist in einer verborgenen Sammlung: blende sie erst im Outliner ein."
    ),
    "The model {path} cannot be read ({why}): choose a .facegen file in the preferences of the "
    "add-on, or install Facegen again.": (
        "Das Modell {path} lässt sich nicht lesen ({why}): wähle in den Einstellungen des Add-ons "
        "eine .facegen-Datei, oder installiere Facegen neu."
    ),
}
