"""Files of the artist's desk: lists of heads, corrected parts, records of clips, settings.

Their readers stand in the add-on and in training, so they are tried where these are installed.
"""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.robustness.inputs.files import Reader, file_trial, spoilt, writes
from tests.robustness.inputs.judging import Trial

HEADS = [{"head": "a.obj", "expressions": ["happy@1,12,30,45"]}]
PARTS = {"version": 1, "parts": [{"object": "head", "vertex": 7, "kind": "tongue"}]}
PLAYED = ("happy@1,2,3,4",)


def trials(seed: int) -> Iterator[Trial]:
    yield from _of_the_add_on()
    yield from _of_training()


def _of_the_add_on() -> Iterator[Trial]:
    try:
        import bpy  # noqa: F401
    except ModuleNotFoundError:
        return
    from blender_addon.command.batch_jobs import jobs_of
    from blender_addon.command.match_files import read_parts
    from blender_addon.scene.mesh_bridge import HeadPart

    parts = (HeadPart("head", 0, 40, np.eye(3)), HeadPart("teeth", 40, 60, np.eye(3)))
    head: Any = SimpleNamespace(parts=parts)
    read_list: Reader = lambda path: jobs_of([path], PLAYED)  # noqa: E731
    read_head_parts: Reader = lambda path: read_parts(path, head)  # noqa: E731
    yield from _texts("list of heads", "heads.json", HEADS, _LISTS, read_list)
    yield from _texts("corrected parts", "parts.json", PARTS, _PARTS, read_head_parts)
    for name, text in _CSVS.items():
        content = text if isinstance(text, bytes) else text.encode()
        yield file_trial("Lists of heads as CSV", name, read_list, "heads.csv", writes(content))
    yield from _records()


def _texts(
    what: str, file_name: str, sound: Any, contents: dict[str, Any], read: Reader
) -> Iterator[Trial]:
    """A reader of JSON: files that are none, and values that are wrong."""
    for name, lay in spoilt(sound).items():
        yield file_trial(f"Files: {what}", name, read, file_name, lay)
    for name, content in contents.items():
        lay = writes(json.dumps(content).encode())
        yield file_trial(f"{what[0].upper()}{what[1:]}", name, read, file_name, lay)


def _records() -> Iterator[Trial]:
    """A record with every value of its, one after the other, made something else."""
    from blender_addon import clip_record
    from tests.robustness.security_record import record_text

    def read(path: Path) -> Any:
        record = clip_record.read_file(path)
        return clip_record.words(record), clip_record.request_fields(record)

    sound = json.loads(record_text(True))
    for name, lay in spoilt(sound).items():
        yield file_trial("Files: record of a clip", name, read, "clip.json", lay)
    places = [(room,) for room in sound]
    places += [
        (room, key) for room, held in sound.items() if isinstance(held, dict) for key in held
    ]
    for place in places:
        for name, value in _STRANGE.items():
            changed = copy.deepcopy(sound)
            _set(changed, place, value)
            lay = writes(json.dumps(changed).encode())
            yield file_trial(
                "Records of clips", f"{'.'.join(place)} {name}", read, "clip.json", lay
            )


def _set(values: Any, place: tuple[str, ...], value: Any) -> None:
    for key in place[:-1]:
        values = values[key]
    if value is _GONE:
        del values[place[-1]]
    else:
        values[place[-1]] = value


def _of_training() -> Iterator[Trial]:
    try:
        from training.datasets.marks import read_marks
        from training.datasets.sequence_folder import read_settings
        from training.expression_model.train_config import read_config
    except ModuleNotFoundError:
        return
    for name, text in _CONFIGS.items():
        yield file_trial("Settings of a run", name, read_config, "run.yaml", writes(text.encode()))
    for name, text in _DATASETS.items():
        yield file_trial(
            "Settings of recordings", name, read_settings, "dataset.yaml", writes(text.encode())
        )
    for name, text in _MARKS.items():
        yield file_trial("Marks", name, read_marks, "marks.csv", writes(text.encode()))


_GONE = object()
_STRANGE: dict[str, Any] = {
    "gone": _GONE,
    "nothing": None,
    "a list": [1, "a"],
    "a word": "x\x00y",
    "-1": -1,
    "NaN": float("nan"),
    "a group": {"type": "os", "values": {"path": "/"}},
}


def _head(**changes: Any) -> list[Any]:
    return [HEADS[0] | changes]


