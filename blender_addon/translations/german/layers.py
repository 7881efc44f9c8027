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
    "Frames by which the {region} {verb} later than the curves; below 0 earlier": (
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
}
