"""What each part of the target is: loose parts, and pieces that are welded into the skin.

Recognised by shape and place alone, against the skin and the inner parts that came along with the
fit; names of objects or materials are never read.
"""

from .find_parts import find_parts
from .scene import fit_sphere
from .sealed import near_seals

__all__ = ["find_parts", "fit_sphere", "near_seals"]
