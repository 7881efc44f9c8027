"""Draw the pictures of the presets that come with Facegen; needs no Blender.

.venv/bin/python -m docs.pictures.preset_pictures
"""

from blender_addon import DEFAULT_BUNDLE, SHIPPED_PRESETS
from blender_addon.scene.png import encode_png
from facegen_core.bundle import load_bundle
from facegen_core.portraits import preset_picture
from facegen_core.preset_files import read_preset

# All of them are in every zip.
MAX_BYTES = 12_000


def main() -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    for path in sorted(SHIPPED_PRESETS.glob("*.json")):
        content = encode_png(preset_picture(bundle, read_preset(path)), MAX_BYTES)
        path.with_suffix(".png").write_bytes(content)


if __name__ == "__main__":
    main()
