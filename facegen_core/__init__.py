"""Meshes, signals, models, registration and retargeting: everything that needs no Blender.

Geometry is in millimetres, right-handed, Y up, the face towards +Z (docs/design.md).
"""

__version__ = "0.1.0"
