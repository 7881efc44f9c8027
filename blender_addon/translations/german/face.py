"""The panel Face: matching, parts, landmarks, heat map."""

from __future__ import annotations

TEXTS = {
    # Panels and buttons
    "Face": "Gesicht",
    "Match": "Anpassen",
    "Parts Found": "Gefundene Teile",
    "Landmarks": "Landmarken",
    "Heat Map": "Abstandsbild",
    "Heat Map (mm)": "Abstandsbild (mm)",
    "Add Facegen Head": "Facegen-Kopf hinzufügen",
    "Facegen Head": "Facegen-Kopf",
    "Select the mesh of a head": "Wähle das Mesh eines Kopfes aus",
    "{verdict} match: {mm} mm": "Anpassung {verdict}: {mm} mm",
    "Good": "gut",
    "Fair": "mäßig",
    "Poor": "schlecht",
    "good": "gut",
    "fair": "mäßig",
    "poor": "schlecht",
    "95 % within {mm} mm": "95 % innerhalb von {mm} mm",
    "{object}: {size}, {sure}": "{object}: {size}, {sure}",
    "your word": "von dir bestimmt",
    "{percent} sure": "{percent} sicher",
    "Welded into the skin": "Mit der Haut verschweißt",
    "Reset to Automatic": "Wieder automatisch",
    "{count} of 68 are unsure": "{count} von 68 sind unsicher",
    "{count}: drag, then Match again": "{count}: ziehen, dann neu anpassen",
    "{placed} of {needed}": "{placed} von {needed}",
    "All 68": "Alle 68",
    "and {count} more": "und {count} weitere",
    "Moved: Match to follow": "Verschoben: neu anpassen",
    "moves": "bewegt",
    "stays": "ruht",
    "jaw": "Kiefer",
    # Operators
    "Add a neutral head with eyes, teeth and tongue, in real size": (
        "Fügt einen neutralen Kopf mit Augen, Zähnen und Zunge in echter Größe hinzu"
    ),
    "Find the face in this head and fit the template to it.\nOther selected meshes and mesh "
    "children (eyes, teeth, brows) are taken along": (
        "Findet das Gesicht in diesem Kopf und passt die Vorlage an.\nAndere ausgewählte "
        "Meshes und "
        "Mesh-Kinder (Augen, Zähne, Brauen) kommen mit"
    ),
    "Correct Part": "Teil berichtigen",
    "Say what this part is; it then moves as such parts do, now and after every new match": (
        "Sag, was dieses Teil ist; es bewegt sich dann so, jetzt und nach jeder neuen Anpassung"
    ),
    "Automatic": "Automatisch",
    "What Facegen takes it for": "Wofür Facegen es hält",
    "Kind": "Art",
    "Row": "Zeile",
    "Colour the head by its distance from the fitted face in millimetres.\nPress again to take the "
    "colours off; they are never exported": (
        "Färbt den Kopf nach dem Abstand vom angepassten Gesicht in Millimetern.\nNoch einmal "
        "drücken nimmt die Farben weg; exportiert werden sie nie"
    ),
    "Place by Hand": "Von Hand setzen",
    "For a face that is not found: add thirteen named points to drag onto it.\nMatch then goes by "
    "these and searches no more": (
        "Für ein Gesicht, das nicht gefunden wird: dreizehn benannte Punkte zum Daraufziehen.\n"
        "Anpassen richtet sich dann nach ihnen und sucht nicht mehr"
    ),
    "Snap to Faces": "An Flächen einrasten",
    "Switch on snapping to faces, so that the points stay on the skin": (
        "Schaltet das Einrasten an Flächen ein, damit die Punkte auf der Haut bleiben"
    ),
    "{count} added: drag each to its place, then Match": (
        "{count} hinzugefügt: jede an ihren Platz ziehen, dann anpassen"
    ),
    "Remove Landmarks": "Landmarken entfernen",
    "Remove the landmark points of this head": "Entfernt die Landmarken dieses Kopfes",
    "{count} removed": "{count} entfernt",
    "Select Vertices": "Punkte auswählen",
    "Select the vertices of this part in Edit Mode; Tab brings you back": (
        "Wählt die Punkte dieses Teils im Bearbeitungsmodus aus; Tab führt zurück"
    ),
    "Show Landmarks": "Landmarken zeigen",
    "Show the landmarks of the match as points on the face: thirteen, and all it is unsure of.\n"
    "Drag those that are wrong, then Match again; the others follow": (
        "Zeigt die Landmarken der Anpassung als Punkte auf dem Gesicht: dreizehn und alle "
        "unsicheren."
        "\nZieh die falschen, dann neu anpassen; die anderen folgen"
    ),
    "Show every landmark": "Zeigt jede Landmarke",
    "Select Landmark": "Landmarke auswählen",
    "Select this landmark, ready to be moved": "Wählt diese Landmarke aus, bereit zum Verschieben",
    "Landmark": "Landmarke",
    # What is kept on a head
    "Motion": "Bewegung",
    "Parts": "Teile",
    "Vertices": "Punkte",
    "Confidence": "Sicherheit",
    "Welded": "Verschweißt",
    "Corrected": "Berichtigt",
    "Object": "Objekt",
    "Keys": "Schlüssel",
    "Heading": "Überschrift",
    "Open": "Offen",
    "Show every part of this kind": "Zeigt jedes Teil dieser Art",
    "Head": "Kopf",
    "The head this object belongs to": "Der Kopf, zu dem dieses Objekt gehört",
    "Found At": "Gefunden bei",
    "Pinned": "Festgesteckt",
    "Unsure Landmarks": "Unsichere Landmarken",
    "Match After Dragging": "Nach dem Ziehen anpassen",
    "Match again by itself a moment after a landmark was dragged": (
        "Passt einen Moment nach dem Ziehen einer Landmarke von selbst neu an"
    ),
    "Corrections": "Berichtigungen",
    "Part": "Teil",
    "Matched": "Angepasst",
    "Mean Residual (mm)": "Mittlerer Abstand (mm)",
    "95 % Residual (mm)": "95-%-Abstand (mm)",
    "Verdict": "Urteil",
    "Warnings": "Warnungen",
    "Millimetres per Unit": "Millimeter je Einheit",
    "Shape": "Form",
    # Reports
    "Matched '{name}': {verdict}, {mean} mm mean, {p95} mm at 95 %": (
        "'{name}' angepasst: {verdict}, {mean} mm im Mittel, {p95} mm bei 95 %"
    ),
    "The colours are off": "Die Farben sind weg",
    "The fit lies {mm} mm from this head on average": (
        "Die Anpassung liegt im Mittel {mm} mm von diesem Kopf"
    ),
    "{count} selected": "{count} ausgewählt",
    "{count} shown: drag what is wrong, then Match": (
        "{count} gezeigt: falsche ziehen, dann anpassen"
    ),
    "{count} shown, {unsure} of them unsure: drag what is wrong, then Match": (
        "{count} gezeigt, {unsure} davon unsicher: falsche ziehen, dann anpassen"
    ),
    "{part}: {motion} from the next Generate on": "{part}: {motion}, ab dem nächsten Erzeugen",
    # Parts
    "Skin": "Haut",
    "Left eyeball": "Linker Augapfel",
    "Right eyeball": "Rechter Augapfel",
    "Left cornea": "Linke Hornhaut",
    "Right cornea": "Rechte Hornhaut",
    "Tears": "Tränen",
    "Eyelashes": "Wimpern",
    "Eyebrows": "Brauen",
    "Upper teeth": "Obere Zähne",
    "Lower teeth": "Untere Zähne",
    "Tongue": "Zunge",
    "Inside of the mouth": "Mundraum",
    "Hair": "Haar",
    "Beard": "Bart",
    "Piece of skin": "Hautstück",
    "Glasses": "Brille",
    "Jewellery": "Schmuck",
    "Clothes": "Kleidung",
    "Body": "Körper",
    "Helper mesh": "Hilfsnetz",
    "Not recognised": "Nicht erkannt",
    "rides": "reitet",
    "moves with the face": "bewegt sich mit dem Gesicht",
    "rides on the skin": "reitet auf der Haut",
    "follows the jaw": "folgt dem Kiefer",
    "It {motion}": "Es {motion}",
}
