"""Files of arrays that claim, hide or repeat what they do not hold; nobody asks for memory."""

import os
import struct
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from facegen_core.array_files import ArrayFileError, map_array, read_arrays

CLAIM = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }"


def npy(header: str, data: bytes = b"\0" * 12) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def archive(path, **entries: bytes):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(f"{name}.npy", content)
    return path


def refusal(path, **options) -> str:
    with pytest.raises(ArrayFileError) as caught:
        read_arrays(path, **options)
    assert len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_numpy_writes_comes_back(tmp_path):
    arrays = {
        "a": np.arange(12, dtype=np.float32).reshape(3, 4),
        "b": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "c": np.array(7, np.int32),
        "d": np.zeros((0, 3), np.float16),
        "e": np.arange(3, dtype=">f8"),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, values in arrays.items():
        assert np.array_equal(found[name], values)
        assert found[name].shape == values.shape
        assert found[name].dtype.isnative
    found["a"][0] = 1  # belongs to who reads it
    assert set(read_arrays(tmp_path / "a.npz", {"c", "nothing"})) == {"c"}


def _highest() -> int:
    """Bytes this process has taken at most."""
    import resource  # Windows has none

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _peak_of(path) -> tuple[int, str]:
    """Bytes more than before, and the refusal: in a process of its own."""
    before = _highest()
    try:
        read_arrays(path)
        said = "read"
    except ArrayFileError as error:
        said = str(error)
    return _highest() - before, said


@pytest.mark.skipif(os.name != "posix", reason="this system does not tell how much was taken")
def test_a_kilobyte_that_claims_a_trillion_numbers_costs_nothing(tmp_path):
    path = archive(tmp_path / "a.npz", vertices=npy(CLAIM))
    assert path.stat().st_size < 1000
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        bytes_more, said = pool.submit(_peak_of, path).result()
    assert "claims 1000000000000 × 3 numbers" in said
    assert bytes_more < 20_000_000


def test_a_bomb_of_zeros_is_refused_by_its_size(tmp_path):
    path = archive(
        tmp_path / "a.npz", a=npy(CLAIM.replace("1000000000000", "4000000"), bytes(48_000_000))
    )
    assert path.stat().st_size < 60_000
    assert "48 MB unpacked, at most 10 are read" in refusal(path, largest=10_000_000)


def test_an_entry_cannot_claim_more_than_deflate_makes(tmp_path):
    path = archive(tmp_path / "a.npz", a=npy(CLAIM))
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 900_000_000)
    path.write_bytes(content)
    assert "claims more than it can hold" in refusal(path)


def test_entries_that_lie_over_one_another_are_refused(tmp_path):
    """As in Fifield's zip bomb of 2019: many names for the same packed bytes."""
    path = archive(
        tmp_path / "a.npz", a=npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }")
    )
    content = path.read_bytes()
    begin, end = content.rindex(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    row = content[begin:end]
    rows = b"".join(row.replace(b"a.npy", bytes([97 + k]) + b".npy") for k in range(10))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 10, 10, len(rows), begin, 0)
    path.write_bytes(content[:begin] + rows + tail)
    said = refusal(path)
    assert "over one another" in said or "Overlapped" in said or "differ" in said


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("a.npy", npy(CLAIM))
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.npy", npy(CLAIM))
    assert "'a.npy' is there twice" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'x': 1, }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': " + "(" * 3000 + ")" * 3000 + ", }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1, 3), }",
        "__import__('os')",
    ],
)
def test_a_header_that_numpy_does_not_write_is_refused(tmp_path, header):
    refusal(archive(tmp_path / "a.npz", a=npy(header)))


def test_text_is_read_only_where_it_is_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", names=np.array(["one", "three"]))
    assert read_arrays(tmp_path / "a.npz", kinds="biufU")["names"].tolist() == ["one", "three"]
    assert "else than plain numbers" in refusal(tmp_path / "a.npz")


def test_a_damaged_byte_and_a_lost_end_are_noticed(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(1000.0))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[4000] ^= 1
    (tmp_path / "b.npz").write_bytes(content)
    assert "one of its entries is damaged" in refusal(tmp_path / "b.npz")
    (tmp_path / "c.npz").write_bytes(content[:5000])
    assert "damaged" in refusal(tmp_path / "c.npz")


def test_other_entries_and_packings_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("../../evil.py", "print()")
    assert "'../../evil.py' is no array" in refusal(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_LZMA) as file:
        file.writestr("a.npy", npy(CLAIM))
    assert "a way of its own" in refusal(tmp_path / "b.npz")


def test_a_mapped_array_holds_what_it_claims(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(24, dtype=np.float16).reshape(2, 4, 3))
    assert np.array_equal(map_array(tmp_path / "a.npy"), np.arange(24).reshape(2, 4, 3))
    (tmp_path / "b.npy").write_bytes(npy(CLAIM))
    with pytest.raises(ArrayFileError, match="claims 1000000000000 × 3 numbers"):
        map_array(tmp_path / "b.npy")
    with pytest.raises(FileNotFoundError):
        map_array(tmp_path / "c.npy")
