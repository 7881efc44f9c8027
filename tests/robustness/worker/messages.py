"""Messages with bytes changed, cut out, put in and repeated, to the worker and to the host."""

from __future__ import annotations

import io
import json
import queue
import tracemalloc
from pathlib import Path

import numpy as np

from facegen_core.bundle import Bundle, bundle_hash
from facegen_core.errors import FacegenError
from facegen_core.motion_engine import MotionRequest
from facegen_core.worker import Service
from facegen_core.worker_channel import WorkerEndedError
from facegen_core.worker_engine import CPU, TorchEngine
from facegen_core.worker_protocol import (
    TO_HOST,
    TO_WORKER,
    Message,
    ProtocolError,
    StreamEndedError,
    packed,
    read_message,
)
from facegen_core.worker_talk import Made
from tests.core.worker_fixtures import curves
from tests.robustness.report import Case, Line

# More than the messages themselves take: what is claimed must not be taken.
MOST_BYTES = 1 << 30
# Numbers at which lengths go wrong.
NASTY = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
NASTY_JSON = (
    -1,
    0,
    2**31,
    2**63,
    10**30,
    1.5,
    "x",
    None,
    True,
    [],
    {},
    [2, 2**29, 2**29],
    "ü" * 99,
)


def mutated(
    bundle: Bundle, path: Path, count: int, rng: np.random.Generator
) -> tuple[list[Line], list[Case]]:
    """Half of them to the worker's service, half to what the host keeps of a request."""
    to_worker, to_host = _talk_to_worker(bundle, path), _talk_to_host(bundle)
    engine = TorchEngine(bundle, CPU)
    sentences: dict[str, str] = {}
    outcomes = {"refused": 0, "broken off": 0, "understood": 0}
    faults: list[str] = []
    largest = 0
    for number in range(count):
        is_worker = number % 2 == 0
        stream = _mutate(to_worker if is_worker else to_host, rng)
        tracemalloc.start()
        try:
            outcome, sentence = (_serve if is_worker else _receive)(stream, bundle, engine)
        except Exception as error:
            outcome, sentence = "refused", ""
            faults.append(f"{type(error).__name__}: {error}")
        largest = max(largest, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        outcomes[outcome] += 1
        if sentence:
            sentences.setdefault(_shape(sentence), sentence)
    told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items())
    lines = [
        Line(
            f"{count} mutated messages to worker and host: a sentence or a whole message",
            f"{told}; {len(faults)} other errors",
            not faults,
        ),
        Line(
            "memory they make the reader take: less than 1 GB",
            f"at most {largest / 1e6:.0f} MB",
            largest < MOST_BYTES,
        ),
    ]
    cases = [
        Case("Messages", f"mutated message, kind {k + 1} of refusal", text, _is_one_sentence(text))
        for k, text in enumerate(sorted(sentences.values()))
    ]
    cases += [Case("Messages", "fault", fault, False) for fault in sorted(set(faults))[:20]]
    return lines, cases


def _talk_to_worker(bundle: Bundle, path: Path) -> list[bytes]:
    """What a host says in one request, message by message."""
    request = MotionRequest(
        curves(12), 30.0, bundle.template.vertices, 0.5, rows=np.array([3, 7, 9])
    )
    made = Made(bundle, [request])
    names = {"path": str(path), "hash": bundle_hash(bundle)}
    said = [Message("open", {"device": "cpu"}), Message("load", names), *made.begin()]
    return [b"".join(map(bytes, packed(m))) for m in [*said, Message("generate", {"count": 1})]]


def _talk_to_host(bundle: Bundle) -> list[bytes]:
    """What a worker answers to a clip of 12 frames."""
    facts = {
        "python": "python",
        "python_version": "3.12.1",
        "torch_version": "2.6",
        "device": "cuda:0",
        "device_name": "a GPU",
        "memory_bytes": 8 << 30,
    }
    skin = np.ones((4, bundle.template.num_vertices, 3))
    said = [
        Message("report", facts),
        Message("loaded", {"hash": "0" * 64}),
        Message("progress", {"fraction": 0.5, "message": "Generating the motion"}),
        Message("notice", {"sentence": "Out of memory."}),
        Message("frames", {"number": 0, "start": 3}, {"skin": skin, "jaw": np.ones((4, 6))}),
        Message("done", {"number": 0, "count": 4}),
    ]
    return [b"".join(map(bytes, packed(m))) for m in said]


