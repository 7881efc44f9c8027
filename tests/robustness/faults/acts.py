"""What Blender is doing when it is killed or refused a disk, by name."""

NAMES = (
    "writing FBX",
    "writing glTF",
    "writing USD",
    "writing Alembic",
    "saving a .blend",
    "saving a preset",
    "writing the asset library",
)
