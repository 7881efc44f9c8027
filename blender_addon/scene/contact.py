"""What contact did to the last clip, kept on the head for the panel."""

from __future__ import annotations

import dataclasses
import json

from facegen_core.contact.report import ContactMeasure, ContactReport

from . import kept

# What the panel calls the measures.
WORDS = {
    "lip_penetration_mm": "Lips",
    "lid_penetration_mm": "Lids",
    "teeth_outside_mm": "Teeth",
}


def stored(report: ContactReport | None) -> str:
    """The report as text for a property; empty where contact was off."""
    return json.dumps(dataclasses.asdict(report)) if report else ""


def rows(text: str) -> list[tuple[str, float, float]]:
    """(what, mm before, mm after) of a stored report."""
    content = kept.mapping(text, "before", "after")
    if not all(isinstance(content.get(name), dict) for name in ("before", "after")):
        return []
    return [
        (
            WORDS.get(field.name, field.name),
            content["before"].get(field.name, 0.0),
            content["after"].get(field.name, 0.0),
        )
        for field in dataclasses.fields(ContactMeasure)
        if content["before"].get(field.name) is not None
    ]
