"""Why files could not be read, written or run: what facegen_core.file_words and files say."""

from __future__ import annotations

_WRITE = "Cannot write {path}: {why}; "
_NOT_WRITTEN = "{path} lässt sich nicht schreiben: {why}; "
_ADVICE = {
    "choose a folder you may write to.": "nimm einen Ordner, in den du schreiben darfst.",
    "choose a folder on another disk.": "nimm einen Ordner auf einem anderen Datenträger.",
    "choose another folder.": "nimm einen anderen Ordner.",
    "choose another name.": "nimm einen anderen Namen.",
    "choose another name or folder.": "nimm einen anderen Namen oder Ordner.",
    "choose a shorter name.": "nimm einen kürzeren Namen.",
    "unlock it, or choose another name.": "hebe das auf, oder nimm einen anderen Namen.",
    "close it there, or choose another name.": (
        "schließe die Datei dort, oder nimm einen anderen Namen."
    ),
    "close the program that has it open, or choose another name.": (
        "schließe das Programm, das sie offen hat, oder nimm einen anderen Namen."
    ),
    "make the folder {folder} first.": "lege erst den Ordner {folder} an.",
    "make room there or choose another disk.": (
        "schaffe dort Platz, oder nimm einen anderen Datenträger."
    ),
    "make room in {folder} or choose another folder.": (
        "schaffe in {folder} Platz, oder nimm einen anderen Ordner."
    ),
    "{folder} has {free} MB free: make room there or choose another folder.": (
        "in {folder} sind {free} MB frei: schaffe dort Platz, oder nimm einen anderen Ordner."
    ),
    "start the program again.": "starte das Programm neu.",
    "close other programs.": "schließe andere Programme.",
}

TEXTS: dict[str, str] = {
    "Cannot write {path}: {why}.": "{path} lässt sich nicht schreiben: {why}.",
    **{_WRITE + english: _NOT_WRITTEN + german for english, german in _ADVICE.items()},
    # Why not written
    "the disk is full": "der Datenträger ist voll",
    "the disk is full after {size} MB": "der Datenträger ist nach {size} MB voll",
    "your share of the disk is used up": "dein Anteil am Datenträger ist aufgebraucht",
    "your share of the disk is used up after {size} MB": (
        "dein Anteil am Datenträger ist nach {size} MB aufgebraucht"
    ),
    "the disk takes no file of this size": "der Datenträger nimmt keine so große Datei",
    "it may take {size} MB, and {free} MB are free on the disk": (
        "nötig sind vielleicht {size} MB, und {free} MB sind auf dem Datenträger frei"
    ),
    "it may take {size} MB, and the disk gives less": (
        "nötig sind vielleicht {size} MB, und der Datenträger gibt weniger her"
    ),
    "the disk is read-only": "der Datenträger ist schreibgeschützt",
    "its folder may not be written to": "in ihren Ordner darf nicht geschrieben werden",
    "you have no right to write there": "du darfst dort nicht schreiben",
    "you have no right to replace it": "du darfst sie nicht ersetzen",
    "another program has it open": "ein anderes Programm hat sie offen",
    "it is in use": "sie wird gerade benutzt",
    "it is read-only": "sie ist schreibgeschützt",
    "a link of somebody else lies there": "dort liegt eine Verknüpfung von jemand anderem",
    "there is no such folder": "diesen Ordner gibt es nicht",
    "a file lies where its folder should be": "wo ihr Ordner sein sollte, liegt eine Datei",
    "a file lies there already": "dort liegt schon eine Datei",
    "it is a folder": "es ist ein Ordner",
    "its name is too long": "der Name ist zu lang",
    "the disk takes no such name": "der Datenträger nimmt keinen solchen Namen",
    "it is a link that leads back to itself": "es ist eine Verknüpfung auf sich selbst",
    "the disk fails to take it": "der Datenträger nimmt sie nicht an",
    "too many files are open": "zu viele Dateien sind offen",
    "the system does not let it be written": "das System lässt sie nicht schreiben",
    # Why not read
    "there is no such file": "diese Datei gibt es nicht",
    "you have no right to read it": "du darfst sie nicht lesen",
    "the disk fails to read it": "der Datenträger liest sie nicht",
    "the system does not let it be read": "das System lässt sie nicht lesen",
    "it is no text in UTF-8; save it as such": "sie ist kein Text in UTF-8; speichere sie so",
    # Why not run
    "you have no right to run it": "du darfst es nicht ausführen",
    "it or a part of it is missing": "es oder ein Teil davon fehlt",
    "it is no program of this system": "es ist kein Programm dieses Systems",
    "the system does not run it": "das System führt es nicht aus",
}
