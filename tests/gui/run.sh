#!/bin/sh
# run.sh CHROOT ZIP OUT: drive the built zip in a real Blender window and keep the screenshots.
#
# CHROOT is a Debian (trixie or newer) with blender, python3-numpy, python3-requests, python3-cattr,
# xvfb, xauth, xdotool, imagemagick and the Mesa software renderer; `/` where that is this machine.
# LIMIT, PATIENCE (environment): seconds for the whole visit (400) and for one job (300).
# `make test` does this by tests/gui/test_window.py. Exit code 0 when every step of window.py held.
set -eu
chroot=$1 zip=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
stage=$chroot/tmp/facegen-gui
rm -rf "$stage"
mkdir -p "$stage" "$out"
cp "$zip" "$stage/facegen.zip"
cp "$here"/*.py "$stage/"
status=0
chroot "$chroot" env -i HOME=/tmp/facegen-gui LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    PATIENCE_SECONDS="${PATIENCE:-300}" \
    BLENDER_USER_RESOURCES=/tmp/facegen-gui/user LIBGL_ALWAYS_SOFTWARE=1 GALLIUM_DRIVER=llvmpipe \
    timeout "${LIMIT:-400}" xvfb-run -a -s "-screen 0 1600x900x24 +extension GLX +render -noreset" \
    blender --factory-startup --window-geometry 0 0 1600 900 \
    --python /tmp/facegen-gui/window.py >"$out/blender.log" 2>&1 || status=$?
cp "$stage"/*.png "$stage"/steps.json "$out/" 2>/dev/null || true
if [ ! -f "$out/steps.json" ]; then
    echo "Blender ended (status $status) without a report; see $out/blender.log" >&2
    exit 1
fi
cat "$out/steps.json"
grep -q '"failed": \[\]' "$out/steps.json"
