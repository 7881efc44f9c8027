"""Regions, live, and eyes."""

from __future__ import annotations

TEXTS = {
    "Regions": "Regionen",
    "Reset Regions": "Regionen zurücksetzen",
    "Let every region play as generated again. Keys and drivers of these sliders are removed;\n"
    "expressions stay": (
        "Lässt jede Region wieder spielen wie erzeugt. Keyframes und Treiber dieser Regler gehen;\n"
        "Ausdrücke bleiben"
    ),
    "Nothing to reset: every region plays as generated": (
        "Nichts zurückzusetzen: jede Region spielt wie erzeugt"
    ),
    "Brows": "Brauen",
    "Eyes": "Augen",
    "Mouth": "Mund",
    "brows": "Brauen",
    "eyes": "Augen",
    "mouth": "Mund",
    "{region} Later": "{region} später",
    "How far the {region} move: 1 as generated, 0 not at all, 2 twice as far": (
        "Wie weit sich die Region {region} bewegt: 1 wie erzeugt, 0 gar nicht, 2 doppelt so weit"
    ),
    "How far the {region} and the jaw move: 1 as generated, 0 not at all, 2 twice as far": (
        "Wie weit sich die Region {region} und der Kiefer bewegen: 1 wie erzeugt, 0 gar nicht, 2 "
        "doppelt so weit"
    ),
    "Frames by which the {region} run later than the curves; below 0 earlier": (
        "Bilder, um die die Region {region} später läuft als die Kurven; unter 0 früher"
    ),
    "Frames by which the {region} runs later than the curves; below 0 earlier": (
        "Bilder, um die die Region {region} später läuft als die Kurven; unter 0 früher"
    ),
    "Asymmetry": "Asymmetrie",
    "1 moves only the head's left side, -1 only its right; the jaw turns as a whole": (
        "1 bewegt nur die linke Seite des Kopfes, -1 nur die rechte; der Kiefer dreht sich "
        "als Ganzes"
    ),
    "Extremeness": "Übertreibung",
    "How strongly everything is played: 0 rests, 1 as the curves say, beyond it the motion is "
    "exaggerated": (
        "Wie stark alles gespielt wird: 0 ruht, 1 wie die Kurven sagen, darüber ist die Bewegung "
        "übertrieben"
    ),
    # Live
    "Live": "Live",
    "The face follows keys and sliders at once, and the clip a moment later; off, the last clip "
    "stays": (
        "Das Gesicht folgt Keyframes und Reglern sofort, der Clip einen Moment später; aus bleibt "
        "der letzte Clip"
    ),
    "Making the clip": "Der Clip entsteht",
    "Live waits: Match first": "Live wartet: erst anpassen",
    "Live waits for Object Mode": "Live wartet auf den Objektmodus",
    "Live waits for the render": "Live wartet auf das Rendern",
    "Live waits while Facegen is working": "Live wartet, solange Facegen arbeitet",
    "Live cannot follow drivers or the NLA: press Generate": (
        "Live kann Treibern und der NLA nicht folgen: drücke Erzeugen"
    ),
    "Live follows Compact and Frames; a driven rig follows its sliders by itself": (
        "Live folgt Kompakt und Bildern; ein getriebenes Rig folgt seinen Reglern von selbst"
    ),
    "Live update failed, nothing was changed: {why}": (
        "Live schlug fehl, nichts wurde geändert: {why}"
    ),
    # Eyes
    "This model has no shapes to move lids with.": (
        "Dieses Modell hat keine Formen, um Lider zu bewegen."
    ),
    "No eyeballs were found: only the lids move.": (
        "Keine Augäpfel gefunden: nur die Lider bewegen sich."
    ),
    "Degrees the eyes look {where}, on top of what is drawn": (
        "Grad, die die Augen schauen ({where}), zusätzlich zum Gezeichneten"
    ),
    "Blinks and Gaze": "Blinzeln und Blick",
    "Let the eyes live: blinks and shifts of gaze as people make them, also while no expression is "
    "played": (
        "Lässt die Augen leben: Blinzeln und Blicke wie bei Menschen, auch wenn kein "
        "Ausdruck spielt"
    ),
    "Another number, other blinks and looks; the same number, the same ones": (
        "Eine andere Zahl, anderes Blinzeln und andere Blicke; dieselbe Zahl, dieselben"
    ),
    "Blinks per Minute": "Blinzeln je Minute",
    "How often in the mean; people blink 5 times while they read, 15 at rest, 25 in talk": (
        "Wie oft im Mittel; Menschen blinzeln beim Lesen 5-mal, in Ruhe 15-mal, im Gespräch 25-mal"
    ),
    "Gaze": "Blick",
    "How far the eyes wander from where they look: 0 stares, 1 is restless": (
        "Wie weit die Augen vom Ziel abschweifen: 0 starrt, 1 ist unruhig"
    ),
    "Blink": "Blinzeln",
    "By hand: 0 leaves the eyes as they are, 1 shuts them, whatever is played": (
        "Von Hand: 0 lässt die Augen, wie sie sind, 1 schließt sie, was auch gespielt wird"
    ),
    "Mouth Belongs to Speech": "Mund gehört der Sprache",
    "Leave mouth and jaw to visemes and other keys: Facegen moves only the rest": (
        "Überlässt Mund und Kiefer Visemen und anderen Schlüsseln: Facegen bewegt nur den Rest"
    ),
    "Look Left": "Blick nach links",
    "Look Up": "Blick nach oben",
    "to the head's own left, below 0 to its right": (
        "zur eigenen Linken des Kopfes, unter 0 zur Rechten"
    ),
    "up, below 0 down": "nach oben, unter 0 nach unten",
}
