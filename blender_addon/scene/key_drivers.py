"""Drivers from the sliders of a head to the keys of its rig.

They multiply properties, which Blender works out by itself: no Python runs, so they move the face
where scripts may not, such as in a file from somebody else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import bpy

from .solved_curves import value_path


@dataclass(frozen=True)
class Drive:
    """What drives one key: paths of properties of the head, which are multiplied.

    held_by: path of a switch that keeps the key at 0, or "".
    """

    factors: tuple[str, ...]
    held_by: str = ""

    @property
    def expression(self) -> str:
        """Within Blender's simple expressions."""
        product = " * ".join(f"f{k}" for k in range(len(self.factors)))
        if self.held_by:
            product += " * (1 - held)"
        return f"clamp({product})"


def drive(shape_keys: bpy.types.Key, name: str, head: bpy.types.Object, by: Drive) -> None:
    """Let properties of a head give the value of a key."""
    curve = shape_keys.driver_add(value_path(name))
    driver = curve.driver
    driver.type = "SCRIPTED"
    paths = {f"f{k}": path for k, path in enumerate(by.factors)}
    if by.held_by:
        paths["held"] = by.held_by
    for variable_name, path in paths.items():
        variable = driver.variables.new()
        variable.name, variable.type = variable_name, "SINGLE_PROP"
        variable.targets[0].id_type = "OBJECT"
        variable.targets[0].id = head
        variable.targets[0].data_path = path
    driver.expression = by.expression


def remove_drivers(shape_keys: bpy.types.Key, names: Collection[str]) -> None:
    """Remove the drivers of the values of these keys."""
    data = shape_keys.animation_data
    if data is None:
        return
    paths = {value_path(name) for name in names}
    for driver in [driver for driver in data.drivers if driver.data_path in paths]:
        data.drivers.remove(driver)


def rename(shape_keys: bpy.types.Key, names: Mapping[str, str]) -> None:
    """Drivers of keys that were {old name: new name} follow, where Blender did not see to it."""
    paths = {value_path(old): value_path(new) for old, new in names.items()}
    for driver in shape_keys.animation_data.drivers:
        driver.data_path = paths.get(driver.data_path, driver.data_path)
