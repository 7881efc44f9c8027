"""The panel Generate: motion, variations, baking, model."""

from __future__ import annotations

TEXTS = {
    "Generate": "Erzeugen",
    "Move the face by its expression curves and write the motion as shape keys": (
        "Bewegt das Gesicht nach seinen Ausdruckskurven und schreibt die Bewegung als Formschlüssel"
    ),
    "Generator": "Generator",
    "Steady": "Stetig",
    "Varied": "Wechselnd",
    "The expected motion: the same curves always move a face the same way": (
        "Die erwartete Bewegung: dieselben Kurven bewegen ein Gesicht immer gleich"
    ),
    "A motion as this face might make it: another one for every seed": (
        "Eine Bewegung, wie dieses Gesicht sie machen könnte: für jeden Startwert eine andere"
    ),
    "This model has no variations: it plays the expected motion alone": (
        "Dieses Modell hat keine Variationen: es spielt nur die erwartete Bewegung"
    ),
    "Seed": "Startwert",
    "Which variation: the same number is always the same motion": (
        "Welche Variation: dieselbe Zahl ist immer dieselbe Bewegung"
    ),
    "Amount": "Maß",
    "How far a variation strays from the mean motion: 0 is the mean itself, 1 as far as faces do": (
        "Wie weit eine Variation von der mittleren abweicht: 0 ist das Mittel, 1 so weit wie "
        "Gesichter es tun"
    ),
    "Clip": "Clip",
    "Shape keys are called FG_<clip>_01 and so on; generating a clip again replaces its keys": (
        "Formschlüssel heißen FG_<Clip>_01 und so weiter; ein Clip ersetzt beim neuen "
        "Erzeugen seine "
        "eigenen"
    ),
    "Range": "Bereich",
    "From the first to the last key of an expression": (
        "Vom ersten bis zum letzten Keyframe eines Ausdrucks"
    ),
    "Scene": "Szene",
    "The frame range of the scene": "Der Bildbereich der Szene",
    "Custom": "Eigener",
    "From Start to End": "Von Anfang bis Ende",
    "Start": "Anfang",
    "End": "Ende",
    "Bake": "Backen",
    "Compact": "Kompakt",
    "Few shape keys that together play the clip within the tolerance": (
        "Wenige Formschlüssel, die den Clip zusammen innerhalb der Toleranz spielen"
    ),
    "Frames": "Bilder",
    "One shape key for every frame that moves: exact, but larger": (
        "Ein Formschlüssel für jedes bewegte Bild: genau, aber größer"
    ),
    "Tolerance (mm)": "Toleranz (mm)",
    "Largest distance in millimetres, on a head of real size, between the shape keys and the "
    "generated motion": (
        "Größter Abstand in Millimetern, auf einem Kopf in echter Größe, zwischen "
        "Formschlüsseln und "
        "erzeugter Bewegung"
    ),
    "Contact": "Kontakt",
    "Keep lips, lids and teeth out of each other: lids close on the eyeball, lips meet, teeth stay "
    "inside": (
        "Hält Lippen, Lider und Zähne auseinander: Lider schließen auf dem Augapfel, Lippen "
        "treffen "
        "sich, Zähne bleiben innen"
    ),
    "Contact Found": "Gefundener Kontakt",
    "Shape Keys": "Formschlüssel",
    "Made By": "Erzeugt mit",
    "Bake Error (mm)": "Backfehler (mm)",
    "{count}, within {mm} mm": "{count}, innerhalb von {mm} mm",
    "Too deep by, mm: before → after": "Zu tief, mm: vorher → nachher",
    "Lips": "Lippen",
    "Lids": "Lider",
    "Teeth": "Zähne",
    "Remove Generated Keys": "Erzeugte Schlüssel entfernen",
    "Remove the shape keys and curves that Facegen generated on this head; others stay": (
        "Entfernt die Formschlüssel und Kurven, die Facegen an diesem Kopf erzeugt hat; "
        "andere bleiben"
    ),
    "Weaken by Vertex Group": "Abschwächen nach Punktgruppe",
    "Vertex group whose weights multiply the motion: 1 moves fully, 0 rests. Objects of the head "
    "without this group move fully": (
        "Punktgruppe, deren Gewichte die Bewegung vervielfachen: 1 bewegt sich voll, 0 ruht. "
        "Objekte "
        "des Kopfes ohne diese Gruppe bewegen sich voll"
    ),
    "Invert": "Umkehren",
    "Weight 1 rests, 0 moves fully": "Gewicht 1 ruht, 0 bewegt sich voll",
    "Weight {which}; applied by Generate": "Gewicht {which}; gilt beim Erzeugen",
    "1 rests": "1 ruht",
    "0 rests": "0 ruht",
    "Model": "Modell",
    "A .facegen model bundle; empty for the one that comes with Facegen. Keys of expressions that "
    "another model has stay on the head": (
        "Ein .facegen-Modell; leer für das mitgelieferte. Keyframes von Ausdrücken eines anderen "
        "Modells bleiben am Kopf"
    ),
    "The model that comes with Facegen": "Das Modell, das mit Facegen kommt",
    "Training data": "Trainingsdaten",
    "Licence of model": "Lizenz des Modells",
    "Variations": "Variationen",
    "Draw nine variations of this motion as small moving pictures to pick from.\nThe scene "
    "stays as "
    "it is until one is picked": (
        "Zeichnet neun Variationen dieser Bewegung als kleine bewegte Bilder zur "
        "Auswahl.\nDie Szene "
        "bleibt, wie sie ist, bis eine gewählt wird"
    ),
    "Draw Nine Variations": "Neun Variationen zeichnen",
    "Draw Again": "Neu zeichnen",
    "Next Nine": "Nächste neun",
    "First Seed": "Erster Startwert",
    "Seed of the first of the nine pictures": "Startwert des ersten der neun Bilder",
    "Pick Variation": "Variation wählen",
    "Take this variation: set the generator and the seed, and generate": (
        "Nimmt diese Variation: setzt Generator und Startwert und erzeugt"
    ),
    # Reports
    "Every expression is at zero in this range: the face rests, no keys were made": (
        "Jeder Ausdruck steht in diesem Bereich auf null: das Gesicht ruht, keine Schlüssel"
    ),
    "Generated {frames} as {keys}, within {mm} mm ({how})": (
        "{frames} als {keys} erzeugt, innerhalb von {mm} mm ({how})"
    ),
    "Drew seeds {first} to {last} of '{name}': click one to take it": (
        "Startwerte {first} bis {last} von '{name}' gezeichnet: klick einen an"
    ),
    "Varied, seed {seed}, amount {amount}": "Wechselnd, Startwert {seed}, Maß {amount}",
    "Facegen: {what} ({percent} %)    ESC: cancel": "Facegen: {what} ({percent} %)    ESC: Abbruch",
    "Starting": "Beginn",
    "Opening the model": "Öffne das Modell",
    "Generating the motion": "Erzeuge die Bewegung",
    "Carrying the motion to this head": "Übertrage die Bewegung auf diesen Kopf",
    "Writing shape keys": "Schreibe Formschlüssel",
    "Looking at the parts of the head": "Sehe die Teile des Kopfes durch",
    "{what}: {percent}%": "{what}: {percent} %",
}
