"""Output files that appear all at once under their own names, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from facegen_core.errors import FacegenError


class Products:
    """``with Products() as products: write(products.path_for(final)); products.publish()``."""

    def __enter__(self) -> Products:
        self._moves: dict[Path, Path] = {}
        return self

    def __exit__(self, *_: object) -> None:
        for temporary in self._moves.values():
            shutil.rmtree(temporary.parent, ignore_errors=True)

    def path_for(self, final: Path) -> Path:
        """Where to write what will become `final`: same name, same disk, a folder of its own.

        Always absolute, because Blender resolves relative paths by other rules than Python.
        """
        if final not in self._moves:
            try:
                folder = Path(tempfile.mkdtemp(prefix=".facegen-", dir=final.absolute().parent))
            except OSError as error:
                raise FacegenError(f"Cannot write {final}: {error.strerror}.") from error
            self._moves[final] = folder / final.name
        return self._moves[final]

    def publish(self) -> None:
        """Move every file to its own name, replacing what was there."""
        for final, temporary in self._moves.items():
            try:
                os.replace(temporary, final)
            except OSError as error:  # Windows: while another program has the file open
                raise FacegenError(
                    f"Cannot write {final}: {error.strerror}; close the program that has it open, "
                    "or choose another name."
                ) from error


def check_products(products: list[Path], sources: list[Path]) -> None:
    """Raise FacegenError unless every file can be written and none would replace another."""
    for product in products:
        if not product.parent.is_dir():
            raise FacegenError(f"There is no folder {product.parent}: make it first.")
        if product.is_dir():
            raise FacegenError(f"Cannot write {product}: it is a folder.")
        if not os.access(product.parent, os.W_OK):
            raise FacegenError(f"Cannot write {product}: the folder may not be written to.")
    resolved = [path.resolve() for path in (*products, *sources)]
    if len(set(resolved)) < len(resolved):
        raise FacegenError("Two files share one name: give every output a name of its own.")
