"""What contact did to a clip: how deep things went before and after, in millimetres."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ContactMeasure:
    """The worst of a clip, mm beyond what the neutral already shows.

    lip_penetration_mm: one lip in the other. lid_penetration_mm: a lid in its eyeball.
    teeth_outside_mm: teeth or tongue through the skin of lips and cheeks.
    """

    lip_penetration_mm: float
    lid_penetration_mm: float
    teeth_outside_mm: float


@dataclass(frozen=True)
class ContactReport:
    """The motion as it was retargeted, and with contact resolved."""

    before: ContactMeasure
    after: ContactMeasure
