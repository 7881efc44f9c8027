"""Output files that appear all at once under their own names, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from facegen_core import files
from facegen_core.errors import FacegenError


class Products:
    """``with Products() as products: write(products.path_for(final)); products.publish()``.

    Errors of the disk become one FacegenError, and sentences name the files as they will be called.
    """

    def __enter__(self) -> Products:
        self._moves: dict[Path, Path] = {}
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        for temporary in self._moves.values():
            files.discard(temporary)
        if isinstance(error, FacegenError):
            sentence = str(error)
            for final, temporary in self._moves.items():
                sentence = sentence.replace(str(temporary), str(final))
            if sentence != str(error):
                raise type(error)(sentence) from error
        elif isinstance(error, OSError) and self._is_ours(error):
            raise files.unwritable(list(self._moves)[-1], error) from error

    def path_for(self, final: Path) -> Path:
        """Where to write what will become `final`: the same suffix, in the same folder.

        Always absolute, because Blender resolves relative paths by other rules than Python.
        """
        if final not in self._moves:
            self._moves[final] = files.temporary_beside(final)
        return self._moves[final]

    def publish(self) -> None:
        """Move every file to its own name, replacing what was there."""
        for temporary in self._moves.values():  # a full disk that says so only now: nothing moves
            files.bring_to_disk(temporary)
        for final, temporary in self._moves.items():
            try:
                files.replace(temporary, final)
            except OSError as error:
                raise files.unwritable(final, error) from error

    def _is_ours(self, error: OSError) -> bool:
        """Whether it is about a product; a failed write names no file."""
        named = {None, *map(str, self._moves.values())}
        return bool(self._moves) and error.filename in named


def check_products(products: list[Path], sources: list[Path]) -> None:
    """Raise FacegenError unless every file can be written and none would replace another."""
    for product in products:
        try:
            product.stat()  # pathlib's own questions fail on a name that is too long
        except OSError as error:
            refusal = files.disk_refusal(error)
            if refusal:
                raise refusal from error
        if not product.parent.is_dir():
            raise FacegenError(f"There is no folder {product.parent}: make it first.")
        if product.is_dir():
            raise FacegenError(f"Cannot write {product}: it is a folder; choose another name.")
        if not os.access(product.parent, os.W_OK):
            raise FacegenError(
                f"Cannot write {product}: the folder may not be written to; choose another one."
            )
    resolved = [path.resolve() for path in (*products, *sources)]
    if len(set(resolved)) < len(resolved):
        raise FacegenError("Two files share one name: give every output a name of its own.")
