"""Events: their list, their fields, what can be done with them, and their handles."""

from __future__ import annotations

TEXTS = {
    "Events": "Ereignisse",
    "Event": "Ereignis",
    "The event that is edited": "Das Ereignis, das bearbeitet wird",
    "Ease": "Übergang",
    "How it comes and goes": "Wie er kommt und geht",
    "Onset Ease": "Übergang hinein",
    "How the expression comes": "Wie der Ausdruck kommt",
    "Offset Ease": "Übergang hinaus",
    "How the expression goes": "Wie der Ausdruck geht",
    "Swift": "Zügig",
    "Quick": "Rasch",
    "Slow": "Zögernd",
    "Straight; the model gives the motion its ease": (
        "Gerade; das Modell macht die Bewegung weich"
    ),
    "Gently out of one value and into the next": "Sanft aus einem Wert heraus und in den nächsten",
    "Rests at both ends and is quick between them": "Ruht an beiden Enden, dazwischen schnell",
    "At once, then settles": "Sofort, dann kommt er zur Ruhe",
    "Hesitates, then arrives": "Zögert, dann ist er da",
    "By Hand": "Von Hand",
    "Drawn in the Graph Editor, and kept": "Im Graph-Editor gezeichnet, und bleibt so",
    "Duplicate Event": "Ereignis duplizieren",
    "Copy the event: to the current frame where that is free, else to right after it": (
        "Kopiert das Ereignis: zum aktuellen Bild, wo dort Platz ist, sonst gleich dahinter"
    ),
    "Frame at which the copy begins": "Bild, bei dem die Kopie beginnt",
    "Remove Event": "Ereignis entfernen",
    "Take the keys of the event away; other events stay": (
        "Nimmt die Keyframes des Ereignisses weg; andere Ereignisse bleiben"
    ),
    "Mirror in Time": "Zeitlich spiegeln",
    "Play the event backwards between the same two frames": (
        "Spielt das Ereignis zwischen denselben beiden Bildern rückwärts"
    ),
    "Tempo": "Tempo",
    "2 is twice as fast": "2 ist doppelt so schnell",
    "Play the event faster or slower, from the same onset": (
        "Spielt das Ereignis schneller oder langsamer, vom selben Anfang an"
    ),
    "Hold": "Halten",
    "Longer by": "Länger um",
    "Stay at the apex longer or shorter": "Bleibt länger oder kürzer auf dem Höhepunkt",
    "Frames the apex lasts longer; shorter where negative": (
        "Bilder, die der Höhepunkt länger dauert; kürzer, wenn negativ"
    ),
    "Overlap": "Überlappen",
    "Let the next event begin before this one is over": (
        "Lässt das nächste Ereignis beginnen, bevor dieses vorbei ist"
    ),
    "Frames by which the next event begins before this one ends; a pause where negative": (
        "Bilder, um die das nächste Ereignis beginnt, bevor dieses endet; eine Pause, wenn negativ"
    ),
    "Ripple": "Nachrücken",
    "Later events follow, on every expression": "Spätere Ereignisse aller Ausdrücke rücken nach",
    "Event Handles": "Anfasser der Ereignisse",
    "Show the events of the active head in the Graph Editor, the Dope Sheet and the timeline, to "
    "drag: Shift for subframes, Ctrl to snap, ESC to let go": (
        "Zeigt die Ereignisse des aktiven Kopfes in Graph-Editor, Dope Sheet und Zeitleiste, zum "
        "Ziehen: Umschalt für Teilbilder, Strg zum Einrasten, ESC zum Loslassen"
    ),
    "Drag Event": "Ereignis ziehen",
    "Drag a handle of an expression event; Shift goes by subframes, Ctrl snaps, ESC lets go": (
        "Zieht an einem Anfasser eines Ereignisses; Umschalt geht in Teilbildern, Strg rastet ein, "
        "ESC lässt los"
    ),
    # What stands in the way
    "No event is chosen in the list of events": "In der Liste ist kein Ereignis gewählt",
    "This event is no longer there: choose another one in the list of events.": (
        "Dieses Ereignis gibt es nicht mehr: wähle ein anderes in der Liste der Ereignisse."
    ),
    "No event follows this {name}: choose an earlier one, or add one.": (
        "Auf {name} folgt kein Ereignis: wähle ein früheres, oder füg eines hinzu."
    ),
    "{name} has keys up to frame {frame}: what follows cannot move {frames} earlier.": (
        "{name} hat Keys bis Bild {frame}: was folgt, kann nicht um {frames} nach vorn."
    ),
    "{name} is driven: remove its driver before editing its events.": (
        "{name} hat einen Treiber: entferne ihn, um die Ereignisse zu bearbeiten."
    ),
    "A strip of the NLA is being tweaked: leave tweak mode (Tab) first.": (
        "Ein Streifen der NLA wird gerade bearbeitet: verlasse erst diesen Modus (Tab)."
    ),
    "The curve of {name} is locked: unlock it in the Graph Editor first.": (
        "Die Kurve von {name} ist gesperrt: entsperre sie erst im Graph-Editor."
    ),
    "Driven, so without events: {names}": "Mit Treiber, also ohne Ereignisse: {names}",
    "A strip of the NLA is being tweaked: its frames are its own": (
        "Ein Streifen der NLA wird bearbeitet: seine Bilder sind seine eigenen"
    ),
    "Expressions play from strips of the NLA: tweak one (Tab) to see its curves": (
        "Die Ausdrücke spielen aus Streifen der NLA: bearbeite einen (Tab), dann sind Kurven da"
    ),
    "{name} already moves from {start} to {stop} in a curve that is kept as it is: choose other "
    "frames, or remove that event first.": (
        "{name} bewegt sich schon von {start} bis {stop} in einer Kurve, die bleibt, wie sie ist: "
        "wähle andere Bilder oder entferne erst jenes Ereignis."
    ),
    "{name} already moves from {start} to {stop}: an event from {from_} to {to} has no room beside "
    "it.": (
        "{name} bewegt sich schon von {start} bis {stop}: ein Ereignis von {from_} bis {to} hat "
        "daneben keinen Platz."
    ),
    "There is no room for this {name} from {start} to {stop}: the keys after it reach to "
    "{frame}.": (
        "Für {name} ist von {start} bis {stop} kein Platz: dahinter stehen Keyframes ab {frame}."
    ),
    "There is no room for this {name} from {start} to {stop}: the keys before it reach to "
    "{frame}.": (
        "Für {name} ist von {start} bis {stop} kein Platz: davor stehen Keyframes bis {frame}."
    ),
    "The next event is {expression} too, and one expression cannot overlap itself: give 0, or a "
    "negative number for a pause.": (
        "Das nächste Ereignis ist auch {expression}, und ein Ausdruck kann sich nicht selbst "
        "überlappen: gib 0 ein, oder eine negative Zahl für eine Pause."
    ),
}
