"""The engine: its preferences, its check, setting it up; and the report to send."""

from __future__ import annotations

TEXTS: dict[str, str] = {
    # Preferences
    "Engine": "Rechenwerk",
    "What computes the motion. Both make the same one within 0.0001 mm": (
        "Was die Bewegung berechnet. Beide machen dieselbe auf 0.0001 mm genau"
    ),
    "Built-in": "Eingebaut",
    "NumPy, in Blender itself: needs nothing else, on any computer": (
        "NumPy, in Blender selbst: braucht nichts weiter, auf jedem Rechner"
    ),
    "GPU Worker": "GPU-Prozess",
    "PyTorch in a process of its own, on a graphics card if there is one": (
        "PyTorch in einem eigenen Prozess, auf einer Grafikkarte, wenn es eine gibt"
    ),
    "Python": "Python",
    "The python program of an environment that has PyTorch, NumPy and SciPy; empty for the one "
    "that was set up here": (
        "Das Programm python einer Umgebung mit PyTorch, NumPy und SciPy; leer für die hier "
        "eingerichtete"
    ),
    "The one that was set up here": "Das hier eingerichtete",
    "A Python that has PyTorch": "Ein Python mit PyTorch",
    "Device": "Gerät",
    "Where PyTorch computes": "Wo PyTorch rechnet",
    "Automatic": "Automatisch",
    "The first graphics card PyTorch can use, else the processor": (
        "Die erste Grafikkarte, die PyTorch nutzen kann, sonst der Prozessor"
    ),
    "The first NVIDIA card": "Die erste NVIDIA-Karte",
    "The second NVIDIA card": "Die zweite NVIDIA-Karte",
    "The third NVIDIA card": "Die dritte NVIDIA-Karte",
    "The fourth NVIDIA card": "Die vierte NVIDIA-Karte",
    "Metal": "Metal",
    "The graphics processor of an Apple computer": "Der Grafikprozessor eines Apple-Rechners",
    "Processor": "Prozessor",
    "PyTorch without a graphics card": "PyTorch ohne Grafikkarte",
    "Memory": "Speicher",
    # Check and self-test
    "Check Engine": "Rechenwerk prüfen",
    "Start the GPU worker and show its device, its memory and its version of PyTorch": (
        "Den GPU-Prozess starten und sein Gerät, seinen Speicher und sein PyTorch zeigen"
    ),
    "The GPU worker is ready: {device} ({place})": "Der GPU-Prozess ist bereit: {device} ({place})",
    "Self-Test": "Selbsttest",
    "Generate the same motion with both engines: how long each takes, and how far they differ": (
        "Dieselbe Bewegung mit beiden Rechenwerken erzeugen: wie lang jedes braucht, und wie weit "
        "sie auseinander liegen"
    ),
    "{number} frames: GPU worker {seconds} s, built-in {other} s, largest difference {error} mm": (
        "{number} Bilder: GPU-Prozess {seconds} s, eingebaut {other} s, größter Unterschied "
        "{error} mm"
    ),
    "Both engines should agree within {tolerance} mm: use the built-in engine, and send a report "
    "(Copy Report).": (
        "Beide Rechenwerke sollten auf {tolerance} mm übereinstimmen: nimm das eingebaute, und "
        "schick einen Bericht (Bericht kopieren)."
    ),
    "Not started yet; the first Generate does, or Check Engine": (
        "Noch nicht gestartet; das tut das erste Erzeugen, oder Rechenwerk prüfen"
    ),
    "The built-in engine is chosen: choose GPU Worker first": (
        "Das eingebaute Rechenwerk ist gewählt: wähle erst GPU-Prozess"
    ),
    "Choose a Python with PyTorch first, or set up the GPU engine": (
        "Wähle erst ein Python mit PyTorch, oder richte das GPU-Rechenwerk ein"
    ),
    "No Python with PyTorch is chosen: choose one in the preferences of Facegen, or set up the "
    "GPU engine there.": (
        "Kein Python mit PyTorch ist gewählt: wähle eines in den Einstellungen von Facegen, oder "
        "richte dort das GPU-Rechenwerk ein."
    ),
    # What the engine tells of a clip
    "{made}, GPU worker": "{made}, GPU-Prozess",
    "The built-in engine did this, for the GPU worker could not be used: {why}": (
        "Das eingebaute Rechenwerk hat das gemacht, denn der GPU-Prozess war nicht zu brauchen: "
        "{why}"
    ),
    "The built-in engine did this, for the GPU worker was closed meanwhile.": (
        "Das eingebaute Rechenwerk hat das gemacht, denn der GPU-Prozess wurde unterdessen beendet."
    ),
    "{clip}, the same motion within {tolerance} mm, as a GPU worker repeats it": (
        "{clip}, dieselbe Bewegung auf {tolerance} mm, wie ein GPU-Prozess sie wiederholt"
    ),
    "{python} cannot be the GPU worker: {why}. Choose another Python in the preferences.": (
        "{python} taugt nicht für den GPU-Prozess: {why}. Wähle ein anderes Python in den "
        "Einstellungen."
    ),
    "There is no Python at {python}: choose the program itself, python or python.exe, in the "
    "preferences.": (
        "{python} ist kein Python: wähle in den Einstellungen das Programm selbst, python oder "
        "python.exe."
    ),
    "Out of memory: the GPU worker goes on with {frames} at a time.": (
        "Kein Speicher mehr: der GPU-Prozess macht mit je {frames} weiter."
    ),
    "The GPU ran out of memory: the CPU went on with this motion.": (
        "Die GPU hat keinen Speicher mehr: die CPU hat diese Bewegung weitergerechnet."
    ),
    "{python} cannot be run ({why}): choose a Python in the preferences.": (
        "{python} lässt sich nicht ausführen ({why}): wähle ein Python in den Einstellungen."
    ),
    "The GPU worker ended twice while it made this motion ({why}): use the built-in engine, or "
    "test the worker in the preferences.": (
        "Der GPU-Prozess endete zweimal, während er diese Bewegung machte ({why}): nimm das "
        "eingebaute Rechenwerk, oder prüfe den Prozess in den Einstellungen."
    ),
    "The GPU worker ended unexpectedly and was started again.": (
        "Der GPU-Prozess endete unerwartet und wurde neu gestartet."
    ),
    "The clip has {frames} frames, the GPU worker takes {most}: use the built-in engine.": (
        "Der Clip hat {frames} Bilder, der GPU-Prozess nimmt {most}: nimm das eingebaute "
        "Rechenwerk."
    ),
    "This clip is too large for the GPU worker: make it shorter, or use the built-in engine.": (
        "Dieser Clip ist zu groß für den GPU-Prozess: mach ihn kürzer, oder nimm das eingebaute "
        "Rechenwerk."
    ),
    "The memory is not enough for this motion: close other programs, or make the clip shorter.": (
        "Der Speicher reicht für diese Bewegung nicht: schließ andere Programme, oder mach den "
        "Clip kürzer."
    ),
    # Setting up
    "Set Up GPU Engine": "GPU-Rechenwerk einrichten",
    "Download PyTorch into a folder of Facegen's own and use it; Blender's own stays as it is": (
        "PyTorch in einen eigenen Ordner von Facegen laden und benutzen; Blenders Python bleibt, "
        "wie es ist"
    ),
    "Download PyTorch into a folder of Facegen's own and use it": (
        "PyTorch in einen eigenen Ordner von Facegen laden und benutzen"
    ),
    "Build": "Ausgabe",
    "Which PyTorch is downloaded": "Welches PyTorch geladen wird",
    "NVIDIA (CUDA)": "NVIDIA (CUDA)",
    "For an NVIDIA graphics card": "Für eine NVIDIA-Grafikkarte",
    "Apple (Metal)": "Apple (Metal)",
    "For the graphics processor of an Apple computer": (
        "Für den Grafikprozessor eines Apple-Rechners"
    ),
    "PyTorch without a graphics card: smaller, and rarely faster": (
        "PyTorch ohne Grafikkarte: kleiner, und selten schneller"
    ),
    "Base Python": "Grund-Python",
    "A Python, 3.10 or newer, to make the environment with; empty for Blender's": (
        "Ein Python, 3.10 oder neuer, das die Umgebung anlegt; leer für das von Blender"
    ),
    "Package Index": "Paketverzeichnis",
    "The address of a mirror that has all packages; empty for those of PyTorch and Python": (
        "Die Adresse eines Spiegels mit allen Paketen; leer für die von PyTorch und Python"
    ),
    "About {download} to download, {disk} on the disk": (
        "Etwa {download} zu laden, {disk} auf der Platte"
    ),
    "ESC stops it and leaves nothing behind": "ESC bricht ab und lässt nichts zurück",
    "Allow Online Access in Blender's preferences (System, Network) first": (
        "Erlaube erst den Onlinezugriff in Blenders Einstellungen (System, Netzwerk)"
    ),
    "Install Facegen as an extension first (Preferences, Get Extensions)": (
        "Installiere Facegen erst als Erweiterung (Einstellungen, Erweiterungen holen)"
    ),
    "The GPU engine is set up: Check Engine shows what it found": (
        "Das GPU-Rechenwerk ist eingerichtet: Rechenwerk prüfen zeigt, was es fand"
    ),
    "Remove GPU Engine": "GPU-Rechenwerk entfernen",
    "Remove the GPU engine that was set up here, and all that was downloaded for it": (
        "Das hier eingerichtete GPU-Rechenwerk entfernen, und alles, was dafür geladen wurde"
    ),
    "No GPU engine was set up here": "Hier wurde kein GPU-Rechenwerk eingerichtet",
    "The GPU engine is removed": "Das GPU-Rechenwerk ist entfernt",
    "The GPU engine needs {whole} GB while it is installed, {free} GB are free: make room, or "
    "choose the smaller CPU build.": (
        "Das GPU-Rechenwerk braucht beim Einrichten {whole} GB, frei sind {free} GB: schaff Platz, "
        "oder wähle die kleinere Ausgabe für den Prozessor."
    ),
    "The GPU engine cannot be written to {folder} ({why}): free or unlock that folder, then set it "
    "up again.": (
        "Das GPU-Rechenwerk lässt sich nicht nach {folder} schreiben ({why}): gib diesen Ordner "
        "frei, dann richte es noch einmal ein."
    ),
    "The GPU engine cannot be removed ({why}): close other Blenders that use it, then remove it "
    "again.": (
        "Das GPU-Rechenwerk lässt sich nicht entfernen ({why}): schließ andere Blender, die es "
        "benutzen, dann entferne es noch einmal."
    ),
    "{program} cannot be started ({why}): choose another Base Python, 3.10 or newer.": (
        "{program} lässt sich nicht starten ({why}): wähle ein anderes Grund-Python, 3.10 oder "
        "neuer."
    ),
    "{program} cannot make environments ({why}): choose another Base Python, one with venv and "
    "pip.": (
        "{program} kann keine Umgebungen anlegen ({why}): wähle ein anderes Grund-Python, eines "
        "mit venv und pip."
    ),
    "pip could not install {package} ({why}): look at the connection, the free space and the "
    "chosen build, then set up again.": (
        "pip konnte {package} nicht installieren ({why}): sieh nach Verbindung, freiem Platz und "
        "gewählter Ausgabe, dann richte noch einmal ein."
    ),
    # Progress
    "Starting the GPU worker": "Der GPU-Prozess startet",
    "Making a Python environment": "Die Python-Umgebung entsteht",
    "Installing PyTorch, {now} of about {whole} MB": "PyTorch: {now} von etwa {whole} MB",
    # The report
    "Copy Report": "Bericht kopieren",
    "Copy versions, model, engine, figures of the active head and the last error to the "
    "clipboard.\nIt holds no geometry and of files only their names": (
        "Versionen, Modell, Rechenwerk, Zahlen zum aktiven Kopf und den letzten Fehler in die "
        "Zwischenablage kopieren.\nGeometrie ist nicht darin, von Dateien nur der Name"
    ),
    "Copied a report of {number} lines": "Ein Bericht von {number} Zeilen ist kopiert",
}
