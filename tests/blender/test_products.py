"""Files of the command appear all at once, and why one cannot is told as it is."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from blender_addon.command.products import Products
from facegen_core import files
from facegen_core.errors import WriteError


def publish(path: Path) -> None:
    with Products() as products:
        products.path_for(path).write_text("new")
        products.publish()


def refusal(path: Path) -> str:
    """The sentence for a product that cannot be put in place; nothing of it stays."""
    listing = sorted(path.parent.iterdir())
    with pytest.raises(WriteError) as told:
        publish(path)
    assert sorted(path.parent.iterdir()) == listing
    return str(told.value)


def test_why_a_product_is_denied_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every denial is another program's: folders and disks are read-only as well."""
    path = tmp_path / "a.fbx"

    def denies(number: int, in_use: bool = False) -> None:
        def replace(source: Path, target: Path) -> None:
            error = OSError(number, "words of the system", str(source), None, str(target))
            if in_use:
                error.winerror = 32  # type: ignore[attr-defined]
            raise error

        monkeypatch.setattr(files.os, "replace", replace)

    denies(errno.EACCES)
    assert refusal(path) == (
        f"Cannot write {path}: you have no right to write there; choose a folder you may write to."
    )
    denies(errno.EROFS)
    assert refusal(path) == (
        f"Cannot write {path}: the disk is read-only; choose a folder you may write to."
    )
    denies(errno.EACCES, in_use=True)
    assert refusal(path) == (
        f"Cannot write {path}: another program has it open; close it there, or choose another name."
    )
    path.write_text("of somebody else")
    if os.name != "nt":  # where a file that exists is open elsewhere
        denies(errno.EPERM)
        assert refusal(path) == (
            f"Cannot write {path}: you have no right to replace it; choose another name or folder."
        )
