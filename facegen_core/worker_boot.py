"""First file of the GPU worker, run by its own Python: `python worker_boot.py FOLDER_OF_THE_CORE`.

Says in one sentence what that Python lacks. The core's folder comes last on the path, so that
nothing beside it hides a module of torch. Written for Pythons too old for the rest.
"""

import os
import runpy
import sys
from importlib.util import find_spec

OLDEST = (3, 10)

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != here]
sys.path.append(sys.argv[1])
if sys.version_info[:2] < OLDEST:
    sys.exit("it is Python %d.%d, 3.10 or newer is needed" % sys.version_info[:2])  # noqa: UP031
missing = [name for name in ("numpy", "scipy", "torch") if find_spec(name) is None]
if missing:
    sys.exit("it has no " + " and no ".join(missing))
runpy.run_module("facegen_core.worker", run_name="__main__")
