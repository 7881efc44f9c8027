"""The command without a network: a head is matched, moved and exported, and nobody asks for one."""

import subprocess
import sys

from tests.blender.command import ROOT

# Refuses every connection and look-up, and tells of them: other machines, not pipes of this one.
WATCHED = """
import sys
asked = []
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        asked.append(f"{event} {arguments[1:]}")
        raise PermissionError("no network")
sys.addaudithook(refuse)
from blender_addon import cli
code = 0
for arguments in (["head", "-o", "head.obj"],
                  ["generate", "head.obj", "-e", "happy@1,4,6,9=1.0", "-o", "clip.fbx"]):
    code = code or cli.main(arguments)
print("asked:", asked, file=sys.stderr)
sys.stderr.flush()
import os
os._exit(code if not asked else 9)
"""


def test_the_command_asks_no_network(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": "", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "asked: []" in done.stderr
    assert (tmp_path / "clip.fbx").stat().st_size > 10_000
