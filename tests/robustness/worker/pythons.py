"""Programs that are no Python for the worker, and what a user reads who chose one."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

from facegen_core.errors import WorkerError
from facegen_core.worker_client import Worker
from tests.core.worker_fixtures import PYTHON, false_python
from tests.robustness.report import Case, Line

WITHOUT_PACKAGES = (
    "import runpy\n"
    "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
    "runpy.run_path(sys.argv[1], run_name='__main__')"
)
# A library of another system, as a broken installation has it.
BROKEN_TORCH = "raise OSError('libcudart.so.12: cannot open shared object file')"
PROGRAMS = {
    "a Python without NumPy, SciPy and torch": WITHOUT_PACKAGES,
    "a program that ends at once": "sys.exit(3)",
    "a program that prints": "print('Python shell. ' * 20)",
    "a program that never answers": "import time; time.sleep(600)",
    "a worker of another version": (
        "import struct\nsys.stdout.buffer.write(struct.pack('<4sHHI', b'FGEN', 9, 0, 2) + b'{}')"
    ),
    "a program that dies with a traceback": "{}['torch']",
}


def refused(folder: Path) -> tuple[Line, list[Case]]:
    """Every one of them is one sentence that names the program, and nothing is left running."""
    cases = []
    for number, (name, body) in enumerate(PROGRAMS.items()):
        place = folder / f"Ordner {number} – ü 日"
        place.mkdir()
        cases.append(_case(name, Worker(false_python(place, body))))
    broken = folder / "broken"
    (broken / "torch").mkdir(parents=True)
    (broken / "torch" / "__init__.py").write_text(BROKEN_TORCH)
    body = f"import runpy\nsys.path.insert(0, {str(broken)!r})\n" + (
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    cases.append(_case("a torch that cannot be loaded", Worker(false_python(broken, body))))
    text = folder / "text"
    text.write_text("no program")
    cases.append(_case("a file that is no program", Worker(text)))
    (folder / "environment").mkdir()
    cases.append(_case("a folder", Worker(folder / "environment")))
    cases.append(_case("a file that is not there", Worker(folder / "python.exe")))
    for device in ("cuda:7", "mps", "gpu"):
        cases.append(_case(f"device {device} on a machine without", Worker(PYTHON, device)))
    good = sum(case.ok for case in cases)
    line = Line(
        "what cannot be the worker is refused with one sentence that names it",
        f"{good} of {len(cases)}",
        good == len(cases),
    )
    return line, cases


def _case(name: str, worker: Worker) -> Case:
    try:
        with patch(
            "facegen_core.worker_client.START_SECONDS", 60.0 if "answers" not in name else 0.5
        ):
            worker.start()
    except WorkerError as error:
        sentence = str(error)
        is_good = (
            sentence.endswith(".")
            and "\n" not in sentence
            and str(worker.python) in sentence
            and not worker.is_running
        )
        # The same on every machine.
        shown = sentence.replace(str(worker.python), f"…/{worker.python.name}")
        return Case("Pythons", name, shown, is_good)
    finally:
        worker.close()
    return Case("Pythons", name, "accepted", False)