_LISTS: dict[str, Any] = {
    "nothing": None,
    "a word": "a.obj",
    "empty": [],
    "an empty row": [{}],
    "a row that is a word": ["a.obj"],
    "a row that is nothing": [None],
    "a head that is a number": _head(head=3),
    "a head that is nothing": _head(head=None),
    "a column nobody knows": _head(colour="red"),
    "expressions that are a word": _head(expressions="happy@1,2,3,4"),
    "expressions that are numbers": _head(expressions=[1, 2]),
    "an expression that is none": _head(expressions=["wink"]),
    "an expression of 5,000 letters": _head(expressions=["x" * 5000]),
    "a name that climbs": _head(name="../../etc/passwd"),
    "a name that is empty": _head(name=""),
    "a name that is a number": _head(name=7),
    "a name that Windows keeps for itself": _head(name="CON"),
    "a name of 5,000 letters": _head(name="x" * 5000),
    "the same head 1,000 times": HEADS * 1000,
    "a group, which is taken for a record": {"a": 1},
}
_CSVS: dict[str, Any] = {
    "missing columns": "a,b\n1,2\n",
    "the heading alone": "head,expressions,name\n",
    "empty": "",
    "no head in a row": "head,name\n,bob\n",
    "more cells than columns": "head\na.obj,b,c,d\n",
    "a quote without end": 'head,name\n"a.obj,bob\n',
    "a cell of 200,000 letters": "head\n" + "x" * 200_000 + "\n",
    "in UTF-16": "head\na.obj\n".encode("utf-16"),
    "in Latin-1": "head\nseñor.obj\n".encode("latin-1"),
    "zero bytes": "head\na\x00.obj\n",
    "with a byte order mark": "\ufeffhead\na.obj\n",
    "an expression that is none": "head,expressions\na.obj,wink\n",
    "semicolons between columns": "head;name\na.obj;bob\n",
}


def _part(**changes: Any) -> dict[str, Any]:
    return PARTS | {"parts": [PARTS["parts"][0] | changes]}  # type: ignore[index]


_PARTS: dict[str, Any] = {
    "a list": [],
    "no version": {"parts": []},
    "version 2": PARTS | {"version": 2},
    "version 'one'": PARTS | {"version": "one"},
    "version 0": PARTS | {"version": 0},
    "no parts": {"version": 1},
    "parts that are a word": PARTS | {"parts": "teeth"},
    "parts that are nothing": PARTS | {"parts": None},
    "a part that is a number": PARTS | {"parts": [3]},
    "a part without vertex": PARTS | {"parts": [{"kind": "tongue"}]},
    "a part without kind": PARTS | {"parts": [{"vertex": 7}]},
    "vertex -1": _part(vertex=-1),
    "vertex 40, of the next object": _part(vertex=40),
    "vertex 10 to the 40": _part(vertex=10**40),
    "vertex 2.5": _part(vertex=2.5),
    "vertex NaN": _part(vertex=float("nan")),
    "a vertex that is a word": _part(vertex="7"),
    "a vertex that is true": _part(vertex=True),
    "a vertex that is nothing": _part(vertex=None),
    "a kind nobody knows": _part(kind="whiskers"),
    "a kind that is a number": _part(kind=5),
    "a kind that is a list": _part(kind=["tongue"]),
    "an object nobody has": _part(object="hat"),
    "an object that is a list": _part(object=["head"]),
    "the same part 10,000 times": PARTS | {"parts": PARTS["parts"] * 10_000},  # type: ignore[operator]
}
_CONFIGS: dict[str, str] = {
    "a setting nobody knows": "colour: red\n",
    "a list": "- a\n- b\n",
    "a word": "fast\n",
    "a number in place of a path": "data: 3\n",
    "a word in place of a number": "seed: first\n",
    "a fraction in place of a count": "motion_steps: 2.5\n",
    "a group in place of a number": "seed: {a: 1}\n",
    "a decoder nobody knows": "model: {decoder: deconvolution}\n",
    "a setting twice": "seed: 1\nseed: 2\n",
    "tabs": "model:\n\tdecoder: hybrid\n",
    "a colon too many": "seed: 1: 2\n",
    "a bracket without end": "model: [1, 2\n",
    "an alias": "a: &a 1\nseed: *a\n",
    "an object of Python": "seed: !!python/object/apply:os.system ['true']\n",
    "a day that is none": "seed: 2020-99-99\n",
    "two documents": "seed: 1\n---\nseed: 2\n",
}
_DATASETS: dict[str, str] = {
    "a setting nobody knows": "colour: red\n",
    "a list": "- a\n",
    "a unit nobody knows": "unit: parsec\n",
    "a unit that is a number": "unit: 3\n",
    "a frame rate of 0": "frame_rate: 0\n",
    "a frame rate of NaN": "frame_rate: .nan\n",
    "a frame rate that is a word": "frame_rate: fast\n",
    "expressions that are a word": "expressions: smile\n",
    "labels that are a list": "labels: [a, b]\n",
    "a split that is a word": "split: even\n",
    "a neutral that is a list": "neutral: [a, b]\n",
    "a licence that is a number": "licence: 3\n",
}


def _rows(*rows: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


_HEADING = ("subject", "expression", "onset", "apex", "apex_end", "offset")
_marked = partial(_rows, _HEADING)
_MARKS: dict[str, str] = {
    "empty": "",
    "the heading alone": _marked(),
    "other columns": _rows(("a", "b"), (1, 2)),
    "a frame that is a word": _marked(("anna", "happy", "one", 2, 3, 4)),
    "a frame that is a fraction": _marked(("anna", "happy", 1.5, 2, 3, 4)),
    "a frame of 5,000 digits": _marked(("anna", "happy", "9" * 5000, 2, 3, 4)),
    "frames that fall": _marked(("anna", "happy", 4, 3, 2, 1)),
    "frames below 0": _marked(("anna", "happy", -4, -3, -2, -1)),
    "a row cut short": _marked(("anna", "happy", 1)),
    "a row twice": _marked(*[("anna", "happy", 1, 2, 3, 4)] * 2),
    "no subject": _marked(("", "happy", 1, 2, 3, 4)),
}