def _mutate(messages: list[bytes], rng: np.random.Generator) -> bytes:
    """One message is spoilt, the others stay; now and then their order is."""
    messages = list(messages)
    k = int(rng.integers(len(messages)))
    spoilt = bytearray(messages[k])
    how = rng.integers(8)
    place = int(rng.integers(min(len(spoilt), 400)))  # prefix and header, where lengths are
    if how == 0:
        spoilt[place] ^= 1 << int(rng.integers(8))
    elif how == 1:
        spoilt[8:12] = int(rng.choice(NASTY)).to_bytes(4, "little")
    elif how == 2:
        del spoilt[place : place + int(rng.integers(1, 40))]
    elif how == 3:
        spoilt[place:place] = rng.bytes(int(rng.integers(1, 40)))
    elif how == 4:
        spoilt[place:] = rng.bytes(int(rng.integers(0, 200)))
    elif how == 5:
        spoilt = bytearray(_with_other_header(bytes(spoilt), rng))
    elif how == 6:
        spoilt *= 2
    else:
        rng.shuffle(messages)
        return b"".join(messages)
    messages[k] = bytes(spoilt)
    return b"".join(messages)


def _with_other_header(message: bytes, rng: np.random.Generator) -> bytes:
    """The same with one value of the header put in place of another."""
    length = int.from_bytes(message[8:12], "little")
    header, arrays = json.loads(message[12 : 12 + length]), message[12 + length :]
    value = NASTY_JSON[int(rng.integers(len(NASTY_JSON)))]
    places = [*((header["fields"], name) for name in header["fields"]), (header, "kind")]
    for entry in header["arrays"]:
        places += [(entry, 0), (entry, 1), *((entry[1], i) for i in range(len(entry[1])))]
    holder, name = places[int(rng.integers(len(places)))]
    holder[name] = value
    text = json.dumps(header).encode()
    return message[:8] + len(text).to_bytes(4, "little") + text + arrays


def _serve(stream: bytes, bundle: Bundle, engine: TorchEngine) -> tuple[str, str]:
    """How a worker takes a stream that holds its model already, on the CPU."""
    answers: list[Message] = []
    service, source = Service(answers.append), io.BytesIO(stream)
    service._bundle, service._hash, service._engine = bundle, bundle_hash(bundle), engine
    while True:
        try:
            service.take(read_message(source, TO_WORKER))
        except StreamEndedError:
            refused = [a.fields["sentence"] for a in answers if a.kind == "refused"]
            whole = source.tell() == len(stream) and any(a.kind == "done" for a in answers)
            return ("understood" if whole else "broken off"), (refused or [""])[-1]
        except ProtocolError as error:
            return "refused", str(error)
        except FacegenError as error:
            return "refused", str(error)


def _receive(stream: bytes, bundle: Bundle, engine: TorchEngine) -> tuple[str, str]:
    """How a host takes a stream of answers."""
    made = Made(bundle, [MotionRequest(curves(12), 30.0)])
    made.begin()
    source: io.BytesIO = io.BytesIO(stream)
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    while True:
        try:
            message = read_message(source, TO_HOST)
            if message.kind in ("frames", "done"):
                made.take(message)
            heard.put(message.kind)
        except StreamEndedError:
            return ("understood" if made.is_complete else "broken off"), ""
        except WorkerEndedError as error:
            return "refused", f"The GPU worker ended: {error}."
        except ProtocolError as error:
            return "refused", str(error)


def _shape(sentence: str) -> str:
    """A sentence without what differs from one message to the next."""
    quoted = False
    kept = []
    for character in sentence:
        quoted ^= character == "'"
        if not quoted and not character.isdigit():
            kept.append(character)
    return "".join(kept)[:60]


def _is_one_sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text and len(text) < 300
