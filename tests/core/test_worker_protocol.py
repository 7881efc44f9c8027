"""Messages of the GPU worker: what goes in comes out, and nothing else comes through."""

import io
import json
import struct

import numpy as np
import pytest

from facegen_core.worker_protocol import (
    MAX_ARRAY_BYTES,
    MAX_HEADER_BYTES,
    TO_HOST,
    TO_WORKER,
    Message,
    ProtocolError,
    StreamEndedError,
    joined,
    packed,
    read_message,
    split,
    write_message,
)

CLIP = {
    "number": 3,
    "frames_per_second": 23.976,
    "lip_gap": -0.25,
    "generator": "lm4dgan",
    "seed": 2**70,
    "amount": 1.0,
}


def through(message: Message, known) -> Message:
    stream = io.BytesIO()
    write_message(stream, message)
    stream.seek(0)
    return read_message(stream, known)


def raw(header: object, rest: bytes = b"", magic: bytes = b"FGEN", version: int = 1) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<4sHHI", magic, version, 0, len(text)) + text + rest


def test_a_message_comes_out_as_it_went_in():
    values = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float32)
    got = through(Message("clip", CLIP, {"intensities": values}), TO_WORKER)
    assert (got.kind, got.fields) == ("clip", CLIP)
    assert list(got.arrays) == ["intensities"]
    np.testing.assert_array_equal(got.arrays["intensities"], values)


def test_messages_follow_one_another_and_empty_arrays_pass():
    stream = io.BytesIO()
    arrays = {"skin": np.zeros((0, 7, 3)), "jaw": np.zeros((0, 6))}
    write_message(stream, Message("frames", {"number": 0, "start": 0}, arrays))
    write_message(stream, Message("progress", {"fraction": 1, "message": "Größe \udc80 ☺"}))
    stream.seek(0)
    assert read_message(stream, TO_HOST).arrays["skin"].shape == (0, 7, 3)
    second = read_message(stream, TO_HOST)
    assert second.fields == {"fraction": 1.0, "message": "Größe \udc80 ☺"}
    with pytest.raises(StreamEndedError):
        read_message(stream, TO_HOST)


def test_double_precision_survives_the_pipe():
    values = np.random.default_rng(1).normal(scale=100.0, size=(40, 3))
    assert np.abs(joined(split(values)) - values).max() < 1e-11
    assert np.abs(values.astype(np.float32) - values).max() > 1e-6


@pytest.mark.parametrize(
    "content",
    [
        b"Traceback (most recent call last):",
        raw({"kind": "generate"}, magic=b"ABCD"),
        raw(b"\xff\xfe not JSON"),
        raw(b"[" * 40_000),
        raw([]),
        raw({"kind": "generate", "fields": {"count": 1}}),
        raw({"kind": "generate", "fields": {"count": 1}, "arrays": [], "more": 1}),
        raw({"kind": "unheard of", "fields": {}, "arrays": []}),
        raw({"kind": ["generate"], "fields": {"count": 1}, "arrays": []}),
        raw({"kind": "generate", "fields": {"count": True}, "arrays": []}),
        raw({"kind": "generate", "fields": {"count": "1"}, "arrays": []}),
        raw({"kind": "generate", "fields": {}, "arrays": []}),
        raw({"kind": "generate", "fields": {"count": 1}, "arrays": [["x", [1]]]}),
        raw({"kind": "clip", "fields": CLIP, "arrays": []}),
        raw({"kind": "clip", "fields": CLIP, "arrays": [["intensities", [3, 5, 6]]]}),
        raw({"kind": "clip", "fields": CLIP, "arrays": [["intensities", [2, -5, 6]]]}),
        raw({"kind": "clip", "fields": CLIP, "arrays": [["intensities", [2, 5.0, 6]]]}),
        raw({"kind": "clip", "fields": CLIP, "arrays": [["intensities", [2, 5]]]}),
        raw({"kind": "clip", "fields": CLIP, "arrays": [["intensities", [2, 2**20, 2**20]]]}),
        raw({"kind": "clip", "fields": CLIP, "arrays": ["intensities"]}),
        raw({"kind": "clip", "fields": CLIP, "arrays": [["intensities", [2, 0, 6]]] * 2}),
        raw(b'{"kind": "clip", "fields": {"amount": NaN}, "arrays": []}'),
        raw({"kind": "clip", "fields": {**CLIP, "amount": 10**400}, "arrays": []}),
        raw(
            json.dumps({"kind": "clip", "fields": CLIP, "arrays": []})
            .replace("1.0", "1e999")
            .encode()
        ),
        raw(b"{}", version=2),
        struct.pack("<4sHHI", b"FGEN", 1, 0, MAX_HEADER_BYTES + 1),
        struct.pack("<4sHHI", b"FGEN", 1, 7, 2) + b"{}",
    ],
)
def test_what_is_no_message_is_refused_with_one_sentence(content):
    with pytest.raises(ProtocolError) as refused:
        read_message(io.BytesIO(content), TO_WORKER)
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 250


def test_a_message_that_breaks_off_is_told_from_one_that_is_wrong():
    whole = b"".join(bytes(p) for p in packed(Message("generate", {"count": 2})))
    for length in (0, 5, 11, 12, 30, len(whole) - 1):
        with pytest.raises(StreamEndedError):
            read_message(io.BytesIO(whole[:length]), TO_WORKER)


def test_a_claimed_length_takes_no_memory_before_it_is_checked():
    """A header of a few bytes announces more than any machine has."""
    shape = [2, MAX_ARRAY_BYTES, MAX_ARRAY_BYTES]
    content = raw({"kind": "clip", "fields": CLIP, "arrays": [["intensities", shape]]})
    with pytest.raises(ProtocolError, match="too large"):
        read_message(io.BytesIO(content), TO_WORKER)


def test_what_is_too_large_to_send_is_refused_before_a_byte_is_sent():
    with pytest.raises(ProtocolError, match="too large"):
        packed(Message("progress", {"fraction": 0.0, "message": "x" * MAX_HEADER_BYTES}))


def test_another_version_is_named_as_such():
    with pytest.raises(ProtocolError, match="version 2, this one version 1"):
        read_message(io.BytesIO(raw(b"{}", version=2)), TO_WORKER)
